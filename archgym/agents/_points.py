"""Any optimiser that asks and tells points of the unit cube, as an agent."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archgym.agents._agent import Agent, Hyperparameters
from archgym.space import Design, DesignSpace
from archgym.trials import Trial

Point = NDArray[np.float64]

# Batches of illegal points in a row, before a random legal design is asked for.
MAX_PROPOSALS = 20


class PointsAgent(Agent):
    """Base of agents around an optimiser of another library: start it, propose, learn.

    Points are arrays of one number from 0 to 1 per parameter, in declaration order; an inactive
    parameter ignores its own. Losses are to be minimised. A design that violates a constraint is
    not evaluated; it and one that proves infeasible have the highest loss of a feasible one so
    far. A batch that the budget cuts short is not learnt from.

    Example:
        >>> class MyAgent(PointsAgent):
        ...     name = "my_cma"
        ...     modules = ("cmaes",)
        ...
        ...     def start(self):
        ...         mean, bounds = np.full(len(self.space), 0.5), [[0, 1]] * len(self.space)
        ...         self.cma = cmaes.CMA(mean, 0.3, np.array(bounds), seed=self.seed)
        ...
        ...     def propose(self):
        ...         return [self.cma.ask() for _ in range(self.cma.population_size)]
        ...
        ...     def learn(self, points, losses):
        ...         self.cma.tell(list(zip(points, losses)))
        >>> archgym.search("archgym/DRAM-v0", MyAgent, budget=30, seed=0).evaluations
        30
    """

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
        self._points: list[Point] = []
        self._legal: list[int] = []
        self._worst = 0.0
        self.start()

    @abstractmethod
    def start(self) -> None:
        """Make the optimiser from ``self.space``, ``self.seed`` and ``self.config``."""

    @abstractmethod
    def propose(self) -> Sequence[Point]:
        """Return one or more points."""

    @abstractmethod
    def learn(self, points: Sequence[Point], losses: Sequence[float]) -> None:
        """Take the losses of the points last proposed, in the same order."""

    def ask(self) -> list[Design]:
        """Return the legal designs among the proposed points."""
        for _ in range(MAX_PROPOSALS):
            self._points = list(self.propose())
            designs = [self.space.from_unit(point) for point in self._points]
            self._legal = [i for i, design in enumerate(designs) if self.space.is_legal(design)]
            if self._legal:
                return [designs[i] for i in self._legal]
            self.learn(self._points, [self._worst] * len(self._points))
        return [self.space.sample(self.rng)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Let the optimiser learn, if its batch is complete."""
        feasible = [-trial.reward for trial in trials if trial.feasible]
        self._worst = max([self._worst, *feasible])
        if not self._legal or len(trials) < len(self._legal):
            return
        losses = [self._worst] * len(self._points)
        for i, trial in zip(self._legal, trials, strict=True):
            losses[i] = -trial.reward if trial.feasible else self._worst
        self.learn(self._points, losses)
