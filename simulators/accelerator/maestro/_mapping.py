"""Mapping directives: what each level of processing elements holds and how it moves on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

from simulators.accelerator.maestro._layer import DIMS, MaestroLayer
from simulators.errors import InvalidConfigError, InvalidMappingError

Size = int | str
"""A number of elements, or the layer's size of a dimension as in ``"Sz(R)"``."""

PackedDirective = tuple[int, int, int, int]

NAMES = (*DIMS, "X'", "Y'")
"""What a directive may map; an index is the number in the native core. X' and Y' are outputs."""

_TEMPORAL, _SPATIAL, _CLUSTER = 1, 2, 3


def _check(what: str, value: Size) -> None:
    if isinstance(value, str):
        if value[:3] == "Sz(" and value[3:-1] in DIMS and len(value) == 5 and value[4] == ")":
            return
        raise InvalidConfigError(
            f"{what} is {value!r}. Give a positive integer or the size of a dimension, as 'Sz(R)'."
        )
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 2**31:
        raise InvalidConfigError(f"{what} is {value!r}. Give a positive integer below 2**31.")


@dataclass(frozen=True, slots=True)
class _Map:
    """A directive that maps ``size`` elements of ``dim`` and moves on by ``offset``.

    Raises:
        InvalidConfigError: an unknown dimension, or a size or offset that is none.
    """

    size: Size
    """Elements that one sub-cluster holds at a time."""
    offset: Size
    """Elements to the next iteration (temporal) or the next sub-cluster (spatial)."""
    dim: str
    """Dimension: K C R S Y X N G M, or Y' X' for output rows and columns."""
    line: int | None = field(default=None, compare=False, repr=False)
    """Line of the text that it was read from."""

    def __post_init__(self) -> None:
        if self.dim not in NAMES:
            raise InvalidConfigError(
                f"{type(self).__name__}: unknown dimension {self.dim!r}. "
                f"Allowed: {', '.join(NAMES)}."
            )
        _check(f"{type(self).__name__}: the size of {self.dim}", self.size)
        _check(f"{type(self).__name__}: the offset of {self.dim}", self.offset)

    def __str__(self) -> str:
        return f"{type(self).__name__}({self.size},{self.offset}) {self.dim}"


class TemporalMap(_Map):
    """Elements held for one iteration; all sub-clusters hold the same ones."""

    __slots__ = ()


class SpatialMap(_Map):
    """Elements spread over the sub-clusters, ``offset`` apart."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Cluster:
    """Groups processing elements: the directives after it describe the inside of a group.

    Raises:
        InvalidConfigError: a size that is none, or a kind other than P or L.
    """

    size: Size
    """Sub-clusters, or processing elements, of one group."""
    kind: str = "P"
    """P (physical) or L (logical); MAESTRO treats them alike."""
    line: int | None = field(default=None, compare=False, repr=False)
    """Line of the text that it was read from."""

    def __post_init__(self) -> None:
        _check("Cluster: the size", self.size)
        if self.kind not in ("P", "L"):
            raise InvalidConfigError(f"Cluster: kind is {self.kind!r}. Allowed: P, L.")

    def __str__(self) -> str:
        return f"Cluster({self.size},{self.kind})"


Directive = TemporalMap | SpatialMap | Cluster


@dataclass(frozen=True, slots=True)
class MaestroMapping:
    """A mapping: directives from the outermost loop to the innermost, cut into levels by `Cluster`.

    A level may leave out dimensions: it then inherits the directive of the level above, as the
    outermost, and what no level maps is held whole. Each level needs one `SpatialMap`; R and S must
    be held whole wherever they are mapped.

    Raises:
        InvalidConfigError: no directives, or something that is none.
    """

    directives: tuple[Directive, ...]
    """`TemporalMap`, `SpatialMap` and `Cluster`, outermost first."""

    MAX_LEVELS: ClassVar[int] = 4

    def __post_init__(self) -> None:
        object.__setattr__(self, "directives", tuple(self.directives))
        if not self.directives:
            raise InvalidConfigError(
                "a mapping has no directives. Give at least one SpatialMap, as in "
                "'SpatialMap(1,1) K;'."
            )
        for directive in self.directives:
            if not isinstance(directive, TemporalMap | SpatialMap | Cluster):
                raise InvalidConfigError(
                    f"{directive!r} is no directive. Allowed: TemporalMap, SpatialMap, Cluster."
                )

    @staticmethod
    def from_text(text: str) -> "MaestroMapping":
        """Read directives: ``SpatialMap(1,1) K; Cluster(64,P); ...``, or a Dataflow block.

        Raises:
            InvalidConfigError: the text cannot be read; the message names the line.
        """
        return _from_text(text)

    def to_text(self) -> str:
        """Return the directives one a line, as `from_text` and MAESTRO read them."""
        return "".join(f"{directive};\n" for directive in self.directives)

    @property
    def levels(self) -> tuple[tuple[Directive, ...], ...]:
        """The directives of each level, clusters left out."""
        levels: list[list[Directive]] = [[]]
        for directive in self.directives:
            if isinstance(directive, Cluster):
                levels.append([])
            else:
                levels[-1].append(directive)
        return tuple(map(tuple, levels))

    def resolved(self, layer: MaestroLayer) -> "MaestroMapping":
        """Return the mapping with every ``Sz(...)`` replaced by the layer's size.

        Raises:
            InvalidMappingError: it names a dimension that the layer lacks.
        """
        number = [
            (size_of(d, d.size, layer), 1 if isinstance(d, Cluster) else d.offset)
            for d in self.directives
        ]
        return MaestroMapping(
            tuple(
                Cluster(size, d.kind, d.line)
                if isinstance(d, Cluster)
                else type(d)(size, size_of(d, offset, layer), d.dim, d.line)
                for d, (size, offset) in zip(self.directives, number, strict=True)
            )
        )

    def packed(self, layer: MaestroLayer) -> list[PackedDirective]:
        """Return the directives as the native core takes them: (kind, dimension, size, offset).

        Raises:
            InvalidMappingError: it names a dimension that the layer lacks.
        """
        return list(_packed(self, layer.dims))


def size_of(directive: Directive, size: Size, layer: MaestroLayer) -> int:
    """Return ``size`` as a number.

    Raises:
        InvalidMappingError: it is the size of a dimension that the layer lacks.
    """
    return _number(directive, size, layer.dims)


def place(directive: Directive) -> str:
    """Return ``"line 3: "`` for a directive read from text, else ``""``."""
    return f"line {directive.line}: " if directive.line else ""


def _number(directive: Directive, size: Size, dims: Mapping[str, int]) -> int:
    if isinstance(size, int):
        return size
    if size[3] not in dims:
        raise InvalidMappingError(
            f"{place(directive)}{directive} asks for the size of {size[3]}, which the layer does "
            f"not have. Its dimensions: {', '.join(dims)}.",
            reason="unknown_dimension",
        )
    return dims[size[3]]


@lru_cache(maxsize=4096)
def _packed(mapping: MaestroMapping, dims: Mapping[str, int]) -> Sequence[PackedDirective]:
    rows: list[PackedDirective] = []
    for d in mapping.directives:
        size = _number(d, d.size, dims)
        if isinstance(d, Cluster):
            rows.append((_CLUSTER, 0, size, 0))
        else:
            kind = _SPATIAL if isinstance(d, SpatialMap) else _TEMPORAL
            rows.append((kind, NAMES.index(d.dim), size, _number(d, d.offset, dims)))
    return tuple(rows)


@lru_cache(maxsize=4096)
def _from_text(text: str) -> MaestroMapping:
    from simulators.accelerator.maestro._parser import parse_mapping

    return parse_mapping(text)
