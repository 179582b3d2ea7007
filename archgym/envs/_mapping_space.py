"""The design space of Mapping-v0, and the mapping that a design stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from archgym.errors import InvalidConfigError
from archgym.space import (
    Categorical,
    Condition,
    Design,
    Integer,
    Parameter,
    Permutation,
    Vector,
)
from simulators.accelerator.maestro import (
    Cluster,
    Directive,
    MaestroLayer,
    MaestroMapping,
    SpatialMap,
    TemporalMap,
)

__all__ = ["MappingEncoding"]

MAX_LEVELS = MaestroMapping.MAX_LEVELS

MEANINGS = {
    "K": "output channels",
    "C": "input channels",
    "Y": "output rows",
    "X": "output columns",
    "N": "images",
    "G": "groups",
}

Tile = TypeVar("Tile", int, NDArray[np.int64])
PackedDirective = tuple[int, int, int, int]
TEMPORAL, SPATIAL, CLUSTER = 1, 2, 3
NUMBER = {name: i for i, name in enumerate("CGKMNRSXY")}


@dataclass(frozen=True)
class MappingEncoding:
    """Designs of mappings for one layer on at most so many processing elements.

    Only dimensions above 1 are mapped; the filter's R and S are held whole. A design has, per level
    from the outermost, the spatial dimension and the order of the loops; per dimension the nested
    tile sizes, outermost first, counted in outputs for Y and X; and the cluster sizes. Tile sizes
    are the smallest with their number of iterations, cluster sizes the largest with their number
    of clusters: every value differs in effect, and every combination is a mapping.

    Raises:
        InvalidConfigError: levels out of range, or too few processing elements.
    """

    layer: MaestroLayer
    pes: int
    levels: int = 2
    """Most levels of a mapping."""
    min_levels: int = 2
    """Fewest; if below ``levels``, the number of levels is a parameter."""
    search_pes: bool = False
    """Whether the number of processing elements is a parameter, up to ``pes``."""

    def __post_init__(self) -> None:
        if not 1 <= self.min_levels <= self.levels <= MAX_LEVELS:
            raise InvalidConfigError(
                f"min_levels={self.min_levels}, levels={self.levels}. "
                f"Allowed: 1 <= min_levels <= levels <= {MAX_LEVELS}."
            )

    @cached_property
    def extents(self) -> dict[str, int]:
        """The mapped dimensions and their sizes; of Y and X, the outputs."""
        dims = self.layer.dims
        size = {dim: dims.get(dim, 1) for dim in "NGKC"}
        size["Y"] = (dims["Y"] - dims["R"]) // self.layer.stride[0] + 1
        size["X"] = (dims["X"] - dims["S"]) // self.layer.stride[1] + 1
        mapped = {dim: n for dim, n in size.items() if n > 1}
        return mapped or {"C": 1}

    def parameters(self) -> list[Parameter]:
        """Return the parameters of the design space."""
        found: list[Parameter] = []
        if self._variable:
            found.append(
                Integer(
                    name="levels",
                    low=self.min_levels,
                    high=self.levels,
                    description="Levels of the mapping.",
                )
            )
        for level in range(1, self.levels + 1):
            found += self._level(level)
        for levels in range(self.min_levels, self.levels + 1):
            found += self._array(levels)
        for dim, extent in self.extents.items():
            for levels in range(self.min_levels, self.levels + 1):
                found.append(
                    Vector(
                        name=f"tiles_{dim}{self._suffix(levels)}",
                        rows=tuple(_tilings(extent, levels)),
                        labels=tuple(f"level {i}" for i in range(1, levels + 1)),
                        description=f"Tile sizes of the {MEANINGS[dim]}, outermost level first.",
                        when=self._at(levels),
                        group=f"tiles_{dim}",
                    )
                )
        return found

    @property
    def _variable(self) -> bool:
        return self.min_levels < self.levels

    def _suffix(self, levels: int) -> str:
        return f"_of_{levels}" if self._variable else ""

    def _at(self, levels: int) -> Condition | None:
        return Condition("levels", (levels,)) if self._variable else None

    def _level(self, level: int) -> list[Parameter]:
        dims = tuple(self.extents)
        when = None
        if level > self.min_levels:
            when = Condition("levels", tuple(range(level, self.levels + 1)))
        return [
            Categorical(
                name=f"spatial_{level}",
                choices=dims,
                description=f"Dimension spread over the sub-clusters of level {level}.",
                when=when,
                group=f"level_{level}",
            ),
            Permutation(
                name=f"order_{level}",
                items=dims,
                description=f"Loops of level {level}, outermost first.",
                when=when,
                group=f"level_{level}",
            ),
        ]

    def _array(self, levels: int) -> list[Parameter]:
        counts = _powers_up_to(self.pes) if self.search_pes else (self.pes,)
        rows = {
            ((pes,) if self.search_pes else ()) + clusters
            for pes in counts
            for clusters in _clusterings(pes, levels)
        }
        labels = tuple(f"cluster {i}" for i in range(2, levels + 1))
        if self.search_pes:
            labels = ("PEs", *labels)
        if not labels:
            return []
        what = "Processing elements, then sub" if self.search_pes else "Sub"
        return [
            Vector(
                name=f"array{self._suffix(levels)}",
                rows=tuple(sorted(rows)),
                labels=labels,
                description=f"{what}-clusters of each level below the outermost.",
                when=self._at(levels),
                group="array",
            )
        ]

    # ---------------------------------------------------------------- decoding

    @cached_property
    def _vectors(self) -> dict[str, dict[str, tuple[int, ...]]]:
        return {
            p.name: dict(zip(p.values, p.rows, strict=True))
            for p in self.parameters()
            if isinstance(p, Vector)
        }

    def _row(self, design: Design, name: str, levels: int) -> tuple[int, ...]:
        name += self._suffix(levels)
        return self._vectors[name][str(design[name])] if name in self._vectors else ()

    def depth(self, design: Design) -> int:
        """Return the number of levels of a design."""
        return int(design.get("levels", self.levels))

    def array(self, design: Design) -> tuple[int, tuple[int, ...]]:
        """Return the processing elements and the cluster sizes of a design."""
        row = self._row(design, "array", self.depth(design))
        return (row[0], row[1:]) if self.search_pes else (self.pes, row)

    def tiles(self, design: Design) -> dict[str, tuple[int, ...]]:
        """Return the tile sizes of every mapped dimension, outermost level first."""
        depth = self.depth(design)
        return {dim: self._row(design, f"tiles_{dim}", depth) for dim in self.extents}

    def step(self, dim: str, tile: Tile) -> tuple[Tile, Tile]:
        """Return size and offset of a directive that holds ``tile`` elements, or outputs."""
        if dim not in "YX":
            return tile, tile
        stride = self.layer.stride[dim == "X"]
        return (tile - 1) * stride + self.layer.dims["R" if dim == "Y" else "S"], tile * stride

    def packed(self, design: Design) -> list[PackedDirective]:
        """Return a design's mapping as the directives that `evaluate_batch` takes."""
        tiles = self.tiles(design)
        clusters = self.array(design)[1]
        found: list[PackedDirective] = []
        for level in range(self.depth(design)):
            if level > 0:
                found.append((CLUSTER, 0, clusters[level - 1], 0))
            spatial = design[f"spatial_{level + 1}"]
            for dim in str(design[f"order_{level + 1}"]):
                kind = SPATIAL if dim == spatial else TEMPORAL
                found.append((kind, NUMBER[dim], *self.step(dim, tiles[dim][level])))
        return found

    def mapping(self, design: Design) -> MaestroMapping:
        """Return a design's mapping, the whole filter and dimensions of 1 left to MAESTRO."""
        names = "CGKMNRSXY"
        found: list[Directive] = []
        for kind, dim, size, offset in self.packed(design):
            if kind == CLUSTER:
                found.append(Cluster(size))
            else:
                make = SpatialMap if kind == SPATIAL else TemporalMap
                found.append(make(size, offset, names[dim]))
        return MaestroMapping(tuple(found))

    def l1_bytes(self, design: Design) -> int:
        """Return the L1 that the innermost tiles need, as MAESTRO counts it: double buffered."""
        return self.l1_bytes_of({dim: tiles[-1] for dim, tiles in self.tiles(design).items()})

    def l1_bytes_of(self, innermost: Mapping[str, int]) -> int:
        """Return the L1 that these innermost tiles need."""
        held = {**dict.fromkeys(self.layer.dims, 1), **innermost}
        for dim, filter_dim, stride in zip("YX", "RS", self.layer.stride, strict=True):
            size, reach = held[dim], self.layer.dims[filter_dim]
            held[filter_dim] = reach
            held[dim] = size * min(stride, reach) + max(reach - stride, 0)
        total = 0
        for dims in self.layer.tensor_dims():
            volume = 1
            for dim in dims:
                volume *= held[dim]
            total += 2 * volume
        return total


def _quotients(size: int) -> list[int]:
    """Return the different values of ceil(size / n), rising: one tile per iteration count."""
    return sorted({-(-size // n) for n in range(1, size + 1)})


def _tilings(size: int, levels: int) -> list[tuple[int, ...]]:
    """Return the nested tile sizes, each cutting the one before it, in rising order."""
    if levels == 0:
        return [()]
    return [(tile, *rest) for tile in _quotients(size) for rest in _tilings(tile, levels - 1)]


def _clusterings(pes: int, levels: int) -> set[tuple[int, ...]]:
    """Return the cluster sizes that leave no processing element idle that could be used."""
    if levels == 1:
        return {()}
    found: set[tuple[int, ...]] = set()
    for unit in {pes // n for n in range(1, pes + 1)}:
        for rest in _clusterings(unit, levels - 1):
            found.add((unit // _product(rest), *rest))
    return found


def _product(numbers: Sequence[int]) -> int:
    product = 1
    for number in numbers:
        product *= number
    return product


def _powers_up_to(pes: int) -> tuple[int, ...]:
    powers = {1 << i for i in range(pes.bit_length()) if 1 << i <= pes}
    return tuple(sorted(powers | {pes}))
