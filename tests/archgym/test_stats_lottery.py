"""The lottery's statistics: enumerated draws, known variances, planted effects."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archgym.errors import InvalidConfigError
from archgym.stats import (
    SOURCES,
    expected_best,
    lottery_curve,
    mean_score,
    share_beating,
    tuned_scores,
    variance_shares,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=7))
def test_the_expected_best_is_the_mean_over_all_draws(tickets):
    counts = range(1, len(tickets) + 1)
    every = [np.mean([max(draw) for draw in combinations(tickets, k)]) for k in counts]
    np.testing.assert_allclose(expected_best(tickets, list(counts)), every, atol=1e-9)


def test_the_expected_best_of_uniform_tickets_is_k_over_k_plus_1():
    # Maximum of k draws without replacement from 1..n: k (n + 1) / (k + 1).
    found = expected_best(np.arange(1, 65), [1, 4, 64])
    np.testing.assert_allclose(found, [32.5, 4 * 65 / 5, 64.0])


@pytest.mark.parametrize("counts", [[0], [4], []])
def test_more_tickets_than_there_are_cannot_be_drawn(counts):
    with pytest.raises(InvalidConfigError, match="tickets"):
        expected_best([1.0, 2.0, 3.0], counts)


def test_the_curve_is_the_mean_over_problems_and_seeds_with_a_band_around_it(rng):
    scores = rng.normal(size=(2, 20, 5))
    curve = lottery_curve(scores, [1, 2, 10], resamples=200)
    by_hand = np.mean(
        [expected_best(scores[p, :, s], [1, 2, 10]) for p in (0, 1) for s in range(5)]
    )
    assert curve.best.mean() == pytest.approx(by_hand)
    assert curve.best[0] == pytest.approx(scores.mean())
    assert (np.diff(curve.best) > 0).all()
    assert (curve.low < curve.best).all()
    assert (curve.best < curve.high).all()


def test_a_curve_of_equal_tickets_is_flat_and_certain():
    curve = lottery_curve(np.ones((2, 8, 3)), [1, 4, 8], resamples=20)
    for line in (curve.best, curve.low, curve.high):
        np.testing.assert_allclose(line, 1.0)


def test_the_share_of_settings_that_beat_another_agent():
    scores = np.zeros((1, 4, 3)) + np.array([1.0, 2.0, -1.0, 3.0])[None, :, None]
    found = share_beating(scores, np.zeros((1, 3)), resamples=300)
    assert found.value == 0.75
    assert 0.0 <= found.low <= 0.75 <= found.high <= 1.0
    with pytest.raises(InvalidConfigError, match="same problems and seeds"):
        share_beating(scores, np.zeros((1, 2)))


def test_the_interval_of_the_mean_respects_that_runs_share_settings(rng):
    # Ten seeds of a setting agree: there are 30 independent values, not 300.
    scores = np.repeat(rng.normal(size=(1, 30, 1)), 10, axis=2)
    found = mean_score(scores, resamples=1000)
    half = 1.96 * scores.std() / 30**0.5
    assert found.high - found.low == pytest.approx(2 * half, rel=0.15)


def test_tuning_is_judged_on_seeds_that_it_has_not_seen(rng):
    noise = rng.normal(size=(1, 200, 10))
    judged, _ = tuned_scores(noise)
    seen = noise.mean(axis=2).max()
    assert seen > 0.7  # the best of 200 settings that are all the same looks good
    assert abs(judged.mean()) < 0.8 * seen


def test_tuning_finds_the_setting_that_is_best_on_each_problem(rng):
    scores = rng.normal(scale=0.01, size=(2, 5, 6))
    scores[0, 3] += 1.0
    scores[1, 1] += 1.0
    judged, chosen = tuned_scores(scores)
    assert chosen.tolist() == [[3, 3], [1, 1]]
    assert judged.mean() == pytest.approx(1.0, abs=0.02)


def planted(problem=0.0, agent=0.0, setting=0.0, seed=0.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(11)
    problems = problem * np.array([-1.0, 0.0, 1.0])[:, None, None]
    return {
        name: problems
        + agent * i
        + setting * rng.normal(size=(1, 12, 1))
        + seed * rng.normal(size=(3, 12, 10))
        for i, name in enumerate("abcd")
    }


@pytest.mark.parametrize("source", ["problem", "agent", "setting", "seed"])
def test_a_planted_effect_explains_the_differences(source):
    shares = variance_shares(planted(**{"seed": 0.01, source: 5.0}), resamples=20)
    found = {share.source: share for share in shares}
    assert found[source].share.value > 0.9
    others = [share.share.value for share in shares if share.source != source]
    assert max(others) < 0.1


def test_shares_add_up_and_so_do_the_sums_of_squares():
    scores = planted(1.0, 0.5, 0.7, 0.9)
    scores["d"] = scores["d"][:, :1]  # an agent without hyperparameters
    shares = variance_shares(scores, resamples=50)
    assert [share.source for share in shares] == list(SOURCES)
    assert sum(share.share.value for share in shares) == pytest.approx(1.0)
    every = np.concatenate([values.ravel() for values in scores.values()])
    total = np.sum((every - every.mean()) ** 2)
    assert sum(share.sum_of_squares for share in shares) == pytest.approx(total)
    assert sum(share.degrees_of_freedom for share in shares) == every.size - 1


def test_seeds_alone_leave_nothing_to_be_explained_by_settings():
    shares = {s.source: s.share.value for s in variance_shares(planted(seed=1.0), resamples=5)}
    # 48 settings with 30 runs each: uncorrected, chance alone would give 44 / 1439 = 3 %.
    assert shares["setting"] < 0.015
    assert shares["seed"] > 0.95


def test_sources_of_variance_match_when_only_numbers_are_scaled():
    scores = planted(1.0, 0.5, 0.7, 0.9)
    plain = variance_shares(scores, resamples=5)
    scaled = variance_shares({k: 3 * v + 7 for k, v in scores.items()}, resamples=5)
    for one, other in zip(plain, scaled, strict=True):
        assert one.share.value == pytest.approx(other.share.value)
        assert one.share.low == pytest.approx(other.share.low)


def test_agents_with_other_seeds_cannot_be_split():
    with pytest.raises(InvalidConfigError, match="same problems and seeds"):
        variance_shares({"a": np.zeros((2, 3, 4)), "b": np.zeros((2, 3, 5))})
