"""Sobol points: a sample that fills the space more evenly than random search does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from archgym.agents._agent import Agent, Hyperparameters, Indices, bounded
from archgym.space import Categorical, Design, DesignSpace
from archgym.trials import Trial

# So many blocks of points without one new legal design, and the sequence is given up.
MAX_EMPTY_BLOCKS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SobolConfig(Hyperparameters):
    """Hyperparameters of :class:`SobolAgent`."""

    scramble: bool = True
    """Whether the points are scrambled, which makes them depend on the seed."""

    block: int = bounded(6, 0, 16)
    """Base-2 logarithm of the number of points drawn at a time; the sequence is balanced over
    whole powers of two."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace([Categorical(name="scramble", choices=(True, False))])


class SobolAgent(Agent):
    """Scrambled Sobol sequence on the unit cube of the space; learns nothing.

    Sobol', "On the distribution of points in a cube and the approximate evaluation of integrals",
    1967, with Owen's scrambling, as implemented by `scipy.stats.qmc.Sobol`. Each parameter has a
    dimension of its own; illegal designs and repeats (several points may share a bin) are passed
    over. When the sequence brings nothing new for long, as in a space that is nearly exhausted,
    random designs follow.

    Defaults: scrambled, since the first points of the plain sequence are the same corners whatever
    the seed.
    """

    name: ClassVar[str] = "sobol"
    Config = SobolConfig
    config: SobolConfig

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
        from scipy.stats import qmc

        self._sequence = qmc.Sobol(len(space), scramble=self.config.scramble, rng=self.rng)
        self._seen: set[bytes] = set()

    def ask(self) -> list[Design]:
        """Return the new legal designs of the next block of points."""
        for _ in range(MAX_EMPTY_BLOCKS):
            if self._sequence.num_generated + 2**self.config.block > self._sequence.maxn:
                break
            fresh = self._unseen(self._block())
            if fresh:
                return self.decode(np.stack(fresh))
        return self.decode(self.space.sample_indices(self.rng, 2**self.config.block))

    def _block(self) -> Indices:
        return self.space.indices_from_unit(self._sequence.random(2**self.config.block))

    def _unseen(self, vectors: Indices) -> list[Indices]:
        fresh = []
        for row in vectors:
            key = row.tobytes()
            if key not in self._seen and self.is_legal(row):
                self._seen.add(key)
                fresh.append(row)
        return fresh

    def tell(self, trials: Sequence[Trial]) -> None:
        """Learn nothing."""
