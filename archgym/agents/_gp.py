"""Gaussian process of Optuna, for expensive simulators."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archgym.agents._agent import Hyperparameters, bounded
from archgym.agents._optuna import OptunaAgent
from archgym.space import DesignSpace, Integer

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


@dataclass(frozen=True, slots=True, kw_only=True)
class GPConfig(Hyperparameters):
    """Hyperparameters of :class:`GPAgent`."""

    startup: int = bounded(10, 1)
    """Random designs before the first model."""

    deterministic: bool = True
    """Whether equal designs have equal rewards, as with simulators."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace([Integer(name="startup", low=5, high=100, step=5)])


class GPAgent(OptunaAgent):
    """Gaussian process (Optuna's GPSampler), one or several objectives; needs torch.

    Snoek, Larochelle and Adams, "Practical Bayesian optimization of machine learning algorithms",
    NeurIPS 2012.

    Defaults: Optuna's own, but deterministic. Much slower than the agent ``bayesian``: use it for
    expensive simulators.
    """

    name: ClassVar[str] = "gp"
    modules: ClassVar[tuple[str, ...]] = ("optuna", "torch")
    extra: ClassVar[str] = "optuna,rl"
    Config = GPConfig
    config: GPConfig

    def sampler(self) -> "BaseSampler":
        """Return Optuna's GPSampler."""
        from optuna.samplers import GPSampler

        return GPSampler(
            n_startup_trials=self.config.startup,
            deterministic_objective=self.config.deterministic,
            warn_independent_sampling=False,
            seed=self.seed,
        )
