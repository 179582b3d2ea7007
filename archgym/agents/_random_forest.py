"""Sequential model-based search with a random forest as surrogate, in the style of SMAC."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from archgym.agents._acquisition import asinh, log_expected_improvement
from archgym.agents._agent import Agent, Hyperparameters, Indices, bounded
from archgym.agents._candidates import Candidates
from archgym.space import Categorical, Design, DesignSpace, Integer, Ordinal, Real
from archgym.trials import Trial

Floats = NDArray[np.float64]

# Best trials that local search starts from, and that candidates are mutated from.
PARENTS = 10

# Rounds of the local search: a round looks at all neighbours of every climber.
LOCAL_STEPS = 4

# Below this the trees agree entirely, and expected improvement has no scale.
MIN_DEVIATION = 1e-6

# Weight of the sum in the augmented Chebyshev scalarisation: Knowles, ParEGO, 2006, equation 2.
CHEBYSHEV_SUM = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomForestConfig(Hyperparameters):
    """Hyperparameters of :class:`RandomForestAgent`."""

    initial: int = bounded(20, 2)
    """Designs drawn before the first forest, at most a third of the budget."""

    batch: int = bounded(4, 1)
    """Designs asked for at a time."""

    trees: int = bounded(16, 2)
    """Trees of the forest."""

    features: float = bounded(0.7, 0.05, 1.0)
    """Share of the columns that a split chooses from."""

    leaf: int = bounded(1, 1)
    """Fewest trials in a leaf."""

    bootstrap: bool = True
    """Whether each tree sees its own sample of the trials, or all of them."""

    candidates: int = bounded(256, 8)
    """Designs on which expected improvement is computed before the local search; half are random,
    half mutants of the best trials."""

    random: float = bounded(0.2, 0.0, 1.0)
    """Share of designs that are random, whatever the forest says."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Integer(name="initial", low=4, high=64, step=4),
                Ordinal(name="batch", values=(1, 2, 4, 8, 16)),
                Ordinal(name="trees", values=(8, 12, 16, 24, 32, 48)),
                Real(name="features", low=0.2, high=1.0, steps=9),
                Integer(name="leaf", low=1, high=5),
                Categorical(name="bootstrap", choices=(False, True)),
                Real(name="random", low=0.0, high=0.5, steps=11),
            ]
        )


class RandomForestAgent(Agent):
    """A random forest, expected improvement, and local search over neighbouring designs.

    Hutter, Hoos and Leyton-Brown, "Sequential model-based optimization for general algorithm
    configuration" (SMAC), LION 2011: the forest predicts a mean and a variance, expected
    improvement is climbed from the best designs, and random designs are interleaved. The variance
    is that of a tree drawn at random, its leaf's spread included: Hutter et al., "Algorithm
    runtime prediction", Artificial Intelligence 206, 2014, section 4.3.2. The forest is
    scikit-learn's. The package ``smac`` itself (2.4) is deterministic and knows conditional
    parameters, but not constraints between them; it takes one design at a time, about 0.16 s of
    processor time each, where this takes 0.007 s (or 0.002 s in batches of four; 100 evaluations of
    the paper's DRAM space), and leaves a folder behind. Several objectives are scalarised
    anew for every batch with random weights (Knowles, "ParEGO", IEEE TEC 10(1), 2006).

    Defaults: initial designs and batch as those of ``bayesian``; sixteen trees, since their
    spread is the only measure of what is not known; a fifth of the designs is random, as a forest
    cannot see beyond its data.
    """

    name: ClassVar[str] = "random_forest"
    Config = RandomForestConfig
    config: RandomForestConfig
    modules: ClassVar[tuple[str, ...]] = ("sklearn",)
    extra: ClassVar[str] = "proxy"

    def __init__(
        self,
        space: DesignSpace,
        *,
        objectives: int = 1,
        budget: int,
        seed: int,
        config: Hyperparameters | None = None,
    ) -> None:
        super().__init__(space, objectives=objectives, budget=budget, seed=seed, config=config)
        # Imported late: it builds on the kernels of this package.
        from archgym.proxy._features import Features

        self._features = Features(space)
        self._pool = Candidates(space, self.rng)
        self._seen: set[bytes] = set()
        self._trials: dict[tuple[int, ...], Trial] = {}

    def ask(self) -> list[Design]:
        """Return initial designs, or those of the highest expected improvement."""
        initial = min(self.config.initial, max(2, self.budget // 3))
        if len(self._trials) < initial:
            missing = initial - len(self._trials)
            return self.decode(self._pool.new_samples(missing, self._seen))
        return self.decode(self._batch())

    def tell(self, trials: Sequence[Trial]) -> None:
        """Add the trials that are new."""
        for trial in trials:
            self._trials[trial.indices] = trial
            self._seen.add(np.array(trial.indices, dtype=np.int64).tobytes())

    def observe(self, trials: Sequence[Trial]) -> None:
        """Add the trials; the forest does not care who asked."""
        self.tell(trials)

    def _batch(self) -> Indices:
        drawn = int((self.rng.random(self.config.batch) < self.config.random).sum())
        rows: list[Indices] = []
        if drawn < self.config.batch:
            vectors = np.array(list(self._trials), dtype=np.int64)
            targets = self._targets()
            forest = self._fitted(vectors, targets)
            found, scores = self._climbed(forest, vectors, targets)
            rows = self._promising(found, scores, self.config.batch - drawn)
        missing = self.config.batch - len(rows)
        return np.array([*rows, *(self._pool.new_samples(missing, self._seen) if missing else ())])

    def _promising(self, pool: Indices, scores: Floats, most: int) -> list[Indices]:
        rows: list[Indices] = []
        for i in np.argsort(-scores, kind="stable"):
            if pool[i].tobytes() not in self._seen and self.is_legal(pool[i]):
                self._seen.add(pool[i].tobytes())
                rows.append(pool[i])
            if len(rows) == most:
                break
        return rows

    def _targets(self) -> Floats:
        """Return one number per trial, higher is better."""
        trials = list(self._trials.values())
        rewards = self.rewards_of(trials)
        feasible = np.array([trial.feasible for trial in trials])
        # Infeasible designs count as the worst feasible one: their own reward is a mere mark.
        rewards[~feasible] = rewards[feasible].min(axis=0) if feasible.any() else 0.0
        if self.objectives == 1:
            return asinh(rewards[:, 0])
        spread = np.ptp(rewards, axis=0)
        scaled = (rewards - rewards.min(axis=0)) / np.where(spread > 0, spread, 1.0)
        weighted = scaled * self.rng.dirichlet(np.ones(self.objectives))
        return asinh(weighted.min(axis=1) + CHEBYSHEV_SUM * weighted.sum(axis=1))

    def _fitted(self, vectors: Indices, targets: Floats) -> "_Forest":
        from sklearn import config_context
        from sklearn.ensemble import RandomForestRegressor

        config = self.config
        model = RandomForestRegressor(
            n_estimators=config.trees,
            max_features=config.features,
            min_samples_leaf=config.leaf,
            bootstrap=config.bootstrap,
            random_state=int(self.rng.integers(2**31)),
        )
        # The checks cost more than the trees.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            model.fit(self._features.matrix(vectors), targets)
        return _Forest(model, float(targets.max()))

    def _climbed(
        self, forest: "_Forest", vectors: Indices, targets: Floats
    ) -> tuple[Indices, Floats]:
        """Return candidates and their scores, those that local search met included."""
        parents = vectors[np.argsort(-targets, kind="stable")[:PARENTS]]
        half = self.config.candidates // 2
        mutants = self._pool.mutants(parents, half, len(self.space))
        pool = np.concatenate([self.space.sample_indices(self.rng, half), mutants, parents])
        scores = self._score(forest, pool)
        heads = np.argsort(-scores, kind="stable")[: PARENTS // 2]
        climbers = [*zip(pool[heads], scores[heads], strict=True)]
        for _ in range(LOCAL_STEPS):
            around = [self._pool.neighbours(vector) for vector, _ in climbers]
            found = np.concatenate(around)
            if not len(found):
                break
            heights = self._score(forest, found)
            pool, scores = np.concatenate([pool, found]), np.append(scores, heights)
            ends = np.cumsum([len(part) for part in around])
            climbers = [
                (part[k], values[k])
                for (_, height), part, values in zip(
                    climbers, around, np.split(heights, ends[:-1]), strict=True
                )
                if len(part) and values[k := int(np.argmax(values))] > height
            ]
            if not climbers:
                break
        return pool, scores

    def _score(self, forest: "_Forest", vectors: Indices) -> Floats:
        return forest.score(self._features.matrix(vectors))


class _Forest:
    """Mean and spread of the trees of a fitted forest."""

    def __init__(self, model: Any, best: float) -> None:
        self._trees = [estimator.tree_ for estimator in model.estimators_]
        self._best = best

    def score(self, points: NDArray[np.float32]) -> Floats:
        """Return the logarithm of the expected improvement of points, shape (n, columns)."""
        leaves = [tree.apply(points) for tree in self._trees]
        pairs = [*zip(self._trees, leaves, strict=True)]
        means = np.stack([tree.value[leaf, 0, 0] for tree, leaf in pairs])
        spreads = np.stack([tree.impurity[leaf] for tree, leaf in pairs])
        # Law of total variance over the trees.
        deviation = np.sqrt(np.maximum(spreads.mean(axis=0) + means.var(axis=0), 0.0))
        return log_expected_improvement(
            means.mean(axis=0), np.maximum(deviation, MIN_DEVIATION), self._best
        )
