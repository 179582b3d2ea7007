"""What a sweep runs: problems made, hyperparameters drawn, runs named by what decides them."""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archgym.agents import AGENTS, Hyperparameters, resolve_agent
from archgym.envs import make_problem
from archgym.errors import InvalidConfigError, RecordError
from archgym.ground_truth import GroundTruth
from archgym.problem import Problem
from archgym.sweep._config import SweepAgent, SweepConfig, SweepProblem

# A run whose process dies is tried again this often; it goes on from its journal.
RETRIES = 2

# Draws of hyperparameters for one that is new, before an agent counts as having no more.
MAX_DRAWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepJob:
    """All that a worker needs to know about a run."""

    run: str
    label: str
    problem: SweepProblem
    folder: str
    agent: str
    setting: int
    hyperparameters: Mapping[str, Any]
    seed: int
    budget: int
    journal: Path

    @property
    def columns(self) -> dict[str, Any]:
        """What is known of the run before it starts."""
        return {
            "run": self.run,
            "problem": self.label,
            "problem_name": self.problem.name,
            "agent": self.agent,
            "setting": self.setting,
            "hyperparameters": json.dumps(self.hyperparameters, sort_keys=True),
            "seed": self.seed,
            "budget": self.budget,
        }


def label_of(problem: SweepProblem) -> str:
    return problem.label or problem.name.rpartition("/")[2]


def made_problem(problem: SweepProblem, folder: Path) -> Problem:
    made = make_problem(problem.name, **problem.config)
    if problem.ground_truth is not None:
        beside = folder / problem.ground_truth
        truth = GroundTruth.load(beside if beside.exists() else problem.ground_truth, made)
        if not truth.is_of(made):
            raise RecordError(
                f"'{problem.ground_truth}' was made for another configuration of {problem.name} "
                f"than {dict(problem.config)}. Enumerate it again."
            )
        made.evaluator = truth
    return made


def sweep_jobs(
    config: SweepConfig, problems: Mapping[str, Problem], folder: Path
) -> list[SweepJob]:
    """Return every run; those with low seeds and settings first, so that all agents advance."""
    from archgym import __version__

    known = {
        label_of(problem): {
            "fingerprint": problems[label_of(problem)].fingerprint(),
            "objective": problems[label_of(problem)].objective(problem.objective).spec,
            "version": __version__,
        }
        for problem in config.problems
    }
    settings = {agent.name: _settings(agent, config.seed) for agent in config.agents}
    most = max(len(found) for found in settings.values())
    order = [
        (position, agent.name, problem, seed, budget)
        for seed in range(config.seeds)
        for position in range(most)
        for agent in config.agents
        for problem in config.problems
        for budget in dict.fromkeys(config.budgets)
    ]
    work = []
    for position, agent, problem, seed, budget in order:
        if position >= len(settings[agent]):
            continue
        setting, hyperparameters = settings[agent][position]
        decisive = {
            **known[label_of(problem)],
            **{"agent": agent, "hyperparameters": hyperparameters},
            **{"seed": seed, "budget": budget},
        }
        text = json.dumps(decisive, sort_keys=True)
        run = hashlib.sha256(text.encode()).hexdigest()[:16]
        work.append(
            SweepJob(
                run=run,
                label=label_of(problem),
                problem=problem,
                folder=config.folder,
                agent=agent,
                setting=setting,
                hyperparameters=hyperparameters,
                seed=seed,
                budget=budget,
                journal=folder / "journals" / f"{run}.jsonl",
            )
        )
    return work


def _settings(agent: SweepAgent, seed: int) -> list[tuple[int, dict[str, Any]]]:
    """Return numbers and hyperparameters: 0 the defaults, above 0 drawn, below 0 given by hand."""
    _, _, defaults = resolve_agent(agent.name)
    config = AGENTS[agent.name].Config
    drawn = _drawn(config, agent.settings, np.random.SeedSequence([seed, _code(agent.name)]))
    given = [config.from_dict(values).to_dict() for values in agent.hyperparameters]
    found = [(0, defaults.to_dict())] if agent.defaults and defaults is not None else []
    found += list(enumerate(drawn, 1))
    found += [(-i, values) for i, values in enumerate(given, 1)]
    if not found:
        raise InvalidConfigError(
            f"The agent {agent.name!r} has no setting. Set defaults, settings or hyperparameters."
        )
    return found


def _code(name: str) -> int:
    return zlib.crc32(name.encode())


def _drawn(
    config: type[Hyperparameters], count: int, seed: np.random.SeedSequence
) -> list[dict[str, Any]]:
    """Return up to ``count`` different settings; a prefix of those of a higher count."""
    if count == 0:
        return []
    ranges, rng = config.search_ranges(), np.random.default_rng(seed)
    found: dict[tuple[int, ...], dict[str, Any]] = {}
    for _ in range(MAX_DRAWS * count):
        if len(found) == min(count, ranges.size):
            break
        design = ranges.sample(rng)
        found.setdefault(ranges.key(design), config.from_dict(design).to_dict())
    return list(found.values())
