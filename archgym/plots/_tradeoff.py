"""The Pareto front in three metrics: two axes, the third as the size of the points."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from archgym._text import number
from archgym.plots._pareto import MAX_POINTS, _thinned, _View, compared
from archgym.plots._style import BLACK, GREY, RED, Axis, finish
from archgym.stats import METRIC

_SMALLEST, _LARGEST = 7.0, 26.0
"""Diameters of the points of the front, in pixels."""


def tradeoff_figure(
    trials: pd.DataFrame,
    x: Axis,
    y: Axis,
    size: Axis,
    *,
    default: Mapping[str, float] | None = None,
    best: Mapping[str, float] | None = None,
) -> go.Figure:
    """Draw the designs that no other beats in three metrics at once, over all others as dots.

    Args:
        trials: Trials of one problem.
        x: Metric of the horizontal axis.
        y: Metric of the vertical axis.
        size: Metric with which the points of the front grow, and change colour.
        default: Metrics of the default design, marked with a cross if given.
        best: Metrics of the design with the best reward, marked with a star if given.
    """
    axes = (x, y, size)
    columns = [METRIC + axis.name for axis in axes]
    feasible, on_front = compared(trials, axes)
    marks = {"default design": default or {}, "best reward": best or {}}
    views = [_View.of(axis, feasible, on_front, marks.values()) for axis in axes]
    scaled = feasible.assign(**{v.column: feasible[v.column] / v.divisor for v in views})
    figure = go.Figure()
    rest = _thinned(scaled[~on_front], MAX_POINTS)
    figure.add_scatter(
        x=rest[columns[0]],
        y=rest[columns[1]],
        mode="markers",
        marker={"size": 4, "color": GREY, "opacity": 0.25},
        name="other designs",
        hoverinfo="skip",
    )
    _add_front(figure, scaled[on_front], views)
    _add_marks(figure, marks, views)
    figure.update_xaxes(views[0].layout("<br>"))
    figure.update_yaxes(views[1].layout(", "))
    return finish(figure, height=520)


def _add_front(figure: go.Figure, front: pd.DataFrame, views: list[_View]) -> None:
    # Large points below small ones, so that none hides another.
    front = front.sort_values(views[2].column, ascending=False)
    third = front[views[2].column].to_numpy(float)
    spread = float(np.ptp(third)) if len(third) else 0.0
    shares = (third - third.min()) / spread if spread else np.zeros_like(third)
    figure.add_scatter(
        x=front[views[0].column],
        y=front[views[1].column],
        mode="markers",
        marker={
            "size": np.sqrt(_SMALLEST**2 + (_LARGEST**2 - _SMALLEST**2) * shares),
            "color": third,
            "colorscale": "Cividis",
            "opacity": 0.85,
            "line": {"color": BLACK, "width": 1},
            "colorbar": {
                "title": {"text": views[2].label, "side": "right"},
                "thickness": 12,
                "len": 0.9,
            },
        },
        customdata=[number(value) for value in third],
        text=front["agent"],
        name="Pareto front of three metrics",
        hovertemplate=(
            f"{views[0].label}: %{{x:.4g}}<br>{views[1].label}: %{{y:.4g}}"
            f"<br>{views[2].label}: %{{customdata}}<br>found by %{{text}}<extra></extra>"
        ),
    )


def _add_marks(
    figure: go.Figure, marks: Mapping[str, Mapping[str, float]], views: list[_View]
) -> None:
    looks = (("x", BLACK, 12), ("star", RED, 15))
    for (name, metrics), (symbol, color, points) in zip(marks.items(), looks, strict=True):
        if all(view.axis.name in metrics for view in views):
            at = [metrics[view.axis.name] / view.divisor for view in views]
            figure.add_scatter(
                x=[at[0]],
                y=[at[1]],
                mode="markers",
                marker={
                    "symbol": symbol,
                    "color": color,
                    "size": points,
                    "line": {"color": "white", "width": 1},
                },
                name=name,
                hovertemplate=f"{name}: %{{x:.4g}}, %{{y:.4g}}, {number(at[2])}<extra></extra>",
            )
