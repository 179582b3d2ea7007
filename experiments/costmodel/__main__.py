"""Measure the cost models and write the page about them.

    python -m experiments.costmodel --data FOLDER --out experiments/costmodel --jobs 2

Stages: `table` (models x targets x splits), `curves` (over the number of programs learnt from),
`every` (the shipped kind of model on all targets), `ranking`, `heads` (regression against a
distribution over bins), `pretraining` (on analytic labels first, or not), `longer` (networks that
take more steps), `novelty` (what is told from known programs), `speed`, `page`. Whatever was
trained stays in the work folder, so that an interrupted run goes on, and networks may be trained on
another machine and their parts copied there.
"""

import contextlib
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import tyro

from costmodel._dataset import Dataset, digest_of, parquet_files
from costmodel.evaluate import EvaluateConfig, evaluate
from costmodel.models import PAPER_MODELS, SHIPPED
from costmodel.models._model import MIN_LABELS
from experiments.benchmarks.costmodel_speed import Benchmark, measure
from experiments.costmodel.encoders import (
    ENCODERS,
    PRETRAINING_EPOCHS,
    SMALL_ENCODER,
    with_few_labels,
)
from experiments.costmodel.longer import LONGER, SPLIT, USUAL, is_network, longer_settings
from experiments.costmodel.novelty import novelty_rows
from experiments.costmodel.page import DRAWN, write_page
from experiments.costmodel.ranking import Ranking, rank_all

STAGES = (
    "table", "curves", "every", "ranking", "heads", "pretraining", "longer", "novelty", "speed",
    "page",
)  # fmt: skip
ZEN = "x86-64-znver4"
TARGETS = (
    *DRAWN,
    f"{ZEN}/stack_bytes",
    f"{ZEN}/code_instructions",
    f"{ZEN}/latency",
    "aarch64-neoverse-v2/register_pressure_fp",
    "aarch64-neoverse-v2/spills",
    "nvidia-sm90/registers",
    "amd-gfx90a/vgprs",
    "xpu-eyeriss/cycles",
    "xpu-eyeriss/utilization",
)

Names = Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME...")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Measure the cost models and write the page about them."""

    data: Path
    """Data set: a Parquet file, or a folder of them."""
    out: Path = Path("experiments/costmodel")
    """Folder of the page."""
    work: Path = Path("runs/costmodel")
    """Folder of what was trained; what is there is only read."""
    stages: Names = STAGES
    """What to do: table, curves, every, ranking, heads, pretraining, longer, novelty, speed,
    page."""
    jobs: int = 1
    """Processes that train models beside each other."""
    models: Names = ("roofline", "ridge", "trees", "forest", "sites", "fast", "best", "encoder")
    """Models of this project in the table, where the encoder is as small as two cores train it, and
    that rank, which it does not."""
    paper: Names = tuple(PAPER_MODELS)
    """The 2023 paper's models in the table."""
    targets: Names = TARGETS
    """Targets of the table; those without labels are left out."""
    splits: Names = ("random", "shape", "schedule", "family")
    """Splits of the table."""
    curve_models: Names = ("roofline", "trees", "fast", "paper-fc-operand", "paper-conv1d-operand")
    """Models of the learning curves."""
    curve_sizes: Annotated[tuple[int, ...], tyro.conf.arg(metavar="N...")] = (
        100,
        300,
        1000,
        3000,
        10_000,
    )
    """Programs to learn from; besides all."""
    head_size: int = 3000
    """Programs to learn from where the encoder's heads are compared."""
    few: int = 500
    """Labelled programs where training with and without analytic labels first is compared."""
    schedules: Path = Path("experiments/costmodel/schedules.parquet")
    """Many labelled schedules of few programs: see experiments.costmodel.schedules."""
    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="MODEL.NAME=VALUE...")] = ()
    """Hyperparameters of models, for instance paper-lstm-op.epochs=5."""
    repeats: int = 200
    """Resamples of the intervals."""


def main(study: Study) -> None:
    """Run the stages."""
    for name in study.stages:
        if name not in STAGES:
            raise SystemExit(f"There is no stage {name!r}. Stages: {', '.join(STAGES)}.")
    study.out.mkdir(parents=True, exist_ok=True)
    study.work.mkdir(parents=True, exist_ok=True)
    dataset = Dataset.read(study.data)
    _write(study.work / "data.json", _facts(study, dataset))
    stages: dict[str, Callable[[Study, Dataset], None]] = {
        "table": _table,
        "curves": _curves,
        "every": _every,
        "ranking": _ranking,
        "heads": _heads,
        "pretraining": _pretraining,
        "longer": _longer,
        "novelty": _novelty,
        "speed": _speed,
    }
    for name in study.stages:
        if name == "page":
            print(f"wrote {write_page(study.work, study.out)}")
        else:
            with _timed(study, name):
                stages[name](study, dataset)


@contextlib.contextmanager
def _timed(study: Study, stage: str) -> Iterator[None]:
    """Add to what a stage has cost: in all runs together, if it was interrupted."""
    wall_s, cpu_s = time.perf_counter(), _cpu_s()
    try:
        yield
    finally:
        file = study.work / "times.json"
        times = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        before = times.get(stage, {"wall_s": 0.0, "cpu_s": 0.0})
        times[stage] = {
            "wall_s": round(before["wall_s"] + time.perf_counter() - wall_s, 1),
            "cpu_s": round(before["cpu_s"] + _cpu_s() - cpu_s, 1),
        }
        _write(file, times)


def _cpu_s() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _facts(study: Study, dataset: Dataset) -> dict[str, Any]:
    sources = Counter(map(str, dataset.columns.get("source", ())))
    return {
        "files": {file.name: digest_of(file) for file in parquet_files(study.data)},
        "sources": dict(sorted(sources.items())),
        "rows": len(dataset),
        "programs": len(set(dataset.groups())),
        "families": len(set(dataset.columns.get("family", ()))),
        "splits": {
            split: {part: len(dataset.split(split, part)) for part in ("train", "valid", "test")}
            for split in study.splits
        },
    }


def _known(dataset: Dataset, targets: tuple[str, ...]) -> tuple[str, ...]:
    found = [name for name in targets if name in dataset.labels]
    return tuple(n for n in found if len(dataset.labelled([n])) >= MIN_LABELS * 10)


def _table(study: Study, dataset: Dataset) -> None:
    _evaluate(study, "table", (*study.models, *study.paper), _known(dataset, study.targets))


def _curves(study: Study, dataset: Dataset) -> None:
    most = min(len(dataset.split(name, "train")) for name in ("random", "family"))
    sizes = tuple(size for size in study.curve_sizes if size < most)
    _reuse(study.work / "table" / "parts", study.work / "curves" / "parts")
    _evaluate(
        study,
        "curves",
        study.curve_models,
        _known(dataset, study.targets),
        splits=("random", "family"),
        sizes=(*sizes, 0),
    )


def _reuse(parts: Path, out: Path) -> None:
    """Copy figures of models that learnt from all programs; their names say what they are of."""
    out.mkdir(parents=True, exist_ok=True)
    for file in parts.glob("*-all-*.json"):
        if not (out / file.name).exists():
            shutil.copyfile(file, out / file.name)


def _every(study: Study, dataset: Dataset) -> None:
    targets = _known(dataset, dataset.targets)
    _evaluate(study, "every", ("fast",), targets, splits=("random", "family"), repeats=0)


def _evaluate(
    study: Study, stage: str, models: tuple[str, ...], targets: tuple[str, ...], **changes: Any
) -> None:
    said = {
        "splits": study.splits, "repeats": study.repeats, "jobs": study.jobs,
        "set": _own(study, models), **changes,
    }  # fmt: skip
    config = EvaluateConfig(
        data=study.data, out=study.work / stage, models=models, targets=targets, **said
    )
    evaluate(config, note=_noted(stage))


def _own(study: Study, models: tuple[str, ...]) -> tuple[str, ...]:
    """Return the settings of these models: encoders are small unless the user says otherwise."""
    small = [f"{name}.{one}" for name in ENCODERS if name in models for one in SMALL_ENCODER]
    return (*small, *(one for one in study.set if one.partition(".")[0] in models))


def _noted(stage: str) -> Callable[[str], None]:
    return lambda text: print(f"{stage}: {text}", flush=True)


def _ranking(study: Study, dataset: Dataset) -> None:
    rows = rank_all(
        Ranking(study.data, study.schedules, study.work / "ranking"),
        [name for name in study.models if name not in ENCODERS],
        study.jobs,
        _noted("ranking"),
    )
    pd.DataFrame(rows).to_csv(study.work / "ranking.csv", index=False, float_format="%.6g")


def _heads(study: Study, dataset: Dataset) -> None:
    most = len(dataset.split("random", "train"))
    size = study.head_size if study.head_size < most else 0
    models = (*ENCODERS, "fast")
    _evaluate(
        study,
        "heads",
        models,
        _known(dataset, study.targets),
        splits=("random", "family"),
        sizes=(size,),
    )


def _pretraining(study: Study, dataset: Dataset) -> None:
    few = study.work / "pretraining" / "few.parquet"
    few.parent.mkdir(parents=True, exist_ok=True)
    with_few_labels(dataset, study.few).to_parquet(few)
    for name, models, first in (
        ("without", ("encoder", "fast"), ()),
        ("with", ("encoder",), (f"encoder.pretraining_epochs={PRETRAINING_EPOCHS}",)),
    ):
        _evaluate(
            replace(study, data=few),
            f"pretraining/{name}",
            models,
            _known(dataset, study.targets),
            splits=("random",),
            set=(*first, *_own(study, models)),
        )


def _longer(study: Study, dataset: Dataset) -> None:
    models = (*study.models, *study.paper)
    networks = tuple(name for name in models if is_network(name))
    _reuse(study.work / "table" / "parts", study.work / "longer" / USUAL / "parts")
    targets = _known(dataset, study.targets)
    _evaluate(study, f"longer/{USUAL}", models, targets, splits=(SPLIT,))
    settings = (*_own(study, networks), *longer_settings(networks))
    _evaluate(study, f"longer/{LONGER}", networks, targets, splits=(SPLIT,), set=settings)


def _novelty(study: Study, dataset: Dataset) -> None:
    rows = novelty_rows(dataset, _noted("novelty"))
    pd.DataFrame(rows).to_csv(study.work / "novelty.csv", index=False, float_format="%.6g")


def _speed(study: Study, dataset: Dataset) -> None:
    sizes = {
        folder.name: sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        for folder in sorted(SHIPPED.iterdir())
    }
    _write(study.work / "speed.json", {**asdict(measure(Benchmark())), "sizes": sizes})


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(tyro.cli(Study, description=__doc__))
