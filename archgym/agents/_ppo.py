"""Proximal policy optimisation by Stable-Baselines3, on a bandit with one design per episode."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archgym.agents._agent import Hyperparameters, LoopAgent, bounded
from archgym.errors import InvalidConfigError
from archgym.space import DesignSpace, Ordinal, Real

if TYPE_CHECKING:
    from archgym.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class PPOConfig(Hyperparameters):
    """Hyperparameters of :class:`PPOAgent`."""

    environments: int = bounded(8, 1)
    """Designs evaluated at a time."""

    steps: int = bounded(4, 1)
    """Designs per environment between two updates; an update sees environments * steps designs,
    at least 2."""

    learning_rate: float = bounded(0.01, 0.0)
    """Step size of Adam."""

    epochs: int = bounded(8, 1)
    """Passes over the designs of an update."""

    clip: float = bounded(0.2, 0.0)
    """Bound on the change of the policy ratio per update."""

    entropy: float = bounded(0.01, 0.0)
    """Weight of the entropy bonus, which keeps the policy from settling early."""

    hidden: int = bounded(32, 0)
    """Units of the one hidden layer of policy and value network; 0: none, one logit per value."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Ordinal(name="environments", values=(4, 8, 16, 32)),
                Ordinal(name="steps", values=(1, 2, 4, 8)),
                Real(name="learning_rate", low=3e-4, high=0.1, steps=26, log=True),
                Ordinal(name="epochs", values=(1, 2, 4, 8, 16)),
                Real(name="clip", low=0.05, high=0.5, steps=10),
                Real(name="entropy", low=1e-4, high=0.3, steps=21, log=True),
                Ordinal(name="hidden", values=(0, 16, 32, 64)),
            ]
        )

    def __post_init__(self) -> None:
        Hyperparameters.__post_init__(self)
        if self.environments * self.steps < 2:
            raise InvalidConfigError(
                "PPO: environments=1 and steps=1 leave one design per update, and no advantage to "
                "normalise. Raise one of them."
            )


class PPOAgent(LoopAgent):
    """Proximal policy optimisation with a factorised categorical policy; needs torch.

    Schulman et al., "Proximal policy optimization algorithms", arXiv:1707.06347, as implemented by
    Raffin et al., "Stable-Baselines3", JMLR 22(268), 2021. An evaluation says all there is to say
    about a design, so an episode is one step from a constant observation, the discount does not
    matter, and the policy is one distribution per parameter. A repeated design costs nothing, so
    the agent takes more steps than its budget once it settles. An illegal action costs nothing
    either and has the worst reward seen so far.

    Defaults: Stable-Baselines3's are for millions of steps. With hundreds, an update sees 32
    designs instead of 2,048, at thirty times the learning rate.
    """

    name: ClassVar[str] = "ppo"
    Config = PPOConfig
    config: PPOConfig
    modules: ClassVar[tuple[str, ...]] = ("stable_baselines3", "torch")
    extra: ClassVar[str] = "rl"

    def search(self, task: "Task") -> None:
        """Train until the budget is spent."""
        from stable_baselines3 import PPO
        from stable_baselines3.common.logger import Logger

        from archgym.agents._sb3 import TaskVecEnv
        from archgym.task import BudgetExhausted

        config = self.config
        with deterministic_torch():
            environment = TaskVecEnv(task, config.environments, self.rng)
            layers = [config.hidden] if config.hidden else []
            model = PPO(
                "MlpPolicy",
                environment,
                n_steps=config.steps,
                batch_size=config.environments * config.steps,
                n_epochs=config.epochs,
                learning_rate=config.learning_rate,
                clip_range=config.clip,
                ent_coef=config.entropy,
                gamma=0.0,
                policy_kwargs={"net_arch": layers},
                seed=int(self.rng.integers(2**31)),
                device="cpu",
                verbose=0,
            )
            # Its own logger would leave a folder in /tmp behind.
            model.set_logger(Logger(folder=None, output_formats=[]))
            # The task ends the training; the number of steps to it is not known beforehand.
            with suppress(BudgetExhausted):
                model.learn(total_timesteps=2**62)


@contextmanager
def deterministic_torch() -> Iterator[None]:
    """Run on one thread with deterministic kernels, and restore every global state afterwards."""
    import random

    import numpy as np
    import torch

    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
