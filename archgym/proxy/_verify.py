"""Searches on a proxy: their problem, and the simulation of what they found best."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archgym.envs import make_problem
from archgym.errors import InvalidConfigError
from archgym.ground_truth import known_optimum
from archgym.problem import Evaluation, Problem
from archgym.proxy._proxy import Proxy
from archgym.search import SearchResult
from archgym.space import Design

__all__ = ["Verification", "Winner", "proxied_problem", "verify_winners"]

PREDICTION_DIGITS = 6
"""Decimals of a reward (octaves) that two predictions have to share to count as one."""


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
    problem: Problem, runs: Iterable[SearchResult | str | Path], top: int = 10
) -> Verification:
    """Simulate the designs of the highest rewards that runs on a proxy found.

    Designs of which the same is predicted are most likely the same: one of each prediction is
    simulated, and more only if there are fewer predictions than ``top``.

    Args:
        problem: With its simulator.
        runs: Results of searches with the same objective, or their folders.
        top: Different designs to simulate.

    Raises:
        InvalidConfigError: ``top`` is below 1, no run found a feasible design, or a run is of
            another problem or objective.
    """
    if top < 1:
        raise InvalidConfigError(f"{top} designs cannot be simulated. Use at least 1.")
    parts = [_part(run) for run in runs]
    bound = problem.objective(_objective(problem, parts))
    chosen = _chosen(parts, top)
    designs = [problem.space.decode(key) for key, _ in chosen]
    started = time.perf_counter()
    evaluations = problem.evaluate(designs)
    simulator_s = time.perf_counter() - started
    winners = tuple(
        Winner(
            design=design,
            predicted_reward=predicted,
            reward=bound.reward(evaluation),
            evaluation=evaluation,
        )
        for design, (_, predicted), evaluation in zip(designs, chosen, evaluations, strict=True)
    )
    known = known_optimum(problem, bound)
    return Verification(
        winners=winners,
        evaluations=sum(part.evaluations for part in parts),
        proxy_s=sum(part.seconds for part in parts),
        simulator_s=simulator_s,
        optimum_reward=None if known is None else known.reward,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What one run contributes."""

    identity: Mapping[str, Any]
    evaluations: int
    seconds: float
    rewards: Mapping[tuple[int, ...], float]


def _part(run: SearchResult | str | Path) -> _Part:
    if isinstance(run, SearchResult):
        return _Part(
            identity=run.identity,
            evaluations=run.evaluations,
            seconds=run.evaluate_seconds,
            rewards={t.indices: t.reward for t in run.trials if t.feasible and not t.cached},
        )
    from archgym.record import read_info, read_run

    table = read_run(Path(run))
    fresh = ~table["cached"].to_numpy()
    fair = np.flatnonzero(fresh & table["feasible"].to_numpy())
    found = table.select(["indices", "reward"]).take(fair).to_pydict()
    return _Part(
        identity=read_info(run),
        evaluations=int(fresh.sum()),
        seconds=float(table["wall_s"].to_numpy().sum()),
        rewards=dict(zip(map(tuple, found["indices"]), found["reward"], strict=True)),
    )


def _objective(problem: Problem, parts: Sequence[_Part]) -> str | None:
    """Return the objective of all runs."""
    for name, own in (("problem", problem.name), ("workload", problem.workload)):
        for part in parts:
            if part.identity[name] != own:
                raise InvalidConfigError(
                    f"A run is of {part.identity[name]!r}, the {name} to simulate is {own!r}. "
                    "Give the problem that was searched, with its simulator."
                )
    specs = list(dict.fromkeys(str(part.identity["objective"]) for part in parts))
    if len(specs) > 1:
        raise InvalidConfigError(
            f"The runs have the objectives {' and '.join(specs)}. Give runs of one."
        )
    return specs[0] if specs else None


def _chosen(parts: Sequence[_Part], top: int) -> list[tuple[tuple[int, ...], float]]:
    """Return different feasible designs and their predicted rewards, best first."""
    every: dict[tuple[int, ...], float] = {}
    for part in parts:
        every |= part.rewards
    if not every:
        raise InvalidConfigError("No run found a feasible design: there is nothing to simulate.")
    # Equal rewards are ordered by the design, so that the choice does not depend on the runs.
    ranked = sorted(every.items(), key=lambda item: (-item[1], item[0]))
    alike: Counter[float] = Counter()
    rounds = []
    for design, reward in ranked:
        prediction = round(reward, PREDICTION_DIGITS)
        rounds.append((alike[prediction], -reward, design))
        alike[prediction] += 1
    kept = {design for _, _, design in sorted(rounds)[:top]}
    return [item for item in ranked if item[0] in kept]
