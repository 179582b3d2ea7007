"""Statistics of trial tables, on tables small enough to check by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archgym.stats import (
    best_trial,
    convergence,
    evaluations_to_target,
    parameter_importance,
    pareto_front,
    simulated,
    summarize_agents,
)


def table(rewards: dict[str, list[float]], **columns: list[object]) -> pd.DataFrame:
    """One run per key ``agent/seed``; NaN is an infeasible trial."""
    rows = [
        {
            "run": run,
            "agent": run.split("/")[0],
            "seed": int(run.split("/")[1]),
            "index": index,
            "reward": -30.0 if np.isnan(reward) else reward,
            "feasible": not np.isnan(reward),
            "cached": False,
            "error": None,
        }
        for run, values in rewards.items()
        for index, reward in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(**columns)


def test_repeats_are_not_evaluations():
    trials = table({"a/0": [1.0, 1.0, 2.0]}, cached=[False, True, False])
    assert simulated(trials)["evaluation"].tolist() == [1, 2]


def test_best_reward_so_far_ignores_infeasible_trials_and_other_runs():
    trials = table({"a/0": [np.nan, 1.0, 0.5], "a/1": [3.0, 2.0, 4.0]})
    best = simulated(trials)["best_reward"].tolist()
    np.testing.assert_equal(best, [np.nan, 1.0, 1.0, 3.0, 3.0, 4.0])


def test_rows_in_any_order_give_the_same_curve():
    trials = table({"a/0": [0.0, 1.0, 0.5, 3.0], "b/0": [1.0, 1.0, 2.0, 2.0]})
    shuffled = trials.sample(frac=1.0, random_state=3)
    key = ["agent", "evaluation"]
    pd.testing.assert_frame_equal(
        convergence(trials).sort_values(key, ignore_index=True),
        convergence(shuffled).sort_values(key, ignore_index=True),
    )


def test_convergence_gives_quartiles_over_runs_and_keeps_the_end_of_short_ones():
    curve = convergence(table({"a/0": [0.0, 4.0], "a/1": [1.0, 2.0, 8.0]}))
    assert curve["evaluation"].tolist() == [1, 2, 3]
    assert curve["median"].tolist() == [0.5, 3.0, 6.0]
    assert curve["q25"].tolist() == [0.25, 2.5, 5.0]
    assert curve["q75"].tolist() == [0.75, 3.5, 7.0]
    assert curve["runs"].tolist() == [2, 2, 2]


def test_convergence_starts_where_the_first_run_is_feasible():
    curve = convergence(table({"a/0": [np.nan, 1.0], "a/1": [np.nan, np.nan]}))
    assert curve["evaluation"].tolist() == [2]
    assert curve["runs"].tolist() == [1]


def test_evaluations_to_target_is_the_first_to_reach_it():
    reached = evaluations_to_target(table({"a/0": [0.0, 2.0, 3.0], "b/0": [0.0, 1.0, 1.0]}), 2.0)
    np.testing.assert_equal(reached.to_numpy(), [2.0, np.nan])


def test_summary_measures_95_percent_from_the_default_reward():
    # The best of all is 10 and the default -10: the target is 9.
    trials = table({"a/0": [0.0, 9.0, 10.0], "a/1": [9.5, 9.5, 9.5], "b/0": [8.9, 8.9, 8.9]})
    summary = summarize_agents(trials, default_reward=-10.0).set_index("agent")
    assert summary.loc["a", "to_95"] == 1.5
    assert summary.loc["b", "to_95"] == np.inf
    assert summary.loc["a", "best_mean"] == 9.75
    assert summary.loc["a", "best_std"] == pytest.approx(0.5 / np.sqrt(2))
    assert list(summary.index) == ["a", "b"]


def test_nothing_is_95_percent_of_no_improvement():
    summary = summarize_agents(table({"a/0": [-2.0, -1.0]}), default_reward=0.0)
    assert summary["to_95"].tolist() == [np.inf]


def test_summary_tells_cached_failed_and_infeasible_apart():
    trials = table(
        {"a/0": [1.0, 1.0, np.nan, np.nan, np.nan]},
        cached=[False, True, False, False, True],
        error=[None, None, "crash", None, "crash"],
    )
    row = summarize_agents(trials).iloc[0]
    assert (row["evaluations"], row["cached"], row["failed"], row["infeasible"]) == (3, 2, 1, 1)


def test_summary_of_nothing_feasible_has_no_best():
    trials = table({"a/0": [np.nan, np.nan]})
    row = summarize_agents(trials).iloc[0]
    assert best_trial(trials) is None
    assert np.isnan(row["best"])
    assert row["to_95"] == np.inf


def test_pareto_front_respects_directions():
    values = np.array([[1.0, 1.0], [2.0, 3.0], [3.0, 2.0], [1.0, 3.0]])
    assert pareto_front(values, ("min", "max")).tolist() == [False, False, False, True]
    assert pareto_front(values, ("min", "min")).tolist() == [True, False, False, False]
    assert pareto_front(values, ("max", "max")).tolist() == [False, True, True, False]


@given(st.lists(st.tuples(*[st.integers(0, 5)] * 2), min_size=1, max_size=30))
def test_every_point_is_on_the_front_or_dominated_by_one_that_is(points: list[tuple[int, int]]):
    values = np.array(points, dtype=float)
    front = values[pareto_front(values, ("min", "min"))]
    for point in values:
        dominated = (front <= point).all(axis=1) & (front < point).any(axis=1)
        on_front = (front == point).all(axis=1).any()
        assert on_front != dominated.any()


def test_importance_finds_what_decides_the_reward(made_up_trials: pd.DataFrame):
    importance = parameter_importance(made_up_trials)
    assert importance is not None
    ranked = list(importance.shares)
    assert ranked[0] == "page_policy"
    assert importance.shares["arbiter"] < 0.02
    assert importance.shares["page_policy"] > 5 * importance.shares["arbiter"]
    assert importance.r_squared > 0.9


def grid_of_designs(reward_of) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    a, b, c = (rng.integers(0, 4, 400) for _ in range(3))
    trials = table({"a/0": [float(reward_of(*row)) for row in zip(a, b, c, strict=True)]})
    return trials.assign(**{"design.a": a, "design.b": b, "design.c": c})


def test_importance_of_independent_parameters_is_their_share_of_the_variance():
    importance = parameter_importance(grid_of_designs(lambda a, b, c: 2.0 * a + b))
    assert importance is not None
    assert importance.shares["a"] == pytest.approx(0.8, abs=0.15)
    assert importance.shares["b"] == pytest.approx(0.2, abs=0.1)
    assert importance.shares["c"] < 0.02


def test_importance_sees_parameters_that_matter_only_together():
    importance = parameter_importance(grid_of_designs(lambda a, b, c: (a - 1.5) * (b - 1.5)))
    assert importance is not None
    assert min(importance.shares["a"], importance.shares["b"]) > 0.5
    assert importance.shares["c"] < 0.05


def test_importance_of_noise_explains_nothing():
    rng = np.random.default_rng(2)
    importance = parameter_importance(grid_of_designs(lambda a, b, c: rng.normal()))
    assert importance is None or importance.r_squared < 0.3


def test_importance_declines_on_too_little(made_up_trials: pd.DataFrame):
    assert parameter_importance(made_up_trials.head(20)) is None
    assert parameter_importance(made_up_trials.assign(reward=1.0)) is None
