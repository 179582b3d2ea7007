"""What a report shows of a problem's own charts and of a front of three metrics."""

import dataclasses
import math
import re
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from archgym.charts import Chart, Roofline, RooflinePoint, StackedBars
from archgym.envs.dram import DRAMProblem
from archgym.plots import Axis, roofline_figure, stacked_figure, tradeoff_figure
from archgym.plots._charts import MAX_BARS, largest_bar, shown_bars
from archgym.report import Section, build_report, load_sections
from archgym.space import Design
from archgym.study import run_study

BARS = StackedBars(
    title="Energy by layer",
    label="energy (uJ)",
    bars={"conv1": {"DRAM": 3.0, "L1": 1.0}, "conv2": {"DRAM": 2.0, "mac": 0.5}},
    caption="Where it goes.",
)
ROOF = Roofline(
    title="Roofline",
    points={
        "conv1": RooflinePoint(intensity=2.0, performance=8.0),
        "fc": RooflinePoint(intensity=0.5, performance=2.0),
    },
    peak=16.0,
    bandwidth=4.0,
)


def trace(figure: go.Figure, name: str) -> Any:
    (found,) = [each for each in figure.data if each.name == name]
    return found


def test_stacked_bars_draw_every_part_with_the_first_bar_on_top() -> None:
    figure = stacked_figure(BARS)
    assert [each.name for each in figure.data] == ["DRAM", "L1", "mac"]
    assert list(trace(figure, "DRAM").y) == ["conv2", "conv1"]
    assert list(trace(figure, "DRAM").x) == [2.0, 3.0]
    assert list(trace(figure, "mac").x) == [0.5, 0.0]
    assert figure.layout.barmode == "stack"
    assert figure.layout.xaxis.title.text == "energy (uJ)"
    assert figure.layout.xaxis.range[1] >= 4.0


def test_stacked_bars_need_no_colour() -> None:
    parts = {f"level {i}": 1.0 for i in range(8)}
    figure = stacked_figure(dataclasses.replace(BARS, bars={"conv1": parts}))
    assert len({each.marker.pattern.shape for each in figure.data}) == 8


def test_two_figures_can_share_their_axis() -> None:
    smaller = dataclasses.replace(BARS, bars={"conv1": {"DRAM": 1.0}})
    limit = largest_bar([BARS, smaller])
    assert limit == 4.0
    ranges = {stacked_figure(chart, limit=limit).layout.xaxis.range for chart in (BARS, smaller)}
    assert len(ranges) == 1


def test_the_smallest_of_many_bars_are_added_up() -> None:
    bars = {f"layer {i}": {"DRAM": float(i), "L1": 1.0} for i in range(80)}
    shown = shown_bars(dataclasses.replace(BARS, bars=bars))
    assert len(shown) == MAX_BARS
    assert list(shown)[:2] == ["layer 21", "layer 22"]
    assert shown["21 others together"] == {"DRAM": sum(range(21)), "L1": 21.0}
    total = sum(sum(parts.values()) for parts in shown.values())
    assert total == sum(sum(parts.values()) for parts in bars.values())


def test_a_roofline_is_memory_bound_below_its_ridge() -> None:
    figure = roofline_figure({"best design": ROOF})
    roof = trace(figure, "best design: at most")
    assert list(roof.y) == [min(16.0, 4.0 * x) for x in roof.x]
    assert 4.0 in list(roof.x)  # the ridge: 16 / 4
    points = trace(figure, "best design")
    assert list(zip(points.x, points.y, strict=True)) == [(2.0, 8.0), (0.5, 2.0)]
    assert list(points.text) == ["conv1", "fc"]
    for axis, values in ((figure.layout.xaxis, points.x), (figure.layout.yaxis, points.y)):
        assert axis.type == "log"
        assert all(axis.range[0] < math.log10(v) < axis.range[1] for v in values)


def test_a_roofline_without_a_bandwidth_is_flat() -> None:
    figure = roofline_figure({"best design": dataclasses.replace(ROOF, bandwidth=None)})
    assert set(trace(figure, "best design: at most").y) == {16.0}


def test_two_designs_share_a_roofline_and_differ_without_colour() -> None:
    wider = dataclasses.replace(ROOF, peak=64.0)
    figure = roofline_figure({"default design": ROOF, "best design": wider})
    lines = [trace(figure, f"{name}: at most") for name in ("default design", "best design")]
    assert [line.line.dash for line in lines] == ["dash", "solid"]
    symbols = [trace(figure, name).marker.symbol for name in ("default design", "best design")]
    assert symbols == ["circle-open", "circle"]
    assert figure.layout.yaxis.range[1] > math.log10(64)


def test_of_many_points_only_the_slowest_carries_its_name() -> None:
    points = {f"layer {i}": RooflinePoint(intensity=1.0, performance=1.0 + i) for i in range(40)}
    figure = roofline_figure({"best design": dataclasses.replace(ROOF, points=points)})
    drawn = trace(figure, "best design")
    assert [text for text in drawn.text if text] == ["layer 0"]
    assert list(drawn.customdata) == list(points)


TRIALS = pd.DataFrame(
    {
        "agent": ["a", "a", "b", "b", "b"],
        "feasible": [True, True, True, True, False],
        "metric.cycles": [1.0, 2.0, 3.0, 3.0, 0.1],
        "metric.energy_pj": [3.0, 2.0, 3.0, 3.0, 0.1],
        "metric.area_um2": [5.0, 5.0, 1.0, 9.0, 0.1],
    }
)
AXES = [Axis(name=name) for name in ("cycles", "energy_pj", "area_um2")]


def test_the_front_of_three_metrics_keeps_what_is_good_in_the_third_only() -> None:
    figure = tradeoff_figure(TRIALS, *AXES)
    front = trace(figure, "Pareto front of three metrics")
    found = sorted(zip(front.x, front.y, front.marker.color, strict=True))
    assert found == [(1.0, 3.0, 5.0), (2.0, 2.0, 5.0), (3.0, 3.0, 1.0)]
    others = trace(figure, "other designs")
    assert list(zip(others.x, others.y, strict=True)) == [(3.0, 3.0)]


def test_the_size_of_a_point_stands_for_the_third_metric() -> None:
    front = trace(tradeoff_figure(TRIALS, *AXES), "Pareto front of three metrics")
    order = np.argsort(front.marker.color)
    assert (np.diff(np.asarray(front.marker.size)[order]) >= 0).all()
    assert max(front.marker.size) > 1.5 * min(front.marker.size)
    assert front.marker.color[0] == max(front.marker.color)  # large ones below small ones


def test_default_and_best_are_marked_in_the_front_of_three() -> None:
    metrics = {"cycles": 2.0, "energy_pj": 2.0, "area_um2": 5.0}
    figure = tradeoff_figure(TRIALS, *AXES, default=metrics, best=metrics)
    assert trace(figure, "default design").x == (2.0,)
    assert trace(figure, "best reward").marker.symbol == "star"


class ChartedProblem(DRAMProblem):
    """DRAM-v0 with charts made up from the design."""

    tradeoff = ("latency_mean_ns", "power_mw", "energy_pj")

    def charts(self, design: Design) -> list[Chart]:
        scale = float(str(design["request_buffer_size"]))
        bars = {"conv1": {"DRAM": scale, "L1": 1.0}}
        return [dataclasses.replace(BARS, bars=bars), dataclasses.replace(ROOF, peak=scale)]


@pytest.fixture(scope="module")
def section(tmp_path_factory: pytest.TempPathFactory) -> Section:
    """A search, with a problem that has charts."""
    out = tmp_path_factory.mktemp("charted")
    config = {"workload": "stream", "requests": 300, "threads": 1}
    run_study("archgym/DRAM-v0", config, ["random_walk"], 1, 30, out=out)
    (found,) = load_sections(out)
    return dataclasses.replace(found, problem=ChartedProblem(**config))


def test_a_report_shows_the_charts_of_default_and_best_design(section: Section) -> None:
    page = build_report([section])
    drawn = set(re.findall(r'id="s1-([a-z0-9-]+)"', page))
    assert {"chart-0-0", "chart-0-1", "chart-1", "tradeoff"} <= drawn
    assert "<h3>Energy by layer</h3>" in page
    assert "Where it goes." in page
    assert "Three metrics at once" in page
    assert section.best is not None
    assert section.problem is not None
    for design in (section.problem.default_design, section.design(section.best)):
        assert f'"x":[{float(str(design["request_buffer_size"]))}]' in page.replace(" ", "")


def test_a_problem_without_charts_has_none_in_its_report(section: Section) -> None:
    config = {"workload": "stream", "requests": 300, "threads": 1}
    page = build_report([dataclasses.replace(section, problem=DRAMProblem(**config))])
    assert 'id="s1-chart' not in page
    assert "Three metrics at once" not in page


def test_a_tradeoff_of_metrics_that_were_not_measured_is_left_out(section: Section) -> None:
    trials = section.trials.drop(columns="metric.energy_pj")
    page = build_report([dataclasses.replace(section, trials=trials)])
    assert "Three metrics at once" not in page


def test_charts_are_data_that_cannot_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        BARS.title = "other"  # type: ignore[misc]
