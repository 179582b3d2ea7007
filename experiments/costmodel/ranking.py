"""What orders of schedules are worth: of models, of the roofline, and of chance."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from costmodel._dataset import Dataset
from costmodel.errors import DatasetError
from costmodel.models import Model, make_model
from costmodel.rank import random_score, score_ranking

LEAST = 4
"""Schedules that a program must have."""
RANKED = tuple(
    f"x86-64-znver4/{name}" for name in ("latency", "mca_cycles", "executed_instructions")
)
TUNED, HELD_OUT = "new kernels, many schedules", "held-out programs of the corpus"

Row = dict[str, Any]


def rank_all(dataset: Dataset, schedules: Path, models: Sequence[str], work: Path) -> list[Row]:
    """Return one row for each set of schedules, target and model; `random` is the first model.

    Models learn from part train of the random split, and the programs that they rank are in none of
    its rows.
    """
    learn = dataset.split("random", "train")
    sets = {HELD_OUT: dataset.split("random", "test")}
    if schedules.is_file():
        found = Dataset.read(schedules)
        sets[TUNED] = found.take(~np.isin(found.groups(), dataset.groups()))
    targets = [name for name in RANKED if any(name in one.labels for one in sets.values())]
    targets = [name for name in targets if name in learn.labels]
    rows = []
    for name in models:
        said = [name, targets, [len(one) for one in sets.values()]]
        said.append(hashlib.sha256("\0".join(learn.texts).encode()).hexdigest())
        digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]
        file = work / f"{name}-{digest}.json"
        if not file.is_file():
            model = make_model(name).fit(learn, targets)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(list(_scores(model, name, sets))), encoding="utf-8")
            print(f"ranking: {name}", flush=True)
        rows += json.loads(file.read_text(encoding="utf-8"))
    # Chance was told with each model; once is enough, and first.
    rows = list({(row["set"], row["target"], row["model"]): row for row in rows}.values())
    kinds = [*sets], targets, ["random", *models]
    return sorted(
        rows,
        key=lambda row: tuple(
            kind.index(row[name])
            for kind, name in zip(kinds, ("set", "target", "model"), strict=True)
        ),
    )


def _scores(model: Model, name: str, sets: dict[str, Dataset]) -> Iterator[Row]:
    for title, schedules in sets.items():
        for target in model.targets:
            if target.name not in schedules.labels:
                continue
            try:
                score = score_ranking(model, schedules, target.name, LEAST)
            except DatasetError:  # no program with enough schedules
                continue
            chance = random_score(schedules, target.name, target.direction, least=LEAST)
            for who, what in ((name, score), ("random", chance)):
                yield {"set": title, "target": target.name, "model": who, **asdict(what)}
