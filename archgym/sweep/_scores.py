"""The runs of a sweep as scores: one number per run that means the same on every problem.

With one objective the score is the share of the possible improvement over the default design that
a run reached: 1 is the optimum, 0 no better than the default (an octave below the optimum where the
default is optimal). With several it is the hypervolume of what the run found as a share of that of
the exact front, above the default design or, if lower, the worst end of the front. Where no optimum
is known, the best of all runs stands for it. A run without a feasible design has the worst score of
its problem.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from archgym.errors import RecordError
from archgym.pareto import pareto_mask
from archgym.stats import hypervolume, nadir
from archgym.stats._bootstrap import Floats

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """The best that a problem has, as far as it is known."""

    exact: bool
    """Whether every design is known; else it is the best of the sweep."""

    reward: float
    """Highest reward."""

    front: Floats
    """Pareto front of reward vectors, shape (n, objectives); empty for one objective."""

    reference: Floats
    """Where hypervolumes start; empty for one objective."""

    @property
    def several(self) -> bool:
        """Whether there are several objectives."""
        return self.front.size > 0

    @property
    def baseline(self) -> float:
        """The reward that scores 0."""
        return 0.0 if self.reward > 0 else self.reward - 1.0

    @property
    def volume(self) -> float:
        """The hypervolume of the front."""
        return hypervolume(self.front, self.reference)

    def share(self, rewards: Any) -> float:
        """Return the hypervolume of reward vectors as a share of that of the front."""
        return hypervolume(vectors(rewards, len(self.reference)), self.reference) / self.volume


def vectors(rewards: Any, objectives: int) -> Floats:
    """Return a column's entry, reward vectors in whatever nested form, as a matrix."""
    rows = [list(row) for row in rewards]
    return np.array(rows, dtype=np.float64).reshape(len(rows), objectives)


def goals(runs: "pd.DataFrame", optima: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Goal]:
    """Return the goal of every problem in a table of runs."""
    found = {}
    for problem, mine in runs.groupby("problem"):
        optimum = optima.get(str(problem)) or {}
        front = np.empty((0, 0))
        if mine["objectives"].max() > 1:
            front = _front(optimum.get("front"), mine, str(problem))
        found[str(problem)] = Goal(
            exact=bool(optimum),
            reward=float(optimum.get("reward", mine["best_reward"].max())),
            front=front,
            reference=np.minimum(nadir(front), 0.0) if front.size else np.empty(0),
        )
    return found


def _front(exact: Any, runs: "pd.DataFrame", problem: str) -> Floats:
    if exact is not None:
        return np.array(exact, dtype=np.float64)
    points = [list(point) for front in runs["front_rewards"] for point in front]
    if not points:
        raise RecordError(
            f"No run on {problem!r}, which has several objectives, found a feasible design: "
            "nothing can be compared. Leave it out, or raise the budget, in another folder."
        )
    rewards = np.unique(np.array(points, dtype=np.float64), axis=0)
    return np.asarray(rewards[pareto_mask(rewards)])


def scored(runs: "pd.DataFrame", known: Mapping[str, Goal]) -> "pd.DataFrame":
    """Return the complete runs with the columns ``score`` and ``regret`` (octaves)."""
    complete = runs[runs["status"] == "complete"]
    parts = []
    for problem, mine in complete.groupby("problem", sort=False):
        goal = known[str(problem)]
        regret = goal.reward - mine["best_reward"]
        if goal.several:
            score = mine["front_rewards"].map(goal.share)
        else:
            score = 1.0 - regret / (goal.reward - goal.baseline)
        parts.append(mine.assign(regret=regret, score=score.fillna(score.min()).fillna(0.0)))
    if not parts:
        raise RecordError("The sweep holds no complete run yet. Run the same command again.")
    import pandas as pd

    return pd.concat(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cubes:
    """All runs of one budget: agent -> array of shape (problems, settings, seeds)."""

    budget: int
    problems: tuple[str, ...]
    seeds: tuple[int, ...]
    settings: Mapping[str, tuple[int, ...]]
    """Agent -> number of each of its settings; 0 are the defaults."""
    values: Mapping[str, Floats]
    left_out: int
    """Settings that did not run on every problem and seed."""

    def of_setting(self, setting: int = 0) -> dict[str, Floats]:
        """Return arrays of shape (problems, seeds) of the agents that have the setting."""
        return {
            agent: cube[:, self.settings[agent].index(setting)]
            for agent, cube in self.values.items()
            if setting in self.settings[agent]
        }

    @property
    def drawn(self) -> dict[str, Floats]:
        """The cubes without the defaults, of agents with two settings or more besides them."""
        kept = {
            agent: cube[:, [number != 0 for number in self.settings[agent]]]
            for agent, cube in self.values.items()
        }
        return {agent: cube for agent, cube in kept.items() if cube.shape[1] > 1}


def cubes(
    runs: "pd.DataFrame", budget: int, column: str = "score", problems: Sequence[str] = ()
) -> Cubes:
    """Arrange a column of scored runs; settings that lack a run on any problem are left out.

    Args:
        runs: Of :func:`scored`.
        budget: Which runs.
        column: What to arrange.
        problems: Which problems; default all.
    """
    mine = runs[runs["budget"] == budget]
    if problems:
        mine = mine[mine["problem"].isin(list(problems))]
    table = mine.pivot_table(
        index=["agent", "setting"], columns=["problem", "seed"], values=column, aggfunc="first"
    )
    whole = table.dropna()
    labels = tuple(dict.fromkeys(table.columns.get_level_values("problem")))
    seeds = tuple(dict.fromkeys(table.columns.get_level_values("seed")))
    settings: dict[str, tuple[int, ...]] = {}
    values: dict[str, Floats] = {}
    if len(whole.columns) == len(labels) * len(seeds):
        for agent, rows in whole.groupby(level="agent"):
            settings[str(agent)] = tuple(int(number) for _, number in rows.index)
            array = rows.to_numpy(dtype=np.float64).reshape(len(rows), len(labels), len(seeds))
            values[str(agent)] = array.swapaxes(0, 1)
    return Cubes(
        budget=budget,
        problems=labels,
        seeds=tuple(int(seed) for seed in seeds),
        settings=settings,
        values=values,
        left_out=len(table) - len(whole),
    )
