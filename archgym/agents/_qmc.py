"""Quasi-random search by Optuna's Sobol sequence."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archgym.agents._agent import Hyperparameters, bounded
from archgym.agents._optuna import IndexAgent

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


@dataclass(frozen=True, slots=True, kw_only=True)
class QMCConfig(Hyperparameters):
    """Hyperparameters of :class:`QMCAgent`."""

    scramble: bool = True
    """Whether the sequence is randomised by the seed."""

    batch: int = bounded(16, 1)
    """Designs asked for at a time; changes nothing but the speed of the simulator."""


class QMCAgent(IndexAgent):
    """Quasi-random search by a Sobol sequence (Optuna's QMCSampler).

    Sobol, "On the distribution of points in a cube", USSR Comp. Math. 7(4), 1967; scrambled as in
    Owen, "Randomly permuted (t,m,s)-nets", 1995. Optuna leaves categorical and conditional
    parameters to chance; here every parameter is a coordinate of the sequence.

    The default is scrambled, as seeds would otherwise make no difference.
    """

    name: ClassVar[str] = "qmc"
    Config = QMCConfig
    config: QMCConfig

    def sampler(self) -> "BaseSampler":
        """Return Optuna's QMCSampler."""
        from optuna.samplers import QMCSampler

        return QMCSampler(
            scramble=self.config.scramble,
            warn_asynchronous_seeding=False,
            warn_independent_sampling=False,
            seed=self.seed,
        )
