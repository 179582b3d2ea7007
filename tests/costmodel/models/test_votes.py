"""Choosing among votes: medians, modes, and which of them suits a target."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.models._target import Target
from costmodel.models._votes import (
    VoteChoice,
    nearness,
    weighted_median,
    weighted_mode,
    weighted_quantile,
)

VOTES = np.array([[5.0, 1.0, 5.0, 2.0, 9.0], [0.0, 0.0, 3.0, 3.0, 3.0]])
SPILLS = Target(name="cpu/spills", log=True)


def test_equal_weights_give_the_median_and_the_mode():
    ones = np.ones_like(VOTES)
    assert weighted_median(VOTES, ones).tolist() == [5.0, 3.0]
    assert weighted_mode(VOTES, ones).tolist() == [5.0, 3.0]
    assert weighted_quantile(VOTES, ones, 0.2).tolist() == [1.0, 0.0]


def test_weight_moves_the_median_and_the_mode():
    weights = np.array([[1.0, 9.0, 1.0, 1.0, 1.0], [4.0, 4.0, 1.0, 1.0, 1.0]])
    assert weighted_median(VOTES, weights).tolist() == [1.0, 0.0]
    assert weighted_mode(VOTES, weights).tolist() == [1.0, 0.0]


def test_no_program_has_no_value():
    none = np.empty((0, 4))
    assert weighted_mode(none, none).shape == (0,)
    assert weighted_median(none, none).shape == (0,)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=9), st.floats(0, 6), st.floats(0.1, 9))
def test_what_is_chosen_is_a_vote(votes: list[int], centre: float, reach: float):
    row, middle = np.array([votes], dtype=float), np.array([centre])
    for rule in ("median", "mode"):
        assert VoteChoice(rule, reach).of(row, middle)[0] in votes


def test_near_votes_count_more_and_far_ones_still_something():
    weights = nearness(np.array([[2.0, 3.0, 900.0]]), np.array([2.0]), 1.0)[0]
    assert weights[:2] == pytest.approx([1.0, np.exp(-1.0)])
    assert 0.0 < weights[2] < 1e-6
    assert (nearness(VOTES, np.zeros(2), np.inf) == nearness(VOTES, np.ones(2), np.inf)).all()


def test_votes_for_none_do_not_count_where_there_is_some():
    votes, centre = np.array([[0.0, 0.0, 3.0], [0.0, 0.0, 0.0]]), np.array([1.0, 1.5])
    assert VoteChoice("mode").of(votes, centre).tolist() == [0.0, 0.0]
    assert VoteChoice("mode").of(votes, centre, some=True).tolist() == [3.0, 1.5]


def test_votes_are_chosen_where_they_are_exact():
    rng = np.random.default_rng(0)
    labels = rng.choice([0.0, 7.0, 40.0], 300)
    right = rng.random((300, 15)) < 0.6
    votes = SPILLS.forward(np.where(right, labels[:, None], rng.choice([1.0, 20.0], (300, 15))))
    centre = SPILLS.forward(labels) + rng.normal(0, 0.3, 300)
    choice = VoteChoice.best(SPILLS, votes, centre, labels)
    assert choice.rule != "none"
    assert np.mean(choice.of(votes, centre) == SPILLS.forward(labels)) > 0.95


def test_votes_that_lead_away_are_not_chosen():
    labels = np.arange(50.0)
    centre = SPILLS.forward(labels)
    assert VoteChoice.best(SPILLS, np.full((50, 9), 3.0), centre, labels).rule == "none"


def test_a_single_large_error_does_not_forbid_exact_votes():
    labels = np.full(300, 7.0)
    votes = np.repeat(SPILLS.forward(labels)[:, None], 9, axis=1)
    centre = SPILLS.forward(labels + 2.0)
    votes[0] = SPILLS.forward(np.array([60.0]))
    assert 53.0**2 > 300 * 2.0**2  # the squared error alone speaks against them
    assert VoteChoice.best(SPILLS, votes, centre, labels, some=True).rule != "none"
    votes[:60] = votes[0]
    assert VoteChoice.best(SPILLS, votes, centre, labels, some=True).rule == "none"


def test_a_choice_survives_being_saved():
    for choice in (VoteChoice(), VoteChoice("median", 0.5), VoteChoice("mode", np.inf)):
        assert VoteChoice.from_row(np.array(choice.to_row())) == choice
