"""How far a text is from those that a model has learnt from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from costmodel.errors import ModelError
from costmodel.features import feature_names

_COMPONENTS = 24
_PROTOTYPES = 384
_SVD_ROWS = 4096
_FLAGGED = 0.98
_LEAST_SPREAD = 0.25  # of features that the training programs hardly differ in

_NO_PROGRAM = 2.0
MOSTLY = 0.5
"""Share of operations of unknown dialects above which a text is no program that is known."""

Rows = npt.NDArray[np.float32]


@lru_cache(maxsize=1)
def _said_by() -> tuple[int, int]:
    names = feature_names()
    return names.index("operations"), names.index("unknown_share")


@dataclass(frozen=True, slots=True)
class Novelty:
    """How far from the known programs a row of features is, in units of what is usual.

    The distance to the nearest known program, in the directions in which known programs differ,
    plus the distance to those directions. A score above 1 is one that 2 % of the programs have
    that are of the same kinds but were not learnt from.
    """

    center: Rows
    spread: Rows
    components: Rows
    prototypes: Rows
    typical: Rows
    """Median distance to prototypes, median distance to the subspace, score that is flagged."""

    @classmethod
    def fit(cls, known: Rows, unseen: Rows, seed: int = 0) -> Self:
        """Return the measure from rows of features learnt from, and others of the same kind."""
        center = known.mean(axis=0)
        spread = np.maximum(known.std(axis=0), _LEAST_SPREAD).astype(np.float32)
        scaled = np.clip((known - center) / spread, -20, 20)
        rng = np.random.default_rng(np.random.SeedSequence(seed))
        shuffled = rng.permutation(len(known))
        _, _, directions = np.linalg.svd(scaled[shuffled[:_SVD_ROWS]], full_matrices=False)
        components = directions[:_COMPONENTS].astype(np.float16).astype(np.float32)
        chosen = np.sort(shuffled[:_PROTOTYPES])
        prototypes = (scaled[chosen] @ components.T).astype(np.float16).astype(np.float32)
        raw = cls(center, spread, components, prototypes, np.ones(3, dtype=np.float32))
        near, off = raw._distances(unseen)
        # Where all programs are alike, both distances are zero but for rounding.
        medians = np.maximum([np.median(near), np.median(off)], 1e-3)
        score = near / medians[0] + off / medians[1]
        flagged = max(np.quantile(score, _FLAGGED), 1.0)
        typical = np.array([*medians, flagged], dtype=np.float32)
        return cls(center, spread, components, prototypes, typical)

    def _distances(self, rows: Rows) -> tuple[Rows, Rows]:
        scaled = np.clip((rows - self.center) / self.spread, -20, 20)
        inside = scaled @ self.components.T
        off = np.sqrt(np.maximum((scaled**2).sum(axis=1) - (inside**2).sum(axis=1), 0.0))
        squares = (
            (inside**2).sum(axis=1)[:, None]
            - 2.0 * inside @ self.prototypes.T
            + (self.prototypes**2).sum(axis=1)[None, :]
        )
        return np.sqrt(np.maximum(squares.min(axis=1), 0.0)), off

    def directions(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return where rows lie in the directions in which known programs differ."""
        scaled = np.clip((rows - self.center) / self.spread, -20, 20)
        return np.asarray(scaled @ self.components.T, dtype=np.float64)

    def score(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return the score of rows of features."""
        near, off = self._distances(rows)
        total = near / self.typical[0] + off / self.typical[1]
        score = np.asarray(total / self.typical[2], dtype=np.float64)
        # What has no operation that is known is near to nothing, however little it says.
        operations, unknown = (rows[:, i] for i in _said_by())
        return np.where(
            (operations == 0) | (unknown > MOSTLY), np.maximum(score, _NO_PROGRAM), score
        )

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what :meth:`from_arrays` reads."""
        return {
            "novelty.center": self.center,
            "novelty.spread": self.spread,
            "novelty.components": self.components.astype(np.float16),
            "novelty.prototypes": self.prototypes.astype(np.float16),
            "novelty.typical": self.typical,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], width: int) -> Self:
        """Return the measure that was saved."""
        names = ("center", "spread", "components", "prototypes", "typical")
        try:
            found = [arrays[f"novelty.{name}"].astype(np.float32) for name in names]
        except KeyError as error:
            raise ModelError(f"The model lacks {error}. Save the model again.") from error
        center, spread, components, prototypes, typical = found
        fits = (
            center.shape == spread.shape == (width,)
            and components.ndim == prototypes.ndim == 2
            and components.shape[1] == width
            and prototypes.shape[1] == components.shape[0]
            and len(prototypes) > 0
            and typical.shape == (3,)
        )
        if not fits:
            raise ModelError(
                "The model's measure of novelty does not fit the features of this version. "
                "Train the model again."
            )
        return cls(center, spread, components, prototypes, typical)
