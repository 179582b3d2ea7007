"""Gradient-boosted trees on parsed features: trained with LightGBM, predicted without it."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from costmodel.errors import MissingDependencyError, ModelError
from costmodel.features import Parsed, feature_names, features
from costmodel.models._forest import Forest
from costmodel.models._model import Checkpoint, Model, Progress, slug
from costmodel.models._safetensors import Arrays
from costmodel.models._target import Values

if TYPE_CHECKING:
    from costmodel._core import Trees


@dataclass(frozen=True, slots=True, kw_only=True)
class TreesConfig:
    """Hyperparameters of gradient-boosted trees."""

    rounds: int = 400
    """Trees for each target."""
    leaves: int = 24
    """Leaves of a tree, at most."""
    learning_rate: float = 0.03
    """Share of each tree that is added."""
    least_rows: int = 5
    """Programs in a leaf, at least."""
    feature_share: float = 0.5
    """Share of the features that each tree sees."""
    row_share: float = 0.8
    """Share of the programs that each tree sees."""
    l2: float = 1.0
    """L2 penalty on leaves."""
    seed: int = 0
    """Seed of sampling."""


class TreesModel(Model):
    """One sum of trees for each target, on the features of :mod:`costmodel.features`.

    LightGBM (Ke et al., NeurIPS 2017) trains it; the trees are kept in our own arrays, and the
    native core evaluates them.
    """

    kind: ClassVar[str] = "trees"
    config_type: ClassVar[type[Any]] = TreesConfig
    config: TreesConfig

    def __init__(self, config: TreesConfig | None = None) -> None:
        super().__init__(config)
        self._forest: Forest | None = None
        self._tree_targets = np.empty(0, dtype=np.int32)
        self._evaluator: Trees | None = None

    def _fit(
        self, texts: list[bytes], labels: Values, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        lightgbm = import_lightgbm()
        rows = features(texts).astype(np.float32)
        names = [f"f{i}" for i in range(rows.shape[1])]  # LightGBM dislikes some characters
        parameters = self._parameters()
        table = lightgbm.Dataset(rows, params=parameters, feature_name=names, free_raw_data=False)
        table.construct()
        forests = []
        for i, target in enumerate(self.targets):
            progress(target.name, i, len(self.targets))
            name = slug(target.name)
            saved = checkpoint.load(name)
            if saved is None:
                saved = self._fit_one(lightgbm, table, labels[:, i]).to_arrays("trees")
                checkpoint.save(name, saved)
            forests.append(Forest.from_arrays("trees", saved))
        progress("done", len(self.targets), len(self.targets))
        counts = [forest.trees for forest in forests]
        self._set(Forest.join(forests), np.repeat(np.arange(len(forests)), counts))

    def _fit_one(self, lightgbm: Any, table: Any, labels: Values) -> Forest:
        known = np.flatnonzero(np.isfinite(labels))
        part = table.subset(known.tolist()).construct()
        part.set_label(labels[known])
        booster = lightgbm.train(self._parameters(), part, num_boost_round=self.config.rounds)
        return Forest.parse(booster.model_to_string())

    def _parameters(self) -> dict[str, Any]:
        return {
            "objective": "regression",
            "num_leaves": self.config.leaves,
            "learning_rate": self.config.learning_rate,
            "min_data_in_leaf": self.config.least_rows,
            "feature_fraction": self.config.feature_share,
            "bagging_fraction": self.config.row_share,
            "bagging_freq": 1,
            "lambda_l2": self.config.l2,
            "seed": self.config.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }

    def _set(self, forest: Forest, tree_targets: npt.NDArray[Any]) -> None:
        self._forest = forest
        self._tree_targets = tree_targets.astype(np.int32)
        width = len(feature_names())
        self._evaluator = forest.evaluator(self._tree_targets, len(self.targets), width)

    def _predict(self, programs: Parsed, which: list[int]) -> Values:
        if self._evaluator is None:
            raise ModelError("The model has learnt nothing yet. Call fit, or load one.")
        return self._evaluator.predict(programs.rows, which)

    def _arrays(self) -> Arrays:
        if self._forest is None:
            raise ModelError("The model has learnt nothing yet. Call fit, or load one.")
        counts = np.bincount(self._tree_targets, minlength=len(self.targets))
        return {**self._forest.to_arrays("trees"), "trees_of_target": counts.astype(np.int32)}

    def _restore(self, arrays: Arrays, extra: Mapping[str, Any]) -> None:
        counts = arrays["trees_of_target"]
        forest = Forest.from_arrays("trees", arrays)
        if len(counts) != len(self.targets) or counts.min(initial=0) < 0:
            raise ModelError("The trees are damaged: they are of other targets. Save them again.")
        if counts.sum() != forest.trees:
            raise ModelError("The trees are damaged: some are missing. Save them again.")
        self._set(forest, np.repeat(np.arange(len(counts)), counts))


def import_lightgbm() -> Any:
    """Return the library that trains trees.

    Raises:
        MissingDependencyError: If it is not installed.
    """
    try:
        return import_module("lightgbm")
    except ImportError as error:
        raise MissingDependencyError(
            "Training trees needs LightGBM, which is not installed: "
            "pip install 'archgym[costmodel]'. Predicting does not."
        ) from error
