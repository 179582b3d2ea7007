"""Many mappings in arrays: what searches produce and `evaluate_batch` takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.accelerator._architecture import Architecture
from simulators.accelerator._layer import Layer
from simulators.accelerator._mapping import Block, Mapping
from simulators.accelerator._packed import Packed, pack
from simulators.errors import InvalidConfigError

_COLUMNS = ("bounds", "dims", "levels", "kinds")


@dataclass(frozen=True, slots=True, eq=False)
class MappingBatch:
    """n mappings of one layer onto one architecture, as arrays.

    The loops of a mapping are a row of slots in nest order, outermost first: level by level, and
    in each level the temporal loops before the spatial ones. A bound of 1 is an empty slot, which
    may stand anywhere.

    Raises:
        InvalidConfigError: arrays that differ in shape, or are no whole numbers.
    """

    bounds: NDArray[np.int32]
    """int32 (n, slots): loop bounds."""
    dims: NDArray[np.int8]
    """int8 (n, slots): positions in ``layer.dims``."""
    levels: NDArray[np.int8]
    """int8 (n, slots): positions in ``architecture.levels``, 0 = outermost."""
    kinds: NDArray[np.int8]
    """int8 (n, slots): 0 temporal, 1 spatial along X, 2 spatial along Y."""
    keep: NDArray[np.uint8]
    """uint8 (n or 1, levels, tensors): 1 where a level keeps a tensor of ``layer.tensors``."""

    def __post_init__(self) -> None:
        for name in (*_COLUMNS, "keep"):
            kind = np.int32 if name == "bounds" else np.uint8 if name == "keep" else np.int8
            object.__setattr__(self, name, _array(name, getattr(self, name), kind))
        for name in _COLUMNS:
            array = getattr(self, name)
            if array.ndim != 2 or array.shape != self.bounds.shape:
                raise InvalidConfigError(
                    f"MappingBatch: {name} has the shape {array.shape}, bounds {self.bounds.shape}."
                    " All four are (mappings, slots)."
                )
        if self.keep.ndim != 3 or self.keep.shape[0] not in (1, len(self.bounds)):
            raise InvalidConfigError(
                f"MappingBatch: keep has the shape {self.keep.shape}. "
                f"Allowed: (1 or {len(self.bounds)}, levels, tensors)."
            )

    def __len__(self) -> int:
        return len(self.bounds)

    def __getitem__(self, rows: slice) -> "MappingBatch":
        if not isinstance(rows, slice):
            raise TypeError("a MappingBatch is cut by slices; for one mapping see its method")
        keep = self.keep if len(self.keep) == 1 else self.keep[rows]
        bounds, dims, levels, kinds = (getattr(self, name)[rows] for name in _COLUMNS)
        return MappingBatch(bounds, dims, levels, kinds, keep)

    @classmethod
    def from_mappings(
        cls, arch: Architecture, layer: Layer, mappings: Sequence[Mapping]
    ) -> "MappingBatch":
        """Pack mappings; those that name unknown levels, dimensions or tensors are refused.

        Raises:
            InvalidMappingError: such a name.
        """
        packed = pack(arch, layer, "timeloop3")
        return from_flat(packed, [packed.flatten(mapping) for mapping in mappings])

    def mapping(self, arch: Architecture, layer: Layer, index: int) -> Mapping:
        """Return one mapping; loops of bound 1 are left out."""
        dims, tensors = list(layer.dims), [tensor.name for tensor in layer.tensors]
        keep = self.keep[0 if len(self.keep) == 1 else index]
        rows = list(zip(*(getattr(self, name)[index].tolist() for name in _COLUMNS), strict=True))
        blocks = []
        for number, level in enumerate(arch.levels):
            loops = [(dims[d], bound, k) for bound, d, at, k in rows if at == number and bound > 1]
            blocks.append(
                Block(
                    level.name,
                    tuple((dim, bound) for dim, bound, kind in loops if kind == 0),
                    tuple((dim, bound, " XY"[kind]) for dim, bound, kind in loops if kind),
                    frozenset(t for t, kept in zip(tensors, keep[number], strict=True) if kept),
                )
            )
        return Mapping(tuple(blocks))


def from_flat(packed: Packed, flat: list[tuple[list[int], bytes]]) -> MappingBatch:
    """Return a batch of what `Packed.flatten` returns."""
    slots = max((len(loops) // 4 for loops, _ in flat), default=0)
    table = np.zeros((len(flat), slots, 4), dtype=np.int32)
    table[:, :, 0] = 1
    for row, (loops, _) in enumerate(flat):
        table[row, : len(loops) // 4] = np.asarray(loops, dtype=np.int32).reshape(-1, 4)
    shape = (len(packed.levels), len(packed.tensors))
    keep = np.frombuffer(b"".join(kept for _, kept in flat), dtype=np.uint8)
    small = table[:, :, 1:].astype(np.int8)
    bounds, dims, levels, kinds = table[:, :, 0], small[:, :, 0], small[:, :, 1], small[:, :, 2]
    return MappingBatch(bounds, dims, levels, kinds, keep.reshape(len(flat), *shape))


def _array(name: str, value: Any, kind: Any) -> NDArray[Any]:
    array = np.asarray(value)
    if array.dtype.kind not in "iub":
        raise InvalidConfigError(
            f"MappingBatch: {name} is an array of {array.dtype}. Give whole numbers."
        )
    if array.dtype != kind:
        limits = np.iinfo(kind)
        if array.size and not (limits.min <= array.min() and array.max() <= limits.max):
            raise InvalidConfigError(
                f"MappingBatch: {name} has values from {array.min()} to {array.max()}. "
                f"Allowed: {limits.min} to {limits.max}."
            )
    return np.ascontiguousarray(array, dtype=kind)
