"""One value out of the labels that the trees of a forest vote for.

Counts follow from the structure of a program: a mean of several counts is mostly none of them,
where a median or a mode is one that a similar program has.
"""

from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np

from costmodel.errors import ModelError
from costmodel.models._target import Target, Values

Rule = Literal["none", "median", "mode"]

_FEW = 1e-12
"""Weight of the farthest vote: were all zero, none could be chosen."""


_REACHES = (0.25, 0.5, 1.0, 2.0, np.inf)


@dataclass(frozen=True, slots=True)
class VoteChoice:
    """How a value is chosen among votes near to an estimate."""

    rule: Rule = "none"
    """None leaves the estimate as it is."""
    reach: float = 1.0
    """See :func:`nearness`."""

    def of(self, votes: Values, centre: Values, some: bool = False) -> Values:
        """Return a value for each program: a vote, or its estimate ``centre``.

        Args:
            votes: One row for each program, one column for each tree, on the scale of learning.
            centre: The estimate of each program, on the same scale.
            some: Whether there surely is some, so that no vote for none counts.
        """
        if self.rule == "none" or not votes.size:
            return centre
        weights = nearness(votes, centre, self.reach)
        if some:
            weights[votes <= 0] = 0.0
        choose = weighted_mode if self.rule == "mode" else weighted_median
        return np.where(weights.any(axis=1), choose(votes, weights), centre)

    @classmethod
    def best(
        cls, target: Target, votes: Values, centre: Values, labels: Values, some: bool = False
    ) -> Self:
        """Return the choice with the least loss on programs that were not learnt from.

        The loss of a program is its absolute error up to 1, whether it is hit, plus the error as
        a logarithm, how far off it is where it is not hit. Whatever makes squared errors larger
        than those of the estimate, by more than the standard error of the difference, is left out.
        """
        candidates = [cls()]
        candidates += [cls(rule, reach) for rule in ("median", "mode") for reach in _REACHES]
        goals = target.forward(labels)
        losses, squares = [], []
        for candidate in candidates:
            values = candidate.of(votes, centre, some)
            errors = np.rint(target.backward(values)) - labels if target.log else values - labels
            losses.append(np.mean(np.minimum(np.abs(errors), 1.0) + np.abs(values - goals)))
            squares.append(errors**2)
        worse = np.array(squares) - squares[0]
        kept = worse.mean(axis=1) <= worse.std(axis=1) / np.sqrt(len(labels))
        return candidates[int(np.argmin(np.where(kept, losses, np.inf)))]

    def to_row(self) -> tuple[float, float]:
        """Return what :meth:`from_row` reads."""
        return float(get_args(Rule).index(self.rule)), self.reach

    @classmethod
    def from_row(cls, row: Values) -> Self:
        """Return the choice that was saved."""
        rules = dict(enumerate(get_args(Rule)))
        rule, reach = rules.get(int(row[0])), float(row[1])
        if rule is None or not reach > 0:
            raise ModelError("The choice of votes is damaged. Save the model again.")
        return cls(rule, reach)


def share_of_any(votes: Values) -> Values:
    """Return how probable it is that there is any: the share of the trees that vote for some.

    No finite number of votes makes it certain: one more of each kind is added to them (Laplace's
    rule of succession).
    """
    share: Values = ((votes > 0).sum(axis=1) + 1.0) / (votes.shape[1] + 2.0)
    return share


def nearness(votes: Values, centre: Values, reach: float) -> Values:
    """Return weights ``exp(-|vote - centre| / reach)`` of votes; the reach may be infinite.

    Args:
        votes: One row for each program, one column for each tree, on the scale of learning.
        centre: Where the value of each program is believed to be, on the same scale.
        reach: Distance at which a weight has fallen to 1/e.
    """
    weights: Values = np.exp(-np.abs(votes - centre[:, None]) / reach) + _FEW
    return weights


def weighted_quantile(votes: Values, weights: Values, share: float) -> Values:
    """Return the least vote of each row that, with all below it, has this share of the weight.

    Source: Meinshausen, "Quantile regression forests", JMLR 7, 2006, equation 6.
    """
    order = np.argsort(votes, axis=1, kind="stable")
    ordered = np.take_along_axis(votes, order, axis=1)
    below = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    at = np.argmax(below >= share * below[:, -1:] * (1.0 - 1e-9), axis=1)
    found: Values = ordered[np.arange(len(votes)), at]
    return found


def weighted_median(votes: Values, weights: Values) -> Values:
    """Return the vote of each row that half of the weight does not exceed."""
    return weighted_quantile(votes, weights, 0.5)


def weighted_mode(votes: Values, weights: Values) -> Values:
    """Return the vote of each row that has the most weight; of several, the least."""
    if not len(votes):
        return np.empty(0)
    order = np.argsort(votes, axis=1, kind="stable")
    ordered = np.take_along_axis(votes, order, axis=1)
    first = np.ones(votes.shape, dtype=bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    starts = np.flatnonzero(first)
    sums = np.add.reduceat(np.take_along_axis(weights, order, axis=1).ravel(), starts)
    table = np.full(votes.size, -1.0)
    table[starts] = sums
    found: Values = ordered[np.arange(len(votes)), table.reshape(votes.shape).argmax(axis=1)]
    return found
