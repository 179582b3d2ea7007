"""Independent tasks in several processes: what one process dies of is the loss of one task."""

import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, Generic, TypeVar

from costmodel.errors import LostTasksError
from simulators._text import duration
from simulators._threads import single_threaded

__all__ = ["keep", "run_tasks"]

TaskT = TypeVar("TaskT")
Work = Callable[[Any], object]

_work: Work | None = None


def run_tasks(
    tasks: Sequence[TaskT],
    make_work: Callable[[], Work],
    jobs: int,
    note: Callable[[str], None],
) -> None:
    """Do tasks, in this process or in several others, and say how it goes.

    Args:
        tasks: What to do; ``str`` names one. Results are files, so that a later run goes on.
        make_work: Returns what does a task; called once in each process.
        jobs: Number of processes.
        note: Called with a line for each task that is done or lost.

    Raises:
        LostTasksError: If processes died, once all other tasks are done.
    """
    if not tasks:
        return
    if jobs == 1:
        work, clock = make_work(), _Clock(len(tasks), 1, note)
        for task in tasks:
            started = time.perf_counter()
            work(task)
            clock.done(str(task), time.perf_counter() - started)
        return
    with single_threaded():
        _Lanes(tasks, make_work, _Clock(len(tasks), jobs, note)).run(jobs)


def keep(file: Path, result: object) -> None:
    """Write what came of a task as JSON; the file is complete as soon as it is there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(result), encoding="utf-8")
    part.replace(file)


class _Clock:
    """Says how far the tasks are, and when they will be done if the others take as long."""

    def __init__(self, count: int, jobs: int, note: Callable[[str], None]) -> None:
        self.count, self.jobs, self.note = count, jobs, note
        self.ended = 0
        self.seconds = 0.0
        self._lock = threading.Lock()

    def done(self, name: str, seconds: float) -> None:
        """Say that a task is done."""
        with self._lock:
            self.ended += 1
            self.seconds += seconds
            left_s = (self.count - self.ended) * self.seconds / self.ended / self.jobs
            rest = f", about {duration(left_s)} to go" if self.ended < self.count else ""
            self.note(f"{self.ended} of {self.count}: {name}: {seconds:.1f} s{rest}")

    def lost(self, name: str) -> None:
        """Say that a process died of a task."""
        with self._lock:
            self.count -= 1
            self.note(f"lost: {name}: its process was killed, perhaps out of memory")


class _Lanes(Generic[TaskT]):
    """Threads with one process each, so that it is known which task a process died of."""

    def __init__(
        self, tasks: Sequence[TaskT], make_work: Callable[[], Work], clock: _Clock
    ) -> None:
        self.waiting = deque(tasks)
        self.make_work, self.clock = make_work, clock
        self.lost: list[str] = []
        self.failure: BaseException | None = None

    def run(self, jobs: int) -> None:
        threads = [threading.Thread(target=self._lane) for _ in range(min(jobs, len(self.waiting)))]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException:  # Ctrl-C reaches the processes too; their lanes end
            self.waiting.clear()
            raise
        if self.failure is not None:
            raise self.failure
        if self.lost:
            raise LostTasksError(
                f"{len(self.lost)} of the tasks were lost, since their processes were killed: "
                f"{'; '.join(self.lost)}. All others are done and kept. Run it again for the rest, "
                "with fewer --jobs if memory was short."
            )

    def _lane(self) -> None:
        pool: ProcessPoolExecutor | None = None
        while self.waiting:
            try:
                task = self.waiting.popleft()
            except IndexError:  # another lane was faster
                break
            pool = pool or self._pool()
            started = time.perf_counter()
            try:
                pool.submit(_do, task).result()
                self.clock.done(str(task), time.perf_counter() - started)
            except BrokenProcessPool:
                self.lost.append(str(task))
                self.clock.lost(str(task))
                pool.shutdown()
                pool = None
            except BaseException as error:  # of the task; raised by run
                self.failure = error
                self.waiting.clear()
        if pool is not None:
            pool.shutdown()

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            1, get_context("spawn"), initializer=_start, initargs=(self.make_work,)
        )


def _start(make_work: Callable[[], Work]) -> None:
    global _work  # what a process is for
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _work = make_work()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(task: object) -> None:
    assert _work is not None  # noqa: S101  # set by _start
    _work(task)
