"""What an agent searches: evaluations under a budget, with repeats answered from a cache."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from archgym.errors import ArchGymError, InfeasibleDesignError, InvalidDesignError, RecordError
from archgym.objective import Objective
from archgym.problem import Evaluation, Problem
from archgym.space import Design
from archgym.trials import Trial

Stop = Literal["budget", "space", "repeats", "agent"]
Key = tuple[int, ...]

# An agent that only repeats itself is stopped after this many designs per unit of budget.
MAX_ASKS_PER_BUDGET = 50

# A simulator that raised for each of its first designs is broken, not unlucky.
MAX_EXCEPTIONS_AT_START = 10


class BudgetExhausted(ArchGymError):  # noqa: N818 - a signal to stop, not a fault
    """Nothing remains to be spent, and the agent asked all the same."""


class Task:
    """The evaluations that one agent may spend on one problem.

    Attributes:
        space: The design space.
        objectives: Length of ``Trial.rewards``.

    Args:
        problem: What evaluates the designs.
        objective: Turns evaluations into rewards; bound to the problem.
        budget: Evaluations to spend; repeats are answered from the cache and not charged.
        recorded: Trials of an interrupted attempt. They answer the first designs that the agent
            asks for, which must be the same again.
        on_trials: Called with every batch of new trials.
    """

    def __init__(
        self,
        problem: Problem,
        objective: Objective,
        budget: int,
        *,
        recorded: Sequence[Trial] = (),
        on_trials: Callable[[Sequence[Trial]], None] | None = None,
    ) -> None:
        self.space = problem.space
        self.objectives = len(objective.names)
        self._problem = problem
        self._objective = objective
        self._budget = budget
        self._recorded = deque(recorded)
        self._on_trials = on_trials
        self._known: dict[Key, Trial] = {}
        self._trials: list[Trial] = []
        self._answered = False
        self._exceptions = 0
        self._returned_at = time.perf_counter()

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Every trial so far, repeats included."""
        return tuple(self._trials)

    @property
    def unreplayed(self) -> int:
        """Number of recorded trials that the agent has not asked for again yet."""
        return len(self._recorded)

    @property
    def remaining(self) -> int:
        """Number of evaluations that may still be spent."""
        return self._budget - len(self._known)

    @property
    def done(self) -> bool:
        """Whether nothing more may be asked for."""
        return self.stop != "agent"

    @property
    def stop(self) -> Stop:
        """Why the search has to end; "agent" if it need not."""
        if self.remaining <= 0:
            return "budget"
        if len(self._known) >= self.space.size:
            return "space"
        if len(self._trials) >= MAX_ASKS_PER_BUDGET * self._budget:
            return "repeats"
        return "agent"

    def evaluate(self, designs: Sequence[Design]) -> list[Trial]:
        """Evaluate designs in one batch and return their trials in the same order.

        When the budget runs out within the batch, the rest of it is dropped and fewer trials come
        back. A design whose evaluation fails is a trial too, with ``error`` set.

        Raises:
            BudgetExhausted: the task is done.
            InvalidDesignError: a design is not in the space, or there is none.
            InfeasibleDesignError: a design violates a constraint of the space.
        """
        if self.done:
            raise BudgetExhausted(f"The budget of {self._budget} evaluations is spent.")
        asked_s = time.perf_counter() - self._returned_at
        batch = self._admitted(designs)
        trials = self._replayed(batch)
        fresh = self._evaluated(batch[len(trials) :], asked_s / len(batch))
        if fresh and self._on_trials is not None:
            self._on_trials(fresh)
        self._returned_at = time.perf_counter()
        return trials + fresh

    def _admitted(self, designs: Sequence[Design]) -> list[tuple[Key, Design]]:
        if not designs:
            raise InvalidDesignError("There is no design to evaluate. Give at least one.")
        admitted: list[tuple[Key, Design]] = []
        new: set[Key] = set()
        for design in designs:
            key = self.space.key(design)
            if key not in self._known and key not in new:
                if len(new) == self.remaining:
                    break
                self.space.require_legal(design)
                new.add(key)
            admitted.append((key, design))
        return admitted

    def _replayed(self, batch: Sequence[tuple[Key, Design]]) -> list[Trial]:
        trials: list[Trial] = []
        for key, _ in batch[: len(self._recorded)]:
            trial = self._recorded.popleft()
            if trial.indices != key:
                raise RecordError(
                    f"The agent asked for another design than recorded at trial {trial.index}: "
                    f"{list(key)} instead of {list(trial.indices)}. The record was made by other "
                    "library versions (see run.json) or a changed agent; choose another folder."
                )
            self._keep(trial)
            trials.append(trial)
        return trials

    def _evaluated(self, batch: Sequence[tuple[Key, Design]], ask_s: float) -> list[Trial]:
        new = {key: design for key, design in batch if key not in self._known}
        started = time.perf_counter()
        evaluations = dict(zip(new, self._measured(list(new.values())), strict=True))
        wall_s = (time.perf_counter() - started) / max(len(new), 1)
        trials = []
        for key, _ in batch:
            known = self._known.get(key)
            index = len(self._trials)
            trial = (
                self._trial(index, key, evaluations[key], ask_s, wall_s)
                if known is None
                else replace(known, index=index, cached=True, ask_s=ask_s, wall_s=0.0)
            )
            self._keep(trial)
            trials.append(trial)
        return trials

    def _keep(self, trial: Trial) -> None:
        self._trials.append(trial)
        self._known.setdefault(trial.indices, trial)
        self._answered = self._answered or trial.error is None

    def _trial(
        self, index: int, key: Key, evaluation: Evaluation, ask_s: float, wall_s: float
    ) -> Trial:
        rewards = self._objective.rewards(evaluation)
        return Trial(
            index=index,
            design=self.space.decode(key),
            indices=key,
            metrics=dict(evaluation.metrics),
            feasible=evaluation.feasible,
            violations=dict(evaluation.violations),
            error=evaluation.error,
            reward=rewards[0] if len(rewards) == 1 else self._objective.reward(evaluation),
            rewards=rewards,
            ask_s=ask_s,
            wall_s=wall_s,
        )

    def _measured(self, designs: list[Design]) -> list[Evaluation]:
        """Evaluate a batch; if that raises, one by one, so that only the culprit fails."""
        if len(designs) < 2:
            return [self._measured_alone(design) for design in designs]
        try:
            return list(self._problem.evaluate(designs))
        except Exception:  # the culprit raises again, alone
            return [self._measured_alone(design) for design in designs]

    def _measured_alone(self, design: Design) -> Evaluation:
        try:
            return self._problem.evaluate([design])[0]
        except InfeasibleDesignError as error:
            return Evaluation.failed(str(error), error.violations)
        except ArchGymError:
            raise  # a missing executable or an invalid configuration: no design is to blame
        except Exception as error:
            self._exceptions += 1
            if not self._answered and self._exceptions >= MAX_EXCEPTIONS_AT_START:
                raise
            return Evaluation.failed(f"{type(error).__name__}: {error}")
