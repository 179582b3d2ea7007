"""Figures of a search: how it converged, what decided, what the best design changed."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from archgym._text import number
from archgym.plots._style import BLACK, BLUE, GREY, RED, AgentStyle, agent_styles, finish, rgba
from archgym.stats import Importance


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
    figure.update_layout(showlegend=True)
    return finish(figure, height=460)


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
        title="share of the reward's variance<br>that involves the parameter",
        tickformat=".0%",
        range=[0, 1.15 * top],
    )
    figure.update_yaxes(automargin=True)
    return finish(figure, height=130 + 27 * len(names))


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
    return finish(figure, height=140 + 46 * max(len(parts), 1))


def _add_band(figure: go.Figure, mine: pd.DataFrame, agent: str, style: AgentStyle) -> None:
    for column, fill in (("q25", None), ("q75", "tonexty")):
        figure.add_scatter(
            x=mine["evaluation"],
            y=mine[column],
            mode="lines",
            line={"width": 0, "shape": "hv"},
            fill=fill,
            fillcolor=rgba(style.color, 0.13),
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


def _log_ticks(last: int) -> list[int]:
    decades = [step * 10**power for power in range(8) for step in (1, 2, 5)]
    return [tick for tick in decades if tick <= last]
