"""The table: models against targets, splits and training sizes, on programs held out."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
)
from costmodel._table import learning_curves, pivot, write_summary
from costmodel.errors import DatasetError, InvalidConfigError
from costmodel.features import features
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

    def __post_init__(self) -> None:
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
    dataset = Dataset.read(config.data)
    if config.view is not None:
        dataset = dataset.take(dataset.columns.get("view", np.empty(0)) == config.view)
    targets = choose_targets(dataset, config.targets)
    config.out.mkdir(parents=True, exist_ok=True)
    rows = [row for one in _runs(config, dataset, targets, say) for row in one]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame.to_parquet(config.out / "results.parquet")
    write_summary(frame, config.out)
    return frame


def _runs(
    config: EvaluateConfig, dataset: Dataset, targets: Sequence[str], say: Callable[[str], None]
) -> Iterator[list[Row]]:
    settings = _settings(config)
    ranges = ranges_of(dataset)
    for split in config.splits:
        parts = {part: dataset.split(split, part) for part in ("train", "valid", "test")}
        if len(parts["test"]) < MIN_LABELS:
            raise DatasetError(
                f"Split '{split}' has {len(parts['test'])} programs to test on. Choose another."
            )
        for size in config.sizes:
            for name in config.models:
                task = _Task(config, settings.get(name, {}), split, size, name, parts, ranges)
                started = time.perf_counter()
                rows, fresh = task.rows(targets)
                if fresh:
                    seconds = time.perf_counter() - started
                    say(f"{name}, split {split}, size {size or 'all'}: {seconds:.1f} s")
                yield rows


@dataclass(frozen=True)
class _Task:
    """One model, trained on one part of one split."""

    config: EvaluateConfig
    settings: Mapping[str, Any]
    split: str
    size: int
    model: str
    parts: Mapping[str, Dataset]
    ranges: Mapping[str, float]

    def rows(self, targets: Sequence[str]) -> tuple[list[Row], bool]:
        """Return the figures, and whether they were not there already."""
        file = self.config.out / "parts" / f"{self._key(targets)}.json"
        if file.is_file():
            kept: list[Row] = json.loads(file.read_text(encoding="utf-8"))
            return [{**row, "value": _nan(row["value"])} for row in kept], False
        rows = self._run(targets)
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_text(json.dumps(rows), encoding="utf-8")
        part.replace(file)
        return rows, True

    def _key(self, targets: Sequence[str]) -> str:
        texts = hashlib.sha256("\0".join(self.parts["train"].texts).encode()).hexdigest()
        said = [self.model, sorted(self.settings.items()), self.split, self.size, list(targets)]
        said += [texts, len(self.parts["test"]), self.config.seed, self.config.repeats]
        digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]
        return f"{self.model}-{self.split}-{self.size or 'all'}-{digest}"

    def _run(self, targets: Sequence[str]) -> list[Row]:
        learn, test = self.parts["train"], self.parts["test"]
        if self.size != ALL:
            learn = learn.subset(self.size, self.config.seed)
        labelled = np.isfinite(learn.labels_of(targets)).sum(axis=0)
        chosen = [t for t, n in zip(targets, labelled, strict=True) if n >= MIN_LABELS * 5]
        if not chosen:
            return []
        valid = self.parts["valid"] if self.size == ALL and len(self.parts["valid"]) > 50 else None
        model = make_model(self.model, **{"seed": self.config.seed, **self.settings})
        started = time.perf_counter()
        model.fit(learn, chosen, calibration=valid)
        fitted = time.perf_counter() - started
        rows = score_model(model, test, chosen, self.ranges, self.config.repeats)
        rows += self._whole(model, fitted)
        rows += _ranking(model, test, chosen)
        head = {"model": self.model, "split": self.split, "size": self.size or len(learn)}
        return [{**row, **head} for row in rows]

    def _whole(self, model: Model, fitted: float) -> list[Row]:
        """Return figures of the model, of no target."""
        test = self.parts["test"]
        texts = test.texts[:500]
        started = time.perf_counter()
        model.predict(texts)
        seconds = time.perf_counter() - started
        rows = [
            _row("", "fit_s", fitted, len(self.parts["train"])),
            _row("", "predict_us", 1e6 * seconds / len(texts), len(texts)),
        ]
        if self.split == "family":
            score = novelty_auroc(self.parts["train"], test, self.config.seed)
            rows.append(_row("", "ood_auroc", score, len(test)))
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
            predictions.upper[known, i], (ranges or {}).get(target.name) or range_of(labels),
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
    span: float

    def figures(self, target: Target) -> dict[str, Callable[[Index], float]]:
        """Return the figures of a target by name, each of any rows."""
        spread = max(float(np.std(self.actual)), 1e-12)

        def of(metric: Metric) -> Callable[[Index], float]:
            return lambda at: metric(self.actual[at], self.mean[at])

        def covered(at: Index) -> float:
            return coverage_pct(self.actual[at], self.lower[at], self.upper[at])

        return {
            "rmse_range_pct": of(lambda a, m: 100 * rmse(a, m) / self.span),
            "rmse_std_pct": of(lambda a, m: 100 * rmse(a, m) / spread),
            "coverage_pct": covered,
            **{
                name: of(metric) for name, metric in metrics_of(target.quantity, target.log).items()
            },
        }


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
