"""The hyperparameter lottery: what drawing hyperparameters at random buys, and what explains it.

Scores of one agent have the shape (problems, settings, seeds): every setting ran on every problem
with every seed. Intervals come from resampling settings and seeds, each as a whole, since runs that
share one are not independent (a crossed bootstrap: Owen, Annals of Applied Statistics, 2007). The
problems stay as they are: nothing is claimed about others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from archgym.errors import InvalidConfigError
from archgym.stats._bootstrap import LEVEL, RESAMPLES, Estimate, Floats, Integers, estimate

SOURCES = ("problem", "agent", "agent x problem", "setting", "setting x problem", "seed")
"""What a difference between two runs may come from; a setting is one of an agent."""

_CHUNK = 2_000_000


def expected_best(tickets: ArrayLike, counts: Sequence[int]) -> Floats:
    """Return the expected best of k tickets drawn without replacement, for every k.

    Closed form over the order statistics: ticket i of n, in rising order, is the best of k with
    probability C(i - 1, k - 1) / C(n, k). Unbiased for the expected best of k new tickets, unlike
    the estimate with replacement of Dodge et al. (EMNLP 2019); see Tang et al. (ACL 2020).

    Args:
        tickets: Shape (..., n); higher is better.
        counts: Numbers of tickets, 1 to n.

    Returns:
        Shape (..., counts).
    """
    ordered = np.sort(np.asarray(tickets, dtype=np.float64), axis=-1)
    return np.asarray(ordered @ _weights(ordered.shape[-1], counts))


def _weights(n: int, counts: Sequence[int]) -> Floats:
    from scipy.special import gammaln

    k = np.asarray(counts, dtype=np.float64)
    if not len(k) or k.min() < 1 or k.max() > n:
        raise InvalidConfigError(
            f"counts={list(counts)} of {n} tickets. Use numbers from 1 to {n}."
        )
    i = np.arange(1, n + 1, dtype=np.float64)[:, None]
    possible = i >= k
    rest = np.where(possible, i - k, 0.0)
    chosen = gammaln(i) - gammaln(k) - gammaln(rest + 1)
    whole = gammaln(n + 1.0) - gammaln(k + 1) - gammaln(n - k + 1)
    weights = np.where(possible, np.exp(chosen - whole), 0.0)
    return np.asarray(weights / weights.sum(axis=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class LotteryCurve:
    """Expected best score of k tickets, the mean over problems and seeds, with its band."""

    counts: tuple[int, ...]
    best: Floats
    low: Floats
    high: Floats


def lottery_curve(
    scores: ArrayLike,
    counts: Sequence[int],
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> LotteryCurve:
    """Return what k settings drawn at random give, each run once on a problem, the best kept.

    Resamples hold fewer different tickets, so their best is a little worse; the band is shifted by
    the mean difference.

    Args:
        scores: Of one agent, shape (problems, settings, seeds).
        counts: Numbers of tickets, 1 to the number of settings.
        resamples: Number of resamples.
        level: Share of the resampled values between the band's ends.
        seed: Of the resamples.
    """
    array = _cube(scores)

    def best(sample: Floats) -> Floats:
        return np.asarray(expected_best(np.moveaxis(sample, -2, -1), counts).mean(axis=(-3, -2)))

    value = best(array)
    drawn = _resampled(array, best, resamples, seed)
    drawn += value - drawn.mean(axis=0)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    top = array.max(axis=1).mean()
    return LotteryCurve(
        counts=tuple(counts), best=value, low=np.minimum(low, top), high=np.minimum(high, top)
    )


def share_beating(
    scores: ArrayLike,
    others: ArrayLike,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Estimate:
    """Return the share of settings that are better on average than another agent is.

    Args:
        scores: Of one agent, shape (problems, settings, seeds).
        others: Of the other, such as random search, shape (problems, seeds); the same seeds.
        resamples: Number of resamples of settings and seeds.
        level: Confidence level.
        seed: Of the resamples.
    """
    array, beaten = _cube(scores), np.asarray(others, dtype=np.float64)
    if beaten.shape != (array.shape[0], array.shape[2]):
        raise InvalidConfigError(
            f"Scores of shape {array.shape} against {beaten.shape}. "
            "Give both agents the same problems and seeds."
        )
    differences = array - beaten[:, None, :]

    def share(sample: Floats) -> Floats:
        return np.asarray((sample.mean(axis=(-3, -1)) > 0).mean(axis=-1))

    drawn = _resampled(differences, share, resamples, seed)
    return estimate(float(share(differences)), drawn, level)


def mean_score(
    scores: ArrayLike, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """Return the mean score over problems, settings and seeds; of shape as in `lottery_curve`."""
    array = _cube(scores)

    def mean(sample: Floats) -> Floats:
        return np.asarray(sample.mean(axis=(-3, -2, -1)))

    return estimate(float(mean(array)), _resampled(array, mean, resamples, seed), level)


def tuned_scores(scores: ArrayLike) -> tuple[Floats, Integers]:
    """Return what an agent scores once it is tuned on each problem, on seeds not used for that.

    Seeds are split in two; the setting with the best mean on one half is judged by the other, and
    the other way round. The best mean on the same seeds would be too high (the winner's curse).

    Args:
        scores: Shape (problems, settings, seeds), at least two seeds.

    Returns:
        Scores of shape (problems, seeds), and the settings chosen, shape (problems, 2).
    """
    array = _cube(scores)
    problems, _, seeds = array.shape
    if seeds < 2:
        raise InvalidConfigError("Tuning needs at least two seeds: one to choose, one to judge.")
    halves = np.arange(seeds) % 2 == 1
    judged = np.empty((problems, seeds))
    chosen = np.empty((problems, 2), dtype=np.int64)
    rows = np.arange(problems)
    for i, half in enumerate((halves, ~halves)):
        chosen[:, i] = array[:, :, ~half].mean(axis=2).argmax(axis=1)
        judged[:, half] = array[rows, chosen[:, i]][:, half]
    return judged, chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceShare:
    """How much of the differences between runs one source explains."""

    source: str
    sum_of_squares: float
    degrees_of_freedom: int
    share: Estimate
    """Share of the total sum of squares, corrected for chance; all add up to 1."""


def variance_shares(
    scores: Mapping[str, ArrayLike],
    *,
    resamples: int = 500,
    level: float = LEVEL,
    seed: int = 0,
) -> list[VarianceShare]:
    """Split the differences between runs by problem, agent, setting and seed, as in a nested ANOVA.

    Settings are nested in agents; what is left within a setting and problem is the seed's. From
    each sum of squares, what its denominator in the F test lets expect by chance is taken away and
    given to the seed (epsilon squared: Kelley 1935; settings count as random, so that an agent is
    held against the spread of its settings: Montgomery, Design and Analysis of Experiments, 14.1).

    Args:
        scores: Agent -> scores of shape (problems, settings, seeds), with the same problems and
            seeds; two settings and two seeds at least.
        resamples: Number of resamples of each agent's settings and of the seeds.
        level: Confidence level.
        seed: Of the resamples.
    """
    cubes = [_cube(values) for values in scores.values()]
    if len({(cube.shape[0], cube.shape[2]) for cube in cubes}) != 1:
        raise InvalidConfigError("Give every agent the same problems and seeds.")
    if cubes[0].shape[2] < 2 or max(cube.shape[1] for cube in cubes) < 2:
        raise InvalidConfigError("Variance of seeds and settings needs at least two of both.")
    squares, freedom = _sums_of_squares(cubes)
    shares = _corrected(squares, freedom)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        seeds = rng.integers(cubes[0].shape[2], size=cubes[0].shape[2])
        sample = [
            cube[:, rng.integers(cube.shape[1], size=cube.shape[1])][:, :, seeds] for cube in cubes
        ]
        drawn.append(_corrected(*_sums_of_squares(sample)))
    # Resamples hold settings and seeds twice, which looks like structure: shift them back.
    table = np.array(drawn)
    table = np.clip(table + shares - table.mean(axis=0), 0.0, 1.0)
    return [
        VarianceShare(
            source=source,
            sum_of_squares=float(squares[i]),
            degrees_of_freedom=int(freedom[i]),
            share=estimate(float(shares[i]), table[:, i], level),
        )
        for i, source in enumerate(SOURCES)
    ]


def _sums_of_squares(cubes: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return sums of squares and degrees of freedom in the order of `SOURCES`.

    Every agent ran all its settings on every problem and seed, so that the sources are orthogonal
    even where agents have different numbers of settings.
    """
    problems, _, seeds = cubes[0].shape
    settings = np.array([cube.shape[1] for cube in cubes])
    total = np.concatenate(cubes, axis=1)
    grand, of_problem = total.mean(), total.mean(axis=(1, 2))
    squares = np.zeros(len(SOURCES))
    squares[0] = settings.sum() * seeds * np.sum((of_problem - grand) ** 2)
    for cube in cubes:
        count = cube.shape[1]
        agent, on_problem = cube.mean(), cube.mean(axis=(1, 2))
        setting, cell = cube.mean(axis=(0, 2)), cube.mean(axis=2)
        squares[1] += problems * count * seeds * (agent - grand) ** 2
        squares[2] += count * seeds * np.sum((on_problem - agent - of_problem + grand) ** 2)
        squares[3] += problems * seeds * np.sum((setting - agent) ** 2)
        left = cell - on_problem[:, None] - setting[None, :] + agent
        squares[4] += seeds * np.sum(left**2)
        squares[5] += np.sum((cube - cell[:, :, None]) ** 2)
    agents, spare = len(cubes) - 1, settings.sum() - len(cubes)
    freedom = [problems - 1, agents, agents * (problems - 1), spare, spare * (problems - 1)]
    return squares, np.array([*freedom, problems * settings.sum() * (seeds - 1)], dtype=np.float64)


# Which mean square each source is held against in its F test, by position in SOURCES.
_DENOMINATORS = (4, 3, 4, 5, 5)


def _corrected(squares: Floats, freedom: Floats) -> Floats:
    means = squares / np.maximum(freedom, 1.0)
    explained = squares[:5] - freedom[:5] * means[list(_DENOMINATORS)]
    explained = np.maximum(explained, 0.0)
    total = squares.sum()
    if total <= 0:
        return np.zeros(len(SOURCES))
    shares = explained / total
    return np.append(shares, 1.0 - shares.sum())


def _cube(scores: ArrayLike) -> Floats:
    array: Floats = np.asarray(scores, dtype=np.float64)
    if array.ndim != 3 or not array.size or not np.isfinite(array).all():
        raise InvalidConfigError(
            f"Scores of shape {array.shape}. Give finite ones, one per problem, setting and seed."
        )
    return array


def _resampled(
    array: Floats, statistic: Callable[[Floats], Floats], resamples: int, seed: int
) -> Floats:
    """Return the statistic of arrays whose settings and seeds were drawn with replacement."""
    rng = np.random.default_rng(seed)
    _, settings, seeds = array.shape
    step = max(1, _CHUNK // array.size)
    values = []
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        rows = rng.integers(settings, size=(count, settings))
        columns = rng.integers(seeds, size=(count, seeds))
        sample = array[:, rows[:, :, None], columns[:, None, :]]
        values.append(statistic(np.moveaxis(sample, 0, 1)))
    return np.concatenate(values)
