"""The page about the cost models: tables, figures, and which goals are missed."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from archgym.dataset._card import markdown
from costmodel._table import PAPER, against_paper, pivot
from costmodel.models._neural import NeuralConfig
from experiments.costmodel.encoders import encoder_parts
from experiments.costmodel.figures import draw_curves, draw_errors, draw_ranking
from experiments.costmodel.goals import BEST, FAST, figure, goals
from experiments.costmodel.longer import longer_parts
from experiments.costmodel.novelty import novelty_parts

FIGURES = {
    "exact_pct": "exact %",
    "within_one_pct": "within 1 %",
    "rmse_std_pct": "RMSE, % of std",
    "spills_auroc": "AUROC",
    "rmse_log2": "RMSE, log2",
    "mape_pct": "MAPE %",
    "spearman": "Spearman",
    "kendall": "Kendall",
    "coverage_pct": "90 % interval covers %",
}
DRAWN = tuple(
    f"x86-64-znver4/{quantity}"
    for quantity in (
        "register_pressure_fp",
        "register_pressure_gpr",
        "spills",
        "executed_instructions",
        "mca_cycles",
        "port_utilization",
    )
)
"""Targets whose learning curves are drawn."""
_COMMANDS = """\
```sh
python -m experiments.costmodel --data FOLDER --out experiments/costmodel --jobs 2
```"""


def write_page(work: Path, out: Path) -> Path:
    """Write ``README.md``, tables (CSV) and figures (SVG) from what the stages left."""
    parts = [_head(_json(work / "data.json"))]
    table, speed = _results(work / "table"), _json(work / "speed.json")
    if table is not None:
        table.to_csv(out / "table.csv", index=False, float_format="%.5g")
        parts += ["## Goals", goals(table, speed), *_errors(table, out), *_others(table)]
    parts += _curves(_results(work / "curves"), out)
    parts += _ranking(work / "ranking.csv", out)
    parts += encoder_parts(work, out)
    parts += longer_parts(work, out)
    every = _results(work / "every")
    if every is not None:
        every.to_csv(out / "every_target.csv", index=False, float_format="%.5g")
        parts += _every(every)
    parts += novelty_parts(work / "novelty.csv", out)
    parts += [*_speed(speed, table), *_networks(table), *_cost(_json(work / "times.json"))]
    page = out / "README.md"
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return page


def _results(folder: Path) -> pd.DataFrame | None:
    file = folder / "results.parquet"
    return pd.read_parquet(file) if file.is_file() else None


def _json(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _head(facts: dict[str, Any]) -> str:
    splits = [
        [name, *(f"{parts[part]:,}" for part in ("train", "valid", "test"))]
        for name, parts in facts["splits"].items()
    ]
    files = [f"`{name}`, SHA-256 `{digest}`" for name, digest in facts["files"].items()]
    sources = [f"{count:,} of source `{name}`" for name, count in facts["sources"].items()]
    return "\n\n".join(
        [
            "# What the learned cost models are worth",
            f"{facts['rows']:,} labelled rows of {facts['programs']:,} programs from "
            f"{facts['families']} families ({'; '.join(files)}): {', '.join(sources)}. Everything "
            "here is made by one command, from what it trained; nothing is written by hand:",
            _COMMANDS,
            "Splits hold out programs at random, all programs of some structures in other shapes, "
            "some schedules of known programs, and whole families:",
            markdown(["split", ">learnt from", ">intervals from", ">tested on"], splits),
        ]
    )


# ---------------------------------------------------------------- tables


def _errors(frame: pd.DataFrame, out: Path) -> Iterator[str]:
    yield "## Errors"
    yield (
        "RMSE in percent of the target's range (the 2023 paper's figure). `paper` is the best of "
        "the paper's six for each target, chosen on these very tests; `over paper` is `best` over "
        "it. Brackets hold the 95 % bootstrap interval over programs. `table.csv` has each of the "
        "six, RMSE in percent of the standard deviation, and the intervals of the other figures."
    )
    for split in dict.fromkeys(frame.split):
        yield f"### Split `{split}`"
        draw_errors(frame, split, out / f"errors-{split}.svg")
        yield f"![RMSE by target and model, split {split}](errors-{split}.svg)"
        yield _error_table(frame, split)


def _error_table(frame: pd.DataFrame, split: str) -> str:
    table = pivot(frame, "rmse_range_pct", split)
    ratios = against_paper(frame, split)
    paper = [name for name in table if str(name).startswith(PAPER)]
    own = [name for name in table if name not in paper]
    last = BEST if BEST in own else own[-1]
    part = frame[(frame.metric == "rmse_range_pct") & (frame.split == split)]
    ends = part[part.model == last].set_index("target")[["low", "high"]]
    head = ["target", *(f">{name}" for name in own)]
    head += [">paper", ">over paper"] if paper else []
    rows = []
    for target, row in table.iterrows():
        cells = [figure(row[name]) for name in own]
        low, high = ends.loc[target]
        if low == low:
            cells[own.index(last)] += f" [{figure(low)}, {figure(high)}]"
        if paper:
            cells += [figure(row[paper].min()), figure(ratios.loc[target, last], 2)]
        rows.append([target, *cells])
    return markdown(head, rows)


def _others(frame: pd.DataFrame) -> Iterator[str]:
    model = BEST if BEST in set(frame.model) else FAST
    yield f"## Other figures of `{model}`"
    for split in dict.fromkeys(frame.split):
        part = frame[(frame.model == model) & (frame.split == split) & (frame.target != "")]
        table = part.pivot_table(index="target", columns="metric", values="value", sort=False)
        names = [name for name in FIGURES if name in table]
        rows = [[target, *(figure(row[n]) for n in names)] for target, row in table.iterrows()]
        yield f"### Split `{split}`"
        yield markdown(["target", *(f">{FIGURES[name]}" for name in names)], rows)


def _curves(frame: pd.DataFrame | None, out: Path) -> Iterator[str]:
    if frame is None:
        return
    frame.to_csv(out / "curves.csv", index=False, float_format="%.5g")
    yield "## Learning curves"
    yield (
        "Error over the number of programs learnt from; bands are 95 % bootstrap intervals. All "
        "targets and figures are in `curves.csv`."
    )
    drawn = [name for name in DRAWN if name in set(frame.target)]
    for split in dict.fromkeys(frame.split):
        draw_curves(frame, split, drawn, out / f"curves-{split}.svg")
        yield f"![RMSE over programs learnt from, split {split}](curves-{split}.svg)"


def _ranking(file: Path, out: Path) -> Iterator[str]:
    frame = pd.read_csv(file) if file.is_file() and file.stat().st_size > 2 else pd.DataFrame()
    if frame.empty:
        return
    shutil.copyfile(file, out / "ranking.csv")
    yield "## Ranking schedules"
    yield (
        "The first schedule of each order is measured, or the first five; regret is by how much "
        "the best of them is worse than the best of all. Measurements are those until one has 95 % "
        "of the best's performance. Programs have 4 schedules at least and were not learnt from; "
        "`random` is the mean of 20 random orders."
    )
    for title, rows in frame.groupby("set", sort=False):
        sizes = rows.groupby("target", sort=False)[["programs", "candidates"]].first()
        yield f"### {str(title).capitalize()}"
        yield "\n".join(
            f"- `{target}`: {int(size.programs)} programs, {size.candidates:.1f} schedules each"
            for target, size in sizes.iterrows()
        )
        yield markdown(
            ["target", "model", ">top-1 regret %", ">top-5 regret %", ">measurements", ">first %"],
            [
                [
                    r.target, r.model, figure(r.top1_regret_pct), figure(r.top5_regret_pct),
                    figure(r.measurements_to_near), figure(r.found_first_pct),
                ]
                for r in rows.itertuples()
            ],
        )  # fmt: skip
    draw_ranking(frame, out / "ranking.svg")
    yield "![Regret by model](ranking.svg)"


def _every(frame: pd.DataFrame) -> Iterator[str]:
    yield f"## `{FAST}` on all targets"
    parts = {
        split: pivot(frame[frame.split == split], "rmse_range_pct", split)
        for split in dict.fromkeys(frame.split)
    }
    ranks = {split: pivot(frame, "spearman", split) for split in parts}
    columns = [(table[FAST], ranks[split][FAST]) for split, table in parts.items()]
    head = ["target"]
    for split in parts:
        head += [f">{split}: RMSE %", f">{split}: Spearman"]
    rows = []
    for target in dict.fromkeys(name for name in frame.target if name):
        cells = [figure(one.get(target, float("nan"))) for pair in columns for one in pair]
        rows.append([target, *cells])
    yield markdown(head, rows)


def _speed(speed: dict[str, Any], table: pd.DataFrame | None) -> Iterator[str]:
    if speed:
        yield "## Speed and size"
        yield (
            f"One core: the tokenizer reads {speed['tokenizer_mb_s']:.0f} MB/s, features "
            f"{speed['features_mb_s']:.0f} MB/s. 1,000 candidates of {speed['mean_bytes']:,.0f} "
            f"bytes: ranked in {speed['rank_ms']:.0f} ms, all targets with intervals in "
            f"{speed['predict_ms']:.0f} ms (`python -m experiments.benchmarks.costmodel_speed`)."
        )
        sizes = [f"`{name}` {size / 1e6:.2f} MB" for name, size in speed["sizes"].items()]
        yield f"Shipped: {', '.join(sizes)}."
    if table is None:
        return
    first = table.split.iloc[0]
    part = table[table.metric.isin(["fit_s", "predict_us"]) & (table.split == first)]
    times = part.pivot_table(index="model", columns="metric", values="value", sort=False)
    yield f"Training and prediction of all targets of the table, split `{first}`, one core each:"
    yield markdown(
        ["model", ">training, s", ">prediction, us a program"],
        [[name, figure(row.fit_s), figure(row.predict_us)] for name, row in times.iterrows()],
    )


def _networks(table: pd.DataFrame | None) -> Iterator[str]:
    """Say how long networks were trained, since their last epoch is not what is tested."""
    part = pd.DataFrame() if table is None else table[table.metric.isin(["kept_epoch", "epochs"])]
    if part.empty:
        return
    yield (
        "Networks learn until five epochs in a row are no better on the programs from which the "
        "intervals are made, and the best epoch is kept; no more are planned than make "
        f"{NeuralConfig().max_steps:,} steps. Epoch kept, of those planned:"
    )
    splits = list(dict.fromkeys(part.split))
    values = part.pivot_table(index=["model", "split"], columns="metric", values="value")
    said = {key: f"{one.kept_epoch:.0f} of {one.epochs:.0f}" for key, one in values.iterrows()}
    yield markdown(
        ["model", *(f">{split}" for split in splits)],
        [
            [model, *(said.get((model, split), "-") for split in splits)]
            for model in dict.fromkeys(part.model)
        ],
    )


def _cost(times: dict[str, Any]) -> Iterator[str]:
    if times:
        yield "What the page took, in minutes of all processes together and on the clock:"
        yield markdown(
            ["stage", ">CPU, min", ">clock, min"],
            [
                [stage, f"{one['cpu_s'] / 60:.1f}", f"{one['wall_s'] / 60:.1f}"]
                for stage, one in times.items()
            ],
        )
