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
from costmodel.models._pooling import is_counted, is_rare
from costmodel.models._quantile_forest import QuantileForestModel
from costmodel.models._safetensors import Arrays
from costmodel.models._sites import SitesModel
from costmodel.models._target import Values, scale
from costmodel.models._votes import VoteChoice

_HELD_BACK = 0.25
_ROUNDS_TO_NONE = np.log2(1.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleConfig:
    """Hyperparameters of an ensemble."""

    members: tuple[str, ...] = ("sites", "forest", "trees", "ridge", "roofline")
    """Names of the models."""
    seed: int = 0
    """Seed of the members, and of what is held back."""


class EnsembleModel(Model):
    """A weighted sum of models; for counts, the vote of a forest's trees that is nearest to it.

    Members do not see the calibration part. One half of its programs gives the weights, and how
    votes are chosen from; the other half gives the intervals.
    """

    kind: ClassVar[str] = "ensemble"
    config_type: ClassVar[type[Any]] = EnsembleConfig
    config: EnsembleConfig

    def __init__(self, config: EnsembleConfig | None = None) -> None:
        super().__init__(config)
        self.members: tuple[Model, ...] = ()
        self._weights = np.empty((0, 0))
        self._choices: tuple[VoteChoice, ...] = ()

    def _fit(
        self, texts: list[bytes], labels: Values, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        raise NotImplementedError  # fit, below, needs to know which rows are of one program

    def fit(self, dataset: Dataset, targets: Any, **others: Any) -> Self:
        """Learn as :meth:`Model.fit` does."""
        names = tuple(targets)
        calibration: Dataset | None = others.get("calibration")
        progress: Progress = others.get("progress") or (lambda what, done, total: None)
        if calibration is None or not len(calibration.labelled(names)):
            dataset, calibration = dataset.halves(_HELD_BACK, self.config.seed)
        self.members = self._learnt(
            dataset, calibration, names, progress, _Prefixed(others, "member")
        )
        self.targets = self.members[0].targets
        weighed, covered = calibration, calibration
        if len(np.unique(calibration.groups().astype(str))) > 1:
            weighed, covered = calibration.halves(0.5, self.config.seed)
        self._weigh(*known_rows(weighed, names))
        self._calibrate(known_rows(dataset, names)[0], *known_rows(covered, names))
        return self

    def _learnt(
        self,
        dataset: Dataset,
        calibration: Dataset,
        targets: tuple[str, ...],
        progress: Progress,
        checkpoint: "_Prefixed",
    ) -> tuple[Model, ...]:
        from costmodel.models._registry import make_model

        found = []
        steps = len(self.config.members)
        for i, name in enumerate(self.config.members):
            progress(name, i, steps)
            model = make_model(name, seed=self.config.seed)
            kept = checkpoint.of(name)
            found.append(model.fit(dataset, targets, calibration=calibration, checkpoint=kept))
        progress("done", steps, steps)
        return tuple(found)

    def _weigh(self, texts: list[bytes], labels: Values) -> None:
        goals = scale(self.targets, labels)
        programs, everything = Parsed(texts), list(range(len(self.targets)))
        predicted = [model._predict(programs, everything) for model in self.members]
        self._weights = np.zeros((len(predicted), len(everything)))
        for i in everything:
            known = np.isfinite(goals[:, i])
            own = np.stack([values[known, i] for values in predicted], axis=1)
            self._weights[:, i] = _stacked(own, goals[known, i])
        self._choices = (VoteChoice(),) * len(everything)
        stacked, none = self._stack(programs, everything)
        for i, votes in self._votes(programs, everything).items():
            known = np.isfinite(goals[:, i]) & ~none[:, i]
            if known.any():
                choice = VoteChoice.best(
                    self.targets[i],
                    votes[known],
                    stacked[known, i],
                    labels[known, i],
                    self._decided(i),
                )
                self._choices = (*self._choices[:i], choice, *self._choices[i + 1 :])

    def _predict(self, programs: Parsed, which: list[int]) -> Values:
        total, none = self._stack(programs, which)
        for column, votes in self._votes(programs, which).items():
            i = which[column]
            chosen = self._choices[i].of(votes, total[:, column], self._decided(i))
            total[:, column] = np.where(none[:, column], total[:, column], chosen)
        return total

    def _votes(self, programs: Parsed, which: list[int]) -> dict[int, Values]:
        """Return by column the votes for each target that has any."""
        counted = [column for column, i in enumerate(which) if is_counted(self.targets[i])]
        for model in self.members:
            if isinstance(model, QuantileForestModel):
                found = model.votes(programs, [which[column] for column in counted])
                return dict(zip(counted, found, strict=True))
        return {}

    def _decided(self, i: int) -> bool:
        """Whether a member says by itself whether there is any of a target."""
        sites = any(isinstance(model, SitesModel) for model in self.members)
        return sites and is_rare(self.targets[i])

    def _stack(self, programs: Parsed, which: list[int]) -> tuple[Values, npt.NDArray[np.bool_]]:
        """Return the weighted sums, and where there surely is none of something rare."""
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
        return np.where(none, sure, total), none

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
        choices = np.array([choice.to_row() for choice in self._choices])
        return {"ensemble.weights": self._weights, "ensemble.choices": choices}

    def _restore(self, arrays: Arrays, extra: Mapping[str, Any]) -> None:
        self._weights, choices = arrays["ensemble.weights"], arrays["ensemble.choices"]
        if self._weights.shape != (len(self.config.members), len(self.targets)):
            raise ModelError("The ensemble is damaged: its weights have another shape.")
        if choices.shape != (len(self.targets), 2):
            raise ModelError("The ensemble is damaged: choices of votes are missing.")
        self._choices = tuple(VoteChoice.from_row(row) for row in choices)


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


def _stacked(predicted: Values, goals: Values) -> Values:
    """Return weights >= 0 that sum to 1, pulled towards the members with small errors."""
    count = predicted.shape[1]
    if not len(goals):
        return np.full(count, 1.0 / count)
    squares = np.mean((predicted - goals[:, None]) ** 2, axis=0) + 1e-12
    usual: Values = (squares.min() / squares) ** 2
    usual /= usual.sum()
    if len(goals) < 2 * count:
        return usual
    # Rows that ask for a sum of 1 strongly and for the usual weights weakly.
    size = float(np.sqrt(np.mean(goals**2))) + 1e-9
    strong = 1e3 * size * np.sqrt(len(goals))
    weak = 0.02 * size * np.sqrt(len(goals))
    design = np.concatenate([predicted, np.full((1, count), strong), weak * np.eye(count)])
    wanted = np.concatenate([goals, [strong], weak * usual])
    weights = np.asarray(nnls(design, wanted)[0], dtype=np.float64)
    return weights / weights.sum() if weights.sum() > 0 else usual
