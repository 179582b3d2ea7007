"""Recorded runs grouped by what was searched: one section a problem, workload and objective."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archgym.errors import ArchGymError
from archgym.plots import Axis
from archgym.stats import METRIC, best_trial, metric_columns

if TYPE_CHECKING:
    import pandas as pd

    from archgym.problem import Evaluation, Problem
    from archgym.space import Design

RISING = ("bandwidth", "throughput", "utilization", "rate")
"""Words in the name of a metric whose larger values are better, if its problem is unavailable."""


@dataclass(frozen=True)
class Section:
    """The runs on one problem with one objective, and that problem if it can be made again."""

    trials: "pd.DataFrame"
    """Their trials, with the columns of :func:`archgym.load_trials`."""

    infos: Mapping[str, Mapping[str, Any]]
    """Run folder -> content of its ``run.json``; empty for a bare Parquet file."""

    problem: "Problem | None"
    """What was searched, made again; None if that is impossible or would give other numbers."""

    note: str = ""
    """Why there is no problem."""

    def text(self, column: str) -> str:
        """Return the value of a run-level column, the same for all runs of the section."""
        return str(self.trials[column].iloc[0])

    @cached_property
    def info(self) -> Mapping[str, Any]:
        """The ``run.json`` of the first run; empty if there is none."""
        return next(iter(self.infos.values()), {})

    @cached_property
    def reference(self) -> "Evaluation | None":
        """The evaluation of the default design."""
        return None if self.problem is None else self.problem.reference

    @cached_property
    def default_reward(self) -> float:
        """The reward of the default design; 0 where it cannot be computed."""
        if self.problem is None or self.reference is None:
            return 0.0
        return self.problem.objective(self.text("objective")).reward(self.reference)

    @cached_property
    def best(self) -> "pd.Series | None":
        """The feasible trial with the highest reward."""
        return best_trial(self.trials)

    @cached_property
    def metric_names(self) -> tuple[str, ...]:
        """Metrics that the trials have values of."""
        recorded = [name.removeprefix(METRIC) for name in metric_columns(self.trials)]
        return tuple(name for name in recorded if self.trials[METRIC + name].notna().any())

    @cached_property
    def headline_metrics(self) -> tuple[str, ...]:
        """Two or more metrics that tell the story: of the objective, then of the default one."""
        names = _terms(self.text("objective"))
        if self.problem is not None:
            names += _terms(self.problem.default_objective)
        known = [name for name in dict.fromkeys(names) if name in self.metric_names]
        rest = [name for name in self.metric_names if name not in known]
        return tuple(known + rest[: max(0, 2 - len(known))])

    def axis(self, metric: str) -> Axis:
        """Return unit and direction of a metric."""
        spec = None if self.problem is None else self.problem.metrics.get(metric)
        if spec is not None:
            return Axis(name=metric, unit=spec.unit, direction=spec.direction)
        from archgym._text import unit_of

        rising = any(word in metric for word in RISING)
        return Axis(name=metric, unit=unit_of(metric), direction="max" if rising else "min")

    def design(self, trial: "pd.Series") -> "Design":
        """Return the design of a trial, active parameters only, in the problem's types."""
        import pandas as pd

        found = {
            name.removeprefix("design."): value
            for name, value in trial.items()
            if str(name).startswith("design.") and pd.notna(value)
        }
        if self.problem is None:
            return found
        space = self.problem.space
        indices = [
            parameter.index(found[parameter.name]) if parameter.name in found else 0
            for parameter in space.parameters
        ]
        return space.decode(indices)


def load_sections(path: str | Path) -> list[Section]:
    """Load a run, or every run below a folder, as sections in the order of their first run.

    Raises:
        RecordError: nothing is recorded there, or a file is damaged.
    """
    from archgym.record import read_info
    from archgym.trials import load_trials

    trials = load_trials(path)
    root = Path(path)
    runs = [] if root.is_file() else list(dict.fromkeys(trials["run"]))
    infos = {run: read_info(root / run) for run in runs}
    fingerprints = trials["run"].map(lambda run: infos.get(run, {}).get("fingerprint", ""))
    keys = [trials["problem"], trials["workload"], trials["objective"], fingerprints]
    return [
        _section(group, {run: infos[run] for run in runs if run in set(group["run"])})
        for _, group in trials.groupby(keys, sort=False, dropna=False)
    ]


def _section(trials: "pd.DataFrame", infos: Mapping[str, Mapping[str, Any]]) -> Section:
    # Columns of other problems in the same tree are empty here.
    own = [
        name
        for name in trials.columns
        if not name.startswith(("design.", "metric.")) or trials[name].notna().any()
    ]
    problem, note = _problem(next(iter(infos.values()), {}))
    return Section(trials[own], infos, problem, note)


def _problem(info: Mapping[str, Any]) -> "tuple[Problem | None, str]":
    from archgym.envs import make_problem

    if not info:
        return None, "A Parquet file alone does not say how its problem was made."
    try:
        problem = make_problem(str(info["problem"]), **info.get("problem_config", {}))
        if problem.fingerprint() != info["fingerprint"]:
            return None, (
                "The problem has changed since the runs were recorded (another version, trace or "
                "memory), so its default design is not shown beside them."
            )
        _ = problem.reference
    except (ArchGymError, OSError) as error:
        return None, f"The problem could not be made again: {error}"
    return problem, ""


def _terms(objective: str) -> list[str]:
    from archgym.objective import Objective

    try:
        return [term.metric for term in Objective.from_spec(objective).terms]
    except ArchGymError:  # written by another version, or by the user's own objective
        return []
