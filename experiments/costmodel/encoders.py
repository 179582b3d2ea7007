"""What is compared about the encoder: its heads, and learning from analytic labels first."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from archgym.dataset._card import markdown
from costmodel._dataset import Dataset
from costmodel._table import pivot
from experiments.costmodel.goals import figure

ENCODERS = ("encoder", "encoder-bins")
"""With a regression head, and with a distribution over bins."""
SMALL_ENCODER = ("width=64", "layers=2", "max_tokens=256", "epochs=8")
"""Settings with which a core trains it on 3,000 programs in minutes."""
PRETRAINING_EPOCHS = 4


def with_few_labels(dataset: Dataset, count: int, seed: int = 0) -> pd.DataFrame:
    """Return the table with the labels of few programs to learn from, and all analytic ones.

    Args:
        dataset: Labelled programs with a split ``random``.
        count: Rows of its part train that keep their labels; a quarter as many of valid do.
        seed: Of the choice.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    part = dataset.columns["split_random"]
    known = part == "test"
    for name, size in (("train", count), ("valid", count // 4)):
        rows = np.flatnonzero(part == name)
        known[rng.permutation(rows)[:size]] = True
    labels = {
        name: values if name.startswith("analytic/") else np.where(known, values, np.nan)
        for name, values in dataset.labels.items()
    }
    return pd.DataFrame({"text": dataset.texts, **labels, **dataset.columns})


def encoder_parts(work: Path, out: Path) -> Iterator[str]:
    """Yield the page's text about the encoder, as far as it was measured."""
    heads = work / "heads" / "results.parquet"
    if heads.is_file():
        frame = pd.read_parquet(heads)
        frame.to_csv(out / "heads.csv", index=False, float_format="%.5g")
        yield "## Encoder: regression head or distribution over bins"
        yield (
            f"A small encoder ({', '.join(SMALL_ENCODER)}) learns from "
            f"{frame['size'].max():,} programs with squared error (`encoder`) or a distribution "
            "over 64 bins of the value (HL-Gauss, `encoder-bins`); `fast` learns from the same. "
            + _wins(frame, "encoder-bins", "encoder")
        )
        for split in dict.fromkeys(frame.split):
            yield f"RMSE, % of range, split `{split}`:"
            yield _errors(pivot(frame, "rmse_range_pct", split))
    both = [work / "pretraining" / name / "results.parquet" for name in ("without", "with")]
    if all(file.is_file() for file in both):
        without, with_ = (pd.read_parquet(file) for file in both)
        frame = pd.concat([with_.replace({"model": {"encoder": "pre-trained"}}), without])
        frame.to_csv(out / "pretraining.csv", index=False, float_format="%.5g")
        yield "## Encoder: analytic labels first, or not"
        yield (
            "FLOPs, bytes and arithmetic intensity cost no compiler. The small encoder learns them "
            f"from all {frame['size'].max():,} programs first (`pre-trained`, "
            f"{PRETRAINING_EPOCHS} epochs) or not (`encoder`), then the targets from few labelled "
            "programs, as `fast` does. " + _wins(frame, "pre-trained", "encoder")
        )
        yield _errors(pivot(frame, "rmse_range_pct", "random"))


def _wins(frame: pd.DataFrame, one: str, other: str) -> str:
    """Return on how many targets and splits one model has the smaller error, and by how much."""
    ratios = []
    for split in dict.fromkeys(frame.split):
        table = pivot(frame, "rmse_range_pct", split)
        ratios.append((table[one] / table[other]).dropna())
    joined = pd.concat(ratios)
    ratio = float(joined.median())
    return (
        f"`{one}` has the smaller error on {int((joined < 1).sum())} of {len(joined)} targets and "
        f"splits; in the median it is {ratio:.2f} of that of `{other}`."
    )


def _errors(table: pd.DataFrame) -> str:
    rows = [[target, *(figure(x) for x in row)] for target, row in table.iterrows()]
    return markdown(["target", *(f">{name}" for name in table)], rows)
