"""Averages, profiles, chances to win and tests: closed forms, properties, scipy and rliable."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from archgym.errors import InvalidConfigError
from archgym.stats import (
    bootstrap,
    equivalence,
    holm,
    interquartile_mean,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
    rank_agents,
)

SCORES = np.random.default_rng(5).normal(size=(4, 10))
numbers = st.floats(-100, 100, allow_nan=False).map(lambda x: round(x, 3))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def tables(rows: int = 3, columns: int = 5):
    row = st.lists(numbers, min_size=columns, max_size=columns)
    return st.lists(row, min_size=rows, max_size=rows).map(np.array)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (4, 10), (3, 7)])
def test_interquartile_mean_is_scipys_trimmed_mean(shape, rng):
    scores = rng.normal(size=shape)
    expected = scipy_stats.trim_mean(scores, 0.25, axis=None)
    assert interquartile_mean(scores) == pytest.approx(expected)


def test_interquartile_mean_of_many_resamples_at_once_is_that_of_each(rng):
    many = rng.normal(size=(6, 4, 10))
    expected = [interquartile_mean(one) for one in many]
    np.testing.assert_allclose(interquartile_mean(many), expected)


def test_interquartile_mean_ignores_the_outer_quarters():
    assert interquartile_mean([[-1e9, 1.0, 3.0, 1e9]]) == 2.0


@given(tables(), st.floats(0.1, 5), numbers)
def test_interquartile_mean_moves_and_scales_with_its_scores(scores, factor, shift):
    moved = interquartile_mean(factor * scores + shift)
    np.testing.assert_allclose(moved, factor * interquartile_mean(scores) + shift, atol=1e-6)


def test_optimality_gap_counts_only_what_is_missing():
    assert optimality_gap([[0.5, 2.0], [1.0, 0.0]]) == pytest.approx(0.375)


def test_a_bootstrap_interval_of_the_mean_is_that_of_the_normal_distribution(rng):
    scores = rng.normal(size=(1, 400))
    interval = bootstrap(scores, lambda x: x.mean(axis=(-2, -1)), resamples=4000)
    half = 1.96 * scores.std() / 400**0.5
    assert interval.value == scores.mean()
    assert interval.low == pytest.approx(scores.mean() - half, abs=0.01)
    assert interval.high == pytest.approx(scores.mean() + half, abs=0.01)


def test_strata_are_resampled_each_for_itself():
    # Every stratum is constant: whatever is drawn, the mean over strata cannot move.
    scores = np.repeat([[0.0], [10.0], [50.0]], 8, axis=1)
    interval = bootstrap(scores, lambda x: x.mean(axis=(-2, -1)), resamples=50)
    assert (interval.low, interval.value, interval.high) == (20.0, 20.0, 20.0)


def test_the_same_seed_draws_the_same_runs_of_two_agents():
    shifted = bootstrap(SCORES + 1.0, interquartile_mean, resamples=100)
    plain = bootstrap(SCORES, interquartile_mean, resamples=100)
    assert shifted.low == pytest.approx(plain.low + 1.0)
    assert shifted.high == pytest.approx(plain.high + 1.0)


@pytest.mark.parametrize("bad", [[], [1.0, 2.0], [[]], [[1.0, np.nan]], [[np.inf]]])
def test_scores_of_another_shape_or_not_finite_are_refused(bad):
    with pytest.raises(InvalidConfigError, match=r"Scores of shape|not finite"):
        bootstrap(bad, interquartile_mean)


def test_a_profile_is_the_share_of_runs_at_or_above_each_score():
    profile = performance_profile([[0.0, 1.0], [1.0, 2.0]], [-1.0, 0.5, 1.0, 1.5, 3.0])
    assert profile.share.tolist() == [1.0, 0.75, 0.75, 0.25, 0.0]
    assert (profile.low <= profile.share).all()
    assert (profile.share <= profile.high).all()


@given(tables())
@settings(max_examples=25)
def test_a_profile_falls_and_its_band_holds_it(scores):
    profile = performance_profile(scores, np.linspace(-110, 110, 23), resamples=30)
    for line in (profile.share, profile.low, profile.high):
        assert (np.diff(line) <= 1e-12).all()
    assert profile.share[0] == 1.0
    assert profile.share[-1] == 0.0


def test_probability_of_improvement_is_mann_whitneys_statistic(rng):
    left, right = rng.integers(5, size=(3, 9)), rng.integers(5, size=(3, 7))
    expected = np.mean(
        [
            scipy_stats.mannwhitneyu(x, y).statistic / (9 * 7)
            for x, y in zip(left, right, strict=True)
        ]
    )
    found = probability_of_improvement(left, right)
    assert found.value == pytest.approx(expected)
    assert found.low <= found.value <= found.high


@given(tables(), tables())
@settings(max_examples=25)
def test_the_chances_of_two_agents_add_up_to_one(left, right):
    there = probability_of_improvement(left, right, resamples=10).value
    back = probability_of_improvement(right, left, resamples=10).value
    assert there + back == pytest.approx(1.0)


def test_holm_multiplies_by_the_tests_that_are_left_and_never_reorders():
    # Worked example: sorted p-values times 4, 3, 2, 1, each at least the one before.
    np.testing.assert_allclose(holm([0.04, 0.01, 0.03, 0.005]), [0.06, 0.03, 0.06, 0.02])
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]


def test_friedmans_p_value_and_the_ranks_are_scipys(rng):
    scores = {name: rng.normal(size=12) + i for i, name in enumerate("abc")}
    ranking = rank_agents(scores)
    assert list(ranking.ranks) == ["c", "b", "a"]
    assert ranking.p_value == pytest.approx(scipy_stats.friedmanchisquare(*scores.values()).pvalue)
    pair = next(pair for pair in ranking.pairs if pair.agents == ("a", "b"))
    wilcoxon = scipy_stats.wilcoxon(scores["a"], scores["b"], method="approx").pvalue
    assert pair.p_value == pytest.approx(wilcoxon)
    assert pair.p_holm >= pair.p_value


def test_agents_that_differ_clearly_share_no_group_and_twins_do(rng):
    base = rng.normal(size=40)
    noise = np.resize([1e-3, -1e-3], 40)
    ranking = rank_agents({"best": base + 2, "twin": base + 2 + noise, "worst": base})
    assert [set(group) for group in ranking.groups] == [{"best", "twin"}]
    assert next(iter(ranking.ranks)) != "worst"


def test_agents_that_never_differ_have_no_evidence_against_them():
    ranking = rank_agents({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0], "c": [1.0, 2.0, 3.0]})
    assert ranking.p_value == 1.0
    assert set(ranking.ranks.values()) == {2.0}
    assert ranking.groups == (("a", "b", "c"),)


def test_agents_on_different_blocks_cannot_be_ranked():
    with pytest.raises(InvalidConfigError, match="same blocks"):
        rank_agents({"a": [1.0, 2.0], "b": [1.0]})


def test_equivalence_is_two_one_sided_t_tests(rng):
    differences = rng.normal(loc=0.02, scale=0.1, size=30)
    found = equivalence(differences, 0.1)
    below = scipy_stats.ttest_1samp(differences, -0.1, alternative="greater").pvalue
    above = scipy_stats.ttest_1samp(differences, 0.1, alternative="less").pvalue
    assert found.p_value == pytest.approx(max(below, above))
    interval = scipy_stats.ttest_1samp(differences, 0.0).confidence_interval(0.9)
    assert found.difference.low == pytest.approx(interval.low)
    assert found.difference.high == pytest.approx(interval.high)


@given(st.lists(numbers, min_size=3, max_size=12), st.floats(0.01, 50))
def test_equivalence_means_that_the_interval_lies_within_the_margin(differences, margin):
    found = equivalence(differences, margin)
    inside = -margin < found.difference.low and found.difference.high < margin
    assert found.equivalent == inside


def test_few_noisy_runs_are_neither_different_nor_equivalent():
    differences = np.array([0.5, -0.4, 0.3, -0.6])
    assert not equivalence(differences, 0.1).equivalent
    assert rank_agents({"a": differences, "b": np.zeros(4)}).p_value > 0.05


def test_the_aggregates_are_those_of_rliable(rng):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metrics = pytest.importorskip("rliable.metrics")
    runs = SCORES.T  # rliable: (runs, tasks)
    assert interquartile_mean(SCORES) == pytest.approx(metrics.aggregate_iqm(runs))
    assert optimality_gap(SCORES) == pytest.approx(metrics.aggregate_optimality_gap(runs))
    others = rng.normal(size=(4, 10))
    expected = metrics.probability_of_improvement(runs, others.T)
    assert probability_of_improvement(SCORES, others).value == pytest.approx(expected)
