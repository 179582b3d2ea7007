"""Tune an agent's hyperparameters on any problem with Optuna.

    python -m experiments.sweeps.tune archgym/DRAM-v0 --workload bzip2 --agent genetic --trials 50

A trial is one setting of hyperparameters; its value is the mean best reward over the tuning seeds.
After every seed the mean so far is reported, and a setting that is below the median of the others
at that point is pruned. The study is kept in a journal: the same command goes on where it stopped,
several processes may share it, and `optuna-dashboard FILE` shows it. At the end the best setting
and the agent's defaults are compared on seeds that were not used for tuning.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import tyro
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from archgym._cli._problem import ProblemOptions
from archgym.agents import resolve_agent
from archgym.errors import ArchGymError, InvalidDesignError
from archgym.objective import Objective
from archgym.problem import Problem
from archgym.search import search
from archgym.space import DesignSpace
from archgym.stats import Estimate, bootstrap

TUNING_SEED, HELD_OUT_SEED = 1000, 2000

# A finished trial says something about its hyperparameters; a failed one is made again.
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True, kw_only=True)
class Options(ProblemOptions):
    """Tune an agent's hyperparameters on a problem."""

    agent: str = "genetic"
    """Name of the agent; see `archgym envs`."""
    trials: int = 50
    """Settings to try in all, those of earlier attempts included."""
    budget: int = 200
    """Evaluations per search."""
    seeds: int = 5
    """Searches per setting."""
    held_out: int = 20
    """Searches of the best setting, and of the defaults, at the end."""
    journal: Path = Path("runs/tuning.journal")
    """File that keeps the study."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searches:
    """Searches that differ only in hyperparameters and seed."""

    problem: Problem
    agent: str
    budget: int
    objective: Objective

    @property
    def ranges(self) -> DesignSpace:
        """The agent's search ranges."""
        _, _, defaults = resolve_agent(self.agent)
        assert defaults is not None  # noqa: S101 - every registered agent has them
        return type(defaults).search_ranges()

    @property
    def name(self) -> str:
        """Name of the study: all that decides the value of a setting, seeds aside."""
        return (
            f"{self.agent} on {self.problem.name}, {self.problem.workload}, "
            f"{self.objective.spec}, {self.budget} evaluations, {self.problem.fingerprint()}"
        )

    def best(self, hyperparameters: dict[str, Any], seed: int) -> float:
        """Return the best reward of one search, that of a failure if nothing was feasible."""
        found = search(
            self.problem,
            self.agent,
            self.budget,
            seed,
            objective=self.objective,
            hyperparameters=hyperparameters,
        )
        return self.objective.failure if found.best_reward is None else found.best_reward


def tune(searches: Searches, journal: Path, trials: int, seeds: int) -> optuna.Study:
    """Tune, or go on tuning, and return the study."""
    ranges = searches.ranges
    journal.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(journal))),
        study_name=searches.name,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
    )

    def value(trial: optuna.Trial) -> float:
        setting = ranges.suggest(trial)
        if not ranges.is_legal(setting):
            raise optuna.TrialPruned("The setting violates a constraint of the ranges.")
        rewards: list[float] = []
        for seed in range(TUNING_SEED, TUNING_SEED + seeds):
            rewards.append(searches.best(setting, seed))
            trial.report(float(np.mean(rewards)), len(rewards))
            if trial.should_prune():
                raise optuna.TrialPruned
        return float(np.mean(rewards))

    # Another seed after each interruption, or the random settings of the start would come again.
    seed = TUNING_SEED + len(study.trials)
    study.sampler = optuna.samplers.TPESampler(n_startup_trials=10, seed=seed)
    if not study.trials:
        _enqueue_defaults(study, searches)
    done = sum(trial.state in FINISHED for trial in study.trials)
    study.optimize(value, n_trials=max(0, trials - done))
    return study


def _enqueue_defaults(study: optuna.Study, searches: Searches) -> None:
    """Try the defaults first, unless they lie between the steps of the ranges."""
    _, _, defaults = resolve_agent(searches.agent)
    values = {} if defaults is None else defaults.to_dict()
    ranges = searches.ranges
    try:
        study.enqueue_trial(ranges.to_optuna({name: values[name] for name in ranges.names}))
    except (InvalidDesignError, KeyError):
        return


def gain(searches: Searches, setting: dict[str, Any], seeds: Sequence[int]) -> Estimate:
    """Return the mean reward of a setting less that of the defaults, on the same seeds."""
    differences = [searches.best(setting, seed) - searches.best({}, seed) for seed in seeds]
    return bootstrap([differences], lambda sample: np.asarray(sample.mean(axis=(-2, -1))))


def main() -> int:
    """Tune, then compare with the defaults on other seeds."""
    options = tyro.cli(Options)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        problem = options.make()
        searches = Searches(
            problem=problem,
            agent=options.agent,
            budget=options.budget,
            objective=problem.objective(options.objective),
        )
        study = tune(searches, options.journal, options.trials, options.seeds)
        setting = searches.ranges.from_optuna(study.best_params)
        seeds = range(HELD_OUT_SEED, HELD_OUT_SEED + options.held_out)
        better = gain(searches, setting, seeds)
    except ArchGymError as error:
        print(f"experiments.sweeps.tune: {error}", file=sys.stderr)
        return 2
    pruned = sum(trial.state == TrialState.PRUNED for trial in study.trials)
    print(f"{study.study_name}: {len(study.trials)} settings, {pruned} of them pruned")
    print(f"best: {json.dumps(setting)}, mean reward {study.best_value:.4f} while tuning")
    print(f"against the defaults on {options.held_out} other seeds: {better} octaves")
    return 0


if __name__ == "__main__":
    sys.exit(main())
