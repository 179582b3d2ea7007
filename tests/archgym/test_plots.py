"""The data in the figures, and that they need no colour."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from archgym.plots import (
    BASELINE,
    Axis,
    agent_styles,
    comparison_figure,
    convergence_figure,
    importance_figure,
    metric_label,
    parallel_figure,
    pareto_figure,
    prediction_figure,
)
from archgym.plots._style import GREY
from archgym.stats import Importance, convergence

LATENCY = Axis(name="latency_mean_ns", unit="ns")
POWER = Axis(name="power_mw", unit="mW")
VALUES = {
    "page_policy": ("Open", "Closed"),
    "buffer": tuple(range(1, 129)),
    "refresh": ("NoRefresh", "AllBank"),
    "postponed": tuple(range(1, 9)),
    "arbiter": ("Simple", "Fifo", "Reorder"),
}


def trace(figure: go.Figure, name: str) -> go.Scatter:
    (found,) = [each for each in figure.data if each.name == name]
    return found


def test_convergence_draws_the_median_and_both_quartiles(made_up_trials: pd.DataFrame):
    curves = convergence(made_up_trials)
    figure = convergence_figure(curves)
    for agent in ("genetic", "random_walk"):
        mine = curves[curves["agent"] == agent]
        for name, column in ((agent, "median"), (f"{agent} q25", "q25"), (f"{agent} q75", "q75")):
            drawn = trace(figure, name)
            np.testing.assert_array_equal(drawn.x, mine["evaluation"])
            np.testing.assert_array_equal(drawn.y, mine[column])
    assert figure.layout.xaxis.title.text == "simulator evaluations (log scale)"


def test_convergence_draws_a_best_so_far_as_steps(made_up_trials: pd.DataFrame):
    figure = convergence_figure(convergence(made_up_trials))
    assert {each.line.shape for each in figure.data} == {"hv"}


def test_convergence_of_one_run_has_no_band(made_up_trials: pd.DataFrame):
    one = made_up_trials[made_up_trials["run"] == "genetic/seed-0"]
    assert [each.name for each in convergence_figure(convergence(one)).data] == ["genetic"]


def test_the_default_design_stays_in_the_picture(made_up_trials: pd.DataFrame):
    figure = convergence_figure(convergence(made_up_trials), default_reward=-9.0)
    assert figure.layout.yaxis.range[0] < -9.0
    assert figure.layout.shapes[0].y0 == -9.0


def test_agents_differ_without_colour():
    styles = agent_styles([f"agent{i}" for i in range(9)] + [BASELINE])
    looks = [(style.dash, style.symbol) for style in styles.values()]
    assert len(set(looks)) == len(looks)


def test_random_search_is_the_dashed_grey_baseline():
    assert agent_styles([BASELINE, "genetic"])[BASELINE].color == GREY
    assert agent_styles([BASELINE, "genetic"])[BASELINE].dash == "dash"


def test_pareto_front_and_faint_points_are_all_feasible_trials(made_up_trials: pd.DataFrame):
    figure = pareto_figure(made_up_trials, LATENCY, POWER)
    feasible = made_up_trials[made_up_trials["feasible"]]
    every = {*zip(feasible["metric.latency_mean_ns"], feasible["metric.power_mw"], strict=True)}
    drawn = {point for each in figure.data for point in zip(each.x, each.y, strict=True)}
    assert drawn == every
    front = trace(figure, "Pareto front")
    assert (np.diff(front.x) > 0).all()
    assert (np.diff(front.y) < 0).all()
    assert min(x for x, _ in every) == front.x[0]
    assert min(y for _, y in every) == front.y[-1]


def test_pareto_axes_carry_units_and_directions(made_up_trials: pd.DataFrame):
    figure = pareto_figure(made_up_trials, LATENCY, POWER)
    assert "latency mean (ns)" in figure.layout.xaxis.title.text
    assert "power (mW)" in figure.layout.yaxis.title.text
    assert "lower is better" in figure.layout.xaxis.title.text


def test_pareto_marks_the_default_and_the_best_design(made_up_trials: pd.DataFrame):
    default = {"latency_mean_ns": 150.0, "power_mw": 520.0}
    best = {"latency_mean_ns": 80.0, "power_mw": 600.0}
    figure = pareto_figure(made_up_trials, LATENCY, POWER, default=default, best=best)
    assert (*trace(figure, "default design").x, *trace(figure, "default design").y) == (
        150.0,
        520.0,
    )
    assert (*trace(figure, "best reward").x, *trace(figure, "best reward").y) == (80.0, 600.0)


def test_pareto_axes_show_the_front_and_the_marks_but_not_the_worst(made_up_trials: pd.DataFrame):
    worst = made_up_trials.index[made_up_trials["feasible"]][0]
    far = made_up_trials.copy()
    far.loc[worst, ["metric.latency_mean_ns", "metric.power_mw"]] = 9e3
    default = {"latency_mean_ns": 40.0, "power_mw": 2000.0}
    figure = pareto_figure(far, LATENCY, POWER, default=default)
    front = trace(figure, "Pareto front")
    for axis, points, mark in (
        (figure.layout.xaxis, front.x, 40.0),
        (figure.layout.yaxis, front.y, 2000.0),
    ):
        low, high = axis.range
        assert low < min(*points, mark)
        assert max(*points, mark) < high < 9e3


def test_large_numbers_get_a_larger_unit(made_up_trials: pd.DataFrame):
    energy = Axis(name="energy_pj", unit="pJ")
    trials = made_up_trials.assign(**{"metric.energy_pj": 1e6 * made_up_trials["metric.power_mw"]})
    figure = pareto_figure(trials, LATENCY, energy)
    assert "energy (µJ)" in figure.layout.yaxis.title.text
    lowest = trials.loc[trials["feasible"], "metric.power_mw"].min()
    assert trace(figure, "Pareto front").y[-1] == pytest.approx(lowest)


def test_wide_ranges_get_a_logarithmic_axis(made_up_trials: pd.DataFrame):
    wide = made_up_trials.assign(
        **{"metric.latency_mean_ns": np.geomspace(1, 1e4, len(made_up_trials))}
    )
    figure = pareto_figure(wide, LATENCY, POWER)
    assert figure.layout.xaxis.type == "log"
    assert "log scale" in figure.layout.xaxis.title.text
    assert figure.layout.yaxis.type == "linear"


def test_parallel_lines_pass_through_the_values_of_their_design(made_up_trials: pd.DataFrame):
    top = made_up_trials[made_up_trials["feasible"]].sort_values("reward", ascending=False)
    best = top.iloc[0]
    figure = parallel_figure(top.head(10), VALUES)
    drawn = trace(figure, "best design")
    for row, (name, values) in enumerate(VALUES.items()):
        value = best[f"design.{name}"]
        expected = None if pd.isna(value) else values.index(value) / (len(values) - 1)
        assert drawn.x[row] == (None if expected is None else pytest.approx(expected))
        assert drawn.y[row] == (None if expected is None else -row)


def test_parallel_lines_break_at_inactive_parameters():
    design = {"page_policy": "Open", "buffer": 4, "refresh": "NoRefresh", "arbiter": "Fifo"}
    figure = parallel_figure(pd.DataFrame(), VALUES, default=design)
    assert trace(figure, "default design").x[3] is None


def test_parallel_axes_label_every_choice_and_the_values_of_the_best(made_up_trials: pd.DataFrame):
    top = made_up_trials[made_up_trials["feasible"]].sort_values("reward", ascending=False)
    figure = parallel_figure(top.head(10), VALUES)
    labels = {text.replace("<br>", "") for text in trace(figure, "values").text}
    assert {"Open", "Closed", "Simple", "Fifo", "Reorder", "NoRefresh", "AllBank"} <= labels
    assert {"1", "128", str(top.iloc[0]["design.buffer"])} <= labels
    assert "99" not in labels
    titles = {each.text for each in figure.layout.annotations}
    assert titles == {f"<b>{name.replace('_', ' ')}</b>" for name in VALUES}


def test_importance_bars_are_longest_on_top():
    figure = importance_figure(
        Importance(shares={"page_policy": 0.7, "arbiter": 0.001}, r_squared=0.9, designs=99)
    )
    (bars,) = figure.data
    assert bars.y == ("arbiter", "page policy")
    assert bars.x == (0.001, 0.7)
    assert bars.text == ("< 1 %", "70 %")


def test_comparison_shows_both_designs_and_no_part_that_neither_has():
    figure = comparison_figure(
        {"ACT": 10.0, "RD": 5.0, "SREF": 0.0}, {"RD": 5.0, "PRE": 1.0}, label="commands"
    )
    best, default = figure.data
    assert best.y == default.y == ("PRE", "RD", "ACT")
    assert best.x == (1.0, 5.0, 0)
    assert default.x == (0, 5.0, 10.0)
    assert figure.layout.xaxis.title.text == "commands"


@pytest.mark.parametrize(
    ("name", "unit", "label"),
    [
        ("latency_mean_ns", "ns", "latency mean (ns)"),
        ("bandwidth_gb_s", "GB/s", "bandwidth (GB/s)"),
        ("row_hit_rate", "", "row hit rate"),
        ("area_mm2", "mm²", "area (mm²)"),
        ("edp_j_cycle", "J·cycle", "edp (J·cycle)"),
        ("cycles", "cycles", "cycles"),
    ],
)
def test_labels_give_the_unit_once(name: str, unit: str, label: str):
    assert metric_label(name, unit) == label


def test_predictions_are_drawn_over_what_was_simulated_with_their_intervals():
    simulated, predicted = [1.0, 5.0, 50.0], np.array([1.5, 5.0, 40.0])
    figure = prediction_figure(
        simulated, predicted, LATENCY, interval=(predicted - 1, predicted + 2)
    )
    dots = trace(figure, "a design")
    assert (list(dots.x), list(dots.y)) == (simulated, list(predicted))
    bars = trace(figure, "interval").error_y
    assert (set(bars.array), set(bars.arrayminus)) == ({2.0}, {1.0})
    assert list(trace(figure, "exact").x) == list(trace(figure, "exact").y) == [1.0, 50.0]
    assert figure.layout.xaxis.title.text == "simulated latency mean (ns), log scale"
    assert figure.layout.yaxis.type == "log"


def test_many_predictions_are_thinned_and_a_narrow_metric_is_linear():
    values = np.linspace(10.0, 20.0, 9000)
    figure = prediction_figure(values, values, POWER)
    assert len(trace(figure, "a design").x) == 3000
    assert figure.layout.xaxis.type is None
    assert len(figure.data) == 2
