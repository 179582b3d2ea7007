"""Figures of a search: data frame in, plotly figure out, units on the axes.

Colours are the Okabe-Ito palette (Okabe & Ito 2008), which colour-blind readers can tell apart; no
figure needs colour, as dashes, markers and line widths carry the same information.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from archgym._text import number
from archgym.stats import DESIGN, METRIC, Importance, pareto_front

Value = str | int | float | bool

BASELINE = "random_walk"
"""The agent drawn as the dashed grey baseline."""
BLACK, ORANGE, SKY, GREEN, BLUE, RED, PURPLE, GREY = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
    "#6B6B6B",
)
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
MAX_POINTS = 4000
"""At most this many faint points in a scatter plot: more would only slow the page down."""

CROWDED = 45
"""An axis whose labels have more characters than this in all writes them on several lines."""

_CYCLE = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK)
_DASHES = ("solid", "longdash", "dashdot", "dot", "longdashdot")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "pentagon", "cross")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStyle:
    """How one agent is drawn in every figure."""

    color: str
    dash: str
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A metric as the axis of a figure."""

    name: str
    """Name of the metric, e.g. ``latency_mean_ns``."""
    unit: str = ""
    direction: str = "min"
    """``"min"`` if smaller is better, else ``"max"``."""

    @property
    def label(self) -> str:
        """The metric's name in words with its unit, e.g. ``latency mean (ns)``."""
        return metric_label(self.name, self.unit)


def metric_label(name: str, unit: str = "") -> str:
    """Return a metric's name in words, with the unit in brackets instead of as its suffix."""
    suffix = "_" + unit.lower().replace("/", "_").replace("%", "percent")
    words = name.removesuffix(suffix) if unit else name
    return words.replace("_", " ") + (f" ({unit})" if unit else "")


def agent_styles(agents: Sequence[str]) -> dict[str, AgentStyle]:
    """Return one style for each agent: stable in the order given, the baseline always grey."""
    styles = {}
    for i, agent in enumerate(agent for agent in agents if agent != BASELINE):
        styles[agent] = AgentStyle(
            color=_CYCLE[i % len(_CYCLE)],
            dash=_DASHES[i % len(_DASHES)],
            symbol=_SYMBOLS[i % len(_SYMBOLS)],
        )
    if BASELINE in agents:
        styles[BASELINE] = AgentStyle(color=GREY, dash="dash", symbol="circle-open")
    return styles


def convergence_figure(
    curves: pd.DataFrame,
    *,
    default_reward: float | None = None,
    reward_label: str = "best reward so far",
) -> go.Figure:
    """Draw the median over seeds of the best reward so far, with the band between the quartiles.

    Args:
        curves: Table of :func:`archgym.stats.convergence`.
        default_reward: Reward of the default design, drawn as a dotted line if given.
        reward_label: Title of the vertical axis.
    """
    figure = go.Figure()
    styles = agent_styles(list(dict.fromkeys(curves["agent"])))
    for agent, style in styles.items():
        mine = curves[curves["agent"] == agent]
        if mine["runs"].max() > 1:
            _add_band(figure, mine, agent, style)
    for agent, style in styles.items():
        mine = curves[curves["agent"] == agent]
        figure.add_scatter(
            x=mine["evaluation"],
            y=mine["median"],
            mode="lines+markers",
            line={"color": style.color, "dash": style.dash, "width": 2.5, "shape": "hv"},
            marker={"symbol": style.symbol, "size": 8, "color": style.color, "maxdisplayed": 9},
            legendgroup=agent,
            name=agent,
            hovertemplate=f"{agent}: %{{y:.3f}} after %{{x}} evaluations<extra></extra>",
        )
    if default_reward is not None:
        figure.add_hline(
            y=default_reward,
            line={"color": BLACK, "width": 1, "dash": "dot"},
            annotation={"text": "default design", "font": {"size": 11}},
            annotation_position="bottom right",
        )
    last = int(curves["evaluation"].max()) if len(curves) else 1
    ticks = _log_ticks(last)
    figure.update_xaxes(
        title="simulator evaluations (log scale)",
        type="log",
        tickvals=ticks,
        ticktext=[f"{tick:,}" for tick in ticks],
    )
    figure.update_yaxes(title=reward_label, range=_reward_range(curves, last, default_reward))
    return _finish(figure, height=460)


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
    feasible = trials[trials["feasible"].astype(bool)].dropna(subset=columns)
    feasible = feasible.drop_duplicates(subset=columns)
    on_front = pareto_front(feasible[columns].to_numpy(float), (x.direction, y.direction))
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
    figure.add_scatter(
        x=front[columns[0]],
        y=front[columns[1]],
        mode="lines+markers",
        line={
            "color": BLACK,
            "width": 1.5,
            "shape": "hv" if x.direction == y.direction == "min" else "linear",
        },
        marker={"size": 8, "color": "white", "line": {"color": BLACK, "width": 2}},
        text=front["agent"],
        name="Pareto front",
        hovertemplate=(
            f"{x.label}: %{{x:.4g}}<br>{y.label}: %{{y:.4g}}<br>found by %{{text}}<extra></extra>"
        ),
    )
    for metrics, name, marker in (
        (default, "default design", {"symbol": "x", "color": BLACK, "size": 12}),
        (best, "best reward", {"symbol": "star", "color": RED, "size": 15}),
    ):
        if metrics is not None and x.name in metrics and y.name in metrics:
            figure.add_scatter(
                x=[metrics[x.name]],
                y=[metrics[y.name]],
                mode="markers",
                marker={**marker, "line": {"color": "white", "width": 1}},
                name=name,
                hovertemplate=f"{name}: %{{x:.4g}}, %{{y:.4g}}<extra></extra>",
            )
    arrows = {"min": "lower is better", "max": "higher is better"}
    for axis, update, column in zip(
        (x, y), (figure.update_xaxes, figure.update_yaxes), columns, strict=True
    ):
        kind, remark = _axis_scale(feasible[column])
        gap = "<br>" if axis is x else ", "
        update(title=f"{axis.label}{gap}{arrows[axis.direction]}{remark}", type=kind)
        if kind == "log":
            update(dtick="D2" if feasible[column].max() < 1000 * feasible[column].min() else 1)
    figure.update_layout(legend_itemsizing="constant")
    return _finish(figure, height=480)


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
            line={"color": _rgba(BLUE, 0.35), "width": 1},
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
    return _finish(figure, height=120 + 70 * len(names), left=20, bottom=20)


def importance_figure(importance: Importance) -> go.Figure:
    """Draw parameter importance as horizontal bars, the largest on top."""
    names = list(importance.shares)[::-1]
    shares = [importance.shares[name] for name in names]
    figure = go.Figure(
        go.Bar(
            x=shares,
            y=[name.replace("_", " ") for name in names],
            orientation="h",
            marker={"color": BLUE},
            text=["< 1 %" if share < 0.005 else f"{100 * share:.0f} %" for share in shares],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    top = max(shares, default=1.0) or 1.0
    figure.update_xaxes(
        title="share of the reward's variance that involves the parameter",
        tickformat=".0%",
        range=[0, 1.15 * top],
    )
    figure.update_yaxes(automargin=True)
    return _finish(figure, height=110 + 27 * len(names))


def comparison_figure(
    default: Mapping[str, float], best: Mapping[str, float], *, label: str
) -> go.Figure:
    """Draw a breakdown of the default and of the best design as pairs of horizontal bars.

    Args:
        default: Part -> amount for the default design.
        best: The same for the best design.
        label: Title of the horizontal axis, with the unit.
    """
    amounts = (default, best)
    parts = [part for part in dict.fromkeys([*default, *best]) if any(a.get(part) for a in amounts)]
    parts.sort(key=lambda part: max(default.get(part, 0), best.get(part, 0)))
    figure = go.Figure()
    for name, mine, color, pattern in (
        ("best design", best, RED, ""),
        ("default design", default, GREY, "/"),
    ):
        figure.add_bar(
            x=[mine.get(part, 0) for part in parts],
            y=[part.replace("_", " ") for part in parts],
            orientation="h",
            name=name,
            marker={"color": color, "pattern": {"shape": pattern, "solidity": 0.25}},
            text=[number(mine.get(part, 0.0)) for part in parts],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    top = max((max(default.get(p, 0), best.get(p, 0)) for p in parts), default=1.0)
    figure.update_xaxes(title=label, range=[0, 1.3 * top])
    figure.update_yaxes(automargin=True)
    figure.update_layout(barmode="group", legend_traceorder="reversed")
    return _finish(figure, height=140 + 46 * max(len(parts), 1))


def _finish(figure: go.Figure, *, height: int, left: int = 60, bottom: int = 60) -> go.Figure:
    figure.update_layout(
        template="plotly_white",
        height=height,
        autosize=True,
        font={"family": FONT, "size": 13, "color": "#222222"},
        margin={"l": left, "r": 20, "t": 20, "b": bottom},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.01, "x": 0, "xanchor": "left"},
        hoverlabel={"font": {"family": FONT}},
    )
    figure.update_xaxes(gridcolor="#E6E6E6", linecolor="#888888", zeroline=False)
    figure.update_yaxes(gridcolor="#E6E6E6", linecolor="#888888", zeroline=False)
    return figure


def _add_band(figure: go.Figure, mine: pd.DataFrame, agent: str, style: AgentStyle) -> None:
    for column, fill in (("q25", None), ("q75", "tonexty")):
        figure.add_scatter(
            x=mine["evaluation"],
            y=mine[column],
            mode="lines",
            line={"width": 0, "shape": "hv"},
            fill=fill,
            fillcolor=_rgba(style.color, 0.13),
            hoverinfo="skip",
            showlegend=False,
            legendgroup=agent,
            name=f"{agent} {column}",
        )


def _reward_range(
    curves: pd.DataFrame, last: int, default_reward: float | None
) -> list[float] | None:
    """Return the vertical range without the first 2 % of the evaluations, which are chance."""
    settled = curves[curves["evaluation"] >= min(last, max(3, 0.02 * last))]
    if settled.empty:
        return None
    low, high = float(settled["q25"].min()), float(curves["q75"].max())
    if default_reward is not None:
        low, high = min(low, default_reward), max(high, default_reward)
    pad = 0.06 * (high - low) or 0.1
    return [low - pad, high + pad]


def _axis_scale(values: pd.Series) -> tuple[str, str]:
    """Return the kind of axis for positive values, and what to add to its title."""
    wide = len(values) > 0 and values.min() > 0 and values.max() > 10 * values.min()
    return ("log", ", log scale") if wide else ("linear", "")


def _rgba(color: str, opacity: float) -> str:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def _log_ticks(last: int) -> list[int]:
    decades = [step * 10**power for power in range(8) for step in (1, 2, 5)]
    return [tick for tick in decades if tick <= last]


def _thinned(rows: pd.DataFrame, limit: int) -> pd.DataFrame:
    return rows if len(rows) <= limit else rows.sample(limit, random_state=0).sort_index()


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
            long = crowded or len(str(tick)) > 9
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
