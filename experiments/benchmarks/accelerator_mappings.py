"""Random mappings in the shape of Eyeriss's row-stationary dataflow, to measure with."""

import numpy as np
from numpy.typing import NDArray

from simulators.accelerator import Architecture, Layer, MappingBatch, evaluate_batch

KEEP = {
    "DRAM": ("Weights", "Inputs", "Outputs"),
    "shared_glb": ("Inputs", "Outputs"),
    "DummyBuffer": (),
    "ifmap_spad": ("Inputs",),
    "weights_spad": ("Weights",),
    "psum_spad": ("Outputs",),
}
PLACES = {
    "R": (("weights_spad", 0),),
    "S": (("DummyBuffer", 2),),
    "P": (("shared_glb", 0), ("DRAM", 0)),
    "Q": (("DRAM", 0), ("shared_glb", 1)),
    "C": (("DRAM", 0), ("shared_glb", 0), ("DummyBuffer", 2), ("weights_spad", 0)),
    "M": (("DRAM", 0), ("shared_glb", 0), ("shared_glb", 1), ("DummyBuffer", 2), ("psum_spad", 0)),
    "N": (("DRAM", 0),),
}
"""Dimension -> levels and kinds (0 temporal, 1 along X, 2 along Y) that its factors may go to."""
_DRAWN = 4096


def legal_mappings(architecture: Architecture, layer: Layer, count: int, seed: int) -> MappingBatch:
    """Return ``count`` different-looking legal mappings: factors and loop orders at random.

    Raises:
        ValueError: hardly any random mapping is legal.
    """
    rng = np.random.default_rng(seed)
    parts: list[MappingBatch] = []
    found = 0
    for _ in range(400):
        drawn = _draw(architecture, layer, rng)
        legal = evaluate_batch(architecture, layer, drawn).valid
        parts.append(_rows(drawn, legal))
        found += int(legal.sum())
        if found >= count:
            break
    else:
        raise ValueError(f"{layer.name}: only {found} of {count} legal mappings were found.")
    bounds, dims, levels, kinds = (
        np.concatenate([getattr(part, name) for part in parts])[:count] for name in _COLUMNS
    )
    return MappingBatch(bounds, dims, levels, kinds, parts[0].keep)


_COLUMNS = ("bounds", "dims", "levels", "kinds")


def _rows(batch: MappingBatch, chosen: NDArray[np.bool_]) -> MappingBatch:
    bounds, dims, levels, kinds = (getattr(batch, name)[chosen] for name in _COLUMNS)
    return MappingBatch(bounds, dims, levels, kinds, batch.keep)


def _draw(architecture: Architecture, layer: Layer, rng: np.random.Generator) -> MappingBatch:
    """Draw mappings, legal or not: every prime factor goes to a random place of its dimension."""
    names = [level.name for level in architecture.levels]
    dims = list(layer.dims)
    places = [(d, names.index(level), kind) for d in dims for level, kind in PLACES[d]]
    bounds = np.ones((_DRAWN, len(places)), dtype=np.int32)
    for dim, size in layer.dims.items():
        slots = [i for i, place in enumerate(places) if place[0] == dim]
        for prime in _primes(size):
            slot = rng.choice(slots, size=_DRAWN)
            bounds[np.arange(_DRAWN), slot] *= prime
    level = np.array([place[1] for place in places])
    kind = np.array([place[2] for place in places])
    # Nest order, loops of one block at random.
    order = np.argsort(level * 2.0 + (kind > 0) + rng.random(bounds.shape) * 0.5, axis=1)
    keep = np.array([[[t.name in KEEP[name] for t in layer.tensors] for name in names]])
    return MappingBatch(
        np.take_along_axis(bounds, order, axis=1),
        np.array([dims.index(place[0]) for place in places], dtype=np.int8)[order],
        level.astype(np.int8)[order],
        kind.astype(np.int8)[order],
        keep.astype(np.uint8),
    )


def _primes(size: int) -> list[int]:
    factors, divisor = [], 2
    while size > 1:
        if size % divisor:
            divisor += 1
        else:
            factors.append(divisor)
            size //= divisor
    return factors
