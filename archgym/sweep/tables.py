"""What a sweep says about agents, as tables of estimates with 95 % intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from archgym.stats import (
    REGRET_FLOOR,
    LotteryCurve,
    Profile,
    adrs,
    best_at,
    expected_best,
    hypervolume_curve,
    hypervolume_difference,
    interquartile_mean,
    log_regret_area,
    lottery_curve,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
    ratio,
    share_beating,
    targets_reached,
    tuned_scores,
)
from archgym.stats._bootstrap import Estimate, Floats, bootstrap
from archgym.sweep._scores import Cubes, Goal, cubes, vectors

if TYPE_CHECKING:
    import pandas as pd

RANDOM = "random_walk"
"""The agent that the others have to beat."""

TARGET_SHARES = (0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
"""Shares of the possible improvement that count as targets, where no quantiles are known."""

POINTS = 60
"""Numbers of evaluations at which curves are drawn, evenly spaced on a logarithmic axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """An agent with its default hyperparameters at one budget."""

    agent: str
    score: Estimate
    """Interquartile mean."""
    gap: Estimate
    """Optimality gap."""
    regret: Estimate
    """Mean regret in octaves, over the problems with one objective."""
    area: Estimate
    """Mean log10 regret over log evaluations, over the same problems."""
    beats_random: Estimate | None
    """Chance that a run beats one of random search."""
    feasible: float
    unique: float
    ask_ms: float
    """Milliseconds of the agent per design that it asked for."""


def agent_rows(runs: "pd.DataFrame", known: Mapping[str, Goal], budget: int) -> list[AgentRow]:
    """Return a row per agent that ran with its defaults, best interquartile mean first."""
    mine = runs[(runs["budget"] == budget) & (runs["setting"] == 0)]
    single = [problem for problem, goal in known.items() if not goal.several]
    mine = mine.assign(area=_areas(mine, known, budget))
    score = cubes(mine, budget).of_setting()
    regret = cubes(mine, budget, "regret", single).of_setting() if single else {}
    area = cubes(mine, budget, "area", single).of_setting() if single else {}
    rows = [
        AgentRow(
            agent=agent,
            score=bootstrap(values, interquartile_mean),
            gap=bootstrap(values, optimality_gap),
            regret=_mean(regret.get(agent)),
            area=_mean(area.get(agent)),
            beats_random=None
            if agent == RANDOM or RANDOM not in score
            else probability_of_improvement(values, score[RANDOM]),
            **_effort(mine[mine["agent"] == agent]),
        )
        for agent, values in score.items()
    ]
    return sorted(rows, key=lambda row: -row.score.value)


def _areas(runs: "pd.DataFrame", known: Mapping[str, Goal], budget: int) -> list[float]:
    columns = zip(runs["problem"], runs["curve_evaluations"], runs["curve_rewards"], strict=True)
    return [
        log_regret_area(when, rewards, known[problem].reward, max(budget, 2))
        for problem, when, rewards in columns
    ]


def _mean(values: Floats | None) -> Estimate:
    if values is None:
        return Estimate(value=np.nan, low=np.nan, high=np.nan)
    return bootstrap(values, lambda sample: np.asarray(sample.mean(axis=(-2, -1))))


def _effort(mine: "pd.DataFrame") -> dict[str, float]:
    spent = mine["evaluations"].sum()
    asked = spent + mine["cached"].sum()
    return {
        "feasible": float(1.0 - ratio(mine["infeasible"].sum(), spent)),
        "unique": float(ratio(spent, asked)),
        "ask_ms": float(1e3 * ratio(mine["ask_s"].sum(), asked)),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontRow:
    """How much of a problem's front an agent finds with its defaults: means over seeds."""

    agent: str
    share: Estimate
    """Hypervolume as a share of the front's."""
    missing: Estimate
    """Hypervolume difference: what is missing to the front, as a share of it."""
    adrs: Estimate
    """Average distance from the reference set, see `archgym.stats.adrs`."""


def front_rows(runs: "pd.DataFrame", problem: str, goal: Goal, budget: int) -> list[FrontRow]:
    """Return a row per agent that ran with its defaults, largest hypervolume first.

    A run that found nothing has the worst distance of the others, NaN if there is none.

    Args:
        runs: With their scores.
        problem: Its label.
        goal: Its front; without one there are no rows.
        budget: Which runs.
    """
    if not goal.several:
        return []
    mine = runs[(runs["problem"] == problem) & (runs["budget"] == budget) & (runs["setting"] == 0)]
    found = [vectors(rewards, len(goal.reference)) for rewards in mine["front_rewards"]]
    distances = np.array([adrs(rewards, goal.front) for rewards in found])
    known = distances[np.isfinite(distances)]
    distances[~np.isfinite(distances)] = known.max() if known.size else -1.0
    missing = [hypervolume_difference(rewards, goal.front, goal.reference) for rewards in found]
    mine = mine.assign(missing=missing, adrs=distances)
    columns = [
        {agent: _mean(values) for agent, values in cubes(mine, budget, name).of_setting().items()}
        for name in ("missing", "adrs")
    ]
    rows = [
        FrontRow(
            agent=agent,
            share=Estimate(value=1 - gap.value, low=1 - gap.high, high=1 - gap.low),
            missing=gap,
            adrs=columns[1][agent] if known.size else _mean(None),
        )
        for agent, gap in columns[0].items()
    ]
    return sorted(rows, key=lambda row: row.missing.value)


def profiles(scores: Mapping[str, Floats], points: int = 101) -> dict[str, Profile]:
    """Return the performance profile of every agent, from a low score of any of them to 1."""
    if not scores:
        return {}
    every = np.concatenate([values.ravel() for values in scores.values()])
    low = float(min(np.quantile(every, 0.05), 0.9))
    limits = np.linspace(low, 1.0, points)
    # The optimum is reached up to rounding.
    return {
        agent: performance_profile(values + 1e-9, limits, resamples=1000)
        for agent, values in scores.items()
    }


def grid(budget: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Return numbers of evaluations from 1 to the budget, spaced by equal factors."""
    return np.unique(np.geomspace(1, budget, POINTS).round().astype(np.int64))


def progress(runs: "pd.DataFrame", goal: Goal, budget: int) -> "pd.DataFrame":
    """Return quartiles over seeds of what the defaults have after so many evaluations.

    That is the regret in octaves, at least `REGRET_FLOOR`, or with several objectives the
    hypervolume as a share of the front's.

    Returns:
        Columns ``agent, evaluation, q25, median, q75, runs``.
    """
    import pandas as pd

    at = grid(budget)
    mine = runs[(runs["budget"] == budget) & (runs["setting"] == 0)]
    frames = []
    for agent, rows in mine.groupby("agent", sort=False):
        curves = np.array([_curve(row, goal, at) for row in rows.to_dict("records")])
        low, middle, high = np.quantile(curves, [0.25, 0.5, 0.75], axis=0)
        frames.append(
            pd.DataFrame(
                {
                    **{"agent": agent, "evaluation": at, "runs": len(rows)},
                    **{"q25": low, "median": middle, "q75": high},
                }
            )
        )
    columns = ["agent", "evaluation", "q25", "median", "q75", "runs"]
    return (
        pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)
    )


def _curve(run: Mapping[str, Any], goal: Goal, at: Any) -> Floats:
    if goal.several:
        rewards = vectors(run["front_rewards"], len(goal.reference))
        return hypervolume_curve(run["front_evaluations"], rewards, goal.reference, at) / (
            goal.volume
        )
    best = best_at(run["curve_evaluations"], run["curve_rewards"], at)
    return np.maximum(goal.reward - np.nan_to_num(best, nan=goal.baseline), REGRET_FLOOR)


def target_rewards(goal: Goal, optimum: Mapping[str, Any] | None) -> Floats:
    """Return the rewards that count as targets: quantiles of all designs, else shares of a gain."""
    quantiles = (optimum or {}).get("quantiles")
    if quantiles:
        return np.array(sorted(quantiles.values()), dtype=np.float64)
    span = goal.reward - goal.baseline
    return goal.baseline + span * np.array(TARGET_SHARES) - REGRET_FLOOR / 10


def ecdfs(
    runs: "pd.DataFrame",
    known: Mapping[str, Goal],
    optima: Mapping[str, Mapping[str, Any] | None],
    budget: int,
) -> dict[str, Floats]:
    """Return, for the defaults of every agent, the share of targets reached over `grid`.

    Problems with several objectives are left out.
    """
    mine = runs[(runs["budget"] == budget) & (runs["setting"] == 0)]
    single = [problem for problem, goal in known.items() if not goal.several]
    mine = mine[mine["problem"].isin(single)]
    targets = {name: target_rewards(known[name], optima.get(name)) for name in single}
    found = {}
    for agent, rows in mine.groupby("agent", sort=False):
        curves = zip(rows["curve_evaluations"], rows["curve_rewards"], strict=True)
        wanted = [targets[problem] for problem in rows["problem"]]
        found[str(agent)] = targets_reached(curves, wanted, grid(budget))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class LotteryRow:
    """What drawing hyperparameters at random does for one agent."""

    agent: str
    settings: int
    """Drawn settings that ran on every problem and seed."""
    beat_random: Estimate | None
    """Share of them whose mean score is above that of random search."""
    curve: LotteryCurve
    """Expected best of k."""
    defaults: Estimate | None
    """Mean score of the defaults."""
    beaten_by_defaults: float
    """Share of the drawn settings whose mean score is below that of the defaults."""
    tuned: Estimate
    """Mean score of the setting chosen for each problem, on seeds not used to choose it."""


def lottery_rows(scores: Cubes) -> list[LotteryRow]:
    """Return a row per agent with two drawn settings or more, best tuned score first."""
    defaults = scores.of_setting()
    random = defaults.get(RANDOM)
    rows = []
    for agent, cube in scores.drawn.items():
        own = defaults.get(agent)
        below = np.nan if own is None else float((cube.mean(axis=(0, 2)) < own.mean()).mean())
        rows.append(
            LotteryRow(
                agent=agent,
                settings=cube.shape[1],
                beat_random=None if random is None else share_beating(cube, random),
                curve=lottery_curve(cube, tickets(cube.shape[1])),
                defaults=None if own is None else _mean(own),
                beaten_by_defaults=below,
                tuned=_mean(tuned_scores(cube)[0] if cube.shape[2] > 1 else cube.max(axis=1)),
            )
        )
    return sorted(rows, key=lambda row: -row.tuned.value)


def tickets(settings: int) -> list[int]:
    """Return numbers of tickets: powers of two, and the number of settings."""
    return sorted({*(2**i for i in range(settings.bit_length())), settings})


def ticket(row: LotteryRow, count: int) -> Estimate | None:
    """Return the expected best of so many tickets, None if there were fewer."""
    curve = row.curve
    if count not in curve.counts:
        return None
    i = curve.counts.index(count)
    return Estimate(value=float(curve.best[i]), low=float(curve.low[i]), high=float(curve.high[i]))


def random_tickets(scores: Cubes, most: int) -> tuple[list[int], Floats] | None:
    """Return the expected best of k runs of random search, for every k up to its seeds."""
    random = scores.of_setting().get(RANDOM)
    if random is None:
        return None
    counts = list(range(1, min(most, random.shape[1]) + 1))
    return counts, expected_best(random, counts).mean(axis=0)
