"""What the course of runs says: regret, area under its curve, evaluations to targets, effort.

A curve is the best reward so far as a step function: ``rewards[i]`` holds from ``evaluations[i]``
evaluations on, until the next entry. Rewards are octaves above the default design, which is known
before the first evaluation.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from archgym.errors import InvalidConfigError
from archgym.stats._bootstrap import Floats

REGRET_FLOOR = 1e-3
"""Regret in octaves (0.07 % of the metric) below which designs count as equally good."""

Curve = tuple[ArrayLike, ArrayLike]


def normalised_regret(reward: ArrayLike, optimum: ArrayLike, baseline: ArrayLike = 0.0) -> Floats:
    """Return which share of the possible improvement was missed: 0 at the optimum.

    1 is the baseline, by default the default design; worse than it is above 1.

    Raises:
        InvalidConfigError: an optimum is not above its baseline, so nothing can be improved.
    """
    best: Floats = np.asarray(optimum, dtype=np.float64)
    low: Floats = np.asarray(baseline, dtype=np.float64)
    if not (best > low).all():
        raise InvalidConfigError(
            f"The optimum {best} is not above the baseline {low}: there is nothing to improve. "
            "Use the regret itself, or a lower baseline."
        )
    return np.asarray((best - np.asarray(reward, dtype=np.float64)) / (best - low))


def best_at(evaluations: ArrayLike, rewards: ArrayLike, at: ArrayLike) -> Floats:
    """Return the best reward after so many evaluations; NaN before the first feasible design."""
    when = np.asarray(evaluations)
    values: Floats = np.append(np.asarray(rewards, dtype=np.float64), np.nan)
    return values[np.searchsorted(when, np.asarray(at), side="right") - 1]


def log_regret_area(
    evaluations: ArrayLike,
    rewards: ArrayLike,
    optimum: float,
    budget: int,
    *,
    floor: float = REGRET_FLOOR,
) -> float:
    """Return the mean of log10(regret) over log(evaluations) from 1 to the budget; lower is better.

    Every factor in evaluations weighs the same, so that early progress counts as in an anytime
    comparison. Before the first feasible design the default one is all there is.

    Args:
        evaluations: Of the curve.
        rewards: Of the curve.
        optimum: Best reward there is, or the best known.
        budget: Evaluations of the run.
        floor: Regrets below it count as that much.
    """
    if budget < 2:
        raise InvalidConfigError(f"budget={budget}: an area needs at least 2 evaluations.")
    when = np.asarray(evaluations, dtype=np.float64)
    steps: Floats = np.concatenate(([0.0], np.asarray(rewards, dtype=np.float64)))
    edges = np.clip(np.concatenate(([1.0], when, [float(budget)])), 1.0, budget)
    heights = np.log10(np.maximum(optimum - steps, floor))
    return float(np.sum(np.diff(np.log(edges)) * heights) / np.log(budget))


def first_reached(evaluations: ArrayLike, rewards: ArrayLike, targets: ArrayLike) -> Floats:
    """Return after how many evaluations each target was reached; infinite if never."""
    when: Floats = np.append(np.asarray(evaluations, dtype=np.float64), np.inf)
    return when[np.searchsorted(np.asarray(rewards), np.asarray(targets), side="left")]


def targets_reached(curves: Iterable[Curve], targets: Sequence[ArrayLike], at: ArrayLike) -> Floats:
    """Return the ECDF of evaluations to targets: which share of (run, target) pairs was reached.

    As in COCO (Hansen et al., Optimization Methods and Software 2021).

    Args:
        curves: Evaluations and rewards of every run.
        targets: Rewards to reach, for every run those of its problem.
        at: Numbers of evaluations.
    """
    reached = np.concatenate(
        [
            first_reached(*curve, mine)
            for curve, mine in zip(curves, map(np.ravel, targets), strict=True)
        ]
    )
    return np.asarray(np.searchsorted(np.sort(reached), np.asarray(at), side="right")) / len(
        reached
    )


def quantile_targets(rewards: ArrayLike, shares: Sequence[float]) -> Floats:
    """Return the least reward of the best ``share`` of all designs; a share of 0 is the optimum.

    Args:
        rewards: Of every feasible design of an enumerated space.
        shares: For instance ``(0.01, 0.001, 0.0)``.
    """
    ordered: Floats = np.sort(np.asarray(rewards, dtype=np.float64))[::-1]
    rows = [max(0, int(np.ceil(share * len(ordered))) - 1) for share in shares]
    return ordered[rows]


def ratio(part: ArrayLike, whole: ArrayLike) -> NDArray[np.float64]:
    """Return part / whole, NaN where the whole is 0.

    Feasibility ratio: feasible of all evaluations. Uniqueness ratio: evaluations of all designs
    asked for, repeats included. Ask-time: seconds of the agent per design asked for.
    """
    counts: Floats = np.asarray(whole, dtype=np.float64)
    safe = np.where(counts > 0, counts, 1.0)
    return np.asarray(np.where(counts > 0, np.asarray(part, dtype=np.float64) / safe, np.nan))
