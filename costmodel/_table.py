"""The evaluation for people: a summary in Markdown, and learning curves."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

__all__ = ["against_paper", "learning_curves", "pivot", "write_summary"]

HEADLINE = (
    "rmse_range_pct",
    "rmse_std_pct",
    "exact_pct",
    "within_one_pct",
    "spills_auroc",
    "spearman",
    "coverage_pct",
    "top1_regret_pct",
)
PAPER = "paper-"
_MAX_PANELS, _PANELS_PER_ROW = 24, 3
# Okabe and Ito's colours, which all can tell apart.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")


def pivot(frame: "pd.DataFrame", metric: str, split: str) -> "pd.DataFrame":
    """Return a figure with targets as rows and models as columns, for the largest size."""
    part = frame[(frame.metric == metric) & (frame.split == split)]
    part = part[part["size"] == part.groupby("model")["size"].transform("max")]
    table = part.pivot_table(index="target", columns="model", values="value", sort=False)
    return table[[model for model in dict.fromkeys(frame.model) if model in table]]


def against_paper(frame: "pd.DataFrame", split: str) -> "pd.DataFrame":
    """Return each model's RMSE over that of the best of the paper's models, by target."""
    table = pivot(frame, "rmse_range_pct", split)
    paper = [model for model in table if str(model).startswith(PAPER)]
    others = [model for model in table if model not in paper]
    if not paper or not others:
        return table[[]]
    return table[others].div(table[paper].min(axis=1), axis=0)


def summary(frame: "pd.DataFrame") -> str:
    """Return tables of the headline figures in Markdown."""
    parts = []
    for split in dict.fromkeys(frame.split):
        ratios = against_paper(frame, split)
        if not ratios.empty:
            title = f"## RMSE over that of the best of the paper's models, split {split}"
            parts += [title, "", _markdown(ratios), ""]
    for split in dict.fromkeys(frame.split):
        for metric in HEADLINE:
            table = pivot(frame, metric, split)
            if not table.empty:
                parts += [f"## {metric}, split {split}", "", _markdown(table), ""]
    return "\n".join(parts)


def _markdown(table: "pd.DataFrame") -> str:
    head = f"| target | {' | '.join(table.columns)} |"
    lines = [head, "|---|" + "---|" * len(table.columns)]
    for target, row in table.iterrows():
        cells = ["-" if value != value else f"{value:.3g}" for value in row]
        lines.append(f"| {target} | {' | '.join(cells)} |")
    return "\n".join(lines)


def learning_curves(frame: "pd.DataFrame", target: str, metric: str) -> "go.Figure":
    """Return a figure of a target over the number of programs learnt from, with intervals."""
    import plotly.graph_objects as go

    figure = go.Figure()
    part = frame[(frame.target == target) & (frame.metric == metric)]
    for i, ((split, model), rows) in enumerate(part.groupby(["split", "model"], sort=False)):
        ordered = rows.sort_values("size")
        figure.add_scatter(
            x=ordered["size"],
            y=ordered.value,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": ordered.high - ordered.value,
                "arrayminus": ordered.value - ordered.low,
            },
            name=f"{model}, {split}",
            line={"color": _COLORS[i % len(_COLORS)]},
        )
    figure.update_layout(
        title=target,
        xaxis={"title": "programs learnt from", "type": "log"},
        yaxis={"title": metric},
        template="plotly_white",
    )
    return figure


def write_summary(frame: "pd.DataFrame", out: Path) -> None:
    """Write the table and its summary, and learning curves if there are several training sizes.

    Files are ``table.csv``, ``table.md``, ``learning_curves.html`` and, where matplotlib is
    installed, ``learning_curves-SPLIT.svg``.
    """
    frame.to_csv(out / "table.csv", index=False, float_format="%.6g")
    (out / "table.md").write_text(summary(frame), encoding="utf-8")
    if frame.groupby(["model", "split"])["size"].nunique().max() < 2:
        return
    pages: list[str] = []
    for target in [name for name in dict.fromkeys(frame.target) if name]:
        figure = learning_curves(frame, target, "rmse_range_pct")
        pages.append(figure.to_html(full_html=False, include_plotlyjs=not pages))
    head = '<!doctype html><meta charset="utf-8"><title>Learning curves</title>'
    (out / "learning_curves.html").write_text(head + "".join(pages), encoding="utf-8")
    if find_spec("matplotlib") is not None:
        for split in dict.fromkeys(frame.split):
            _draw_curves(frame, str(split), out / f"learning_curves-{split}.svg")


def _draw_curves(frame: "pd.DataFrame", split: str, path: Path) -> None:
    """Draw one panel for each target: RMSE over the number of programs learnt from."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    part = frame[(frame.metric == "rmse_range_pct") & (frame.split == split)]
    targets = list(dict.fromkeys(part.target))[:_MAX_PANELS]
    models = list(dict.fromkeys(part.model))
    rows = -(-len(targets) // _PANELS_PER_ROW)
    # Equal data give equal bytes: without a date, and with names that do not depend on the run.
    with mpl.rc_context({"svg.hashsalt": "costmodel", "svg.fonttype": "none"}):
        figure = Figure(figsize=(4.0 * _PANELS_PER_ROW, 2.8 * rows), layout="constrained")
        axes = figure.subplots(rows, _PANELS_PER_ROW, squeeze=False).ravel()
        for axis, target in zip(axes, targets, strict=False):
            for i, model in enumerate(models):
                own = part[(part.target == target) & (part.model == model)].sort_values("size")
                color = _COLORS[i % len(_COLORS)]
                axis.fill_between(own["size"], own.low, own.high, color=color, alpha=0.15, lw=0)
                axis.plot(own["size"], own.value, color=color, marker=".", label=model)
            axis.set(title=target, xscale="log", xlabel="programs", ylabel="RMSE, % of range")
            axis.title.set_fontsize(8)
        for axis in axes[len(targets) :]:
            axis.set_axis_off()
        axes[0].legend(fontsize=7)
        figure.savefig(path, metadata={"Date": None})
