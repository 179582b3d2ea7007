"""The figures of the evaluation, against values known by counting."""

import numpy as np
import pytest

from costmodel import _metrics as m

ACTUAL = np.array([0.0, 1.0, 2.0, 4.0])
PREDICTED = np.array([0.2, 1.0, 3.4, 2.0])


def test_figures_by_hand():
    assert m.rmse(ACTUAL, PREDICTED) == pytest.approx(np.sqrt((0.04 + 1.96 + 4) / 4))
    assert m.exact_pct(ACTUAL, PREDICTED) == 50
    assert m.within_one_pct(ACTUAL, PREDICTED) == 75
    assert m.mape_pct(ACTUAL, PREDICTED) == pytest.approx(100 * (0 + 0.7 + 0.5) / 3)
    assert m.spearman(ACTUAL, PREDICTED) == pytest.approx(0.8)
    assert m.kendall(ACTUAL, PREDICTED) == pytest.approx(2 / 3)
    assert m.rmse_log2(np.array([3.0]), np.array([7.0])) == 1


def test_auroc_counts_pairs_in_order():
    positive = np.array([True, False, True, False])
    assert m.auroc(positive, np.array([0.9, 0.1, 0.4, 0.4])) == pytest.approx(3.5 / 4)
    assert np.isnan(m.auroc(positive[:1], np.array([1.0])))


def test_what_cannot_be_told_is_not_a_number():
    constant = np.ones(4)
    assert np.isnan(m.spearman(ACTUAL, constant))
    assert np.isnan(m.mape_pct(np.zeros(3), np.ones(3)))


def test_coverage_includes_the_ends():
    assert m.coverage_pct(ACTUAL, ACTUAL, ACTUAL) == 100
    assert m.coverage_pct(ACTUAL, ACTUAL + 1, ACTUAL + 2) == 0


@pytest.mark.parametrize(
    ("quantity", "log", "among", "not_among"),
    [
        ("spills", False, {"spills_auroc", "exact_pct"}, {"rmse_log2"}),
        ("register_pressure_fp", False, {"within_one_pct"}, {"spills_auroc"}),
        ("latency", True, {"rmse_log2", "mape_pct"}, {"exact_pct"}),
    ],
)
def test_a_quantity_has_the_figures_that_make_sense(quantity, log, among, not_among):
    names = set(m.metrics_of(quantity, log))
    assert among <= names
    assert not names & not_among


def test_bootstrap_intervals_contain_the_mean_nineteen_times_in_twenty():
    rng = np.random.default_rng(0)
    hits = 0
    for repeat in range(60):
        values = rng.normal(1.0, 1.0, 80)
        draws = m.resamples(np.arange(80).astype(object), seed=repeat)
        low, high = m.interval(lambda at, v=values: float(v[at].mean()), draws)
        hits += low <= 1.0 <= high
    assert 52 <= hits <= 60


def test_bootstrap_keeps_groups_together():
    values = np.repeat([0.0, 1.0], 50)
    together = np.repeat(["a", "b"], 50).astype(object)
    apart = np.arange(100).astype(object)
    low, high = m.interval(lambda at: float(values[at].mean()), m.resamples(together))
    assert (low, high) == (0, 1)
    low, high = m.interval(lambda at: float(values[at].mean()), m.resamples(apart))
    assert 0.3 < low < high < 0.7
