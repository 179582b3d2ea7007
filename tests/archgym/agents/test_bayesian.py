"""The Gaussian process and its acquisition function against direct computation."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from archgym.agents import BayesianAgent, BayesianConfig
from archgym.agents._acquisition import WARPS, log_expected_improvement
from archgym.agents._gaussian_process import (
    GaussianProcess,
    Hyper,
    MixedEncoding,
    _loss,
    default_hyper,
    fit_hyper,
)
from archgym.space import Categorical, Condition, DesignSpace, Integer, Ordinal, Real
from archgym.trials import Trial

SPACE = DesignSpace(
    [
        Categorical(name="policy", choices=("a", "b", "c")),
        Categorical(name="refresh", choices=("off", "on")),
        Integer(name="postponed", low=1, high=8, when=Condition("refresh", ("on",))),
        Categorical(name="mode", choices=("x", "y"), when=Condition("refresh", ("on",))),
        Ordinal(name="buffer", values=(1, 2, 4, 8, 16)),
        Integer(name="active", low=1, high=64),
        Real(name="voltage", low=1.0, high=1.3, steps=500),
    ]
)
ENCODING = MixedEncoding(SPACE)
HYPER = Hyper(np.array([0.7, 1.3, 0.5, 0.9, 0.4, 0.8, 1.1]), 0.6, 0.8, 0.01)


def matern52(distance):
    """Return Matern 5/2 as in its definition."""
    scaled = np.sqrt(5) * distance
    return (1 + scaled + scaled**2 / 3) * np.exp(-scaled)


def kernel(a, b):
    """Return the kernel of two index vectors, term by term, as the module's docstring has it."""
    distances = []
    on = [SPACE.active(np.array(v)) for v in (a, b)]
    for j, parameter in enumerate(SPACE.parameters):
        active = [bool(mask[j]) for mask in on]
        if parameter.ordered:
            grid = [
                position(parameter, v[j]) if o else 0.5 for v, o in zip((a, b), active, strict=True)
            ]
            gap = abs(grid[0] - grid[1])
        else:
            values = [v[j] if o else None for v, o in zip((a, b), active, strict=True)]
            gap = float(values[0] != values[1])
        distances.append(gap / HYPER.lengths[j])
    additive = sum(matern52(d) for d in distances) / len(distances)
    return HYPER.additive * additive + HYPER.joint * matern52(np.sqrt(np.sum(np.square(distances))))


def position(parameter, index):
    """Return where a value lies on its grid: in ratios for `active`, else by index."""
    if parameter.name == "active":
        return np.log(parameter.values[index]) / np.log(64)
    return index / (parameter.cardinality - 1)


def vectors(n, seed=0):
    """Return distinct canonical vectors."""
    rng = np.random.default_rng(seed)
    return np.unique(SPACE.sample_indices(rng, n), axis=0)


def test_the_kernel_is_the_documented_one():
    rows = vectors(15)
    gp = GaussianProcess(ENCODING, HYPER)
    gp.extend(rows)
    expected = np.array([[kernel(a, b) for b in rows] for a in rows])
    # The grid of 500 voltages is binned to 256 levels in the additive part.
    assert gp._covariance(rows) == pytest.approx(expected, abs=2e-3)


def test_the_kernel_is_exact_where_no_grid_is_binned():
    rows = vectors(15)
    rows[:, -1] = 0
    gp = GaussianProcess(ENCODING, HYPER)
    gp.extend(rows)
    expected = np.array([[kernel(a, b) for b in rows] for a in rows])
    assert gp._covariance(rows) == pytest.approx(expected, abs=1e-9)


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_kernel_is_symmetric_and_positive_definite(seed):
    rows = vectors(60, seed)
    gp = GaussianProcess(ENCODING, HYPER)
    gp.extend(rows)
    matrix = gp._covariance(rows)
    assert matrix == pytest.approx(matrix.T, abs=1e-12)
    assert np.linalg.eigvalsh(matrix).min() > -1e-10


@given(seed=st.integers(0, 100), cuts=st.lists(st.integers(1, 39), max_size=4))
@settings(max_examples=20, deadline=None)
def test_growing_a_process_step_by_step_gives_the_textbook_posterior(seed, cuts):
    rows = vectors(40, seed)
    targets = np.random.default_rng(seed).normal(size=len(rows))
    gp = GaussianProcess(ENCODING, HYPER)
    for part in np.split(rows, sorted(set(cuts))):
        gp.extend(part)
    gp.condition(targets)
    probes = vectors(30, seed + 1)
    mean, deviation = gp.predict(probes)
    within = gp._covariance(rows) + HYPER.noise * np.eye(len(rows))
    across = gp._covariance(probes)
    solved = np.linalg.solve(within, across.T)
    assert mean == pytest.approx(solved.T @ targets, abs=1e-8)
    variance = gp.prior_variance - np.einsum("ij,ji->i", across, solved)
    assert deviation**2 == pytest.approx(variance, abs=1e-8)


@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_the_gradient_of_the_likelihood_is_its_slope(seed):
    rng = np.random.default_rng(seed)
    points = ENCODING.points(vectors(25, seed))
    squares = ENCODING.distances(points, points)
    targets = rng.normal(size=len(points))
    theta = HYPER.to_log() + 0.3 * rng.normal(size=len(HYPER.to_log()))
    _, gradient = _loss(theta, squares, targets)
    steps = 1e-5 * np.eye(len(theta))
    slopes = [
        (_loss(theta + h, squares, targets)[0] - _loss(theta - h, squares, targets)[0]) / 2e-5
        for h in steps
    ]
    assert gradient == pytest.approx(slopes, rel=1e-4, abs=1e-4)


def test_a_fit_tells_relevant_from_irrelevant_parameters():
    rows = vectors(80)
    policy = rows[:, 0]
    targets = np.array([0.0, 1.0, -1.0])[policy] + 0.5 * np.log2(1 + rows[:, 4])
    targets = (targets - targets.mean()) / targets.std()
    start = default_hyper(len(SPACE))
    fitted = fit_hyper(ENCODING, ENCODING.points(rows), targets, [start], 40)
    assert max(fitted.lengths[0], fitted.lengths[4]) < min(fitted.lengths[[1, 2, 3, 5, 6]])


@pytest.mark.parametrize("mean", [-3.0, -1.0, 0.0, 0.5, 4.0])
@pytest.mark.parametrize("deviation", [0.1, 1.0, 3.0])
def test_expected_improvement_equals_its_integral(mean, deviation):
    best = 0.3
    found = log_expected_improvement(np.array([mean]), np.array([deviation]), best)[0]
    high = max(best, mean) + 12 * deviation
    peak = [mean] if best < mean < high else None
    integral, _ = quad(
        lambda f: (f - best) * norm.pdf(f, mean, deviation), best, high, points=peak, epsabs=0
    )
    assert found == pytest.approx(np.log(integral), rel=1e-6)


def test_expected_improvement_rises_with_the_mean_far_into_the_tail():
    means = -np.logspace(7, -3, 400)
    values = log_expected_improvement(means, np.ones(400), 0.0)
    assert np.isfinite(values).all()
    assert (np.diff(values) > 0).all()


@pytest.mark.parametrize("warp", WARPS)
@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30))
@example(values=[0.0, 1.0, 5e-324])
@settings(max_examples=50, deadline=None)
def test_a_warp_keeps_the_order_of_rewards(warp, values):
    rewards = np.array(values)
    warped = WARPS[warp](rewards)
    assert np.isfinite(warped).all()
    order = np.argsort(rewards, kind="stable")
    assert (np.diff(warped[order]) >= 0).all()


def told(agent, designs, rewards, feasible=None):
    """Return the trials of designs with these rewards."""
    keys = [agent.space.key(design) for design in designs]
    good = [True] * len(keys) if feasible is None else feasible
    return [
        Trial(
            index=i,
            design=designs[i],
            indices=keys[i],
            metrics={},
            feasible=good[i],
            violations={},
            reward=float(rewards[i]),
            rewards=(float(rewards[i]),),
        )
        for i in range(len(keys))
    ]


def test_no_design_is_asked_for_twice_and_batches_are_full():
    agent = BayesianAgent(SPACE, budget=60, seed=0, config=BayesianConfig(initial=8, batch=5))
    seen = set()
    for round_ in range(6):
        designs = agent.ask()
        assert len(designs) == (8 if round_ == 0 else 5)
        keys = {agent.space.key(design) for design in designs}
        assert len(keys) == len(designs)
        assert not keys & seen
        seen |= keys
        agent.tell(told(agent, designs, [-key[4] for key in map(agent.space.key, designs)]))


def test_infeasible_designs_count_as_the_worst_feasible_one():
    agent = BayesianAgent(SPACE, budget=60, seed=0, config=BayesianConfig(warp="none"))
    designs = agent.decode(vectors(4))
    agent.tell(told(agent, designs, [3.0, -17.0, 1.0, 2.0], [True, False, True, True]))
    targets = agent._targets()
    assert targets[1] == targets[2] == targets.min()
    assert targets.argmax() == 0


def test_the_model_keeps_the_best_trials_when_there_are_too_many():
    config = BayesianConfig(max_trials=16, initial=40)
    agent = BayesianAgent(SPACE, budget=200, seed=0, config=config)
    designs = agent.decode(vectors(40))
    agent.tell(told(agent, designs, np.arange(len(designs))))
    agent.ask()
    assert len(agent._model) == 16
    assert set(range(len(designs) - 8, len(designs))) <= set(agent._members.tolist())
