"""Searches on a proxy: their problem, and the simulation of what they found best."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archgym.envs import make_problem
from archgym.errors import InvalidConfigError
from archgym.problem import Evaluation, Problem
from archgym.proxy._proxy import Proxy
from archgym.space import Design

__all__ = ["Verification", "Winner", "proxied_problem", "verify_winners"]


def proxied_problem(*, name: str, evaluator: str, **config: Any) -> Problem:
    """Return a registered problem with the proxy of a folder in place of its simulator.

    Raises:
        RecordError: the folder holds no proxy.
        InvalidConfigError: the proxy was trained on another problem.
    """
    problem = make_problem(name, **config)
    proxy = Proxy.load(evaluator, problem)
    proxy.require(problem)
    problem.evaluator = proxy
    return problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Winner:
    """One of the designs that the proxy likes best, simulated."""

    design: Design
    """The design."""

    predicted_reward: float
    """Reward on the proxy."""

    reward: float
    """Reward on the simulator."""

    evaluation: Evaluation
    """What the simulator says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a search on a proxy found, what that cost and what it saved."""

    winners: tuple[Winner, ...]
    """The simulated designs, in the proxy's order."""

    evaluations: int
    """Evaluations that were spent on the proxy, all runs together."""

    proxy_s: float
    """Seconds that they took."""

    simulator_s: float
    """Seconds that simulating the winners took."""

    optimum_reward: float | None
    """The highest reward there is, if a shipped table of all designs knows it."""

    @property
    def best(self) -> Winner:
        """The best winner by simulation, the first of equals."""
        return max(self.winners, key=lambda winner: winner.reward)

    @property
    def choice_regret(self) -> float:
        """By how much the proxy's own first choice falls behind the best simulated winner."""
        return self.best.reward - self.winners[0].reward

    @property
    def regret(self) -> float | None:
        """By how much the best winner falls behind the best design of all, if that is known."""
        return None if self.optimum_reward is None else self.optimum_reward - self.best.reward

    @property
    def simulator_design_s(self) -> float:
        """Seconds of simulation per design."""
        return self.simulator_s / len(self.winners)

    @property
    def saved_s(self) -> float:
        """Seconds that simulating every evaluation would have taken longer."""
        whole = self.evaluations * self.simulator_design_s
        return whole - self.proxy_s - self.simulator_s


def verify_winners(
    problem: Problem, objective: str | None, folders: Sequence[Path], top: int
) -> Verification:
    """Simulate the designs of the highest rewards that runs on a proxy found.

    Args:
        problem: With its simulator.
        objective: Of the runs.
        folders: Of the runs.
        top: Different designs to simulate.

    Raises:
        InvalidConfigError: ``top`` is below 1, or no run found a feasible design.
    """
    if top < 1:
        raise InvalidConfigError(f"{top} designs cannot be simulated. Use at least 1.")
    found, evaluations, proxy_s = _ranked(folders)
    if not found:
        raise InvalidConfigError("No run found a feasible design: there is nothing to simulate.")
    bound = problem.objective(objective)
    chosen = found[:top]
    designs = [problem.space.decode(key) for key, _ in chosen]
    started = time.perf_counter()
    evaluations_found = problem.evaluate(designs)
    simulator_s = time.perf_counter() - started
    winners = tuple(
        Winner(
            design=design,
            predicted_reward=predicted,
            reward=bound.reward(evaluation),
            evaluation=evaluation,
        )
        for design, (_, predicted), evaluation in zip(
            designs, chosen, evaluations_found, strict=True
        )
    )
    return Verification(
        winners=winners,
        evaluations=evaluations,
        proxy_s=proxy_s,
        simulator_s=simulator_s,
        optimum_reward=_optimum(problem, bound.spec),
    )


def _ranked(folders: Sequence[Path]) -> tuple[list[tuple[tuple[int, ...], float]], int, float]:
    """Return different feasible designs, best first; evaluations; seconds of evaluation."""
    from archgym.record import read_run

    rewards: dict[tuple[int, ...], float] = {}
    evaluations, seconds = 0, 0.0
    for folder in folders:
        table = read_run(folder)
        fresh = ~table["cached"].to_numpy()
        evaluations += int(fresh.sum())
        seconds += float(table["wall_s"].to_numpy().sum())
        fair = np.flatnonzero(fresh & table["feasible"].to_numpy())
        part = table.select(["indices", "reward"]).take(fair).to_pydict()
        for key, reward in zip(part["indices"], part["reward"], strict=True):
            rewards.setdefault(tuple(key), reward)
    # Equal rewards are ordered by the design, so that the choice does not depend on the runs.
    return sorted(rewards.items(), key=lambda item: (-item[1], item[0])), evaluations, seconds


def _optimum(problem: Problem, objective: str) -> float | None:
    from archgym.ground_truth import GroundTruth, shipped

    for optimum in shipped(problem.name):
        config = problem.config
        fits = all(config.get(name) == value for name, value in optimum.config.items())
        if (
            fits
            and optimum.objective == objective
            and GroundTruth.load(optimum.name, problem).is_of(problem)
        ):
            return optimum.reward
    return None
