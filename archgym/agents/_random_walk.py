"""Random search, the baseline of every comparison."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from archgym.agents._agent import Agent, Hyperparameters, bounded
from archgym.space import Design, DesignSpace, Integer
from archgym.trials import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomWalkConfig(Hyperparameters):
    """Hyperparameters of :class:`RandomWalkAgent`."""

    step: int = bounded(0, 0)
    """0: every design is drawn afresh. k: a walk, each design k random neighbour moves from the
    one before it."""

    batch: int = bounded(16, 1)
    """Designs asked for at a time; changes nothing but the speed of the simulator."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace([Integer(name="step", low=0, high=8)])


class RandomWalkAgent(Agent):
    """Uniform random search, under the name that the ArchGym paper gives it.

    Krishnan et al., "ArchGym", ISCA 2023, section 5, calls its uniform sampler "random walker";
    Bergstra and Bengio, "Random search for hyper-parameter optimization", JMLR 13, 2012, is why it
    is a baseline to respect. With ``step`` above 0 it is a true random walk over neighbouring
    designs (one parameter changes per move) that accepts every move.

    The default is uniform search, as every comparison needs it: it has no hyperparameter that
    changes what it finds.
    """

    name: ClassVar[str] = "random_walk"
    Config = RandomWalkConfig
    config: RandomWalkConfig
    _position: Design | None = None

    def ask(self) -> list[Design]:
        """Return the next designs of the sample or of the walk."""
        if self.config.step == 0:
            return self.decode(self.space.sample_indices(self.rng, self.config.batch))
        return [self._walk() for _ in range(self.config.batch)]

    def _walk(self) -> Design:
        if self._position is None:
            self._position = self.space.sample(self.rng)
            return self._position
        for _ in range(self.config.step):
            around = self.space.neighbours(self._position)
            # An isolated design has no neighbour: the walk starts afresh.
            self._position = (
                around[self.rng.integers(len(around))] if around else self.space.sample(self.rng)
            )
        return self._position

    def tell(self, trials: Sequence[Trial]) -> None:
        """Learn nothing."""
