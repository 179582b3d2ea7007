"""A genetic algorithm whose operators follow the structure of the parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from archgym.agents._agent import Hyperparameters, Indices, bounded
from archgym.agents._genetic import GeneticAgent, GeneticConfig
from archgym.space import DesignSpace, Permutation, Real, Vector

Operator = Callable[[Indices], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaConfig(GeneticConfig):
    """Hyperparameters of :class:`GammaAgent`; the weights are relative to each other."""

    population: int = bounded(32, 2)
    """Designs alive at a time."""

    children: int = bounded(16, 1)
    """Designs born per generation, at most ``population``; they replace the worst."""

    tournament: int = bounded(3, 1)
    """Designs drawn to find each parent, the best of which is taken; 1 is no selection."""

    crossover: Literal["uniform", "two_point"] = "uniform"
    """How two parents mix: each group from either, or one contiguous run from the second."""

    crossover_probability: float = bounded(0.9, 0.0, 1.0)
    """Share of children with two parents; the others start as a copy of one."""

    mutations: float = bounded(1.5, 0.0)
    """Expected number of operators applied to a child; at least one is."""

    creep: float = bounded(0.7, 0.0, 1.0)
    """Share of the changes of a number that move it only a little."""

    reorder: float = bounded(1.0, 0.0)
    """Weight of swapping two items of a permutation."""

    resize: float = bounded(3.0, 0.0)
    """Weight of changing one number of a vector and mending the others."""

    trade: float = bounded(2.0, 0.0)
    """Weight of enlarging a number of one vector and reducing one of another."""

    grow: float = bounded(0.25, 0.0)
    """Weight of switching more parameters on, which inherit from the others of their group."""

    age: float = bounded(0.25, 0.0)
    """Weight of switching parameters off."""

    change: float = bounded(1.0, 0.0)
    """Weight of a plain mutation of any one parameter."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        space = GeneticConfig.search_ranges()
        weights = [
            Real(name=name, low=0.0, high=4.0, steps=17)
            for name in ("reorder", "resize", "trade", "grow", "age", "change")
        ]
        return DesignSpace([*space.parameters, *weights])


class GammaAgent(GeneticAgent):
    """The operators of GAMMA on whatever structure a design space declares.

    Kao and Krishna, "GAMMA: Automating the HW Mapping of DNN Models on Accelerators via Genetic
    Algorithm", ICCAD 2020, searches mappings with operators made for them: reordering loops,
    growing and ageing (one level more or fewer), changing tile sizes under their dependencies, and
    a crossover that keeps together what belongs together. Here they act on kinds of parameters:

    * reorder swaps two items of a `Permutation`;
    * resize changes one number of a `Vector`, and takes the row nearest to the rest;
    * trade enlarges a number of one `Vector` and reduces one of another, as what they describe
      often shares a buffer that is full (this one is not GAMMA's);
    * grow and age move a parameter on which others depend, so that more, or fewer, are active;
      what becomes active inherits from the parameter of its group that was active before;
    * crossover exchanges whole groups of parameters.

    Parameters without structure mutate as in the genetic algorithm, whose selection and elitism
    this is; a space without any structure leaves just that.

    Defaults: half of a population of 32 is replaced at a time, so that a search of a few hundred
    evaluations has tens of generations; most steps are small, as most numbers here are sizes whose
    neighbours cost about the same. Resizing and trading have the
    largest weights because most choices of a mapping are sizes; growing and ageing change a design
    most and seldom help, so they have the smallest.
    """

    name: ClassVar[str] = "gamma"
    Config = GammaConfig
    config: GammaConfig

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
        self._permutations = self._of_kind(Permutation)
        self._vectors = self._of_kind(Vector)
        self._switches = np.unique([parent for parent in space.forest.parents if parent >= 0])
        self._groups = _groups(space)
        self._operators: list[tuple[float, Operator]] = [
            (weight, operator)
            for weight, operator, present in (
                (self.config.reorder, self._reorder, self._permutations),
                (self.config.resize, self._resize, self._vectors),
                (self.config.trade, self._trade, self._vectors[1:]),
                (self.config.grow, self._grow, self._switches),
                (self.config.age, self._age, self._switches),
                (self.config.change, self._change, [0]),
            )
            if weight > 0 and len(present) > 0
        ] or [(1.0, self._change)]
        weights = np.array([weight for weight, _ in self._operators])
        self._shares = weights / weights.sum()

    def _of_kind(self, kind: type[Permutation] | type[Vector]) -> NDArray[np.int64]:
        parameters = enumerate(self.space.parameters)
        return np.array(
            [i for i, p in parameters if isinstance(p, kind) and p.cardinality > 1], int
        )

    def _mutate(self, child: Indices, rate: float) -> None:
        """Apply one operator, or as many as genes would mutate."""
        times = max(1, int(self.rng.poisson(rate * len(child))))
        for chosen in self.rng.choice(len(self._operators), size=times, p=self._shares):
            self._operators[chosen][1](child)

    def _pick(self, child: Indices, positions: NDArray[np.int64]) -> int | None:
        """Return one of the ``positions`` that is active, or None."""
        active = positions[self.space.active(child)[positions]]
        return int(self.rng.choice(active)) if len(active) else None

    def _reorder(self, child: Indices) -> None:
        i = self._pick(child, self._permutations)
        if i is not None:
            child[i] = self.rng.choice(self.space.parameters[i].moves(int(child[i])))

    def _resize(self, child: Indices) -> None:
        i = self._pick(child, self._vectors)
        if i is not None:
            self._set_number(child, i, self._stepped)

    def _trade(self, child: Indices) -> None:
        active = self._vectors[self.space.active(child)[self._vectors]]
        if len(active) >= 2:
            larger, smaller = self.rng.choice(active, 2, replace=False)
            self._set_number(child, int(larger), lambda at, n: min(at + self._length(n), n - 1))
            self._set_number(child, int(smaller), lambda at, n: max(at - self._length(n), 0))

    def _length(self, n: int) -> int:
        """Return a number of steps along ``n`` numbers: mostly one, now and then more."""
        return int(self.rng.geometric(1 / (1 + n / 16)))

    def _set_number(self, child: Indices, i: int, step: Callable[[int, int], int]) -> None:
        """Move one number of a vector, by ``step`` from its place among so many to another."""
        vector = self.space.parameters[i]
        assert isinstance(vector, Vector)  # noqa: S101 - for the type checker
        free = [k for k, numbers in enumerate(vector.components) if len(numbers) > 1]
        component = int(self.rng.choice(free))
        numbers = vector.components[component]
        at = numbers.index(vector.rows[child[i]][component])
        to = numbers[step(at, len(numbers))]
        child[i] = vector.with_component(int(child[i]), component, to)

    def _grow(self, child: Indices) -> None:
        self._switch(child, 1)

    def _age(self, child: Indices) -> None:
        self._switch(child, -1)

    def _switch(self, child: Indices, sign: int) -> None:
        """Move a parameter that others depend on so that more (1) or fewer (-1) are active."""
        i = self._pick(child, self._switches)
        if i is None:
            return
        before = self.space.active(child)
        found = []
        for index in range(int(self.space.nvec[i])):
            moved = child.copy()
            moved[i] = index
            if sign * int(self.space.active(moved).sum() - before.sum()) > 0:
                found.append(index)
        if found:
            child[i] = self.rng.choice(found)
            self._inherit(child, before)

    def _inherit(self, child: Indices, before: NDArray[np.bool_]) -> None:
        """Let vectors that became active start from the vector of their group that was."""
        parameters = self.space.parameters
        for i in np.flatnonzero(self.space.active(child) & ~before):
            heir = parameters[i]
            if not isinstance(heir, Vector) or not heir.group:
                continue
            for j in np.flatnonzero(before):
                donor = parameters[j]
                if isinstance(donor, Vector) and donor.group == heir.group:
                    row = donor.rows[child[j]]
                    child[i] = heir.nearest((*row, *row[-1:] * heir.width)[: heir.width])

    def _change(self, child: Indices) -> None:
        free = self.space.active(child) & (self.space.nvec > 1)
        if free.any():
            i = int(self.rng.choice(np.flatnonzero(free)))
            child[i] = self._mutated(i, int(child[i]))

    def _crossover_mask(self) -> NDArray[np.bool_]:
        """Return the genes from the second parent: whole groups."""
        n = int(self._groups.max()) + 1
        if self.config.crossover == "uniform":
            chosen = self.rng.random(n) < 0.5
        else:
            start, end = np.sort(self.rng.integers(n + 1, size=2))
            chosen = (np.arange(n) >= start) & (np.arange(n) < end)
        return np.asarray(chosen[self._groups])


def _groups(space: DesignSpace) -> NDArray[np.int64]:
    """Return the number of each parameter's group; a parameter without one has its own."""
    numbers: dict[str, int] = {}
    return np.array(
        [numbers.setdefault(p.group or f"={p.name}", len(numbers)) for p in space.parameters]
    )
