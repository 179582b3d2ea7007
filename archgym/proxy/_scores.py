"""How good predictions are, and intervals that cover as often as they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from archgym.errors import RecordError
from archgym.proxy._models import Arrays, Floats

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.9
"""Share of the values that an interval covers."""

AGREED = 1e-5
"""Up to this spread, on the scale of learning, all trees agree but for rounding."""

ROUNDING = 4e-6
"""Least half width of a forest on the scale of learning: its leaves are kept as float32."""

_BINS = 8
_ROWS_PER_BIN = 100
_LEAST_PER_BIN = 20


@dataclass(frozen=True, slots=True)
class Prediction:
    """Predicted metrics of some designs, in the metrics' units."""

    targets: tuple[str, ...]
    """Names of the metrics: the columns."""

    mean: Floats
    """Predictions, shape (designs, targets)."""

    lower: Floats
    """Lower ends of the 90 % intervals."""

    upper: Floats
    """Upper ends of the 90 % intervals."""

    agreed: NDArray[np.bool_]
    """Where all trees of a forest agree; nowhere for other models."""

    feasible: NDArray[np.bool_]
    """Whether the design is expected to be measurable and to meet every constraint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A metric, and the scale on which it is learnt."""

    name: str
    """Name of the metric."""

    log: bool
    """Whether its logarithm is learnt: it is above 0 and spans a factor of 4 or more."""

    mean: float
    """Mean on that scale."""

    spread: float
    """Standard deviation on that scale."""

    low: float
    """Least value that was learnt from."""

    high: float
    """Greatest value that was learnt from."""

    @classmethod
    def of(cls, name: str, values: Floats) -> Self:
        """Return the scale that suits these finite values."""
        low, high = float(values.min()), float(values.max())
        log = low > 0 and high >= 4 * low
        scaled = np.log(values) if log else values
        spread = float(scaled.std()) or 1.0
        return cls(name=name, log=log, mean=float(scaled.mean()), spread=spread, low=low, high=high)

    def scale(self, values: Floats) -> Floats:
        """Return values on the scale of learning."""
        return ((np.log(values) if self.log else values) - self.mean) / self.spread

    def unscale(self, scaled: Floats) -> Floats:
        """Return values in the metric's unit; none below 0 if none was learnt from."""
        values = scaled * self.spread + self.mean
        values = np.exp(np.minimum(values, 700.0)) if self.log else values
        return np.maximum(values, 0.0) if self.low >= 0 else values

    def within(self, values: Floats) -> Floats:
        """Return values cut off at the least and the greatest that were learnt from."""
        return np.clip(values, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Quantiles of the errors on designs that were not learnt from, in bins of the difficulty.

    Split-conformal prediction (Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random
    World", 2005, chapter 4.5): intervals of a prediction plus or minus its bin's quantile cover
    90 % of the values of designs that come from where those of the calibration came from. The
    difficulty is how far the trees of a forest disagree, or else the prediction itself. Where all
    trees agree, most predictions are exact, and their intervals cover more than 90 %.
    """

    edges: Floats
    """Edges of the bins, shape (targets, bins - 1)."""

    margins: Floats
    """Half widths of the intervals on the scale of learning, shape (targets, bins)."""

    @classmethod
    def fit(cls, predicted: Floats, spread: Floats | None, actual: Floats) -> Self:
        """Return the calibration from predictions and values on the scale of learning."""
        difficulty = predicted if spread is None else spread
        errors = np.abs(predicted - actual)
        columns = [
            _margins(difficulty[:, i], errors[:, i], spread is not None)
            for i in range(errors.shape[1])
        ]
        return cls(np.stack([edges for edges, _ in columns]), np.stack([m for _, m in columns]))

    def margin(self, predicted: Floats, spread: Floats | None) -> Floats:
        """Return half the width of the interval around each prediction."""
        difficulty = predicted if spread is None else spread
        columns = [
            margins[np.searchsorted(edges, difficulty[:, i])]
            for i, (edges, margins) in enumerate(zip(self.edges, self.margins, strict=True))
        ]
        return np.stack(columns, axis=1)

    def arrays(self) -> Arrays:
        """Return what `restore` reads."""
        return {"calibration.edges": self.edges, "calibration.margins": self.margins}

    @classmethod
    def restore(cls, arrays: Arrays, targets: int) -> Self:
        """Return the calibration that was saved."""
        edges, margins = arrays.get("calibration.edges"), arrays.get("calibration.margins")
        if (
            edges is None
            or margins is None
            or margins.ndim != 2
            or edges.shape != (targets, margins.shape[1] - 1)
            or len(margins) != targets
        ):
            raise RecordError("The proxy's intervals are damaged. Train it again.")
        return cls(edges, margins)


def _margins(difficulty: Floats, errors: Floats, agreeing: bool) -> tuple[Floats, Floats]:
    """Return the edges of one target's bins, and the error's quantile in each."""
    rest = difficulty[difficulty > AGREED] if agreeing else difficulty
    bins = int(np.clip(len(rest) // _ROWS_PER_BIN, 1, _BINS))
    edges = np.full(_BINS, np.inf)
    edges[0] = AGREED if agreeing else -np.inf
    edges[1:bins] = np.quantile(rest, np.arange(1, bins) / bins) if bins > 1 else ()
    which = np.searchsorted(edges, difficulty)
    margins = [
        _quantile(own if len(own) >= _LEAST_PER_BIN else errors)
        for own in (errors[which == k] for k in range(_BINS + 1))
    ]
    # Equal predictions of equal values have equal errors: rounding must not put them outside.
    wide = np.array(margins) * (1 + 1e-9) + 1e-12
    return edges, np.maximum(wide, ROUNDING) if agreeing else wide


def _quantile(errors: Floats) -> float:
    rank = int(np.ceil((len(errors) + 1) * LEVEL))
    return float(np.sort(errors)[min(rank, len(errors)) - 1])


def score_targets(
    targets: Sequence[Target], found: Prediction, actual: Floats
) -> dict[str, dict[str, Any]]:
    """Return how good predictions in the metrics' units are, by metric.

    Returns:
        ``rmse``; ``rmse_percent`` of the mean; ``mape_percent`` (None if a value is 0);
        ``spearman`` (None if all values are equal); ``coverage`` of the intervals, a share;
        ``agreed``, the share of designs on which all trees agree (0 for other models), and
        ``coverage_rest``, the coverage on the others; ``width_percent``, the median width of
        the others' intervals in percent of the value.
    """
    return {
        target.name: _score(
            found.mean[:, i],
            actual[:, i],
            (found.lower[:, i] <= actual[:, i]) & (actual[:, i] <= found.upper[:, i]),
            found.agreed[:, i],
            found.upper[:, i] - found.lower[:, i],
        )
        for i, target in enumerate(targets)
    }


def score_table(scores: Mapping[str, Mapping[str, Any]]) -> "pd.DataFrame":
    """Return the result of `score_targets` as numbers, a row per metric; NaN for None."""
    import pandas as pd

    table = pd.DataFrame.from_dict(dict(scores), orient="index", dtype=float)
    return table.rename_axis("metric")


def _score(
    guesses: Floats,
    values: Floats,
    inside: NDArray[np.bool_],
    agreed: NDArray[np.bool_],
    widths: Floats,
) -> dict[str, Any]:
    from scipy.stats import spearmanr

    rmse = float(np.sqrt(np.mean((guesses - values) ** 2)))
    mean, scale = float(np.abs(values.mean())), np.abs(values)
    positive = bool((scale > 0).all())
    ranked = len(values) > 1 and np.ptp(values) > 0 and np.ptp(guesses) > 0
    rest = ~agreed if (~agreed).any() else np.ones_like(agreed)
    return {
        "rmse": rmse,
        "rmse_percent": 100 * rmse / mean if mean else None,
        "mape_percent": 100 * float(np.mean(np.abs(guesses - values) / scale))
        if positive
        else None,
        "spearman": float(spearmanr(values, guesses).statistic) if ranked else None,
        "coverage": float(inside.mean()),
        "agreed": float(agreed.mean()),
        "coverage_rest": float(inside[rest].mean()),
        "width_percent": 100 * float(np.median(widths[rest] / scale[rest])) if positive else None,
    }
