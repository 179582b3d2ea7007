"""What every proxy model does, and the models by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from archgym.agents._agent import Hyperparameters
from archgym.errors import ArchGymError, UnknownNameError
from archgym.space import DesignSpace

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]
Texts = dict[str, str]
Progress = Callable[[str], None]


class MissingProxyError(ArchGymError, ImportError):
    """A library that a proxy model needs is not installed."""


class ProxyModel(Protocol):
    """Maps index vectors to targets on their scales of learning."""

    def predict(self, vectors: Indices) -> tuple[Floats, Floats | None]:
        """Return predictions of shape (n, targets) and, if known, how far its parts disagree."""
        ...

    def arrays(self) -> Arrays:
        """Return what was learnt, as numeric arrays by name."""
        ...

    def texts(self) -> Texts:
        """Return what was learnt and is kept as text files, by name."""
        ...


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A kind of model."""

    module: str
    """Where it is: ``module:class``."""

    summary: str
    """One line for listings."""


MODELS = {
    "extra_trees": ModelSpec(
        "archgym.proxy._forest:ExtraTrees",
        "Forest of trees split at random thresholds, each on all designs.",
    ),
    "random_forest": ModelSpec(
        "archgym.proxy._forest:RandomForest",
        "Forest of greedily split trees, each on a bootstrap sample.",
    ),
    "boosted_trees": ModelSpec(
        "archgym.proxy._boosted:BoostedTrees", "Gradient-boosted trees (LightGBM)."
    ),
    "mlp": ModelSpec("archgym.proxy._mlp:Perceptron", "Neural network of dense layers."),
    "gaussian_process": ModelSpec(
        "archgym.proxy._gp:GaussianProcessModel",
        "Gaussian process on mixed parameters, on a sample of the designs.",
    ),
}


def model_class(name: str) -> Any:
    """Return the class of a model: it has ``Config``, ``fit`` and ``restore``.

    Raises:
        UnknownNameError: there is none of this name.
    """
    if name not in MODELS:
        raise UnknownNameError.of("model", name, MODELS)
    module, _, attribute = MODELS[name].module.partition(":")
    return getattr(import_module(module), attribute)


def fit_model(
    name: str,
    space: DesignSpace,
    vectors: Indices,
    targets: Floats,
    hyperparameters: Mapping[str, Any],
    seed: int,
) -> ProxyModel:
    """Return a model fitted to targets on their scales of learning, shape (n, targets)."""
    cls = model_class(name)
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

    config: Hyperparameters = cls.Config.from_dict(dict(hyperparameters))
    with threadpool_limits(1):  # many small steps: threads only get in each other's way
        model: ProxyModel = cls.fit(space, vectors, targets, config, seed)
    return model


def restore_model(name: str, space: DesignSpace, arrays: Arrays, texts: Texts) -> ProxyModel:
    """Return the model that `ProxyModel.arrays` and `ProxyModel.texts` were taken from."""
    model: ProxyModel = model_class(name).restore(space, arrays, texts)
    return model


def required(module: str) -> Any:
    """Import a library of the extra.

    Raises:
        MissingProxyError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingProxyError(
            f"This model needs {module.partition('.')[0].replace('sklearn', 'scikit-learn')}, "
            "which is not installed. In the project's folder, run: "
            "pip install -c constraints.txt 'archgym[proxy]'."
        ) from error
