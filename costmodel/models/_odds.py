"""One probability out of those that several models give."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, logit

from costmodel.errors import ModelError
from costmodel.models._target import Values

_SURE = 1e-4
"""No probability counts as nearer to 0 or 1 than this."""

_PULL = 1.0
"""How strongly weights are pulled to equal ones, in programs."""


@dataclass(frozen=True, slots=True)
class Odds:
    """A weighted sum of log odds.

    Sources: Satopää et al., "Combining multiple probability predictions using a simple logit
    model", International Journal of Forecasting 30, 2014; weights by a logistic regression on
    programs held back.
    """

    weights: Values
    """Weight of each model, at least 0; 0 for one that has no say."""
    bias: float = 0.0
    """What is added to the sum."""

    @classmethod
    def fit(cls, chances: Values, some: npt.NDArray[np.bool_]) -> Self:
        """Return the weights that make the observed most probable.

        Args:
            chances: What each model (a column) says of each program (a row); NaN: it has no say.
            some: Whether there was any.
        """
        heard = np.isfinite(chances).all(axis=0)
        weights = heard.astype(np.float64)
        weights /= max(weights.sum(), 1.0)
        if not heard.any() or not len(some):
            return cls(weights)
        inputs = np.column_stack([_log_odds(chances[:, heard]), np.ones(len(some))])
        usual = np.append(weights[heard], 0.0)

        def loss(parameters: Values) -> tuple[float, Values]:
            sums, off = inputs @ parameters, parameters - usual
            surprise = np.logaddexp(0.0, np.where(some, -sums, sums)).sum()
            slope = inputs.T @ (expit(sums) - some) + _PULL * off
            return float(surprise + 0.5 * _PULL * off @ off), slope

        bounds = [(0.0, None)] * int(heard.sum()) + [(None, None)]
        found = minimize(loss, usual, jac=True, method="L-BFGS-B", bounds=bounds).x
        weights[heard] = found[:-1]
        return cls(weights, float(found[-1]))

    def chance(self, chances: Values) -> Values:
        """Return one probability for each program; NaN if no model has a say."""
        heard = self.weights > 0
        if not heard.any():
            return np.full(len(chances), np.nan)
        found: Values = expit(_log_odds(chances[:, heard]) @ self.weights[heard] + self.bias)
        return found

    def to_row(self) -> Values:
        """Return what :meth:`from_row` reads."""
        return np.append(self.weights, self.bias)

    @classmethod
    def from_row(cls, row: Values) -> Self:
        """Return the odds that were saved."""
        if not (np.isfinite(row).all() and row[:-1].min(initial=0.0) >= 0):
            raise ModelError("The weights of probabilities are damaged. Save the model again.")
        return cls(row[:-1].astype(np.float64), float(row[-1]))


def _log_odds(chances: Values) -> Values:
    odds: Values = logit(np.clip(chances, _SURE, 1.0 - _SURE))
    return odds
