"""What it is worth to learn from loops over long arrays besides tensor programs."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from archgym.dataset._card import markdown
from costmodel._dataset import Dataset, ranges_of
from costmodel._parallel import keep, run_tasks
from costmodel.evaluate import score_model
from costmodel.models import make_model
from experiments.costmodel.goals import figure

LEARNT = ("tensors", "tensors and loops")
"""What a model learns from."""
TESTED = ("tensors", "loops")
METRICS = {"rmse_log2": "RMSE, log2", "exact_pct": "exact %", "coverage_pct": "covered %"}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Loops:
    """What is compared."""

    data: Path
    """Data set of tensor programs: a Parquet file."""
    loops: Path
    """Data set of loops: ``costmodel corpus build --kind loops``."""
    model: str
    """Name of the kind of model."""
    targets: tuple[str, ...]
    work: Path
    """Folder of what was measured."""


def loop_rows(loops: Loops, jobs: int, note: Callable[[str], None]) -> list[Row]:
    """Return the figures of a model that learnt from tensor programs, and of one from both.

    Each is tested on part test of both kinds, of the random split.
    """
    bench = _Bench(loops)
    missing = [name for name in LEARNT if not bench.file(name).is_file()]
    make = (lambda: bench) if jobs == 1 else partial(_Bench, loops)
    run_tasks(missing, make, jobs, note)
    rows: list[Row] = []
    for name in LEARNT:
        rows += json.loads(bench.file(name).read_text(encoding="utf-8"))
    return rows


class _Bench:
    """Both data sets, and what learns from them; each process has its own."""

    def __init__(self, loops: Loops) -> None:
        self.config = loops
        self.sets = {
            name: Dataset.read(path)
            for name, path in zip(TESTED, (loops.data, loops.loops), strict=True)
        }
        both = self.sets["tensors"].joined(self.sets["loops"])
        self.ranges = ranges_of(both)
        self.targets = [name for name in loops.targets if name in both.labels]

    def file(self, name: str) -> Path:
        """Return where the figures are kept."""
        texts = [hashlib.sha256("\0".join(one.texts).encode()).hexdigest() for one in self._all()]
        said = [self.config.model, self.targets, texts]
        digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]
        return self.config.work / f"{name.replace(' ', '-')}-{digest}.json"

    def _all(self) -> Sequence[Dataset]:
        return list(self.sets.values())

    def __call__(self, name: str) -> None:
        """Train a model, test it on both kinds, and keep the figures."""
        learnt = self._all() if name != LEARNT[0] else self._all()[:1]
        parts = []
        for part in ("train", "valid"):
            first, *others = (one.split("random", part) for one in learnt)
            for other in others:
                first = first.joined(other)
            parts.append(first)
        train, valid = parts
        model = make_model(self.config.model).fit(train, self.targets, calibration=valid)
        rows = []
        for kind, dataset in self.sets.items():
            test = dataset.split("random", "test")
            found = score_model(model, test, self.targets, self.ranges, repeats=0)
            rows += [{**row, "learnt": name, "tested": kind} for row in found]
        keep(self.file(name), rows)


def loop_parts(file: Path, out: Path, model: str) -> Iterator[str]:
    """Yield the page's text about loops, if it was measured."""
    if not file.is_file():
        return
    facts = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    frame = pd.read_csv(file)
    frame.to_csv(out / "loops.csv", index=False, float_format="%.5g")
    yield "## Loops over long arrays"
    yield (
        "The tables above are about tensor programs: pieces of models, tuned kernels and random "
        "graphs, whose dimensions are short and many. Maps, reductions, recurrences and stencils "
        f"over one long array are others: {facts['rows']:,} labelled rows of "
        f"{facts['programs']:,} programs (`costmodel corpus build --kind loops`, SHA-256 "
        f"`{facts['sha256']}`). `{model}` learnt from tensor programs alone, or from loops as "
        "well, as the shipped model did; each is tested on unseen programs of both kinds (random "
        "split)."
    )
    for metric, title in METRICS.items():
        part = frame[frame.metric == metric].dropna(subset="value")
        if part.empty:
            continue
        table = part.pivot_table(
            index="target", columns=["tested", "learnt"], values="value", sort=False
        )
        columns = [(test, learnt) for test in reversed(TESTED) for learnt in LEARNT]
        columns = [column for column in columns if column in table]
        head = [f">{test}, from {learnt}" for test, learnt in columns]
        rows = [
            [target, *(figure(row[column]) for column in columns)]
            for target, row in table.iterrows()
        ]
        yield f"{title}:"
        yield markdown(["target", *head], rows)
