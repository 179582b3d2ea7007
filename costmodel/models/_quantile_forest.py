"""Randomised trees whose leaves hold labels seen in training, on the site that decides.

A forest of extremely randomised trees (Geurts, Ernst and Wehenkel, Machine Learning 63, 2006),
each of which votes for the label of a program in the leaf reached; the value is the median vote
(Meinshausen, "Quantile regression forests", JMLR 7, 2006).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from costmodel.errors import MissingDependencyError, ModelError
from costmodel.features import Parsed, feature_names, site_feature_names
from costmodel.models._forest import Forest
from costmodel.models._model import Checkpoint, Model, Progress, slug
from costmodel.models._pooling import Pool, is_counted, is_rare
from costmodel.models._safetensors import Arrays
from costmodel.models._sites import SitesConfig, SitesModel
from costmodel.models._target import Target, Values
from costmodel.models._votes import share_of_any, weighted_median

if TYPE_CHECKING:
    from costmodel._core import Trees

_STACK = ("spills", "reloads", "spill_bytes", "stack_bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileForestConfig:
    """Hyperparameters of a quantile regression forest."""

    trees: int = 60
    """Trees that the targets of a group share."""
    feature_share: float = 0.5
    """Share of the features that each split chooses from."""
    least_rows: int = 1
    """Programs in a leaf, at least."""
    rounds: int = 300
    """Boosted trees that tell which site of a program decides."""
    seed: int = 0
    """Seed of sampling."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Targets that share trees; leaves are rows of the labels, in which each has a column."""

    targets: tuple[int, ...]
    labels: Values
    evaluator: "Trees"


class QuantileForestModel(Model):
    """A forest for each group of counts that the same site decides; one for all other targets.

    What is counted is learnt from the features of that one site of a program whose value is the
    highest by a few boosted trees; the rest from those of the program, by the mean of the votes.
    """

    kind: ClassVar[str] = "quantile_forest"
    config_type: ClassVar[type[Any]] = QuantileForestConfig
    config: QuantileForestConfig

    def __init__(self, config: QuantileForestConfig | None = None) -> None:
        super().__init__(config)
        self._saved: Arrays = {}
        self._groups: tuple[_Group, ...] = ()
        rounds, seed = self.config.rounds, self.config.seed
        self._ranker = SitesModel(SitesConfig(rounds=rounds, learning_rate=0.08, seed=seed))

    def _fit(
        self, texts: list[bytes], labels: Values, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        ensemble = _import_ensemble()
        programs = Parsed(texts)
        groups = self._grouped(np.isfinite(labels))
        counted = [group for group in groups if is_counted(self.targets[group[0]])]
        self._saved = {"of_group": _of_group(groups, len(self.targets))}
        if counted:
            means = np.stack([labels[:, group].mean(axis=1) for group in counted], axis=1)
            self._ranker.targets = tuple(_ranking(self.targets[group[0]]) for group in counted)
            self._ranker._fit(texts, means, lambda what, done, total: None, checkpoint)
            self._saved |= {f"ranker.{k}": v for k, v in self._ranker._arrays().items()}
        for g, group in enumerate(groups):
            first = self.targets[group[0]].name
            progress(first, g, len(groups))
            saved = checkpoint.load(f"forest-{slug(first)}")
            if saved is None:
                known = np.flatnonzero(np.isfinite(labels[:, group[0]]))
                rows = self._rows(programs, counted.index(group) if group in counted else -1)
                saved = self._grow(ensemble, rows[known], labels[known][:, group])
                checkpoint.save(f"forest-{slug(first)}", saved)
            self._saved |= {f"group{g}.{name}": array for name, array in saved.items()}
        progress("done", len(groups), len(groups))
        self._set()

    def _grouped(self, known: npt.NDArray[np.bool_]) -> list[list[int]]:
        """Return the targets that can share trees: what is the same, of the same programs."""
        found: dict[tuple[str, bytes], list[int]] = {}
        for i, target in enumerate(self.targets):
            found.setdefault((_family(target), known[:, i].tobytes()), []).append(i)
        return sorted(found.values())

    def _rows(self, programs: Parsed, ranked: int) -> npt.NDArray[np.float32]:
        """Return a row for each program: of the site that decides, or (-1) of the program."""
        if ranked < 0:
            return programs.rows
        pool = Pool(programs.sites)
        values = self._ranker.site_values(pool, ranked)
        return np.ascontiguousarray(pool.sites.rows[pool.highest(values)])

    def _grow(self, ensemble: Any, rows: npt.NDArray[np.float32], labels: Values) -> Arrays:
        spread = labels.std(axis=0)
        goals = labels / np.where(spread > 0, spread, 1.0)
        forest = ensemble.ExtraTreesRegressor(
            self.config.trees,
            max_features=self.config.feature_share,
            min_samples_leaf=self.config.least_rows,
            random_state=self.config.seed,
        ).fit(rows, goals if goals.shape[1] > 1 else goals[:, 0])
        distinct, which = np.unique(labels, axis=0, return_inverse=True)
        rng = np.random.default_rng(np.random.SeedSequence(self.config.seed))
        leaves = []
        for tree in forest.estimators_:
            # Of the programs in a leaf one, by lot, votes: over all trees, each as often.
            at, lot = tree.apply(rows), rng.permutation(len(rows))
            votes = np.zeros(tree.tree_.node_count)
            votes[at[lot]] = which.reshape(-1)[lot]
            leaves.append(votes)
        trees = Forest.of_nodes([tree.tree_ for tree in forest.estimators_], leaves)
        return {**trees.to_arrays("trees"), "labels": distinct}

    def _set(self) -> None:
        """Make what predicts out of what is saved."""
        of_group = self._saved["of_group"]
        if len(of_group) != len(self.targets):
            raise ModelError("The forest is damaged: it is of other targets. Save it again.")
        self._groups = tuple(
            self._group(g, np.flatnonzero(of_group == g)) for g in range(of_group.max() + 1)
        )

    def _group(self, g: int, targets: npt.NDArray[np.int64]) -> _Group:
        labels = self._saved[f"group{g}.labels"].astype(np.float64)
        forest = Forest.from_arrays(f"group{g}.trees", self._saved)
        fits = labels.ndim == 2 and labels.shape[1] == len(targets) and np.isfinite(labels).all()
        if not fits or not forest.leaf.max(initial=0) < len(labels):
            raise ModelError("The forest is damaged: labels are missing. Save it again.")
        of_site = len(targets) > 0 and is_counted(self.targets[targets[0]])
        width = len(site_feature_names() if of_site else feature_names())
        evaluator = forest.evaluator(np.zeros(forest.trees), 1, width)
        return _Group(tuple(int(i) for i in targets), labels, evaluator)

    def votes(self, programs: Parsed, which: Sequence[int]) -> list[Values]:
        """Return what each tree votes for, by target: a row for each program, scale of learning.

        Raises:
            ModelError: If the model has learnt nothing.
        """
        if not self._groups:
            raise ModelError("The model has learnt nothing yet. Call fit, or load one.")
        found: dict[int, Values] = {}
        ranked = -1
        for group in self._groups:
            counted = is_counted(self.targets[group.targets[0]])
            ranked += counted
            if not set(group.targets) & set(which):
                continue
            rows = self._rows(programs, ranked if counted else -1)
            leaves = group.evaluator.leaves(rows, 0).astype(np.int64)
            for column, i in enumerate(group.targets):
                found[i] = group.labels[leaves, column]
        return [found[i] for i in which]

    def _predict(self, programs: Parsed, which: list[int]) -> Values:
        out = np.zeros((len(programs.texts), len(which)))
        for column, votes in enumerate(self.votes(programs, which)):
            out[:, column] = self.value_of(votes, which[column])
        return out

    def value_of(self, votes: Values, i: int) -> Values:
        """Return what is predicted of the target ``i``, given what :meth:`votes` returned of it."""
        if is_counted(self.targets[i]):
            return weighted_median(votes, np.ones_like(votes))
        mean: Values = votes.mean(axis=1)
        return mean

    def _chances(self, programs: Parsed, which: list[int]) -> Values:
        out = super()._chances(programs, which)
        rare = [column for column, i in enumerate(which) if is_rare(self.targets[i])]
        votes = self.votes(programs, [which[column] for column in rare])
        for column, own in zip(rare, votes, strict=True):
            out[:, column] = share_of_any(own)
        return out

    def _arrays(self) -> Arrays:
        if not self._groups:
            raise ModelError("The model has learnt nothing yet. Call fit, or load one.")
        return self._saved

    def _restore(self, arrays: Arrays, extra: Mapping[str, Any]) -> None:
        own = ("group", "ranker.", "of_group")
        self._saved = {name: array for name, array in arrays.items() if name.startswith(own)}
        self._set()
        firsts = [self.targets[group.targets[0]] for group in self._groups]
        self._ranker.targets = tuple(_ranking(first) for first in firsts if is_counted(first))
        ranker = {
            k.removeprefix("ranker."): v for k, v in arrays.items() if k.startswith("ranker.")
        }
        if self._ranker.targets:
            self._ranker._restore(ranker, {})


def _family(target: Target) -> str:
    """Return what targets have in common that may share trees."""
    if not is_counted(target):
        return ""
    if target.quantity in _STACK:
        return f"{target.device}/stack"
    return target.quantity


def _ranking(target: Target) -> Target:
    """Return what sites are ranked by: not by whether they spill, which takes more trees."""
    stack = target.quantity in _STACK
    return replace(target, name=f"{target.device}/stack_bytes") if stack else target


def _of_group(groups: list[list[int]], targets: int) -> npt.NDArray[np.int32]:
    of_group = np.zeros(targets, dtype=np.int32)
    for g, group in enumerate(groups):
        of_group[group] = g
    return of_group


def _import_ensemble() -> Any:
    try:
        return import_module("sklearn.ensemble")
    except ImportError as error:
        raise MissingDependencyError(
            "Training a forest needs scikit-learn, which is not installed: "
            "pip install 'archgym[costmodel]'. Predicting does not."
        ) from error
