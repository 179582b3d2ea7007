"""Seeded request streams with a known shape: streaming, strided, random, dependent, mixed, bursty.

Intensity. The defaults ask for about 50 to 90 % of what a DDR3-1600 or DDR4-2400 channel can
deliver *for that pattern* under a good controller: less leaves every design idle, more saturates
every design alike, and either way the designs cannot be told apart. At the default clock of 800 MHz
a DDR3-1600 channel of 64 bits moves one 64-byte request per 4 cycles and a DDR4-2400 channel one
per 2.7; a row miss costs about 37.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from simulators.dram._pattern import (
    LINE_BYTES,
    MIB,
    Arrivals,
    Flags,
    Footprint,
    Lines,
    evenly_spaced,
)
from simulators.dram._validation import require_int, require_multiple, require_number
from simulators.errors import InvalidConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream(Footprint):
    """Sequential walks of several arrays in lockstep, as in STREAM (McCalpin, 1995).

    The default is its triad, ``a[i] = b[i] + s * c[i]``: two arrays read, one written, of its
    default ten million doubles each. The arrays lie one after the other and have equal sizes;
    powers of two would put them on the same bank under a row-bank-column mapping. Deterministic:
    the seed is ignored. Intensity: 10.2 GB/s, 80 % of DDR3-1600's peak.
    """

    name: ClassVar[str] = "stream"
    summary: ClassVar[str] = (
        "sequential walk of three arrays, two read and one written (STREAM triad)"
    )

    footprint_bytes: int = 3 * 80_000_000
    """Bytes of all arrays together, a multiple of 64."""

    read_arrays: int = 2
    """Arrays read, 0 to 64."""

    write_arrays: int = 1
    """Arrays written, 0 to 64; the write ratio is write_arrays / (read_arrays + write_arrays)."""

    def _check(self) -> None:
        Footprint._check(self)
        require_int("read_arrays", self.read_arrays, 0, 64)
        require_int("write_arrays", self.write_arrays, 0, 64)
        arrays = self.read_arrays + self.write_arrays
        if not 1 <= arrays <= self.lines:
            raise InvalidConfigError(
                f"read_arrays + write_arrays is {arrays}; it must be from 1 to {self.lines}, "
                "the lines of the footprint."
            )

    def _requests(self, requests: int, rng: np.random.Generator) -> tuple[Lines, Flags]:
        arrays = self.read_arrays + self.write_arrays
        array_lines = self.lines // arrays
        step, array = np.divmod(np.arange(requests), arrays)
        return array * array_lines + step % array_lines, array >= self.read_arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class Strided(Footprint):
    """A walk by a fixed stride, one line further on each pass: the columns of a row-major matrix.

    Deterministic: the seed is ignored. Intensity: with 4 KiB strides two requests share a DRAM row
        of
    8 KiB at best, so the channel delivers about half its peak; 8 cycles a request is 50 % of
    DDR3-1600's.
    """

    name: ClassVar[str] = "strided"
    summary: ClassVar[str] = (
        "columns of a row-major matrix: 4 KiB strides, a quarter of them writes"
    )

    gap_cycles: float = 8.0
    """Mean cycles from one request to the next."""

    footprint_bytes: int = 4 * MIB
    """Bytes of the matrix."""

    stride_bytes: int = 4096
    """Bytes from one request to the next, a multiple of 64 up to the footprint."""

    write_ratio: float = 0.25
    """Share of writes, evenly spaced, 0 to 1."""

    def _check(self) -> None:
        Footprint._check(self)
        require_int("stride_bytes", self.stride_bytes, LINE_BYTES, self.footprint_bytes)
        require_multiple("stride_bytes", self.stride_bytes, LINE_BYTES)
        require_number("write_ratio", self.write_ratio, 0, 1)

    def _requests(self, requests: int, rng: np.random.Generator) -> tuple[Lines, Flags]:
        stride_lines = self.stride_bytes // LINE_BYTES
        column, row = np.divmod(np.arange(requests), self.lines // stride_lines)
        return row * stride_lines + column % stride_lines, evenly_spaced(requests, self.write_ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class UniformRandom(Footprint):
    """Independent, uniformly distributed lines, as of a hash join or GUPS.

    Intensity: nearly every request is a row miss, so tRC and tFAW over the banks bound the rate at
        about one
    request per 6 cycles on DDR3-1600; one per 9, in a Poisson process, leaves queues that come and
    go.
    """

    name: ClassVar[str] = "random"
    summary: ClassVar[str] = "uniformly random lines of 256 MiB, 30 % writes, Poisson arrivals"

    gap_cycles: float = 9.0
    """Mean cycles from one request to the next."""

    arrivals: Arrivals = "poisson"
    """Evenly spaced, or a Poisson process with the same mean."""

    footprint_bytes: int = 256 * MIB
    """Bytes touched."""

    write_ratio: float = 0.3
    """Probability that a request is a write, 0 to 1."""

    def _check(self) -> None:
        Footprint._check(self)
        require_number("write_ratio", self.write_ratio, 0, 1)

    def _requests(self, requests: int, rng: np.random.Generator) -> tuple[Lines, Flags]:
        return rng.integers(0, self.lines, requests), rng.random(requests) < self.write_ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerChase(Footprint):
    """Dependent loads: each chain walks one random cycle through all nodes (lmbench lat_mem_rd).

    A node's address is known only when its predecessor has arrived. The trace format has no
    dependency, so the stamps are *relative*: a request is sent ``dependency_cycles / chains``
    cycles after the previous one was accepted. A slow controller delays all that follows, as it
    delays a real chain; but the delay is that of acceptance, and dependency_cycles stands for the
    latency of the load itself (48 cycles = 60
    ns: an unloaded row miss plus the way through the caches). The chains take turns.
    """

    name: ClassVar[str] = "pointer-chase"
    summary: ClassVar[str] = (
        "four dependent chains through a random cycle of 64 MiB, relative stamps"
    )
    relative: ClassVar[bool] = True

    chains: int = 4
    """Independent chains in flight, 1 to 64."""

    dependency_cycles: float = 48.0
    """Cycles from one load of a chain to its next, 1 to 1e6; replaces gap_cycles and arrivals."""

    write_ratio: float = 0.0
    """Probability that a visit writes the node instead of reading it, 0 to 1."""

    def _check(self) -> None:
        Footprint._check(self)
        require_int("chains", self.chains, 1, 64)
        require_number("dependency_cycles", self.dependency_cycles, 1, 1e6)
        require_number("write_ratio", self.write_ratio, 0, 1)

    def _requests(self, requests: int, rng: np.random.Generator) -> tuple[Lines, Flags]:
        # Every cyclic permutation visits the nodes in some order: draw the order, not the links.
        order = rng.permutation(self.lines)
        starts = rng.integers(0, self.lines, self.chains)
        step, chain = np.divmod(np.arange(requests), self.chains)
        return order[(starts[chain] + step) % self.lines], rng.random(requests) < self.write_ratio

    def _times(self, requests: int, rng: np.random.Generator) -> Lines:
        gap = self.dependency_cycles / self.chains
        stamps = np.floor(np.arange(requests) * gap).astype(np.int64)
        return np.asarray(np.diff(stamps, prepend=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedStreams(Footprint):
    """Sequential streams, some read and some written, that take the channel in short runs.

    As of several cores or DMA engines. Every stream owns an equal part of the footprint. Intensity:
    10.2 GB/s, 80 % of DDR3-1600's peak, which leaves little for turning the bus and reopening rows.
    """

    name: ClassVar[str] = "mixed-streams"
    summary: ClassVar[str] = "eight interleaved sequential streams, a third of the traffic written"

    arrivals: Arrivals = "poisson"
    """Evenly spaced, or a Poisson process with the same mean."""

    streams: int = 8
    """Streams, 1 to 1,024."""

    run_requests: int = 4
    """Consecutive requests of one stream before the next draw, 1 to 1,024."""

    write_ratio: float = 1 / 3
    """Share of writes, 0 to 1: that of the runs drawn from the written streams."""

    def _check(self) -> None:
        Footprint._check(self)
        require_int("streams", self.streams, 1, min(1024, self.lines))
        require_int("run_requests", self.run_requests, 1, 1024)
        require_number("write_ratio", self.write_ratio, 0, 1)
        if self.streams == 1 and 0 < self.write_ratio < 1:
            raise InvalidConfigError(
                f"write_ratio is {self.write_ratio} with a single stream; a stream is either read "
                "(0) or written (1). Use two streams or more."
            )

    def _requests(self, requests: int, rng: np.random.Generator) -> tuple[Lines, Flags]:
        written = round(self.streams * self.write_ratio)
        if 0 < self.write_ratio < 1:
            written = min(max(written, 1), self.streams - 1)
        weights = np.empty(self.streams)
        weights[:written] = self.write_ratio / max(written, 1)
        weights[written:] = (1 - self.write_ratio) / max(self.streams - written, 1)
        runs = rng.choice(self.streams, -(-requests // self.run_requests), p=weights)
        stream = np.repeat(runs, self.run_requests)[:requests]
        position = np.empty(requests, dtype=np.int64)
        for index in range(self.streams):
            mine = np.flatnonzero(stream == index)
            position[mine] = np.arange(len(mine))
        stream_lines = self.lines // self.streams
        return stream * stream_lines + position % stream_lines, stream < written


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursts(Footprint):
    """Bursts of back-to-back requests with idle gaps between, as of frames, packets or interrupts.

    Inside a burst the channel is overloaded (one request per 3 cycles), between bursts it is idle
    long enough (2.5 us on average) for power-down and for refreshes postponed or pulled in to pay.
    """

    name: ClassVar[str] = "bursts"
    summary: ClassVar[str] = "bursts of 64 requests, partly sequential, with idle gaps of 2.5 us"

    gap_cycles: float = 3.0
    """Cycles from one request to the next inside a burst."""

    burst_requests: int = 64
    """Requests of a burst, 1 to 1e6."""

    idle_cycles: float = 2000.0
    """Mean idle cycles after a burst, exponentially distributed, 0 to 1e9."""

    sequential_ratio: float = 0.75
    """Probability that a burst is sequential from a random start, else its lines are random, 0 to
    1."""

    write_ratio: float = 0.35
    """Probability that a burst is written, else it is read, 0 to 1."""

    def _check(self) -> None:
        Footprint._check(self)
        require_int("burst_requests", self.burst_requests, 1, 1_000_000)
        require_number("idle_cycles", self.idle_cycles, 0, 1e9)
        require_number("sequential_ratio", self.sequential_ratio, 0, 1)
        require_number("write_ratio", self.write_ratio, 0, 1)

    def _requests(self, requests: int, rng: np.random.Generator) -> tuple[Lines, Flags]:
        burst, within = np.divmod(np.arange(requests), self.burst_requests)
        bursts = int(burst[-1]) + 1
        starts = rng.integers(0, self.lines, bursts)
        sequential = rng.random(bursts) < self.sequential_ratio
        written = rng.random(bursts) < self.write_ratio
        scattered = rng.integers(0, self.lines, requests)
        lines = np.where(sequential[burst], (starts[burst] + within) % self.lines, scattered)
        return lines, written[burst]

    def _times(self, requests: int, rng: np.random.Generator) -> Lines:
        burst, within = np.divmod(np.arange(requests), self.burst_requests)
        idle = rng.exponential(self.idle_cycles, int(burst[-1]) + 1)
        starts = np.cumsum(idle + self.burst_requests * self.gap_cycles)
        stamps = starts[burst] - starts[0] + within * self.gap_cycles
        return np.asarray(np.floor(stamps), dtype=np.int64)
