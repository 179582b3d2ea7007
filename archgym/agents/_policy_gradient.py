"""Policy gradient without a critic, on a policy with one distribution per parameter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from archgym.agents._agent import Agent, Hyperparameters, Indices, bounded
from archgym.space import Design, DesignSpace, Integer, Real
from archgym.trials import Trial

Floats = NDArray[np.float64]

# Illegal samples are drawn again this often, then replaced by a uniformly random legal design.
MAX_REDRAWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyGradientConfig(Hyperparameters):
    """Hyperparameters of :class:`PolicyGradientAgent`."""

    batch: int = bounded(16, 2)
    """Designs sampled from the policy between two updates."""

    learning_rate: float = bounded(0.2, 0.0)
    """Step size of Adam on the logits."""

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
                Real(name="learning_rate", low=0.01, high=1.0, steps=21, log=True),
                Real(name="entropy", low=1e-4, high=0.3, steps=21, log=True),
                Integer(name="replay", low=0, high=64, step=4),
            ]
        )


class PolicyGradientAgent(Agent):
    """REINFORCE on a factorised categorical policy, with a group's ranks as advantages.

    Williams, "Simple statistical gradient-following algorithms for connectionist reinforcement
    learning", Machine Learning 8, 1992. An episode is one design, so there is no state and no
    critic: the advantage of a design is its standing among its group, as in group-relative policy
    optimisation (Shao et al., "DeepSeekMath", arXiv:2402.03300, 2024), by rank, so that the scale
    of rewards and a failure's penalty do not matter. The group is the batch and the best designs so
    far. An inactive parameter gets no gradient.

    Defaults: with budgets of hundreds a policy has tens of updates, so the steps are large, and the
    replayed best designs stand in for the samples that are missing. Of 16 other settings none was
    clearly better (``experiments/agents/tuning.py``).
    """

    name: ClassVar[str] = "policy_gradient"
    Config = PolicyGradientConfig
    config: PolicyGradientConfig

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
        # Row per parameter, column per value; values that a parameter lacks have no probability.
        self._exists = np.arange(int(space.nvec.max())) < space.nvec[:, None]
        self._logits = np.where(self._exists, 0.0, -np.inf)
        self._adam = _Adam(self._logits.shape)
        self._seen: set[bytes] = set()
        self._best: dict[tuple[int, ...], float] = {}
        self._overheard: list[Trial] = []

    def ask(self) -> list[Design]:
        """Return a batch of designs sampled from the policy."""
        return self.decode(np.stack([self._sample() for _ in range(self.config.batch)]))

    def _sample(self) -> Indices:
        """Return a legal design, one not sampled before if the policy still has such."""
        for _ in range(MAX_REDRAWS):
            noisy = self._logits + self.rng.gumbel(size=self._logits.shape)
            row: Indices = self.space.canonical(noisy.argmax(axis=1))
            if row.tobytes() not in self._seen and self.is_legal(row):
                break
        else:
            row = self.space.sample_indices(self.rng, 1)[0]
        self._seen.add(row.tobytes())
        return row

    def tell(self, trials: Sequence[Trial]) -> None:
        """Make the better designs of the group likelier and the worse ones less likely."""
        group = {**self._best, **{trial.indices: trial.reward for trial in trials}}
        self._keep_best(group)
        if len(group) < 2:
            return
        from scipy.stats import rankdata

        designs = np.array(list(group), dtype=np.int64)
        ranks = rankdata(list(group.values()))
        advantages = (ranks - ranks.mean()) / max(ranks.std(), 1e-12)
        self._logits += self._adam.step(self._gradient(designs, advantages)) * (
            self.config.learning_rate
        )

    def observe(self, trials: Sequence[Trial]) -> None:
        """Replay the best of them, and learn from as many as a batch has as if from one."""
        self._keep_best({**self._best, **{trial.indices: trial.reward for trial in trials}})
        self._seen.update(np.array(trial.indices, dtype=np.int64).tobytes() for trial in trials)
        self._overheard += trials
        if len(self._overheard) >= self.config.batch:
            heard, self._overheard = self._overheard, []
            self.tell(heard)

    def _keep_best(self, group: Mapping[tuple[int, ...], float]) -> None:
        best = sorted(group, key=lambda key: -group[key])[: self.config.replay]
        self._best = {key: group[key] for key in best}

    def _gradient(self, designs: Indices, advantages: Floats) -> Floats:
        from scipy.special import log_softmax

        log_p = log_softmax(self._logits, axis=1)
        p = np.exp(log_p)
        chosen = designs[:, :, None] == np.arange(p.shape[1])
        weight = advantages[:, None] * self.space.active(designs)
        gradient = np.einsum("np,npk->pk", weight, chosen - p) / len(designs)
        surprise = np.where(self._exists, -log_p, 0.0)
        entropy = (p * surprise).sum(axis=1, keepdims=True)
        gradient += self.config.entropy * p * (surprise - entropy)
        return np.where(self._exists, gradient, 0.0)


class _Adam:
    """Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._mean = np.zeros(shape)
        self._square = np.zeros(shape)
        self._steps = 0

    def step(self, gradient: Floats) -> Floats:
        """Return the step uphill, of about unit size."""
        self._steps += 1
        self._mean = 0.9 * self._mean + 0.1 * gradient
        self._square = 0.999 * self._square + 0.001 * gradient**2
        mean = self._mean / (1 - 0.9**self._steps)
        square = self._square / (1 - 0.999**self._steps)
        return mean / (np.sqrt(square) + 1e-8)
