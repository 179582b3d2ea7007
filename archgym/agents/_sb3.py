"""A task as vector environments of Stable-Baselines3; imported only by agents that need them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from archgym.agents._agent import Indices
from archgym.agents._construction import Construction
from archgym.task import BudgetExhausted, Task

Floats = NDArray[np.float32]
Step = tuple[Floats, Floats, NDArray[np.bool_], list[dict[str, Any]]]


class _TaskVecEnv(VecEnv):  # type: ignore[misc, unused-ignore]
    """Environments whose designs are evaluated in one batch.

    The reward is ``Trial.reward``; an infeasible or illegal design has the lowest reward of a
    feasible one so far. The budget of the task ends the training with BudgetExhausted.
    """

    def __init__(
        self, task: Task, count: int, rng: np.random.Generator, seen: Space[Any], acts: Space[Any]
    ) -> None:
        super().__init__(count, seen, acts)
        self._task = task
        self._rng = rng
        self._worst = 0.0
        self._actions: Indices = np.zeros(count, dtype=np.int64)

    def step_async(self, actions: Indices) -> None:
        """Take note of one action per environment."""
        self._actions = np.asarray(actions, dtype=np.int64)

    def evaluate(self, vectors: Indices) -> Floats:
        """Return the rewards of index vectors, one per environment.

        Raises:
            BudgetExhausted: nothing more may be evaluated.
        """
        space = self._task.space
        designs = [space.decode(row) for row in vectors]
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
        return rewards

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
        """Refuse: the environments have no methods but those of a subclass."""
        raise AttributeError(f"The environments of a task have no method {method_name!r}.")

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Return that nothing is wrapped."""
        return [False] * self.num_envs

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Do nothing: evaluations are deterministic."""
        return [seed] * self.num_envs


class TaskVecEnv(_TaskVecEnv):
    """One step is one evaluation, and ends its episode.

    The observation is constant, the action an index vector.

    Args:
        task: What evaluates.
        count: Number of environments.
        rng: Draws a legal design when a whole batch of actions is illegal.
    """

    def __init__(self, task: Task, count: int, rng: np.random.Generator) -> None:
        seen = Box(0.0, 1.0, (1,), dtype=np.float32)
        super().__init__(task, count, rng, seen, task.space.multi_discrete())

    def reset(self) -> Floats:
        """Return the constant observations."""
        return np.ones((self.num_envs, 1), dtype=np.float32)

    def step_wait(self) -> Step:
        """Evaluate the actions; every episode ends."""
        rewards = self.evaluate(self._task.space.canonical(self._actions))
        observations = self.reset()
        infos = [{"terminal_observation": row} for row in observations]
        return observations, rewards, np.ones(self.num_envs, dtype=bool), infos


class ConstructionVecEnv(_TaskVecEnv):
    """An episode builds a design decision by decision, and is rewarded at its end.

    The observation is what `Construction.features` says, the action a branch. Every episode has
    ``steps`` steps; a design that is complete before has no choice any more.

    Args:
        task: What evaluates.
        count: Number of environments.
        rng: Draws a legal design when a whole batch is illegal.
    """

    def __init__(self, task: Task, count: int, rng: np.random.Generator) -> None:
        self._construction = Construction(task.space)
        seen = Box(0.0, 1.0, (self._construction.feature_count,), dtype=np.float32)
        super().__init__(task, count, rng, seen, Discrete(self._construction.width))
        self.steps = max(1, self._construction.most_decisions)
        self.reset()

    def reset(self) -> Floats:
        """Start a new design everywhere."""
        self._designs = [self._construction.start() for _ in range(self.num_envs)]
        self._taken = 0
        return self._observations()

    def _observations(self) -> Floats:
        return np.stack([self._construction.features(design) for design in self._designs])

    def action_masks(self) -> list[NDArray[np.bool_]]:
        """Return which branches each environment may take; the first, if nothing is left."""
        idle = np.arange(self._construction.width) == 0
        return [
            idle if self._construction.done(design) else self._construction.mask(design)
            for design in self._designs
        ]

    def step_wait(self) -> Step:
        """Take a decision everywhere; after the last one, evaluate all designs."""
        for design, branch in zip(self._designs, self._actions, strict=True):
            if not self._construction.done(design):
                self._construction.choose(design, int(branch))
        self._taken += 1
        ends = self._taken == self.steps
        rewards = np.zeros(self.num_envs, dtype=np.float32)
        infos: list[dict[str, Any]] = [{} for _ in self._designs]
        observations = self._observations()
        if ends:
            rewards = self.evaluate(np.stack([design.row for design in self._designs]))
            infos = [{"terminal_observation": row} for row in observations]
            observations = self.reset()
        return observations, rewards, np.full(self.num_envs, ends), infos

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of each environment; they have their masks."""
        return self.action_masks() if attr_name == "action_masks" else super().get_attr(attr_name)

    def env_method(
        self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any
    ) -> list[Any]:
        """Return the masks of all environments, which is the one method they have."""
        if method_name == "action_masks":
            return self.action_masks()
        return super().env_method(method_name)
