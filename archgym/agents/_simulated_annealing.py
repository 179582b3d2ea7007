"""Simulated annealing over neighbouring designs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from archgym.agents._agent import Agent, Hyperparameters, bounded
from archgym.space import Design, DesignSpace, Integer, Real
from archgym.trials import Trial

# Steps through known designs before the chain starts again from a random one.
MAX_KNOWN_STEPS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedAnnealingConfig(Hyperparameters):
    """Hyperparameters of :class:`SimulatedAnnealingAgent`."""

    founders: int = bounded(4, 2)
    """Random designs tried at the start; the best is the first state, and the spread of their
    rewards is the unit of temperature."""

    hot: float = bounded(0.016, 0.0)
    """Temperature at the start, in interquartile ranges of the founders' rewards."""

    cold: float = bounded(0.0001, 0.0)
    """Temperature when the budget is spent, in the same unit."""

    moves: int = bounded(1, 1)
    """Parameters changed per step."""

    far: float = bounded(0.8, 0.0, 1.0)
    """Share of moves that set a parameter to any value instead of a neighbouring one."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Integer(name="founders", low=2, high=64),
                Real(name="hot", low=0.01, high=10.0, steps=31, log=True),
                Real(name="cold", low=1e-4, high=0.1, steps=31, log=True),
                Integer(name="moves", low=1, high=4),
                Real(name="far", low=0.0, high=1.0, steps=11),
            ]
        )


class SimulatedAnnealingAgent(Agent):
    """Simulated annealing with a geometric schedule over the budget.

    Kirkpatrick, Gelatt and Vecchi, "Optimization by simulated annealing", Science 220, 1983. A
    worse design is moved to with probability exp(-loss / temperature) (Metropolis et al., 1953).
    Rewards differ in scale from problem to problem, so the temperature is measured in the spread of
    the rewards of random designs; a failed design counts as the worst that did not fail. The agent
    is one chain: it asks for one design at a time. Through designs that it knows it walks without
    asking; when that leads nowhere new, as in a basin that is exhausted, it starts again elsewhere.

    Defaults: tuned in ``experiments/agents/tuning.py``, the best of 17 settings on memory
    controllers that are reported nowhere. With hundreds of evaluations there is no time to cool
    from far above: the chain starts cold, and far moves rather than heat take it out of a basin.
    """

    name: ClassVar[str] = "simulated_annealing"
    Config = SimulatedAnnealingConfig
    config: SimulatedAnnealingConfig

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
        self._state: Trial | None = None
        self._unit = 1.0
        self._lost = False
        self._known: dict[tuple[int, ...], Trial] = {}

    def ask(self) -> list[Design]:
        """Return the founders, then one neighbour of the state at a time."""
        if self._state is None:
            founders = min(self.config.founders, max(self.budget // 4, 2))
            return self.decode(self.space.sample_indices(self.rng, founders))
        for _ in range(MAX_KNOWN_STEPS):
            design = self._state.design
            for _ in range(self.config.moves):
                design = self._moved(design)
            known = self._known.get(self.space.key(design))
            if known is None:
                return [design]
            self._step(known, self._state)
        self._lost = True
        return [self.space.sample(self.rng)]

    def _moved(self, design: Design) -> Design:
        if self.rng.random() < self.config.far:
            row = self.space.encode(design)
            i = int(self.rng.choice(self.space.active(row).nonzero()[0]))
            row[i] = self.rng.integers(self.space.nvec[i])
            if self.is_legal(row):
                return self.space.decode(row)
        around = self.space.neighbours(design)
        return around[self.rng.integers(len(around))] if around else self.space.sample(self.rng)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Move to the new design if it is better, or if chance has it."""
        if not trials:
            return
        self._known |= {trial.indices: trial for trial in trials}
        if self._state is None:
            self._state = max(trials, key=lambda trial: trial.reward)
            self._unit = _spread([trial.reward for trial in trials if trial.feasible])
            return
        if self._lost:
            self._state, self._lost = trials[0], False
            return
        for trial in trials:
            self._step(trial, self._state)

    def _step(self, trial: Trial, state: Trial) -> None:
        loss = (state.reward - trial.reward) / self._unit
        if loss <= 0 or self.rng.random() < math.exp(-loss / self._temperature()):
            self._state = trial

    def _temperature(self) -> float:
        hot, cold = max(self.config.hot, 1e-9), max(self.config.cold, 1e-9)
        return float(hot * (cold / hot) ** min(len(self._known) / self.budget, 1.0))


def _spread(rewards: Sequence[float]) -> float:
    """Return the interquartile range of the rewards, 1 if there is none."""
    if len(rewards) < 2:
        return 1.0
    ranked = sorted(rewards)
    spread = ranked[(3 * len(ranked)) // 4] - ranked[len(ranked) // 4]
    return spread if spread > 0 else 1.0
