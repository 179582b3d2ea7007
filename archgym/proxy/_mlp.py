"""A neural network of dense layers: trained by scikit-learn, evaluated with numpy alone."""

import warnings
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from archgym.agents._agent import Hyperparameters, bounded
from archgym.errors import RecordError
from archgym.proxy._features import Features
from archgym.proxy._models import Arrays, Floats, Indices, Texts, required
from archgym.space import DesignSpace

_CHUNK = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class PerceptronConfig(Hyperparameters):
    """Hyperparameters of the network."""

    width: int = bounded(128, 1, 4096)
    """Units of a hidden layer."""

    layers: int = bounded(3, 1, 8)
    """Hidden layers."""

    epochs: int = bounded(60, 1, 10_000)
    """Passes over the designs."""

    batch: int = bounded(256, 1)
    """Designs per step."""

    learning_rate: float = bounded(2e-3, 1e-6, 1.0)
    """Step of Adam."""


class Perceptron:
    """Dense layers with rectifiers; every parameter enters with a column per value."""

    Config: ClassVar[type[PerceptronConfig]] = PerceptronConfig

    def __init__(self, features: Features, layers: list[tuple[NDArray[np.float32], ...]]) -> None:
        self._features = features
        self._layers = layers

    @classmethod
    def fit(
        cls,
        space: DesignSpace,
        vectors: Indices,
        targets: Floats,
        config: PerceptronConfig,
        seed: int,
    ) -> Self:
        """Train by Adam on the mean squared error."""
        neural = required("sklearn.neural_network")
        features = Features(space, wide=True)
        network = neural.MLPRegressor(
            hidden_layer_sizes=(config.width,) * config.layers,
            alpha=0.0,
            batch_size=min(config.batch, len(vectors)),
            learning_rate_init=config.learning_rate,
            max_iter=config.epochs,
            tol=0.0,
            n_iter_no_change=config.epochs,
            random_state=seed,
        )
        with warnings.catch_warnings():  # that it stops after the epochs that were asked for
            warnings.simplefilter("ignore")
            network.fit(features.matrix(vectors), targets.astype(np.float32))
        pairs = zip(network.coefs_, network.intercepts_, strict=True)
        return cls(features, [(w.astype(np.float32), b.astype(np.float32)) for w, b in pairs])

    def predict(self, vectors: Indices) -> tuple[Floats, None]:
        """Return predictions of shape (n, targets)."""
        out = np.empty((len(vectors), len(self._layers[-1][1])))
        for start in range(0, len(vectors), _CHUNK):
            rows = self._features.matrix(vectors[start : start + _CHUNK])
            for weights, bias in self._layers[:-1]:
                rows = np.maximum(rows @ weights + bias, 0.0)
            weights, bias = self._layers[-1]
            out[start : start + _CHUNK] = rows @ weights + bias
        return out, None

    def arrays(self) -> Arrays:
        """Return weights and biases."""
        found: Arrays = {}
        for i, (weights, bias) in enumerate(self._layers):
            found |= {f"layer-{i}.weights": weights, f"layer-{i}.bias": bias}
        return found

    def texts(self) -> Texts:
        """Return nothing."""
        return {}

    @classmethod
    def restore(cls, space: DesignSpace, arrays: Arrays, texts: Texts) -> Self:
        """Return the network that was saved."""
        features = Features(space, wide=True)
        layers: list[tuple[NDArray[np.float32], ...]] = []
        width = features.width
        for i in range(sum(name.endswith(".bias") for name in arrays)):
            weights, bias = arrays.get(f"layer-{i}.weights"), arrays.get(f"layer-{i}.bias")
            if weights is None or bias is None or weights.shape != (width, len(bias)):
                raise RecordError(f"Layer {i} of the network is damaged. Train the proxy again.")
            layers.append((weights, bias))
            width = len(bias)
        if not layers:
            raise RecordError("The network has no layers. Train the proxy again.")
        return cls(features, layers)
