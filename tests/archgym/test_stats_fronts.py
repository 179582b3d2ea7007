"""Hypervolume, ADRS and IGD+: shapes whose volume is known, properties, moocore."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archgym.errors import InvalidConfigError
from archgym.stats import (
    adrs,
    hypervolume,
    hypervolume_curve,
    hypervolume_difference,
    igd_plus,
    nadir,
)

levels = st.integers(0, 12).map(lambda i: i / 2)
fronts = st.lists(st.tuples(levels, levels), min_size=1, max_size=15).map(np.array)


def test_hypervolume_of_two_objectives_is_the_area_of_the_staircase():
    assert hypervolume([[3, 1], [2, 2], [1, 3], [1, 1]], [0, 0]) == 6.0
    assert hypervolume([[3, 1]], [1, 0]) == 2.0
    assert hypervolume([[4, 7]], [0, 0]) == 28.0


def test_points_that_do_not_exceed_the_reference_count_nothing():
    assert hypervolume([[5, 0], [-1, 9], [0, 0]], [0, 0]) == 0.0
    assert hypervolume(np.empty((0, 2)), [0, 0]) == 0.0
    assert hypervolume([[5, 0], [1, 1]], [0, 0]) == 1.0


def test_hypervolume_of_one_objective_is_a_length():
    assert hypervolume([[1.0], [4.0]], [-1.0]) == 5.0


@given(fronts, st.tuples(levels, levels))
def test_one_more_point_never_lowers_the_hypervolume(front, point):
    larger = hypervolume(np.vstack([front, point]), [0, 0])
    assert larger >= hypervolume(front, [0, 0])
    assert larger <= front[:, 0].max(initial=point[0]) * front[:, 1].max(initial=point[1]) + 1e-12


@given(fronts)
def test_the_order_and_the_axes_do_not_matter(front):
    assert hypervolume(front[::-1], [0, 0]) == hypervolume(front, [0, 0])
    assert hypervolume(front[:, ::-1], [0, 0]) == pytest.approx(hypervolume(front, [0, 0]))


def test_the_hypervolume_is_moocores():
    moocore = pytest.importorskip("moocore")
    rng = np.random.default_rng(2)
    for size in (1, 5, 60):
        points, reference = rng.normal(size=(size, 2)), np.array([-1.0, -0.5])
        expected = moocore.hypervolume(points, ref=reference, maximise=True)
        assert hypervolume(points, reference) == pytest.approx(expected)


def test_three_objectives_are_measured_by_moocore():
    pytest.importorskip("moocore")
    assert hypervolume([[1, 1, 1], [2, 1, 1], [1, 2, 3]], [0, 0, 0]) == pytest.approx(7.0)


def test_without_moocore_three_objectives_are_refused_with_the_remedy(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "moocore", None)
    with pytest.raises(InvalidConfigError, match="pip install moocore"):
        hypervolume([[1, 1, 1]], [0, 0, 0])


def test_the_curve_of_hypervolumes_knows_only_what_was_found_by_then():
    curve = hypervolume_curve([2, 5, 5], [[1, 1], [2, 1], [1, 2]], [0, 0], [1, 2, 4, 5, 100])
    assert curve.tolist() == [0.0, 1.0, 1.0, 3.0, 3.0]
    assert hypervolume_curve([], [], [0, 0], [1, 10]).tolist() == [0.0, 0.0]


def test_the_nadir_lies_a_tenth_of_the_range_below_the_front():
    np.testing.assert_allclose(nadir([[0, 10], [5, 0]]), [-0.5, -1.0])
    np.testing.assert_allclose(nadir([[3, 4]]), [2.9, 3.9])


def test_the_whole_front_leaves_no_difference_and_nothing_leaves_all():
    front = np.array([[3.0, 1.0], [1.0, 3.0]])
    assert hypervolume_difference(front, front, nadir(front)) == 0.0
    assert hypervolume_difference([], front, nadir(front)) == 1.0
    with pytest.raises(InvalidConfigError, match="lower one"):
        hypervolume_difference(front, front, [9, 9])


def test_adrs_is_the_mean_excess_of_the_worst_metric():
    # One octave behind in one metric: twice as large, an excess of 100 %.
    assert adrs([[2.0, 2.0]], [[3.0, 2.0]]) == pytest.approx(1.0)
    # The other half of the front was found: the mean of 100 % and 0.
    assert adrs([[2.0, 2.0], [0.0, 9.0]], [[3.0, 2.0], [0.0, 9.0]]) == pytest.approx(0.5)
    assert adrs([[4.0, 4.0]], [[3.0, 2.0]]) == 0.0
    assert adrs([], [[3.0, 2.0]]) == np.inf


def test_igd_plus_counts_only_shortfalls():
    assert igd_plus([[0.0, 9.0]], [[3.0, 4.0]]) == 3.0
    assert igd_plus([[0.0, 0.0]], [[3.0, 4.0]]) == 5.0
    assert igd_plus([], [[3.0, 4.0]]) == np.inf


def test_igd_plus_is_moocores():
    moocore = pytest.importorskip("moocore")
    rng = np.random.default_rng(4)
    found, front = rng.normal(size=(20, 3)), rng.normal(size=(8, 3)) + 1
    expected = moocore.igd_plus(found, ref=front, maximise=True)
    assert igd_plus(found, front) == pytest.approx(expected)


@given(fronts, fronts)
def test_more_designs_never_worsen_adrs_and_igd_plus(found, front):
    some = found[: max(1, len(found) // 2)]
    assert adrs(found, front) <= adrs(some, front)
    assert igd_plus(found, front) <= igd_plus(some, front) + 1e-12
    assert adrs(front, front) == igd_plus(front, front) == 0.0
