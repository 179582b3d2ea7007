"""What orders of schedules are worth: of models, of the roofline, and of chance."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from costmodel._dataset import Dataset
from costmodel._parallel import keep, run_tasks
from costmodel.errors import DatasetError
from costmodel.features import features_digest
from costmodel.models import Model, make_model
from costmodel.rank import random_score, score_ranking

LEAST = 4
"""Schedules that a program must have."""
LEAST_WATCHED = 50
"""Labelled rows of part valid without which a model keeps back some of part train instead."""
RANKED = tuple(
    f"x86-64-znver4/{name}" for name in ("latency", "mca_cycles", "executed_instructions")
)
TUNED, HELD_OUT = "new kernels, many schedules", "held-out programs of the corpus"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ranking:
    """What is ranked."""

    data: Path
    """Data set: a Parquet file."""
    schedules: Path
    """Many labelled schedules of few programs; need not be there."""
    work: Path
    """Folder of what was measured."""


def rank_all(
    ranking: Ranking, models: Sequence[str], jobs: int, note: Callable[[str], None]
) -> list[Row]:
    """Return one row for each set of schedules, target and model; `random` is the first model.

    Models learn from part train of the random split, and the programs that they rank are in none of
    its rows.
    """
    bench = _Bench(ranking)
    missing = [name for name in models if not bench.file(name).is_file()]
    make = (lambda: bench) if jobs == 1 else partial(_Bench, ranking)
    run_tasks(missing, make, jobs, note)
    rows: list[Row] = []
    for name in models:
        rows += json.loads(bench.file(name).read_text(encoding="utf-8"))
    # Chance was told with each model; once is enough, and first.
    rows = list({(row["set"], row["target"], row["model"]): row for row in rows}.values())
    kinds = [*bench.sets], bench.targets, ["random", *models]
    return sorted(
        rows,
        key=lambda row: tuple(
            kind.index(row[name])
            for kind, name in zip(kinds, ("set", "target", "model"), strict=True)
        ),
    )


class _Bench:
    """What models learn from and what they rank; each process has its own."""

    def __init__(self, ranking: Ranking) -> None:
        dataset = Dataset.read(ranking.data)
        self.work = ranking.work
        self.learn = dataset.split("random", "train")
        self.valid = dataset.split("random", "valid")
        self.sets = {HELD_OUT: dataset.split("random", "test")}
        if ranking.schedules.is_file():
            found = Dataset.read(ranking.schedules)
            self.sets[TUNED] = found.take(~np.isin(found.groups(), dataset.groups()))
        targets = [name for name in RANKED if any(name in s.labels for s in self.sets.values())]
        self.targets = [name for name in targets if name in self.learn.labels]
        self._texts = hashlib.sha256("\0".join(self.learn.texts).encode()).hexdigest()

    def file(self, name: str) -> Path:
        """Return where the figures of a model are kept."""
        said = [name, self.targets, [len(one) for one in self.sets.values()], self._texts]
        said.append(features_digest())
        digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]
        return self.work / f"{name}-{digest}.json"

    def __call__(self, name: str) -> None:
        """Train a model, and keep what its orders are worth."""
        enough = len(self.valid.labelled(self.targets)) >= LEAST_WATCHED
        model = make_model(name).fit(
            self.learn, self.targets, calibration=self.valid if enough else None
        )
        keep(self.file(name), list(_scores(model, name, self.sets)))


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
