"""Agents as Optuna samplers."""

import warnings

import numpy as np
import pytest

optuna = pytest.importorskip("optuna")

from archgym.agents import AGENTS, LoopAgent  # noqa: E402
from archgym.errors import InvalidConfigError, UnknownNameError  # noqa: E402
from archgym.sampler import AgentSampler  # noqa: E402
from archgym.space import DesignSpace, Integer  # noqa: E402
from archgym.testing import ToyProblem  # noqa: E402

CORE = [
    name for name, agent in AGENTS.items() if not (issubclass(agent, LoopAgent) or agent.modules)
]


@pytest.fixture(autouse=True)
def quiet():
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(level)


def latency(trial) -> float:
    problem = ToyProblem()
    evaluation = problem.evaluate([problem.space.suggest(trial)])[0]
    if evaluation.error:
        raise optuna.TrialPruned
    return evaluation.metrics["latency_ns"]


def optimized(agent: str, trials: int, seed: int = 0, jobs: int = 1):
    sampler = AgentSampler(agent, ToyProblem().space, budget=trials, seed=seed)
    study = optuna.create_study(sampler=sampler, direction="minimize")
    study.optimize(latency, n_trials=trials, n_jobs=jobs)
    return study


@pytest.mark.parametrize("agent", CORE)
def test_an_agent_optimises_an_optuna_study(agent):
    study = optimized(agent, 30)
    assert len(study.trials) == 30
    assert np.isfinite(study.best_value)


def test_what_a_study_learns_reaches_the_agent():
    space = DesignSpace([Integer(name=f"x{i}", low=0, high=30) for i in range(6)])

    def best(agent: str, seed: int) -> float:
        study = optuna.create_study(sampler=AgentSampler(agent, space, budget=120, seed=seed))
        study.optimize(lambda t: sum((x - 11) ** 2 for x in space.suggest(t).values()), 120)
        return study.best_value

    found = [best("genetic", seed) for seed in range(3)]
    assert np.mean(found) < 0.5 * np.mean([best("random_walk", seed) for seed in range(3)])


def test_a_seed_repeats_a_study():
    one, other = (optimized("ant_colony", 25, seed=4) for _ in range(2))
    assert [t.params for t in one.trials] == [t.params for t in other.trials]


def test_a_failed_trial_is_told_as_the_worst():
    problem = ToyProblem()
    sampler = AgentSampler("genetic", problem.space)
    study = optuna.create_study(sampler=sampler, direction="maximize")
    trial = study.ask()
    design = problem.space.suggest(trial)
    answer = sampler._answer(study, 0, design, None)
    assert answer.reward < -1e5
    assert not answer.feasible
    assert answer.design == design


def test_minimised_values_are_rewards_upside_down():
    space = ToyProblem().space
    study = optuna.create_study(directions=["minimize", "maximize"])
    answer = AgentSampler("genetic", space)._answer(study, 3, ToyProblem.default_design, (2.0, 5.0))
    assert answer.rewards == (-2.0, 5.0)


def test_several_trials_at_a_time_do_not_confuse_the_agent():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optimized("genetic", 60, jobs=3)
    assert len(study.trials) == 60


def test_parameters_outside_the_space_are_drawn_at_random():
    space = ToyProblem().space
    study = optuna.create_study(sampler=AgentSampler("genetic", space))
    study.optimize(lambda t: t.suggest_float("other", 0, 1) + 0 * len(space.suggest(t)), n_trials=9)
    assert len({trial.params["other"] for trial in study.trials}) == 9


def test_an_agent_with_a_loop_of_its_own_is_refused():
    class Looping(LoopAgent):
        name = "looping"

        def search(self, task):
            raise AssertionError

    with pytest.raises(InvalidConfigError, match="drives its own loop"):
        AgentSampler(Looping, ToyProblem().space)


def test_an_unknown_agent_is_refused():
    with pytest.raises(UnknownNameError, match="Did you mean 'genetic'"):
        AgentSampler("genetc", ToyProblem().space)
