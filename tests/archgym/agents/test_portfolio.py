"""The portfolio, and what agents learn from looking on."""

import numpy as np
import pytest

from archgym import search
from archgym.agents import AGENTS, PortfolioAgent, PortfolioConfig
from archgym.agents._portfolio import MEMBERS, _area, _Member
from archgym.space import Categorical, Design, DesignSpace, Integer
from archgym.testing import ToyProblem
from archgym.trials import Trial

SPACE = DesignSpace(
    [Categorical(name="kind", choices=tuple("abcd"))]
    + [Integer(name=f"x{i}", low=0, high=15) for i in range(4)]
)
TREASURE: Design = {"kind": "c", "x0": 3, "x1": 12, "x2": 7, "x3": 0}


def trial(design: Design, reward: float, *, cached: bool = False) -> Trial:
    return Trial(
        index=0,
        design=design,
        indices=SPACE.key(design),
        metrics={},
        feasible=True,
        violations={},
        reward=reward,
        rewards=(reward,),
        cached=cached,
    )


def distance(design: Design) -> int:
    return int((SPACE.encode(design) != SPACE.encode(TREASURE)).sum())


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_a_member_searches_near_a_good_design_that_another_found(member):
    def nearest(shown: bool) -> float:
        agent = member(SPACE, budget=300, seed=0)
        found = []
        for _ in range(12):
            designs = agent.ask()
            found += [distance(design) for design in designs]
            agent.tell([trial(design, -1.0 - 0.01 * design["x0"]) for design in designs])
            if shown:
                agent.observe([trial(TREASURE, 5.0)])
        return float(np.mean(sorted(found)[: len(found) // 4]))

    assert nearest(shown=True) < nearest(shown=False)


@pytest.mark.parametrize("name", ["random_walk", "sobol"])
def test_an_agent_that_learns_nothing_ignores_what_others_find(name):
    alone, looking_on = (AGENTS[name](SPACE, budget=9, seed=0) for _ in range(2))
    looking_on.observe([trial(TREASURE, 5.0)])
    assert alone.ask() == looking_on.ask()


def test_every_member_has_a_turn_before_any_has_a_second():
    agent = PortfolioAgent(SPACE, budget=300, seed=0)
    agent.tell([trial(design, 0.0) for design in agent.ask()])
    turns = []
    for _ in range(len(MEMBERS)):
        agent.tell([trial(design, 0.0) for design in agent.ask()])
        turns.append(agent._turn)
    assert sorted(turns) == list(range(len(MEMBERS)))


def test_the_first_designs_are_random_and_all_members_learn_from_them():
    agent = PortfolioAgent(SPACE, budget=300, seed=0, config=PortfolioConfig(initial=30))
    designs = agent.ask()
    assert len(designs) == 30
    agent.tell([trial(design, -distance(design)) for design in designs])
    nearest = min(map(distance, designs))
    follow = [distance(design) for _ in MEMBERS for design in asked(agent)]
    assert np.mean(follow) < np.mean([distance(design) for design in designs])
    assert min(follow) <= nearest


def asked(agent):
    """Return the designs of the next turn, after telling the agent about them."""
    designs = agent.ask()
    agent.tell([trial(design, -distance(design)) for design in designs])
    return designs


def test_the_turns_go_to_the_member_that_improves():
    config = PortfolioConfig(exploration=0.01)
    agent = PortfolioAgent(SPACE, budget=1000, seed=0, config=config)
    turns, reward = [], 0.0
    for _ in range(60):
        designs = agent.ask()
        turns.append(agent._turn)
        reward += agent._turn == 3
        agent.tell([trial(design, reward if agent._turn == 3 else -1.0) for design in designs])
    assert turns[20:].count(3) > 30


def test_a_turn_is_no_longer_than_asked_for():
    agent = PortfolioAgent(SPACE, budget=300, seed=0, config=PortfolioConfig(turn=3, initial=3))
    for _ in range(20):
        designs = agent.ask()
        assert 1 <= len(designs) <= 3
        agent.tell([trial(design, -distance(design)) for design in designs])


def test_a_member_hears_its_whole_batch_at_once():
    class Recorder:
        heard: list[int] = []

        def ask(self):
            return [dict(TREASURE, x0=k) for k in range(5)]

        def tell(self, trials):
            self.heard.append(len(trials))

    member = _Member(Recorder())
    for _ in range(3):
        member.tell([trial(design, 0.0) for design in member.ask(2)])
    assert Recorder.heard == [5]


def test_late_improvements_weigh_more():
    assert _area([False, True]) == pytest.approx(2 / 3)
    assert _area([True, False]) == pytest.approx(1 / 3)
    assert _area([True, True, True]) == 1.0


def test_members_that_share_nothing_search_as_if_alone():
    shared = search(ToyProblem(), "portfolio", budget=60, seed=1)
    apart = search(ToyProblem(), "portfolio", budget=60, seed=1, hyperparameters={"share": False})
    assert [t.indices for t in shared.trials] != [t.indices for t in apart.trials]
