"""The costs of many mappings, as arrays."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.accelerator._cost import REASONS
from simulators.accelerator._packed import Packed, describe
from simulators.errors import InvalidConfigError, did_you_mean

COUNTS = ("tile_size", "partition_size", "reads", "updates", "fills", "energy_pj")
"""The last axis of `CostBatch.counts`; meanings as in `LevelCost`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CostBatch:
    """An element per mapping; ``valid`` says which could run.

    Where a mapping is invalid, cycles, energy and EDP are infinite and utilisation is 0.
    """

    cycles: NDArray[np.float64]
    """Whole numbers below 2**53."""
    compute_cycles: NDArray[np.float64]
    """Product of the temporal loop bounds."""
    energy_pj: NDArray[np.float64]
    """Of all levels and the multipliers."""
    edp_j_cycle: NDArray[np.float64]
    """Energy (J) x cycles."""
    utilization: NDArray[np.float64]
    """Multiply-accumulates per multiplier and cycle, 0 to 1."""
    area_um2: float
    """Of the architecture."""
    valid: NDArray[np.bool_]
    """Whether the mapping can run."""
    reason_codes: NDArray[np.uint8]
    """0 where valid, else the position in ``reasons``."""
    limiting: NDArray[np.int8]
    """Level whose bandwidth sets the cycles, 0 = outermost; -1: compute, or invalid."""
    counts: NDArray[np.float64] | None
    """(mappings, levels, tensors, `COUNTS`) with ``levels=True``, else None."""
    _packed: Packed = field(repr=False)
    _where: NDArray[np.int32] = field(repr=False)
    _used: NDArray[np.float64] = field(repr=False)
    _available: NDArray[np.float64] = field(repr=False)
    _messages: dict[int, str] = field(repr=False)

    @classmethod
    def empty(cls, packed: Packed, size: int, levels: bool) -> "CostBatch":
        """Return arrays to be filled by the core."""
        shape = (size if levels else 0, len(packed.levels), len(packed.tensors), len(COUNTS))
        return cls(
            cycles=np.full(size, np.inf),
            compute_cycles=np.full(size, np.inf),
            energy_pj=np.full(size, np.inf),
            edp_j_cycle=np.full(size, np.inf),
            utilization=np.zeros(size),
            area_um2=packed.area_um2,
            valid=np.zeros(size, dtype=np.bool_),
            reason_codes=np.zeros(size, dtype=np.uint8),
            limiting=np.full(size, -1, dtype=np.int8),
            counts=np.zeros(shape) if levels else None,
            _packed=packed,
            _where=np.zeros(size, dtype=np.int32),
            _used=np.zeros(size),
            _available=np.zeros(size),
            _messages={},
        )

    def __len__(self) -> int:
        return len(self.cycles)

    @property
    def reasons(self) -> list[str]:
        """Texts of ``reason_codes``: "" and `REASONS`."""
        return ["", *REASONS]

    def reason(self, index: int) -> str:
        """Return why a mapping is invalid, in words; "" if it is valid."""
        index = range(len(self))[index]
        if self.valid[index]:
            return ""
        if index in self._messages:
            return self._messages[index]
        return describe(
            self._packed,
            int(self.reason_codes[index]),
            int(self._where[index]),
            float(self._used[index]),
            float(self._available[index]),
        )[0]

    def count(self, level: str, tensor: str, name: str) -> NDArray[np.float64]:
        """Return one count of all mappings, 0 where a level does not keep the tensor.

        Args:
            level: name of the level.
            tensor: name of the tensor.
            name: one of `COUNTS`.

        Raises:
            InvalidConfigError: an unknown name, or a batch evaluated without ``levels=True``.
        """
        if self.counts is None:
            raise InvalidConfigError("no counts were asked for: evaluate with levels=True.")
        place = []
        for value, known in (
            (level, list(self._packed.levels)),
            (tensor, list(self._packed.tensors)),
            (name, list(COUNTS)),
        ):
            if value not in known:
                raise InvalidConfigError(
                    f"unknown name {value!r}.{did_you_mean(value, known)} "
                    f"Allowed: {', '.join(known)}."
                )
            place.append(known.index(value))
        return self.counts[:, place[0], place[1], place[2]]

    def refuse(self, index: int, code: int, message: str) -> None:
        """Record a mapping that could not even be packed."""
        self.reason_codes[index] = code
        self._messages[index] = message

    def columns(self, rows: slice) -> dict[str, NDArray[Any]]:
        """Return the core's output arrays for some rows."""
        no_counts = np.zeros((0, 1, 1, 1))
        return {
            "cycles": self.cycles[rows],
            "compute_cycles": self.compute_cycles[rows],
            "energy": self.energy_pj[rows],
            "utilization": self.utilization[rows],
            "reason": self.reason_codes[rows],
            "where": self._where[rows],
            "used": self._used[rows],
            "available": self._available[rows],
            "limiting": self.limiting[rows],
            "counts": no_counts if self.counts is None else self.counts[rows],
        }

    def finish(self) -> None:
        """Derive what follows from the core's arrays."""
        np.equal(self.reason_codes, 0, out=self.valid)
        np.multiply(self.energy_pj * 1e-12, self.cycles, out=self.edp_j_cycle)
