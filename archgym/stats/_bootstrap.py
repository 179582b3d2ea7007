"""Estimates with intervals: the stratified bootstrap, many resamples at once.

Scores are arrays of shape (problems, runs): the problems are the strata, so that each resample
holds as many runs of every problem as were made (Agarwal et al., "Deep Reinforcement Learning at
the Edge of the Statistical Precipice", NeurIPS 2021, section 4.1). Column j of two agents is the
same seed; drawing the same columns for both keeps such pairs together.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from archgym.errors import InvalidConfigError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RESAMPLES = 2000
LEVEL = 0.95

# Numbers drawn at a time; more would only fill memory.
_CHUNK = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number and an interval of its uncertainty."""

    value: float
    """What the data as they are say."""

    low: float
    """Lower end of the interval."""

    high: float
    """Upper end of the interval."""

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


def bootstrap(
    scores: ArrayLike,
    statistic: Callable[[Floats], Floats],
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Estimate:
    """Return a statistic of scores with its percentile interval (Efron & Tibshirani 1993, 13.3).

    Args:
        scores: Shape (problems, runs).
        statistic: Maps (..., problems, runs) to (...), all resamples of a chunk at once.
        resamples: Number of resamples.
        level: Share of the bootstrap distribution that the interval holds.
        seed: Of the resamples; the same seed and shape draw the same runs.
    """
    whole = checked(scores)
    drawn = bootstrap_values(whole, statistic, resamples=resamples, seed=seed)
    return estimate(float(statistic(whole)), drawn, level)


def bootstrap_values(
    scores: Floats,
    statistic: Callable[[Floats], Floats],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Floats:
    """Return the statistic of every resample, along the first axis."""
    rng = np.random.default_rng(seed)
    problems, runs = scores.shape
    step = max(1, _CHUNK // scores.size)
    values = []
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        columns = rng.integers(runs, size=(count, problems, runs))
        values.append(statistic(scores[np.arange(problems)[:, None], columns]))
    return np.concatenate(values)


def estimate(value: float, resampled: Floats, level: float = LEVEL) -> Estimate:
    """Return a value with the central ``level`` of its bootstrap distribution."""
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value=value, low=float(low), high=float(high))


def checked(scores: ArrayLike) -> Floats:
    """Return scores as float64 of shape (problems, runs).

    Raises:
        InvalidConfigError: they have another shape, are none, or one is not finite.
    """
    array: Floats = np.asarray(scores, dtype=np.float64)
    if array.ndim != 2 or not array.size:
        raise InvalidConfigError(
            f"Scores of shape {array.shape}. Give one row per problem and one column per run."
        )
    if not np.isfinite(array).all():
        raise InvalidConfigError(
            f"{np.count_nonzero(~np.isfinite(array))} scores are not finite. "
            "Leave runs without a feasible design out, or give them the worst score."
        )
    return array
