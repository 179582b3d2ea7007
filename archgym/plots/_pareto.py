"""The Pareto figure: every trial in two metrics, and those that none beats in both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from archgym._text import scale
from archgym.plots._style import BLACK, RED, Axis, agent_styles, finish, metric_label
from archgym.stats import METRIC, pareto_front

MAX_POINTS = 4000
"""At most this many faint points in a scatter plot: more would only slow the page down."""


def pareto_figure(
    trials: pd.DataFrame,
    x: Axis,
    y: Axis,
    *,
    default: Mapping[str, float] | None = None,
    best: Mapping[str, float] | None = None,
) -> go.Figure:
    """Draw every feasible trial as a faint point, the Pareto front of all of them as a line.

    Args:
        trials: Trials of one problem.
        x: Metric of the horizontal axis.
        y: Metric of the vertical axis.
        default: Metrics of the default design, marked with a cross if given.
        best: Metrics of the design with the best reward, marked with a star if given.
    """
    columns = [METRIC + x.name, METRIC + y.name]
    feasible, on_front = compared(trials, (x, y))
    marks = {"default design": default or {}, "best reward": best or {}}
    views = [_View.of(axis, feasible, on_front, marks.values()) for axis in (x, y)]
    feasible = feasible.assign(
        **{view.column: feasible[view.column] / view.divisor for view in views}
    )
    front = feasible[on_front].sort_values(columns[0])
    figure = go.Figure()
    styles = agent_styles(list(dict.fromkeys(trials["agent"])))
    faint = _thinned(feasible[~on_front], MAX_POINTS)
    for agent, style in styles.items():
        mine = faint[faint["agent"] == agent]
        figure.add_scatter(
            x=mine[columns[0]],
            y=mine[columns[1]],
            mode="markers",
            marker={"symbol": style.symbol, "size": 5, "color": style.color, "opacity": 0.3},
            name=agent,
            hoverinfo="skip",
        )
    _add_front(figure, front, views)
    _add_marks(figure, marks, views)
    figure.update_xaxes(views[0].layout("<br>"))
    figure.update_yaxes(views[1].layout(", "))
    figure.update_layout(legend_itemsizing="constant")
    return finish(figure, height=480)


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """How one metric is shown: its unit, its scale, and the part of it in the picture."""

    axis: Axis
    divisor: float
    label: str
    low: float
    high: float
    log: bool

    @classmethod
    def of(
        cls,
        axis: Axis,
        feasible: pd.DataFrame,
        on_front: NDArray[np.bool_],
        marks: Iterable[Mapping[str, float]],
    ) -> "_View":
        """Show the better three quarters of the trials, the whole front, and the marks."""
        values = feasible[METRIC + axis.name]
        marked = [mark[axis.name] for mark in marks if axis.name in mark]
        kept = [*values[on_front], *marked]
        quartile = values.quantile(0.75 if axis.direction == "min" else 0.25)
        inner = [quartile, values.min() if axis.direction == "min" else values.max()]
        shown = [value for value in (*kept, *inner) if not np.isnan(value)] or [0.0, 1.0]
        low, high = float(min(shown)), float(max(shown))
        divisor, unit = scale(high, axis.unit)
        return cls(
            axis=axis,
            divisor=divisor,
            label=metric_label(axis.name, axis.unit).split(" (")[0]
            + (f" ({unit})" if unit and axis.name != axis.unit else ""),
            low=low / divisor,
            high=high / divisor,
            log=low > 0 and high > 10 * low,
        )

    @property
    def column(self) -> str:
        """The metric's column in a table of trials."""
        return METRIC + self.axis.name

    def layout(self, gap: str) -> dict[str, Any]:
        """Return the axis; ``gap`` parts its title from what is better."""
        better = "lower" if self.axis.direction == "min" else "higher"
        title = f"{self.label}{gap}{better} is better{', log scale' if self.log else ''}"
        low, high = (np.log10([self.low, self.high])) if self.log else (self.low, self.high)
        pad = 0.07 * (high - low) or 0.05 * abs(high) or 1.0
        ticks = {"dtick": "D2" if self.high < 1000 * self.low else 1} if self.log else {}
        return {
            "title": title,
            "type": "log" if self.log else "linear",
            "range": [low - pad, high + pad],
            **ticks,
        }


def _add_front(figure: go.Figure, front: pd.DataFrame, views: "Sequence[_View]") -> None:
    # A staircase where both metrics fall: what lies between two designs is not to be had.
    both_fall = all(view.axis.direction == "min" for view in views)
    figure.add_scatter(
        x=front[views[0].column],
        y=front[views[1].column],
        mode="lines+markers",
        line={
            "color": BLACK,
            "width": 1.5,
            "shape": "hv" if both_fall else "linear",
        },
        marker={"size": 8, "color": "white", "line": {"color": BLACK, "width": 2}},
        text=front["agent"],
        name="Pareto front",
        hovertemplate=(
            f"{views[0].label}: %{{x:.4g}}<br>{views[1].label}: %{{y:.4g}}"
            "<br>found by %{text}<extra></extra>"
        ),
    )


def _add_marks(
    figure: go.Figure, marks: Mapping[str, Mapping[str, float]], views: "Sequence[_View]"
) -> None:
    looks = (
        {"symbol": "x", "color": BLACK, "size": 12},
        {"symbol": "star", "color": RED, "size": 15},
    )
    for (name, metrics), look in zip(marks.items(), looks, strict=True):
        if all(view.axis.name in metrics for view in views):
            figure.add_scatter(
                x=[metrics[views[0].axis.name] / views[0].divisor],
                y=[metrics[views[1].axis.name] / views[1].divisor],
                mode="markers",
                marker={**look, "line": {"color": "white", "width": 1}},
                name=name,
                hovertemplate=f"{name}: %{{x:.4g}}, %{{y:.4g}}<extra></extra>",
            )


def compared(trials: pd.DataFrame, axes: Sequence[Axis]) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Return the feasible trials of different metrics, and which of them no other beats."""
    columns = [METRIC + axis.name for axis in axes]
    feasible = trials[trials["feasible"].astype(bool)].dropna(subset=columns)
    feasible = feasible.drop_duplicates(subset=columns)
    directions = [axis.direction for axis in axes]
    return feasible, pareto_front(feasible[columns].to_numpy(float), directions)


def _thinned(rows: pd.DataFrame, limit: int) -> pd.DataFrame:
    return rows if len(rows) <= limit else rows.sample(limit, random_state=0).sort_index()
