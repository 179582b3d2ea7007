"""Tree-structured Parzen estimator."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archgym.agents._agent import Hyperparameters, bounded
from archgym.agents._optuna import OptunaAgent
from archgym.space import Categorical, DesignSpace, Integer, Ordinal

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


@dataclass(frozen=True, slots=True, kw_only=True)
class TPEConfig(Hyperparameters):
    """Hyperparameters of :class:`TPEAgent`."""

    startup: int = bounded(10, 1)
    """Random designs before the first model."""

    candidates: int = bounded(24, 1)
    """Designs drawn from the good density, the best of which is taken."""

    multivariate: bool = True
    """Whether one density covers all parameters that are always active, or each has its own."""

    batch: int = bounded(1, 1)
    """Designs asked for at a time; those pending count as bad."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Integer(name="startup", low=5, high=100, step=5),
                Ordinal(name="candidates", values=(8, 16, 24, 32, 64, 128, 256)),
                Categorical(name="multivariate", choices=(False, True)),
            ]
        )


class TPEAgent(OptunaAgent):
    """Tree-structured Parzen estimator (Optuna's TPESampler), one or several objectives.

    Bergstra et al., "Algorithms for hyper-parameter optimization", NeurIPS 2011; Watanabe,
    "Tree-structured Parzen estimator: understanding its algorithm components", arXiv:2304.11127.

    Defaults: Optuna's own.
    """

    name: ClassVar[str] = "tpe"
    Config = TPEConfig
    config: TPEConfig

    def sampler(self) -> "BaseSampler":
        """Return Optuna's TPESampler."""
        from optuna.samplers import TPESampler

        return TPESampler(
            n_startup_trials=self.config.startup,
            n_ei_candidates=self.config.candidates,
            # Optuna falls back to separate densities for several objectives; so does this.
            multivariate=self.config.multivariate and self._scalar,
            seed=self.seed,
        )
