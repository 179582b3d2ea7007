"""A task as a vector environment of Stable-Baselines3; imported only by agents that need it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from archgym.agents._agent import Indices
from archgym.task import BudgetExhausted, Task

Floats = NDArray[np.float32]


class TaskVecEnv(VecEnv):  # type: ignore[misc, unused-ignore]
    """One step is one evaluation, and ends its episode.

    The observation is constant, the action an index vector, the reward ``Trial.reward``; an
    infeasible or illegal design has the lowest reward of a feasible one so far.

    Args:
        task: What evaluates; its budget ends the training with BudgetExhausted.
        count: Number of environments, evaluated in one batch.
        rng: Draws a legal design when a whole batch of actions is illegal.
    """

    def __init__(self, task: Task, count: int, rng: np.random.Generator) -> None:
        super().__init__(count, Box(0.0, 1.0, (1,), dtype=np.float32), task.space.multi_discrete())
        self._task = task
        self._rng = rng
        self._worst = 0.0
        self._actions: Indices = np.zeros((count, len(task.space)), dtype=np.int64)

    def reset(self) -> Floats:
        """Return the constant observations."""
        return np.ones((self.num_envs, 1), dtype=np.float32)

    def step_async(self, actions: Indices) -> None:
        """Take note of one action per environment."""
        self._actions = self._task.space.canonical(actions)

    def step_wait(self) -> tuple[Floats, Floats, NDArray[np.bool_], list[dict[str, Any]]]:
        """Evaluate the actions; every episode ends."""
        space = self._task.space
        designs = [space.decode(row) for row in self._actions]
        legal = [i for i, design in enumerate(designs) if space.is_legal(design)]
        if legal:
            trials = self._task.evaluate([designs[i] for i in legal])
        else:  # spends budget, so that a policy of illegal designs only comes to an end
            trials = self._task.evaluate([space.sample(self._rng)])
        self._worst = min([self._worst, *(t.reward for t in trials if t.feasible)])
        rewards = np.full(self.num_envs, self._worst, dtype=np.float32)
        for i, trial in zip(legal, trials, strict=False):
            rewards[i] = trial.reward if trial.feasible else self._worst
        if self._task.done:
            raise BudgetExhausted("The budget is spent.")
        observations = self.reset()
        infos = [{"terminal_observation": row} for row in observations]
        return observations, rewards, np.ones(self.num_envs, dtype=bool), infos

    def close(self) -> None:
        """Do nothing: the task belongs to the search."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of each environment; there are none but ``render_mode``."""
        return [None if attr_name == "render_mode" else getattr(self, attr_name)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the environments have no attributes."""
        raise AttributeError(f"The environments of a task have no attribute {attr_name!r}.")

    def env_method(
        self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any
    ) -> list[Any]:
        """Refuse: the environments have no methods."""
        raise AttributeError(f"The environments of a task have no method {method_name!r}.")

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Return that nothing is wrapped."""
        return [False] * self.num_envs

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Do nothing: evaluations are deterministic."""
        return [seed] * self.num_envs
