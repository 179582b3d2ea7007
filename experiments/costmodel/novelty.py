"""What the out-of-distribution score tells from the programs that were learnt from."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from archgym.dataset._card import markdown
from costmodel._dataset import Dataset
from costmodel.evaluate import novelty_auroc
from experiments.costmodel.goals import figure

COLUMNS = ("view", "source", "family")
"""Columns whose values are left out one after the other."""


def novelty_rows(dataset: Dataset, note: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Yield a row for each view, source and held-out family: how well it is told from all others.

    The score learns from part train of the random split without that value; it is tested on the
    programs of part test that have it. Families are those that the split ``family`` holds out.
    """
    for column in (name for name in COLUMNS if name in dataset.columns):
        part = dataset.split("family", "test") if column == "family" else dataset
        for value in np.unique(part.columns[column].astype(str)):
            has = dataset.columns[column] == value
            known = dataset.take(~has).split("random", "train")
            away = dataset.take(has).split("random", "test")
            if not len(known) or not len(away):
                continue
            score = novelty_auroc(known, away)
            note(f"{column} {value}: {figure(score)}")
            yield {"column": column, "value": value, "programs": len(away), "auroc": score}


def novelty_parts(file: Path, out: Path) -> Iterator[str]:
    """Yield the page's text about the score, if it was measured."""
    if not file.is_file():
        return
    shutil.copyfile(file, out / "novelty.csv")
    yield "## Out-of-distribution score"
    yield (
        "The score has seen the programs of all views, sources or families but one, and is to tell "
        "those of that one from others that it has not seen either. AUROC: 0.5 is chance. Each "
        "view has dialects of its own; slices of a new family may hold only what slices of known "
        "ones hold."
    )
    rows = [
        [f"{row.column} `{row.value}`", f"{row.programs:,}", figure(row.auroc)]
        for row in pd.read_csv(file).itertuples()
    ]
    yield markdown(["left out", ">programs", ">AUROC"], rows)
