"""How good predictions are: the figures of the evaluation."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Metric = Callable[[Values, Values], float]

COUNTED = ("register", "spills", "reloads", "vgprs", "sgprs", "occupancy")
"""Parts of the names of quantities that are whole numbers of which each counts."""


def rmse(actual: Values, predicted: Values) -> float:
    """Return the root of the mean squared error."""
    return float(np.sqrt(np.mean((predicted - actual) ** 2)))


def rmse_log2(actual: Values, predicted: Values) -> float:
    """Return the RMSE of the logarithms to base 2 of ``1 + x``: 1 is off by a factor of two."""
    return rmse(np.log2(1 + actual), np.log2(1 + np.maximum(predicted, 0)))


def mape_pct(actual: Values, predicted: Values) -> float:
    """Return the mean absolute error in percent of the label, over labels that are not zero."""
    known = actual > 0
    if not known.any():
        return float("nan")
    return float(100 * np.mean(np.abs(predicted[known] - actual[known]) / actual[known]))


def exact_pct(actual: Values, predicted: Values) -> float:
    """Return how many labels the rounded prediction hits, in percent."""
    return float(100 * np.mean(np.rint(predicted) == np.rint(actual)))


def within_one_pct(actual: Values, predicted: Values) -> float:
    """Return how many labels the rounded prediction misses by one at most, in percent."""
    return float(100 * np.mean(np.abs(np.rint(predicted) - np.rint(actual)) <= 1))


def auroc(positive: npt.NDArray[np.bool_], score: Values) -> float:
    """Return how probable it is that a positive has the higher score; ties count half.

    The Mann-Whitney statistic (Hanley and McNeil, 1982); NaN if there is one class only.
    """
    ones = int(positive.sum())
    zeros = len(positive) - ones
    if ones == 0 or zeros == 0:
        return float("nan")
    from scipy.stats import rankdata  # takes a second to import, and predicting needs it not

    ranks = rankdata(score)
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def spills_auroc(actual: Values, score: Values) -> float:
    """Return the AUROC of telling that the label is not zero, by a probability or a prediction."""
    return auroc(actual > 0, score)


def spearman(actual: Values, predicted: Values) -> float:
    """Return Spearman's rank correlation."""
    return _correlation(actual, predicted, "spearmanr")


def kendall(actual: Values, predicted: Values) -> float:
    """Return Kendall's rank correlation (tau-b)."""
    return _correlation(actual, predicted, "kendalltau")


def _correlation(actual: Values, predicted: Values, statistic: str) -> float:
    if len(actual) < 2 or np.ptp(actual) == 0 or np.ptp(predicted) == 0:
        return float("nan")
    from scipy import stats

    return float(getattr(stats, statistic)(actual, predicted).statistic)


def coverage_pct(actual: Values, lower: Values, upper: Values) -> float:
    """Return how many labels lie in their intervals, in percent."""
    slack = 1e-6 * (1 + np.abs(actual))
    return float(100 * np.mean((lower - slack <= actual) & (actual <= upper + slack)))


def metrics_of(quantity: str, log: bool) -> dict[str, Metric]:
    """Return the figures that make sense for a quantity, by name."""
    found: dict[str, Metric] = {"spearman": spearman, "kendall": kendall, "mape_pct": mape_pct}
    if any(part in quantity for part in COUNTED):
        found |= {"exact_pct": exact_pct, "within_one_pct": within_one_pct}
    if "spill" in quantity:
        found["spills_auroc"] = spills_auroc
    if log:
        found["rmse_log2"] = rmse_log2
    return found


def resamples(
    groups: npt.NDArray[np.object_], repeats: int = 200, seed: int = 0
) -> list[npt.NDArray[np.int64]]:
    """Return row numbers drawn with replacement, group by group.

    Rows of one program stay together, since they are alike.

    Args:
        groups: What each row belongs to.
        repeats: How many resamples to draw.
        seed: Of the drawing.
    """
    _, which = np.unique(groups.astype(str), return_inverse=True)
    order = np.argsort(which, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(which))[:-1])
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    drawn = (rng.integers(0, len(members), len(members)) for _ in range(repeats))
    return [np.concatenate([members[i] for i in one]) for one in drawn]


def interval(
    statistic: Callable[[npt.NDArray[np.int64]], float], draws: list[npt.NDArray[np.int64]]
) -> tuple[float, float]:
    """Return the 95 % interval of a statistic of rows: the percentile bootstrap (Efron, 1979)."""
    values = np.array([statistic(one) for one in draws])
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)
