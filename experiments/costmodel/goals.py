"""Which goals the cost models reach, computed from the table."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from archgym.dataset._card import markdown
from costmodel._table import against_paper, pivot

BEST, FAST = "best", "fast"
_OVER_TIME = ("executed_instructions", "mca_cycles", "latency")


def figure(value: float, digits: int = 3) -> str:
    """Return a number as tables show it."""
    if value != value:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"


def goals(frame: pd.DataFrame, speed: dict[str, Any]) -> str:
    """Return the table of goals in Markdown."""
    models = [name for name in (BEST, FAST) if name in set(frame.model)]
    rows = [
        [goal, *cells]
        for goal, *cells in (
            [title, *(answer(frame, model) for model in models)]
            for title, answer in (
                ("registers, spills: RMSE <= 2 % of range, random split", _small_errors),
                ("registers: >= 90 % exact, random split", _exact),
                ("spills: AUROC >= 0.98, random split", _auroc),
                ("at most half the error of the best of the paper's six", _halved),
                ("90 % intervals cover 88 to 92 %, random split", _covered),
                ("time, instructions: never worse than the roofline on new families", _physical),
                ("out-of-distribution score: AUROC >= 0.9 on new families", _novel),
            )
        )
    ]
    if speed:
        taken = speed["rank_ms"]
        said = _answered(taken <= 100, f"{taken:.0f} ms, {taken:.0f} us each")
        rows.append(_row_of(models, "1,000 candidates ranked in <= 100 ms, one core", said))
        size = speed["sizes"].get(FAST, 0) / 1e6
        rows.append(_row_of(models, "shipped model < 2 MB", _answered(size < 2, f"{size:.2f} MB")))
    text = markdown(["goal", *(f"`{name}`" for name in models)], rows)
    return (
        "Each cell says whether the goal is reached, of how many targets it holds, and the worst "
        f"figure. Time, cycles and instructions are compared by their RMSE in log2.\n\n{text}"
    )


def _row_of(models: Sequence[str], title: str, fast: str) -> list[str]:
    return [title, *(fast if model == FAST else "" for model in models)]


def _cells(frame: pd.DataFrame, model: str, metric: str, part: str = "") -> dict[str, float]:
    rows = frame[
        (frame.model == model)
        & (frame.metric == metric)
        & (frame.split == "random")
        & frame.target.str.contains(part)
    ]
    return {row.target: float(row.value) for row in rows.itertuples() if row.value == row.value}


def _counted(values: dict[str, float], good: dict[str, bool], worst: str) -> str:
    if not values:
        return "-"
    said = f"{sum(good.values())} of {len(good)}; {worst} {figure(values[worst])}"
    return _answered(all(good.values()), said)


def _answered(reached: bool, said: str) -> str:
    return f"{'yes' if reached else '**no**'}: {said}"


def _small_errors(frame: pd.DataFrame, model: str) -> str:
    found = _cells(frame, model, "rmse_range_pct", "register|spills|vgprs")
    worst = max(found, key=lambda name: found[name], default="")
    return _counted(found, {k: v <= 2 for k, v in found.items()}, worst)


def _exact(frame: pd.DataFrame, model: str) -> str:
    found = _cells(frame, model, "exact_pct", "register|vgprs")
    worst = min(found, key=lambda name: found[name], default="")
    return _counted(found, {k: v >= 90 for k, v in found.items()}, worst)


def _auroc(frame: pd.DataFrame, model: str) -> str:
    found = _cells(frame, model, "spills_auroc")
    worst = min(found, key=lambda name: found[name], default="")
    return _counted(found, {k: v >= 0.98 for k, v in found.items()}, worst)


def _covered(frame: pd.DataFrame, model: str) -> str:
    found = _cells(frame, model, "coverage_pct")
    worst = max(found, key=lambda name: abs(found[name] - 90), default="")
    return _counted(found, {k: 88 <= v <= 92 for k, v in found.items()}, worst)


def _halved(frame: pd.DataFrame, model: str) -> str:
    ratios: dict[str, float] = {}
    for split in dict.fromkeys(frame.split):
        table = against_paper(frame, split)
        if model in table:
            ratios |= {f"{name} ({split})": x for name, x in table[model].dropna().items()}
    worst = max(ratios, key=lambda name: ratios[name], default="")
    return _counted(ratios, {k: v <= 0.5 for k, v in ratios.items()}, worst)


def _physical(frame: pd.DataFrame, model: str) -> str:
    table = pivot(frame, "rmse_log2", "family") if "family" in set(frame.split) else pd.DataFrame()
    if model not in table or "roofline" not in table:
        return "-"
    part = table[table.index.str.endswith(_OVER_TIME)]
    ratios = {str(k): float(v) for k, v in (part[model] / part["roofline"]).dropna().items()}
    worst = max(ratios, key=lambda name: ratios[name], default="")
    return _counted(ratios, {k: v <= 1 for k, v in ratios.items()}, worst)


def _novel(frame: pd.DataFrame, model: str) -> str:
    found = frame[(frame.metric == "ood_auroc") & (frame.model == model)]
    if not len(found):
        return "-"
    value = float(found.value.iloc[0])
    return _answered(value >= 0.9, figure(value))
