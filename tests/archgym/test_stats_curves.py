"""Regret, areas and evaluations to targets, on curves small enough to check by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archgym.errors import InvalidConfigError
from archgym.stats import (
    best_at,
    first_reached,
    log_regret_area,
    normalised_regret,
    quantile_targets,
    ratio,
    targets_reached,
)

CURVE = ([1, 10], [0.0, 0.9])


@st.composite
def curves(draw):
    when = sorted(draw(st.sets(st.integers(1, 99), min_size=1, max_size=8)))
    gains = draw(st.lists(st.floats(0.01, 1), min_size=len(when), max_size=len(when)))
    return when, np.cumsum(gains)


def test_normalised_regret_is_0_at_the_optimum_and_1_at_the_baseline():
    assert normalised_regret([4.0, 2.0, 0.0, -4.0], 4.0).tolist() == [0.0, 0.5, 1.0, 2.0]
    assert normalised_regret(3.0, 4.0, 2.0) == 0.5
    with pytest.raises(InvalidConfigError, match="nothing to improve"):
        normalised_regret(0.0, 0.0)


def test_the_best_so_far_is_unknown_before_the_first_feasible_design():
    np.testing.assert_equal(best_at([3, 5], [1.0, 2.0], [1, 3, 4, 5, 9]), [np.nan, 1, 1, 2, 2])
    np.testing.assert_equal(best_at([], [], [1]), [np.nan])


def test_the_area_weighs_factors_of_evaluations_the_same():
    # Regret 1 from 1 to 10 and 0.1 from 10 to 100: half of the logarithmic axis each.
    assert log_regret_area(*CURVE, optimum=1.0, budget=100) == pytest.approx(-0.5)


def test_regret_below_the_floor_counts_as_the_floor():
    assert log_regret_area([1], [1.0], 1.0, 100, floor=1e-2) == pytest.approx(-2.0)


def test_before_the_first_feasible_design_there_is_the_default_one():
    assert log_regret_area([], [], 10.0, 100) == pytest.approx(1.0)
    assert log_regret_area([10], [9.0], 10.0, 100) == pytest.approx(0.5)


@given(curves(), st.integers(2, 120))
def test_a_curve_that_is_never_worse_has_no_larger_area(curve, budget):
    when, rewards = curve
    top = float(rewards[-1]) + 1.0
    better = log_regret_area(when, rewards + 0.5, top, budget)
    assert better <= log_regret_area(when, rewards, top, budget) + 1e-12


def test_targets_are_reached_at_the_first_step_that_is_high_enough():
    reached = first_reached([1, 4, 9], [0.0, 1.0, 2.0], [-1.0, 1.0, 1.5, 2.0, 2.1])
    assert reached.tolist() == [1, 4, 9, 9, np.inf]
    assert first_reached([], [], [0.0]).tolist() == [np.inf]


def test_the_ecdf_is_the_share_of_pairs_of_run_and_target():
    runs = [([1, 4], [0.0, 1.0]), ([2], [1.0])]
    shares = targets_reached(runs, [[0.0, 1.0], [1.0, 5.0]], [1, 2, 4, 100])
    assert shares.tolist() == [0.25, 0.5, 0.75, 0.75]


@given(curves(), st.lists(st.floats(0, 9), min_size=1, max_size=5))
def test_the_ecdf_never_falls(curve, targets):
    shares = targets_reached([curve], [targets], np.arange(1, 110))
    assert (np.diff(shares) >= 0).all()
    assert shares[-1] == np.mean(np.array(targets) <= curve[1][-1])


def test_quantile_targets_are_rewards_of_the_best_designs():
    rewards = np.arange(1000.0)
    assert quantile_targets(rewards, (0.01, 0.001, 0.0)).tolist() == [990.0, 999.0, 999.0]


def test_a_ratio_of_nothing_is_unknown():
    np.testing.assert_equal(ratio([1, 0], [4, 0]), [0.25, np.nan])
