"""A Gaussian process on the kernel of mixed parameters, with one mean function per target."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from archgym.agents._agent import Hyperparameters, bounded
from archgym.agents._gaussian_process import (
    Hyper,
    MixedEncoding,
    default_hyper,
    fit_hyper,
    matern,
)
from archgym.errors import RecordError
from archgym.proxy._models import Arrays, Floats, Indices, Texts
from archgym.space import DesignSpace

_CHUNK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessConfig(Hyperparameters):
    """Hyperparameters of the Gaussian process."""

    designs: int = bounded(1500, 10, 10_000)
    """Designs that it learns from, drawn at random; the cost grows with the cube."""

    tuned_on: int = bounded(250, 10, 2000)
    """Of these, designs on which the kernel's length scales are fitted."""

    iterations: int = bounded(30, 1, 1000)
    """Steps of that fit."""


class GaussianProcessModel:
    """The posterior mean of a Gaussian process (see `archgym.agents._gaussian_process`)."""

    Config: ClassVar[type[ProcessConfig]] = ProcessConfig

    def __init__(
        self, space: DesignSpace, vectors: Indices, hypers: list[Hyper], weights: list[Floats]
    ) -> None:
        self._encoding = MixedEncoding(space)
        self._vectors = vectors
        self._hypers = hypers
        self._weights = weights
        self._sides = [_Side(self._encoding, vectors, hyper) for hyper in hypers]

    @classmethod
    def fit(
        cls,
        space: DesignSpace,
        vectors: Indices,
        targets: Floats,
        config: ProcessConfig,
        seed: int,
    ) -> Self:
        """Fit length scales on a part of the designs, then condition on more of them."""
        from scipy.linalg import cho_factor, cho_solve

        rng = np.random.default_rng(np.random.SeedSequence(seed))
        chosen = rng.permutation(len(vectors))[: config.designs]
        vectors, targets = vectors[chosen], targets[chosen]
        few = slice(0, config.tuned_on)
        encoding = MixedEncoding(space)
        points = encoding.points(vectors[few])
        start = [default_hyper(len(space))]
        hypers, weights = [], []
        for column in targets.T:
            hyper = fit_hyper(encoding, points, column[few], start, config.iterations)
            kernel = _Side(encoding, vectors, hyper).covariance(vectors)
            kernel[np.diag_indices(len(kernel))] += hyper.noise
            hypers.append(hyper)
            weights.append(np.asarray(cho_solve(cho_factor(kernel, lower=True), column)))
        return cls(space, vectors, hypers, weights)

    def predict(self, vectors: Indices) -> tuple[Floats, None]:
        """Return posterior means of shape (n, targets)."""
        out = np.empty((len(vectors), len(self._hypers)))
        for start in range(0, len(vectors), _CHUNK):
            part = vectors[start : start + _CHUNK]
            for i, (side, weights) in enumerate(zip(self._sides, self._weights, strict=True)):
                out[start : start + _CHUNK, i] = side.covariance(part) @ weights
        return out, None

    def arrays(self) -> Arrays:
        """Return designs, kernels and weights."""
        return {
            "designs": self._vectors.astype(np.int32),
            "hyper": np.stack([hyper.to_log() for hyper in self._hypers]),
            "weights": np.stack(self._weights),
        }

    def texts(self) -> Texts:
        """Return nothing."""
        return {}

    @classmethod
    def restore(cls, space: DesignSpace, arrays: Arrays, texts: Texts) -> Self:
        """Return the process that was saved."""
        try:
            vectors = arrays["designs"].astype(np.int64)
            hyper, weights = arrays["hyper"], arrays["weights"]
            sound = (
                vectors.shape[1] == len(space)
                and hyper.shape[1] == len(space) + 3
                and weights.shape == (len(hyper), len(vectors))
                and bool(((vectors >= 0) & (vectors < space.nvec)).all())
            )
        except (KeyError, IndexError) as error:
            raise RecordError(f"The process is damaged: {error}. Train the proxy again.") from None
        if not sound:
            raise RecordError("The process is damaged. Train the proxy again.")
        return cls(space, vectors, [Hyper.from_log(row) for row in hyper], list(weights))


class _Side:
    """The learnt designs' side of the kernel, worked out once."""

    def __init__(self, encoding: MixedEncoding, vectors: Indices, hyper: Hyper) -> None:
        self._encoding = encoding
        self._hyper = hyper
        self._features = encoding.features(vectors, hyper.lengths)
        self._squares = np.einsum("ij,ij->i", self._features, self._features)
        self._table = encoding.table(vectors, hyper.lengths) * (hyper.additive / len(encoding))

    def covariance(self, vectors: Indices) -> Floats:
        """Return the kernel between vectors and the learnt designs."""
        features = self._encoding.features(vectors, self._hyper.lengths)
        squared = -2.0 * (features @ self._features.T) + self._squares
        squared += np.einsum("ij,ij->i", features, features)[:, None]
        joint, _ = matern(np.maximum(squared, 0.0))
        joint *= self._hyper.joint
        for rows in (self._encoding.codes(vectors) + self._encoding.offsets).T:
            joint += self._table[rows]
        return joint
