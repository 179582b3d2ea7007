"""Studies: every agent with every seed on one problem, in parallel processes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archgym._pool import run_pool
from archgym._program import end_script_of_worker
from archgym.agents import resolve_agent
from archgym.envs import make_problem
from archgym.errors import FailedRunsError, InvalidConfigError
from archgym.problem import Problem
from archgym.search import Progress, ProgressEvent, SearchResult, Status, search

__all__ = ["RunOutcome", "StudyResult", "run_study"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """How one run of a study ended."""

    label: str
    """``agent/seed-n``, also its folder below that of the study."""

    agent: str
    """Name of the agent."""

    seed: int
    """Seed of the agent."""

    folder: Path
    """Where the run is recorded."""

    status: Status = "complete"
    """"complete", "failed" or "interrupted"."""

    error: str = ""
    """Why it failed."""

    evaluations: int = 0
    """Evaluations spent."""

    cached: int = 0
    """Repeats answered from the cache."""

    failed: int = 0
    """Evaluations that failed."""

    best_reward: float | None = None
    """Best reward of a feasible trial."""

    ask_seconds: float = 0.0
    """Time of the agent."""

    evaluate_seconds: float = 0.0
    """Time of the simulator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """How the runs of a study ended; their trials are read with :func:`archgym.load_trials`."""

    folder: Path
    """Where the study is recorded."""

    outcomes: tuple[RunOutcome, ...]
    """One per run, agent by agent and seed by seed."""

    @property
    def failures(self) -> tuple[RunOutcome, ...]:
        """The runs that did not end well."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """All that a worker needs to know about a run."""

    problem: str | Callable[..., Problem]
    problem_config: Mapping[str, Any]
    agent: str
    seed: int
    budget: int
    objective: str | None
    hyperparameters: Mapping[str, Any]
    folder: Path

    @property
    def label(self) -> str:
        return f"{self.agent}/seed-{self.seed}"

    def outcome(self, status: Status, error: str = "") -> RunOutcome:
        return RunOutcome(
            label=self.label,
            agent=self.agent,
            seed=self.seed,
            folder=self.folder,
            status=status,
            error=error,
        )


def run_study(
    problem: str | Callable[..., Problem],
    problem_config: Mapping[str, Any] | None,
    agents: Sequence[str],
    seeds: Sequence[int] | int,
    budget: int,
    objective: str | None = None,
    out: str | Path = "runs",
    jobs: int = 1,
    progress: Progress | None = None,
    *,
    hyperparameters: Mapping[str, Mapping[str, Any]] | None = None,
) -> StudyResult:
    """Run every agent with every seed, each recorded in ``<out>/<agent>/seed-<n>``.

    Started again with the same arguments, complete runs are only read and the others go on where
    they stopped; further agents and seeds can be added. A run that fails, or whose process dies,
    is reported and the others go on. Ctrl-C leaves folders that can go on.

    With ``jobs`` above 1 the runs go to as many processes, which know every registered agent and
    problem; for those that are defined in the user's script they run the script up to this call,
    unless it is below ``if __name__ == "__main__":``.

    Args:
        problem: Name of a registered problem, or a module-level class or function that makes one.
        problem_config: Its keyword arguments.
        agents: Names of the agents.
        seeds: The seeds, or how many from 0 on.
        budget: Evaluations per run.
        objective: Specification of the objective; default the problem's own.
        out: Folder of the study.
        jobs: Processes; 1 stays in this one.
        progress: Called in this process with the events of all runs.
        hyperparameters: Per agent, values by name.

    Raises:
        UnknownNameError: an agent, the problem or a metric is unknown.
        InvalidConfigError: an argument is not allowed.
        FailedRunsError: every run failed.
        KeyboardInterrupt: on Ctrl-C, once all runs have been written.
    """
    if jobs != 1:
        end_script_of_worker()
    work = _jobs(
        problem, problem_config, agents, seeds, budget, objective, Path(out), hyperparameters
    )
    if not isinstance(jobs, int) or jobs < 1:
        raise InvalidConfigError(f"jobs={jobs!r} is not allowed. Use a number of at least 1.")
    report = progress or _ignore
    run = _run_here if jobs == 1 else _run_in_pool
    found = run(work, min(jobs, len(work)), report)
    result = StudyResult(folder=Path(out), outcomes=tuple(found[job.label] for job in work))
    if len(result.failures) == len(result.outcomes):
        first = result.failures[0]
        raise FailedRunsError(f"All {len(work)} runs failed. {first.label}: {first.error}", result)
    return result


def _ignore(event: ProgressEvent) -> None:
    """Take no note of an event."""


def _jobs(
    problem: str | Callable[..., Problem],
    problem_config: Mapping[str, Any] | None,
    agents: Sequence[str],
    seeds: Sequence[int] | int,
    budget: int,
    objective: str | None,
    out: Path,
    hyperparameters: Mapping[str, Mapping[str, Any]] | None,
) -> list[_Job]:
    given = dict(hyperparameters or {})
    for agent in given:
        if agent not in agents:
            raise InvalidConfigError(
                f"Hyperparameters are given for {agent!r}, which is not among the agents "
                f"{', '.join(agents)}. Add it, or leave them out."
            )
    for agent in agents:
        resolve_agent(agent, given.get(agent))
    _made(problem, dict(problem_config or {})).objective(objective)
    numbers = range(seeds) if isinstance(seeds, int) else seeds
    if not numbers or not agents:
        raise InvalidConfigError("A study needs at least one agent and one seed.")
    work = [
        _Job(
            problem=problem,
            problem_config=dict(problem_config or {}),
            agent=agent,
            seed=seed,
            budget=budget,
            objective=objective,
            hyperparameters=given.get(agent, {}),
            folder=out / agent / f"seed-{seed}",
        )
        for agent in dict.fromkeys(agents)
        for seed in dict.fromkeys(numbers)
    ]
    return work


def _made(problem: str | Callable[..., Problem], config: Mapping[str, Any]) -> Problem:
    return make_problem(problem, **config) if isinstance(problem, str) else problem(**config)


class _Runner:
    """Runs jobs one after the other; keeps the last problem, whose workload takes time to load."""

    def __init__(self) -> None:
        self._key: object = None
        self._problem: Problem | None = None

    def run(self, job: _Job, report: Progress) -> RunOutcome:
        """Run one job; whatever fails is its outcome."""
        try:
            result = self._searched(job, report)
        except Exception as error:
            return job.outcome("failed", f"{type(error).__name__}: {error}")
        return _outcome(job, result)

    def _searched(self, job: _Job, report: Progress) -> SearchResult:
        key = (job.problem, dict(job.problem_config))
        if self._problem is None or self._key != key:
            self._problem, self._key = _made(job.problem, job.problem_config), key
        return search(
            self._problem,
            job.agent,
            job.budget,
            job.seed,
            objective=job.objective,
            hyperparameters=job.hyperparameters,
            out=job.folder,
            progress=report,
            label=job.label,
        )


def _outcome(job: _Job, result: SearchResult) -> RunOutcome:
    return RunOutcome(
        label=job.label,
        agent=job.agent,
        seed=job.seed,
        folder=job.folder,
        evaluations=result.evaluations,
        cached=result.cached,
        failed=result.failed,
        best_reward=result.best_reward,
        ask_seconds=result.ask_seconds,
        evaluate_seconds=result.evaluate_seconds,
    )


def _run_here(work: Sequence[_Job], _: int, report: Progress) -> dict[str, RunOutcome]:
    runner = _Runner()
    return {job.label: runner.run(job, report) for job in work}


def _run_in_pool(work: Sequence[_Job], count: int, report: Progress) -> dict[str, RunOutcome]:
    outcomes: dict[str, RunOutcome] = {}

    def done(job: _Job, outcome: RunOutcome) -> None:
        outcomes[job.label] = outcome

    def lost(job: _Job, cause: str) -> None:
        error = f"{cause}. Run the same command again: it goes on."
        outcomes[job.label] = job.outcome("failed", error)

    run_pool(work, count, _Runner, report=report, done=done, lost=lost)
    return outcomes
