"""Intervals that hold: split-conformal prediction, in bins of the predicted value.

Source: Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005, chapter 4.5
(Mondrian conformal predictors): quantiles of the errors on programs that were not learnt from,
taken separately for each bin, cover as often as promised in each bin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from costmodel.errors import ModelError
from costmodel.models._target import Values

LEVEL = 0.9
"""Share of the values that an interval covers."""

_MAX_BINS = 8
_ROWS_PER_BIN = 60


@dataclass(frozen=True, slots=True)
class Calibration:
    """Error quantiles of several targets on their scales of learning."""

    edges: Values
    """Bin edges of the predicted value, one row for each target; infinite beyond the last."""
    below: Values
    """What to add to a prediction for the lower end, by target and bin."""
    above: Values
    """What to add to a prediction for the upper end, by target and bin."""

    @classmethod
    def fit(cls, predicted: Values, actual: Values) -> Self:
        """Return the calibration from predictions and labels (NaN: none) of unseen programs."""
        columns = [_column(predicted[:, i], actual[:, i]) for i in range(actual.shape[1])]
        shape = (len(columns), _MAX_BINS)
        edges, below, above = (np.zeros(shape) for _ in range(3))
        for i, (e, b, a) in enumerate(columns):
            edges[i], below[i], above[i] = e, b, a
        return cls(edges, below, above)

    def interval(self, predicted: Values) -> tuple[Values, Values]:
        """Return the ends of the intervals around predictions."""
        lower, upper = predicted.copy(), predicted.copy()
        for i in range(predicted.shape[1]):
            at = np.searchsorted(self.edges[i, : _MAX_BINS - 1], predicted[:, i], side="left")
            lower[:, i] += np.minimum(self.below[i, at], 0.0)
            upper[:, i] += np.maximum(self.above[i, at], 0.0)
        return lower, upper

    def take(self, targets: Sequence[int]) -> Self:
        """Return the calibration of some targets."""
        index = list(targets)
        return type(self)(self.edges[index], self.below[index], self.above[index])

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what :meth:`from_arrays` reads."""
        return {
            "calibration.edges": self.edges.astype(np.float32),
            "calibration.below": self.below.astype(np.float32),
            "calibration.above": self.above.astype(np.float32),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], targets: int) -> Self:
        """Return the calibration that was saved."""
        found = [arrays.get(f"calibration.{name}") for name in ("edges", "below", "above")]
        kept = [array.astype(np.float64) for array in found if array is not None]
        if len(kept) != 3 or any(array.shape != (targets, _MAX_BINS) for array in kept):
            raise ModelError("The model's intervals are damaged. Save the model again.")
        return cls(*kept)


def _column(predicted: Values, actual: Values) -> tuple[Values, Values, Values]:
    known = np.isfinite(actual)
    predicted, errors = predicted[known], (actual - predicted)[known]
    edges = np.full(_MAX_BINS, np.inf)
    below, above = np.zeros(_MAX_BINS), np.zeros(_MAX_BINS)
    bins = int(np.clip(len(errors) // _ROWS_PER_BIN, 1, _MAX_BINS))
    if bins > 1:
        edges[: bins - 1] = np.quantile(predicted, np.arange(1, bins) / bins)
    which = np.searchsorted(edges[: _MAX_BINS - 1], predicted, side="left")
    for i in range(_MAX_BINS):
        own = errors[which == i]
        below[i], above[i] = _quantiles(own if len(own) > 1 else errors)
    return edges, below, above


def _quantiles(errors: Values) -> tuple[float, float]:
    if len(errors) == 0:
        return 0.0, 0.0
    ordered = np.sort(errors)
    # An interval contains its prediction: what a tail cannot leave out, the other one does.
    outside = 1.0 - LEVEL
    below = min(outside / 2, float(np.mean(errors < 0)))
    above = min(outside - below, float(np.mean(errors > 0)))
    below = min(outside - above, float(np.mean(errors < 0)))
    n = len(ordered)
    low = int(np.floor((n + 1) * below)) - 1
    high = int(np.ceil((n + 1) * (1.0 - above))) - 1
    return float(ordered[max(low, 0)]), float(ordered[min(high, n - 1)])
