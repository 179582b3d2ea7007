"""The schedule: which loops run at which storage level, in time or in space, and what is kept."""

from collections.abc import Iterable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulators.errors import InvalidConfigError

if TYPE_CHECKING:
    from simulators.accelerator._timeloop_yaml import Source

TENSORS = ("Weights", "Inputs", "Outputs")


@dataclass(frozen=True, slots=True)
class Block:
    """The loops of one storage level: the temporal ones, and inside them the spatial ones.

    Raises:
        InvalidConfigError: a bound that is no positive integer, or an axis other than X and Y.
    """

    level: str
    """Name of the storage level."""
    temporal: tuple[tuple[str, int], ...] = ()
    """(dimension, bound), outermost first."""
    spatial: tuple[tuple[str, int, str], ...] = ()
    """(dimension, bound, "X" or "Y"), outermost first: the fan-out to the next inner level."""
    keep: frozenset[str] = frozenset()
    """Tensors stored at this level; the others pass it by."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "temporal", tuple((d, b) for d, b in self.temporal))
        object.__setattr__(self, "spatial", tuple((d, b, a) for d, b, a in self.spatial))
        object.__setattr__(self, "keep", frozenset(self.keep))
        for dim, bound, *axis in (*self.temporal, *self.spatial):
            if isinstance(bound, bool) or not isinstance(bound, int) or not 1 <= bound < 2**31:
                raise InvalidConfigError(
                    f"mapping: loop {dim} at level {self.level} has the bound {bound!r}. "
                    "Give an integer from 1 to 2**31 - 1."
                )
            if axis and axis[0] not in ("X", "Y"):
                raise InvalidConfigError(
                    f"mapping: spatial loop {dim} at level {self.level} runs along {axis[0]!r}. "
                    "Allowed: 'X', 'Y'."
                )


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping of a layer onto an architecture: one block per storage level, outermost first."""

    blocks: tuple[Block, ...]
    """Outermost first, in the architecture's order."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocks", tuple(self.blocks))
        levels = [block.level for block in self.blocks]
        if not levels:
            raise InvalidConfigError("mapping: no blocks. Give one per storage level.")
        for level in levels:
            if levels.count(level) > 1:
                raise InvalidConfigError(
                    f"mapping: level {level} has more than one block. Join their loops in one."
                )

    @classmethod
    def from_loops(
        cls, loops: Iterable[AnyMapping[str, Any]], keep: AnyMapping[str, Iterable[str]]
    ) -> "Mapping":
        """Build a mapping from plain lists.

        Args:
            loops: outermost level first, each ``{"level": name, "temporal": [[dim, bound], ...],
                "spatial": [[dim, bound, "X" | "Y"], ...]}``, loops outermost first.
            keep: level name to the tensors stored there; every level of ``loops``.

        Raises:
            InvalidConfigError: a key, level or bound that is missing, unknown or out of range.
        """
        if not isinstance(keep, AnyMapping) or not isinstance(loops, Iterable):
            raise InvalidConfigError(
                f"mapping: loops is {loops!r} and keep {keep!r}. Give a list and a dictionary."
            )
        blocks = []
        for entry in loops:
            if not isinstance(entry, AnyMapping) or not isinstance(entry.get("level"), str):
                raise InvalidConfigError(f"mapping: {entry!r} names no level.")
            unknown = set(entry) - {"level", "temporal", "spatial"}
            if unknown:
                raise InvalidConfigError(
                    f"mapping: level {entry['level']} has the unknown keys {sorted(unknown)}. "
                    "Allowed: level, temporal, spatial."
                )
            blocks.append(_block(entry, keep))
        extra = set(keep) - {block.level for block in blocks}
        if extra:
            raise InvalidConfigError(
                f"mapping: keep names {sorted(extra)}, which have no loops. "
                f"Levels: {', '.join(block.level for block in blocks)}."
            )
        return cls(tuple(blocks))

    def to_loops(self) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
        """Return ``(loops, keep)`` as `Mapping.from_loops` takes them."""
        loops = [
            {
                "level": block.level,
                "temporal": [list(loop) for loop in block.temporal],
                "spatial": [list(loop) for loop in block.spatial],
            }
            for block in self.blocks
        ]
        return loops, {block.level: sorted(block.keep, key=_tensor_order) for block in self.blocks}

    @classmethod
    def from_timeloop(cls, source: "Source", tensors: Iterable[str] = TENSORS) -> "Mapping":
        """Read a Timeloop mapping file or its content.

        Args:
            source: path, text or content, with or without the outer "mapping" key.
            tensors: names of the layer's tensors: all are kept where no bypass directive says so.

        Raises:
            InvalidConfigError: unreadable, or a directive that is missing, unknown or malformed.
        """
        from simulators.accelerator._timeloop_mapping import mapping_from_timeloop

        return mapping_from_timeloop(source, tuple(tensors))

    def to_timeloop(self, tensors: Iterable[str] = TENSORS) -> dict[str, Any]:
        """Return the mapping as Timeloop directives, innermost level first."""
        from simulators.accelerator._timeloop_mapping import mapping_to_timeloop

        return mapping_to_timeloop(self, tuple(tensors))


def _block(entry: AnyMapping[str, Any], keep: AnyMapping[str, Iterable[str]]) -> Block:
    level = entry["level"]
    if level not in keep:
        raise InvalidConfigError(
            f"mapping: keep does not name level {level}. "
            "Give the tensors stored there, [] if none are."
        )
    kept = keep[level]
    names = list(kept) if isinstance(kept, Iterable) and not isinstance(kept, str) else [None]
    if not all(isinstance(name, str) for name in names):
        raise InvalidConfigError(
            f"mapping: keep of level {level} is {kept!r}. Give a list of tensor names."
        )
    try:
        return Block(
            level,
            tuple((str(dim), bound) for dim, bound in entry.get("temporal") or ()),
            tuple((str(dim), bound, axis) for dim, bound, axis in entry.get("spatial") or ()),
            frozenset(str(name) for name in names),
        )
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidConfigError):
            raise
        raise InvalidConfigError(
            f"mapping: the loops of level {level} are not lists of [dim, bound] and "
            f"[dim, bound, 'X' or 'Y']: {entry!r}."
        ) from None


def _tensor_order(name: str) -> tuple[int, str]:
    return (TENSORS.index(name) if name in TENSORS else len(TENSORS), name)
