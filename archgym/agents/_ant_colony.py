"""Ant colony optimisation with one pheromone per parameter value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from archgym.agents._agent import Agent, Hyperparameters, Indices, bounded
from archgym.space import Design, DesignSpace, Integer, Real
from archgym.trials import Trial

Floats = NDArray[np.float64]

# An ant on a path walked before takes this many random turns at most before it is sent on.
MAX_REPAIRS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class AntColonyConfig(Hyperparameters):
    """Hyperparameters of :class:`AntColonyAgent`."""

    ants: int = bounded(16, 1)
    """Designs built per iteration."""

    evaporation: float = bounded(0.1, 0.0, 1.0)
    """Share of the pheromone that is replaced per iteration."""

    greediness: float = bounded(0.25, 0.0, 1.0)
    """Share of an ant's choices that take the value with most pheromone; the others draw values in
    proportion to it."""

    elite: int = bounded(4, 1)
    """Designs that leave pheromone per iteration: the best so far, better ones more."""

    pheromone_start: float = bounded(0.5, 0.0, 1.0)
    """Pheromone of every value at the start; a lower one learns faster at first."""

    pheromone_floor: float = bounded(0.02, 0.0, 0.5)
    """Least pheromone of a value, with 1 - floor as the most, so that no value dies out."""

    smoothing: float = bounded(0.3, 0.0, 1.0)
    """Pheromone left on the two neighbours of an ordered parameter's value, as a share of that on
    the value itself."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Integer(name="ants", low=2, high=64, step=2),
                Real(name="evaporation", low=0.01, high=1.0, steps=31, log=True),
                Real(name="greediness", low=0.0, high=1.0, steps=21),
                Integer(name="elite", low=1, high=16),
                Real(name="pheromone_start", low=0.05, high=1.0, steps=20),
                Real(name="pheromone_floor", low=0.001, high=0.2, steps=21, log=True),
                Real(name="smoothing", low=0.0, high=1.0, steps=21),
            ]
        )


class AntColonyAgent(Agent):
    """Ants choose one value per parameter, guided by pheromone on parameter values.

    Construction by pseudo-random proportional choice: Dorigo and Gambardella, "Ant colony system",
    IEEE TEC 1(1), 1997. Pheromone between bounds: Stuetzle and Hoos, "MAX-MIN ant system", FGCS
    16(8), 2000. Update as a moving average of the best designs, which keeps pheromone in [0, 1]
    whatever the scale of the rewards: Blum and Dorigo, "The hyper-cube framework for ant colony
    optimization", IEEE SMC-B 34(2), 2004. Only active parameters leave pheromone. An ant on a path
    walked before takes random turns until the design is new.

    Defaults: evaporation 0.1 forgets over about ten iterations, a third of a 500-evaluation
    search; the best four designs so far share the deposit, which keeps the colony from collapsing
    onto one early find; neighbouring values of an ordered parameter get a third of it, as they
    mostly behave alike. Of 16 other settings none was clearly better
    (``experiments/agents/tuning.py``).
    """

    name: ClassVar[str] = "ant_colony"
    Config = AntColonyConfig
    config: AntColonyConfig

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
        self._pheromone = [np.full(n, self.config.pheromone_start) for n in space.nvec]
        self._best: list[tuple[float, int, tuple[int, ...]]] = []
        self._seen: set[bytes] = set()
        self._overheard: list[Trial] = []

    def ask(self) -> list[Design]:
        """Return one design per ant."""
        shares = [_shares(trail) for trail in self._pheromone]
        return [self.space.decode(self._path(shares)) for _ in range(self.config.ants)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Let some pheromone evaporate and the best designs so far leave new one."""
        self._take_up(trials)
        target = self._deposit()
        rate, floor = self.config.evaporation, self.config.pheromone_floor
        for trail, goal in zip(self._pheromone, target, strict=True):
            if goal is not None:
                trail += rate * (goal - trail)
                np.clip(trail, floor, 1 - floor, out=trail)

    def observe(self, trials: Sequence[Trial]) -> None:
        """Take up the best of them, and let as many as there are ants count as their walk."""
        self._seen.update(np.array(trial.indices, dtype=np.int64).tobytes() for trial in trials)
        self._take_up(trials)
        self._overheard += trials
        if len(self._overheard) >= self.config.ants:
            heard, self._overheard = self._overheard, []
            self.tell(heard)

    def _take_up(self, trials: Sequence[Trial]) -> None:
        new = {trial.indices: (-trial.reward, trial.index, trial.indices) for trial in trials}
        known = {indices for _, _, indices in self._best}
        found = self._best + [entry for indices, entry in new.items() if indices not in known]
        self._best = sorted(found)[: self.config.elite]

    def _deposit(self) -> list[Floats | None]:
        """Return the pheromone that the best designs alone would leave, per parameter."""
        paths = np.array([indices for _, _, indices in self._best])
        active = self.space.active(paths)
        weights = np.arange(len(paths), 0, -1, dtype=np.float64)
        goals: list[Floats | None] = []
        for i, n in enumerate(self.space.nvec):
            on = active[:, i]
            if not on.any():
                goals.append(None)
                continue
            goal = np.bincount(paths[on, i], weights=weights[on], minlength=int(n))
            if self.space.parameters[i].ordered:
                near = np.zeros_like(goal)
                near[1:] += goal[:-1]
                near[:-1] += goal[1:]
                goal = np.maximum(goal, self.config.smoothing * near)
            goals.append(goal / weights[on].sum())
        return goals

    def _path(self, shares: list[Floats]) -> Indices:
        greedy = self.rng.random(len(shares)) < self.config.greediness
        draws = self.rng.random(len(shares))
        path: Indices = np.array(
            [
                self._strongest(i) if greedy[i] else np.searchsorted(share, draws[i], side="right")
                for i, share in enumerate(shares)
            ],
            dtype=np.int64,
        )
        path = np.minimum(path, self.space.nvec - 1)
        for _ in range(MAX_REPAIRS):
            canonical = self.space.canonical(path)
            key = canonical.tobytes()
            if key not in self._seen and self.is_legal(canonical):
                self._seen.add(key)
                return canonical
            turn = self.rng.integers(len(path))
            path[turn] = self.rng.integers(self.space.nvec[turn])
        fresh: Indices = self.space.sample_indices(self.rng, 1)[0]
        self._seen.add(fresh.tobytes())
        return fresh

    def _strongest(self, i: int) -> int:
        trail = self._pheromone[i]
        return int(self.rng.choice(np.flatnonzero(trail == trail.max())))


def _shares(trail: Floats) -> Floats:
    total = np.cumsum(trail)
    return np.asarray(total / total[-1])
