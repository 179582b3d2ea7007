"""What a mapping may look like: which loops run where, in which order, and what is kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulators.accelerator._frozen import FrozenMap
from simulators.errors import InvalidConfigError, did_you_mean

if TYPE_CHECKING:
    from simulators.accelerator._timeloop_yaml import Source

_PRESETS = Path(__file__).parent / "presets" / "constraints"

FULL = 0
"""A factor that is the layer's whole bound of that dimension (Timeloop writes it as 0)."""


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_bounds(what: str, bounds: Mapping[str, int], least: int) -> None:
    for dim, value in bounds.items():
        if not _is_int(value) or value < least:
            raise InvalidConfigError(
                f"constraints: {what} of {dim} is {value!r}. Give an integer of {least} or more."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopConstraints:
    """Constraints on the temporal, or on the spatial, loops of one level.

    Raises:
        InvalidConfigError: a factor below 0, a maximum below 1, a dimension named twice in the
            permutation, or a negative split.
    """

    factors: Mapping[str, int] = FrozenMap()
    """Dimension to its exact loop bound; `FULL` (0) is the layer's whole bound. A bound above the
    layer's is the layer's, as in Timeloop. Dimensions not named are free."""
    max_factors: Mapping[str, int] = FrozenMap()
    """Dimension to its largest loop bound."""
    permutation: tuple[str, ...] = ()
    """Innermost first: the order of the innermost loops. The others are free, outside of them."""
    split: int | None = None
    """Spatial loops only: how many of the dimensions, counted from the innermost, run along X;
    the others run along Y. None: free."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", FrozenMap(self.factors))
        object.__setattr__(self, "max_factors", FrozenMap(self.max_factors))
        object.__setattr__(self, "permutation", tuple(self.permutation))
        _check_bounds("factor", self.factors, 0)
        _check_bounds("maximum", self.max_factors, 1)
        if len(set(self.permutation)) != len(self.permutation):
            raise InvalidConfigError(
                f"constraints: permutation {self.permutation} names a dimension twice."
            )
        if self.split is not None and (not _is_int(self.split) or self.split < 0):
            raise InvalidConfigError(
                f"constraints: split is {self.split!r}. Give how many dimensions run along X, "
                "or None."
            )

    @property
    def dims(self) -> frozenset[str]:
        """Every dimension that is named."""
        return frozenset((*self.factors, *self.max_factors, *self.permutation))


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelConstraints:
    """Constraints on one storage level.

    Raises:
        InvalidConfigError: a tensor both kept and bypassed, or a split of temporal loops.
    """

    temporal: LoopConstraints = LoopConstraints()
    """The loops over this level's tiles."""
    spatial: LoopConstraints = LoopConstraints()
    """The fan-out from this level to the next inner one."""
    keep: frozenset[str] = frozenset()
    """Tensors that are stored here."""
    bypass: frozenset[str] = frozenset()
    """Tensors that are not. Tensors in neither are free; the outermost level keeps those."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "keep", frozenset(self.keep))
        object.__setattr__(self, "bypass", frozenset(self.bypass))
        both = sorted(self.keep & self.bypass)
        if both:
            raise InvalidConfigError(f"constraints: {', '.join(both)} both kept and bypassed.")
        if self.temporal.split is not None:
            raise InvalidConfigError("constraints: split belongs to spatial loops.")


@dataclass(frozen=True, slots=True)
class MappingConstraints:
    """Constraints on the mappings of an architecture; what no level names is free."""

    levels: Mapping[str, LevelConstraints] = field(default_factory=FrozenMap)
    """Level name to its constraints."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", FrozenMap(self.levels))

    @classmethod
    def from_timeloop(cls, source: "Source | list[Any]") -> "MappingConstraints":
        """Read Timeloop's constraints.

        Args:
            source: path, text or content: a list of targets, or a dictionary with the key
                "architecture_constraints", "mapspace_constraints" (both are joined), "mapspace",
                "constraints" or "targets".

        Raises:
            InvalidConfigError: unreadable, or a target that is malformed, given twice, or of a
                kind that is not modelled.
        """
        from simulators.accelerator._constraints_yaml import constraints_from_timeloop

        return constraints_from_timeloop(source)

    def to_timeloop(self) -> dict[str, Any]:
        """Return the constraints as Timeloop content, with the key "architecture_constraints"."""
        from simulators.accelerator._constraints_yaml import constraints_to_timeloop

        return constraints_to_timeloop(self)

    @classmethod
    def preset(cls, name: str) -> "MappingConstraints":
        """Return the constraints shipped for the architecture preset ``name``.

        Raises:
            InvalidConfigError: no such preset.
        """
        if name not in cls.presets():
            raise InvalidConfigError(
                f"unknown constraints {name!r}.{did_you_mean(name, cls.presets())} "
                f"Available: {', '.join(cls.presets())}; "
                "other constraints: MappingConstraints.from_timeloop."
            )
        return cls.from_timeloop(_PRESETS / f"{name}.yaml")

    @staticmethod
    def presets() -> list[str]:
        """Return the names of the constraints shipped with the project."""
        return sorted(path.stem for path in _PRESETS.glob("*.yaml"))

    def check(self, levels: Iterable[str], tensors: Iterable[str]) -> None:
        """Refuse names that an architecture with ``levels`` or a layer with ``tensors`` lacks.

        Dimensions are not checked: constraints are written for more than one kind of layer, and
        those on a dimension that a layer lacks have no effect.

        Raises:
            InvalidConfigError: naming the level or tensor.
        """
        known_levels, known_tensors = tuple(levels), tuple(tensors)
        for name, level in self.levels.items():
            if name not in known_levels:
                raise InvalidConfigError(
                    f"constraints: unknown level {name!r}.{did_you_mean(name, known_levels)} "
                    f"Levels: {', '.join(known_levels)}."
                )
            for tensor in sorted(level.keep | level.bypass):
                if tensor not in known_tensors:
                    raise InvalidConfigError(
                        f"constraints: level {name} names the unknown tensor {tensor!r}."
                        f"{did_you_mean(tensor, known_tensors)} "
                        f"Tensors: {', '.join(known_tensors)}."
                    )
