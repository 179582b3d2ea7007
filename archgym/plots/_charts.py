"""Figures of the charts that problems give: stacked bars and rooflines."""

import math
from collections.abc import Iterable, Mapping

import plotly.graph_objects as go

from archgym._text import number
from archgym.charts import Roofline, StackedBars
from archgym.plots._style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, finish

MAX_BARS = 60
"""Bars drawn; the smallest of more are added up in one."""

_COLORS = (BLUE, ORANGE, GREEN, RED, SKY, PURPLE, GREY, BLACK)
_PATTERNS = ("", "/", "x", ".", "\\", "-", "+", "|")
_LABELLED = 6
"""Points of a roofline that all carry their names; of more, only the slowest does."""


def stacked_figure(chart: StackedBars, *, limit: float | None = None) -> go.Figure:
    """Draw each bar's parts one after the other, the first bar on top.

    Args:
        chart: what to draw.
        limit: amount at the end of the axis, so that two figures can be compared.
    """
    bars = shown_bars(chart)
    parts = list(dict.fromkeys(part for amounts in bars.values() for part in amounts))
    figure = go.Figure()
    names = list(bars)[::-1]
    for i, part in enumerate(parts):
        figure.add_bar(
            x=[bars[name].get(part, 0.0) for name in names],
            y=names,
            orientation="h",
            name=part.replace("_", " "),
            marker={
                "color": _COLORS[i % len(_COLORS)],
                "pattern": {"shape": _PATTERNS[i % len(_PATTERNS)], "solidity": 0.25},
            },
            hovertemplate=f"%{{y}}, {part}: %{{x:.4g}}<extra></extra>",
        )
    top = limit or largest_bar([chart])
    figure.update_xaxes(title=chart.label, range=[0, 1.05 * top])
    figure.update_yaxes(automargin=True, type="category")
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    return finish(figure, height=170 + 24 * len(names))


def largest_bar(charts: Iterable[StackedBars]) -> float:
    """Return the largest sum of parts that is drawn, at least a positive number."""
    totals = [sum(parts.values()) for chart in charts for parts in shown_bars(chart).values()]
    return max(totals, default=0.0) or 1.0


def shown_bars(chart: StackedBars) -> dict[str, dict[str, float]]:
    """Return the bars of a chart, the smallest of more than `MAX_BARS` as one."""
    bars = {name: dict(parts) for name, parts in chart.bars.items()}
    if len(bars) <= MAX_BARS:
        return bars
    by_size = sorted(bars, key=lambda name: -sum(bars[name].values()))
    kept = set(by_size[: MAX_BARS - 1])
    rest: dict[str, float] = {}
    for name in by_size[MAX_BARS - 1 :]:
        for part, amount in bars[name].items():
            rest[part] = rest.get(part, 0.0) + amount
    shown = {name: parts for name, parts in bars.items() if name in kept}
    return {**shown, f"{len(bars) - len(kept)} others together": rest}


def roofline_figure(charts: Mapping[str, Roofline]) -> go.Figure:
    """Draw one or two designs: points below the lines of what the hardware can do at most.

    Args:
        charts: design, as the legend names it -> its roofline; the last one is emphasised.
    """
    figure = go.Figure()
    low, high = _span(x.intensity for chart in charts.values() for x in chart.points.values())
    low, high = (
        min([low, *map(_ridge, charts.values())]),
        max([high, *map(_ridge, charts.values())]),
    )
    low, high = low / 2, high * 2
    for i, (design, chart) in enumerate(charts.items()):
        last = i == len(charts) - 1
        _add_roof(figure, design, chart, (low, high), last)
        _add_points(figure, design, chart, last)
    chart = next(iter(charts.values()))
    bottom, _ = _span(x.performance for c in charts.values() for x in c.points.values())
    top = max(c.peak for c in charts.values())
    figure.update_xaxes(
        title=f"{chart.intensity_label}, log scale", type="log", **_log_range(low, high)
    )
    figure.update_yaxes(
        title=f"{chart.performance_label}, log scale",
        type="log",
        **_log_range(min(bottom, top) / 2, top * 2),
    )
    return finish(figure, height=480)


def _ridge(chart: Roofline) -> float:
    """Return the intensity from which on the memory is no longer the limit."""
    if chart.bandwidth is None:
        return min((x.intensity for x in chart.points.values()), default=1.0)
    return chart.peak / chart.bandwidth


def _span(values: Iterable[float]) -> tuple[float, float]:
    positive = [value for value in values if value > 0]
    return (min(positive), max(positive)) if positive else (1.0, 1.0)


def _log_range(low: float, high: float) -> dict[str, object]:
    wide = high > 300 * low
    return {"range": [math.log10(low), math.log10(high)], "dtick": 1 if wide else "D2"}


def _add_roof(
    figure: go.Figure, design: str, chart: Roofline, span: tuple[float, float], last: bool
) -> None:
    low, high = span
    ridge = _ridge(chart)
    x = [low, *([ridge] if low < ridge < high else []), high]
    bandwidth = math.inf if chart.bandwidth is None else chart.bandwidth
    figure.add_scatter(
        x=x,
        y=[min(chart.peak, bandwidth * intensity) for intensity in x],
        mode="lines",
        line={
            "color": RED if last else GREY,
            "width": 2.5 if last else 1.5,
            "dash": "solid" if last else "dash",
        },
        name=f"{design}: at most",
        hovertemplate=f"{design}: peak {number(chart.peak)}<extra></extra>",
    )


def _add_points(figure: go.Figure, design: str, chart: Roofline, last: bool) -> None:
    names = list(chart.points)
    slowest = min(names, key=lambda name: chart.points[name].performance, default="")
    labelled = set(names if len(names) <= _LABELLED else [slowest]) if last else set()
    figure.add_scatter(
        x=[chart.points[name].intensity for name in names],
        y=[chart.points[name].performance for name in names],
        mode="markers+text" if labelled else "markers",
        marker={
            "symbol": "circle" if last else "circle-open",
            "size": 9,
            "color": RED if last else GREY,
            "opacity": 0.75,
        },
        text=[name if name in labelled else "" for name in names],
        textposition="bottom center",
        textfont={"size": 11},
        customdata=names,
        name=design,
        hovertemplate=(
            f"{design}, %{{customdata}}<br>%{{y:.4g}} {chart.performance_label} at %{{x:.4g}}"
            "<extra></extra>"
        ),
    )
