"""Native core of the DRAM simulator."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy
from numpy.typing import NDArray


class Memory:
    def __init__(self, config: dict[str, Any]) -> None: ...

class DecodedTrace:
    @property
    def columns(self) -> NDArray[numpy.int32]: ...

    def __len__(self) -> int: ...

def decode(memory: Memory, mapping: dict[str, Any], times: NDArray[numpy.int64], addresses: NDArray[numpy.uint64], writes: NDArray[numpy.bool_], clock_ps: int, relative: bool) -> DecodedTrace: ...

class Energy:
    @property
    def activate(self) -> float: ...

    @property
    def precharge(self) -> float: ...

    @property
    def read(self) -> float: ...

    @property
    def write(self) -> float: ...

    @property
    def refresh(self) -> float: ...

    @property
    def background_active(self) -> float: ...

    @property
    def background_precharged(self) -> float: ...

    @property
    def power_down(self) -> float: ...

    @property
    def self_refresh(self) -> float: ...

    @property
    def total(self) -> float: ...

class Result:
    @property
    def stalled(self) -> bool: ...

    @property
    def stalled_at_ps(self) -> int: ...

    @property
    def outstanding(self) -> int: ...

    @property
    def time_ps(self) -> int: ...

    @property
    def requests(self) -> int: ...

    @property
    def served(self) -> int: ...

    @property
    def commands(self) -> list[int]: ...

    @property
    def latency_sum_ps(self) -> float: ...

    @property
    def latency_p50_ps(self) -> int: ...

    @property
    def latency_p95_ps(self) -> int: ...

    @property
    def latency_p99_ps(self) -> int: ...

    @property
    def latency_max_ps(self) -> int: ...

    @property
    def stall_sum_ps(self) -> float: ...

    @property
    def energy(self) -> Energy: ...

    @property
    def power_mw(self) -> float: ...

    def command_log(self, memory: Memory) -> dict[str, NDArray[Any]]: ...

    def request_log(self) -> list[dict[str, NDArray[Any]]]: ...

def run_batch(memory: Memory, controllers: Sequence[Sequence[int]], traces: Sequence[Sequence[DecodedTrace]], threads: int, dramsys_quirks: bool, log: bool) -> list[Result]: ...

def read_trace(data: bytes, format: str, ordered: bool) -> tuple[NDArray[numpy.int64], NDArray[numpy.uint64], NDArray[numpy.bool_], tuple[str, int, int, int] | None]:
    """
    Parse a text trace; return (times, addresses, writes, None or the faulty line's
    (fault, line number, begin, end)).
    """

class CacheFilter:
    """
    Streams valgrind lackey output through a cache hierarchy into DRAM requests.

    A cache is given as (size_bytes, ways); the order of counts is L1I, L1D, L2, L3.
    """

    def __init__(self, *, l1i: tuple[int, int], l1d: tuple[int, int], l2: tuple[int, int], l3: tuple[int, int] | None, line_bytes: int, page_bytes: int, frame_count: int, frame_order: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, skip_instructions: int, max_requests: int) -> None: ...

    def feed(self, text: bytes) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None,))], Annotated[NDArray[numpy.uint64], dict(shape=(None,))], Annotated[NDArray[numpy.bool_], dict(shape=(None,))]]:
        """
        Consume a chunk, cut anywhere; return (instruction stamps, addresses, writes).
        """

    @property
    def done(self) -> bool:
        """Whether max_requests have been returned."""

    @property
    def instructions(self) -> int:
        """Instructions seen so far."""

    @property
    def requests(self) -> int:
        """Requests returned so far."""

    @property
    def pages(self) -> int:
        """Distinct virtual pages touched so far."""

    @property
    def ignored_lines(self) -> int:
        """Lines that were neither an access nor a message of valgrind."""

    @property
    def messages(self) -> bytes:
        """The last messages of valgrind itself."""

    @property
    def counts(self) -> list[tuple[int, int]]:
        """(accesses, misses) of each cache."""

    def dirty_lines(self) -> int:
        """Count the dirty lines held in the caches."""
