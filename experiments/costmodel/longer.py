"""What networks gain from more steps: whether the table has trained them long enough."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from archgym.dataset._card import markdown
from costmodel._table import PAPER, pivot
from costmodel.models._neural import NeuralConfig
from experiments.costmodel.encoders import ENCODERS
from experiments.costmodel.goals import BEST, FAST, figure

FACTOR = 4
"""Times as many steps as in the table."""
USUAL, LONGER = "usual", "longer"
SPLIT = "random"


def is_network(model: str) -> bool:
    """Return whether a model of the table is a neural network."""
    return model.startswith(PAPER) or model in ENCODERS


def longer_settings(models: Sequence[str]) -> tuple[str, ...]:
    """Return the settings with which networks take more steps, in as many epochs as these need."""
    config = NeuralConfig()
    changes = (f"max_steps={FACTOR * config.max_steps}", f"epochs={FACTOR * config.epochs}")
    return tuple(f"{model}.{change}" for model in models for change in changes)


def longer_parts(work: Path, out: Path) -> Iterator[str]:
    """Yield the page's text about longer training, if it was measured."""
    files = [work / "longer" / name / "results.parquet" for name in (USUAL, LONGER)]
    if not all(file.is_file() for file in files):
        return
    usual, longer = (pd.read_parquet(file) for file in files)
    both = pd.concat([usual.assign(training=USUAL), longer.assign(training=LONGER)])
    both.to_csv(out / "longer.csv", index=False, float_format="%.5g")
    before, after = (pivot(frame, "rmse_range_pct", SPLIT) for frame in (usual, longer))
    yield f"## Networks: {FACTOR} times as many steps"
    yield (
        f"In the table networks take {NeuralConfig().max_steps:,} steps at most. Here they may "
        f"take {FACTOR} times as many, on the same programs (split `{SPLIT}`); learning still ends "
        "when no epoch helps. The ratio is the RMSE after longer training over that of the table's."
    )
    yield _by_model(before, after, _epochs(usual), _epochs(longer))
    yield (
        "`paper` is the best of the paper's six for each target, chosen on the tests. Our trees "
        "learnt as they always do; `over` is their error over that of `paper` after longer "
        "training."
    )
    yield _by_target(before, after)


def _epochs(frame: pd.DataFrame) -> dict[str, str]:
    part = frame[frame.metric.isin(["kept_epoch", "epochs"])]
    values = part.pivot_table(index="model", columns="metric", values="value")
    return {
        str(model): f"{one.kept_epoch:.0f} of {one.epochs:.0f}" for model, one in values.iterrows()
    }


def _by_model(
    before: pd.DataFrame, after: pd.DataFrame, epochs: dict[str, str], more: dict[str, str]
) -> str:
    ratios = after / before[after.columns]
    return markdown(
        ["model", "epoch kept", "epoch kept, longer", ">ratio, median", ">least", ">largest",
         ">smaller error on"],
        [
            [
                name, epochs.get(name, "-"), more.get(name, "-"), figure(one.median(), 2),
                figure(one.min(), 2), figure(one.max(), 2), f"{(one < 1).sum()} of {one.count()}",
            ]
            for name, one in ratios.items()
        ],
    )  # fmt: skip


def _by_target(before: pd.DataFrame, after: pd.DataFrame) -> str:
    own = [name for name in (FAST, BEST) if name in before]
    encoders = [name for name in after if name in ENCODERS]
    groups = {name: [name] for name in encoders}
    paper = [name for name in after if str(name).startswith(PAPER)]
    if paper:
        groups["paper"] = paper
    columns: dict[str, pd.Series] = {}
    for title, names in groups.items():
        columns[title] = before[names].min(axis=1)
        columns[f"{title}, longer"] = after[names].min(axis=1)
    for name in own:
        columns[name] = before[name]
        if paper:
            columns[f"{name} over"] = before[name] / after[paper].min(axis=1)
    table = pd.DataFrame(columns)
    rows = [[target, *(figure(x) for x in row)] for target, row in table.iterrows()]
    return markdown(["target", *(f">{name}" for name in table)], rows)
