"""Predicting from Python: ``CostModel.from_pretrained("fast").predict(texts)``."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from costmodel._dataset import Dataset
from costmodel._text import all_to_bytes
from costmodel.features import feature_names, features
from costmodel.models import Model, Predictions, Target, load_model
from costmodel.models._novelty import MOSTLY

__all__ = ["CostModel", "doubts"]

READ_BYTES = 8 << 20
"""Bytes of a text that are read."""

UNKNOWN_SIZE = 32
"""What a dynamic size, or a loop's dynamic trip count, is taken for."""

_NO_ELEMENTS = re.compile(rb"(?:tensor|memref|vector)<(?:[0-9?]+x)*0x")


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
    """Return for each text why what is predicted of it may be worth little, or None."""
    data = all_to_bytes(texts)
    rows = features(data)
    return [_doubt(text, row) for text, row in zip(data, rows, strict=True)]


def _doubt(text: bytes, row: npt.NDArray[np.float32]) -> str | None:
    why = _no_program(text, row)
    if why is not None:
        return f"read as plain text, as {why}"
    dynamic = round(float(np.exp2(_value(row, "dynamic_dimensions")))) - 1
    if dynamic:
        return (
            f"{dynamic:,} size{'s are' if dynamic > 1 else ' is'} dynamic (?) and taken for "
            f"{UNKNOWN_SIZE}; with sizes it would be predicted better"
        )
    if _value(row, "dynamic_loops") > 0:
        return f"some loops have dynamic bounds; they are taken for {UNKNOWN_SIZE} iterations"
    if _NO_ELEMENTS.search(text[:READ_BYTES]):
        return "it has a type without elements (a size of 0), unlike all programs learnt from"
    return None


def _no_program(text: bytes, row: npt.NDArray[np.float32]) -> str | None:
    if not text.strip():
        return "it is empty"
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return f"it is not UTF-8 text (byte {error.start:,})"
    if len(text) > READ_BYTES:
        return f"only its first {READ_BYTES >> 20} MiB are read"
    if _value(row, "unbalanced_braces") > 0:
        return "its braces do not match"
    if _value(row, "operations") == 0:
        return "it has no operation"
    if _value(row, "unknown_share") > MOSTLY:
        return "it has mostly operations of unknown dialects"
    return None


def _value(row: npt.NDArray[np.float32], name: str) -> float:
    return float(row[feature_names().index(name)])
