"""Run samples in forked children: an abort, a hang or a memory eater costs one sample only."""

import ctypes
import faulthandler
import gc
import json
import os
import resource
import select
import signal
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = [
    "MEMORY_BYTES",
    "Failure",
    "Outcome",
    "Report",
    "SampleError",
    "Task",
    "in_this_process",
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
    died: bool = False
    """Whether the process came to an end with the task, rather than the task by itself."""


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


class _Messages:
    """What a task has said so far."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.stage = "start"
        self.failure: str | None = None
        self.ended = False

    def add(self, message: list[Any]) -> None:
        if message[0] == "stage":
            self.stage = message[1]
        elif message[0] == "value":
            self.values[message[1]] = message[2]
        else:
            self.ended = True
            self.failure = message[1] if message[0] == "failed" else None

    def outcome(self) -> Outcome:
        failure = None if self.failure is None else Failure(self.stage, self.failure)
        return Outcome(self.values, failure)


@dataclass(frozen=True, slots=True)
class _Limits:
    wall_s: float
    cpu_s: float
    memory_bytes: int


class _Child:
    """A forked child that does one task after the other, as it is told to."""

    def __init__(self, tasks: Sequence[Task], limits: _Limits) -> None:
        self._reader, writer = os.pipe()
        orders, self._orders = os.pipe()
        self._complaints = os.memfd_create("complaints")
        with warnings.catch_warnings():
            # Python 3.12 warns if other threads exist: here those of NumPy's BLAS, which is ready
            # for a fork.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid = os.fork()
        if self._pid == 0:  # pragma: no cover (another process)
            os.close(self._reader)
            os.close(self._orders)
            _run_child(tasks, orders, _Pipe(writer), self._complaints, limits)
        os.close(writer)
        os.close(orders)
        self._limits = limits
        self._unread = b""
        self.tasks_begun = 0

    def begin(self, number: int) -> None:
        """Let the child do the task of this number."""
        self.number = number
        self.tasks_begun += 1
        self._said = _Messages()
        self._deadline = time.monotonic() + self._limits.wall_s
        os.write(self._orders, f"{number}\n".encode())

    def fileno(self) -> int:
        return self._reader

    @property
    def left_s(self) -> float:
        return self._deadline - time.monotonic()

    def outcome(self) -> Outcome | None:
        """Read what the child says; return how its task went, or None while it goes on."""
        chunk = os.read(self._reader, 1 << 16)
        *lines, self._unread = (self._unread + chunk).split(b"\n")
        for line in lines:
            self._said.add(json.loads(line))
        if self._said.ended:
            return self._said.outcome()
        return None if chunk else self.killed()

    def killed(self) -> Outcome:
        """Make an end of the child in the middle of its task, and say how that went."""
        timed_out = self.left_s <= 0
        status = self.close()
        reason = f"timeout: more than {self._limits.wall_s:g} s"
        if not timed_out:
            reason = _cause_of_death(status, self._complaints)
        os.close(self._complaints)
        return Outcome(self._said.values, Failure(self._said.stage, reason), died=True)

    def close(self) -> int:
        """Kill the child and return its exit status."""
        os.close(self._reader)
        os.close(self._orders)
        os.kill(self._pid, signal.SIGKILL)
        return os.waitpid(self._pid, 0)[1]


def in_this_process(task: Task) -> Outcome:
    """Run ``task`` with no protection but that for exceptions; answers as :func:`sandboxed`."""
    said = _Said()
    try:
        task(said)
    except MemoryError:
        raise
    except Exception as error:
        said.messages.add(["failed", _worded(error)])
    return said.messages.outcome()


class _Said:
    def __init__(self) -> None:
        self.messages = _Messages()

    def stage(self, name: str) -> None:
        self.messages.add(["stage", name])

    def value(self, name: str, value: Any) -> None:
        self.messages.add(["value", name, value])


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
    tasks_per_child: int = 1,
) -> Iterator[tuple[int, Outcome]]:
    """Run tasks in forked children, ``workers`` at a time; yield number and outcome as they end.

    A child that does several tasks saves the time of forking. If it dies, the others of its tasks
    are done by another one.
    """
    tasks = tuple(tasks)
    limits = _Limits(limit_s, cpu_s or limit_s, memory_bytes)
    waiting = deque(range(len(tasks)))
    running: list[_Child] = []
    try:
        while waiting or running:
            while len(running) < workers and waiting:
                running.append(_Child(tasks, limits))
                running[-1].begin(waiting.popleft())
            for child, outcome in _ended(running):
                number = child.number
                if not outcome.died and waiting and child.tasks_begun < tasks_per_child:
                    child.begin(waiting.popleft())
                else:
                    running.remove(child)
                    _dismiss(child, outcome)
                yield number, outcome
    finally:
        for child in running:
            child.killed()


def _dismiss(child: _Child, outcome: Outcome) -> None:
    if not outcome.died:
        child.killed()


def _ended(running: Sequence[_Child]) -> list[tuple[_Child, Outcome]]:
    patience = max(0.0, min(child.left_s for child in running))
    readable = select.select(list(running), [], [], patience)[0]
    ended = []
    for child in running:
        outcome = child.outcome() if child in readable else None
        if outcome is None and child.left_s <= 0:
            outcome = child.killed()
        if outcome is not None:
            ended.append((child, outcome))
    return ended


def _run_child(
    tasks: Sequence[Task], orders: int, pipe: _Pipe, complaints: int, limits: _Limits
) -> None:  # pragma: no cover (another process)
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # no orphans if the parent dies
        faulthandler.disable()  # the parent words what happened
        gc.freeze()  # or collecting garbage would copy every page of the parent
        os.dup2(complaints, 2)
        _limit_memory(limits.memory_bytes)
        with os.fdopen(orders) as lines:
            for line in lines:
                os.ftruncate(complaints, 0)
                os.lseek(complaints, 0, os.SEEK_SET)
                _limit_time(limits.cpu_s)
                _run_task(tasks[int(line)], pipe)
    finally:
        os._exit(0)


def _run_task(task: Task, pipe: _Pipe) -> None:  # pragma: no cover (another process)
    try:
        task(pipe)
        pipe.done()
    except MemoryError:
        pipe.failed("memory: more than the limit")
    except BaseException as error:
        pipe.failed(_worded(error))


def _limit_memory(memory_bytes: int) -> None:  # pragma: no cover (another process)
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    ceiling = pages * os.sysconf("SC_PAGE_SIZE") + memory_bytes
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]  # lowered already in a child of a child
    ceiling = ceiling if hard == resource.RLIM_INFINITY else min(ceiling, hard)
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(cpu_s: float) -> None:  # pragma: no cover (another process)
    seconds = int(time.process_time() + cpu_s) + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))


def _worded(error: BaseException) -> str:
    return _shortened(f"{type(error).__name__}: {error}")


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
