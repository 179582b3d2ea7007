"""NSGA-II: an evolutionary algorithm for several objectives."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archgym.agents._agent import Hyperparameters, bounded
from archgym.agents._optuna import OptunaAgent
from archgym.space import DesignSpace, Integer, Real

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


@dataclass(frozen=True, slots=True, kw_only=True)
class NSGA2Config(Hyperparameters):
    """Hyperparameters of :class:`NSGA2Agent`."""

    population: int = bounded(32, 2)
    """Designs per generation."""

    mutation_probability: float = bounded(0.0, 0.0, 1.0)
    """Probability that a parameter is drawn afresh; 0 is one over the number of parameters."""

    crossover_probability: float = bounded(0.9, 0.0, 1.0)
    """Share of children with two parents."""

    swapping_probability: float = bounded(0.5, 0.0, 1.0)
    """Probability that a parameter comes from the second parent."""

    batch: int = bounded(16, 1)
    """Designs asked for at a time; a generation is complete only between batches."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Integer(name="population", low=8, high=128, step=4),
                Real(name="mutation_probability", low=0.0, high=0.5, steps=21),
                Real(name="crossover_probability", low=0.0, high=1.0, steps=21),
                Real(name="swapping_probability", low=0.0, high=1.0, steps=21),
            ]
        )


class NSGA2Agent(OptunaAgent):
    """NSGA-II (Optuna's NSGAIISampler), native for several objectives.

    Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE TEC 6(2),
    2002.

    Defaults: Optuna's own, but a population of 32 instead of 50, so that a search of 500
    evaluations has fifteen generations.
    """

    name: ClassVar[str] = "nsga2"
    Config = NSGA2Config
    config: NSGA2Config

    def sampler(self) -> "BaseSampler":
        """Return Optuna's NSGAIISampler."""
        from optuna.samplers import NSGAIISampler

        return NSGAIISampler(
            population_size=self.config.population,
            mutation_prob=self.config.mutation_probability or None,
            crossover_prob=self.config.crossover_probability,
            swapping_prob=self.config.swapping_probability,
            seed=self.seed,
        )
