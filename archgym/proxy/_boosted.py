"""Gradient-boosted trees by LightGBM, one sum of trees for each target."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from archgym.agents._agent import Hyperparameters, bounded
from archgym.errors import RecordError
from archgym.proxy._features import Features
from archgym.proxy._models import Arrays, Floats, Indices, Texts, required
from archgym.space import DesignSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostedConfig(Hyperparameters):
    """Hyperparameters of gradient-boosted trees."""

    rounds: int = bounded(25, 1, 10_000)
    """Trees for each target."""

    leaves: int = bounded(4095, 2, 131_072)
    """Leaves of a tree, at most. Deep trees hold the interactions of many parameters."""

    learning_rate: float = bounded(0.4, 1e-4, 1.0)
    """Share of each tree that is added."""

    min_leaf: int = bounded(1, 1)
    """Least designs in a leaf."""

    l2: float = bounded(0.0, 0.0)
    """L2 penalty on leaves."""


class BoostedTrees:
    """One sum of trees for each target (Ke et al., "LightGBM", NeurIPS 2017)."""

    Config: ClassVar[type[BoostedConfig]] = BoostedConfig

    def __init__(self, features: Features, boosters: list[Any]) -> None:
        self._features = features
        self._boosters = boosters

    @classmethod
    def fit(
        cls,
        space: DesignSpace,
        vectors: Indices,
        targets: Floats,
        config: BoostedConfig,
        seed: int,
    ) -> Self:
        """Grow the trees of one target after the other."""
        lightgbm = required("lightgbm")
        features = Features(space)
        rows = features.matrix(vectors)
        parameters = {
            "objective": "regression",
            "num_leaves": config.leaves,
            "learning_rate": config.learning_rate,
            "min_data_in_leaf": config.min_leaf,
            "min_sum_hessian_in_leaf": 0.0,
            "lambda_l2": config.l2,
            "min_data_in_bin": 1,
            "seed": seed,
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        table = lightgbm.Dataset(rows, params=parameters, free_raw_data=False).construct()
        boosters = []
        for column in targets.T:
            table.set_label(column)
            boosters.append(lightgbm.train(parameters, table, num_boost_round=config.rounds))
        return cls(features, boosters)

    def predict(self, vectors: Indices) -> tuple[Floats, None]:
        """Return predictions of shape (n, targets)."""
        rows = self._features.matrix(vectors)
        columns = [booster.predict(rows, num_threads=1) for booster in self._boosters]
        return np.stack(columns, axis=1), None

    def arrays(self) -> Arrays:
        """Return nothing."""
        return {}

    def texts(self) -> Texts:
        """Return each target's trees in LightGBM's text format."""
        return {
            f"target-{i}.lightgbm.txt": booster.model_to_string()
            for i, booster in enumerate(self._boosters)
        }

    @classmethod
    def restore(cls, space: DesignSpace, arrays: Arrays, texts: Texts) -> Self:
        """Return the trees that were saved."""
        lightgbm = required("lightgbm")
        names = [f"target-{i}.lightgbm.txt" for i in range(len(texts))]
        try:
            boosters = [lightgbm.Booster(model_str=texts[name]) for name in names]
        except (KeyError, lightgbm.basic.LightGBMError) as error:
            raise RecordError(f"The trees are damaged: {error}. Train the proxy again.") from None
        return cls(Features(space), boosters)
