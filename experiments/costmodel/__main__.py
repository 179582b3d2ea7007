"""Measure the cost models and write the page about them.

    python -m experiments.costmodel --data programs.parquet --out experiments/costmodel

Stages: `table` (models x targets x splits), `curves` (over the number of programs learnt from),
`every` (the shipped kind of model on all targets), `ranking`, `speed`, `page`. Whatever was trained
stays in the work folder, so that an interrupted run goes on, and networks may be trained on another
machine and their parts copied there.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import tyro

from costmodel._dataset import Dataset, digest_of
from costmodel.evaluate import EvaluateConfig, evaluate
from costmodel.models import SHIPPED
from costmodel.models._model import MIN_LABELS
from experiments.benchmarks.costmodel_speed import Benchmark, measure
from experiments.costmodel.page import write_page
from experiments.costmodel.ranking import rank_all

STAGES = ("table", "curves", "every", "ranking", "speed", "page")
PAPER = tuple(
    f"paper-{network}-{tokens}"
    for network in ("fc", "lstm", "conv1d")
    for tokens in ("op", "operand")
)
ZEN = "x86-64-znver4"
CURVE_TARGETS = tuple(
    f"{ZEN}/{quantity}"
    for quantity in (
        "register_pressure_fp",
        "register_pressure_gpr",
        "spills",
        "executed_instructions",
        "mca_cycles",
        "port_utilization",
    )
)
TARGETS = (
    *CURVE_TARGETS,
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
    """Data set: a Parquet file."""
    out: Path = Path("experiments/costmodel")
    """Folder of the page."""
    work: Path = Path("runs/costmodel")
    """Folder of what was trained; what is there is only read."""
    stages: Names = STAGES
    """What to do: table, curves, every, ranking, speed, page."""
    models: Names = ("roofline", "ridge", "trees", "sites", "fast", "best")
    """Models of this project in the table."""
    paper: Names = PAPER
    """The 2023 paper's models in the table."""
    targets: Names = TARGETS
    """Targets of the table; those without labels are left out."""
    splits: Names = ("random", "shape", "schedule", "family")
    """Splits of the table."""
    curve_models: Names = ("roofline", "trees", "sites", "fast", "paper-conv1d-operand")
    """Models of the learning curves."""
    curve_sizes: Annotated[tuple[int, ...], tyro.conf.arg(metavar="N...")] = (
        100,
        300,
        1000,
        3000,
        10_000,
    )
    """Programs to learn from; besides all."""
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
        "speed": _speed,
    }
    for name in study.stages:
        if name == "page":
            print(f"wrote {write_page(study.work, study.out)}")
        else:
            stages[name](study, dataset)


def _facts(study: Study, dataset: Dataset) -> dict[str, Any]:
    return {
        "file": study.data.name,
        "sha256": digest_of(study.data),
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
    _evaluate(
        study,
        "curves",
        study.curve_models,
        _known(dataset, tuple(name for name in CURVE_TARGETS if name in study.targets)),
        splits=("random", "family"),
        sizes=(*sizes, 0),
    )


def _every(study: Study, dataset: Dataset) -> None:
    targets = _known(dataset, dataset.targets)
    _evaluate(study, "every", ("fast",), targets, splits=("random", "family"), repeats=0)


def _evaluate(
    study: Study, stage: str, models: tuple[str, ...], targets: tuple[str, ...], **changes: Any
) -> None:
    own = tuple(one for one in study.set if one.partition(".")[0] in models)
    said = {"splits": study.splits, "repeats": study.repeats, "set": own, **changes}
    config = EvaluateConfig(
        data=study.data, out=study.work / stage, models=models, targets=targets, **said
    )
    evaluate(config, note=lambda text: print(f"{stage}: {text}", flush=True))


def _ranking(study: Study, dataset: Dataset) -> None:
    rows = rank_all(dataset, study.schedules, study.models, study.work / "ranking")
    pd.DataFrame(rows).to_csv(study.work / "ranking.csv", index=False, float_format="%.6g")


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
