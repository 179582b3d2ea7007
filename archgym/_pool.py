"""A pool of processes that survives the death of its workers, and its own."""

import contextlib
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar

from archgym._program import Program
from archgym.errors import InvalidConfigError
from simulators._threads import single_threaded

# How long a worker may take to end its present batch of evaluations after Ctrl-C.
STOP_SECONDS = 10.0

# How often silent workers are looked for.
CHECK_SECONDS = 1.0

JobT = TypeVar("JobT")


class Runner(Protocol):
    """Runs one job after the other in a worker, and may keep things between them."""

    def run(self, job: Any, report: Callable[[Any], object], /) -> Any:
        """Return the outcome of a job; what it reports on the way reaches the pool."""


def run_pool(
    jobs: Sequence[JobT],
    count: int,
    runner: Callable[[], Runner],
    *,
    report: Callable[[Any], object],
    done: Callable[[JobT, Any], object],
    lost: Callable[[JobT, str], object],
    retries: int = 0,
    silence_s: float | None = None,
) -> None:
    """Run jobs in processes; a job whose process dies is tried again, then given up.

    Args:
        jobs: What to run; they are pickled.
        count: Number of processes.
        runner: A class or function of a module, called once in every process.
        report: Called here with what runners report.
        done: Called here with a job and its outcome.
        lost: Called here with a job that is given up, and why.
        retries: How often a job whose process died is tried again.
        silence_s: Seconds without any report after which a process counts as hanging and is
            killed; None: never.

    Raises:
        InvalidConfigError: other processes cannot find what the jobs need.
        KeyboardInterrupt: on Ctrl-C, once every worker has ended its batch.
    """
    waiting = deque((job, retries) for job in jobs)
    pool = _Pool(waiting, Program.of(jobs), runner, report, done, lost, silence_s)
    try:
        pool.run(min(count, len(jobs)))
    finally:
        pool.stop()


@dataclass(slots=True)
class _Worker(Generic[JobT]):
    """A process, its pipe, the job it is at, and how often that may be tried again."""

    process: SpawnProcess
    pipe: Connection
    job: JobT | None = None
    retries: int = 0
    heard_at: float = 0.0
    ready: bool = False
    hangs: bool = False


@dataclass(slots=True)
class _Pool(Generic[JobT]):
    """Hands out jobs to workers and listens to them."""

    waiting: deque[tuple[JobT, int]]
    program: Program
    runner: Callable[[], Runner]
    report: Callable[[Any], object]
    done: Callable[[JobT, Any], object]
    lost: Callable[[JobT, str], object]
    silence_s: float | None
    workers: list[_Worker[JobT]] = field(default_factory=list)

    def run(self, count: int) -> None:
        for _ in range(count):
            self._start()
        timeout = None if self.silence_s is None else min(CHECK_SECONDS, self.silence_s)
        while self.workers:
            for pipe in wait([worker.pipe for worker in self.workers], timeout):
                self._listen(next(w for w in self.workers if w.pipe is pipe))
            self._kill_silent()

    def _start(self) -> None:
        if self.waiting:
            worker: _Worker[JobT] = _spawned(self.runner, self.program)
            self.workers.append(worker)
            self._assign(worker)

    def _assign(self, worker: _Worker[JobT]) -> None:
        worker.job, worker.retries = self.waiting.popleft() if self.waiting else (None, 0)
        worker.heard_at = time.monotonic()
        with contextlib.suppress(OSError):  # a dead worker is noticed when it is listened to
            worker.pipe.send(worker.job)

    def _listen(self, worker: _Worker[JobT]) -> None:
        try:
            kind, message = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return
        worker.heard_at = time.monotonic()
        if kind == "unprepared":
            raise InvalidConfigError(message)
        if kind == "ready":
            worker.ready = True
        elif kind == "report":
            self.report(message)
        elif worker.job is not None:
            self.done(worker.job, message)
            self._assign(worker)

    def _kill_silent(self) -> None:
        for worker in self.workers if self.silence_s is not None else ():
            silent_s = time.monotonic() - worker.heard_at
            at_work = worker.ready and worker.job is not None and not worker.hangs
            if at_work and silent_s > (self.silence_s or 0):
                worker.hangs = True
                worker.process.kill()

    def _bury(self, worker: _Worker[JobT]) -> None:
        """Try the job of a worker that is gone again, or give it up; start another worker."""
        worker.process.join()
        worker.pipe.close()
        self.workers.remove(worker)
        if worker.job is None:
            return
        if worker.retries > 0 and not worker.hangs:
            self.waiting.appendleft((worker.job, worker.retries - 1))
        else:
            self.lost(worker.job, self._cause(worker))
        self._start()

    def _cause(self, worker: _Worker[JobT]) -> str:
        if worker.hangs:
            return f"No evaluation ended for {self.silence_s:g} s, so its process was killed"
        code = worker.process.exitcode or 0
        cause = f"signal {-code}, perhaps out of memory" if code < 0 else f"exit code {code}"
        return f"Its process ended with {cause}"

    def stop(self) -> None:
        """Interrupt all workers and wait until they have written what they did."""
        for worker in self.workers:
            worker.process.terminate()
        for worker in self.workers:
            worker.process.join(STOP_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.pipe.close()


def _spawned(runner: Callable[[], Runner], program: Program) -> _Worker[Any]:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, runner, program), daemon=True)
    with single_threaded(), _deaf_to_ctrl_c(), _without_script():
        process.start()
    theirs.close()
    return _Worker(process, ours)


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let processes started here inherit that SIGINT is ignored.

    Ctrl-C reaches every process of the terminal; only the parent decides, by SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # no other thread may set handlers
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


@contextlib.contextmanager
def _without_script() -> Iterator[None]:
    """Keep processes started here from running the user's script; see `archgym._program`."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _work(pipe: Connection, make_runner: Callable[[], Runner], program: Program) -> None:
    """Run jobs from the pipe until there are no more; the main function of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)

    def send(kind: str, message: Any) -> None:
        try:
            pipe.send((kind, message))
        except OSError:  # the parent is gone: write what is done, and end
            raise KeyboardInterrupt from None

    def received() -> Any:
        try:
            return pipe.recv()
        except (AttributeError, ImportError) as error:
            send("unprepared", _cannot_start(error))
            raise EOFError from None

    with contextlib.suppress(KeyboardInterrupt, EOFError):
        try:
            program.load()
        except (Exception, SystemExit) as error:
            send("unprepared", _cannot_start(error))
            return
        send("ready", None)
        runner = make_runner()
        while (job := received()) is not None:
            send("outcome", runner.run(job, lambda event: send("report", event)))


def _cannot_start(error: BaseException) -> str:
    return (
        f"A worker process cannot prepare itself: {type(error).__name__}: {error}. It imports what "
        "the jobs use, and if that is in your script runs the script up to this call. Put the call "
        'below `if __name__ == "__main__":`, or what it uses into a module of its own.'
    )


def _interrupt(signum: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
