"""A ridge regression from what another model predicts, for targets with few labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from costmodel._dataset import Dataset
from costmodel.errors import ModelError
from costmodel.features import Parsed
from costmodel.models._conformal import Calibration
from costmodel.models._model import (
    Checkpoint,
    Model,
    Progress,
    check_enough,
    known_rows,
)
from costmodel.models._safetensors import Arrays
from costmodel.models._target import Values, describe_targets, scale

_ALPHAS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
BASE = "base"
"""Folder of the model that is built on, in a saved model's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptConfig:
    """Hyperparameters of adapting."""

    seed: int = 0
    """Not used: nothing here is random."""


class AdaptedModel(Model):
    """Linear in what the base model predicts and in where it sees a text.

    The inputs are the base's predictions on their scales of learning, and the directions in which
    its training programs differ most. How much to shrink, and whether the directions are used, is
    chosen for each target by the error on programs left out one at a time; so are the intervals
    made (the jackknife, Quenouille 1949).

    Args:
        config: Hyperparameters.
        base: The trained model to build on.
    """

    kind: ClassVar[str] = "adapted"
    config_type: ClassVar[type[Any]] = AdaptConfig
    config: AdaptConfig

    def __init__(self, config: AdaptConfig | None = None, base: Model | None = None) -> None:
        super().__init__(config)
        self.base = base
        self._center = np.empty(0)
        self._spread = np.empty(0)
        self._weights = np.empty((0, 0))
        self._bias = np.empty(0)

    def fit_few(self, dataset: Dataset, targets: Sequence[str]) -> Self:
        """Learn from all programs; none is kept back for the intervals."""
        check_enough(dataset, targets)
        self.targets = describe_targets(targets)
        texts, labels = known_rows(dataset, targets)
        scaled = scale(self.targets, labels)
        left_out = self._learn(self._inputs(Parsed(texts)), scaled)
        self.calibration = Calibration.fit(left_out, scaled)
        self.novelty = self._trained().novelty
        return self

    def _fit(
        self, texts: list[bytes], labels: Values, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        self._learn(self._inputs(Parsed(texts)), labels)

    def _trained(self) -> Model:
        if self.base is None or self.base.novelty is None:
            raise ModelError("There is no trained model to build on. Give one as base.")
        return self.base

    def _inputs(self, programs: Parsed) -> Values:
        base = self._trained()
        predicted = base._predict(programs, list(range(len(base.targets))))
        assert base.novelty is not None  # noqa: S101  # _trained has looked
        return np.concatenate([predicted, base.novelty.directions(programs.rows)], axis=1)

    def _learn(self, inputs: Values, labels: Values) -> Values:
        """Fit the weights; return predictions of each program by all others."""
        self._center = inputs.mean(axis=0)
        self._spread = np.maximum(inputs.std(axis=0), 1e-3)
        scaled = (inputs - self._center) / self._spread
        predictions = len(self._trained().targets)
        self._weights = np.zeros((inputs.shape[1], labels.shape[1]))
        self._bias = np.zeros(labels.shape[1])
        left_out = np.full(labels.shape, np.nan)
        for i in range(labels.shape[1]):
            known = np.isfinite(labels[:, i])
            part, goals = scaled[known], labels[known, i]
            tries = [
                (columns, *_leave_one_out(part[:, :columns], goals, alpha))
                for columns in (predictions, inputs.shape[1])
                for alpha in _ALPHAS
            ]
            columns, out, weights, bias = min(tries, key=lambda t: np.mean((t[1] - goals) ** 2))
            self._weights[:columns, i], self._bias[i] = weights, bias
            left_out[known, i] = out
        return np.where(np.isfinite(left_out), left_out, self._bias)

    def _predict(self, programs: Parsed, which: list[int]) -> Values:
        scaled = (self._inputs(programs) - self._center) / self._spread
        # Far from all that was learnt from, a line leads anywhere.
        values: Values = np.clip(scaled, -6, 6) @ self._weights[:, which] + self._bias[which]
        return values

    def save_pretrained(self, folder: Path | str) -> Path:
        """Write a folder with the base in it."""
        path = super().save_pretrained(folder)
        self._trained().save_pretrained(path / BASE)
        return path

    @classmethod
    def from_head(cls, path: Path, head: Mapping[str, Any]) -> Self:
        """Return the model of a folder."""
        from costmodel.models._registry import load_model

        model = super().from_head(path, head)
        model.base = load_model(path / BASE)
        width = len(model.base.targets) + model._trained().novelty_directions
        if model._weights.shape != (width, len(model.targets)):
            raise ModelError(f"'{path}' was built on another model than its {BASE}. Adapt again.")
        return model

    def _arrays(self) -> Arrays:
        return {
            "adapted.center": self._center,
            "adapted.spread": self._spread,
            "adapted.weights": self._weights,
            "adapted.bias": self._bias,
        }

    def _restore(self, arrays: Arrays, extra: Mapping[str, Any]) -> None:
        self._center, self._spread = arrays["adapted.center"], arrays["adapted.spread"]
        self._weights, self._bias = arrays["adapted.weights"], arrays["adapted.bias"]


def _leave_one_out(inputs: Values, goals: Values, alpha: float) -> tuple[Values, Values, float]:
    """Return predictions of each row by a ridge regression on all others, and the whole's weights.

    Leaving a row out changes its residual by the factor 1 / (1 - leverage) (Allen's PRESS, 1974).
    """
    center, middle = inputs.mean(axis=0), float(goals.mean())
    x, y = inputs - center, goals - middle
    # By rows, of which there are few, not by columns.
    kernel = x @ x.T
    inverse = np.linalg.inv(kernel + alpha * np.eye(len(y)))
    weights = x.T @ (inverse @ y)
    leverage = np.minimum(np.diag(kernel @ inverse) + 1.0 / len(y), 1.0 - 1e-6)
    residuals = (y - x @ weights) / (1.0 - leverage)
    return goals - residuals, weights, float(middle - center @ weights)
