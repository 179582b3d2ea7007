"""Designs built decision by decision: every design can be built, and no dead end is walked into."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archgym.agents._construction import MAX_WIDTH, Construction
from archgym.space import Categorical, Condition, Constraint, DesignSpace, Integer
from archgym.testing import ToyProblem

WIDE = DesignSpace(
    [
        Integer(name="depth", low=1, high=1000),
        Categorical(name="policy", choices=("none", "some")),
        Integer(name="extent", low=0, high=40, when=Condition("policy", ("some",))),
        Categorical(name="fixed", choices=("only",)),
    ],
    [
        Constraint(
            "even",
            lambda d: float(d.get("extent", 0)) % 2,
            "The extent is even.",
            ("extent",),
        )
    ],
)

SPACES = [WIDE, ToyProblem().space]


def build(space, choose):
    construction = Construction(space)
    partial = construction.start()
    while not construction.done(partial):
        construction.choose(partial, choose(construction.mask(partial)))
    return partial.row


@pytest.mark.parametrize("space", SPACES)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_the_decisions_of_a_design_lead_to_it(space, seed):
    row = space.sample_indices(np.random.default_rng(seed), 1)[0]
    decisions = Construction(space).decisions(row)
    branches = iter(branch for _, _, branch in decisions)
    assert build(space, lambda _: next(branches)).tolist() == row.tolist()
    assert all(mask[branch] for _, mask, branch in decisions)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_a_constraint_settled_by_its_last_parameter_is_never_broken(seed):
    space, rng = ToyProblem().space, np.random.default_rng(seed)
    row = build(space, lambda mask: rng.choice(np.flatnonzero(mask)))
    assert space.is_legal(space.decode(row))
    assert space.canonical(row).tolist() == row.tolist()


@pytest.mark.parametrize("space", SPACES)
def test_a_design_takes_no_more_decisions_than_announced_and_no_needless_ones(space):
    rng = np.random.default_rng(0)
    construction = Construction(space)
    counts = [len(construction.decisions(row)) for row in space.sample_indices(rng, 50)]
    assert max(counts) <= construction.most_decisions
    assert all(
        mask.sum() > 1 or space.constraints
        for row in space.sample_indices(rng, 20)
        for _, mask, _ in construction.decisions(row)
    )


def test_a_wide_grid_is_narrowed_in_several_decisions_and_an_inactive_parameter_takes_none():
    construction = Construction(WIDE)
    assert construction.width == MAX_WIDTH
    # 1000 values are three decisions of sixteen parts, the policy one, 41 values two.
    assert construction.most_decisions == 3 + 1 + 2
    assert len(construction.decisions(np.array([999, 0, 0, 0]))) <= 4


def test_where_every_branch_is_illegal_those_that_exist_stay_open():
    space = DesignSpace(
        [Integer(name="a", low=0, high=3), Integer(name="b", low=1, high=3)],
        [Constraint("sum", lambda d: float(d["a"]) + float(d["b"]) - 3, "", ("a", "b"))],
    )
    construction = Construction(space)
    partial = construction.start()
    construction.choose(partial, 3)
    assert construction.mask(partial).tolist() == [True, True, True, False]


def test_features_tell_every_two_steps_apart():
    construction = Construction(WIDE)
    decisions = construction.decisions(np.array([700, 1, 30, 0]))
    features = {row.tobytes() for row, _, _ in decisions}
    assert len(features) == len(decisions)
    assert all(row.min() >= 0 and row.max() <= 1 for row, _, _ in decisions)
