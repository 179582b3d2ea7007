"""Monte-Carlo tree search over the tree of choices that make a design."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from archgym.agents._agent import Agent, Hyperparameters, Indices, bounded
from archgym.space import Design, DesignSpace, Real
from archgym.trials import Trial

# A choice already made: (parameter, first index, index after the last) narrows one parameter.
Choice = tuple[int, int, int]
Path = tuple[Choice, ...]

# Designs drawn for one that is new and legal, before a random one is taken.
MAX_DESCENTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeSearchConfig(Hyperparameters):
    """Hyperparameters of :class:`TreeSearchAgent`."""

    exploration: float = bounded(0.75, 0.0)
    """Weight of the upper-confidence term; rewards are scaled to the range from 0 to 1."""

    memory: float = bounded(0.7, 0.0, 1.0)
    """Probability, at each choice of a random completion, of the best design's value: 0 is plain
    Monte-Carlo tree search."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Real(name="exploration", low=0.01, high=3.0, steps=26, log=True),
                Real(name="memory", low=0.0, high=0.95, steps=20),
            ]
        )


class TreeSearchAgent(Agent):
    """UCT on the tree whose levels are the parameters, ordered ones split by bisection.

    Kocsis and Szepesvari, "Bandit based Monte-Carlo planning", ECML 2006; over design spaces with
    conditional parameters and with bisected ranges: Negrinho and Gordon, "DeepArchitect",
    arXiv:1704.08792, 2017. A categorical parameter has one branch per value; an ordered one is
    halved until one value is left, so that neighbouring values share what is learnt. Parameters
    that a choice leaves inactive have no level. A new node's design is completed at random, partly
    with the values of the best design so far.

    Defaults: tuned in ``experiments/agents/tuning.py``, the best of 17 settings on memory
    controllers that are reported nowhere: the tree explores, while its completions mostly repeat
    the best design.
    """

    name: ClassVar[str] = "tree_search"
    Config = TreeSearchConfig
    config: TreeSearchConfig

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
        self._visits: dict[Path, int] = {}
        self._totals: dict[Path, float] = {}
        self._rewards: dict[tuple[int, ...], float] = {}
        self._range = (math.inf, -math.inf)
        self._asked: Path = ()
        self._spent: set[Path] = set()
        self._best: Indices | None = None
        self._best_reward = -math.inf

    def ask(self) -> list[Design]:
        """Return the design at the end of one descent through the tree, at first a random one."""
        for _ in range(MAX_DESCENTS if self._best is not None else 0):
            path, row = self._descend()
            key = tuple(row.tolist())
            if not self.is_legal(row):
                self._credit(path, self._range[0])
            elif key in self._rewards:
                self._credit(path, self._rewards[key])
            else:
                self._asked = path
                return [self.space.decode(row)]
            if self._is_leaf(path, row):
                self._close(path)
        self._asked = ()
        return [self.space.sample(self.rng)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Credit the choices that led to the design with its reward."""
        for trial in trials:
            self._note(trial)
            if self._best is not None:
                self._credit(self._asked, trial.reward)

    def observe(self, trials: Sequence[Trial]) -> None:
        """Credit the choices, as far as the tree has grown, that make each design."""
        for trial in trials:
            self._note(trial)
            if self._best is not None:
                self._credit(self._known_path(np.array(trial.indices)), trial.reward)

    def _note(self, trial: Trial) -> None:
        low, high = self._range
        self._rewards[trial.indices] = trial.reward
        if trial.feasible:
            self._range = (min(low, trial.reward), max(high, trial.reward))
            if trial.reward > self._best_reward:
                self._best, self._best_reward = np.array(trial.indices), trial.reward

    def _known_path(self, row: Indices) -> Path:
        """Return the choices of a design inside the tree, and the first one outside."""
        path: Path = ()
        for i in np.flatnonzero(self.space.active(row)):
            low, high = 0, int(self.space.nvec[i])
            while high - low > 1:
                branches = self._branches(int(i), low, high)
                low, high = next(b for b in branches if b[0] <= row[i] < b[1])
                path = (*path, (int(i), low, high))
                if path not in self._visits:
                    return path
        return path

    def _credit(self, path: Path, reward: float) -> None:
        value = min(max(reward, self._range[0]), self._range[1])
        for length in range(len(path) + 1):
            self._visits[path[:length]] = self._visits.get(path[:length], 0) + 1
            self._totals[path[:length]] = self._totals.get(path[:length], 0.0) + value

    def _is_leaf(self, path: Path, row: Indices) -> bool:
        """Return whether the choices leave nothing to be completed."""
        decided = {i for i, low, high in path if high - low == 1}
        active = np.flatnonzero(self.space.active(row))
        return all(i in decided or self.space.nvec[i] == 1 for i in active.tolist())

    def _close(self, path: Path) -> None:
        """Take a known leaf out of the tree, and every branch of which all leaves are out."""
        self._spent.add(path)
        while path:
            parent, (i, _, _) = path[:-1], path[-1]
            start = (
                parent[-1][1:] if parent and parent[-1][0] == i else (0, int(self.space.nvec[i]))
            )
            branches = self._branches(i, start[0], start[1])
            if any((*parent, (i, low, high)) not in self._spent for low, high in branches):
                return
            self._spent.add(parent)
            path = parent

    def _descend(self) -> tuple[Path, Indices]:
        """Return the choices inside the tree, its new leaf included, and the completed design."""
        row: Indices = np.zeros(len(self.space), dtype=np.int64)
        path: Path = ()
        inside = True
        for i in range(len(row)):
            if not self.space.active(row)[i]:
                continue
            low, high = 0, int(self.space.nvec[i])
            while inside and high - low > 1:
                branches = self._branches(i, low, high)
                low, high = branches[self._chosen(path, i, branches)]
                path = (*path, (i, low, high))
                inside = path in self._visits
            row[i] = low if high - low == 1 else self._completed(i, low, high)
        return path, row

    def _branches(self, i: int, low: int, high: int) -> list[tuple[int, int]]:
        if self.space.parameters[i].ordered:
            middle = (low + high) // 2
            return [(low, middle), (middle, high)]
        return [(k, k + 1) for k in range(low, high)]

    def _chosen(self, path: Path, i: int, branches: list[tuple[int, int]]) -> int:
        """Return the branch with the highest upper confidence bound; untried ones come first."""
        children = [(*path, (i, low, high)) for low, high in branches]
        untried = [k for k, child in enumerate(children) if child not in self._visits]
        if untried:
            return untried[self.rng.integers(len(untried))]
        worthwhile = [k for k, child in enumerate(children) if child not in self._spent]
        floor, ceiling = self._range
        scale = ceiling - floor if ceiling > floor else 1.0
        log_visits = math.log(sum(self._visits[child] for child in children))
        bounds = [
            (self._totals[child] / self._visits[child] - floor) / scale
            + self.config.exploration * math.sqrt(log_visits / self._visits[child])
            for child in children
        ]
        return max(worthwhile or range(len(children)), key=lambda k: bounds[k])

    def _completed(self, i: int, low: int, high: int) -> int:
        if self._best is not None and self.rng.random() < self.config.memory:
            return int(np.clip(self._best[i], low, high - 1))
        return int(self.rng.integers(low, high))
