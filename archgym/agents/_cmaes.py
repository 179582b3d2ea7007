"""CMA-ES: a multivariate normal distribution that adapts to the rewards."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from archgym.agents._agent import Hyperparameters, bounded
from archgym.agents._optuna import IndexAgent
from archgym.space import Categorical, DesignSpace, Integer, Ordinal, Real
from archgym.trials import Trial

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


@dataclass(frozen=True, slots=True, kw_only=True)
class CMAESConfig(Hyperparameters):
    """Hyperparameters of :class:`CMAESAgent`."""

    population: int = bounded(0, 0)
    """Designs per generation; 0 is 4 + floor(3 ln d) for d parameters."""

    startup: int = bounded(20, 1)
    """Random designs before the first generation; the search starts from the best of them."""

    sigma: float = bounded(0.5, 0.0)
    """Standard deviation of the first generation, as a share of every parameter's range."""

    patience: int = bounded(8, 1)
    """Generations without improvement before a restart."""

    margin: bool = True
    """Whether every index keeps a minimum probability (Hamano et al., "CMA-ES with margin", GECCO
    2022), without which the search freezes on a grid."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Ordinal(name="population", values=(0, 4, 8, 12, 16, 24, 32, 64)),
                Integer(name="startup", low=1, high=50),
                Real(name="sigma", low=0.05, high=0.6, steps=12),
                Integer(name="patience", low=2, high=32),
                Categorical(name="margin", choices=(False, True)),
            ]
        )


class CMAESAgent(IndexAgent):
    """CMA-ES (Optuna's CmaEsSampler) on the index of every parameter; one objective.

    Hansen, "The CMA evolution strategy: a tutorial", arXiv:1604.00772. Optuna's sampler leaves
    categorical and conditional parameters to chance; here they are integers and always suggested,
    so that they are learnt as well.

    The search starts from the best of some random designs. After ``patience`` generations without
    improvement it restarts from others with twice the population: Auger and Hansen, "A restart CMA
    evolution strategy with increasing population size", CEC 2005.

    Defaults: with margin, as every design is on a grid, and three times Optuna's first standard
    deviation: with less, a parameter of two values hardly ever leaves the one it starts from.
    """

    name: ClassVar[str] = "cmaes"
    modules: ClassVar[tuple[str, ...]] = ("optuna", "cmaes")
    most_objectives: ClassVar[int | None] = 1
    Config = CMAESConfig
    config: CMAESConfig
    _restarts = 0
    _since_best = 0
    _best = -math.inf
    _start: tuple[int, ...] | None = None
    _told = 0

    @property
    def population(self) -> int:
        """Designs per generation since the last restart."""
        smallest: int = 4 + math.floor(3 * math.log(len(self.space)))
        return int(self.config.population or smallest) << self._restarts

    def sampler(self) -> "BaseSampler":
        """Return Optuna's CmaEsSampler."""
        from optuna.samplers import CmaEsSampler

        return CmaEsSampler(
            x0=None if self._start is None else self.parameters(np.array(self._start)),
            sigma0=self.config.sigma,
            popsize=self.population,
            n_startup_trials=self.config.startup,
            with_margin=self.config.margin,
            warn_independent_sampling=False,
            seed=self.seed + self._restarts,
        )

    def tell(self, trials: Sequence[Trial]) -> None:
        """Tell the study the rewards, and restart once the search has converged."""
        super().tell(trials)
        for trial in trials:
            better = trial.reward > self._best
            self._best = max(self._best, trial.reward)
            self._since_best = 0 if better else self._since_best + 1
            self._start = trial.indices if better else self._start
        self._told += len(trials)
        if self._told == self.config.startup:
            self._study.sampler = self._made_sampler()
        if self._since_best >= self.config.patience * self.population:
            self._best, self._since_best, self._told = -math.inf, 0, 0
            self._restarts += 1
            self._study = self._new_study()

    def _unsettle(self) -> None:
        """Do nothing: the search restarts instead."""
