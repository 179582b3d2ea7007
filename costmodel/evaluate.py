"""The table: models against targets, splits and training sizes, on programs held out."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
from tyro.conf import arg

from costmodel._dataset import Dataset, range_of, ranges_of
from costmodel._metrics import (
    Metric,
    Values,
    auroc,
    coverage_pct,
    interval,
    metrics_of,
    resamples,
    rmse,
    spills_auroc,
)
from costmodel._parallel import keep, run_tasks
from costmodel._table import learning_curves, pivot, write_summary
from costmodel.errors import DatasetError, InvalidConfigError
from costmodel.features import features, features_digest
from costmodel.models import Model, Target, make_model
from costmodel.models._model import MIN_LABELS
from costmodel.models._novelty import Novelty
from costmodel.rank import random_score, score_ranking
from costmodel.train import choose_targets, settings_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "EvaluateConfig",
    "evaluate",
    "learning_curves",
    "novelty_auroc",
    "pivot",
    "score_model",
]

ALL = 0
"""Training size that stands for all programs."""

DEFAULT_MODELS = ("roofline", "ridge", "trees", "sites", "fast")
COLUMNS = ("target", "model", "split", "size", "metric", "value", "low", "high", "rows")

RANKED = ("latency", "cycles", "energy", "executed_instructions", "flops")
"""Quantities by which schedules are ranked."""

WITH_INTERVALS = ("rmse_range_pct", "rmse_std_pct", "exact_pct", "spills_auroc", "spearman")
"""Figures that get bootstrap intervals."""

Row = dict[str, Any]
Index = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """What to compare, and on what."""

    data: Path
    """Parquet file, or folder of them, with columns split_NAME."""
    out: Path
    """Folder of the table and the plots. An evaluation that was interrupted goes on there."""
    models: Annotated[tuple[str, ...], arg(metavar="NAME...")] = DEFAULT_MODELS
    """Models to train and compare."""
    targets: Annotated[tuple[str, ...], arg(metavar="NAME...")] = ()
    """Targets or devices; by default all with enough labels."""
    splits: Annotated[tuple[str, ...], arg(metavar="NAME...")] = ("random", "family")
    """Splits: random, family, shape, schedule."""
    sizes: Annotated[tuple[int, ...], arg(metavar="N...")] = (ALL,)
    """Programs to learn from; 0 is all."""
    view: str | None = None
    """Only programs of this view: high or low."""
    set: Annotated[tuple[str, ...], arg(metavar="MODEL.NAME=VALUE...")] = ()
    """Hyperparameters of models, for instance trees.rounds=600."""
    repeats: int = 200
    """Resamples of the bootstrap intervals; 0 gives none."""
    seed: int = 0
    """Seed of everything random."""
    jobs: int = 1
    """Processes that train models beside each other; figures do not depend on it, times do."""

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise InvalidConfigError(
                f"--jobs {self.jobs} is no number of processes. Give 1 or more."
            )
        for size in self.sizes:
            if size != ALL and size < MIN_LABELS:
                raise InvalidConfigError(
                    f"--sizes {size} is too few programs. Give {MIN_LABELS} at least, or 0 for all."
                )


def evaluate(config: EvaluateConfig, note: Callable[[str], None] | None = None) -> "pd.DataFrame":
    """Train and test all models; return one row for each figure (see :data:`COLUMNS`).

    The table (``results.parquet``, ``table.csv``), a summary (``table.md``) and learning curves
    are written too.

    Raises:
        DatasetError: If the data cannot be learnt from.
        ModelError: If there is no such model.
    """
    import pandas as pd

    say = note or (lambda text: None)
    bench = _Bench(config)
    tasks = bench.tasks()
    config.out.mkdir(parents=True, exist_ok=True)
    missing = [task for task in tasks if not task.file(config).is_file()]
    make: Callable[[], _Bench] = (lambda: bench) if config.jobs == 1 else partial(_Bench, config)
    run_tasks(missing, make, config.jobs, say)
    rows = [row for task in tasks for row in task.rows(config)]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame.to_parquet(config.out / "results.parquet")
    write_summary(frame, config.out)
    return frame


@dataclass(frozen=True, slots=True)
class _Task:
    """One model, trained on one part of one split."""

    model: str
    split: str
    size: int
    key: str
    """Changes with whatever the figures depend on."""

    def __str__(self) -> str:
        return f"{self.model}, split {self.split}, size {self.size or 'all'}"

    def file(self, config: EvaluateConfig) -> Path:
        """Return where the figures are kept."""
        name = f"{self.model}-{self.split}-{self.size or 'all'}-{self.key}.json"
        return config.out / "parts" / name

    def rows(self, config: EvaluateConfig) -> list[Row]:
        """Return the figures that are kept."""
        kept: list[Row] = json.loads(self.file(config).read_text(encoding="utf-8"))
        return [{**row, "value": _nan(row["value"])} for row in kept]


class _Bench:
    """The data, and what trains and tests on them; each process has its own."""

    def __init__(self, config: EvaluateConfig) -> None:
        self.config = config
        dataset = Dataset.read(config.data)
        if config.view is not None:
            dataset = dataset.take(dataset.columns.get("view", np.empty(0)) == config.view)
        self.dataset = dataset
        self.targets = choose_targets(dataset, config.targets)
        self.ranges = ranges_of(dataset)
        self.settings = _settings(config)
        self._parts: dict[str, dict[str, Dataset]] = {}

    def tasks(self) -> list[_Task]:
        """Return what there is to do.

        Raises:
            DatasetError: If a split has nothing to test on.
        """
        return [
            _Task(name, split, size, self._key(name, split, size))
            for split in self.config.splits
            for size in self.config.sizes
            for name in self.config.models
        ]

    def __call__(self, task: _Task) -> None:
        """Do a task, and keep its figures."""
        keep(task.file(self.config), self._run(task))

    def parts(self, split: str) -> dict[str, Dataset]:
        """Return the parts of a split."""
        if split not in self._parts:
            named = ("train", "valid", "test")
            parts = {part: self.dataset.split(split, part) for part in named}
            if len(parts["test"]) < MIN_LABELS:
                raise DatasetError(
                    f"Split '{split}' has {len(parts['test'])} programs to test on. Choose another."
                )
            self._parts[split] = parts
        return self._parts[split]

    def _key(self, model: str, split: str, size: int) -> str:
        parts = self.parts(split)
        texts = hashlib.sha256("\0".join(parts["train"].texts).encode()).hexdigest()
        said = [model, sorted(self.settings.get(model, {}).items()), split, size, self.targets]
        said += [texts, len(parts["test"]), self.config.seed, self.config.repeats]
        said.append(features_digest())
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]

    def _run(self, task: _Task) -> list[Row]:
        parts, seed = self.parts(task.split), self.config.seed
        learn, test, valid = parts["train"], parts["test"], parts["valid"]
        if task.size != ALL:
            learn = learn.subset(task.size, seed)
        labelled = np.isfinite(learn.labels_of(self.targets)).sum(axis=0)
        enough = zip(self.targets, labelled, strict=True)
        chosen = [target for target, count in enough if count >= MIN_LABELS * 5]
        if not chosen:
            return []
        model = make_model(task.model, **{"seed": seed, **self.settings.get(task.model, {})})
        started = time.perf_counter()
        watched = valid if task.size == ALL and len(valid) > 50 else None
        model.fit(learn, chosen, calibration=watched)
        fitted = time.perf_counter() - started
        rows = score_model(model, test, chosen, self.ranges, self.config.repeats)
        rows += _whole(model, test, fitted, len(learn))
        if task.split == "family":
            score = novelty_auroc(parts["train"], test, seed)
            rows.append(_row("", "ood_auroc", score, len(test)))
        rows += _ranking(model, test, chosen)
        head = {"model": task.model, "split": task.split, "size": task.size or len(learn)}
        return [{**row, **head} for row in rows]


def _whole(model: Model, test: Dataset, fitted: float, learnt: int) -> list[Row]:
    """Return figures of the model, of no target."""
    texts = test.texts[:500]
    started = time.perf_counter()
    model.predict(texts)
    seconds = time.perf_counter() - started
    rows = [
        _row("", "fit_s", fitted, learnt),
        _row("", "predict_us", 1e6 * seconds / len(texts), len(texts)),
    ]
    kept, planned = getattr(model, "epochs", (0, 0))  # networks have some
    if planned:
        rows += [_row("", "kept_epoch", kept, learnt), _row("", "epochs", planned, learnt)]
    return rows


def novelty_auroc(known: Dataset, away: Dataset, seed: int = 0) -> float:
    """Return how well the out-of-distribution score tells programs of new families from others.

    A tenth of the programs of known families is kept from the score, to be told from those of new
    families; another tenth sets its unit.

    Args:
        known: Programs of the families that may be learnt from.
        away: Programs of other families.
        seed: Of what is kept back.
    """
    learnt, inside = known.halves(0.1, seed)
    learnt, usual = learnt.halves(0.1, seed + 1)
    novelty = Novelty.fit(features(learnt.texts), features(usual.texts), seed)
    scores = novelty.score(features((*away.texts, *inside.texts)))
    return auroc(np.arange(len(scores)) < len(away), scores)


def score_model(
    model: Model,
    test: Dataset,
    targets: Sequence[str],
    ranges: Mapping[str, float] | None,
    repeats: int = 200,
) -> list[Row]:
    """Return the figures of a model for each target on labelled programs.

    Args:
        model: A trained model.
        test: Programs that it has not learnt from.
        targets: Targets that it has learnt.
        ranges: Largest minus smallest label of each target; by default among ``test``.
        repeats: Resamples of the bootstrap intervals; 0 gives none.
    """
    predictions = model.predict(test.texts, targets)
    groups = test.groups()
    rows: list[Row] = []
    for i, target in enumerate(predictions.targets):
        labels = test.labels[target.name]
        known = np.flatnonzero(np.isfinite(labels))
        if len(known) < 2:
            continue
        own = _Column(
            labels[known], predictions.mean[known, i], predictions.lower[known, i],
            predictions.upper[known, i], predictions.nonzero_probability[known, i],
            (ranges or {}).get(target.name) or range_of(labels),
        )  # fmt: skip
        draws = resamples(groups[known], repeats)
        for name, figure in own.figures(target).items():
            value = figure(np.arange(len(known)))
            low, high = interval(figure, draws if name in WITH_INTERVALS else [])
            rows.append({**_row(target.name, name, value, len(known)), "low": low, "high": high})
    return rows


@dataclass(frozen=True, slots=True)
class _Column:
    """Labels and predictions of one target."""

    actual: Values
    mean: Values
    lower: Values
    upper: Values
    nonzero_probability: Values
    span: float

    def figures(self, target: Target) -> dict[str, Callable[[Index], float]]:
        """Return the figures of a target by name, each of any rows."""
        spread = max(float(np.std(self.actual)), 1e-12)

        def of(metric: Metric) -> Callable[[Index], float]:
            return lambda at: metric(self.actual[at], self.mean[at])

        def covered(at: Index) -> float:
            return coverage_pct(self.actual[at], self.lower[at], self.upper[at])

        figures = metrics_of(target.quantity, target.log)
        found: dict[str, Callable[[Index], float]] = {
            "rmse_range_pct": of(lambda a, m: 100 * rmse(a, m) / self.span),
            "rmse_std_pct": of(lambda a, m: 100 * rmse(a, m) / spread),
            "coverage_pct": covered,
            **{name: of(metric) for name, metric in figures.items()},
        }
        if "spills_auroc" in figures and np.isfinite(self.nonzero_probability).all():
            chance = self.nonzero_probability  # where it is told, it ranks better than the mean
            found["spills_auroc"] = lambda at: spills_auroc(self.actual[at], chance[at])
        return found


def _ranking(model: Model, test: Dataset, targets: Sequence[str]) -> list[Row]:
    rows = []
    for target in model.targets:
        if target.name not in targets or not target.quantity.endswith(RANKED):
            continue
        try:
            score = score_ranking(model, test, target.name)
            chance = random_score(test, target.name, target.direction)
        except DatasetError:
            continue
        for name in ("top1_regret_pct", "top5_regret_pct", "measurements_to_near"):
            rows.append(_row(target.name, name, getattr(score, name), score.programs))
            rows.append(_row(target.name, f"random_{name}", getattr(chance, name), score.programs))
    return rows


def _row(target: str, metric: str, value: float, rows: int) -> Row:
    nan = float("nan")
    return {
        "target": target, "metric": metric, "value": float(value), "low": nan, "high": nan,
        "rows": int(rows),
    }  # fmt: skip


def _nan(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _settings(config: EvaluateConfig) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, value in settings_of(config.set).items():
        model, dot, setting = name.rpartition(".")
        if not dot or model not in config.models:
            raise InvalidConfigError(
                f"'{name}' is no setting of a model that is compared. Write MODEL.NAME=VALUE; "
                f"models are {', '.join(config.models)}."
            )
        found.setdefault(model, {})[setting] = value
    return found
