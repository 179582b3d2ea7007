"""Bayesian optimisation with a Gaussian process over mixed, conditional design spaces."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from archgym.agents._acquisition import WARPS, log_expected_improvement
from archgym.agents._agent import Agent, Hyperparameters, Indices, bounded
from archgym.agents._candidates import Candidates
from archgym.agents._gaussian_process import (
    GaussianProcess,
    MixedEncoding,
    default_hyper,
    fit_hyper,
    perturbed,
)
from archgym.space import Categorical, Design, DesignSpace, Integer, Ordinal
from archgym.trials import Trial

Floats = NDArray[np.float64]

# Trials that the likelihood is maximised over: more would cost O(n^3) and change it little.
MAX_FIT_TRIALS = 150

# Iterations of L-BFGS for each fit after the first, which starts from the one before.
FIT_ITERATIONS = 15

# Best trials that candidates are mutated from.
PARENTS = 12

# Steps of the local search on the acquisition function.
LOCAL_STEPS = 4

# Candidates kept to fill up a batch after its first design.
SHORTLIST = 128

# Weight of the sum in the augmented Chebyshev scalarisation: Knowles, ParEGO, 2006, equation 2.
CHEBYSHEV_SUM = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class BayesianConfig(Hyperparameters):
    """Hyperparameters of :class:`BayesianAgent`."""

    initial: int = bounded(20, 2)
    """Designs drawn before the first model, at most a third of the budget."""

    batch: int = bounded(4, 1)
    """Designs asked for at a time; the model believes its own prediction for those pending."""

    candidates: int = bounded(384, 8)
    """Designs on which the acquisition function is evaluated before the local search; half are
    random, half mutants of the best trials."""

    starts: int = bounded(3, 1)
    """Best candidates from which local search goes on."""

    warp: Literal["asinh", "rank", "none"] = "asinh"
    """What rewards are passed through before the fit: asinh keeps them as they are near the median
    and makes heavy tails logarithmic, rank makes them normal scores."""

    refit: float = bounded(0.2, 0.01)
    """Hyperparameters are fitted anew whenever the trials have grown by this share."""

    restarts: int = bounded(3, 1)
    """Starting points of the first fit; later ones start from the fit before."""

    max_trials: int = bounded(512, 16)
    """Trials in the model; beyond it, the best and a random half of the others stay."""

    trust_region: bool = False
    """Whether to search only a shrinking and growing neighbourhood of the best design."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Integer(name="initial", low=4, high=64, step=4),
                Ordinal(name="batch", values=(1, 2, 4, 8, 16)),
                Ordinal(name="candidates", values=(64, 128, 256, 384, 512, 1024)),
                Integer(name="starts", low=1, high=8),
                Categorical(name="warp", choices=("asinh", "rank", "none")),
                Categorical(name="trust_region", choices=(False, True)),
            ]
        )


class BayesianAgent(Agent):
    """Bayesian optimisation: a Gaussian process and expected improvement.

    Jones, Schonlau and Welch, "Efficient global optimization of expensive black-box functions",
    J. Global Optimization 13, 1998; in its logarithm, which does not vanish where improvement is
    unlikely: Ament et al., "Unexpected improvements to expected improvement for Bayesian
    optimization", NeurIPS 2023. The kernel is described in ``_gaussian_process.py``. Pending
    designs of a batch are believed (Ginsbourger et al., "Kriging is well-suited to parallelize
    optimization", 2010). Several objectives are scalarised anew for every batch with random
    weights: Knowles, "ParEGO", IEEE TEC 10(1), 2006. The optional trust region counts changed
    parameters: Wan et al., "Think global and act local" (Casmopolitan), ICML 2021.

    Defaults: twenty initial designs are about 1.5 per parameter of a memory controller; batches of
    four cost little in what is found and a quarter of the time; hardware metrics span decades, so
    rewards are passed through asinh.
    """

    name: ClassVar[str] = "bayesian"
    Config = BayesianConfig
    config: BayesianConfig

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
        self._encoding = MixedEncoding(space)
        self._pool = Candidates(space, self.rng)
        self._vectors: Indices = np.empty((0, len(space)), dtype=np.int64)
        self._rewards: Floats = np.empty((0, objectives))
        self._feasible: NDArray[np.bool_] = np.empty(0, dtype=bool)
        self._seen: set[bytes] = set()
        self._hyper = default_hyper(len(space))
        self._model: GaussianProcess | None = None
        self._members: Indices = np.empty(0, dtype=np.int64)
        self._taken = 0
        self._fitted_at = 0
        self._region = _TrustRegion(len(space))

    # ---------------------------------------------------------------- ask and tell

    def ask(self) -> list[Design]:
        """Return initial designs, or those of the highest expected improvement."""
        initial = min(self.config.initial, max(2, self.budget // 3))
        if len(self._vectors) < initial:
            return self.decode(self._pool.new_samples(initial - len(self._vectors), self._seen))
        with _one_thread():
            targets = self._targets()
            model = self._updated_model(targets)
            return self.decode(self._batch(model, targets))

    def tell(self, trials: Sequence[Trial]) -> None:
        """Add the trials that are new; the model takes them up at the next `ask`."""
        known = {row.tobytes() for row in self._vectors}
        new = []
        for trial in trials:
            row = np.array(trial.indices, dtype=np.int64)
            self._seen.add(row.tobytes())
            if row.tobytes() not in known:
                known.add(row.tobytes())
                new.append((row, trial))
        if not new:
            return
        rewards = self.rewards_of([trial for _, trial in new])
        before = self._rewards[self._feasible].sum(axis=1).max(initial=-np.inf)
        self._vectors = np.concatenate([self._vectors, np.stack([row for row, _ in new])])
        self._rewards = np.concatenate([self._rewards, rewards])
        self._feasible = np.append(self._feasible, [t.feasible for _, t in new])
        after = self._rewards[self._feasible].sum(axis=1).max(initial=-np.inf)
        self._region.update(bool(after > before))

    def observe(self, trials: Sequence[Trial]) -> None:
        """Add the trials; the model does not care who asked."""
        self.tell(trials)

    # ---------------------------------------------------------------- model

    def _targets(self) -> Floats:
        """Return one standardised number per trial, higher is better."""
        rewards = self._rewards.copy()
        fair = rewards[self._feasible]
        # Infeasible designs count as the worst feasible one: their own reward is a mere mark.
        rewards[~self._feasible] = fair.min(axis=0) if len(fair) else 0.0
        if self.objectives > 1:
            spread = np.ptp(rewards, axis=0)
            scaled = (rewards - rewards.min(axis=0)) / np.where(spread > 0, spread, 1.0)
            weighted = scaled * self.rng.dirichlet(np.ones(self.objectives))
            values = weighted.min(axis=1) + CHEBYSHEV_SUM * weighted.sum(axis=1)
        else:
            values = rewards[:, 0]
        values = WARPS[self.config.warp](values)
        spread = values.std()
        return np.asarray((values - values.mean()) / (spread if spread > 0 else 1.0))

    def _updated_model(self, targets: Floats) -> GaussianProcess:
        n = len(targets)
        due = max(self._fitted_at + 1, self._fitted_at * (1 + self.config.refit))
        if self._model is None or n >= due:
            self._fit(targets)
            self._model = GaussianProcess(self._encoding, self._hyper)
            self._members = _chosen(targets, self.config.max_trials, self.rng)
            self._model.extend(self._vectors[self._members])
        else:
            new = np.arange(self._taken, n)
            self._members = np.append(self._members, new)
            self._model.extend(self._vectors[new])
        self._taken = n
        self._model.condition(targets[self._members])
        return self._model

    def _fit(self, targets: Floats) -> None:
        subset = _chosen(targets, MAX_FIT_TRIALS, self.rng)
        starts = [self._hyper]
        first = self._fitted_at == 0
        if first:
            starts += [perturbed(self._hyper, self.rng) for _ in range(self.config.restarts - 1)]
        points = self._encoding.points(self._vectors[subset])
        iterations = FIT_ITERATIONS * (3 if first else 1)
        self._hyper = fit_hyper(self._encoding, points, targets[subset], starts, iterations)
        self._fitted_at = len(targets)

    # ---------------------------------------------------------------- acquisition

    def _batch(self, model: GaussianProcess, targets: Floats) -> Indices:
        best = float(targets.max())
        pool = self._candidates(targets)
        pool, scores = self._climbed(model, best, pool)
        order = np.argsort(-scores, kind="stable")[:SHORTLIST]
        pool, scores = pool[order], scores[order]
        chosen: list[Indices] = []
        believed = copy(model)
        values = targets[self._members]
        while len(chosen) < self.config.batch:
            pick = self._first_new(pool, np.argsort(-scores, kind="stable"))
            if pick is None:
                chosen.extend(self._pool.new_samples(self.config.batch - len(chosen), self._seen))
                break
            chosen.append(pool[pick])
            self._seen.add(pool[pick].tobytes())
            if len(chosen) < self.config.batch:
                mean, _ = believed.predict(pool[pick : pick + 1])
                values = np.append(values, mean)
                believed.extend(pool[pick : pick + 1])
                believed.condition(values)
                scores = _score(believed, pool, max(best, float(mean[0])))
        return np.stack(chosen)

    def _first_new(self, pool: Indices, order: Indices) -> int | None:
        for i in order:
            if pool[i].tobytes() not in self._seen and self.is_legal(pool[i]):
                return int(i)
        return None

    def _candidates(self, targets: Floats) -> Indices:
        half = self.config.candidates // 2
        top = np.argsort(-targets, kind="stable")[:PARENTS]
        if self.config.trust_region:
            return self._pool.mutants(self._vectors[top[:1]], 2 * half, self._region.radius)
        parents = self._vectors[top]
        random = self.space.sample_indices(self.rng, half)
        return np.concatenate([random, self._pool.mutants(parents, half, len(self.space))])

    def _climbed(
        self, model: GaussianProcess, best: float, pool: Indices
    ) -> tuple[Indices, Floats]:
        """Return the pool and its scores after local search from its best members."""
        scores = _score(model, pool, best)
        heads = np.argsort(-scores, kind="stable")[: self.config.starts]
        climbers = [(pool[i], float(scores[i])) for i in heads]
        for _ in range(LOCAL_STEPS):
            around = [self._neighbours(vector) for vector, _ in climbers]
            found = np.concatenate(around)
            if not len(found):
                break
            found_scores = _score(model, found, best)
            pool, scores = np.concatenate([pool, found]), np.append(scores, found_scores)
            ends = np.cumsum([len(part) for part in around])
            climbers = [
                (part[k], float(values[k]))
                for (_, height), part, values in zip(
                    climbers, around, np.split(found_scores, ends[:-1]), strict=True
                )
                if len(part) and values[k := int(np.argmax(values))] > height
            ]
            if not climbers:
                break
        return pool, scores

    def _neighbours(self, vector: Indices) -> Indices:
        """Return legal vectors that differ from ``vector`` in one active parameter."""
        found = self._pool.neighbours(vector)
        if self.config.trust_region:
            centre = self._vectors[np.argmax(self._rewards.sum(axis=1))]
            found = found[(found != centre).sum(axis=1) <= self._region.radius]
        return found


@dataclass(slots=True)
class _TrustRegion:
    """How many parameters may differ from the best design."""

    dimension: int
    radius: int = 0
    successes: int = 0
    failures: int = 0

    def __post_init__(self) -> None:
        self.radius = self.dimension

    def update(self, improved: bool) -> None:
        """Grow after three improving batches in a row, shrink after several that did not."""
        self.successes = self.successes + 1 if improved else 0
        self.failures = 0 if improved else self.failures + 1
        if self.successes >= 3:
            self.radius = min(self.dimension, 2 * self.radius)
            self.successes = 0
        elif self.failures >= 5:
            self.radius = self.radius // 2 or self.dimension
            self.failures = 0


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep linear algebra on one thread.

    The matrices are too small for more: where other processes want the cores, it is ten times
    slower.
    """
    with _thread_pools().limit(limits=1, user_api="blas"):
        yield


@cache
def _thread_pools() -> Any:
    import scipy.linalg  # noqa: F401 - its library has to be loaded to be found
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped, unused-ignore]

    return ThreadpoolController()


def _chosen(targets: Floats, most: int, rng: np.random.Generator) -> Indices:
    """Return at most ``most`` rows in order: the best half, the others at random."""
    n = len(targets)
    if n <= most:
        return np.arange(n)
    order = np.argsort(-targets, kind="stable")
    best, rest = order[: most // 2], order[most // 2 :]
    return np.sort(np.append(best, rng.choice(rest, size=most - len(best), replace=False)))


def _score(model: GaussianProcess, vectors: Indices, best: float) -> Floats:
    mean, deviation = model.predict(vectors)
    return log_expected_improvement(mean, deviation, best)
