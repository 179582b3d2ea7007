"""Predicted metrics against simulated ones."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from archgym.plots._style import BLACK, BLUE, GREY, Axis, finish, rgba

MAX_DOTS = 3000
"""So many designs are drawn; more would only hide each other."""

LOG_SPAN = 10.0
"""Metrics above 0 that span more than this factor are drawn on logarithmic axes."""


def prediction_figure(
    simulated: ArrayLike,
    predicted: ArrayLike,
    axis: Axis,
    *,
    interval: tuple[ArrayLike, ArrayLike] | None = None,
) -> go.Figure:
    """Draw what a proxy predicts over what the simulator says; on the line they are equal.

    Args:
        simulated: The metric of every design.
        predicted: What was predicted of it.
        axis: The metric.
        interval: Lower and upper ends of the predictions' intervals; drawn as thin bars if given.
    """
    x, y = np.asarray(simulated, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), MAX_DOTS)).astype(int))
    x, y = x[kept], y[kept]
    ends = [float(min(x.min(), y.min())), float(max(x.max(), y.max()))]
    figure = go.Figure()
    if interval is not None:
        low, high = (np.asarray(end, dtype=np.float64)[kept] for end in interval)
        bars = {"array": high - y, "arrayminus": y - low, "width": 0, "thickness": 1}
        look = {"error_y": {**bars, "color": rgba(GREY, 0.35)}, "showlegend": False}
        _dots(figure, x, y, "interval", {"opacity": 0}, **look)
    _dots(figure, x, y, "a design", {"size": 5, "color": BLUE, "opacity": 0.5})
    figure.add_scatter(
        x=ends,
        y=ends,
        mode="lines",
        line={"color": BLACK, "dash": "dot", "width": 1.5},
        name="exact",
        hoverinfo="skip",
    )
    log = ends[0] > 0 and ends[1] > LOG_SPAN * ends[0]
    scale = {"type": "log", "dtick": 1} if log else {}
    written = ", log scale" if log else ""
    figure.update_xaxes(title=f"simulated {axis.label}{written}", **scale)
    figure.update_yaxes(title=f"predicted {axis.label}{written}", **scale)
    return finish(figure, height=440)


def _dots(
    figure: go.Figure,
    x: ArrayLike,
    y: ArrayLike,
    name: str,
    marker: dict[str, object],
    **options: object,
) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker=marker,
        name=name,
        hovertemplate="simulated %{x:.4g}, predicted %{y:.4g}<extra></extra>",
        **options,
    )
