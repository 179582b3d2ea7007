"""``archgym replay``: simulate a recorded trial again and compare every number."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from archgym.errors import InvalidConfigError, RecordError
from simulators._terminal import Output, grid, plain

if TYPE_CHECKING:
    import pandas as pd

    from archgym.problem import Evaluation
    from archgym.report import Section


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Simulate a recorded trial again and compare every number; exit code 1 if one differs."""

    run_folder: Annotated[Positional[Path], arg(metavar="RUN")]
    """Folder of a run, or of several runs of one problem."""
    trial: Annotated[str, arg(metavar="best|INDEX")] = "best"
    """The trial with the highest reward, or a trial's number in its run."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Simulate, compare and write."""
        from archgym.report import load_sections

        sections = load_sections(self.run_folder)
        if len(sections) > 1:
            raise InvalidConfigError(
                f"'{self.run_folder}' holds runs of {len(sections)} problems or objectives. "
                "Give the folder of one run."
            )
        section = sections[0]
        trial = self._chosen(section)
        evaluation, reward, note = _again(section, trial)
        pairs = _pairs(trial, evaluation, reward)
        different = [name for name, (old, new) in pairs.items() if not _same(old, new)]
        if note:
            output.note(note)
        _show(output, trial, pairs, different)
        return 1 if different else 0

    def _chosen(self, section: "Section") -> "pd.Series":
        if self.trial == "best":
            if section.best is None:
                raise RecordError(
                    f"'{self.run_folder}' has no feasible trial. Give the number of a trial."
                )
            return section.best
        runs = section.trials["run"].unique()
        if len(runs) > 1:
            raise InvalidConfigError(
                f"'{self.run_folder}' holds {len(runs)} runs, each with its own trial "
                f"{self.trial}. Give the folder of one, for example "
                f"'{self.run_folder / str(runs[0])}'."
            )
        matches = section.trials[section.trials["index"].astype(str) == self.trial]
        if matches.empty:
            raise InvalidConfigError(
                f"--trial {self.trial!r} is not in '{self.run_folder}'. "
                f"Allowed: best, or 0 to {section.trials['index'].max()}."
            )
        return matches.iloc[0]


def _again(section: "Section", trial: "pd.Series") -> "tuple[Evaluation, float, str]":
    """Return the trial's new evaluation and reward, and a warning if the problem has changed."""
    from archgym.envs import make_problem

    if not section.infos:
        raise RecordError("A Parquet file alone cannot be replayed. Give the folder of its run.")
    info = section.infos[trial["run"]]
    problem = make_problem(info["problem"], **info.get("problem_config", {}))
    note = ""
    if problem.fingerprint() != info["fingerprint"]:
        note = (
            "The problem has changed since this run was recorded (another version, trace or "
            "memory); numbers may differ for that reason."
        )
    given = {
        parameter.name: parameter.parse(str(trial[f"design.{parameter.name}"]))
        for parameter in problem.space.parameters
        if _present(trial.get(f"design.{parameter.name}"))
    }
    evaluation = problem.evaluate([given])[0]
    return evaluation, problem.objective(info["objective"]).reward(evaluation), note


def _pairs(
    trial: "pd.Series", evaluation: "Evaluation", reward: float
) -> dict[str, tuple[Any, Any]]:
    """Return name to recorded and new value of everything that was measured."""
    recorded = {
        str(name).removeprefix("metric."): float(value)
        for name, value in trial.items()
        if str(name).startswith("metric.") and _present(value)
    }
    names = dict.fromkeys([*recorded, *evaluation.metrics])
    error = trial["error"] if _present(trial["error"]) else None
    return {
        "reward": (float(trial["reward"]), reward),
        "feasible": (bool(trial["feasible"]), evaluation.feasible),
        "error": (error, evaluation.error),
        **{name: (recorded.get(name), evaluation.metrics.get(name)) for name in names},
    }


def _present(value: object) -> bool:
    import pandas as pd

    return not bool(pd.isna(value))


def _same(old: object, new: object) -> bool:
    if isinstance(old, float) and isinstance(new, float) and math.isnan(old):
        return math.isnan(new)
    return old == new


def _show(
    output: Output,
    trial: "pd.Series",
    pairs: Mapping[str, tuple[Any, Any]],
    different: list[str],
) -> None:
    rows = [
        [name, old, new, "DIFFERENT" if name in different else "same"]
        for name, (old, new) in pairs.items()
        if not (old is None and new is None)
    ]
    where = f"trial {trial['index']} of {trial['run'] or 'the run'}"
    verdict = f"{len(different)} numbers differ." if different else "Every number is the same."
    output.show(
        f"{where}: {trial['agent']}, seed {trial['seed']}\n",
        grid(["number", ">recorded", ">simulated again", ""], rows),
        f"\n{verdict}",
    )
    output.result(
        {
            "run": trial["run"],
            "trial": plain(trial["index"]),
            "same": not different,
            "different": different,
            "numbers": {n: {"recorded": old, "again": new} for n, (old, new) in pairs.items()},
        }
    )
