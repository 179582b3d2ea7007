"""Recorded runs as Optuna studies, for its dashboard."""

import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archgym.agents._agent import MissingExtraError
from archgym.errors import RecordError
from archgym.report import Section, load_sections
from archgym.sweep import is_sweep

if TYPE_CHECKING:
    import pandas as pd
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

DESIGN, METRIC, REWARD = "design.", "metric.", "reward."


def require_modules(*modules: str) -> None:
    """Raise MissingExtraError unless all can be imported; none is imported here."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise MissingExtraError(
            f"The dashboard needs {', '.join(missing)}, which is not installed. "
            "In the project's folder, run: pip install -c constraints.txt 'archgym[dashboard]'."
        )


def open_storage(journal: str | Path | None = None) -> "BaseStorage":
    """Return a storage in memory, or in a file that `optuna-dashboard FILE` opens too.

    Raises:
        RecordError: the file exists already.
    """
    from optuna.storages import InMemoryStorage, JournalStorage
    from optuna.storages.journal import JournalFileBackend

    if journal is None:
        return InMemoryStorage()
    if Path(journal).exists():
        raise RecordError(f"'{journal}' exists already. Choose another file, or delete it.")
    return JournalStorage(JournalFileBackend(str(journal)))


def add_studies(path: str | Path, storage: "BaseStorage") -> list[str]:
    """Add a study for each run of a folder, and return their names.

    Designs that cost no evaluation are left out; infeasible and failed ones are failed trials.
    Parameters have their own values, metrics are user attributes.

    Raises:
        RecordError: nothing is recorded there, a file is damaged, or it is a sweep.
        MissingExtraError: optuna is not installed.
    """
    require_modules("optuna")
    if is_sweep(Path(path)):
        raise RecordError(
            f"'{path}' is a sweep, which keeps no trials for a dashboard. Write its page with "
            f"`archgym report {path}`, or record single searches with `archgym search ... --out "
            "FOLDER` and open that folder."
        )
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    names = []
    for section in load_sections(path):
        distributions = _distributions(section)
        for label, mine in section.trials.groupby("run", sort=False):
            paid = mine[~mine["cached"].astype(bool)]
            objectives = _objectives(paid)
            name = f"{section.text('problem')}, {section.text('workload')}: {label or path}"
            study = optuna.create_study(
                study_name=name, storage=storage, directions=["maximize"] * len(objectives)
            )
            with warnings.catch_warnings():  # "experimental" since 2023
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names([text.removeprefix(REWARD) for text in objectives])
            for key in ("agent", "seed", "budget", "objective", "version"):
                study.set_user_attr(key, _plain(paid[key].iloc[0]))
            study.add_trials(_trials(paid, objectives, distributions))
            names.append(name)
    return names


def _objectives(trials: "pd.DataFrame") -> list[str]:
    several = [str(name) for name in trials.columns if str(name).startswith(REWARD)]
    # A folder of several problems has the columns of all of them.
    return [name for name in several if trials[name].notna().any()] or ["reward"]


def _distributions(section: Section) -> "dict[str, BaseDistribution]":
    """Return each parameter's distribution, over the values seen if its problem is gone."""
    found = {}
    for column in section.trials.columns:
        if str(column).startswith(DESIGN):
            name = str(column).removeprefix(DESIGN)
            seen = section.trials[column].dropna().unique()
            values = seen if section.problem is None else section.problem.space[name].values
            if len(values):
                found[name] = _distribution([_plain(value) for value in values])
    return found


def _distribution(values: Sequence[Any]) -> "BaseDistribution":
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    kinds = {type(value) for value in values}
    if kinds == {int}:
        return IntDistribution(min(values), max(values))
    if kinds <= {int, float}:
        return FloatDistribution(min(values), max(values))
    return CategoricalDistribution(values)


def _trials(
    table: "pd.DataFrame", objectives: list[str], distributions: "dict[str, BaseDistribution]"
) -> "list[FrozenTrial]":
    import pandas as pd
    from optuna.trial import TrialState, create_trial

    found = []
    for row in table.to_dict("records"):
        params = {
            name: _plain(row[DESIGN + name])
            for name in distributions
            if pd.notna(row[DESIGN + name])
        }
        attributes: dict[str, Any] = {
            str(name).removeprefix(METRIC): float(value)
            for name, value in row.items()
            if str(name).startswith(METRIC) and pd.notna(value)
        }
        feasible = bool(row["feasible"])
        if not feasible:
            attributes["why"] = row["error"] if pd.notna(row["error"]) else "infeasible"
        found.append(
            create_trial(
                state=TrialState.COMPLETE if feasible else TrialState.FAIL,
                params=params,
                distributions={name: distributions[name] for name in params},
                values=[float(row[name]) for name in objectives] if feasible else None,
                user_attrs=attributes,
            )
        )
    return found


def _plain(value: Any) -> Any:
    """Return numpy's numbers as Python's."""
    return value.item() if hasattr(value, "item") else value
