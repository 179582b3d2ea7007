"""``archgym trace``: record, describe, list and convert memory traces."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from archgym._text import number
from archgym.errors import InvalidConfigError, TraceFormatError
from simulators._terminal import Output, grid

if TYPE_CHECKING:
    from simulators.dram import Trace
    from simulators.dram._cache import CacheConfig, CacheHierarchy
    from simulators.dram._recording import RecordingProgress

UNITS = {"": 1, "B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}


@dataclass(frozen=True, kw_only=True)
class TraceRecord:
    """Record the DRAM requests of any program: archgym trace record --out F.stl.gz -- COMMAND.

    The program runs under valgrind; a write-back cache hierarchy filters its accesses.
    """

    command: Annotated[Positional[tuple[str, ...]], arg(metavar="-- COMMAND [ARGUMENT...]")]
    """The program itself and its arguments, after --."""
    out: Path
    """The trace to write, .stl or .stl.gz."""
    l1i: Annotated[str, arg(metavar="SIZE:WAYS")] = "32KiB:8"
    """Instruction cache."""
    l1d: Annotated[str, arg(metavar="SIZE:WAYS")] = "32KiB:8"
    """Data cache."""
    l2: Annotated[str, arg(metavar="SIZE:WAYS")] = "512KiB:8"
    """Second level."""
    l3: Annotated[str, arg(metavar="SIZE:WAYS|none")] = "none"
    """Third level."""
    line_bytes: int = 64
    """Line size of every cache."""
    max_requests: int = 100_000
    """End the program after this many requests."""
    skip_instructions: int = 0
    """Instructions to run before the recording begins."""
    clock_mhz: float = 800.0
    """Clock of the time stamps."""
    cpu_mhz: float = 3200.0
    """Clock of the modelled core."""
    ipc: float = 1.0
    """Instructions per cycle of the modelled core."""
    page_allocation: Literal["first-touch", "shuffled"] = "first-touch"
    """How pages get their physical addresses."""
    seed: int = 0
    """Seed of shuffled pages."""
    timeout_s: float | None = None
    """Give up after so many seconds."""
    allow_failure: bool = False
    """Keep the trace of a program that exits with a code other than 0."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Record and describe."""
        from simulators.dram._recorder import record

        if not self.command:
            raise InvalidConfigError("There is no command to record. Write it after --.")
        report = record(
            list(self.command),
            out=self.out,
            progress=_recording_progress(output),
            caches=self._caches(),
            clock_mhz=self.clock_mhz,
            cpu_mhz=self.cpu_mhz,
            ipc=self.ipc,
            skip_instructions=self.skip_instructions,
            max_requests=self.max_requests,
            page_allocation=self.page_allocation,
            seed=self.seed,
            timeout_s=self.timeout_s,
            allow_failure=self.allow_failure,
        )
        output.show(_values(report.to_dict()))
        output.show(f"\nUse it: archgym evaluate archgym/DRAM-v0 --workload {self.out}")
        output.result(report.to_dict())
        return 0

    def _caches(self) -> "CacheHierarchy":
        from simulators.dram._cache import CacheHierarchy

        return CacheHierarchy(
            l1i=_cache("l1i", self.l1i),
            l1d=_cache("l1d", self.l1d),
            l2=_cache("l2", self.l2),
            l3=None if self.l3.lower() == "none" else _cache("l3", self.l3),
            line_bytes=self.line_bytes,
        )


@dataclass(frozen=True, kw_only=True)
class TraceInfo:
    """Describe a workload or trace file without simulating it."""

    workload: Annotated[Positional[str], arg(metavar="WORKLOAD|FILE")]
    """Name of a workload, or path of a .stl or .rstl file, gzip too."""
    requests: int | None = None
    """Length of a generated trace, or to cut a recorded one to."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Write the description."""
        from simulators.dram import load_workload
        from simulators.dram._trace_info import trace_info

        info = trace_info(load_workload(self.workload, requests=self.requests))
        output.show(_values(info))
        output.result(info)
        return 0


@dataclass(frozen=True, kw_only=True)
class TraceList:
    """List the workloads: generators and recorded traces of real programs."""

    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Write the list."""
        from simulators.dram import workloads
        from simulators.dram._workloads import recordings

        recorded = recordings()
        rows = [
            [name, "recorded" if name in recorded else "generated", text]
            for name, text in workloads().items()
        ]
        output.show(grid(["workload", "kind", "what"], rows))
        output.result({"workloads": workloads(), "recorded": recorded})
        return 0


@dataclass(frozen=True, kw_only=True)
class TraceConvert:
    """Convert a workload, or a trace of another simulator, to DRAMSys' format."""

    source: Annotated[Positional[str], arg(metavar="WORKLOAD|FILE")]
    """Name of a workload, or path of a trace file, gzip too."""
    out: Annotated[Positional[Path], arg(metavar="OUT")]
    """The trace to write: .stl, or .rstl for relative times, plus .gz to compress."""
    form: Annotated[Literal["dramsys", "ramulator", "dramsim3"], arg(name="from")] = "dramsys"
    """Format of the file."""
    clock_mhz: float = 800.0
    """Clock of the file's time stamps."""
    requests: int | None = None
    """Length of a generated trace, or to cut a recorded one to."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Convert."""
        if not self.out.parent.is_dir():
            raise InvalidConfigError(f"The folder '{self.out.parent}' does not exist. Make it.")
        trace = self._read()
        draft = self.out.with_name(f".draft-{self.out.name}")
        try:
            trace.to_stl(draft)
            draft.replace(self.out)
        finally:
            draft.unlink(missing_ok=True)
        output.show(f"Wrote {len(trace):,} requests to {self.out}")
        output.result({"out": str(self.out), "requests": len(trace), "digest": trace.digest})
        return 0

    def _read(self) -> "Trace":
        from simulators.dram import Trace, load_workload

        if self.form == "dramsys":
            return load_workload(self.source, requests=self.requests, clock_mhz=self.clock_mhz)
        if self.requests is not None:
            raise InvalidConfigError("--requests cuts DRAMSys traces and workloads only.")
        if not Path(self.source).is_file():
            raise TraceFormatError(f"The trace file '{self.source}' does not exist.")
        read = Trace.from_ramulator if self.form == "ramulator" else Trace.from_dramsim3
        return read(self.source, clock_mhz=self.clock_mhz)


def _cache(level: str, text: str) -> "CacheConfig":
    from simulators.dram._cache import CacheConfig

    size, _, ways = text.partition(":")
    digits = size.rstrip("KMGiBkmgb")
    unit = size[len(digits) :].upper()
    if not (digits.isdigit() and ways.isdigit() and unit in UNITS):
        raise InvalidConfigError(
            f"--{level} {text!r} is no cache. Write SIZE:WAYS, as in 512KiB:8; "
            f"units: B, KiB, MiB, GiB."
        )
    return CacheConfig(size_bytes=int(digits) * UNITS[unit], ways=int(ways))


def _recording_progress(output: Output) -> "Callable[[RecordingProgress], None]":
    import time

    interval_s = 2.0 if output.stderr.is_terminal else 10.0
    shown = time.monotonic()

    def show(progress: "RecordingProgress") -> None:
        nonlocal shown
        if time.monotonic() - shown >= interval_s:
            shown = time.monotonic()
            output.note(
                f"{progress.instructions:,} instructions, {progress.requests:,} requests, "
                f"{number(progress.instructions_per_s, 3)} instructions/s"
            )

    return show


def _values(values: dict[str, Any]) -> Any:
    rows = [[name, _shown(value)] for name, value in values.items()]
    return grid(["", ""], rows)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    if isinstance(value, float):
        return number(value, 6)
    return f"{value:,}" if type(value) is int else str(value)
