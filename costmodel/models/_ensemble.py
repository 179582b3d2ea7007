"""Several models, weighted for each target by what they got right on programs held back.

Source: Wolpert, "Stacked generalization", 1992, with weights that are not negative (Breiman,
"Stacked regressions", 1996).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from costmodel._dataset import Dataset
from costmodel.errors import ModelError
from costmodel.features import Parsed
from costmodel.models._model import Checkpoint, Model, NoCheckpoint, Progress, known_rows
from costmodel.models._pooling import is_rare
from costmodel.models._safetensors import Arrays
from costmodel.models._sites import SitesModel
from costmodel.models._target import Values, scale

_HELD_BACK = 0.25
_LEAST_FAMILIES = 8
_ROUNDS_TO_NONE = np.log2(1.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleConfig:
    """Hyperparameters of an ensemble."""

    members: tuple[str, ...] = ("sites", "trees", "ridge", "roofline")
    """Names of the models."""
    seed: int = 0
    """Seed of the members, and of what is held back."""


class EnsembleModel(Model):
    """A weighted sum of models.

    The weights come from members that have not seen a quarter of the programs, half of it whole
    families; then all members learn from all programs.
    """

    kind: ClassVar[str] = "ensemble"
    config_type: ClassVar[type[Any]] = EnsembleConfig
    config: EnsembleConfig

    def __init__(self, config: EnsembleConfig | None = None) -> None:
        super().__init__(config)
        self.members: tuple[Model, ...] = ()
        self._weights = np.empty((0, 0))

    def _fit(
        self, texts: list[bytes], labels: Values, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        raise NotImplementedError  # fit, below, needs to know which rows are of one program

    def fit(self, dataset: Dataset, targets: Any, **others: Any) -> Self:
        """Learn as :meth:`Model.fit` does."""
        calibration: Dataset | None = others.get("calibration")
        progress: Progress = others.get("progress") or (lambda what, done, total: None)
        if calibration is None:
            dataset, calibration = dataset.halves(_HELD_BACK, self.config.seed)
        names = tuple(targets)
        keep, back = _held_back(dataset, self.config.seed + 1)
        steps = 2 * len(self.config.members)
        trial = self._learnt(keep, back, names, 0, steps, progress, _Prefixed(others, "trial"))
        self.targets = trial[0].targets
        self._weigh(trial, back, names)
        self.members = self._learnt(
            dataset, calibration, names, steps // 2, steps, progress, _Prefixed(others, "whole")
        )
        progress("done", steps, steps)
        self.targets = self.members[0].targets
        self._calibrate(known_rows(dataset, names)[0], *known_rows(calibration, names))
        return self

    def _learnt(
        self,
        dataset: Dataset,
        calibration: Dataset,
        targets: tuple[str, ...],
        done: int,
        steps: int,
        progress: Progress,
        checkpoint: "_Prefixed",
    ) -> tuple[Model, ...]:
        from costmodel.models._registry import make_model

        found = []
        for i, name in enumerate(self.config.members):
            progress(name, done + i, steps)
            model = make_model(name, seed=self.config.seed)
            kept = checkpoint.of(name)
            found.append(model.fit(dataset, targets, calibration=calibration, checkpoint=kept))
        return tuple(found)

    def _weigh(self, trial: tuple[Model, ...], back: Dataset, targets: tuple[str, ...]) -> None:
        texts, labels = known_rows(back, targets)
        goals = scale(self.targets, labels)
        predicted = np.stack([_scaled(model, texts) for model in trial], axis=2)
        self._weights = np.zeros((len(trial), len(targets)))
        for i in range(len(targets)):
            known = np.isfinite(goals[:, i])
            weights = _stacked(predicted[known, i], goals[known, i])
            self._weights[:, i] = weights

    def _predict(self, programs: Parsed, which: list[int]) -> Values:
        if not self.members:
            raise ModelError("The model has learnt nothing yet. Call fit, or load one.")
        total = np.zeros((len(programs.texts), len(which)))
        rare = np.array([is_rare(self.targets[i]) for i in which], dtype=bool)
        none = np.zeros(total.shape, dtype=bool)
        sure = total.copy()
        for model, weights in zip(self.members, self._weights, strict=True):
            decides = rare.any() and isinstance(model, SitesModel)
            if not decides and not np.any(weights[which] > 0):
                continue
            predicted = model._predict(programs, which)
            total += predicted * weights[which]
            if decides:  # whether there is any is not for the others to blur
                none = rare & (predicted < _ROUNDS_TO_NONE)
                sure = predicted
        return np.where(none, sure, total)

    def save_pretrained(self, folder: Path | str) -> Path:
        """Write a folder with the members in it."""
        path = super().save_pretrained(folder)
        for i, model in enumerate(self.members):
            model.save_pretrained(path / f"member-{i}")
        return path

    @classmethod
    def from_head(cls, path: Path, head: Mapping[str, Any]) -> Self:
        """Return the model of a folder."""
        from costmodel.models._registry import load_model

        model = super().from_head(path, head)
        names = model.config.members
        model.members = tuple(load_model(path / f"member-{i}") for i in range(len(names)))
        if any(member.targets != model.targets for member in model.members):
            raise ModelError(f"'{path}' has members of other targets. Save it again.")
        return model

    def _arrays(self) -> Arrays:
        return {"ensemble.weights": self._weights}

    def _restore(self, arrays: Arrays, extra: Mapping[str, Any]) -> None:
        self._weights = arrays["ensemble.weights"]
        if self._weights.shape != (len(self.config.members), len(self.targets)):
            raise ModelError("The ensemble is damaged: its weights have another shape.")


class _Prefixed:
    """The checkpoint of each member of an ensemble."""

    def __init__(self, others: Mapping[str, Any], prefix: str) -> None:
        self._whole: Checkpoint = others.get("checkpoint") or NoCheckpoint()
        self._prefix = prefix

    def of(self, member: str) -> "_Prefixed":
        """Return the checkpoint of a member."""
        return _Prefixed({"checkpoint": self._whole}, f"{self._prefix}-{member}")

    def load(self, name: str) -> Arrays | None:
        """Return what was kept."""
        return self._whole.load(f"{self._prefix}-{name}")

    def save(self, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep arrays."""
        self._whole.save(f"{self._prefix}-{name}", arrays)


def _held_back(dataset: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """Return what to learn from and what to weigh on: programs of known and of new families."""
    families = dataset.columns.get("family")
    if families is None or len(set(families)) < _LEAST_FAMILIES:
        return dataset.halves(_HELD_BACK, seed)
    names = np.unique(families.astype(str))
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    new = rng.permutation(names)[: max(1, round(_HELD_BACK / 2 * len(names)))]
    away = np.isin(families.astype(str), new)
    known, back = dataset.take(~away).halves(_HELD_BACK / 2, seed)
    return known, back.joined(dataset.take(away))


def _scaled(model: Model, texts: list[bytes]) -> Values:
    return model._predict(Parsed(texts), list(range(len(model.targets))))


def _stacked(predicted: Values, goals: Values) -> Values:
    """Return weights >= 0 that sum to 1, pulled towards the mean of the members."""
    count = predicted.shape[1]
    if len(goals) < 2 * count:
        return np.full(count, 1.0 / count)
    # Rows that ask for a sum of 1 strongly and for equal weights weakly.
    size = float(np.sqrt(np.mean(goals**2))) + 1e-9
    strong = 1e3 * size * np.sqrt(len(goals))
    weak = 0.02 * size * np.sqrt(len(goals))
    design = np.concatenate([predicted, np.full((1, count), strong), weak * np.eye(count)])
    wanted = np.concatenate([goals, [strong], np.full(count, weak / count)])
    weights = np.asarray(nnls(design, wanted)[0], dtype=np.float64)
    return weights / weights.sum() if weights.sum() > 0 else np.full(count, 1.0 / count)
