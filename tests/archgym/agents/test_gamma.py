"""The gamma agent: its operators on permutations, vectors, conditions and groups."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archgym.agents import GammaAgent, GammaConfig
from archgym.envs.mapping import MappingProblem
from archgym.search import search
from archgym.space import Categorical, Condition, DesignSpace, Integer, Permutation, Vector
from archgym.testing import AgentConformance, ToyProblem

TILES = tuple((a, b) for a in (1, 2, 4, 8) for b in (1, 2, 4, 8) if b <= a)
ONLY = dict.fromkeys(("reorder", "resize", "trade", "grow", "age", "change"), 0.0)


class TestConformance(AgentConformance):
    """On spaces of all kinds, without permutations or vectors."""

    agent = "gamma"
    hyperparameters = {"population": 12, "children": 6}


class TestConformanceOfTwoPoint(AgentConformance):
    """With the other crossover."""

    agent = "gamma"
    hyperparameters = {"population": 12, "children": 6, "crossover": "two_point"}


def space() -> DesignSpace:
    """A space of one or two levels with everything the operators look at."""
    two = Condition("levels", (2,))
    return DesignSpace(
        [
            Integer(name="levels", low=1, high=2),
            Permutation(name="order_1", items=tuple("KCYX"), group="level_1"),
            Categorical(name="spatial_1", choices=tuple("KCYX"), group="level_1"),
            Permutation(name="order_2", items=tuple("KCYX"), when=two, group="level_2"),
            Vector(
                name="tiles_of_1",
                rows=((1,), (2,), (4,), (8,)),
                when=Condition("levels", (1,)),
                group="tiles",
            ),
            Vector(name="tiles_of_2", rows=TILES, when=two, group="tiles"),
        ]
    )


def agent(seed: int = 0, made: DesignSpace | None = None, **config: object) -> GammaAgent:
    return GammaAgent(made or space(), budget=100, seed=seed, config=GammaConfig(**config))


def genes(**design: object) -> np.ndarray:
    found = [p.index(design[p.name]) if p.name in design else 0 for p in space().parameters]
    return np.array(found, dtype=np.int64)


TWO = {"levels": 2, "order_1": "KCYX", "spatial_1": "C", "order_2": "XYCK", "tiles_of_2": "8/2"}


@given(st.integers(0, 200))
@settings(max_examples=40, deadline=None)
def test_reorder_swaps_two_loops_of_one_active_level(seed: int) -> None:
    for start, levels in ((genes(**{**TWO, "levels": 1}), 1), (genes(**TWO), 2)):
        child = start.copy()
        agent(seed, **{**ONLY, "reorder": 1.0})._mutate(child, 0.0)
        (i,) = np.flatnonzero(child != start)
        parameter = space().parameters[i]
        assert parameter.name in ("order_1", "order_2")[:levels]
        before, after = parameter.values[start[i]], parameter.values[child[i]]
        assert sum(a != b for a, b in zip(before, after, strict=True)) == 2


@given(st.integers(0, 200))
@settings(max_examples=40, deadline=None)
def test_resize_changes_a_tile_and_mends_those_that_depend_on_it(seed: int) -> None:
    start = genes(**TWO)
    child = start.copy()
    agent(seed, **{**ONLY, "resize": 1.0})._mutate(child, 0.0)
    (i,) = np.flatnonzero(child != start)
    assert space().names[i] == "tiles_of_2"
    outer, inner = TILES[child[i]]
    # From 8/2: another outer tile leaves the inner one as it is, or as large as still fits.
    assert (outer, inner) in {(8, 1), (8, 4), (8, 8), (4, 2), (2, 2), (1, 1)}


@given(st.integers(0, 200))
@settings(max_examples=40, deadline=None)
def test_trade_enlarges_one_number_and_reduces_another(seed: int) -> None:
    names = ("a", "b", "c")
    made = DesignSpace([Vector(name=n, rows=tuple((k,) for k in range(1, 10))) for n in names])
    start = np.array([4, 4, 4])
    child = start.copy()
    agent(seed, made, **{**ONLY, "trade": 1.0})._mutate(child, 0.0)
    assert sorted(np.sign(child - start)) == [-1, 0, 1]


def test_growing_a_level_keeps_the_tiles_there_are() -> None:
    start = genes(levels=1, order_1="CKYX", spatial_1="K", tiles_of_1="4")
    child = start.copy()
    agent(**{**ONLY, "grow": 1.0})._mutate(child, 0.0)
    design = space().decode(child)
    assert (design["levels"], design["order_1"], design["tiles_of_2"]) == (2, "CKYX", "4/4")
    agent(**{**ONLY, "age": 1.0})._mutate(child, 0.0)
    assert space().decode(child) == space().decode(start)
    unchanged = child.copy()
    agent(**{**ONLY, "age": 1.0})._mutate(unchanged, 0.0)
    assert (unchanged == child).all()  # there is nothing to switch off


@pytest.mark.parametrize("crossover", ["uniform", "two_point"])
def test_crossover_keeps_groups_together(crossover: str) -> None:
    made = space()
    group_of = [p.group or p.name for p in made.parameters]
    seen = set()
    mixing = agent(crossover=crossover)
    for _ in range(100):
        mask = mixing._crossover_mask()
        for group in set(group_of):
            taken = {bool(m) for m, g in zip(mask, group_of, strict=True) if g == group}
            assert len(taken) == 1
        seen.add(tuple(mask.tolist()))
    assert len(seen) > 5


@given(st.integers(0, 50))
@settings(max_examples=15, deadline=None)
def test_every_design_it_asks_for_is_new_and_legal(seed: int) -> None:
    problem = MappingProblem(workload="mobilenetv2/10", levels=3, min_levels=1)
    searching = GammaAgent(
        problem.space, budget=100, seed=seed, config=GammaConfig(population=6, children=3)
    )
    result = search(problem, lambda *_, **__: searching, 20, seed=seed)
    keys = [trial.indices for trial in result.trials]
    assert len(set(keys)) == len(keys)
    assert all(problem.space.is_legal(trial.design) for trial in result.trials)


def test_operators_without_weight_leave_plain_mutation() -> None:
    mutated = agent(**ONLY)
    child = genes(**TWO)
    mutated._mutate(child, 0.0)
    assert (child != genes(**TWO)).sum() == 1


def test_without_structure_it_mutates_as_the_genetic_agent_does() -> None:
    made = ToyProblem().space
    plain = agent(made=made)
    names = {operator.__name__ for _, operator in plain._operators}
    assert names == {"_change", "_grow", "_age"}  # conditions are structure, too
    unconditional = DesignSpace([Integer(name=f"p{i}", low=0, high=9) for i in range(3)])
    assert [o.__name__ for _, o in agent(made=unconditional)._operators] == ["_change"]
