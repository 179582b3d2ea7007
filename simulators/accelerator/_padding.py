"""Bounds a little larger than a layer's, for mappings that no perfect factors allow."""

from itertools import pairwise
from math import ceil

from simulators.accelerator._architecture import Architecture, Compute, Level
from simulators.accelerator._layer import Layer

MOST_PADDING = 1.34
"""Largest enlargement of a bound."""


def larger_bounds(arch: Architecture, layer: Layer) -> list[dict[str, int]]:
    """Return single enlargements worth trying, those of the longest dimensions first.

    A dimension grows to the next multiple of a divisor of a fan-out: then a spatial loop can take
    a whole row or column of the mesh, or an even part of it.
    """
    parts: tuple[Level | Compute, ...] = (*arch.levels, arch.compute)
    meshes = [(part.mesh_x or 1, part.mesh_y) for part in parts]
    fans = {
        max(inside // outside, 1)
        for outer, inner in pairwise(meshes)
        for outside, inside in zip(outer, inner, strict=True)
    }
    divisors = {d for fan in fans for d in range(2, fan + 1) if fan % d == 0} | {2}
    trials = []
    for dim, bound in sorted(layer.dims.items(), key=lambda item: -item[1]):
        grown = {ceil(bound / divisor) * divisor for divisor in divisors} - {bound}
        trials += [{dim: n} for n in sorted(grown) if 1 < bound < n <= MOST_PADDING * bound]
    return trials
