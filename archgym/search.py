"""Search: one agent on one problem with one seed, under a budget, recorded and resumable."""

import contextlib
import hashlib
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from archgym.agents import Agent, Hyperparameters, resolve_agent
from archgym.envs import make_problem
from archgym.errors import InvalidConfigError, RecordError
from archgym.objective import Objective
from archgym.pareto import pareto_mask
from archgym.problem import Evaluation, Problem
from archgym.space import Design, DesignSpace
from archgym.task import BudgetExhausted, Stop, Task
from archgym.trials import Trial, to_frame, to_table, trial_schema

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BudgetExhausted",
    "Progress",
    "ProgressEvent",
    "Record",
    "SearchResult",
    "Status",
    "Task",
    "search",
]

Status = Literal["running", "complete", "interrupted", "failed"]

# Progress is reported at most this often, besides the first and the last event.
PROGRESS_SECONDS = 0.1

# Libraries whose version may change what an agent asks for; noted in run.json.
LIBRARIES = (
    *("numpy", "scipy", "scikit-learn", "lightgbm", "optuna", "cmaes"),
    *("torch", "stable-baselines3", "sb3-contrib", "gbrl"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressEvent:
    """Where a run stands."""

    label: str
    """Name of the run, as in ``genetic/seed-0``."""

    done: int
    """Evaluations spent."""

    budget: int
    """Evaluations to spend in all."""

    best_reward: float | None
    """Best reward of a feasible trial so far."""

    cached: int
    """Repeats answered from the cache."""

    failed: int
    """Evaluations that failed."""

    elapsed_s: float
    """Seconds since this attempt started."""

    status: Status = "running"
    """What the run is doing."""

    message: str = ""
    """Why it failed, if it did."""


class Progress(Protocol):
    """Anything that can be called with a :class:`ProgressEvent`."""

    def __call__(self, event: ProgressEvent, /) -> object:
        """Take note of the event."""


class Record(Protocol):
    """Keeps the trials of a run while it goes on."""

    @property
    def complete(self) -> bool:
        """Whether the record holds the whole run."""
        ...

    @property
    def info(self) -> dict[str, Any]:
        """What is known about the run; ``stop`` of a complete one."""
        ...

    @property
    def folder(self) -> Path | None:
        """Where the record can be read later."""
        ...

    def load(self, space: DesignSpace) -> list[Trial]:
        """Return the trials of an earlier attempt."""
        ...

    def append(self, trials: Sequence[Trial]) -> None:
        """Keep new trials."""
        ...

    def finish(self, status: str, **entries: Any) -> None:
        """Keep how the run ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """All trials of a run and what they cost."""

    identity: Mapping[str, Any]
    """What makes this run this run: problem, workload, fingerprint, agent, hyperparameters, seed,
    budget, objective, version and a hash of all but the seed."""

    stop: Stop
    """Why the search ended: "budget" spent, whole "space" evaluated, only "repeats", or the
    "agent" had nothing more to ask."""

    trials: tuple[Trial, ...] = field(repr=False)
    """Every trial in order, repeats included."""

    folder: Path | None = None
    """Where the run is recorded."""

    space: DesignSpace = field(repr=False)
    """The design space."""

    metrics: tuple[str, ...] = field(repr=False)
    """Names of the problem's metrics."""

    objectives: tuple[str, ...]
    """Names of the objectives."""

    @property
    def evaluations(self) -> int:
        """Number of evaluations spent."""
        return sum(not trial.cached for trial in self.trials)

    @property
    def cached(self) -> int:
        """Number of repeats answered from the cache."""
        return sum(trial.cached for trial in self.trials)

    @property
    def failed(self) -> int:
        """Number of evaluations that failed."""
        return sum(trial.error is not None and not trial.cached for trial in self.trials)

    @property
    def ask_seconds(self) -> float:
        """Time of the agent."""
        return sum(trial.ask_s for trial in self.trials)

    @property
    def evaluate_seconds(self) -> float:
        """Time of the simulator."""
        return sum(trial.wall_s for trial in self.trials)

    @property
    def best(self) -> Trial | None:
        """The feasible trial of the highest reward, the first of equals; None if there is none."""
        feasible = [trial for trial in self.trials if trial.feasible]
        return max(feasible, key=lambda trial: trial.reward, default=None)

    @property
    def best_design(self) -> Design | None:
        """The design of the best trial."""
        return None if self.best is None else dict(self.best.design)

    @property
    def best_reward(self) -> float | None:
        """The reward of the best trial."""
        return None if self.best is None else self.best.reward

    @property
    def best_evaluation(self) -> Evaluation | None:
        """The evaluation of the best trial."""
        if self.best is None:
            return None
        return Evaluation(metrics=self.best.metrics, violations=self.best.violations)

    def pareto(self) -> list[Trial]:
        """Return the feasible trials that no other dominates, each design once, in order."""
        found = [trial for trial in self.trials if trial.feasible and not trial.cached]
        if not found:
            return []
        mask = pareto_mask([trial.rewards for trial in found])
        return [trial for trial, kept in zip(found, mask, strict=True) if kept]

    def curve(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return every improvement: after so many evaluations the best reward was so much.

        As :func:`archgym.stats.best_at` and other statistics of curves take them.
        """
        spent, best = 0, -np.inf
        found: list[tuple[int, float]] = []
        for trial in self.trials:
            spent += not trial.cached
            if trial.feasible and trial.reward > best:
                best = trial.reward
                found.append((spent, best))
        return np.array([n for n, _ in found], dtype=np.int64), np.array([r for _, r in found])

    def to_frame(self) -> "pd.DataFrame":
        """Return the trials with the columns of :func:`archgym.load_trials`."""
        schema = trial_schema(self.space, self.metrics, self.objectives, self.identity)
        label = "" if self.folder is None else self.folder.name
        return to_frame([(label, to_table(self.trials, schema))])


def search(
    problem: Problem | str,
    agent: str | type[Agent] | Callable[..., Agent],
    budget: int,
    seed: int,
    *,
    objective: str | Objective | None = None,
    hyperparameters: Mapping[str, Any] | Hyperparameters | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
    label: str | None = None,
    record: Callable[[Mapping[str, Any]], AbstractContextManager[Record]] | None = None,
) -> SearchResult:
    """Search a problem with one agent until its budget is spent.

    The same arguments give the same trials, wall times aside. A run that was killed goes on where
    it stopped when it is started again with the same ``out``: the agent is replayed against the
    recorded trials, so nothing is lost, counted twice or evaluated twice. A complete run is only
    read. Ctrl-C writes what is done and leaves a run that can go on.

    Args:
        problem: A problem, or the name of a registered one.
        agent: Name, class, or a callable that takes an agent's arguments.
        budget: Evaluations to spend, at least 1. Repeats are free.
        seed: Seed of the agent, at least 0.
        objective: Objective or its specification; default the problem's own.
        hyperparameters: Of the agent, by name or as its configuration object.
        out: Folder to record the run in; default none.
        progress: Called with a :class:`ProgressEvent`, at most ten times a second.
        label: Name of the run in progress events; default ``agent/seed-0``.
        record: Makes another kind of record than a folder, from the identity of the run.

    Raises:
        UnknownNameError: the problem, agent or a metric of the objective is unknown.
        InvalidConfigError: budget, seed, objective or a hyperparameter is not allowed.
        RecordError: ``out`` holds another run, is in use, is damaged, or cannot be written.
    """
    budget, seed = _whole("budget", budget, 1), _whole("seed", seed, 0)
    problem = make_problem(problem) if isinstance(problem, str) else problem
    bound = problem.objective(objective)
    name, factory, config = resolve_agent(agent, hyperparameters)
    searcher = factory(
        problem.space, objectives=len(bound.names), budget=budget, seed=seed, config=config
    )
    identity = _identity(problem, bound, name, searcher, budget, seed)
    reporter = _Reporter(label or f"{name}/seed-{seed}", budget, progress)
    run = _Run(problem, bound, searcher, budget, identity, reporter)
    if record is not None:
        with record(identity) as kept:
            return run.start(kept)
    if out is None:
        return run.start(None)
    from archgym.record import RunRecord

    schema = trial_schema(problem.space, problem.metrics, bound.names, identity)
    with RunRecord(out, identity, _notes(problem), schema) as folder:
        return run.start(folder)


def _whole(name: str, value: Any, low: int) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
        raise InvalidConfigError(
            f"{name}={value!r} is not allowed. Use a whole number of at least {low}."
        )
    return int(value)


def _identity(
    problem: Problem, objective: Objective, agent: str, searcher: Agent, budget: int, seed: int
) -> dict[str, Any]:
    from archgym import __version__

    identity: dict[str, Any] = {
        "problem": problem.name,
        "workload": problem.workload,
        "fingerprint": problem.fingerprint(),
        "objective": objective.spec,
        "agent": agent,
        "hyperparameters": searcher.config.to_dict(),
        "budget": budget,
        "version": __version__,
    }
    text = json.dumps(identity, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return {**identity, "config_hash": digest, "seed": seed}


def _notes(problem: Problem) -> dict[str, Any]:
    """Entries of run.json that do not tell one run from another."""
    return {
        "problem_config": problem.config,
        "command": sys.argv,
        "libraries": {"python": platform.python_version(), **_libraries()},
    }


@cache
def _libraries() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


class _Reporter:
    """Counts trials and passes on progress, not too often."""

    def __init__(self, label: str, budget: int, progress: Progress | None) -> None:
        self._label = label
        self._budget = budget
        self._progress = progress
        self._done = self._cached = self._failed = 0
        self._best: float | None = None
        self._started = time.monotonic()
        self._reported = -float("inf")

    def count(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._cached += trial.cached
            self._done += not trial.cached
            self._failed += trial.error is not None and not trial.cached
            if trial.feasible and (self._best is None or trial.reward > self._best):
                self._best = trial.reward
        if time.monotonic() - self._reported >= PROGRESS_SECONDS:
            self.report("running")

    def report(self, status: Status, message: str = "") -> None:
        self._reported = time.monotonic()
        if self._progress is None:
            return
        self._progress(
            ProgressEvent(
                label=self._label,
                done=self._done,
                budget=self._budget,
                best_reward=self._best,
                cached=self._cached,
                failed=self._failed,
                elapsed_s=self._reported - self._started,
                status=status,
                message=message,
            )
        )

    def totals(self) -> dict[str, Any]:
        return {
            "evaluations": self._done,
            "cached": self._cached,
            "failed": self._failed,
            "best_reward": self._best,
        }


@dataclass(frozen=True, slots=True)
class _Run:
    """One attempt at a run, from whatever an earlier attempt recorded to its end."""

    problem: Problem
    objective: Objective
    searcher: Agent
    budget: int
    identity: Mapping[str, Any]
    reporter: _Reporter

    def start(self, record: Record | None) -> SearchResult:
        recorded = [] if record is None else record.load(self.problem.space)
        self.reporter.count(recorded)
        if record is not None and record.complete:
            self.reporter.report("complete")
            return self._result(recorded, record.info["stop"], record.folder)
        task = Task(
            self.problem,
            self.objective,
            self.budget,
            recorded=recorded,
            on_trials=lambda trials: self._take(trials, record),
        )
        with self._recording_the_end(record):
            self._drive(task)
        if record is not None:
            record.finish("complete", stop=task.stop, totals=self.reporter.totals())
        self.reporter.report("complete")
        folder = None if record is None else record.folder
        return self._result(task.trials, task.stop, folder)

    def _take(self, trials: Sequence[Trial], record: Record | None) -> None:
        if record is not None:
            record.append(trials)
        self.reporter.count(trials)

    def _drive(self, task: Task) -> None:
        with contextlib.suppress(BudgetExhausted):
            self.searcher.search(task)
        if task.unreplayed:
            raise RecordError(
                f"The agent ended {task.unreplayed} trials before its own record. The record was "
                "made by other library versions (see run.json); choose another folder."
            )

    @contextlib.contextmanager
    def _recording_the_end(self, record: Record | None) -> Iterator[None]:
        """Leave a record that can go on, and an event, whatever ends the search early."""
        try:
            yield
        except BaseException as error:
            stopped = not isinstance(error, Exception)
            status: Status = "interrupted" if stopped else "failed"
            message = "" if stopped else f"{type(error).__name__}: {error}"
            if record is not None:
                with contextlib.suppress(RecordError):  # the first error is the one to report
                    record.finish(status, error=message, totals=self.reporter.totals())
            self.reporter.report(status, message)
            raise

    def _result(self, trials: Sequence[Trial], stop: Stop, folder: Path | None) -> SearchResult:
        return SearchResult(
            identity=dict(self.identity),
            stop=stop,
            trials=tuple(trials),
            folder=folder,
            space=self.problem.space,
            metrics=tuple(self.problem.metrics),
            objectives=tuple(self.objective.names),
        )
