"""The part of a report that shows how fast agents improve, for one objective or several."""

import numpy as np
import pandas as pd

from archgym import plots
from archgym.pareto import pareto_mask
from archgym.report._page import element, figure
from archgym.report._sections import Section
from archgym.stats import convergence, hypervolume_curve, nadir, run_keys, simulated
from archgym.stats._bootstrap import Floats

REWARD = "reward."
POINTS = 60
"""Numbers of evaluations at which a hypervolume is drawn."""


def improvement(section: Section, key: str) -> list[str]:
    """Return the best reward so far, or the hypervolume where there are several objectives."""
    several = [name for name in section.trials.columns if name.startswith(REWARD)]
    # Three and more objectives need a library that a page should not.
    if len(several) == 2:
        return _hypervolume(section, key, several)
    drawn = plots.convergence_figure(
        convergence(section.trials),
        default_reward=None if section.problem is None else section.default_reward,
    )
    text = (
        "Best reward so far against the number of simulator evaluations: median over the seeds "
        "(line) and the band between the quartiles. Higher and further left is better. The first "
        "few evaluations may lie below the picture; double-click it to see all."
    )
    return [
        element("h3", "How fast each agent improves"),
        figure(f"{key}-convergence", drawn, text + _baseline(section)),
    ]


def _baseline(section: Section) -> str:
    if plots.BASELINE not in set(section.trials["agent"]):
        return ""
    return " An agent earns its keep only above the dashed grey line, random search."


def _hypervolume(section: Section, key: str, columns: list[str]) -> list[str]:
    curves = hypervolume_progress(section.trials, columns)
    if curves.empty:
        return []
    names = " and ".join(name.removeprefix(REWARD) for name in columns)
    drawn = plots.convergence_figure(curves, reward_label="hypervolume (1: all runs together)")
    text = (
        f"Hypervolume of {names} that a run's designs dominate, as a share of what all runs "
        "together dominate, against the number of simulator evaluations: median over the seeds "
        "(line) and the band between the quartiles. It starts at the default design or, if lower, "
        "at the worst end of the front. Higher and further left is better."
    )
    return [
        element("h3", "How fast each agent improves"),
        figure(f"{key}-convergence", drawn, text + _baseline(section)),
    ]


def hypervolume_progress(trials: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return the hypervolume so far by evaluation: quartiles over the runs of each agent.

    Args:
        trials: Trials of one problem and objective.
        columns: Its reward columns.

    Returns:
        Columns ``agent, evaluation, q25, median, q75, runs``; empty without a feasible trial.
    """
    empty = pd.DataFrame(columns=["agent", "evaluation", "q25", "median", "q75", "runs"])
    paid = simulated(trials)
    feasible = paid[paid["feasible"].astype(bool)]
    if feasible.empty:
        return empty
    every: Floats = np.unique(feasible[columns].to_numpy(dtype=np.float64), axis=0)
    front = every[pareto_mask(every)]
    reference = np.minimum(nadir(front), 0.0)
    whole = hypervolume_curve(np.zeros(len(front)), front, reference, [1])[0]
    last = int(paid["evaluation"].max())
    at = np.unique(np.geomspace(1, last, POINTS).round().astype(np.int64))
    frames = []
    for agent, mine in feasible.groupby("agent", sort=False):
        curves = [
            hypervolume_curve(run["evaluation"], run[columns], reference, at) / whole
            for _, run in mine.groupby(run_keys(mine), dropna=False)
        ]
        low, middle, high = np.quantile(np.array(curves), [0.25, 0.5, 0.75], axis=0)
        frames.append(
            pd.DataFrame(
                {
                    **{"agent": agent, "evaluation": at, "runs": len(curves)},
                    **{"q25": low, "median": middle, "q75": high},
                }
            )
        )
    return pd.concat(frames, ignore_index=True)[empty.columns]
