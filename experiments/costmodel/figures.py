"""The figures of the page: errors, learning curves, rankings."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from archgym.plots._style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY
from costmodel._table import PAPER, pivot

# Ours are drawn strongly and in colour; what they are compared with is grey or pale.
_COLORS = {
    "best": RED, "fast": BLUE, "forest": GREEN, "sites": SKY, "trees": PURPLE, "ridge": ORANGE,
    "roofline": BLACK,
}  # fmt: skip
_MARKERS = {"best": "D", "fast": "o", "roofline": "|"}
_REGRETS = {"top1_regret_pct": "first schedule", "top5_regret_pct": "best of the first five"}
_WIDTH = 6.4  # inches, so that letters are legible on the narrow screen of a phone too
_ROW = 0.3


@contextmanager
def _figure(height: float, path: Path) -> Iterator[Any]:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # Equal data give equal bytes: without a date, and with names that do not depend on the run.
    with mpl.rc_context({"svg.hashsalt": "costmodel", "svg.fonttype": "none"}):
        mpl.rcParams["font.size"] = 10
        figure = Figure(figsize=(_WIDTH, height), layout="constrained", facecolor="white")
        yield figure
        figure.savefig(path, metadata={"Date": None})


def _quiet(axis: Any) -> None:
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    axis.grid(visible=True, color="#E6E6E6", lw=0.8)
    axis.set_axisbelow(True)


def _logarithmic(axis: Any, values: pd.DataFrame, side: str) -> None:
    """Draw the side on a logarithmic scale, in plain figures, if there is anything on it."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        """Labels the same ticks, but never in powers of ten."""

        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:,g}" if super().__call__(x, pos) else ""

    if (values > 0).any(axis=None):
        axis.set(**{f"{side}scale": "log"})
        labelled = getattr(axis, f"{side}axis")
        labelled.set_major_formatter("{x:,g}")
        labelled.set_minor_formatter(Plain())


def draw_errors(frame: pd.DataFrame, split: str, path: Path) -> None:
    """Draw the error of `best`, `fast`, the roofline and the best of the paper's by target."""
    table = pivot(frame, "rmse_range_pct", split)
    paper = [name for name in table if str(name).startswith(PAPER)]
    places = list(range(len(table)))
    with _figure(1.1 + _ROW * len(table), path) as figure:
        axis = figure.subplots()
        _quiet(axis)
        if paper:
            least = table[paper].min(axis=1)
            axis.scatter(least, places, color=GREY, marker="s", s=40, label="best of the paper's")
        for name in ("roofline", "fast", "best"):
            if name in table:
                axis.scatter(
                    table[name],
                    places,
                    color=_COLORS[name],
                    marker=_MARKERS[name],
                    s=46,
                    label=name,
                )
        _logarithmic(axis, table, "x")
        axis.set_xlabel("RMSE, % of range (smaller is better)")
        axis.set_yticks(places, [_short(str(name)) for name in table.index])
        axis.invert_yaxis()
        figure.legend(loc="outside upper center", ncols=4, frameon=False, columnspacing=1.0)


def draw_curves(frame: pd.DataFrame, split: str, targets: Sequence[str], path: Path) -> None:
    """Draw one panel for each target: error over the number of programs learnt from."""
    part = frame[(frame.metric == "rmse_range_pct") & (frame.split == split)]
    found = [name for name in targets if name in set(part.target)]
    rows = -(-len(found) // 2)
    with _figure(0.6 + 2.3 * rows, path) as figure:
        axes = figure.subplots(rows, 2, squeeze=False).ravel()
        for axis, target in zip(axes, found, strict=False):
            _quiet(axis)
            for i, model in enumerate(dict.fromkeys(part.model)):
                own = part[(part.target == target) & (part.model == model)].sort_values("size")
                color = _COLORS.get(model, GREY)
                style = "-" if model in ("best", "fast") else ("--", ":", "-.")[i % 3]
                width = 2.4 if model in ("best", "fast") else 1.3
                axis.fill_between(own["size"], own.low, own.high, color=color, alpha=0.12, lw=0)
                axis.plot(
                    own["size"], own.value, style, color=color, lw=width, marker=".", label=model
                )
            _logarithmic(axis, part[part.target == target][["size"]], "x")
            _logarithmic(axis, part[part.target == target][["value"]], "y")
            axis.set_title(_short(target), fontsize=10)
        for axis in axes[len(found) :]:
            axis.set_axis_off()
        figure.supxlabel("programs learnt from", fontsize=10)
        figure.supylabel("RMSE, % of range", fontsize=10)
        if found:
            handles, labels = axes[0].get_legend_handles_labels()
            figure.legend(
                handles, labels, loc="outside upper center", ncols=3, frameon=False, fontsize=9
            )


def draw_ranking(frame: pd.DataFrame, path: Path) -> None:
    """Draw regret by model, one panel for each target, of the set with the most schedules."""
    rows = frame[frame["set"] == frame.loc[frame.candidates.idxmax(), "set"]]
    panels = list(rows.groupby("target", sort=False))
    most = max(len(part) for _, part in panels)
    with _figure((0.75 + 0.25 * most) * len(panels) + 0.4, path) as figure:
        axes = figure.subplots(len(panels), 1, squeeze=False, sharex=True).ravel()
        for axis, (target, part) in zip(axes, panels, strict=True):
            _quiet(axis)
            # Regrets are from none to several times the best: linear up to 1 %, then logarithmic.
            axis.set_xscale("symlog", linthresh=1.0, linscale=0.5)
            first, five = (part[name] for name in _REGRETS)
            places = list(range(len(part)))
            colors = [_COLORS.get(model, GREY) for model in part.model]
            axis.hlines(places, five, first, color=colors, lw=1.5, alpha=0.5)
            axis.scatter(first, places, color=colors, s=46, zorder=3, clip_on=False)
            axis.scatter(
                five, places, facecolor="white", edgecolor=colors, s=46, zorder=3, clip_on=False
            )
            axis.set_yticks(places, list(part.model))
            axis.invert_yaxis()
            axis.set_xlim(left=0)
            axis.xaxis.set_major_formatter("{x:,g}")
            axis.set_title(_short(str(target)), fontsize=10, loc="left")
        axes[-1].set_xlabel("regret, % of the best (full: first schedule; hollow: best of five)")


def _short(target: str) -> str:
    """Return a target's name, without what is the same for most of them."""
    device, _, quantity = target.rpartition("/")
    device = device.removeprefix("x86-64-").removeprefix("aarch64-").removeprefix("xpu-")
    return (
        f"{quantity.replace('_', ' ')} ({device})"
        if device != "znver4"
        else quantity.replace("_", " ")
    )
