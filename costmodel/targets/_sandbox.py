"""Run one sample in a forked child: an abort, a hang or a memory eater costs one sample only."""

import faulthandler
import json
import os
import resource
import select
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Failure", "Outcome", "Report", "SampleError", "sandboxed"]

_REASON_CHARACTERS = 300


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


def sandboxed(
    task: Callable[[Report], None], *, limit_s: float = 20.0, memory_bytes: int = 3 << 30
) -> Outcome:
    """Run ``task`` in a forked child with limits on time and memory.

    Args:
        task: Does the work; hands results to the report it is given.
        limit_s: Wall time after which the child is killed, in seconds.
        memory_bytes: Address space that the child may add to its parent's.

    Returns:
        Everything handed back before the end, and the failure if there was one. Nothing
        that the child does raises here.
    """
    reader, writer = os.pipe()
    complaints = os.memfd_create("complaints")
    child = os.fork()
    if child == 0:  # pragma: no cover (another process)
        os.close(reader)
        _run_child(task, _Pipe(writer), complaints, limit_s, memory_bytes)
    os.close(writer)
    try:
        data, timed_out = _read_all(reader, limit_s)
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    values, stage, failure, done = _decoded(data)
    if timed_out and not done:
        failure = f"timeout: more than {limit_s:g} s"
    elif failure is None and not done:
        failure = _cause_of_death(status, complaints)
    os.close(complaints)
    return Outcome(values, None if failure is None else Failure(stage, failure))


def _run_child(
    task: Callable[[Report], None], pipe: _Pipe, complaints: int, limit_s: float, memory_bytes: int
) -> None:  # pragma: no cover (another process)
    faulthandler.disable()  # the parent words what happened
    os.dup2(complaints, 2)
    _set_limits(limit_s, memory_bytes)
    try:
        task(pipe)
        pipe.done()
    except MemoryError:
        pipe.failed("memory: more than the limit")
    except BaseException as error:
        pipe.failed(_shortened(f"{type(error).__name__}: {error}"))
    finally:
        os._exit(0)


def _set_limits(limit_s: float, memory_bytes: int) -> None:  # pragma: no cover (another process)
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    ceiling = pages * os.sysconf("SC_PAGE_SIZE") + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seconds = int(limit_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def _read_all(descriptor: int, limit_s: float) -> tuple[bytes, bool]:
    deadline = time.monotonic() + limit_s
    chunks: list[bytes] = []
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            break
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            return b"".join(chunks), False
        chunks.append(chunk)
    return b"".join(chunks), True


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
