"""What a model says of several texts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from costmodel.models._target import Target, Values

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Estimate:
    """A predicted number."""

    value: float
    """The expected value, in the target's unit."""

    lower: float
    """Lower end of the 90 % interval."""

    upper: float
    """Upper end of the 90 % interval."""

    ood: float
    """How far the text is from those learnt from; above 1 is out of distribution."""

    nonzero_probability: float = float("nan")
    """How probable it is that there is any, of spills and the like; NaN if the model has no say."""


@dataclass(frozen=True, slots=True, repr=False)
class Predictions:
    """Estimates for several texts; a sequence of one mapping, target to estimate, for each text."""

    targets: tuple[Target, ...]
    """The columns."""

    mean: Values
    """Expected values, one row for each text."""

    lower: Values
    """Lower ends of the 90 % intervals."""

    upper: Values
    """Upper ends of the 90 % intervals."""

    ood: Values
    """How far each text is from those learnt from; above 1 is out of distribution."""

    nonzero_probability: Values
    """How probable it is that there is any, of spills and the like, one row for each text; NaN for
    what is seldom zero, and if the model has no say."""

    def __len__(self) -> int:
        return len(self.mean)

    def __getitem__(self, row: int) -> dict[str, Estimate]:
        if not -len(self) <= row < len(self):
            raise IndexError(f"There are {len(self)} predictions; row {row} is none of them.")
        return {
            target.name: Estimate(
                float(self.mean[row, i]),
                float(self.lower[row, i]),
                float(self.upper[row, i]),
                float(self.ood[row]),
                float(self.nonzero_probability[row, i]),
            )
            for i, target in enumerate(self.targets)
        }

    def __repr__(self) -> str:
        return (
            f"<Predictions of {len(self)} texts, {len(self.targets)} targets each: index a text, "
            "then a target, or call to_frame()>"
        )

    def __iter__(self) -> Iterator[dict[str, Estimate]]:
        return (self[row] for row in range(len(self)))

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with a row for each text and target.

        Its columns: text (the row), target, value, unit, lower, upper, ood, nonzero_probability.
        """
        import pandas as pd

        rows, columns = self.mean.shape
        return pd.DataFrame(
            {
                "text": np.repeat(np.arange(rows), columns),
                "target": [target.name for target in self.targets] * rows,
                "value": self.mean.ravel(),
                "unit": [target.unit for target in self.targets] * rows,
                "lower": self.lower.ravel(),
                "upper": self.upper.ravel(),
                "ood": np.repeat(self.ood, columns),
                "nonzero_probability": self.nonzero_probability.ravel(),
            }
        )
