"""Statistics of scores against rliable, the library of the paper that they are from.

Optional: skipped unless rliable is installed.
"""

import numpy as np
import pytest

from archgym.stats import (
    Estimate,
    bootstrap,
    interquartile_mean,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
)

library = pytest.importorskip("rliable.library")
metrics = pytest.importorskip("rliable.metrics")

pytestmark = pytest.mark.filterwarnings("ignore:random_state is deprecated:FutureWarning")

RESAMPLES = 4000
SHAPES = [(1, 8), (3, 10), (5, 7), (10, 20)]
"""Problems and runs."""


def scores(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, *shape])
    return rng.normal(rng.uniform(0.3, 1.1, (shape[0], 1)), 0.3, shape)


def repeatable() -> np.random.RandomState:
    return np.random.RandomState(0)


def interval_of(values: np.ndarray, statistic) -> Estimate:
    """Return what rliable says; it has problems in columns."""
    points, ends = library.get_interval_estimates(
        {"a": values.T},
        lambda x: np.array([statistic(x)]),
        reps=RESAMPLES,
        random_state=repeatable(),
    )
    low, high = ends["a"].ravel()
    return Estimate(value=float(points["a"][0]), low=float(low), high=float(high))


def assert_about_the_same(ours: Estimate, theirs: Estimate) -> None:
    """Compare; ends of 4,000 resamples are uncertain by a few percent of their distance."""
    assert ours.value == pytest.approx(theirs.value, abs=1e-12)
    width = theirs.high - theirs.low
    assert width > 0
    assert ours.low == pytest.approx(theirs.low, abs=0.1 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.1 * width)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (interquartile_mean, metrics.aggregate_iqm),
        (optimality_gap, metrics.aggregate_optimality_gap),
    ],
    ids=["interquartile_mean", "optimality_gap"],
)
def test_aggregates_and_their_intervals_are_those_of_rliable(shape, ours, theirs):
    values = scores(shape)
    found = bootstrap(values, ours, resamples=RESAMPLES)
    assert_about_the_same(found, interval_of(values, theirs))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_probability_of_improvement_is_that_of_rliable(shape):
    values, others = scores(shape), np.round(scores(shape, seed=1), 1)
    values[:, :3] = others[:, :3]  # ties count a half
    found = probability_of_improvement(values, others, resamples=RESAMPLES)
    points, ends = library.get_interval_estimates(
        {"a,b": (values.T, others.T)},
        metrics.probability_of_improvement,
        reps=1000,
        random_state=repeatable(),
    )
    low, high = ends["a,b"].ravel()
    theirs = Estimate(value=float(points["a,b"]), low=float(low), high=float(high))
    assert_about_the_same(found, theirs)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_performance_profile_is_that_of_rliable(shape):
    values, limits = scores(shape), np.linspace(0.0, 1.5, 31)
    found = performance_profile(values, limits, resamples=RESAMPLES)
    shares, bands = library.create_performance_profile({"a": values.T}, limits, reps=RESAMPLES)
    assert found.share == pytest.approx(shares["a"], abs=1e-12)
    # One run more or less, and what resampling leaves uncertain.
    slack = 1.0 / values.size + 0.02
    assert found.low == pytest.approx(bands["a"][0], abs=slack)
    assert found.high == pytest.approx(bands["a"][1], abs=slack)
