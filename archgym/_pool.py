"""A pool of processes that survives the death of its workers, and its own."""

import contextlib
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, Protocol, TypeVar

# How long a worker may take to end its present batch of evaluations after Ctrl-C.
STOP_SECONDS = 10.0

# Workers share the cores; more threads in their linear algebra would only get in each other's way.
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

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
        KeyboardInterrupt: on Ctrl-C, once every worker has ended its batch.
    """
    pool = _Pool(deque((job, retries) for job in jobs), runner, report, done, lost, silence_s)
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
    hangs: bool = False


@dataclass(slots=True)
class _Pool(Generic[JobT]):
    """Hands out jobs to workers and listens to them."""

    waiting: deque[tuple[JobT, int]]
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
            worker: _Worker[JobT] = _spawned(self.runner)
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
        if kind == "report":
            self.report(message)
        elif worker.job is not None:
            self.done(worker.job, message)
            self._assign(worker)

    def _kill_silent(self) -> None:
        for worker in self.workers if self.silence_s is not None else ():
            silent_s = time.monotonic() - worker.heard_at
            if worker.job is not None and not worker.hangs and silent_s > (self.silence_s or 0):
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


def _spawned(runner: Callable[[], Runner]) -> _Worker[Any]:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, runner), daemon=True)
    with _single_threaded(), _deaf_to_ctrl_c():
        process.start()
    theirs.close()
    return _Worker(process, ours)


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """Let processes started here inherit one thread for linear algebra, unless set by the user."""
    added = {name: "1" for name in THREAD_VARIABLES if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


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


def _work(pipe: Connection, make_runner: Callable[[], Runner]) -> None:
    """Run jobs from the pipe until there are no more; the main function of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    runner = make_runner()

    def send(kind: str, message: Any) -> None:
        try:
            pipe.send((kind, message))
        except OSError:  # the parent is gone: write what is done, and end
            raise KeyboardInterrupt from None

    with contextlib.suppress(KeyboardInterrupt, EOFError):
        while (job := pipe.recv()) is not None:
            send("outcome", runner.run(job, lambda event: send("report", event)))


def _interrupt(signum: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
