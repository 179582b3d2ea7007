"""Recorded runs grouped by what was searched: one section a problem, workload and objective."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archgym.errors import ArchGymError, RecordError
from archgym.plots import Axis
from archgym.stats import METRIC, best_trial, metric_columns

if TYPE_CHECKING:
    import pandas as pd

    from archgym.problem import Evaluation, Problem
    from archgym.space import Design

RISING = ("bandwidth", "throughput", "utilization", "rate")
"""Words in the name of a metric whose larger values are better, if its problem is unavailable."""

SECTION_KEYS = ("problem", "workload", "objective", "fingerprint")
"""Entries of ``run.json`` that the runs of one section share."""

ALWAYS_SHOWN = ("power_mw",)
"""Metrics that a summary shows whenever they were measured, whatever the objective."""


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
        names += ALWAYS_SHOWN
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

    def metrics(self, trial: "pd.Series") -> dict[str, float]:
        """Return the metrics of a trial that it has values of."""
        import pandas as pd

        return {
            str(name).removeprefix(METRIC): float(value)
            for name, value in trial.items()
            if str(name).startswith(METRIC) and pd.notna(value)
        }

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

    A run that was ended before its first trial is listed, but has no trials.

    Raises:
        RecordError: nothing is recorded there, or a file is damaged.
    """
    from archgym.trials import load_trials

    root = Path(path)
    if root.is_file():
        return [_section(load_trials(root), {})]
    folders = sorted(file.parent for file in root.rglob("run.json"))
    if not folders:
        found = "holds no recorded run" if root.is_dir() else "does not exist"
        raise RecordError(
            f"'{root}' {found}. Give the folder that 'archgym search' wrote with --out, "
            "or a folder above it."
        )
    sections = sections_of({folder.relative_to(root).as_posix(): folder for folder in folders})
    if not sections:
        raise RecordError(
            f"'{root}' holds no trials yet. Run the same search again: it goes on from there."
        )
    return sections


def sections_of(runs: Mapping[str, Path]) -> list[Section]:
    """Load run folders, given by label, as sections; those that hold a trial at least.

    Raises:
        RecordError: a file is damaged.
    """
    from archgym.record import read_info, read_run
    from archgym.trials import to_frame

    infos = {label: read_info(folder) for label, folder in runs.items()}
    groups: dict[tuple[str, ...], dict[str, Mapping[str, Any]]] = {}
    for label, info in infos.items():
        key = tuple(str(info.get(name)) for name in SECTION_KEYS)
        groups.setdefault(key, {})[label] = info
    sections = []
    for group in groups.values():
        begun = [label for label in group if _has_trials(runs[label])]
        if begun:
            tables = [(label, read_run(runs[label])) for label in begun]
            sections.append(_section(to_frame(tables), group))
    return sections


def _has_trials(folder: Path) -> bool:
    return (folder / "trials.parquet").exists() or any((folder / "parts").glob("*.parquet"))


def _section(trials: "pd.DataFrame", infos: Mapping[str, Mapping[str, Any]]) -> Section:
    problem, note = _problem(next(iter(infos.values()), {}))
    return Section(trials, infos, problem, note)


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
