"""The ant colony agent: pheromone stays between its bounds and follows the best designs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archgym.agents import AntColonyAgent, AntColonyConfig
from archgym.space import Categorical, Condition, DesignSpace, Integer
from archgym.trials import Trial

SPACE = DesignSpace(
    [
        Categorical(name="policy", choices=("a", "b", "c")),
        Categorical(name="refresh", choices=("off", "on")),
        Integer(name="postponed", low=1, high=8, when=Condition("refresh", ("on",))),
    ]
)


def trial(indices, reward, index=0):
    """Return the trial of an index vector."""
    return Trial(
        index=index,
        design=SPACE.decode(indices),
        indices=tuple(indices),
        metrics={},
        feasible=True,
        violations={},
        reward=reward,
        rewards=(reward,),
    )


def colony(**values):
    """Return an agent with these hyperparameters."""
    return AntColonyAgent(SPACE, budget=100, seed=0, config=AntColonyConfig(**values))


@given(
    rewards=st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4),
    evaporation=st.floats(0, 1),
    floor=st.floats(0, 0.5),
)
@settings(max_examples=50, deadline=None)
def test_pheromone_stays_between_its_bounds(rewards, evaporation, floor):
    agent = colony(ants=4, evaporation=evaporation, pheromone_floor=floor)
    for _ in range(5):
        keys = [SPACE.key(design) for design in agent.ask()]
        agent.tell([trial(k, r, i) for i, (k, r) in enumerate(zip(keys, rewards, strict=True))])
        for trail in agent._pheromone:
            assert (trail >= min(floor, 0.5)).all()
            assert (trail <= 1 - floor + 1e-12).all()


def test_one_elite_ant_moves_pheromone_by_the_evaporation_rate():
    agent = colony(elite=1, evaporation=0.2, pheromone_start=0.5, smoothing=0.0)
    agent.tell([trial((1, 1, 5), 3.0), trial((2, 1, 0), 1.0, 1)])
    assert agent._pheromone[0] == pytest.approx([0.4, 0.6, 0.4])
    expected = np.full(8, 0.4)
    expected[5] = 0.6
    assert agent._pheromone[2] == pytest.approx(expected)


def test_neighbouring_values_of_an_ordered_parameter_share_pheromone():
    agent = colony(elite=1, evaporation=1.0, smoothing=0.5, pheromone_floor=0.0)
    agent.tell([trial((0, 1, 3), 1.0)])
    assert agent._pheromone[2] == pytest.approx([0, 0, 0.5, 1, 0.5, 0, 0, 0])
    assert agent._pheromone[0] == pytest.approx([1, 0, 0])


def test_an_inactive_parameter_gets_no_pheromone():
    agent = colony(elite=1, evaporation=0.5)
    agent.tell([trial((0, 0, 0), 1.0)])
    assert (agent._pheromone[2] == 0.5).all()


def test_greedy_ants_take_the_strongest_values():
    agent = colony(ants=1, elite=1, evaporation=0.9, greediness=1.0)
    agent.tell([trial((2, 1, 6), 1.0)])
    assert SPACE.key(agent.ask()[0]) == (2, 1, 6)


def test_ants_do_not_walk_a_path_twice_while_there_are_others():
    agent = colony(ants=8, greediness=1.0)
    keys = [SPACE.key(design) for _ in range(3) for design in agent.ask()]
    assert len(set(keys)) == len(keys)
