"""Parallel coordinates: designs as lines over one axis for each parameter."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from archgym.plots._style import BLACK, BLUE, RED, finish, rgba
from archgym.stats import DESIGN

Value = str | int | float | bool

CROWDED = 45
"""An axis whose labels have more characters than this in all writes them on several lines."""


def parallel_figure(
    designs: pd.DataFrame,
    values: Mapping[str, Sequence[Value]],
    *,
    default: Mapping[str, Value] | None = None,
    label_limit: int = 8,
) -> go.Figure:
    """Draw designs as lines over one horizontal axis for each parameter, the best one in bold.

    Args:
        designs: Best designs, best first, as ``design.*`` columns.
        values: Parameter -> its values in their order: the ticks of its axis.
        default: The default design, drawn dashed if given.
        label_limit: An axis with more values than this labels only its ends and the values of the
            best and of the default design.
    """
    names = list(values)
    rows = [
        {name: row[DESIGN + name] for name in names if pd.notna(row[DESIGN + name])}
        for _, row in designs.iterrows()
    ]
    figure = go.Figure()
    rng = np.random.default_rng(0)
    for i, row in reversed(list(enumerate(rows[1:], start=2))):
        x, y = _polyline(row, values, jitter=float(rng.uniform(-0.012, 0.012)))
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": rgba(BLUE, 0.35), "width": 1},
            name=f"other designs of the best {len(rows)}",
            legendgroup="others",
            showlegend=i == 2,
            hoverinfo="skip",
        )
    if default is not None:
        x, y = _polyline(default, values)
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines+markers",
            line={"color": BLACK, "width": 2, "dash": "dash"},
            marker={"symbol": "x", "size": 9, "color": BLACK},
            name="default design",
            hoverinfo="skip",
        )
    if rows:
        x, y = _polyline(rows[0], values)
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines+markers",
            line={"color": RED, "width": 3},
            marker={"symbol": "circle", "size": 9, "color": RED},
            name="best design",
            hoverinfo="skip",
        )
    marked = [design for design in (rows[0] if rows else None, default) if design is not None]
    _add_value_axes(figure, values, marked, label_limit)
    figure.update_xaxes(visible=False, range=[-0.05, 1.05], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-len(names) + 0.35, 0.55], fixedrange=True)
    return finish(figure, height=120 + 70 * len(names), left=30, right=30, bottom=20)


def _position(value: object, values: Sequence[Value]) -> float | None:
    """Return where ``value`` lies on its axis in [0, 1]; None for an inactive parameter."""
    for i, candidate in enumerate(values):
        if candidate == value:
            return i / (len(values) - 1) if len(values) > 1 else 0.5
    return None


def _polyline(
    design: Mapping[str, object], values: Mapping[str, Sequence[Value]], jitter: float = 0.0
) -> tuple[list[float | None], list[float | None]]:
    """Return the points of one design; an inactive parameter breaks the line."""
    x: list[float | None] = []
    y: list[float | None] = []
    for row, (name, ticks) in enumerate(values.items()):
        position = _position(design.get(name), ticks)
        x.append(None if position is None else position + jitter)
        y.append(None if position is None else -float(row))
    return x, y


def _add_value_axes(
    figure: go.Figure,
    values: Mapping[str, Sequence[Value]],
    marked: Sequence[Mapping[str, object]],
    label_limit: int,
) -> None:
    ticks_x, ticks_y, labels, sides = [], [], [], []
    for row, (name, ticks) in enumerate(values.items()):
        shown = {0, len(ticks) - 1} if len(ticks) > label_limit else set(range(len(ticks)))
        shown |= {i for i, tick in enumerate(ticks) if any(d.get(name) == tick for d in marked)}
        crowded = sum(len(str(ticks[i])) for i in shown) > CROWDED
        lines = 1 if not crowded else 2 if len(shown) <= 4 else 3
        for i, tick in enumerate(ticks):
            ticks_x.append(i / (len(ticks) - 1) if len(ticks) > 1 else 0.5)
            ticks_y.append(-row)
            # Long labels take turns on several lines, so that they do not overlap on a phone.
            lower = "<br>" * (i % lines)
            labels.append(f"{lower}{tick}" if i in shown else "")
            # Long labels at the ends grow inwards, to stay on the page.
            inwards = {0: "bottom right", len(ticks) - 1: "bottom left"}
            long = crowded or len(str(tick)) > 14
            sides.append(inwards.get(i, "bottom center") if long else "bottom center")
        figure.add_shape(
            type="line", x0=0, x1=1, y0=-row, y1=-row, layer="below",
            line={"color": "#BBBBBB", "width": 1},
        )  # fmt: skip
        figure.add_annotation(
            x=0, y=-row + 0.27, xanchor="left", xshift=-14, showarrow=False,
            text=f"<b>{name.replace('_', ' ')}</b>", font={"size": 12},
            bgcolor="rgba(255,255,255,0.8)", borderpad=0,
        )  # fmt: skip
    figure.add_scatter(
        x=ticks_x,
        y=ticks_y,
        mode="markers+text",
        marker={"symbol": "line-ns-open", "size": 7, "color": "#555555"},
        text=labels,
        textposition=sides,
        textfont={"size": 11, "color": "#444444"},
        showlegend=False,
        hoverinfo="skip",
        cliponaxis=False,
        name="values",
    )
