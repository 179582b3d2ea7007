"""Training a model on a table of labelled programs, into a folder."""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from tyro.conf import arg

from costmodel._dataset import Dataset, digest_of, ranges_of
from costmodel.errors import DatasetError, InvalidConfigError
from costmodel.features import features_digest
from costmodel.models import Model, Progress, make_model
from costmodel.models._model import ARRAYS_FILE, CONFIG_FILE, MIN_LABELS
from costmodel.models._safetensors import Arrays, load_arrays, save_arrays

__all__ = ["TrainConfig", "train"]

TRAIN_FILE, CARD_FILE = "train.json", "README.md"
_CHECKPOINTS = "checkpoints"
_KEPT_BACK = 0.1
ALL = "all"
"""The split that is none."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """What to train, on what, and where to."""

    data: Path
    """Parquet file, or folder of them: a column text, and one for each target."""
    out: Path
    """Folder of the model. A training that was interrupted goes on from what is there."""
    model: str = "fast"
    """Name of a model."""
    targets: Annotated[tuple[str, ...], arg(metavar="NAME...")] = ()
    """Targets or devices; by default all with enough labels."""
    split: str = "random"
    """Split of the data set whose part train is learnt from; all: every program but a tenth, which
    the intervals are made from."""
    size: int | None = None
    """Programs to learn from, drawn at random; by default all."""
    set: Annotated[tuple[str, ...], arg(metavar="NAME=VALUE...")] = ()
    """Hyperparameters of the model."""
    seed: int = 0
    """Seed of everything random."""
    overwrite: bool = False
    """Replace a model that is in the folder."""

    def __post_init__(self) -> None:
        if self.size is not None and self.size < MIN_LABELS:
            raise InvalidConfigError(
                f"--size {self.size} is too few programs. Give {MIN_LABELS} at least."
            )


class FolderCheckpoint:
    """Keeps what is done of a training in a folder.

    Args:
        folder: Made when something is first kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, name: str) -> Arrays | None:
        """Return what was kept under a name, if anything."""
        path = self.folder / f"{name}.safetensors"
        return load_arrays(path) if path.is_file() else None

    def save(self, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep arrays under a name; what is there is complete at any time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{name}.part"
        save_arrays(part, arrays)
        part.replace(self.folder / f"{name}.safetensors")

    def clear(self) -> None:
        """Remove everything that was kept."""
        for path in self.folder.glob("*"):
            path.unlink()
        if self.folder.is_dir():
            self.folder.rmdir()


def train(config: TrainConfig, progress: Progress | None = None) -> Model:
    """Train a model and write its folder; return it.

    Raises:
        DatasetError: If the data cannot be learnt from.
        ModelError: If there is no such model or hyperparameter.
        InvalidConfigError: If the folder holds something else.
    """
    model = make_model(config.model, **{**settings_of(config.set), "seed": config.seed})
    dataset = Dataset.read(config.data)
    learn, calibrate, test = _parts(dataset, config)
    targets = choose_targets(learn, config.targets)
    said = _claim(config)
    checkpoint = FolderCheckpoint(config.out / _CHECKPOINTS)
    started = time.perf_counter()
    model.fit(learn, targets, calibration=calibrate, progress=progress, checkpoint=checkpoint)
    model.metrics = {
        "train_programs": len(learn),
        "data_sha256": said["data_sha256"],
        "train_s": round(time.perf_counter() - started, 1),
        # Of what the intervals were made from, it says nothing how much they cover.
        "test": _scores(model, test, targets, ranges_of(dataset), covered=config.split != ALL),
    }
    model.save_pretrained(config.out)
    (config.out / CARD_FILE).write_text(model_card(model, config), encoding="utf-8")
    checkpoint.clear()
    return model


def settings_of(pairs: Sequence[str]) -> dict[str, Any]:
    """Return ``NAME=VALUE`` pairs as a mapping; values are read as JSON, else they are text."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InvalidConfigError(f"'{pair}' is no setting. Write NAME=VALUE.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def choose_targets(dataset: Dataset, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the targets that are wanted (all if none is) and that have enough labels.

    Raises:
        DatasetError: If one that is named has too few, or none is left.
    """
    enough = tuple(
        name for name, values in dataset.labels.items() if np.isfinite(values).sum() >= MIN_LABELS
    )
    if not wanted:
        if not enough:
            raise DatasetError(f"No target has {MIN_LABELS} labels. Label more programs.")
        return enough
    chosen: list[str] = []
    for name in wanted:
        of_device = [target for target in enough if target.rpartition("/")[0] == name]
        if not of_device:
            dataset.labels_of([name])
        chosen += [target for target in of_device or [name] if target not in chosen]
    return tuple(chosen)


def _parts(dataset: Dataset, config: TrainConfig) -> tuple[Dataset, Dataset | None, Dataset]:
    """Return what to learn from, what to make intervals from (None: a share of that), and test."""
    if config.split == ALL:
        labelled = dataset.labelled(choose_targets(dataset, config.targets))
        learn, test = labelled.halves(_KEPT_BACK, config.seed)
        calibrate: Dataset | None = test if len(test) >= MIN_LABELS * 5 else None
    else:
        learn, valid, test = (dataset.split(config.split, p) for p in ("train", "valid", "test"))
        calibrate = valid if len(valid) >= MIN_LABELS * 5 else None
    if config.size is not None:
        learn = learn.subset(config.size, config.seed)
    if len(learn) < MIN_LABELS:
        raise DatasetError(
            f"There are {len(learn)} programs to learn from. Give {MIN_LABELS} at least."
        )
    return learn, calibrate, test


def _claim(config: TrainConfig) -> dict[str, str]:
    """Note in the folder what is trained there; refuse a folder of something else."""
    said = {name: str(value) for name, value in asdict(config).items()}
    for name in ("out", "overwrite"):
        del said[name]
    # What the data are, not where: a folder may be shipped, and files may change.
    said |= {"data": config.data.name, "data_sha256": digest_of(config.data)}
    # Half of a model is of no use to a version that reads other features.
    said["features_sha256"] = features_digest()
    file = config.out / TRAIN_FILE
    known = file.is_file() or (config.out / CONFIG_FILE).is_file()
    if config.overwrite and known and _noted(file) != said:
        _remove(config.out)
    if file.is_file():
        if _noted(file) != said:
            raise InvalidConfigError(
                f"'{config.out}' holds a training with other settings or data (see {TRAIN_FILE}). "
                "Choose another folder, or replace that one: --overwrite."
            )
    elif config.out.is_dir() and (config.out / CONFIG_FILE).exists():
        raise InvalidConfigError(
            f"'{config.out}' holds another model. Choose another folder, or replace that one: "
            "--overwrite."
        )
    config.out.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return said


def _remove(folder: Path) -> None:
    """Remove a model, and nothing else that may be in its folder."""
    for name in (CONFIG_FILE, ARRAYS_FILE, TRAIN_FILE, CARD_FILE):
        (folder / name).unlink(missing_ok=True)
    for part in (_CHECKPOINTS, "base", "member-*"):
        for path in folder.glob(part):
            shutil.rmtree(path)


def _noted(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _scores(
    model: Model,
    test: Dataset,
    targets: Sequence[str],
    ranges: Mapping[str, float],
    *,
    covered: bool,
) -> dict[str, dict[str, float]]:
    from costmodel.evaluate import score_model

    if not len(test):
        return {}
    rows = score_model(model, test, targets, ranges, repeats=0)
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        if np.isfinite(row["value"]) and (covered or row["metric"] != "coverage_pct"):
            found.setdefault(row["target"], {})[row["metric"]] = round(row["value"], 5)
    return found


def _part(config: TrainConfig) -> str:
    if config.split == ALL:
        return "nine tenths of all programs (figures are of the others)"
    return f"part train of the split `{config.split}`"


def model_card(model: Model, config: TrainConfig) -> str:
    """Return the text that describes a model in its folder."""
    lines = [
        f"# Cost model `{config.model}`",
        "",
        f"Trained on {model.metrics['train_programs']:,} rows of {_part(config)} in "
        f"{model.metrics['train_s']:g} s, seed {config.seed}. Read it with "
        '`CostModel.from_pretrained("FOLDER")`. SHA-256 of the data: '
        f"`{model.metrics['data_sha256']}`.",
        "",
        "Values are expectations, intervals cover 90 % of programs like those learnt from; an "
        "`ood` above 1 says that a program is unlike them, and then neither holds.",
        "",
        "| target | unit | RMSE, % of range | Spearman | interval covers, % |",
        "|---|---|---|---|---|",
    ]
    tested = model.metrics["test"]
    for target in model.targets:
        scores = tested.get(target.name, {})
        figures = [scores.get(m) for m in ("rmse_range_pct", "spearman", "coverage_pct")]
        cells = ["-" if figure is None else f"{figure:.3g}" for figure in figures]
        lines.append(f"| {target.name} | {target.unit} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
