"""How every figure looks: palette, agents, axes, fonts."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

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
"""The palette of Okabe & Ito (2008) without its yellow, which is too pale on white, and a grey."""

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

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
    if name == unit:
        return name
    written = unit.lower().translate({ord("/"): "_", ord("·"): "_", ord("²"): "2"})
    words = name.removesuffix("_" + written.replace("%", "percent")) if unit else name
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


def finish(
    figure: go.Figure, *, height: int, left: int = 60, right: int = 20, bottom: int = 60
) -> go.Figure:
    """Give a figure the common look; margins in pixels."""
    figure.update_layout(
        template="plotly_white",
        height=height,
        autosize=True,
        font={"family": FONT, "size": 13, "color": "#222222"},
        margin={"l": left, "r": right, "t": 20, "b": bottom},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.01, "x": 0, "xanchor": "left"},
        hoverlabel={"font": {"family": FONT}},
    )
    figure.update_xaxes(gridcolor="#E6E6E6", linecolor="#888888", zeroline=False)
    figure.update_yaxes(gridcolor="#E6E6E6", linecolor="#888888", zeroline=False)
    return figure


def rgba(color: str, opacity: float) -> str:
    """Return a palette colour with an opacity from 0 to 1."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
