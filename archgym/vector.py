"""The natively batched environment: one step evaluates all designs in one simulator call."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space, iterate
from numpy.typing import NDArray

from archgym.env import ActionKind, Observation, ProblemView, check_render_mode
from archgym.errors import InvalidConfigError
from archgym.objective import Objective
from archgym.problem import Evaluation, Problem
from archgym.space import Design

__all__ = ["ArchGymVectorEnv"]

Steps = tuple[
    Observation, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]
]


class ArchGymVectorEnv(VectorEnv[Observation, Any, NDArray[Any]]):
    """``num_envs`` copies of `archgym.env.ArchGymEnv` whose designs are evaluated as one batch.

    Every step evaluates every action. Gymnasium's default autoreset, `NEXT_STEP`, would discard
    the action that follows a truncation, which is every second one in one-step episodes. So
    the mode is `SAME_STEP`: at a truncation the last observation and info are in
    ``infos["final_obs"]`` and ``infos["final_info"]``, and the returned observation is that of the
    next episode. `DISABLED` leaves resetting to the caller.

    Args:
        num_envs: designs per step, at least 1.
        problem: as for `ArchGymEnv`; one problem is shared by all copies.
        objective: as for `ArchGymEnv`.
        action_space: as for `ArchGymEnv`.
        render_mode: None or "ansi".
        max_episode_steps: evaluations of a copy after which its episode is truncated; None: never.
        autoreset_mode: `SAME_STEP` or `DISABLED`.
        **config: arguments of the registered problem.

    Raises:
        InvalidConfigError: an argument is unknown or its value not allowed.
    """

    metadata: dict[str, Any] = {
        "render_modes": ["ansi"],
        "render_fps": 1,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        num_envs: int,
        problem: Problem | str,
        *,
        objective: str | Objective | None = None,
        action_space: ActionKind = "multi_discrete",
        render_mode: str | None = None,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        **config: Any,
    ) -> None:
        check_render_mode(render_mode)
        if num_envs < 1:
            raise InvalidConfigError(f"num_envs={num_envs}. Use at least 1.")
        if max_episode_steps is not None and max_episode_steps < 1:
            raise InvalidConfigError(f"max_episode_steps={max_episode_steps}. Use at least 1.")
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.autoreset_mode = _checked_mode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        self._max_episode_steps = max_episode_steps
        self._view = ProblemView(problem, objective, action_space, config)
        self.single_action_space = self._view.action_space
        self.single_observation_space = self._view.observation_space
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._steps = np.zeros(num_envs, dtype=np.int64)
        self._observations = np.stack([self._view.blank()] * num_envs)
        self._last: list[tuple[Design, Evaluation] | tuple[None, None]] = [(None, None)] * num_envs

    @property
    def problem(self) -> Problem:
        """The problem that is searched."""
        return self._view.problem

    @property
    def objective(self) -> Objective:
        """The objective that rewards, bound to the problem."""
        return self._view.objective

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start episodes; ``options["reset_mask"]`` (bool, per copy) limits this to some copies."""
        super().reset(seed=seed)
        mask = np.ones(self.num_envs, dtype=bool)
        if options is not None and "reset_mask" in options:
            mask = np.asarray(options["reset_mask"])
            if mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
                raise InvalidConfigError(
                    f"reset_mask={mask}. Give {self.num_envs} booleans, at least one of them True."
                )
        for i in np.flatnonzero(mask):
            self._last[i] = (None, None)
        self._steps[mask] = 0
        self._observations[mask] = self._view.blank()
        return self._observations.copy(), {}

    def step(self, actions: Any) -> Steps:
        """Evaluate one design per copy.

        Raises:
            InvalidDesignError: an action is not in the action space.
        """
        designs = [self._view.design(action) for action in iterate(self.action_space, actions)]
        evaluations = self.problem.evaluate(designs)
        self._last = list(zip(designs, evaluations, strict=True))
        self._steps += 1
        observations = np.stack([self._view.observation(e) for e in evaluations])
        rewards = np.array([self.objective.reward(e) for e in evaluations], dtype=np.float64)
        truncated = np.zeros(self.num_envs, dtype=bool)
        if self._max_episode_steps is not None:
            truncated = self._steps >= self._max_episode_steps
        infos = [self._view.info(d, e) for d, e in zip(designs, evaluations, strict=True)]
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            for i in np.flatnonzero(truncated):
                infos[i] = {"final_obs": observations[i].copy(), "final_info": infos[i]}
                observations[i] = self._view.blank()
                self._steps[i] = 0
        self._observations = observations.copy()
        terminated = np.zeros(self.num_envs, dtype=bool)
        return observations, rewards, terminated, truncated, _stacked(infos)

    def render(self) -> tuple[str, ...] | None:
        """Return every copy's last design, metrics and reward; None without a render mode."""
        if self.render_mode is None:
            return None
        return tuple(self._view.text(*last) for last in self._last)


def _checked_mode(mode: AutoresetMode | str) -> AutoresetMode:
    allowed = (AutoresetMode.SAME_STEP, AutoresetMode.DISABLED)
    for candidate in allowed:
        if mode in (candidate, candidate.value):
            return candidate
    raise InvalidConfigError(
        f"autoreset_mode={mode!r}. Allowed: {', '.join(repr(m.value) for m in allowed)}; "
        "NextStep would discard the action that follows a truncation."
    )


def _stacked(infos: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the infos of single environments as Gymnasium's vector environments stack them.

    The same as `VectorEnv._add_info` once per environment, but by key, which is several times
    faster: every key has an array and, as ``_key``, a mask of who has it; dicts are nested.
    """
    stacked: dict[str, Any] = {}
    for key in dict.fromkeys(key for info in infos for key in info):
        mask = np.array([key in info for info in infos])
        first = infos[int(mask.argmax())][key]
        if isinstance(first, dict):
            stacked[key] = _stacked([info.get(key, {}) for info in infos])
        elif key != "final_obs" and isinstance(first, int | float | np.ndarray):
            blank = np.zeros_like(first)
            values = [info.get(key, blank) for info in infos]
            stacked[key] = np.array(values, dtype=getattr(first, "dtype", type(first)))
        else:
            stacked[key] = np.full(len(infos), None, dtype=object)
            for i in np.flatnonzero(mask).tolist():
                stacked[key][i] = infos[i][key]
        stacked[f"_{key}"] = mask
    return stacked
