"""Figures of a sweep: profiles, ranks, lottery curves, progress. None needs colour."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from archgym._text import number
from archgym.plots._style import BLACK, GREY, AgentStyle, agent_styles, finish, rgba
from archgym.stats import SOURCES, LotteryCurve, Profile, Ranking, VarianceShare
from archgym.stats._bootstrap import Estimate, Floats

Styles = Mapping[str, AgentStyle]

_PATTERNS = ("", "/", "x", ".", "\\", "-")
_SHADES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#D0D0D0")


def profile_figure(profiles: Mapping[str, Profile], styles: Styles | None = None) -> go.Figure:
    """Draw which share of each agent's runs reaches at least a score, with bands."""
    figure = go.Figure()
    styles = styles or agent_styles(list(profiles))
    for agent, profile in profiles.items():
        _band(figure, styles[agent], agent, profile.thresholds, profile.low, profile.high)
    for agent, profile in profiles.items():
        _line(figure, styles[agent], agent, profile.thresholds, profile.share)
    figure.update_xaxes(title="score (1: optimum, 0: default)")
    figure.update_yaxes(title="share of runs", range=[-0.02, 1.04])
    return finish(figure, height=460)


def ecdf_figure(
    shares: Mapping[str, Floats], evaluations: ArrayLike, styles: Styles | None = None
) -> go.Figure:
    """Draw which share of targets each agent has reached after so many evaluations."""
    figure = go.Figure()
    styles = styles or agent_styles(list(shares))
    for agent, share in shares.items():
        _line(figure, styles[agent], agent, evaluations, share, shape="hv")
    _evaluations_axis(figure, int(np.max(np.asarray(evaluations), initial=1)))
    figure.update_yaxes(title="share of targets reached", range=[-0.02, 1.04])
    return finish(figure, height=420)


def progress_figure(
    curves: pd.DataFrame, *, label: str, log: bool, styles: Styles | None = None
) -> go.Figure:
    """Draw the median over seeds, with the band between the quartiles, of a table by evaluation.

    Args:
        curves: Columns ``agent, evaluation, q25, median, q75``.
        label: Title of the vertical axis.
        log: Whether that axis is logarithmic.
        styles: How to draw each agent, if not by its place among those here.
    """
    figure = go.Figure()
    names = list(dict.fromkeys(curves["agent"]))
    styles = styles or agent_styles(names)
    parts = {agent: curves[curves["agent"] == agent] for agent in names}
    for agent, mine in parts.items():
        _band(figure, styles[agent], agent, mine["evaluation"], mine["q25"], mine["q75"], "hv")
    for agent, mine in parts.items():
        _line(figure, styles[agent], agent, mine["evaluation"], mine["median"], shape="hv")
    _evaluations_axis(figure, int(curves["evaluation"].max()) if len(curves) else 1)
    figure.update_yaxes(title=label)
    if log:
        figure.update_yaxes(type="log", dtick=1, exponentformat="power")
    else:
        figure.update_yaxes(rangemode="tozero")
    return finish(figure, height=400)


def lottery_figure(
    curves: Mapping[str, LotteryCurve],
    random: tuple[Sequence[int], Floats] | None,
    styles: Styles | None = None,
) -> go.Figure:
    """Draw the expected best score of k tickets for each agent, with bands.

    Args:
        curves: Agent -> its curve.
        random: Numbers of runs of random search and their expected best; drawn as a baseline.
        styles: How to draw each agent, if not by its place among those here.
    """
    figure = go.Figure()
    styles = styles or agent_styles([*curves, *(["random_walk"] if random else [])])
    for agent, curve in curves.items():
        _band(figure, styles[agent], agent, curve.counts, curve.low, curve.high)
    for agent, curve in curves.items():
        _line(figure, styles[agent], agent, curve.counts, curve.best)
    if random is not None and "random_walk" not in curves:
        _line(figure, styles["random_walk"], "random_walk", *random)
    top = max([max(curve.counts) for curve in curves.values()], default=1)
    ticks = [2**i for i in range(top.bit_length())]
    figure.update_xaxes(
        title="tickets (log scale)",
        type="log",
        tickvals=ticks,
        ticktext=[str(tick) for tick in ticks],
    )
    figure.update_yaxes(title="score of the best ticket")
    return finish(figure, height=460)


def ranking_figure(ranking: Ranking, styles: Styles | None = None) -> go.Figure:
    """Draw mean ranks, joined where no pair differs: a critical-difference diagram."""
    figure = go.Figure()
    names = list(ranking.ranks)
    styles = styles or agent_styles(names)
    rows = {name: -i for i, name in enumerate(names)}
    for i, group in enumerate(ranking.groups):
        x = ranking.ranks[group[-1]] + 0.12 * (i % 4 + 1) * len(names) / 8
        figure.add_scatter(
            x=[x, x],
            y=[rows[group[0]] + 0.25, rows[group[-1]] - 0.25],
            mode="lines",
            line={"color": BLACK, "width": 5},
            name="no significant difference",
            showlegend=i == 0,
            hovertemplate=f"not told apart: {', '.join(group)}<extra></extra>",
        )
    figure.add_scatter(
        x=list(ranking.ranks.values()),
        y=[rows[name] for name in names],
        mode="markers+text",
        marker={
            "size": 11,
            "color": [styles[name].color for name in names],
            "symbol": [styles[name].symbol for name in names],
        },
        text=[f"{rank:.2f}" for rank in ranking.ranks.values()],
        textposition="middle left",
        name="mean rank",
        hoverinfo="skip",
        showlegend=False,
    )
    best, worst = min(ranking.ranks.values()), max(ranking.ranks.values())
    pad = 0.16 * (worst - best) + 0.4
    figure.update_xaxes(
        title="mean rank (1 is best)",
        range=[best - pad, worst + pad + 0.1],
    )
    figure.update_yaxes(
        tickvals=list(rows.values()), ticktext=names, automargin=True, range=[-len(names), 1]
    )
    return finish(figure, height=140 + 26 * len(names), left=20)


def variance_figure(shares: Mapping[str, Sequence[VarianceShare]]) -> go.Figure:
    """Draw what explains the differences between runs, one stacked bar per key, as for a budget."""
    figure = go.Figure()
    bars = list(shares)[::-1]
    for i, source in enumerate(SOURCES):
        values = [next(s for s in shares[bar] if s.source == source).share.value for bar in bars]
        figure.add_bar(
            x=values,
            y=bars,
            orientation="h",
            name=source,
            marker={
                "color": _SHADES[i],
                "pattern": {"shape": _PATTERNS[i], "solidity": 0.25},
            },
            text=[f"{100 * value:.0f} %" if value >= 0.03 else "" for value in values],
            insidetextanchor="middle",
            textangle=0,
            textfont={"color": BLACK},
            insidetextfont={"color": BLACK},
            hovertemplate=f"{source}: %{{x:.1%}}<extra></extra>",
        )
    figure.update_xaxes(title="share of the variance", tickformat=".0%", range=[0, 1])
    figure.update_yaxes(automargin=True)
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    return finish(figure, height=190 + 46 * len(bars))


def interval_figure(
    estimates: Mapping[str, Estimate], *, label: str, baseline: float | None = None
) -> go.Figure:
    """Draw estimates as points with their intervals, the first on top.

    Args:
        estimates: Name -> estimate.
        label: Title of the axis.
        baseline: Where to draw a dotted line.
    """
    names = list(estimates)[::-1]
    values = [estimates[name].value for name in names]
    figure = go.Figure(
        go.Scatter(
            x=values,
            y=names,
            mode="markers",
            marker={"color": BLACK, "size": 9},
            error_x={
                "array": [estimates[name].high - estimates[name].value for name in names],
                "arrayminus": [estimates[name].value - estimates[name].low for name in names],
                "color": BLACK,
                "thickness": 1.5,
            },
            hovertext=[f"{name}: {estimates[name]}" for name in names],
            hoverinfo="text",
            showlegend=False,
        )
    )
    if baseline is not None:
        figure.add_vline(x=baseline, line={"color": GREY, "dash": "dot", "width": 1.5})
    figure.update_xaxes(title=label)
    figure.update_yaxes(automargin=True)
    return finish(figure, height=120 + 26 * len(names), left=20)


def _line(
    figure: go.Figure,
    style: AgentStyle,
    agent: str,
    x: ArrayLike,
    y: ArrayLike,
    shape: str = "linear",
) -> None:
    figure.add_scatter(
        x=list(np.asarray(x)),
        y=list(np.asarray(y)),
        mode="lines+markers",
        line={"color": style.color, "dash": style.dash, "width": 2.2, "shape": shape},
        marker={"symbol": style.symbol, "size": 8, "color": style.color, "maxdisplayed": 8},
        legendgroup=agent,
        name=agent,
        hovertemplate=f"{agent}: %{{y:.3g}} at %{{x:.4g}}<extra></extra>",
    )


def _band(
    figure: go.Figure,
    style: AgentStyle,
    agent: str,
    x: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    shape: str = "linear",
) -> None:
    for values, fill in ((low, None), (high, "tonexty")):
        figure.add_scatter(
            x=list(np.asarray(x)),
            y=list(np.asarray(values)),
            mode="lines",
            line={"width": 0, "shape": shape},
            fill=fill,
            fillcolor=rgba(style.color, 0.07),
            hoverinfo="skip",
            showlegend=False,
            legendgroup=agent,
            name=f"{agent} band",
        )


def _evaluations_axis(figure: go.Figure, last: int) -> None:
    ticks = [s * 10**p for p in range(8) for s in (1, 2, 5) if s * 10**p <= last]
    figure.update_xaxes(
        title="evaluations (log scale)",
        type="log",
        tickvals=ticks,
        ticktext=[number(tick) for tick in ticks],
    )
