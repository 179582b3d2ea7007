"""The evaluation for people: a summary in Markdown, and learning curves."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

__all__ = ["learning_curves", "pivot", "write_summary"]

HEADLINE = ("rmse_range_pct", "rmse_std_pct", "exact_pct", "spills_auroc", "spearman")
# Okabe and Ito's colours, which all can tell apart.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")


def pivot(frame: "pd.DataFrame", metric: str, split: str) -> "pd.DataFrame":
    """Return a figure with targets as rows and models as columns, for the largest size."""
    part = frame[(frame.metric == metric) & (frame.split == split)]
    part = part[part["size"] == part.groupby("model")["size"].transform("max")]
    table = part.pivot_table(index="target", columns="model", values="value", sort=False)
    return table[[model for model in dict.fromkeys(frame.model) if model in table]]


def summary(frame: "pd.DataFrame") -> str:
    """Return tables of the headline figures in Markdown."""
    parts = []
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
    """Write ``table.md``, and ``learning_curves.html`` if there are several training sizes."""
    (out / "table.md").write_text(summary(frame), encoding="utf-8")
    if frame.groupby(["model", "split"])["size"].nunique().max() < 2:
        return
    pages: list[str] = []
    for target in [name for name in dict.fromkeys(frame.target) if name]:
        figure = learning_curves(frame, target, "rmse_range_pct")
        pages.append(figure.to_html(full_html=False, include_plotlyjs=not pages))
    head = '<!doctype html><meta charset="utf-8"><title>Learning curves</title>'
    (out / "learning_curves.html").write_text(head + "".join(pages), encoding="utf-8")
