"""A finished sweep, with what pages and tables need of it computed once."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archgym.agents import AGENTS
from archgym.errors import InvalidConfigError, UnknownNameError
from archgym.search import SearchResult
from archgym.stats import Ranking, VarianceShare, rank_agents, variance_shares
from archgym.sweep import tables
from archgym.sweep._rows import finished_row, table_of
from archgym.sweep._run import load_sweep
from archgym.sweep._scores import Cubes, Goal, cubes, goals, scored

if TYPE_CHECKING:
    import pandas as pd

    from archgym.plots import AgentStyle
    from archgym.stats._bootstrap import Floats


def is_sweep(folder: Path) -> bool:
    """Return whether a folder holds a sweep."""
    return (folder / "sweep.json").exists()


@dataclass(frozen=True)
class Sweep:
    """The runs of a sweep that ended, with what several parts of a page need computed once."""

    every_run: "pd.DataFrame"
    """The table of runs."""

    description: Mapping[str, Any]
    """What ``sweep.json`` says."""

    @classmethod
    def load(cls, folder: str | Path) -> "Sweep":
        """Read the folder of a sweep.

        Raises:
            RecordError: it holds no sweep of which a run has ended, or a damaged one.
        """
        return cls(*load_sweep(folder))

    @classmethod
    def of_results(
        cls,
        results: Mapping[str, Iterable[SearchResult]],
        optima: Mapping[str, float | Mapping[str, Any]] | None = None,
    ) -> "Sweep":
        """Return the sweep that searches made one by one amount to.

        Args:
            results: Problem, as it shall be called, -> results of its searches.
            optima: Problem -> the highest reward there is; for several objectives an entry like
                those of ``sweep.json``, with "reward" and "front". Where it is not known, the best
                of all results stands for it.

        Raises:
            InvalidConfigError: two results are the same run, or an optimum is of no problem.
        """
        known = {
            problem: {"reward": float(optimum)} if isinstance(optimum, int | float) else optimum
            for problem, optimum in (optima or {}).items()
        }
        rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        numbers: dict[str, list[str]] = {}
        for problem, mine in results.items():
            for result in mine:
                columns = _columns(problem, result, numbers)
                run = tuple(columns[name] for name in ("problem", "agent", "setting", "seed"))
                if (*run, columns["budget"]) in rows:
                    raise InvalidConfigError(
                        f"Two results on {problem!r} are of {columns['agent']!r} with seed "
                        f"{columns['seed']} and one setting. Leave one out, or label them "
                        "differently."
                    )
                rows[*run, columns["budget"]] = finished_row(columns, result)
        unused = [problem for problem in known if problem not in results]
        if unused or not rows:
            raise InvalidConfigError(
                f"There are no results on {unused[0] if unused else 'any problem'!r}. "
                f"Problems with results: {', '.join(results) or 'none'}."
            )
        return cls(table_of(rows.values(), known).to_pandas(), {"optima": known})

    @property
    def optima(self) -> Mapping[str, Mapping[str, Any] | None]:
        """Problem -> its optimum as recorded, if known."""
        found: Mapping[str, Mapping[str, Any] | None] = self.description.get("optima", {})
        return found

    @property
    def unfinished(self) -> str:
        """How far a sweep got that has not ended; empty if it has."""
        ended, planned = self.description.get("ended"), self.description.get("runs")
        if not ended:
            return ""
        # A folder may hold runs of an earlier, larger configuration too.
        of = f" of {max(ended, planned):,}" if planned else ""
        return (
            f"{ended:,}{of} runs are finished: the sweep has not ended, and what it says will "
            "change. Run the same `archgym sweep` again to go on."
        )

    @cached_property
    def goals(self) -> dict[str, Goal]:
        """Problem -> the best there is, or the best known."""
        return goals(self.every_run, self.optima)

    @cached_property
    def runs(self) -> "pd.DataFrame":
        """Complete runs with their scores."""
        return scored(self.every_run, self.goals)

    def progress(self, problem: str, budget: int | None = None) -> "pd.DataFrame":
        """Return quartiles over seeds of what the defaults have after so many evaluations.

        That is the regret in octaves, at least `archgym.stats.REGRET_FLOOR`, or with several
        objectives the hypervolume as a share of the front's.

        Args:
            problem: Its label.
            budget: Which runs; default those of the highest budget.

        Returns:
            Columns ``agent, evaluation, q25, median, q75, runs``.

        Raises:
            UnknownNameError: no problem has this label.
        """
        if problem not in self.goals:
            raise UnknownNameError.of("problem", problem, self.goals)
        mine = self.runs[self.runs["problem"] == problem]
        return tables.progress(mine, self.goals[problem], budget or self.budgets[-1])

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
    def defaults(self) -> "dict[int, dict[str, Floats]]":
        """Budget -> scores of the agents with their defaults, each of shape (problems, seeds)."""
        mine = self.runs[self.runs["setting"] == 0]
        return {budget: cubes(mine, budget).of_setting() for budget in self.budgets}

    @cached_property
    def agents(self) -> dict[int, list[tables.AgentRow]]:
        """Budget -> its table of agents."""
        return {b: tables.agent_rows(self.runs, self.goals, b) for b in self.budgets}

    @cached_property
    def fronts(self) -> dict[int, dict[str, list[tables.FrontRow]]]:
        """Budget -> problem with several objectives -> how much of its front agents find."""
        several = {problem: goal for problem, goal in self.goals.items() if goal.several}
        return {
            b: {p: tables.front_rows(self.runs, p, goal, b) for p, goal in several.items()}
            for b in self.budgets
        }

    @cached_property
    def lottery(self) -> dict[int, list[tables.LotteryRow]]:
        """Budget -> its table of the lottery, empty if no settings were drawn."""
        return {budget: tables.lottery_rows(self.scores[budget]) for budget in self.budgets}

    @cached_property
    def rankings(self) -> dict[int, Ranking]:
        """Budget -> ranks of the defaults; only where there are two agents or more."""
        found = {}
        for budget, scores in self.defaults.items():
            if len(scores) > 1:
                found[budget] = rank_agents(scores)
        return found

    @cached_property
    def variance(self) -> dict[int, list[VarianceShare]]:
        """Budget -> what explains the differences between runs with drawn settings."""
        return {
            budget: variance_shares(scores.drawn)
            for budget, scores in self.scores.items()
            if scores.drawn and len(scores.seeds) > 1
        }


def _columns(problem: str, result: SearchResult, numbers: dict[str, list[str]]) -> dict[str, Any]:
    """Return what a sweep knows of a run before it starts.

    Args:
        problem: Label.
        result: Of the run.
        numbers: Agent -> its settings so far, the first its defaults; added to.
    """
    identity = result.identity
    agent = str(identity["agent"])
    setting = json.dumps(identity["hyperparameters"], sort_keys=True)
    if agent not in numbers:
        known = AGENTS.get(agent)
        own = setting if known is None else json.dumps(known.Config().to_dict(), sort_keys=True)
        numbers[agent] = [own]
    if setting not in numbers[agent]:
        numbers[agent].append(setting)
    return {
        "run": f"{identity['config_hash']}-{identity['seed']}",
        "problem": problem,
        "problem_name": identity["problem"],
        "agent": agent,
        "setting": numbers[agent].index(setting),
        "hyperparameters": setting,
        "seed": identity["seed"],
        "budget": identity["budget"],
    }
