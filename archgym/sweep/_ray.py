"""The runs of a sweep on a Ray cluster; imported only when it is asked for."""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from archgym._program import Registered
from archgym.agents._agent import MissingExtraError
from archgym.errors import BackendError
from archgym.sweep._jobs import RETRIES, SweepJob

Done = Callable[[SweepJob, dict[str, Any]], object]
Lost = Callable[[SweepJob, str], object]


def run_on_ray(
    work: Sequence[SweepJob], jobs: int, done: Done, lost: Lost, timeout_s: float
) -> None:
    """Run jobs on as many Ray actors, which keep their problems; a lost job is tried again.

    Args:
        work: What to run.
        jobs: Number of actors, of one CPU each.
        done: Called with a job and its row.
        lost: Called with a job that is given up, and why.
        timeout_s: Seconds without any run ending, after which the oldest actor is replaced.

    Raises:
        MissingExtraError: Ray is not installed.
        BackendError: there is no cluster and none can be started.
    """
    try:
        import ray
    except ImportError:
        raise MissingExtraError(
            "--engine ray needs ray, which is not installed. "
            "In the project's folder, run: pip install -c constraints.txt 'archgym[ray]'."
        ) from None
    from archgym.sweep._run import SweepRunner

    owner = not ray.is_initialized()
    try:
        if owner:
            ray.init(log_to_driver=False, include_dashboard=False, configure_logging=False)
    except (ConnectionError, RuntimeError) as error:
        raise BackendError(f"Ray cannot be started or reached: {error}") from None
    actor = ray.remote(num_cpus=1, max_restarts=0)(_Actor)
    try:
        hire = partial(actor.remote, SweepRunner, Registered.here())
        _Crew(ray, hire, done, lost, timeout_s).run(work, jobs)
    finally:
        if owner:
            ray.shutdown()


class _Actor:
    """A runner in a process of the cluster."""

    def __init__(self, runner: Callable[[], Any], known: Registered) -> None:
        known.restore()
        self._runner = runner()

    def run(self, job: SweepJob) -> dict[str, Any]:
        """Return the row of a run."""
        row: dict[str, Any] = self._runner.run(job, lambda event: None)
        return row


class _Crew:
    """Hands out jobs to actors, one at a time each."""

    def __init__(
        self, ray: Any, hire: Callable[[], Any], done: Done, lost: Lost, timeout_s: float
    ) -> None:
        self._ray = ray
        self._hire = hire
        self._done = done
        self._lost = lost
        self._timeout_s = timeout_s
        self._waiting: deque[tuple[SweepJob, int]] = deque()
        self._busy: dict[Any, tuple[Any, SweepJob, int]] = {}

    def run(self, work: Sequence[SweepJob], jobs: int) -> None:
        """Run everything."""
        self._waiting = deque((job, RETRIES) for job in work)
        for _ in range(min(jobs, len(work))):
            self._give(self._hire())
        while self._busy:
            ready, _ = self._ray.wait(list(self._busy), timeout=self._timeout_s)
            for reference in ready:
                self._take(reference)
            if not ready:
                self._replace(next(iter(self._busy)))

    def _give(self, actor: Any) -> None:
        if self._waiting:
            job, retries = self._waiting.popleft()
            self._busy[actor.run.remote(job)] = (actor, job, retries)

    def _take(self, reference: Any) -> None:
        actor, job, retries = self._busy.pop(reference)
        try:
            row = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            if retries:
                self._waiting.appendleft((job, retries - 1))
            else:
                self._lost(job, f"Its Ray actor was lost: {type(error).__name__}")
            self._give(self._hire())
            return
        self._done(job, row)
        self._give(actor)

    def _replace(self, reference: Any) -> None:
        actor, job, _ = self._busy.pop(reference)
        self._ray.kill(actor)
        self._lost(job, f"No run ended for {self._timeout_s:g} s, so its actor was killed")
        self._give(self._hire())
