"""How a program is recorded, and what a recording reports."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simulators.dram._cache import CacheHierarchy
from simulators.dram._core import CacheFilter
from simulators.dram._validation import (
    require_int,
    require_multiple,
    require_number,
    require_one_of,
    require_power_of_two,
)

_PAGE_ALLOCATIONS = ("first-touch", "shuffled")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingConfig:
    """How a program is run, cached and stamped."""

    caches: CacheHierarchy = field(default_factory=CacheHierarchy)
    """The caches between the program and the DRAM."""

    clock_mhz: float = 800.0
    """Clock of the trace's time stamps in MHz, 1 to 100,000."""

    cpu_mhz: float = 3200.0
    """Clock of the modelled core in MHz, 1 to 100,000."""

    ipc: float = 1.0
    """Instructions retired per core cycle while the memory keeps up, 0.001 to 64."""

    skip_instructions: int = 0
    """Instructions run through the caches before the window opens (start-up); stamp 0 is its
    start."""

    max_requests: int = 100_000
    """The program is ended once this many requests are recorded, 1 to 100,000,000."""

    device_bytes: int = 1 << 30
    """Size of the physical memory, a multiple of page_bytes; frames are reused when it runs out."""

    page_bytes: int = 4096
    """Size of a page, a power of two."""

    page_allocation: Literal["first-touch", "shuffled"] = "first-touch"
    """Frames in ascending order (a machine just booted) or shuffled by ``seed`` (one long in
    use)."""

    seed: int = 0
    """Seed of the shuffled frames."""

    timeout_s: float | None = None
    """Wall-clock limit in seconds; None waits for ever. A recording that times out leaves no
    trace."""

    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the program, on top of the few that are kept (see `record`)."""

    cwd: str | None = None
    """Working folder of the program; None is the current one."""

    allow_failure: bool = False
    """Keep the trace of a program that exits with a code other than 0."""

    def __post_init__(self) -> None:
        """Reject values out of range."""
        require_number("clock_mhz", self.clock_mhz, 1, 100_000)
        require_number("cpu_mhz", self.cpu_mhz, 1, 100_000)
        require_number("ipc", self.ipc, 0.001, 64)
        require_int("skip_instructions", self.skip_instructions, 0, 1 << 50)
        require_int("max_requests", self.max_requests, 1, 100_000_000)
        require_int("page_bytes", self.page_bytes, self.caches.line_bytes, 1 << 30)
        require_power_of_two("page_bytes", self.page_bytes)
        require_int("device_bytes", self.device_bytes, self.page_bytes, 1 << 40)
        require_multiple("device_bytes", self.device_bytes, self.page_bytes)
        require_one_of("page_allocation", self.page_allocation, _PAGE_ALLOCATIONS)
        require_int("seed", self.seed, 0, (1 << 63) - 1)
        if self.timeout_s is not None:
            require_number("timeout_s", self.timeout_s, 0.001, 1e9)

    def cycles(self, instructions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Convert instruction counts to cycles of ``clock_mhz``, rounded down."""
        return (instructions * (self.clock_mhz / (self.ipc * self.cpu_mhz))).astype(np.int64)

    def cache_filter(self) -> CacheFilter:
        """Build the native filter of this configuration."""
        caches, frames = self.caches, self.device_bytes // self.page_bytes
        order = None
        if self.page_allocation == "shuffled":
            rng = np.random.default_rng(np.random.SeedSequence(self.seed))
            order = rng.permutation(frames).astype(np.uint64)
        return CacheFilter(
            l1i=caches.l1i.shape,
            l1d=caches.l1d.shape,
            l2=caches.l2.shape,
            l3=None if caches.l3 is None else caches.l3.shape,
            line_bytes=caches.line_bytes,
            page_bytes=self.page_bytes,
            frame_count=frames,
            frame_order=order,
            skip_instructions=self.skip_instructions,
            max_requests=self.max_requests,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingProgress:
    """What a progress callback is told, about twice a second."""

    instructions: int
    """Instructions run so far, those skipped included."""
    requests: int
    """DRAM requests recorded so far."""
    elapsed_s: float
    """Wall time since the start."""
    instructions_per_s: float
    """Mean rate since the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingReport:
    """What was recorded, and under which conditions."""

    command: tuple[str, ...]
    out: str
    """The trace file."""
    digest: str
    """`Trace.digest` of its content."""
    requests: int
    reads: int
    writes: int
    instructions: int
    """Instructions run, those skipped included."""
    duration_cycles: int
    """Stamp of the last request, in cycles of clock_mhz."""
    clock_mhz: float
    pages: int
    """Distinct virtual pages touched."""
    frames_reused: bool
    """Whether the program touched more pages than the device has: some addresses then stand for
    two."""
    cache_accesses: dict[str, int]
    cache_misses: dict[str, int]
    dirty_lines: int
    """Dirty lines still held in the caches at the end: writes that are not in the trace."""
    stopped_by: Literal["exit", "max_requests"]
    exit_code: int | None
    """The program's exit code; None if it was ended at max_requests."""
    valgrind: str
    wall_s: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON."""
        return asdict(self)


Progress: TypeAlias = Callable[[RecordingProgress], None]
