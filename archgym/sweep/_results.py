"""A finished sweep, with what pages and tables need of it computed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archgym.stats import Ranking, VarianceShare, rank_agents, variance_shares
from archgym.sweep import tables
from archgym.sweep._run import load_sweep
from archgym.sweep._scores import Cubes, Goal, cubes, goals, scored

if TYPE_CHECKING:
    import pandas as pd

    from archgym.plots import AgentStyle


def is_sweep(folder: Path) -> bool:
    """Return whether a folder holds a sweep."""
    return (folder / "sweep.json").exists()


@dataclass(frozen=True)
class Sweep:
    """A finished sweep, with what several parts of a page need computed once."""

    every_run: "pd.DataFrame"
    """The table of runs."""

    description: Mapping[str, Any]
    """What ``sweep.json`` says."""

    @classmethod
    def load(cls, folder: str | Path) -> "Sweep":
        """Read the folder of a sweep.

        Raises:
            RecordError: it holds no finished sweep, or a damaged one.
        """
        return cls(*load_sweep(folder))

    @property
    def optima(self) -> Mapping[str, Mapping[str, Any] | None]:
        """Problem -> its optimum as recorded, if known."""
        found: Mapping[str, Mapping[str, Any] | None] = self.description.get("optima", {})
        return found

    @cached_property
    def goals(self) -> dict[str, Goal]:
        """Problem -> the best there is, or the best known."""
        return goals(self.every_run, self.optima)

    @cached_property
    def runs(self) -> "pd.DataFrame":
        """Complete runs with their scores."""
        return scored(self.every_run, self.goals)

    @cached_property
    def styles(self) -> "dict[str, AgentStyle]":
        """Agent -> how it is drawn in every figure."""
        from archgym.plots import agent_styles

        return agent_styles(sorted(map(str, self.every_run["agent"].unique())))

    @cached_property
    def budgets(self) -> list[int]:
        """Evaluations per run, rising."""
        return sorted(int(budget) for budget in self.runs["budget"].unique())

    @cached_property
    def scores(self) -> dict[int, Cubes]:
        """Budget -> the scores of all its runs."""
        return {budget: cubes(self.runs, budget) for budget in self.budgets}

    @cached_property
    def agents(self) -> dict[int, list[tables.AgentRow]]:
        """Budget -> its table of agents."""
        return {b: tables.agent_rows(self.runs, self.goals, b) for b in self.budgets}

    @cached_property
    def lottery(self) -> dict[int, list[tables.LotteryRow]]:
        """Budget -> its table of the lottery, empty if no settings were drawn."""
        return {budget: tables.lottery_rows(self.scores[budget]) for budget in self.budgets}

    @cached_property
    def rankings(self) -> dict[int, Ranking]:
        """Budget -> ranks of the defaults; only where there are two agents or more."""
        found = {}
        for budget in self.budgets:
            defaults = self.scores[budget].of_setting()
            if len(defaults) > 1:
                found[budget] = rank_agents(defaults)
        return found

    @cached_property
    def variance(self) -> dict[int, list[VarianceShare]]:
        """Budget -> what explains the differences between runs with drawn settings."""
        return {
            budget: variance_shares(scores.drawn)
            for budget, scores in self.scores.items()
            if scores.drawn and len(scores.seeds) > 1
        }
