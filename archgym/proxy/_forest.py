"""Forests of regression trees: grown by scikit-learn, kept and evaluated as plain arrays."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from archgym.agents._agent import Hyperparameters, bounded
from archgym.errors import RecordError
from archgym.proxy._features import Features, Singles
from archgym.proxy._models import Arrays, Floats, Indices, Texts, required
from archgym.space import DesignSpace

_CHUNK = 131_072
"""Designs times trees that are evaluated at once, so that they stay in the cache."""


@dataclass(frozen=True)
class Trees:
    """Nodes and leaves of all trees, one tree after another."""

    feature: NDArray[np.int32]
    """Column that a node looks at; of a leaf ``~row`` in `values`."""
    threshold: NDArray[np.float32]
    """Up to it, left."""
    children: NDArray[np.int32]
    """Left and right child of each node, shape (nodes, 2)."""
    roots: NDArray[np.int32]
    """Root of each tree."""
    values: NDArray[np.float32]
    """Targets of each leaf, shape (leaves, targets)."""

    @classmethod
    def of(cls, estimators: list[Any]) -> Self:
        """Return the trees of fitted scikit-learn estimators."""
        features, thresholds, children, roots, values = [], [], [], [], []
        nodes = leaves = 0
        for estimator in estimators:
            tree = estimator.tree_
            leaf = tree.children_left < 0
            feature = tree.feature.astype(np.int32)
            feature[leaf] = ~(leaves + np.arange(int(leaf.sum()), dtype=np.int32))
            both = np.stack([tree.children_left, tree.children_right], axis=1) + nodes
            features.append(feature)
            thresholds.append(_single(tree.threshold))
            children.append(np.where(leaf[:, None], 0, both).astype(np.int32))
            values.append(tree.value[leaf][:, :, 0].astype(np.float32))
            roots.append(nodes)
            nodes, leaves = nodes + len(leaf), leaves + int(leaf.sum())
        return cls(
            np.concatenate(features),
            np.concatenate(thresholds),
            np.concatenate(children),
            np.array(roots, dtype=np.int32),
            np.concatenate(values),
        )

    def evaluate(self, rows: Singles) -> tuple[Floats, Floats]:
        """Return mean and standard deviation over the trees, each of shape (n, targets)."""
        mean, spread = np.empty((2, len(rows), self.values.shape[1]))
        step = max(1, _CHUNK // len(self.roots))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            values = self.values[self._leaves(rows[part])]
            centre = values.mean(axis=0)
            # Of float32 and around the mean, so that trees that agree have a spread of about 0.
            mean[part], spread[part] = centre, np.sqrt(np.square(values - centre).mean(axis=0))
        return mean, spread

    def _leaves(self, rows: Singles) -> NDArray[np.int64]:
        """Return the leaf of every tree that each row reaches, shape (trees, n).

        All trees take a step at the same time, so that a single design takes few steps too. A
        leaf is its own child; rows that have reached one are put aside once they add up.
        """
        n, trees = len(rows), len(self.roots)
        flat, feature, threshold, children = rows.reshape(-1), *self._steps
        reached = np.empty(trees * n, dtype=np.int64)
        who = np.arange(trees * n)
        starts = np.tile(np.arange(n) * rows.shape[1], trees)
        at = np.repeat(self.roots.astype(np.int64), n)
        while len(who):
            column = feature.take(at)
            leaf = column < 0
            if 16 * np.count_nonzero(leaf) > len(leaf):
                done, rest = np.flatnonzero(leaf), np.flatnonzero(~leaf)
                reached[who.take(done)] = ~column.take(done)
                who, starts, at = who.take(rest), starts.take(rest), at.take(rest)
                column = column.take(rest)
            column += starts
            right = flat.take(column, mode="clip") > threshold.take(at)
            at = children.take(2 * at + right)
        return reached.reshape(trees, n)

    @cached_property
    def _steps(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
        """Feature, threshold and children in the types that numpy indexes fastest with."""
        children = self.children.astype(np.int64)
        leaves = np.flatnonzero(self.feature < 0)
        children[leaves] = leaves[:, None]
        return self.feature.astype(np.int64), self.threshold, children.reshape(-1)

    def arrays(self, prefix: str) -> Arrays:
        """Return the arrays under names that start with ``prefix``."""
        return {
            f"{prefix}.{name}": getattr(self, name)
            for name in ("feature", "threshold", "children", "roots", "values")
        }

    @classmethod
    def restore(cls, prefix: str, arrays: Arrays, width: int) -> Self:
        """Return the trees that were saved, for rows of ``width`` features.

        Raises:
            RecordError: the arrays do not fit together.
        """
        try:
            found = cls(
                arrays[f"{prefix}.feature"].astype(np.int32),
                arrays[f"{prefix}.threshold"].astype(np.float32),
                arrays[f"{prefix}.children"].astype(np.int32),
                arrays[f"{prefix}.roots"].astype(np.int32),
                arrays[f"{prefix}.values"].astype(np.float32),
            )
            found._check(width)
        except (KeyError, ValueError) as error:
            raise RecordError(f"The trees are damaged: {error}. Train the proxy again.") from None
        return found

    def _check(self, width: int) -> None:
        nodes, inner = len(self.feature), self.feature >= 0
        numbers = np.arange(nodes)[:, None]
        sound = (
            self.children.shape == (nodes, 2)
            and self.threshold.shape == (nodes,)
            and self.values.ndim == 2
            and bool((self.feature < width).all())
            and bool((~self.feature[~inner] < len(self.values)).all())
            # Children come after their parents, so that every path ends.
            and bool(((self.children > numbers) & (self.children < nodes))[inner].all())
            and bool(((self.roots >= 0) & (self.roots < nodes)).all())
            and len(self.roots) > 0
        )
        if not sound:
            raise ValueError("a node, leaf or feature is missing")


def _single(thresholds: Floats) -> NDArray[np.float32]:
    # Round down: what a float32 feature was at most, it still is.
    rounded = thresholds.astype(np.float32)
    down = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded.astype(np.float64) > thresholds, down, rounded)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestConfig(Hyperparameters):
    """Hyperparameters of a forest."""

    trees: int = bounded(16, 1, 1000)
    """Trees; each costs about a quarter of a microsecond per design."""

    max_features: float = bounded(1.0, 0.01, 1.0)
    """Share of the features that a node chooses among."""

    min_leaf: int = bounded(1, 1)
    """Least designs in a leaf. Simulators have no noise, so that one is enough."""


class RandomForest:
    """Forest of greedily split trees, each on a bootstrap sample (Breiman, 2001)."""

    Config: ClassVar[type[ForestConfig]] = ForestConfig
    estimator: ClassVar[str] = "RandomForestRegressor"

    def __init__(self, features: Features, trees: Trees) -> None:
        self._features = features
        self._trees = trees

    @classmethod
    def fit(
        cls,
        space: DesignSpace,
        vectors: Indices,
        targets: Floats,
        config: ForestConfig,
        seed: int,
    ) -> Self:
        """Grow the trees; all targets share them."""
        features = Features(space)
        kind = getattr(required("sklearn.ensemble"), cls.estimator)
        forest = kind(
            config.trees,
            max_features=config.max_features,
            min_samples_leaf=config.min_leaf,
            random_state=seed,
            n_jobs=1,
        )
        forest.fit(features.matrix(vectors), targets[:, 0] if targets.shape[1] == 1 else targets)
        return cls(features, Trees.of(forest.estimators_))

    def predict(self, vectors: Indices) -> tuple[Floats, Floats]:
        """Return mean and standard deviation over the trees, each of shape (n, targets)."""
        return self._trees.evaluate(self._features.matrix(vectors))

    def arrays(self) -> Arrays:
        """Return the trees."""
        return self._trees.arrays("trees")

    def texts(self) -> Texts:
        """Return nothing."""
        return {}

    @classmethod
    def restore(cls, space: DesignSpace, arrays: Arrays, texts: Texts) -> Self:
        """Return the forest that was saved."""
        features = Features(space)
        return cls(features, Trees.restore("trees", arrays, features.width))


class ExtraTrees(RandomForest):
    """Forest of trees split at random thresholds, each on all designs.

    Source: Geurts, Ernst and Wehenkel, "Extremely randomized trees", Machine Learning 63, 2006.
    Without noise and with all designs in every tree it reproduces what it has seen.
    """

    estimator: ClassVar[str] = "ExtraTreesRegressor"
