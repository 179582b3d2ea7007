"""The figure of rankings."""

from pathlib import Path

import pandas as pd

# Okabe and Ito's blue and vermilion, which all can tell apart.
_COLORS = {"top1_regret_pct": "#0072B2", "top5_regret_pct": "#D55E00"}
_LABELS = {"top1_regret_pct": "first schedule", "top5_regret_pct": "best of the first five"}


def draw_ranking(frame: pd.DataFrame, path: Path) -> None:
    """Draw regret by model, one panel for each set of schedules and target."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    panels = list(frame.groupby(["set", "target"], sort=False))
    # Equal data give equal bytes: without a date, and with names that do not depend on the run.
    with mpl.rc_context({"svg.hashsalt": "costmodel", "svg.fonttype": "none"}):
        figure = Figure(figsize=(8.0, 2.4 * len(panels)), layout="constrained")
        axes = figure.subplots(len(panels), 1, squeeze=False).ravel()
        for axis, ((title, target), rows) in zip(axes, panels, strict=True):
            for i, (metric, color) in enumerate(_COLORS.items()):
                places = [place + 0.4 * i for place in range(len(rows))]
                axis.barh(places, rows[metric], height=0.4, color=color, label=_LABELS[metric])
            axis.set_yticks([place + 0.2 for place in range(len(rows))], list(rows.model))
            axis.invert_yaxis()
            axis.set_title(f"{target}: {title}", fontsize=9)
            axis.set_xlabel("regret, % of the best")
        axes[0].legend(fontsize=8)
        figure.savefig(path, metadata={"Date": None})
