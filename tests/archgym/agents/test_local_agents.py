"""Agents that walk: local search, simulated annealing; and those that sample or build designs."""

import numpy as np
import pytest

from archgym import search
from archgym.agents import (
    LocalSearchAgent,
    PolicyGradientAgent,
    SimulatedAnnealingAgent,
    SimulatedAnnealingConfig,
    SobolAgent,
    SobolConfig,
    TreeSearchAgent,
    TreeSearchConfig,
)
from archgym.problem import Evaluation, MetricSpec, Problem
from archgym.space import Categorical, Condition, DesignSpace, Integer
from archgym.trials import Trial


class Valley(Problem):
    """A smooth valley in eight integers, and a policy whose second value brings a ninth."""

    name = "valley"
    workload = "none"
    metrics = {
        "cost": MetricSpec(
            name="cost", unit="", direction="min", description="Depth of the valley."
        )
    }
    default_objective = "cost"

    def __init__(self) -> None:
        numbers = [Integer(name=f"x{i}", low=0, high=15) for i in range(8)]
        extra = Integer(name="y", low=0, high=15, when=Condition("kind", ("b",)))
        self.space = DesignSpace([Categorical(name="kind", choices=("a", "b")), *numbers, extra])
        self.default_design = {"kind": "a", **{f"x{i}": 0 for i in range(8)}}

    def simulate(self, designs):
        return [Evaluation(metrics={"cost": self.cost(design)}) for design in designs]

    @staticmethod
    def cost(design) -> float:
        depth = sum((int(design[f"x{i}"]) - (i + 4)) ** 2 for i in range(8))
        return 1.0 + depth + (abs(int(design["y"]) - 9) if design["kind"] == "b" else 20)


def best_cost(agent: str, seed: int) -> float:
    result = search(Valley(), agent, budget=300, seed=seed)
    return min(trial.metrics["cost"] for trial in result.trials)


@pytest.mark.parametrize(
    "agent", ["local_search", "simulated_annealing", "tree_search", "policy_gradient"]
)
def test_an_agent_that_learns_beats_random_search_in_a_smooth_valley(agent):
    seeds = range(3)
    found = np.median([best_cost(agent, seed) for seed in seeds])
    assert found < 0.6 * np.median([best_cost("random_walk", seed) for seed in seeds])


def told(agent, indices, reward) -> Trial:
    design = agent.space.decode(np.array(indices))
    return Trial(
        index=0,
        design=design,
        indices=agent.space.key(design),
        metrics={},
        feasible=True,
        violations={},
        reward=reward,
        rewards=(reward,),
    )


def test_local_search_asks_for_neighbours_of_the_best_founder():
    space = Valley().space
    agent = LocalSearchAgent(space, budget=100, seed=0)
    founders = [told(agent, space.encode(design), k) for k, design in enumerate(agent.ask())]
    agent.tell(founders)
    around = space.neighbours(founders[-1].design)
    asked = agent.ask()
    assert len(asked) == agent.config.batch
    assert all(design in around for design in asked)


def test_local_search_leaves_a_design_whose_neighbours_are_all_worse():
    space = DesignSpace([Integer(name="x", low=0, high=9)])
    agent = LocalSearchAgent(space, budget=100, seed=0)
    asked = set()
    for _ in range(100):
        designs = agent.ask()
        asked |= {int(design["x"]) for design in designs}
        agent.tell([told(agent, space.encode(d), -abs(int(d["x"]) - 2)) for d in designs])
    assert len(asked) == 10


def test_cold_annealing_never_moves_downhill():
    space = Valley().space
    config = SimulatedAnnealingConfig(hot=0.0, cold=0.0)
    agent = SimulatedAnnealingAgent(space, budget=200, seed=0, config=config)
    problem, standing = Valley(), -np.inf
    for _ in range(150):
        agent.tell([told(agent, space.encode(d), -problem.cost(d)) for d in agent.ask()])
        assert agent._state.reward >= standing
        standing = agent._state.reward


def test_hot_annealing_moves_downhill_now_and_then():
    space = Valley().space
    config = SimulatedAnnealingConfig(hot=100.0, cold=100.0)
    agent = SimulatedAnnealingAgent(space, budget=200, seed=0, config=config)
    problem, states = Valley(), []
    for _ in range(50):
        agent.tell([told(agent, space.encode(d), -problem.cost(d)) for d in agent.ask()])
        states.append(agent._state.reward)
    assert (np.diff(states) < 0).any()


def test_a_sobol_sample_covers_every_value_of_every_parameter():
    space = DesignSpace([Integer(name=f"x{i}", low=0, high=15) for i in range(5)])
    agent = SobolAgent(space, budget=64, seed=0)
    rows = np.stack([space.encode(design) for design in agent.ask()])
    for column in rows.T:
        assert np.bincount(column, minlength=16).min() == 64 // 16


def test_the_plain_sobol_sequence_ignores_the_seed_and_the_scrambled_one_does_not():
    space = Valley().space
    plain = SobolConfig(scramble=False)
    first, second = (SobolAgent(space, budget=9, seed=s, config=plain).ask() for s in (1, 2))
    assert first == second
    assert SobolAgent(space, budget=9, seed=1).ask() != SobolAgent(space, budget=9, seed=2).ask()


def test_tree_search_prefers_the_branch_that_paid():
    space = DesignSpace([Categorical(name="kind", choices=tuple("abcd")), *NUMBERS])
    agent = TreeSearchAgent(space, budget=400, seed=0)
    kinds = []
    for _ in range(200):
        (design,) = agent.ask()
        kinds.append(design["kind"])
        agent.tell([told(agent, space.encode(design), 1.0 if design["kind"] == "c" else 0.0)])
    assert kinds[100:].count("c") > 70


NUMBERS = [Integer(name=f"x{i}", low=0, high=15) for i in range(4)]


def test_tree_search_leaves_branches_of_which_every_design_is_known():
    space = DesignSpace(
        [Integer(name="a", low=0, high=7), Categorical(name="b", choices=("x", "y", "z"))]
    )
    config = TreeSearchConfig(exploration=0.0, memory=0.0)
    agent = TreeSearchAgent(space, budget=24, seed=0, config=config)
    asked = []
    for _ in range(24):
        (design,) = agent.ask()
        asked.append(space.key(design))
        # Greedy, it would come back to the first branch for ever.
        agent.tell([told(agent, asked[-1], 1.0 if design["a"] < 2 else 0.0)])
    assert len(set(asked)) == 24
    assert sum(indices[0] < 2 for indices in asked[:12]) == 6


def test_the_policy_gradient_makes_a_paying_value_likelier():
    space = DesignSpace([Categorical(name="kind", choices=tuple("abcd")), *NUMBERS])
    agent = PolicyGradientAgent(space, budget=400, seed=0)
    for _ in range(10):
        asked = agent.ask()
        agent.tell([told(agent, space.encode(d), float(d["kind"] == "c")) for d in asked])
    assert np.argmax(agent._logits[0]) == 2
    assert [design["kind"] for design in agent.ask()].count("c") > agent.config.batch // 2
