"""Every registered agent: the conformance suite, hyperparameters, and random search as the bar."""

import dataclasses
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archgym.agents import AGENTS, GeneticConfig, RandomWalkAgent, resolve_agent
from archgym.agents._agent import MissingExtraError, require_extra
from archgym.errors import InvalidConfigError, UnknownNameError
from archgym.problem import Evaluation, MetricSpec, Problem
from archgym.search import search
from archgym.space import Categorical, Condition, Constraint, DesignSpace, Integer, Ordinal
from archgym.testing import AgentConformance, ToyProblem

NEEDS = {
    "tpe": ("optuna",),
    "nsga2": ("optuna",),
    "cmaes": ("cmaes",),
    "gp": ("optuna", "torch"),
    "random_forest": ("sklearn",),
    "ppo": ("stable_baselines3", "torch"),
    "masked_ppo": ("sb3_contrib", "stable_baselines3", "torch"),
    "gbrl": ("gbrl", "torch"),
}


def parameter(agent: str) -> object:
    """Return an agent's name as a test parameter, skipped where an optional library is missing."""
    lacking = [module for module in NEEDS.get(agent, ()) if find_spec(module) is None]
    reason = f"{agent} needs {', '.join(lacking)}"
    return pytest.param(agent, marks=pytest.mark.skipif(bool(lacking), reason=reason))


ALL = [parameter(agent) for agent in AGENTS]


class TestConformance(AgentConformance):
    """The suite that the package ships, over the registry."""

    @pytest.fixture(params=ALL, autouse=True)
    def _each_agent(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(self), "agent", request.param, raising=False)
        monkeypatch.setattr(type(self), "budget", 18 if request.param == "gp" else 40)


class TestTrueWalkConformance(AgentConformance):
    """Random walk over neighbours instead of uniform samples."""

    agent = "random_walk"
    hyperparameters = {"step": 2}


class TestTrustRegionConformance(AgentConformance):
    """Bayesian optimisation within a trust region."""

    agent = "bayesian"
    hyperparameters = {"trust_region": True, "warp": "rank", "batch": 3}


class Additive(Problem):
    """A cost that is the sum of one term per parameter; its optimum is known."""

    name = "test/Additive-v0"
    workload = "none"
    default_objective = "cost"
    metrics = {
        "cost": MetricSpec(name="cost", unit="", direction="min", description="To minimise.")
    }

    def __init__(self) -> None:
        self.space = DesignSpace(
            [
                Categorical(name="policy", choices=("a", "b", "c", "d")),
                Categorical(name="scheduler", choices=("a", "b", "c")),
                Categorical(name="refresh", choices=("off", "on")),
                Integer(name="postponed", low=1, high=8, when=Condition("refresh", ("on",))),
                Ordinal(name="buffer", values=(1, 2, 4, 8, 16, 32, 64, 128)),
                Integer(name="active", low=1, high=32),
            ],
            [
                Constraint(
                    "area",
                    lambda d: float(d["buffer"]) + float(d["active"]) - 140.0,
                    "Buffers and trackers fit on the chip.",
                )
            ],
        )
        self.default_design = self.space.decode([0, 0, 0, 0, 0, 0])

    def simulate(self, designs):
        return [Evaluation(metrics={"cost": self.cost(design)}) for design in designs]

    def cost(self, design):
        """Return 1 for the best design: policy c, scheduler b, refresh on, 6 postponed, 16, 20."""
        return (
            1.0
            + 0.5 * "cadb".index(design["policy"])
            + 0.4 * "bca".index(design["scheduler"])
            + (0.1 * abs(design["postponed"] - 6) if design["refresh"] == "on" else 0.8)
            + 0.3 * abs(np.log2(design["buffer"]) - 4)
            + 0.05 * abs(design["active"] - 20)
        )


SEEDS = range(8)
LEARNERS = ["genetic", "ant_colony", "bayesian", "tpe", "nsga2", "cmaes", "ppo"]


@cache
def best_cost(agent: str, seed: int, budget: int) -> float:
    """Return the lowest cost that an agent finds."""
    best = search(Additive(), agent, budget, seed).best
    assert best is not None
    return best.metrics["cost"]


@pytest.mark.parametrize("agent", [parameter(agent) for agent in LEARNERS])
def test_an_agent_that_learns_beats_random_search(agent):
    costs = [best_cost(agent, seed, 200) for seed in SEEDS]
    assert np.mean(costs) < np.mean([best_cost("random_walk", seed, 200) for seed in SEEDS])


def test_bayesian_optimisation_finds_the_optimum_where_random_search_does_not():
    assert sum(best_cost("bayesian", seed, 100) == 1.0 for seed in SEEDS) >= 6
    assert sum(best_cost("random_walk", seed, 100) == 1.0 for seed in SEEDS) <= 1


@pytest.mark.parametrize("agent", ALL)
def test_seeds_make_different_runs(agent):
    runs = [search(ToyProblem(), agent, 12, seed).trials for seed in (0, 1)]
    assert [t.indices for t in runs[0]] != [t.indices for t in runs[1]]


@pytest.mark.parametrize("agent", ["genetic", "nsga2", "bayesian"])
def test_an_agent_for_several_objectives_spreads_over_the_front(agent):
    pytest.importorskip("optuna") if agent == "nsga2" else None
    found, random = (
        np.mean([front_volume(name, seed) for seed in range(5)]) for name in (agent, "random_walk")
    )
    assert found > random


@cache
def front_volume(agent: str, seed: int) -> float:
    """Return the volume of the front that an agent finds with 100 evaluations."""
    result = search(ToyProblem(), agent, 100, seed, objective="pareto:latency_ns,power_mw")
    assert len(result.pareto()) >= 3
    return volume(result)


def volume(result) -> float:
    """Return the area between the front and a corner that is worse than all of it."""
    front = sorted(trial.rewards for trial in result.pareto())
    area, left = 0.0, -3.0
    for x, y in front:
        area += (x - left) * (y + 3.0)
        left = x
    return area


# ------------------------------------------------------------------ hyperparameters


@pytest.mark.parametrize("name", AGENTS)
def test_an_agent_says_which_algorithm_it_is_and_why_its_defaults(name):
    doc = AGENTS[name].__doc__ or ""
    assert AGENTS[name].name == name
    assert re.search(r"(19|20)\d\d|arXiv:\d{4}\.\d{5}", doc), "no paper"
    assert "default" in doc.lower()


@pytest.mark.parametrize("name", AGENTS)
def test_every_hyperparameter_has_a_docstring_under_its_field(name):
    config = AGENTS[name].Config
    source = Path(__import__(config.__module__, fromlist=["x"]).__file__).read_text()
    body = source.split(f"class {config.__name__}(")[1].split("\nclass ")[0]
    for field in dataclasses.fields(config):
        assert re.search(rf'\n    {field.name}: .*\n    """', body), field.name


@pytest.mark.parametrize("name", AGENTS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_every_setting_in_the_search_ranges_is_a_valid_configuration(name, seed):
    config = AGENTS[name].Config
    ranges = config.search_ranges()
    values = ranges.sample(np.random.default_rng(seed))
    assert set(values) <= {field.name for field in dataclasses.fields(config)}
    made = config.from_dict(values)
    assert config.from_dict(made.to_dict()) == made


@pytest.mark.parametrize("name", AGENTS)
def test_an_unknown_hyperparameter_is_refused_with_the_known_ones(name):
    with pytest.raises(InvalidConfigError, match="no hyperparameter 'populaton'"):
        AGENTS[name].Config.from_dict({"populaton": 3})


def test_a_misspelt_hyperparameter_names_the_right_one():
    with pytest.raises(InvalidConfigError, match="Did you mean 'population'"):
        GeneticConfig.from_dict({"populaton": 3})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"population": 1}, "population=1 .*int of at least 2"),
        ({"population": 8.0}, "population=8.0"),
        ({"population": True}, "population=True"),
        ({"mutations": float("nan")}, "mutations=nan"),
        ({"crossover_probability": 1.5}, "float from 0.0 to 1.0"),
        ({"crossover": "unifrom"}, "Did you mean 'uniform'"),
        ({"children": 0}, "children=0 .*int of at least 1"),
    ],
)
def test_a_hyperparameter_that_is_not_allowed_is_refused(values, message):
    with pytest.raises(InvalidConfigError, match=message):
        GeneticConfig.from_dict(values)


def test_a_whole_number_is_taken_for_a_real_hyperparameter():
    config = GeneticConfig.from_dict({"mutations": 2})
    assert type(config.mutations) is float


def test_a_configuration_of_another_agent_is_refused():
    with pytest.raises(InvalidConfigError, match="takes a RandomWalkConfig"):
        RandomWalkAgent(ToyProblem().space, budget=1, seed=0, config=GeneticConfig())


def test_an_unknown_agent_is_refused_with_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"Did you mean 'genetic'.*Allowed: ant_colony"):
        resolve_agent("gentic")


def test_a_missing_library_is_noticed_before_anything_runs():
    class NeedyAgent(RandomWalkAgent):
        modules = ("no_such_library",)
        extra = "rl"

    with pytest.raises(MissingExtraError, match="no_such_library"):
        resolve_agent(NeedyAgent)


def test_a_missing_library_names_the_extra_that_installs_it():
    with pytest.raises(MissingExtraError, match=r"no_such_library.*archgym\[rl\]"):
        require_extra("ppo", ("numpy", "no_such_library"), "rl")
