"""Random architectures, layers and mappings, on which core and literal model are compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from experiments.validation import accelerator_literal as literal
from simulators.accelerator._architecture import Architecture, Compute, Level
from simulators.accelerator._layer import Layer, Tensor
from simulators.accelerator._mapping import Block, Mapping

_SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12)
_WINDOWS = (1, 1, 2, 3, 5)
_MACS = 20_000
"""Largest layer: a literal walk takes milliseconds."""
_INSTANCES = 48
"""Most instances of the innermost fan-out."""


@dataclass(frozen=True, slots=True)
class Case:
    """One evaluation."""

    architecture: Architecture
    layer: Layer
    mapping: Mapping
    year_2022: bool = False
    """Whether fills are counted as by Timeloop in 2022."""


def make_case(rng: np.random.Generator) -> Case:
    """Draw a case; some of its mappings do not fit, some machines are tight."""
    layer = _layer(rng)
    architecture = _architecture(rng)
    mapping = _mapping(rng, architecture, layer)
    return Case(architecture, layer, mapping, year_2022=bool(rng.random() < 0.1))


def literal_inputs(
    case: Case,
) -> tuple[literal.Machine, literal.Workload, list[literal.Block]]:
    """Return the case in the literal model's own terms."""
    architecture, layer = case.architecture, case.layer
    compute = architecture.compute
    machine = literal.Machine(
        levels=tuple(_storage(level) for level in architecture.levels),
        mac_name=compute.name,
        mac_instances=compute.instances,
        mac_mesh_x=compute.mesh_x or compute.instances,
        mac_energy_pj=compute.energy_pj,
        mac_area_um2=compute.area_um2,
    )
    spaces = tuple(literal.Space(t.name, t.axes, t.output) for t in layer.tensors)
    blocks = [literal.Block(b.level, b.temporal, b.spatial, b.keep) for b in case.mapping.blocks]
    return machine, literal.Workload(dict(layer.dims), spaces), blocks


def _storage(level: Level) -> literal.Storage:
    built_in = literal.built_in_energy_pj(
        level.technology == "DRAM",
        level.depth or 0,
        level.word_bits * level.block_size,
        level.cluster_size,
    )
    return literal.Storage(
        name=level.name,
        dram=level.technology == "DRAM",
        rows=level.depth,
        block_size=level.block_size,
        word_bits=level.word_bits,
        instances=level.instances,
        mesh_x=level.mesh_x or level.instances,
        cluster_size=level.cluster_size,
        multiple_buffering=level.multiple_buffering,
        read_bandwidth=level.read_bandwidth,
        write_bandwidth=level.write_bandwidth,
        shared_bandwidth=level.shared_bandwidth,
        read_energy_pj=built_in if level.read_energy_pj is None else level.read_energy_pj,
        write_energy_pj=built_in if level.write_energy_pj is None else level.write_energy_pj,
        area_um2=level.area_um2,
    )


def _layer(rng: np.random.Generator) -> Layer:
    while True:
        layer = _KINDS[int(rng.integers(len(_KINDS)))](rng)
        if layer.macs <= _MACS:
            return layer


def _pick(rng: np.random.Generator, choices: Sequence[int]) -> int:
    return int(choices[int(rng.integers(len(choices)))])


def _convolution(rng: np.random.Generator) -> dict[str, int | tuple[int, int]]:
    return {
        "n": _pick(rng, (1, 1, 1, 2, 3)),
        "c": _pick(rng, _SIZES),
        "r": _pick(rng, _WINDOWS),
        "s": _pick(rng, _WINDOWS),
        "p": _pick(rng, _SIZES),
        "q": _pick(rng, _SIZES),
        "stride": (_pick(rng, (1, 1, 2, 3)), _pick(rng, (1, 1, 2, 4))),
        "dilation": (_pick(rng, (1, 1, 2)), _pick(rng, (1, 1, 3))),
    }


def _conv(rng: np.random.Generator) -> Layer:
    return Layer.conv(m=_pick(rng, _SIZES), **_convolution(rng))  # type: ignore[arg-type]


def _depthwise(rng: np.random.Generator) -> Layer:
    return Layer.depthwise(**_convolution(rng))  # type: ignore[arg-type]


def _grouped(rng: np.random.Generator) -> Layer:
    groups, channels = _pick(rng, (2, 3, 4)), _pick(rng, _SIZES)
    return Layer.grouped(g=groups, m=channels, **_convolution(rng))  # type: ignore[arg-type]


def _product(rng: np.random.Generator) -> Layer:
    m, n, k = (_pick(rng, (*_SIZES, 16, 24)) for _ in range(3))
    if rng.random() < 0.5:
        return Layer.matmul(m=m, n=n, k=k)
    return Layer.batched_matmul(b=_pick(rng, (2, 3)), m=m, n=n, k=k)


def _general(rng: np.random.Generator) -> Layer:
    names = [*"ABCDE"[: int(rng.integers(2, 6))]]
    dims = {name: _pick(rng, _SIZES) for name in names}
    count = int(rng.integers(2, 5))
    tensors = tuple(
        Tensor(f"T{number}", _axes(rng, names), output=number == count - 1)
        for number in range(count)
    )
    return Layer.general(dims, tensors, "general")


def _axes(rng: np.random.Generator, names: list[str]) -> tuple[tuple[tuple[str, int], ...], ...]:
    """Draw axes: each a sum of one to three dimensions; one may appear in several axes."""
    axes = []
    for _ in range(int(rng.integers(1, 4))):
        chosen = rng.choice(names, size=int(rng.integers(1, min(3, len(names)) + 1)), replace=False)
        axes.append(tuple((str(name), _pick(rng, (1, 1, 1, 2, 3))) for name in chosen))
    return tuple(axes)


_KINDS = (_conv, _conv, _depthwise, _grouped, _product, _general)


def _architecture(rng: np.random.Generator) -> Architecture:
    count = int(rng.integers(1, 6))
    reaches = []
    columns = rows = 1
    for _ in range(count):
        x, y = _pick(rng, (1, 1, 2, 3, 4, 6)), _pick(rng, (1, 1, 1, 2, 3))
        if columns * rows * x * y > _INSTANCES:
            x = y = 1
        columns, rows = columns * x, rows * y
        reaches.append((columns, rows))
    meshes = [(1, 1), *reaches]
    levels = tuple(_level(rng, number, meshes[number]) for number in range(count))
    x, y = meshes[-1]
    compute = Compute(
        name="mac", instances=x * y, mesh_x=x, energy_pj=_energy(rng), area_um2=_energy(rng)
    )
    return Architecture("random", levels, compute)


def _energy(rng: np.random.Generator) -> float:
    return round(float(rng.uniform(0.1, 200)), 5)


def _level(rng: np.random.Generator, number: int, mesh: tuple[int, int]) -> Level:
    x, y = mesh
    outermost = number == 0
    clusters = [size for size in (1, 1, 2, 4) if x * y % size == 0]
    bandwidths = [
        round(float(rng.uniform(0.05, 4)), 3) if rng.random() < 0.25 else None for _ in range(3)
    ]
    return Level(
        name=f"L{number}",
        technology="DRAM" if outermost and rng.random() < 0.8 else "SRAM",
        depth=None if outermost else _pick(rng, (16, 64, 256, 4096, 4096, 65536)),
        block_size=_pick(rng, (1, 1, 2, 4, 7)),
        word_bits=_pick(rng, (8, 16, 24)),
        instances=x * y,
        mesh_x=x,
        cluster_size=_pick(rng, clusters),
        multiple_buffering=float(rng.choice([1.0, 1.0, 1.0, 2.0, 1.5])),
        read_bandwidth=bandwidths[0],
        write_bandwidth=bandwidths[1],
        shared_bandwidth=bandwidths[2],
        read_energy_pj=_energy(rng) if rng.random() < 0.9 else None,
        write_energy_pj=_energy(rng) if rng.random() < 0.9 else None,
        area_um2=_energy(rng),
    )


def _mapping(rng: np.random.Generator, architecture: Architecture, layer: Layer) -> Mapping:
    count = len(architecture.levels)
    parts: list[Level | Compute] = [*architecture.levels, architecture.compute]
    temporal: list[list[tuple[str, int]]] = [[] for _ in range(count)]
    spatial: list[list[tuple[str, int, str]]] = [[] for _ in range(count)]
    left = [
        {
            "X": (inner.mesh_x or 1) // (outer.mesh_x or 1),
            "Y": inner.mesh_y // outer.mesh_y,
        }
        for outer, inner in pairwise(parts)
    ]
    loose = rng.random() < 0.03  # now and then more than the fan-out
    share_spatial = float(rng.choice([0.2, 0.5, 0.9]))
    for dim, size in layer.dims.items():
        for factor in _factors(rng, size):
            number, axis = int(rng.integers(count)), "XY"[int(rng.integers(2))]
            if rng.random() < share_spatial and (loose or left[number][axis] >= factor):
                left[number][axis] //= factor
                spatial[number].append((dim, factor, axis))
            else:
                temporal[number].append((dim, factor))
    names = [tensor.name for tensor in layer.tensors]
    blocks = []
    for number, level in enumerate(architecture.levels):
        share = 0.95 if number == 0 else 0.7
        blocks.append(
            Block(
                level.name,
                tuple(temporal[number][i] for i in rng.permutation(len(temporal[number]))),
                tuple(spatial[number][i] for i in rng.permutation(len(spatial[number]))),
                frozenset(name for name in names if rng.random() < share),
            )
        )
    return Mapping(tuple(blocks))


def _factors(rng: np.random.Generator, size: int) -> list[int]:
    """Split ``size`` into prime factors, some of them joined."""
    factors: list[int] = []
    divisor = 2
    while size > 1:
        while size % divisor:
            divisor += 1
        size //= divisor
        if factors and rng.random() < 0.3:
            factors[-1] *= divisor
        else:
            factors.append(divisor)
    return factors


def describe(case: Case) -> str:
    """Name the kind of layer, to group results by."""
    names = {tensor.name for tensor in case.layer.tensors}
    if "Weights" not in names:
        return "general"
    if "M" not in case.layer.dims:
        return "depthwise"
    if case.layer.name.startswith("matmul"):
        return "matrix product"
    return "grouped" if "G" in case.layer.dims else "convolution"
