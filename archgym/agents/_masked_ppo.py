"""Proximal policy optimisation that builds a design decision by decision; sb3-contrib's."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archgym.agents._agent import Hyperparameters, LoopAgent, bounded
from archgym.agents._ppo import deterministic_torch
from archgym.space import DesignSpace, Ordinal, Real

if TYPE_CHECKING:
    from archgym.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedPPOConfig(Hyperparameters):
    """Hyperparameters of :class:`MaskedPPOAgent`."""

    designs: int = bounded(16, 2)
    """Designs built at the same time, evaluated in one batch, and learnt from in one update."""

    learning_rate: float = bounded(0.003, 0.0)
    """Step size of Adam."""

    epochs: int = bounded(8, 1)
    """Passes over the decisions of an update."""

    clip: float = bounded(0.2, 0.0)
    """Bound on the change of the policy ratio per update."""

    entropy: float = bounded(0.01, 0.0)
    """Weight of the entropy bonus, which keeps the policy from settling early."""

    hidden: int = bounded(64, 1)
    """Units of the one hidden layer of policy and value network."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Ordinal(name="designs", values=(4, 8, 16, 32, 64)),
                Real(name="learning_rate", low=3e-4, high=0.1, steps=26, log=True),
                Ordinal(name="epochs", values=(1, 2, 4, 8, 16)),
                Real(name="clip", low=0.05, high=0.5, steps=10),
                Real(name="entropy", low=1e-4, high=0.3, steps=21, log=True),
                Ordinal(name="hidden", values=(16, 32, 64, 128)),
            ]
        )


class MaskedPPOAgent(LoopAgent):
    """PPO with invalid actions masked, one episode per design; needs torch and sb3-contrib.

    Huang and Ontanon, "A closer look at invalid action masking in policy gradient algorithms",
    FLAIRS 2022, as implemented in sb3-contrib (Raffin et al., "Stable-Baselines3", JMLR 22(268),
    2021). An episode builds a design parameter by parameter: the observation is what has been
    decided, and the mask leaves out values that a parameter lacks, parameters that are inactive,
    and values that break a constraint once all else that it reads is decided. The reward comes at
    the end of the episode, undiscounted. Unlike ``ppo``, whose policy is one distribution per
    parameter, this one can learn how parameters act together. A repeated design costs nothing.

    Defaults: as those of ``ppo``, for budgets of hundreds, but with smaller steps: its network has
    inputs, and is disturbed more easily.
    """

    name: ClassVar[str] = "masked_ppo"
    Config = MaskedPPOConfig
    config: MaskedPPOConfig
    modules: ClassVar[tuple[str, ...]] = ("sb3_contrib", "stable_baselines3", "torch")
    extra: ClassVar[str] = "rl"

    def search(self, task: "Task") -> None:
        """Train until the budget is spent."""
        from sb3_contrib import MaskablePPO
        from stable_baselines3.common.logger import Logger

        from archgym.agents._sb3 import ConstructionVecEnv
        from archgym.task import BudgetExhausted

        config = self.config
        with deterministic_torch():
            environment = ConstructionVecEnv(task, config.designs, self.rng)
            model = MaskablePPO(
                "MlpPolicy",
                environment,
                n_steps=environment.steps,
                batch_size=environment.steps * config.designs,
                n_epochs=config.epochs,
                learning_rate=config.learning_rate,
                clip_range=config.clip,
                ent_coef=config.entropy,
                gamma=1.0,
                gae_lambda=1.0,
                policy_kwargs={"net_arch": [config.hidden]},
                seed=int(self.rng.integers(2**31)),
                device="cpu",
                verbose=0,
            )
            # Its own logger would leave a folder in /tmp behind.
            model.set_logger(Logger(folder=None, output_formats=[]))
            # The task ends the training; the number of steps to it is not known beforehand.
            with suppress(BudgetExhausted):
                model.learn(total_timesteps=2**62)
