"""Agents compared over problems and seeds: robust averages, profiles, chances to win.

Source of the four: Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical
Precipice", NeurIPS 2021, section 4; checked against their library rliable.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from archgym.stats._bootstrap import (
    LEVEL,
    RESAMPLES,
    Estimate,
    Floats,
    bootstrap_values,
    checked,
    estimate,
)

TRIMMED = 0.25
"""Share of the scores left out at either end by the interquartile mean."""


def interquartile_mean(scores: ArrayLike) -> Floats:
    """Return the mean of the middle half of all scores of all problems.

    As the trimmed mean of scipy, ``floor(n / 4)`` scores are left out at either end.

    Args:
        scores: Shape (..., problems, runs).
    """
    array: Floats = np.asarray(scores, dtype=np.float64)
    flat = array.reshape(*array.shape[:-2], -1)
    cut = int(TRIMMED * flat.shape[-1])
    ends = [cut, flat.shape[-1] - cut - 1]
    middle = np.partition(flat, ends, axis=-1)[..., cut : flat.shape[-1] - cut]
    return np.asarray(middle.mean(axis=-1))


def optimality_gap(scores: ArrayLike, target: float = 1.0) -> Floats:
    """Return by how much scores fall short of a target on average; above it counts as reached.

    Args:
        scores: Shape (..., problems, runs).
        target: Score beyond which improvement does not matter.
    """
    array: Floats = np.asarray(scores, dtype=np.float64)
    return np.asarray(np.maximum(target - array, 0.0).mean(axis=(-2, -1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Which share of an agent's runs reaches at least a score, for many scores."""

    thresholds: Floats
    share: Floats
    low: Floats
    high: Floats


def performance_profile(
    scores: ArrayLike,
    thresholds: ArrayLike,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Profile:
    """Return the run-score distribution with a pointwise bootstrap band.

    Args:
        scores: Shape (problems, runs).
        thresholds: Scores; the share of runs at or above each is estimated, problems weighing the
            same.
        resamples: Number of resamples.
        level: Share of the resampled values between the band's ends.
        seed: Of the resamples.
    """
    limits: Floats = np.asarray(thresholds, dtype=np.float64)
    array = checked(scores)

    def shares(sample: Floats) -> Floats:
        flat = np.sort(sample.reshape(-1, sample.shape[-2] * sample.shape[-1]), axis=-1)
        below = np.stack([np.searchsorted(row, limits, side="left") for row in flat])
        return np.asarray(1.0 - below / flat.shape[-1])

    drawn = bootstrap_values(array, shares, resamples=resamples, seed=seed)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Profile(thresholds=limits, share=shares(array[None])[0], low=low, high=high)


def probability_of_improvement(
    scores: ArrayLike,
    others: ArrayLike,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Estimate:
    """Return the chance that a run of one agent beats one of another on a problem drawn at random.

    The mean over problems of P(X > Y) + P(X = Y) / 2 (Mann & Whitney 1947), which is also the
    effect size A12 of Vargha & Delaney (2000). Runs of the two are resampled independently.

    Args:
        scores: Shape (problems, runs).
        others: Shape (problems, runs of the other agent).
        resamples: Number of resamples.
        level: Confidence level.
        seed: Of the resamples.
    """
    left, right = checked(scores), checked(others)
    wins = np.sign(left[:, :, None] - right[:, None, :]) / 2.0 + 0.5
    # A resample is how often each run was drawn: its mean is a bilinear form in those counts.
    rng = np.random.default_rng(seed)
    total = np.zeros(resamples)
    for beaten in wins:
        count, other = (_counts(rng, n, resamples) for n in beaten.shape)
        total += np.einsum("bi,bi->b", count @ beaten, other) / beaten.size
    return estimate(float(wins.mean()), total / len(wins), level)


def _counts(rng: np.random.Generator, runs: int, resamples: int) -> Floats:
    return rng.multinomial(runs, np.full(runs, 1.0 / runs), size=resamples).astype(np.float64)
