"""Hill climbing over neighbouring designs, restarted where nothing better is near."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from archgym.agents._agent import Agent, Hyperparameters, bounded
from archgym.space import Design, DesignSpace, Integer, Real
from archgym.trials import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSearchConfig(Hyperparameters):
    """Hyperparameters of :class:`LocalSearchAgent`."""

    founders: int = bounded(8, 1)
    """Random designs tried at the start; the best is climbed from."""

    batch: int = bounded(4, 1)
    """Neighbours evaluated at a time, the best of which is moved to if it is better."""

    kick: int = bounded(4, 1)
    """Random moves away from the best design so far when a climb is stuck."""

    restart: float = bounded(0.2, 0.0, 1.0)
    """Share of stuck climbs that start again at a random design instead."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Integer(name="founders", low=1, high=64),
                Integer(name="batch", low=1, high=16),
                Integer(name="kick", low=1, high=12),
                Real(name="restart", low=0.0, high=1.0, steps=11),
            ]
        )


class LocalSearchAgent(Agent):
    """Iterated local search: climb, kick, climb again.

    Lourenco, Martin and Stuetzle, "Iterated local search", Handbook of Metaheuristics, 2003. A
    neighbour differs in one parameter: one step of an ordered one, any other value of a
    categorical one. Neighbours are tried in random order, a batch at a time (first improvement),
    none twice. Equal rewards are moved to once, so that plateaus are crossed.

    Defaults: a kick of four parameters leaves the basin but keeps most of what was found; a fifth
    of the climbs start afresh, in case the whole region is poor. Of 24 other settings none was
    clearly better (``experiments/agents/tuning.py``).
    """

    name: ClassVar[str] = "local_search"
    Config = LocalSearchConfig
    config: LocalSearchConfig

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
        self._rewards: dict[tuple[int, ...], float] = {}
        self._here: Design | None = None
        self._best: Design | None = None
        self._untried: list[Design] = []
        self._climbing = False

    def ask(self) -> list[Design]:
        """Return the founders, a few untried neighbours, or the start of a new climb."""
        if self._here is None:
            return self.decode(self.space.sample_indices(self.rng, self.config.founders))
        if not self._untried and self._climbing:
            return [self._start()]
        batch = self._untried[: self.config.batch]
        self._untried = self._untried[self.config.batch :]
        return batch or [self._start()]

    def _start(self) -> Design:
        """Return a design to climb from next."""
        self._climbing = False
        if self._best is None or self.rng.random() < self.config.restart:
            return self.space.sample(self.rng)
        design = self._best
        for _ in range(self.config.kick):
            around = self.space.neighbours(design)
            if not around:
                return self.space.sample(self.rng)
            design = around[self.rng.integers(len(around))]
        return design

    def tell(self, trials: Sequence[Trial]) -> None:
        """Move to the best of the trials if it is no worse than where the climb stands."""
        for trial in trials:
            self._rewards[trial.indices] = trial.reward
        if not trials:
            return
        found = max(trials, key=lambda trial: trial.reward)
        if not self._climbing or found.reward >= self._reward(self._here):
            self._move(found.design)
        if self._best is None or found.reward > self._reward(self._best):
            self._best = found.design

    def observe(self, trials: Sequence[Trial]) -> None:
        """Climb on from a design that is better than all so far."""
        for trial in trials:
            self._rewards[trial.indices] = trial.reward
        found = max(trials, key=lambda trial: trial.reward)
        if found.reward > self._reward(self._best):
            self._best = found.design
            self._move(found.design)

    def _move(self, design: Design) -> None:
        self._here = design
        self._climbing = True
        around = [
            d for d in self.space.neighbours(design) if self.space.key(d) not in self._rewards
        ]
        self._untried = [around[i] for i in self.rng.permutation(len(around))]

    def _reward(self, design: Design | None) -> float:
        return -np.inf if design is None else self._rewards[self.space.key(design)]
