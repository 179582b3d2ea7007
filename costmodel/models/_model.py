"""The one contract of all models: fit, predict, save, load."""

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

from costmodel._dataset import Dataset
from costmodel._text import all_to_bytes
from costmodel.errors import DatasetError, ModelError, did_you_mean
from costmodel.features import Parsed, feature_names, features, site_feature_names
from costmodel.models._conformal import Calibration
from costmodel.models._novelty import Novelty
from costmodel.models._predictions import Predictions
from costmodel.models._safetensors import Arrays, load_arrays, save_arrays
from costmodel.models._target import Target, Values, describe_targets, scale, unscale

FORMAT = 1
CONFIG_FILE, ARRAYS_FILE = "config.json", "model.safetensors"
MIN_LABELS = 10
"""Labelled programs without which a target cannot be learnt."""

_CALIBRATION_SHARE = 0.2

Progress = Callable[[str, int, int], None]
"""Called with what is being done, steps done, and steps in all."""


class Checkpoint(Protocol):
    """Keeps what is done of a long training, so that an interrupted one goes on."""

    def load(self, name: str) -> Arrays | None:
        """Return what was saved under a name, if anything."""
        ...

    def save(self, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep arrays under a name."""
        ...


class NoCheckpoint:
    """Keeps nothing."""

    def load(self, name: str) -> Arrays | None:
        """Return nothing."""
        return None

    def save(self, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep nothing."""


class Model(ABC):
    """Predicts numbers of programs from their text.

    A subclass learns and predicts on the targets' scales of learning; this class adds units,
    intervals, the out-of-distribution score, and files.

    Args:
        config: Hyperparameters; by default those of the class.
    """

    kind: ClassVar[str]
    """Name of the class in files and on the command line."""
    config_type: ClassVar[type[Any]]
    """Frozen dataclass of its hyperparameters, with a field ``seed``."""

    def __init__(self, config: Any = None) -> None:
        self.config = self.config_type() if config is None else config
        self.targets: tuple[Target, ...] = ()
        self.calibration: Calibration | None = None
        self.novelty: Novelty | None = None
        self.metrics: dict[str, Any] = {}

    # ------------------------------------------------------------------ of a subclass

    @abstractmethod
    def _fit(
        self, texts: list[bytes], labels: Values, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        """Learn from texts and labels on the scales of learning (NaN: none)."""

    @abstractmethod
    def _predict(self, programs: Parsed, which: list[int]) -> Values:
        """Return predictions for the targets ``which``, on their scales of learning."""

    def _chances(self, programs: Parsed, which: list[int]) -> Values:
        """Return how probable it is that the targets ``which`` are not zero; NaN: no say."""
        return np.full((len(programs.texts), len(which)), np.nan)

    @abstractmethod
    def _arrays(self) -> Arrays:
        """Return what was learnt."""

    @abstractmethod
    def _restore(self, arrays: Arrays, extra: Mapping[str, Any]) -> None:
        """Take back what :meth:`_arrays` and :meth:`_extra` gave."""

    def _extra(self) -> dict[str, Any]:
        """Return what else to save, as JSON has it."""
        return {}

    # ------------------------------------------------------------------ of all

    def fit(
        self,
        dataset: Dataset,
        targets: Sequence[str],
        *,
        calibration: Dataset | None = None,
        progress: Progress | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Self:
        """Learn to predict these targets.

        Args:
            dataset: Labelled programs; labels may be missing (NaN).
            targets: Names of targets of the data set.
            calibration: Other programs, from whose errors the intervals are made; by default a
                fifth of the data set's programs is kept back for that.
            progress: Called as training goes on.
            checkpoint: Where to keep what is done.

        Raises:
            DatasetError: If there are too few labels.
        """
        if not targets:
            raise DatasetError("There is no target to learn. Name at least one.")
        check_enough(dataset, targets)
        if calibration is None or not len(calibration.labelled(targets)):
            labelled = dataset.labelled(targets)
            dataset, calibration = labelled.halves(_CALIBRATION_SHARE, self.config.seed)
        self.targets = describe_targets(targets)
        texts, labels = known_rows(dataset, targets)
        self._fit(
            texts,
            scale(self.targets, labels),
            progress or (lambda what, done, total: None),
            checkpoint or NoCheckpoint(),
        )
        self._calibrate(texts, calibration)
        return self

    def _calibrate(self, learnt: list[bytes], calibration: Dataset) -> None:
        """Set the intervals and the measure of novelty from programs that were not learnt from."""
        texts, labels = known_rows(calibration, [target.name for target in self.targets])
        programs = Parsed(texts)
        predicted = self._predict(programs, list(range(len(self.targets))))
        self.calibration = Calibration.fit(predicted, scale(self.targets, labels))
        self.novelty = Novelty.fit(features(learnt), programs.rows, self.config.seed)

    def predict(
        self, texts: Sequence[str | bytes], targets: Sequence[str] | None = None
    ) -> Predictions:
        """Return estimates for each text, whatever it is.

        Args:
            texts: MLIR, or anything.
            targets: Those to predict; by default all that were learnt.

        Raises:
            ModelError: If the model has not learnt a target.
        """
        data = all_to_bytes(texts)
        which = self.indices(targets)
        chosen = tuple(self.targets[i] for i in which)
        if self.calibration is None or self.novelty is None:
            raise ModelError("The model has learnt nothing yet. Call fit, or load one.")
        programs = Parsed(data)
        mean = self._predict(programs, which)
        lower, upper = self.calibration.take(which).interval(mean)
        return Predictions(
            chosen,
            unscale(chosen, mean),
            unscale(chosen, lower),
            unscale(chosen, upper),
            self.novelty.score(programs.rows) if data else np.empty(0),
            self._chances(programs, which),
        )

    def rank(self, texts: Sequence[str | bytes], target: str) -> list[int]:
        """Return the indices of the texts, best first, by the expected value of a target.

        Raises:
            ModelError: If the model has not learnt the target, or it is a device with several.
        """
        data = all_to_bytes(texts)
        at = self.index(target)
        scores = self._predict(Parsed(data), [at])[:, 0]
        sign = -1.0 if self.targets[at].direction == "max" else 1.0
        return [int(i) for i in np.argsort(sign * scores, kind="stable")]

    def indices(self, targets: Sequence[str] | None) -> list[int]:
        """Return the columns of targets; a device's name stands for all its targets.

        Raises:
            ModelError: If the model has not learnt a target.
        """
        if targets is None:
            return list(range(len(self.targets)))
        out: list[int] = []
        for name in targets:
            found = [i for i, t in enumerate(self.targets) if name in (t.name, t.device)]
            if not found:
                raise ModelError(self._unknown(name))
            out += [i for i in found if i not in out]
        return out

    def index(self, target: str) -> int:
        """Return the column of one target.

        Raises:
            ModelError: If the model has not learnt it, or it is a device with several.
        """
        at, *others = self.indices([target])
        if others:
            known = ", ".join(self.targets[i].name for i in (at, *others))
            raise ModelError(f"'{target}' is a device. Name one of its targets: {known}.")
        return at

    def _unknown(self, name: str) -> str:
        """Say that a target has not been learnt, and which have: those of its device, if any."""
        device = name.rpartition("/")[0] or name
        devices = list(dict.fromkeys(target.device for target in self.targets))
        known = [target.name for target in self.targets if target.device == device]
        near = did_you_mean(name, known) or did_you_mean(device, devices)
        said = f"The model has not learnt '{name}'.{near}"
        if known:
            return f"{said} Of this device it knows {', '.join(known)}."
        if not devices:
            return f"{said} It has learnt nothing yet."
        return (
            f"{said} It knows the devices {', '.join(devices)}; the name of one stands for all its "
            "targets, which are called device/quantity."
        )

    @property
    def novelty_directions(self) -> int:
        """How many directions the measure of novelty has."""
        return 0 if self.novelty is None else len(self.novelty.components)

    def save_pretrained(self, folder: Path | str) -> Path:
        """Write a folder that :meth:`from_pretrained` reads; return it."""
        if self.calibration is None or self.novelty is None:
            raise ModelError("The model has learnt nothing yet. Call fit before saving it.")
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        arrays = {**self._arrays(), **self.calibration.to_arrays(), **self.novelty.to_arrays()}
        save_arrays(path / ARRAYS_FILE, arrays)
        head = {
            "format": FORMAT,
            "kind": self.kind,
            "features": feature_digest(),
            "targets": [target.to_dict() for target in self.targets],
            "config": asdict(self.config),
            "extra": self._extra(),
            "metrics": self.metrics,
            "sha256": {ARRAYS_FILE: _digest(path / ARRAYS_FILE)},
        }
        text = json.dumps(head, indent=1, allow_nan=False) + "\n"
        (path / CONFIG_FILE).write_text(text, encoding="utf-8")
        return path

    @classmethod
    def from_head(cls, path: Path, head: Mapping[str, Any]) -> Self:
        """Return the model of a folder, given its parsed configuration."""
        model = cls(_config(cls.config_type, head.get("config")))
        model.targets = tuple(Target.from_dict(one) for one in _list(head, "targets"))
        model.metrics = dict(head.get("metrics") or {})
        file = path / ARRAYS_FILE
        if not file.is_file():
            raise ModelError(f"'{path}' has no {ARRAYS_FILE}. Save the model again.")
        if _digest(file) != (head.get("sha256") or {}).get(ARRAYS_FILE):
            raise ModelError(
                f"'{file}' is not the file that was saved: its checksum differs from the one in "
                f"{CONFIG_FILE}. Restore it, or save the model again."
            )
        arrays = load_arrays(file)
        model.calibration = Calibration.from_arrays(arrays, len(model.targets))
        model.novelty = Novelty.from_arrays(arrays, len(feature_names()))
        try:
            model._restore(arrays, head.get("extra") or {})
        except (KeyError, ValueError, TypeError) as error:
            if isinstance(error, ModelError):
                raise
            raise ModelError(f"'{path}' is damaged: {error}. Save the model again.") from error
        return model


def feature_digest() -> str:
    """Return what changes when the features do, so that no model gets others than it learnt."""
    return hashlib.sha256(
        "\n".join((*feature_names(), *site_feature_names())).encode()
    ).hexdigest()[:16]


def read_head(path: Path) -> dict[str, Any]:
    """Return the configuration of a model folder.

    Raises:
        ModelError: If there is none, or one that this version cannot read.
    """
    file = path / CONFIG_FILE
    if not file.is_file():
        raise ModelError(
            f"'{path}' is no model: it has no {CONFIG_FILE}. Give the folder that 'costmodel "
            "train' wrote, or the name of a model that is shipped."
        )
    try:
        head = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"'{file}' is damaged: {error}. Save the model again.") from error
    if not isinstance(head, dict) or not isinstance(head.get("format"), int):
        raise ModelError(f"'{file}' says no format. Save the model again.")
    if head["format"] > FORMAT:
        raise ModelError(
            f"'{path}' has format {head['format']}; this version reads {FORMAT}. "
            "Install a newer version."
        )
    if head.get("features") != feature_digest():
        raise ModelError(
            f"'{path}' was trained on the features of another version. Train it again."
        )
    return head


def check_enough(dataset: Dataset, targets: Sequence[str]) -> None:
    """Refuse targets with too few labels."""
    known = np.isfinite(dataset.labels_of(targets)).sum(axis=0)
    for target, count in zip(targets, known, strict=True):
        if count < MIN_LABELS:
            raise DatasetError(
                f"'{target}' has {count} labels; learning it takes {MIN_LABELS} at least. "
                "Label more programs, or leave it out."
            )


def known_rows(dataset: Dataset, targets: Sequence[str]) -> tuple[list[bytes], Values]:
    """Return the texts with a label of some target, and their labels."""
    known = dataset.labelled(targets)
    return all_to_bytes(known.texts), known.labels_of(targets)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _list(head: Mapping[str, Any], name: str) -> list[Any]:
    value = head.get(name)
    if not isinstance(value, list):
        raise ModelError(f"The model's {CONFIG_FILE} has no list '{name}'. Save it again.")
    return value


def _config(kind: type[Any], data: Any) -> Any:
    names = {field.name for field in fields(kind)}
    values = data if isinstance(data, dict) else {}
    unknown = sorted(set(values) - names)
    if unknown:
        raise ModelError(
            f"The model has the unknown setting '{unknown[0]}'.{did_you_mean(unknown[0], names)} "
            "It may come from a newer version."
        )
    tuples = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return kind(**tuples)


def slug(name: str) -> str:
    """Return a target's name as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name)
