"""Hashed n-grams of tokens and a ridge regression: the baseline that knows no structure."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from costmodel import _core
from costmodel.errors import MissingDependencyError, ModelError
from costmodel.features import Parsed
from costmodel.models._model import Checkpoint, Model, Progress
from costmodel.models._safetensors import Arrays
from costmodel.models._target import Values

_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, kw_only=True)
class RidgeConfig:
    """Hyperparameters of the regression on n-grams."""

    buckets: int = 1 << 14
    """Features that n-grams are hashed to."""
    longest: int = 3
    """Tokens in an n-gram, at most."""
    alpha: float = 1.0
    """L2 penalty."""
    max_tokens: int = 8192
    """Tokens of a text that are read."""
    seed: int = 0
    """Seed of what is kept back for the intervals."""


class RidgeModel(Model):
    """Linear in the logarithm of how often each n-gram of structured tokens occurs."""

    kind: ClassVar[str] = "ridge"
    config_type: ClassVar[type[Any]] = RidgeConfig
    config: RidgeConfig

    def __init__(self, config: RidgeConfig | None = None) -> None:
        super().__init__(config)
        self._weights = np.empty((0, 0), dtype=np.float32)
        self._bias = np.empty(0)

    def _fit(
        self, texts: list[bytes], labels: Values, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        ridge = _sklearn_ridge()
        grams = ngrams(texts, self.config)
        weights, bias = [], []
        for i, target in enumerate(self.targets):
            progress(target.name, i, len(self.targets))
            known = np.isfinite(labels[:, i])
            fitted = ridge(alpha=self.config.alpha, solver="sparse_cg", tol=1e-4)
            fitted.fit(grams[np.flatnonzero(known)], labels[known, i])
            weights.append(fitted.coef_.astype(np.float32))
            bias.append(float(fitted.intercept_))
        self._weights, self._bias = np.stack(weights, axis=1), np.array(bias)

    def _predict(self, programs: Parsed, which: list[int]) -> Values:
        if not len(self._bias):
            raise ModelError("The model has learnt nothing yet. Call fit, or load one.")
        grams = ngrams(programs.texts, self.config)
        values: Values = grams @ self._weights[:, which].astype(np.float64) + self._bias[which]
        return values

    def _arrays(self) -> Arrays:
        return {"ridge.weights": self._weights, "ridge.bias": self._bias}

    def _restore(self, arrays: Arrays, extra: Mapping[str, Any]) -> None:
        self._weights, self._bias = arrays["ridge.weights"], arrays["ridge.bias"]
        shape = (self.config.buckets, len(self.targets))
        if self._weights.shape != shape or self._bias.shape != shape[1:]:
            raise ModelError("The regression is damaged: its weights have another shape.")


def ngrams(texts: list[bytes], config: RidgeConfig) -> sparse.csr_matrix:
    """Return ``log2(1 + count)`` of hashed n-grams, one row for each text of unit length."""
    indices, values, starts = [], [], [0]
    for text in texts:
        ids = _core.encode(text, config.max_tokens)[0].astype(np.uint64)
        found, counts = np.unique(_hashes(ids, config), return_counts=True)
        weights = np.log2(1.0 + counts)
        indices.append(found)
        values.append(weights / max(float(np.linalg.norm(weights)), 1e-9))
        starts.append(starts[-1] + len(found))
    return sparse.csr_matrix(
        (
            np.concatenate(values) if values else np.empty(0),
            np.concatenate(indices) if indices else np.empty(0, dtype=np.int64),
            starts,
        ),
        shape=(len(texts), config.buckets),
    )


def _hashes(ids: npt.NDArray[np.uint64], config: RidgeConfig) -> npt.NDArray[np.int64]:
    out = []
    hashed = np.zeros(len(ids), dtype=np.uint64)
    for n in range(min(config.longest, len(ids))):
        hashed = (hashed[: len(ids) - n] + ids[n:] + np.uint64(1)) * _MIX
        hashed ^= hashed >> np.uint64(31)
        out.append((hashed % np.uint64(config.buckets)).astype(np.int64))
    return np.concatenate(out) if out else np.empty(0, dtype=np.int64)


def _sklearn_ridge() -> Any:
    try:
        return import_module("sklearn.linear_model").Ridge
    except ImportError as error:
        raise MissingDependencyError(
            "Training the ridge regression needs scikit-learn, which is not installed: "
            "pip install 'archgym[costmodel]'. Predicting does not."
        ) from error
