"""An integer genetic algorithm, with NSGA-II's ranking for several objectives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from archgym.agents._agent import Agent, Hyperparameters, Indices, bounded
from archgym.pareto import nondominated_order
from archgym.space import Categorical, Design, DesignSpace, Integer, Real
from archgym.trials import Trial

# A child that was evaluated before is mutated again this often, then replaced by a random design.
MAX_REPAIRS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneticConfig(Hyperparameters):
    """Hyperparameters of :class:`GeneticAgent`."""

    population: int = bounded(52, 2)
    """Designs alive at a time."""

    children: int = bounded(8, 1)
    """Designs born per generation, at most ``population``; they replace the worst. 1 is a steady
    state, as many as the population a purely generational scheme."""

    tournament: int = bounded(8, 1)
    """Designs drawn to find each parent, the best of which is taken; 1 is no selection."""

    crossover: Literal["uniform", "two_point"] = "two_point"
    """How two parents mix: each parameter from either, or one contiguous run from the second."""

    crossover_probability: float = bounded(0.85, 0.0, 1.0)
    """Share of children with two parents; the others start as a copy of one."""

    mutations: float = bounded(1.75, 0.0)
    """Expected number of mutated parameters per child."""

    creep: float = bounded(0.7, 0.0, 1.0)
    """Share of the mutations of an ordered parameter that move it only a little."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Integer(name="population", low=8, high=128, step=4),
                Integer(name="children", low=4, high=64, step=4),
                Integer(name="tournament", low=1, high=8),
                Categorical(name="crossover", choices=("uniform", "two_point")),
                Real(name="crossover_probability", low=0.0, high=1.0, steps=21),
                Real(name="mutations", low=0.1, high=6.0, steps=31, log=True),
                Real(name="creep", low=0.0, high=1.0, steps=21),
            ]
        )


class GeneticAgent(Agent):
    """Genetic algorithm on index vectors with tournament selection, crossover and elitism.

    Holland, "Adaptation in Natural and Artificial Systems", 1975; selection among several
    objectives is by non-dominated rank and crowding distance: Deb et al., "A fast and elitist
    multiobjective genetic algorithm: NSGA-II", IEEE TEC 6(2), 2002. A child equal to a design
    evaluated before is mutated again. Genes of inactive parameters are inherited silently, so that
    a policy that is switched back on finds its tuned values.

    Defaults: tuned in ``experiments/agents/tuning.py``, the best of 25 settings on memory
    controllers that are reported nowhere. Eight children replace the worst of 52 at a time
    (nearly a steady state), under strong selection; about 1.75 mutations a child is the usual 1/n
    rate, raised because no child may repeat an earlier one; most mutations of ordered parameters
    are small steps, as neighbouring sizes cost about the same.
    """

    name: ClassVar[str] = "genetic"
    Config = GeneticConfig
    config: GeneticConfig

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
        self._genes: Indices = np.empty((0, len(space)), dtype=np.int64)
        self._rewards: NDArray[np.float64] = np.empty((0, objectives))
        self._asked: Indices = self._genes
        self._seen: set[bytes] = set()
        self._ordered = [parameter.ordered for parameter in space.parameters]

    def ask(self) -> list[Design]:
        """Return the first generation, or the children of the present one."""
        if len(self._genes) < 2:
            self._asked = np.stack([self._founder() for _ in range(self.config.population)])
        else:
            order = nondominated_order(self._rewards)
            rank = np.empty(len(order), dtype=np.int64)
            rank[order] = np.arange(len(order))
            births = min(self.config.children, self.config.population)
            self._asked = np.stack([self._child(rank) for _ in range(births)])
        return self.decode(self._asked)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Let the children replace all but the best of the generation before them."""
        survivors = max(self.config.population - self.config.children, 0)
        elders = nondominated_order(self._rewards)[:survivors]
        self._genes = np.concatenate([self._genes[elders], self._asked[: len(trials)]])
        self._rewards = np.concatenate([self._rewards[elders], self.rewards_of(trials)])

    def observe(self, trials: Sequence[Trial]) -> None:
        """Let strangers into the population as far as they are better than its worst."""
        for trial in trials:
            genes = np.array(trial.indices, dtype=np.int64)
            self._seen.add(genes.tobytes())
            self._genes = np.concatenate([self._genes, genes[None]])
        self._rewards = np.concatenate([self._rewards, self.rewards_of(trials)])
        fittest = nondominated_order(self._rewards)[: self.config.population]
        self._genes, self._rewards = self._genes[fittest], self._rewards[fittest]

    def _founder(self) -> Indices:
        for _ in range(MAX_REPAIRS):
            genes: Indices = self.space.sample_indices(self.rng, 1)[0]
            if self._is_new(genes):
                break
        silent = ~self.space.active(genes)
        genes[silent] = self.rng.integers(self.space.nvec[silent])
        return genes

    def _child(self, rank: Indices) -> Indices:
        child: Indices = self._genes[self._parent(rank)].copy()
        if self.rng.random() < self.config.crossover_probability:
            other = self._genes[self._parent(rank)]
            mixed = self._crossover_mask()
            child[mixed] = other[mixed]
        rate = self.config.mutations / len(child)
        for _ in range(MAX_REPAIRS):
            self._mutate(child, rate)
            if self._is_new(child):
                return child
            rate = max(rate, 1 / len(child))
        return self._founder()

    def _mutate(self, child: Indices, rate: float) -> None:
        """Change each gene of ``child`` with probability ``rate``."""
        for i in np.flatnonzero(self.rng.random(len(child)) < rate):
            child[i] = self._mutated(int(i), int(child[i]))

    def _is_new(self, genes: Indices) -> bool:
        canonical = self.space.canonical(genes)
        key = canonical.tobytes()
        if key in self._seen or not self.is_legal(canonical):
            return False
        self._seen.add(key)
        return True

    def _parent(self, rank: Indices) -> int:
        drawn = self.rng.integers(len(rank), size=self.config.tournament)
        return int(drawn[np.argmin(rank[drawn])])

    def _crossover_mask(self) -> NDArray[np.bool_]:
        n = len(self.space)
        if self.config.crossover == "uniform":
            return np.asarray(self.rng.random(n) < 0.5)
        start, end = np.sort(self.rng.integers(n + 1, size=2))
        position = np.arange(n)
        return np.asarray((position >= start) & (position < end))

    def _mutated(self, i: int, index: int) -> int:
        n = int(self.space.nvec[i])
        if n == 1:
            return index
        if self._ordered[i]:
            return self._stepped(index, n)
        return (index + int(self.rng.integers(1, n))) % n

    def _stepped(self, index: int, n: int) -> int:
        """Return another of ``n`` ordered indices, with probability ``creep`` a near one."""
        if self.rng.random() < self.config.creep:
            # Geometric step lengths: most are 1, wide grids take longer ones now and then.
            length = int(self.rng.geometric(1 / (1 + n / 16)))
            moved = index + length * (1 if self.rng.random() < 0.5 else -1)
            if 0 <= moved < n:
                return moved
        return (index + int(self.rng.integers(1, n))) % n
