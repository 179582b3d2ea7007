"""Run one sample in a forked child: an abort, a hang or a memory eater costs one sample only."""

import ctypes
import faulthandler
import json
import os
import resource
import select
import signal
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = [
    "MEMORY_BYTES",
    "Failure",
    "Outcome",
    "Report",
    "SampleError",
    "Task",
    "sandboxed",
    "sandboxed_many",
]

MEMORY_BYTES = 3 << 30
_REASON_CHARACTERS = 300
_PR_SET_PDEATHSIG = 1
"""Linux's prctl(2): the signal that a process gets when its parent dies."""


class SampleError(Exception):
    """A sample that cannot be labelled, with the reason as its message."""


class Report(Protocol):
    """What a sandboxed task tells its parent while it runs."""

    def stage(self, name: str) -> None:
        """Say what is being done now; named in the failure if the child dies."""
        ...

    def value(self, name: str, value: Any) -> None:
        """Hand back one JSON value; kept even if the child dies later."""
        ...


Task = Callable[[Report], None]
"""Work to be done in a child of its own."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Where and why a sample was lost."""

    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sandboxed task handed back, and how it ended."""

    values: Mapping[str, Any]
    failure: Failure | None


class _Pipe:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def stage(self, name: str) -> None:
        self._write(["stage", name])

    def value(self, name: str, value: Any) -> None:
        self._write(["value", name, value])

    def failed(self, reason: str) -> None:
        self._write(["failed", reason])

    def done(self) -> None:
        self._write(["done"])

    def _write(self, message: list[Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self._descriptor, data) :]


class _Child:
    """A forked child and what it has said so far."""

    def __init__(self, task: Task, limit_s: float, cpu_s: float, memory_bytes: int) -> None:
        self._reader, writer = os.pipe()
        self._complaints = os.memfd_create("complaints")
        with warnings.catch_warnings():
            # Python 3.12 warns if other threads exist: here those of NumPy's BLAS, which is ready
            # for a fork.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid = os.fork()
        if self._pid == 0:  # pragma: no cover (another process)
            os.close(self._reader)
            _run_child(task, _Pipe(writer), self._complaints, cpu_s, memory_bytes)
        os.close(writer)
        self._limit_s = limit_s
        self._deadline = time.monotonic() + limit_s
        self._chunks: list[bytes] = []

    def fileno(self) -> int:
        return self._reader

    @property
    def left_s(self) -> float:
        return self._deadline - time.monotonic()

    def ended(self) -> bool:
        """Read what there is; whether the child has said everything."""
        chunk = os.read(self._reader, 1 << 16)
        self._chunks.append(chunk)
        return not chunk

    def outcome(self) -> Outcome:
        """Make an end of the child, and say how it went."""
        timed_out = self.left_s <= 0
        os.close(self._reader)
        os.kill(self._pid, signal.SIGKILL)
        _, status = os.waitpid(self._pid, 0)
        values, stage, failure, done = _decoded(b"".join(self._chunks))
        if timed_out and not done:
            failure = f"timeout: more than {self._limit_s:g} s"
        elif failure is None and not done:
            failure = _cause_of_death(status, self._complaints)
        os.close(self._complaints)
        return Outcome(values, None if failure is None else Failure(stage, failure))


def sandboxed(
    task: Task,
    *,
    limit_s: float = 60.0,
    cpu_s: float | None = None,
    memory_bytes: int = MEMORY_BYTES,
) -> Outcome:
    """Run ``task`` in a forked child with limits on time and memory.

    Args:
        task: Does the work; hands results to the report it is given.
        limit_s: Wall time after which the child is killed, in seconds.
        cpu_s: Processor time after which it is killed; by default the wall time.
        memory_bytes: Address space that the child may add to its parent's.

    Returns:
        Everything handed back before the end, and the failure if there was one. Nothing
        that the child does raises here.
    """
    outcomes = sandboxed_many([task], limit_s=limit_s, cpu_s=cpu_s, memory_bytes=memory_bytes)
    return next(outcomes)[1]


def sandboxed_many(
    tasks: Iterable[Task],
    *,
    workers: int = 1,
    limit_s: float = 60.0,
    cpu_s: float | None = None,
    memory_bytes: int = MEMORY_BYTES,
) -> Iterator[tuple[int, Outcome]]:
    """Run tasks in forked children, ``workers`` at a time; yield number and outcome as they end."""
    waiting = enumerate(tasks)
    running: dict[_Child, int] = {}
    try:
        while True:
            while len(running) < workers and (found := next(waiting, None)) is not None:
                child = _Child(found[1], limit_s, cpu_s or limit_s, memory_bytes)
                running[child] = found[0]
            if not running:
                return
            for child in _ended(running):
                yield running.pop(child), child.outcome()
    finally:
        for child in running:
            child.outcome()


def _ended(running: Iterable[_Child]) -> list[_Child]:
    patience = max(0.0, min(child.left_s for child in running))
    readable = select.select(list(running), [], [], patience)[0]
    ended = [child for child in readable if child.ended()]
    return ended + [child for child in running if child.left_s <= 0 and child not in ended]


def _run_child(
    task: Task, pipe: _Pipe, complaints: int, cpu_s: float, memory_bytes: int
) -> None:  # pragma: no cover (another process)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # no orphans if the parent dies
    faulthandler.disable()  # the parent words what happened
    os.dup2(complaints, 2)
    _set_limits(cpu_s, memory_bytes)
    try:
        task(pipe)
        pipe.done()
    except MemoryError:
        pipe.failed("memory: more than the limit")
    except BaseException as error:
        pipe.failed(_shortened(f"{type(error).__name__}: {error}"))
    finally:
        os._exit(0)


def _set_limits(cpu_s: float, memory_bytes: int) -> None:  # pragma: no cover (another process)
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    ceiling = pages * os.sysconf("SC_PAGE_SIZE") + memory_bytes
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]  # lowered already in a child of a child
    ceiling = ceiling if hard == resource.RLIM_INFINITY else min(ceiling, hard)
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seconds = int(cpu_s) + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))


def _decoded(data: bytes) -> tuple[dict[str, Any], str, str | None, bool]:
    values: dict[str, Any] = {}
    stage, failure, done = "start", None, False
    for line in data.splitlines():
        try:
            message = json.loads(line)
        except ValueError:  # the child died in the middle of a line
            break
        if message[0] == "stage":
            stage = message[1]
        elif message[0] == "value":
            values[message[1]] = message[2]
        elif message[0] == "failed":
            failure = message[1]
        else:
            done = True
    return values, stage, failure, done


def _cause_of_death(status: int, complaints: int) -> str:
    text = os.pread(complaints, 1 << 14, 0).decode(errors="replace")
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return "timeout: more processor time than the limit"
    name = f"exit code {os.waitstatus_to_exitcode(status)}"
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
    return _shortened(f"{name}: {_complaint(text)}")


def _complaint(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line in lines:
        if "Assertion" in line or "ERROR" in line or "error:" in line:
            return line[line.find("Assertion") :] if "Assertion" in line else line
    return lines[0] if lines else "no message"


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _REASON_CHARACTERS else text[: _REASON_CHARACTERS - 3] + "..."
