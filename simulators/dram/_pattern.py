"""What every request generator shares: arrival times, base address, footprint."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from simulators.dram._trace import Trace
from simulators.dram._validation import (
    require_int,
    require_multiple,
    require_number,
    require_one_of,
)
from simulators.errors import InvalidConfigError

LINE_BYTES = 64
"""Size and alignment of a request: one cache line, one burst of a 64-bit channel."""

LARGEST_FOOTPRINT_BYTES = 1 << 40
LARGEST_REQUESTS = 100_000_000
MIB = 1 << 20

Lines: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Flags: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
Arrivals: TypeAlias = Literal["regular", "poisson"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern(ABC):
    """What every generator has in common: when requests arrive, and where memory begins."""

    name: ClassVar[str]
    summary: ClassVar[str]
    relative: ClassVar[bool] = False

    gap_cycles: float = 5.0
    """Mean cycles from one request to the next, 0 to 1e6."""

    arrivals: Arrivals = "regular"
    """Evenly spaced, or a Poisson process with the same mean."""

    clock_mhz: float = 800.0
    """Clock of the time stamps in MHz, 1 to 100,000."""

    base_address: int = 0
    """First byte of the footprint, a multiple of 64."""

    def __post_init__(self) -> None:
        """Check the common fields, then those of the pattern."""
        require_number("gap_cycles", self.gap_cycles, 0, 1e6)
        require_one_of("arrivals", self.arrivals, ("regular", "poisson"))
        require_number("clock_mhz", self.clock_mhz, 1, 100_000)
        require_int("base_address", self.base_address, 0, LARGEST_FOOTPRINT_BYTES)
        require_multiple("base_address", self.base_address, LINE_BYTES)
        self._check()
        if self.span_bytes > LARGEST_FOOTPRINT_BYTES:
            raise InvalidConfigError(
                f"The {self.name} pattern spans {self.span_bytes} bytes; "
                f"at most {LARGEST_FOOTPRINT_BYTES} are allowed. Make it smaller."
            )

    def generate(self, requests: int, seed: int = 0) -> Trace:
        """Return the first ``requests`` requests; the same seed gives the same bytes.

        Args:
            requests: Length of the trace, 1 to 100,000,000.
            seed: Non-negative seed; patterns without randomness ignore it.

        Raises:
            InvalidConfigError: ``requests`` or ``seed`` out of range.
        """
        require_int("requests", requests, 1, LARGEST_REQUESTS)
        require_int("seed", seed, 0, (1 << 63) - 1)
        rng = np.random.default_rng(np.random.SeedSequence(seed))
        lines, writes = self._requests(requests, rng)
        return Trace.from_arrays(
            self._times(requests, rng),
            (lines * LINE_BYTES + self.base_address).astype(np.uint64),
            writes,
            clock_mhz=self.clock_mhz,
            relative=self.relative,
            name=self.name,
        )

    @property
    @abstractmethod
    def span_bytes(self) -> int:
        """Bytes from the base address that the pattern can touch."""

    @abstractmethod
    def _check(self) -> None:
        """Raise `InvalidConfigError` for fields out of range."""

    @abstractmethod
    def _requests(self, requests: int, rng: np.random.Generator) -> tuple[Lines, Flags]:
        """Return line numbers relative to the base address, and which requests are writes."""

    def _times(self, requests: int, rng: np.random.Generator) -> Lines:
        if self.arrivals == "regular":
            return np.asarray(np.arange(requests) * self.gap_cycles).astype(np.int64)
        gaps = rng.exponential(self.gap_cycles, requests)
        gaps[0] = 0.0
        return np.floor(np.cumsum(gaps)).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint(Pattern):
    """A pattern inside a footprint of a given size."""

    footprint_bytes: int = 64 * MIB
    """Bytes touched, a multiple of 64, at most 1 TiB."""

    @property
    def span_bytes(self) -> int:
        """The footprint."""
        return self.footprint_bytes

    @property
    def lines(self) -> int:
        """Lines of 64 bytes in the footprint."""
        return self.footprint_bytes // LINE_BYTES

    def _check(self) -> None:
        require_int("footprint_bytes", self.footprint_bytes, LINE_BYTES, LARGEST_FOOTPRINT_BYTES)
        require_multiple("footprint_bytes", self.footprint_bytes, LINE_BYTES)


def evenly_spaced(requests: int, ratio: float) -> Flags:
    """Mark ``ratio`` of the requests, spread as evenly as integers allow."""
    steps = np.floor(np.arange(requests + 1) * ratio + 1e-9)
    return np.asarray(steps[1:] > steps[:-1])
