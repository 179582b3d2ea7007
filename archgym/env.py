"""One generic Gymnasium environment over any problem."""

from collections.abc import Mapping
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from archgym.errors import InvalidConfigError
from archgym.objective import LIMIT, Objective, Term
from archgym.problem import Evaluation, Problem
from archgym.space import Design

__all__ = ["ActionKind", "ArchGymEnv", "Observation", "ProblemView"]

Observation = NDArray[np.float32]
ActionKind = Literal["multi_discrete", "dict"]


class ProblemView:
    """How an agent sees a problem: actions in, observations, rewards and infos out.

    Args:
        problem: a problem, or the id of a registered one.
        objective: text or object; None: the problem's default.
        action_space: "multi_discrete" for an index vector, "dict" for an index per name.
        config: arguments of the registered problem.

    Raises:
        InvalidConfigError: an argument is unknown or its value not allowed.
        UnknownNameError: no problem or metric has this name.
    """

    def __init__(
        self,
        problem: Problem | str,
        objective: str | Objective | None,
        action_space: ActionKind,
        config: Mapping[str, Any],
    ) -> None:
        if isinstance(problem, str):
            from archgym.envs import make_problem

            problem = make_problem(problem, **config)
        elif config:
            raise InvalidConfigError(
                f"A problem object takes no further arguments: {', '.join(config)}. "
                "Configure the object itself."
            )
        if action_space not in ("multi_discrete", "dict"):
            raise InvalidConfigError(
                f"action_space={action_space!r}. Allowed: 'multi_discrete', 'dict'."
            )
        self.problem = problem
        self.objective = problem.objective(objective)
        self.action_space: spaces.Space[Any] = (
            problem.space.dict_space() if action_space == "dict" else problem.space.multi_discrete()
        )
        # An evaluator that stands in for the simulator may measure fewer metrics.
        self._terms = [
            Term(metric=name, sense=spec.direction, reference=problem.reference.metrics[name])
            for name, spec in problem.metrics.items()
            if name in problem.reference.metrics
        ]
        limits = np.array([LIMIT] * len(self._terms) + [1.0], dtype=np.float32)
        self.observation_space = spaces.Box(-limits, limits, dtype=np.float32)

    def design(self, action: Any) -> Design:
        """Return the design of an action.

        Raises:
            InvalidDesignError: the action is not in the action space.
        """
        if isinstance(action, Mapping):
            action = [action.get(name, -1) for name in self.problem.space.names]
        return self.problem.space.decode(action)

    def blank(self) -> Observation:
        """Return the observation before anything was evaluated: zeros."""
        return np.zeros(len(self._terms) + 1, dtype=np.float32)

    def observation(self, evaluation: Evaluation) -> Observation:
        """Return log2 improvements of all metrics, -16 where missing, and feasibility as +-1."""
        row = [
            term.improvement(evaluation.metrics[term.metric])
            if term.metric in evaluation.metrics
            else -LIMIT
            for term in self._terms
        ]
        return np.array([*row, 1.0 if evaluation.feasible else -1.0], dtype=np.float32)

    def info(self, design: Design, evaluation: Evaluation) -> dict[str, Any]:
        """Return what a step tells besides the reward, in objects that nothing else holds."""
        return {
            "design": dict(design),
            "metrics": dict(evaluation.metrics),
            "feasible": evaluation.feasible,
            "violations": dict(evaluation.violations),
            "error": evaluation.error,
            "rewards": np.array(self.objective.rewards(evaluation), dtype=np.float64),
        }

    def text(self, design: Design | None, evaluation: Evaluation | None) -> str:
        """Return the last evaluation as a text."""
        if design is None or evaluation is None:
            return f"{self.problem.name} on {self.problem.workload}: no design evaluated yet"
        reward = self.objective.reward(evaluation)
        described = self.problem.describe(design, evaluation)
        return f"{described}\n\nreward  {reward:.4f}  ({self.objective.spec})"


class ArchGymEnv(gymnasium.Env[Observation, Any]):
    """Search a design space: every action is a design, every step one evaluation.

    ## Description
    A problem brings a design space, a workload and a simulator. A step decodes the action into a
    design, evaluates it and rewards it by an objective. The result depends on the action alone:
    nothing is drawn at random, and earlier steps have no influence. The problem is
    ``env.get_wrapper_attr("problem")``, which also finds it below the wrappers of `gymnasium.make`.

    ## Action Space
    `MultiDiscrete(space.nvec)`: one index per parameter; entries of inactive parameters are
    ignored. With ``action_space="dict"`` a `Dict` of one `Discrete` per parameter name.

    ## Observation Space
    `Box` of float32: for each measured metric, in the order of ``problem.metrics``, log2 of how
    many times better than the default design it was in the last step, in [-16, 16]; then 1 if that
    design was feasible, else -1. A metric that the last design lacks is -16.

    ## Reward
    The objective's reward: higher is better, finite, and lowest for designs that are infeasible
    or failed. With several objectives it is their scalarisation, and ``info["rewards"]`` has all.

    ## Starting State
    Zeros. `reset` evaluates nothing.

    ## Episode End
    Never terminates; truncated after ``max_episode_steps`` (see `gymnasium.make`).

    ## Metrics
    ``info["metrics"]``, with units in ``env.unwrapped.problem.metrics``; also ``info["design"]``,
    ``info["feasible"]``, ``info["violations"]`` (<= 0 is feasible), ``info["error"]`` and
    ``info["rewards"]``.

    ## Arguments
    problem: a `Problem`, or the id of a registered one, whose own arguments may follow.
    objective: specification or `Objective`; None: the problem's default.
    action_space: "multi_discrete" or "dict".
    render_mode: None or "ansi".

    ## Version History
    Each registered environment has its own.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi"], "render_fps": 1}

    def __init__(
        self,
        problem: Problem | str,
        *,
        objective: str | Objective | None = None,
        action_space: ActionKind = "multi_discrete",
        render_mode: str | None = None,
        **config: Any,
    ) -> None:
        check_render_mode(render_mode)
        self.render_mode = render_mode
        self._view = ProblemView(problem, objective, action_space, config)
        self.action_space = self._view.action_space
        self.observation_space = self._view.observation_space
        self._last: tuple[Design, Evaluation] | tuple[None, None] = (None, None)

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
        """Start an episode; nothing is evaluated, and ``options`` has no meaning."""
        super().reset(seed=seed)
        self._last = (None, None)
        return self._view.blank(), {}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Evaluate the design of ``action``.

        Raises:
            InvalidDesignError: the action is not in the action space.
        """
        design = self._view.design(action)
        evaluation = self.problem.evaluate([design])[0]
        self._last = (design, evaluation)
        return (
            self._view.observation(evaluation),
            self.objective.reward(evaluation),
            False,
            False,
            self._view.info(design, evaluation),
        )

    def render(self) -> str | None:
        """Return the last design, its metrics and reward as text; None without a render mode."""
        return None if self.render_mode is None else self._view.text(*self._last)


def check_render_mode(render_mode: str | None) -> None:
    """Raise InvalidConfigError unless ``render_mode`` is None or "ansi"."""
    if render_mode not in (None, "ansi"):
        raise InvalidConfigError(f"render_mode={render_mode!r}. Allowed: None, 'ansi'.")
