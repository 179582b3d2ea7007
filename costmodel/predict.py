"""Predicting from Python: ``CostModel.from_pretrained("fast").predict(texts)``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from costmodel._dataset import Dataset
from costmodel._text import all_to_bytes
from costmodel.features import feature_names, features
from costmodel.models import Model, Predictions, Target, load_model

__all__ = ["CostModel", "doubts"]

_MOSTLY = 0.5


class CostModel:
    """A trained model of what programs cost.

    Args:
        model: A model that was fitted or loaded.
    """

    def __init__(self, model: Model) -> None:
        self.model = model

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path) -> Self:
        """Return a model that is shipped (``"fast"``), or that was saved in a folder.

        Raises:
            ModelError: If there is none, or it is damaged or of another version.
        """
        return cls(load_model(name_or_folder))

    @property
    def targets(self) -> tuple[Target, ...]:
        """What it predicts."""
        return self.model.targets

    def predict(
        self, texts: Sequence[str | bytes], targets: Sequence[str] | None = None
    ) -> Predictions:
        """Return value, 90 % interval and out-of-distribution score of each target for each text.

        Args:
            texts: MLIR of any dialects, or any other text.
            targets: Names of targets or devices; by default all.
        """
        return self.model.predict(texts, targets)

    def rank(self, texts: Sequence[str | bytes], target: str) -> list[int]:
        """Return the indices of the texts, best first."""
        return self.model.rank(texts, target)

    def adapt(self, dataset: Dataset, targets: Sequence[str]) -> "CostModel":
        """Return a model of new targets, from 10 to some 200 labelled programs."""
        from costmodel.adapt import adapt

        return CostModel(adapt(self.model, dataset, targets))

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write a folder that :meth:`from_pretrained` reads; return it."""
        return self.model.save_pretrained(folder)


def doubts(texts: Sequence[str | bytes]) -> list[str | None]:
    """Return for each text why it may be no complete MLIR program, or None."""
    data = all_to_bytes(texts)
    rows = features(data)
    names = feature_names()
    braces, operations, unknown = (
        rows[:, names.index(name)] for name in ("unbalanced_braces", "operations", "unknown_share")
    )
    return [
        _doubt(text, braces[i] > 0, float(operations[i]), float(unknown[i]))
        for i, text in enumerate(data)
    ]


def _doubt(text: bytes, unbalanced: bool, operations: float, unknown: float) -> str | None:
    if not text.strip():
        return "it is empty"
    try:
        text.decode()
    except UnicodeDecodeError:
        return "it is not UTF-8 text"
    if unbalanced:
        return "its braces do not match"
    if operations == 0:
        return "it has no operation"
    if unknown > _MOSTLY:
        return "it has mostly operations of unknown dialects"
    return None
