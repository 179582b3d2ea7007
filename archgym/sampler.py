"""Every agent as an Optuna sampler; needs Optuna.

study = optuna.create_study(sampler=AgentSampler("genetic", space), direction="maximize")
study.optimize(lambda trial: measure(space.suggest(trial)), n_trials=200)
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from archgym.agents import Agent, Hyperparameters, LoopAgent, resolve_agent
from archgym.errors import InvalidConfigError
from archgym.space import Design, DesignSpace
from archgym.trials import Trial

__all__ = ["AgentSampler"]

FAILURE = -1e6
"""Reward of a trial without a value; agents rank it last."""


def _drives_its_own_loop(factory: object) -> bool:
    return isinstance(factory, type) and issubclass(factory, LoopAgent)


class AgentSampler(BaseSampler):
    """An Optuna sampler that asks an agent.

    The objective asks `DesignSpace.suggest` for its design; what else it suggests is drawn
    uniformly. Trials hold the index of an ordered parameter's value and the value of any other (see
    `DesignSpace.optuna_distributions`), and so does ``study.best_params``:
    ``space.from_optuna(study.best_params)`` is the design. An agent that wants answers before it
    asks on (a generation, say) is waited for with random designs, if several trials run at the same
    time.

    Args:
        agent: Name or class of an agent that has `Agent.ask`; those that drive a loop of their own,
            such as ``ppo``, have not.
        space: What the objective searches.
        budget: Trials that the study will have; some agents plan ahead.
        seed: Source of all randomness.
        hyperparameters: Values by name; default the agent's own.

    Raises:
        UnknownNameError: no agent has this name.
        InvalidConfigError: a hyperparameter is not allowed, or the agent has no `Agent.ask`.
    """

    def __init__(
        self,
        agent: str | type[Agent],
        space: DesignSpace,
        *,
        budget: int = 500,
        seed: int = 0,
        hyperparameters: Mapping[str, Any] | Hyperparameters | None = None,
    ) -> None:
        name, factory, config = resolve_agent(agent, hyperparameters)
        if _drives_its_own_loop(factory):
            raise InvalidConfigError(
                f"The agent {name!r} drives its own loop and cannot be an Optuna sampler. "
                "Choose one with ask and tell, such as 'genetic'."
            )
        self._make: Callable[[int], Agent] = lambda objectives: factory(
            space, objectives=objectives, budget=budget, seed=seed, config=config
        )
        self._lock = threading.Lock()
        self._space = space
        self._agent: Agent | None = None
        self._rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])
        self._waiting: deque[Design] = deque()
        self._asked: dict[int, Design] = {}
        self._batch: dict[int, Trial | None] = {}

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the distributions of the design space."""
        return self._space.optuna_distributions()

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the parameters of the agent's next design."""
        with self._lock:
            if self._agent is None:
                self._agent = self._make(len(study.directions))
            if not self._waiting and not self._batch:
                self._waiting = deque(self._agent.ask())
            if self._waiting:
                design = self._waiting.popleft()
                self._batch[trial.number] = None
            else:
                design = self._space.sample(self._rng)
            self._asked[trial.number] = design
        return self._space.to_optuna(design)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return a uniformly random value for what is not in the design space."""
        from optuna.samplers import RandomSampler

        sampler = RandomSampler(seed=int(self._rng.integers(2**31)))
        return sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Tell the agent, once its whole batch is answered."""
        with self._lock:
            design = self._asked.pop(trial.number, None)
            if design is not None and self._agent is not None:
                self._tell(self._agent, self._answer(study, trial.number, design, values))

    def _tell(self, agent: Agent, answer: Trial) -> None:
        if answer.index not in self._batch:
            agent.observe([answer])
            return
        self._batch[answer.index] = answer
        answers = [known for known in self._batch.values() if known is not None]
        if not self._waiting and len(answers) == len(self._batch):
            self._batch = {}
            agent.tell(answers)

    def _answer(
        self, study: Study, number: int, design: Design, values: Sequence[float] | None
    ) -> Trial:
        signs = [1.0 if d == StudyDirection.MAXIMIZE else -1.0 for d in study.directions]
        failed = values is None
        rewards = tuple(sign * value for sign, value in zip(signs, values or (), strict=False)) or (
            FAILURE,
        ) * len(signs)
        return Trial(
            index=number,
            design=design,
            indices=self._space.key(design),
            metrics={},
            feasible=not failed,
            violations={},
            error="The trial failed or was pruned." if failed else None,
            reward=sum(rewards),
            rewards=rewards,
        )
