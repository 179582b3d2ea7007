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
from costmodel.models._model import Checkpoint, Model, Progress, known_rows
from costmodel.models._odds import Odds
from costmodel.models._pooling import hurdle, is_counted, is_rare
from costmodel.models._quantile_forest import QuantileForestModel
from costmodel.models._safetensors import Arrays
from costmodel.models._target import Target, Values, scale
from costmodel.models._votes import VoteChoice

_EVEN = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleConfig:
    """Hyperparameters of an ensemble."""

    members: tuple[str, ...] = ("sites", "forest", "trees", "ridge", "roofline")
    """Names of the models."""
    seed: int = 0
    """Seed of the members, and of what is held back."""


class EnsembleModel(Model):
    """A weighted sum of models; for counts, the vote of a forest's trees that is nearest to it.

    Whether there is any of something rare is for those members to say that tell how probable it is.
    Members do not see the calibration part. One half of its programs gives the weights, and how
    votes are chosen from; the other half gives the intervals.
    """

    kind: ClassVar[str] = "ensemble"
    config_type: ClassVar[type[Any]] = EnsembleConfig
    config: EnsembleConfig

    def __init__(self, config: EnsembleConfig | None = None) -> None:
        super().__init__(config)
        self.members: tuple[Model, ...] = ()
        self._parts: tuple[_Part, ...] = ()

    def _fit(
        self, texts: list[bytes], labels: Values, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        from costmodel.models._registry import make_model

        steps = len(self.config.members)
        members = []
        for i, name in enumerate(self.config.members):
            progress(name, i, steps)
            model = make_model(name, seed=self.config.seed)
            model.targets = self.targets
            model._fit(texts, labels, _silent, _Prefixed(checkpoint, f"member-{name}"))
            members.append(model)
        progress("done", steps, steps)
        self.members = tuple(members)

    def _calibrate(self, learnt: list[bytes], calibration: Dataset) -> None:
        for model in self.members:
            model._calibrate(learnt, calibration)
        weighed, covered = calibration, calibration
        if len(np.unique(calibration.groups().astype(str))) > 1:
            weighed, covered = calibration.halves(0.5, self.config.seed)
        self._weigh(*known_rows(weighed, [target.name for target in self.targets]))
        super()._calibrate(learnt, covered)

    def _weigh(self, texts: list[bytes], labels: Values) -> None:
        goals = scale(self.targets, labels)
        said = self._said(Parsed(texts), list(range(len(self.targets))))
        parts = []
        for i, target in enumerate(self.targets):
            known = np.isfinite(goals[:, i])
            parts.append(_Part.fit(target, said[i].take(known), goals[known, i], labels[known, i]))
        self._parts = tuple(parts)

    def _predict(self, programs: Parsed, which: list[int]) -> Values:
        out = np.zeros((len(programs.texts), len(which)))
        for column, said in enumerate(self._said(programs, which)):
            out[:, column] = self._parts[which[column]].value(said)
        return out

    def _chances(self, programs: Parsed, which: list[int]) -> Values:
        out = super()._chances(programs, which)
        rare = [column for column, i in enumerate(which) if is_rare(self.targets[i])]
        members = self._members_chances(programs, [which[column] for column in rare])
        for own, column in enumerate(rare):
            out[:, column] = self._parts[which[column]].odds.chance(members[:, :, own])
        return out

    def _said(self, programs: Parsed, which: list[int]) -> list["_Said"]:
        """Return what the members say of each target."""
        if not self.members:
            raise ModelError("The model has learnt nothing yet. Call fit, or load one.")
        nothing = np.empty((len(programs.texts), 0))
        votes, values = [nothing] * len(which), []
        for model in self.members:
            if isinstance(model, QuantileForestModel):
                votes = model.votes(programs, which)
                own = [model.value_of(v, i) for v, i in zip(votes, which, strict=True)]
                values.append(np.reshape(own, (len(which), -1)).T)
            else:
                values.append(model._predict(programs, which))
        told, chances = np.stack(values, axis=1), self._members_chances(programs, which)
        return [
            _Said(
                told[:, :, column],
                chances[:, :, column],
                votes[column] if is_counted(self.targets[i]) else nothing,
            )
            for column, i in enumerate(which)
        ]

    def _members_chances(self, programs: Parsed, which: list[int]) -> Values:
        return np.stack([model._chances(programs, which) for model in self.members], axis=1)

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
        return {
            "ensemble.weights": np.stack([part.weights for part in self._parts]),
            "ensemble.odds": np.stack([part.odds.to_row() for part in self._parts]),
            "ensemble.choices": np.array([part.choice.to_row() for part in self._parts]),
        }

    def _restore(self, arrays: Arrays, extra: Mapping[str, Any]) -> None:
        rows, members = len(self.targets), len(self.config.members)
        found = []
        for name, width in (("weights", members), ("odds", members + 1), ("choices", 2)):
            found.append(arrays[f"ensemble.{name}"])
            if found[-1].shape != (rows, width):
                raise ModelError(f"The ensemble is damaged: its {name} have another shape.")
        self._parts = tuple(
            _Part(is_rare(target), weights, Odds.from_row(odds), VoteChoice.from_row(choice))
            for target, weights, odds, choice in zip(self.targets, *found, strict=True)
        )


@dataclass(frozen=True, slots=True)
class _Said:
    """What the members say of one target on its scale of learning, a row for each program."""

    values: Values
    """What each member predicts."""
    chances: Values
    """How probable each member finds it that there is any; NaN: it has no say."""
    votes: Values
    """What the trees of a forest vote for; no column if there is none."""

    def take(self, rows: npt.NDArray[np.bool_]) -> "_Said":
        """Return what is said of some programs."""
        return _Said(self.values[rows], self.chances[rows], self.votes[rows])


@dataclass(frozen=True, slots=True)
class _Part:
    """How what the members say of one target makes up a value."""

    rare: bool
    """Whether many programs have none of it."""
    weights: Values
    """Weight of what each member predicts."""
    odds: Odds
    """How probable it is that there is any."""
    choice: VoteChoice
    """Which vote is the value."""

    @classmethod
    def fit(cls, target: Target, said: _Said, goals: Values, labels: Values) -> Self:
        """Return what is best on programs that the members have not learnt from."""
        weights, odds = _stacked(said.values, goals), Odds.fit(said.chances, labels > 0)
        some = ~(odds.chance(said.chances) < _EVEN)
        choice, rare = VoteChoice(), is_rare(target)
        if said.votes[some].size:
            sums = said.values[some] @ weights
            choice = VoteChoice.best(target, said.votes[some], sums, labels[some], rare)
        return cls(rare, weights, odds, choice)

    def value(self, said: _Said) -> Values:
        """Return the value of each program."""
        values = self.choice.of(said.votes, said.values @ self.weights, self.rare)
        chance = self.odds.chance(said.chances)
        # Whether there is any is not for those to blur who cannot say.
        return np.where(np.isfinite(chance), hurdle(values, chance), values)


def _silent(what: str, done: int, total: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class _Prefixed:
    """The checkpoint of each member of an ensemble."""

    whole: Checkpoint
    prefix: str

    def load(self, name: str) -> Arrays | None:
        """Return what was kept."""
        return self.whole.load(f"{self.prefix}-{name}")

    def save(self, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep arrays."""
        self.whole.save(f"{self.prefix}-{name}", arrays)


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
