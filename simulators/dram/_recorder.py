"""Record the DRAM requests of any program: valgrind's lackey, a cache hierarchy, physical pages.

The model. Lackey prints every instruction fetch, load and store of the program with its virtual
address. Pages are given physical frames in order of first touch, as an operating system would; the
caches filter the accesses; misses of the last level become reads, its dirty victims writes. A
request is stamped with the memory cycle in which the core, retiring ``ipc`` instructions per cycle
of ``cpu_mhz``, reaches the instruction that caused it::

    cycle = floor(instructions * clock_mhz / (ipc * cpu_mhz))

Stamps are an open loop: the trace says when the program *wants* data; the trace player's
back-pressure delays later requests when the memory does not keep up. There is no prefetcher and no
speculation.
"""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from simulators.dram._core import CacheFilter
from simulators.dram._lackey import LackeyProcess, find_program, valgrind_version
from simulators.dram._recording import (
    Progress,
    RecordingConfig,
    RecordingProgress,
    RecordingReport,
)
from simulators.dram._trace import Trace
from simulators.errors import BackendError, InvalidConfigError, did_you_mean

PROGRESS_INTERVAL_S = 0.5


@dataclass(slots=True)
class _Requests:
    """Requests collected chunk by chunk."""

    stamps: list[Any] = field(default_factory=list)
    addresses: list[Any] = field(default_factory=list)
    writes: list[Any] = field(default_factory=list)

    def append(self, chunk: tuple[Any, Any, Any]) -> None:
        if len(chunk[0]):
            for column, part in zip((self.stamps, self.addresses, self.writes), chunk, strict=True):
                column.append(part)


def record(
    command: Sequence[str],
    *,
    out: str | PathLike[str],
    config: RecordingConfig | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> RecordingReport:
    """Run a program under valgrind and write the DRAM requests that its caches let through.

    The same command, files, versions and kind of CPU (libraries choose code by its features) give
    the same trace: address-space randomisation is off, and the program sees only a fixed set of
    environment variables (`LackeyProcess.KEPT_VARIABLES`, C locale, one thread for numerical
    libraries, fixed hash seeds) plus ``env``. Its standard input is empty and its output is
    discarded. Only the first process is recorded, not the children it forks or starts: name the
    program itself (``cc1``, not ``gcc``), not a wrapper script.

    Args:
        command: Program and arguments; no shell is involved.
        out: The trace to write: ``.stl`` or ``.stl.gz``, stamps in cycles of ``clock_mhz``. It
            appears only when complete.
        config: How to run, cache and stamp; defaults to ``RecordingConfig()``.
        progress: Called about twice a second.
        options: Fields of `RecordingConfig`, replacing those of ``config``.

    Raises:
        InvalidConfigError: An option out of range, a missing program, an output that cannot be
            written.
        BackendError: valgrind is missing, the program failed or timed out, or it caused no request.
    """
    config = _with_options(config or RecordingConfig(), options)
    path = _checked_output(out)
    arguments = _checked_command(command, config)
    cache_filter = config.cache_filter()
    started = time.monotonic()
    with LackeyProcess(arguments, env=config.env, cwd=config.cwd) as process:
        requests = _pump(process, cache_filter, config, started, progress)
        exit_code = None if cache_filter.done else process.wait()
    _check_outcome(process, cache_filter, config, exit_code)
    trace = _to_trace(requests, config, name=Path(arguments[0]).name)
    _write(trace, path)
    return _report(trace, arguments, path, config, cache_filter, exit_code, started)


def _with_options(config: RecordingConfig, options: Mapping[str, Any]) -> RecordingConfig:
    allowed = [entry.name for entry in fields(RecordingConfig)]
    for name in options:
        if name not in allowed:
            raise InvalidConfigError(
                f"Unknown recording option {name!r}; allowed: {', '.join(allowed)}."
                f"{did_you_mean(name, allowed)}"
            )
    return replace(config, **options)


def _checked_output(out: str | PathLike[str]) -> Path:
    path = Path(out)
    if not path.name.endswith((".stl", ".stl.gz")):
        raise InvalidConfigError(
            f"Cannot record to {str(path)!r}: the name must end in .stl or .stl.gz."
        )
    if path.is_dir() or not path.parent.is_dir():
        reason = "it is a folder" if path.is_dir() else "its folder does not exist"
        raise InvalidConfigError(f"Cannot record to {str(path)!r}: {reason}.")
    try:  # a probe: a recording of an hour must not end at a read-only folder
        _draft(path).touch()
        _draft(path).unlink()
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def _draft(path: Path) -> Path:
    return path.with_name(f".draft-{os.getpid()}-{path.name}")


def _unwritable(path: Path, error: OSError) -> InvalidConfigError:
    return InvalidConfigError(
        f"Cannot write {str(path)!r}: {error.strerror or error}. Free space or choose another "
        "folder."
    )


def _checked_command(command: Sequence[str], config: RecordingConfig) -> list[str]:
    if isinstance(command, str) or not command:
        raise InvalidConfigError(
            f"command is {command!r}; it must be a non-empty list such as ['sort', 'words.txt']."
        )
    arguments = [str(argument) for argument in command]
    if any("\0" in argument for argument in arguments):
        raise InvalidConfigError("command has a NUL byte in an argument; remove it.")
    if config.cwd is not None and not Path(config.cwd).is_dir():
        raise InvalidConfigError(f"cwd is {config.cwd!r}; it must be an existing folder.")
    find_program(arguments[0], config.env, config.cwd)
    return arguments


def _pump(
    process: LackeyProcess,
    cache_filter: CacheFilter,
    config: RecordingConfig,
    started: float,
    progress: Progress | None,
) -> _Requests:
    """Move the program's accesses through the caches until it ends or the window is full."""
    requests = _Requests()
    deadline = None if config.timeout_s is None else started + config.timeout_s
    due = started
    for chunk in process.chunks():
        requests.append(cache_filter.feed(chunk))
        now = time.monotonic()
        if deadline is not None and now > deadline:
            raise BackendError(
                f"Timed out after {config.timeout_s} s: {cache_filter.instructions:,} instructions "
                f"run, {cache_filter.requests:,} of {config.max_requests:,} requests recorded. "
                "Nothing was written; raise timeout_s, or lower max_requests or skip_instructions."
            )
        if progress is not None and now >= due:
            due = now + PROGRESS_INTERVAL_S
            progress(_progress(cache_filter, now - started))
        if cache_filter.done:
            break
    if progress is not None:
        progress(_progress(cache_filter, time.monotonic() - started))
    return requests


def _progress(cache_filter: CacheFilter, elapsed_s: float) -> RecordingProgress:
    return RecordingProgress(
        instructions=cache_filter.instructions,
        requests=cache_filter.requests,
        elapsed_s=elapsed_s,
        instructions_per_s=cache_filter.instructions / max(elapsed_s, 1e-9),
    )


def _check_outcome(
    process: LackeyProcess,
    cache_filter: CacheFilter,
    config: RecordingConfig,
    exit_code: int | None,
) -> None:
    """Raise if the program failed or nothing was recorded."""
    said = process.last_words(cache_filter.messages)
    if cache_filter.instructions == 0:
        raise BackendError(f"valgrind could not run the program (exit code {exit_code}).{said}")
    if exit_code and not config.allow_failure:
        how = f"exit code {exit_code}" if exit_code > 0 else f"killed by signal {-exit_code}"
        raise BackendError(
            f"The program failed ({how}) after {cache_filter.instructions:,} instructions; nothing "
            "was written. If this is how it should end, set allow_failure to keep the trace; if it "
            f"lacks an environment variable, pass it by env.{said}"
        )
    if cache_filter.requests == 0:
        raise BackendError(
            f"The program ran {cache_filter.instructions:,} instructions, of which the first "
            f"{config.skip_instructions:,} were skipped, and the caches let no request through. "
            "Lower skip_instructions, shrink the caches, or give the program more data."
        )


def _to_trace(requests: _Requests, config: RecordingConfig, name: str) -> Trace:
    return Trace.from_arrays(
        config.cycles(np.concatenate(requests.stamps)),
        np.concatenate(requests.addresses),
        np.concatenate(requests.writes),
        clock_mhz=config.clock_mhz,
        name=name,
    )


def _write(trace: Trace, path: Path) -> None:
    """Write beside the target and rename, so that a half-written trace never carries its name."""
    draft = _draft(path)
    try:
        trace.to_stl(draft)
        draft.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        draft.unlink(missing_ok=True)


def _report(
    trace: Trace,
    arguments: Sequence[str],
    path: Path,
    config: RecordingConfig,
    cache_filter: CacheFilter,
    exit_code: int | None,
    started: float,
) -> RecordingReport:
    levels = tuple(config.caches.levels)
    accesses, misses = zip(*cache_filter.counts, strict=True)
    writes = int(np.count_nonzero(trace.writes))
    return RecordingReport(
        command=tuple(arguments),
        out=str(path),
        digest=trace.digest,
        requests=len(trace),
        reads=len(trace) - writes,
        writes=writes,
        instructions=cache_filter.instructions,
        duration_cycles=int(trace.times[-1]),
        clock_mhz=config.clock_mhz,
        pages=cache_filter.pages,
        frames_reused=cache_filter.pages > config.device_bytes // config.page_bytes,
        cache_accesses=dict(zip(levels, accesses, strict=True)),
        cache_misses=dict(zip(levels, misses, strict=True)),
        dirty_lines=cache_filter.dirty_lines(),
        stopped_by="max_requests" if cache_filter.done else "exit",
        exit_code=exit_code,
        valgrind=valgrind_version(),
        wall_s=time.monotonic() - started,
    )
