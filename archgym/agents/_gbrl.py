"""Policy gradient on gradient-boosted trees, which build a design parameter by parameter."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from archgym.agents._agent import Agent, Hyperparameters, Indices, bounded
from archgym.agents._construction import Construction
from archgym.space import Design, DesignSpace, Integer, Ordinal, Real
from archgym.trials import Trial

Floats = NDArray[np.float64]

# Designs built for one that is new and legal, before a random one is taken.
MAX_REBUILDS = 5

# Thresholds tried of a feature; parameters are decided in at most sixteen parts.
BINS = 16

# More samples than this per update would be split over threads, in an order that varies.
ONE_THREAD = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class GBRLConfig(Hyperparameters):
    """Hyperparameters of :class:`GBRLAgent`."""

    batch: int = bounded(16, 2)
    """Designs built with one policy, between two updates."""

    trees: int = bounded(2, 1)
    """Trees added per update, each by the gradient at the policy that the ones before it make."""

    depth: int = bounded(5, 1, 10)
    """Splits from the root of a tree to a leaf."""

    learning_rate: float = bounded(1.0, 0.0)
    """Share of the gradient's mean in a leaf that is added to the logits."""

    entropy: float = bounded(0.02, 0.0)
    """Weight of the entropy bonus, which keeps the policy from settling early."""

    replay: int = bounded(16, 0)
    """Best designs so far that are learnt from again at every update."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Integer(name="batch", low=4, high=64, step=4),
                Ordinal(name="trees", values=(1, 2, 4, 8)),
                Integer(name="depth", low=2, high=8),
                Real(name="learning_rate", low=0.05, high=4.0, steps=21, log=True),
                Real(name="entropy", low=1e-4, high=0.3, steps=21, log=True),
                Integer(name="replay", low=0, high=64, step=4),
            ]
        )


class GBRLAgent(Agent):
    """REINFORCE with group ranks, on a policy of gradient-boosted trees (NVIDIA's ``gbrl``).

    Fuhrer, Tessler and Dalal, "Gradient boosting reinforcement learning", arXiv:2407.08250, 2024:
    the logits are a sum of trees, and every update adds trees that are fitted to the policy
    gradient. The policy is autoregressive: trees see what has been decided of the design, so that
    they learn how parameters act together, which one distribution per parameter cannot. (On the
    task of one step the observation is constant, and a tree without anything to split on is a
    vector of logits.) Advantages are ranks within the batch and the best designs so far, as in
    ``policy_gradient``. The package holds models and boosting; its algorithms for
    Stable-Baselines3 are not on PyPI, so the loop is this file's.

    Defaults: with budgets of hundreds there are some twenty updates, so steps are large, and the
    replayed best designs stand in for the samples that are missing.
    """

    name: ClassVar[str] = "gbrl"
    Config = GBRLConfig
    config: GBRLConfig
    modules: ClassVar[tuple[str, ...]] = ("gbrl", "torch")
    extra: ClassVar[str] = "rl"

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
        self._construction = Construction(space)
        self._learner = self._new_learner()
        self._seen: set[bytes] = set()
        self._best: dict[tuple[int, ...], float] = {}

    def _new_learner(self) -> Any:
        from gbrl.learners.gbt_learner import GBTLearner

        learner = GBTLearner(
            input_dim=self._construction.feature_count,
            output_dim=self._construction.width,
            tree_struct={
                "max_depth": self.config.depth,
                "n_bins": BINS,
                "min_data_in_leaf": 0,
                "par_th": ONE_THREAD,
                "grow_policy": "greedy",
            },
            optimizers={
                "algo": "SGD",
                "init_lr": self.config.learning_rate,
                "start_idx": 0,
                "stop_idx": self._construction.width,
            },
            params={"split_score_func": "Cosine", "generator_type": "Quantile"},
            device="cpu",
        )
        learner.reset()
        return learner

    def ask(self) -> list[Design]:
        """Return a batch of designs built by the policy."""
        found: list[Indices] = []
        for _ in range(MAX_REBUILDS):
            for row in self._built(self.config.batch - len(found)):
                if row.tobytes() not in self._seen and self.is_legal(row):
                    self._seen.add(row.tobytes())
                    found.append(row)
            if len(found) == self.config.batch:
                break
        missing = self.config.batch - len(found)
        return self.decode(np.array([*found, *self.space.sample_indices(self.rng, missing)]))

    def _built(self, count: int) -> list[Indices]:
        """Return ``count`` designs, built side by side: one prediction serves a step of all."""
        construction = self._construction
        designs = [construction.start() for _ in range(count)]
        while open_ones := [design for design in designs if not construction.done(design)]:
            logits = self._logits(np.stack([construction.features(d) for d in open_ones]))
            masks = np.stack([construction.mask(design) for design in open_ones])
            noisy = np.where(masks, logits + self.rng.gumbel(size=logits.shape), -np.inf)
            for design, branch in zip(open_ones, noisy.argmax(axis=1), strict=True):
                construction.choose(design, int(branch))
        return [design.row for design in designs]

    def _logits(self, features: NDArray[np.float32]) -> Floats:
        with _one_thread():
            out = self._learner.predict(features, requires_grad=False, tensor=False)
        return np.asarray(out, dtype=np.float64).reshape(len(features), self._construction.width)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Make the decisions of the better designs of the group likelier, the others' less so."""
        group = {**self._best, **{trial.indices: trial.reward for trial in trials}}
        self._keep_best(group)
        if len(group) < 2:
            return
        from scipy.stats import rankdata

        ranks = rankdata(list(group.values()))
        advantages = (ranks - ranks.mean()) / max(ranks.std(), 1e-12)
        taken = [self._construction.decisions(np.array(key, dtype=np.int64)) for key in group]
        weights = np.repeat(advantages, [len(decisions) for decisions in taken])
        if not len(weights):
            return
        features, masks, branches = (
            np.array(part) for part in zip(*(d for own in taken for d in own), strict=True)
        )
        for _ in range(self.config.trees):
            gradient = self._gradient(self._logits(features), masks, branches, weights)
            with _one_thread():
                self._learner.step(inputs=features, grads=-gradient.astype(np.float32))

    def _gradient(
        self, logits: Floats, masks: NDArray[np.bool_], branches: Indices, weights: Floats
    ) -> Floats:
        """Return the gradient of every decision's objective by its logits."""
        from scipy.special import log_softmax

        log_p = log_softmax(np.where(masks, logits, -np.inf), axis=1)
        p = np.exp(log_p)
        chosen = branches[:, None] == np.arange(p.shape[1])
        surprise = np.where(masks, -log_p, 0.0)
        entropy = (p * surprise).sum(axis=1, keepdims=True)
        bonus = self.config.entropy * p * (surprise - entropy)
        return np.asarray(np.where(masks, weights[:, None] * (chosen - p) + bonus, 0.0))

    def observe(self, trials: Sequence[Trial]) -> None:
        """Replay them at the next update if they are among the best."""
        self._keep_best({**self._best, **{trial.indices: trial.reward for trial in trials}})

    def _keep_best(self, group: Mapping[tuple[int, ...], float]) -> None:
        best = sorted(group, key=lambda key: -group[key])[: self.config.replay]
        self._best = {key: group[key] for key in best}


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep the package's loops on one thread: they are short, and results repeat."""
    with _thread_pools().limit(limits=1, user_api="openmp"):
        yield


@cache
def _thread_pools() -> Any:
    import gbrl  # noqa: F401 - its libraries have to be loaded to be found
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped, unused-ignore]

    return ThreadpoolController()
