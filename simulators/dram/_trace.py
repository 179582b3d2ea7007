"""Memory traces: what is requested, and when."""

import gzip
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulators.dram._mapping import AddressMapping
from simulators.dram._memory import MemorySpec
from simulators.dram._trace_formats import (
    DRAMSIM3,
    RAMULATOR,
    RAMULATOR_CPU,
    STL,
    Arrays,
    first_token_pair,
    parse_trace,
    read_text,
    read_trace,
)
from simulators.errors import TraceFormatError

TracePath: TypeAlias = str | os.PathLike[str]

# The last request must be due well within 64-bit picoseconds (this is 53 days).
_MAX_SPAN_PS = 1 << 62
_MAX_TIME = 1 << 53
_LINES_PER_WRITE = 65_536


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Trace:
    """A stream of memory requests, one burst each. Arrays are read-only.

    Traces compare by identity; compare `digest` to compare content.
    """

    times: NDArray[np.int64]
    """When each request is due, in cycles of ``clock_mhz``: since the start of simulation, or, if
    ``relative``, since the acceptance of the request before it."""
    addresses: NDArray[np.uint64]
    """Byte address of each request."""
    writes: NDArray[np.bool_]
    """Whether each request is a write."""
    clock_mhz: float
    """Clock of the trace player, i.e. the unit of ``times``."""
    relative: bool = False
    """Whether ``times`` are delays."""
    name: str = "trace"
    _digest: list[str] = field(init=False, repr=False, default_factory=list)

    def __post_init__(self) -> None:
        _check_clock(self.clock_mhz)
        for name in ("times", "addresses", "writes"):
            getattr(self, name).flags.writeable = False
        times = self.times
        last = float(times.astype(np.float64).sum()) if self.relative else float(times.max())
        if last * self.clock_ps > _MAX_SPAN_PS:
            raise TraceFormatError(
                f"trace {self.name!r}: its last request is due after {last:.3g} clock cycles of "
                f"{self.clock_ps} ps. Allowed: {_MAX_SPAN_PS:.3g} ps in total. Check the time "
                "stamps and clock_mhz."
            )

    def __len__(self) -> int:
        return len(self.times)

    def __reduce__(self) -> tuple[Any, ...]:
        arrays = (self.times, self.addresses, self.writes)
        return _rebuild, (*arrays, self.clock_mhz, self.relative, self.name)

    @property
    def clock_ps(self) -> int:
        """Period of the trace player's clock in picoseconds, rounded half up."""
        return int(1e6 / self.clock_mhz + 0.5)

    @property
    def digest(self) -> str:
        """SHA-256 of the content (requests, clock, relative or not; not the name), hexadecimal."""
        if not self._digest:
            hasher = hashlib.sha256(f"{float(self.clock_mhz)!r} {bool(self.relative)} ".encode())
            for array, dtype in ((self.times, "<i8"), (self.addresses, "<u8"), (self.writes, "?")):
                hasher.update(np.ascontiguousarray(array, dtype=dtype).data)
            self._digest.append(hasher.hexdigest())
        return self._digest[0]

    @classmethod
    def from_stl(
        cls,
        path: TracePath,
        *,
        clock_mhz: float,
        relative: bool | None = None,
        allow_decreasing: bool = False,
        name: str | None = None,
    ) -> "Trace":
        """Read a DRAMSys trace: lines ``TIME: read|write 0xADDRESS``; ``#`` starts a comment.

        Args:
            path: a .stl (absolute times) or .rstl (relative times) file, possibly gzip.
            clock_mhz: clock of the time stamps.
            relative: whether times are relative; by default as the suffix says.
            allow_decreasing: accept time stamps that decrease, as DRAMSys does: such a request is
                sent as soon as the one before it is accepted. A return to the very first time
                stamp (a repeated trace) is always accepted.
            name: name of the trace; by default the file's.

        Raises:
            TraceFormatError: unreadable, empty or damaged file, or a malformed line.
        """
        if relative is None:
            relative = _is_relative(Path(path))
        arrays = read_trace(path, STL, ordered=not (relative or allow_decreasing))
        return cls._from(arrays, clock_mhz, relative, name or _stem(path))

    @classmethod
    def from_ramulator(
        cls, path: TracePath, *, clock_mhz: float, name: str | None = None
    ) -> "Trace":
        """Read a Ramulator trace of either form, told apart by the first request.

        * memory trace, ``0xADDRESS R|W``: one request per clock cycle, as fast as accepted;
        * CPU trace, ``BUBBLES READ-ADDRESS [WRITE-BACK-ADDRESS]``: relative times, each of the
          ``BUBBLES`` instructions without memory access taking one clock cycle.

        Args:
            path: the file, possibly gzip.
            clock_mhz: clock at which requests are sent, or instructions retired.
            name: name of the trace; by default the file's.

        Raises:
            TraceFormatError: unreadable, empty or damaged file, or a malformed line.
        """
        data = read_text(Path(path))
        first, second = first_token_pair(data)
        cpu = not (first[:2] in (b"0x", b"0X") or second in (b"R", b"W"))
        form = RAMULATOR_CPU if cpu else RAMULATOR
        arrays = parse_trace(data, str(path), form, ordered=False)
        return cls._from(arrays, clock_mhz, cpu, name or _stem(path))

    @classmethod
    def from_dramsim3(
        cls,
        path: TracePath,
        *,
        clock_mhz: float,
        allow_decreasing: bool = False,
        name: str | None = None,
    ) -> "Trace":
        """Read a DRAMsim3 trace: lines ``0xADDRESS READ|WRITE CYCLE``.

        Args:
            path: the file, possibly gzip.
            clock_mhz: clock of the cycles.
            allow_decreasing: accept cycles that decrease (see `from_stl`).
            name: name of the trace; by default the file's.

        Raises:
            TraceFormatError: unreadable, empty or damaged file, or a malformed line.
        """
        arrays = read_trace(path, DRAMSIM3, ordered=not allow_decreasing)
        return cls._from(arrays, clock_mhz, False, name or _stem(path))

    @classmethod
    def from_arrays(
        cls,
        times: ArrayLike,
        addresses: ArrayLike,
        writes: ArrayLike,
        *,
        clock_mhz: float,
        relative: bool = False,
        allow_decreasing: bool = False,
        name: str = "trace",
    ) -> "Trace":
        """Make a trace from three sequences of equal length, which are copied.

        Args:
            times: integers from 0, in cycles of ``clock_mhz``; see `Trace.times`.
            addresses: byte addresses, integers from 0 to 2^64 - 1.
            writes: booleans.
            clock_mhz: clock of the time stamps.
            relative: whether ``times`` are delays.
            allow_decreasing: accept absolute times that decrease (see `from_stl`).
            name: name of the trace.

        Raises:
            TraceFormatError: wrong types, lengths or ranges, or no request.
        """
        stamps = _integers("times", times, _MAX_TIME).astype(np.int64, copy=False)
        targets = _integers("addresses", addresses, (1 << 64) - 1).astype(np.uint64, copy=False)
        kinds = np.array(writes)
        if kinds.dtype != np.bool_ or kinds.ndim != 1:
            raise TraceFormatError(
                f"writes: {kinds.dtype} array of {kinds.ndim} dimensions. Allowed: one dimension "
                "of booleans."
            )
        if not len(stamps) == len(targets) == len(kinds) > 0:
            raise TraceFormatError(
                f"{len(stamps)} times, {len(targets)} addresses and {len(kinds)} writes. Allowed: "
                "the same number of each, at least 1."
            )
        if not (relative or allow_decreasing):
            _check_order(stamps)
        return cls._from((stamps, targets, kinds), clock_mhz, relative, name)

    @classmethod
    def _from(cls, arrays: Arrays, clock_mhz: float, relative: bool, name: str) -> "Trace":
        times, addresses, writes = arrays
        return cls(
            times=times,
            addresses=addresses,
            writes=writes,
            clock_mhz=clock_mhz,
            relative=relative,
            name=name,
        )

    def to_stl(self, path: TracePath) -> None:
        """Write a DRAMSys trace: .rstl if ``relative``, else .stl; compressed if it ends in .gz.

        The same trace always gives the same bytes.

        Raises:
            TraceFormatError: the suffix would make a reader mistake the time stamps.
            OSError: the file cannot be written.
        """
        target = Path(path)
        if _is_relative(target) != self.relative:
            suffix = ".rstl" if self.relative else ".stl"
            raise TraceFormatError(
                f"{target}: trace {self.name!r} has {'relative' if self.relative else 'absolute'} "
                f"times. Name the file *{suffix} or *{suffix}.gz."
            )
        with target.open("wb") as file:
            if target.suffix != ".gz":
                file.writelines(self._stl_lines())
                return
            # No file name and no time of writing in the header: reproducible bytes.
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as compressed:
                for lines in self._stl_lines():
                    compressed.write(lines)

    def to_stl_bytes(self) -> bytes:
        """Return what `to_stl` writes to an uncompressed file."""
        buffer = BytesIO()
        buffer.writelines(self._stl_lines())
        return buffer.getvalue()

    def _stl_lines(self) -> Iterator[bytes]:
        kinds = ("read", "write")
        for begin in range(0, len(self), _LINES_PER_WRITE):
            part = slice(begin, begin + _LINES_PER_WRITE)
            columns = (self.times[part], self.addresses[part], self.writes[part])
            rows = zip(*(column.tolist() for column in columns), strict=True)
            yield "".join(
                f"{time}:\t{kinds[write]}\t0x{address:x}\n" for time, address, write in rows
            ).encode()


def check_addresses(trace: Trace, memory: MemorySpec, mapping: AddressMapping) -> None:
    """Check that every request lies inside the memory.

    Raises:
        TraceFormatError: naming the first request beyond it.
    """
    beyond = trace.addresses >= np.uint64(mapping.capacity_bytes)
    if not beyond.any():
        return
    first = int(beyond.argmax())
    raise TraceFormatError(
        f"trace {trace.name!r}: request {first} (counted from 0) has address "
        f"{int(trace.addresses[first]):#x}, as have {int(beyond.sum()) - 1} others, but memory "
        f"{memory.name!r} holds {mapping.capacity_bytes:#x} bytes. Use a larger memory, or "
        "wrap_addresses=True to ignore the high address bits, as DRAMSys does."
    )


def _rebuild(
    times: NDArray[np.int64],
    addresses: NDArray[np.uint64],
    writes: NDArray[np.bool_],
    clock_mhz: float,
    relative: bool,
    name: str,
) -> Trace:
    return Trace._from((times, addresses, writes), clock_mhz, relative, name)


def _check_clock(clock_mhz: object) -> None:
    number = isinstance(clock_mhz, int | float) and not isinstance(clock_mhz, bool)
    if not number or not 1 <= clock_mhz <= 1e6:  # type: ignore[operator]
        raise TraceFormatError(f"clock_mhz is {clock_mhz!r}. Allowed: a number from 1 to 1e6.")


def _integers(name: str, values: ArrayLike, high: int) -> NDArray[Any]:
    # NumPy turns a list of small and huge integers into floating point, so lists go by object.
    array = np.array(values, dtype=None if isinstance(values, np.ndarray) else object)
    integral = array.dtype.kind in "iu" or (
        array.dtype == object
        and all(
            isinstance(each, int | np.integer) and not isinstance(each, bool) for each in array.flat
        )
    )
    if array.ndim != 1 or not integral:
        raise TraceFormatError(f"{name}: allowed is one dimension of integers from 0 to {high}.")
    wrong = (array < 0) | (array > high)
    if wrong.any():
        first = int(wrong.argmax())
        raise TraceFormatError(
            f"{name}: entry {first} is {array[first]}. Allowed: integers from 0 to {high}."
        )
    return array


def _check_order(times: NDArray[np.int64]) -> None:
    wrong = (np.diff(times) < 0) & (times[1:] != times[0])
    if wrong.any():
        first = int(wrong.argmax()) + 1
        raise TraceFormatError(
            f"times: entry {first} is {times[first]}, after {times[first - 1]}. Allowed: times "
            "that do not decrease. Sort the requests, or pass allow_decreasing=True to send such "
            "requests as soon as possible."
        )


def _is_relative(path: Path) -> bool:
    return Path(path.name.removesuffix(".gz")).suffix == ".rstl"


def _stem(path: TracePath) -> str:
    return Path(Path(path).name.removesuffix(".gz")).stem
