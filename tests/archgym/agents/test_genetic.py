"""The genetic agent: no design twice, elitism, and how children come about."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from archgym.agents import GeneticAgent, GeneticConfig
from archgym.space import DesignSpace, Integer
from archgym.testing import ToyProblem
from archgym.trials import Trial


def told(agent, designs, rewards) -> list[Trial]:
    """Return the trials of designs with these rewards."""
    return [
        Trial(
            index=i,
            design=design,
            indices=agent.space.key(design),
            metrics={},
            feasible=True,
            violations={},
            reward=float(reward),
            rewards=(float(reward),),
        )
        for i, (design, reward) in enumerate(zip(designs, rewards, strict=True))
    ]


@given(seed=st.integers(0, 1000), crossover=st.sampled_from(["uniform", "two_point"]))
@settings(max_examples=20, deadline=None)
def test_the_genetic_agent_never_asks_for_a_design_twice(seed, crossover):
    config = GeneticConfig(population=10, children=7, crossover=crossover)
    agent = GeneticAgent(ToyProblem().space, budget=200, seed=seed, config=config)
    seen = set()
    for _ in range(12):
        designs = agent.ask()
        keys = [agent.space.key(design) for design in designs]
        assert len(set(keys)) == len(keys)
        assert not seen & set(keys)
        seen.update(keys)
        agent.tell(told(agent, designs, agent.rng.random(len(designs))))


def test_without_crossover_and_mutation_of_one_gene_children_are_neighbours_of_their_parents():
    space = DesignSpace([Integer(name=f"p{i}", low=0, high=9) for i in range(20)])
    config = GeneticConfig(
        population=8, children=4, crossover_probability=0.0, mutations=1e-6, creep=1.0
    )
    agent = GeneticAgent(space, budget=100, seed=0, config=config)
    parents = agent.ask()
    agent.tell(told(agent, parents, range(8)))
    vectors = np.array([space.encode(parent) for parent in parents])
    for child in agent.ask():
        distance = np.abs(vectors - space.encode(child))
        assert (distance > 0).sum(axis=1).min() <= 4  # retries of the rare mutation add up
        assert (distance > 0).sum(axis=1).min() >= 1


def test_the_elite_outlives_a_generation_and_the_rest_dies():
    agent = GeneticAgent(
        ToyProblem().space, budget=99, seed=1, config=GeneticConfig(population=6, children=4)
    )
    first = agent.ask()
    agent.tell(told(agent, first, [0, 5, 1, 4, 2, 3]))
    children = agent.ask()
    agent.tell(told(agent, children, [-1] * 4))
    best = [agent.space.key(first[1]), agent.space.key(first[3])]
    alive = [tuple(row) for row in agent.space.canonical(agent._genes).tolist()]
    assert alive == best + [agent.space.key(child) for child in children]
