"""Gradient-boosted trees on the sites of a program, whose values make up the program's.

Only whole programs are labelled. The trees give each site a value; the gradient of the program's
error reaches a site by how much the site counts: multiple-instance boosting (Viola, Platt and
Zhang, NeurIPS 2005), with sums, a soft maximum or a mean in place of their noisy or.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from costmodel.errors import ModelError
from costmodel.features import Parsed, Sites, site_feature_names, site_features
from costmodel.models._forest import Forest
from costmodel.models._model import Checkpoint, Model, Progress, slug
from costmodel.models._pooling import Pool, guess_of, hurdle, is_rare, pooling_of
from costmodel.models._safetensors import Arrays
from costmodel.models._target import Target, Values
from costmodel.models._trees import import_lightgbm

if TYPE_CHECKING:
    from costmodel._core import Trees

_LEAST_CURVATURE = 1e-3
Objective = Callable[[Values, Any], tuple[Values, Values]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SitesConfig:
    """Hyperparameters of gradient-boosted trees on sites."""

    rounds: int = 400
    """Trees for each target, and again as many for whether a rare one occurs."""
    leaves: int = 31
    """Leaves of a tree, at most."""
    learning_rate: float = 0.06
    """Share of each tree that is added."""
    least_rows: int = 4
    """Sites in a leaf, at least."""
    feature_share: float = 0.4
    """Share of the features that each tree sees."""
    tolerance: float = 0.2
    """Error, as a logarithm to base 2, above which registers' errors count by size, not square."""
    l2: float = 0.5
    """L2 penalty on leaves."""
    threads: int = 1
    """Threads of training; they do not change what is learnt."""
    seed: int = 0
    """Seed of sampling."""


class SitesModel(Model):
    """One sum of trees for each target, on the features of each site of a program.

    LightGBM (Ke et al., NeurIPS 2017) trains it; the trees are kept in our own arrays, and the
    native core evaluates them.
    """

    kind: ClassVar[str] = "sites"
    config_type: ClassVar[type[Any]] = SitesConfig
    config: SitesConfig

    def __init__(self, config: SitesConfig | None = None) -> None:
        super().__init__(config)
        self._forest: Forest | None = None
        self._counts = np.empty(0, dtype=np.int32)
        self._starts = np.empty((0, 2))
        self._evaluator: Trees | None = None

    def _fit(
        self, texts: list[bytes], labels: Values, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        lightgbm = import_lightgbm()
        sites = site_features(texts)
        parts = []
        for i, target in enumerate(self.targets):
            progress(target.name, i, len(self.targets))
            parts.append(self._fit_target(lightgbm, target, sites, labels[:, i], checkpoint))
        parts += [self._fit_rare(lightgbm, i, sites, labels, checkpoint) for i in self._rare()]
        progress("done", len(self.targets), len(self.targets))
        forests = [Forest.from_arrays("trees", part) for part in parts]
        self._starts = np.stack([part["start"] for part in parts])
        self._set(Forest.join(forests), np.array([forest.trees for forest in forests]))

    def _rare(self) -> list[int]:
        return [i for i, target in enumerate(self.targets) if is_rare(target)]

    def _fit_target(
        self, lightgbm: Any, target: Target, sites: Sites, labels: Values, checkpoint: Checkpoint
    ) -> Arrays:
        saved = checkpoint.load(slug(target.name))
        if saved is not None:
            return saved
        known = np.flatnonzero(np.isfinite(labels))
        part, goals = _take(sites, known), labels[known]
        pool, kind = Pool(part), pooling_of(target)
        start = _start(goals, pool, kind == "sum")
        guesses, of_site = pool.guesses(guess_of(target), start), pool.of_site
        # Trees split where errors differ: an error that all programs share is none of theirs.
        shift = float(np.mean(goals - pool.pooled(guesses, kind)[0]))
        guesses += shift

        def objective(raw: Values, data: Any) -> tuple[Values, Values]:
            value, slope = pool.pooled(raw + guesses, kind)
            error = value - goals
            # Registers should be hit exactly: the pseudo-Huber loss keeps few large errors from
            # moving all others.
            weight = np.ones_like(error)
            if kind == "max":
                weight = 1.0 / np.sqrt(1.0 + (error / self.config.tolerance) ** 2)
            pull = (error * weight)[of_site] * slope
            return pull, np.maximum(slope * weight[of_site], _LEAST_CURVATURE)

        name, first = slug(target.name), np.array([start, shift])
        return self._boost(lightgbm, part, objective, first, name, checkpoint)

    def _fit_rare(
        self, lightgbm: Any, which: int, sites: Sites, labels: Values, checkpoint: Checkpoint
    ) -> Arrays:
        """Learn whether there is any: the likelihood of a Poisson process that is not empty."""
        name = f"{slug(self.targets[which].name)}-any"
        saved = checkpoint.load(name)
        if saved is not None:
            return saved
        known = np.flatnonzero(np.isfinite(labels[:, which]))
        part, some = _take(sites, known), labels[known, which] > 0
        pool = Pool(part)
        of_site = pool.of_site
        share = float(np.clip(some.mean(), 0.01, 0.99))
        start = float(np.log(-np.log1p(-share) * len(known) / len(part.rows)))

        def objective(raw: Values, data: Any) -> tuple[Values, Values]:
            rate = np.exp(np.clip(raw + start, -20.0, 6.0))
            chance = pool.any_of(raw + start)
            odds = (1.0 - chance) / chance
            slope = np.where(some, -odds, 1.0)[of_site] * rate
            curvature = rate**2 * odds[of_site] + 0.05 * rate + _LEAST_CURVATURE
            return slope, curvature

        return self._boost(lightgbm, part, objective, np.array([start, 0.0]), name, checkpoint)

    def _boost(
        self,
        lightgbm: Any,
        sites: Sites,
        objective: Objective,
        start: Values,
        name: str,
        checkpoint: Checkpoint,
    ) -> Arrays:
        parameters = {
            "num_leaves": self.config.leaves,
            "learning_rate": self.config.learning_rate,
            "min_data_in_leaf": self.config.least_rows,
            "feature_fraction": self.config.feature_share,
            "lambda_l2": self.config.l2,
            "min_sum_hessian_in_leaf": 1e-2,
            "seed": self.config.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": self.config.threads,
            "verbosity": -1,
        }
        names = [f"f{i}" for i in range(sites.rows.shape[1])]  # LightGBM dislikes some characters
        table = lightgbm.Dataset(sites.rows, params=parameters, feature_name=names)
        booster = lightgbm.train(
            {**parameters, "objective": objective}, table, num_boost_round=self.config.rounds
        )
        arrays = Forest.parse(booster.model_to_string()).to_arrays("trees")
        arrays["start"] = start
        checkpoint.save(name, arrays)
        return arrays

    def _set(self, forest: Forest, counts: npt.NDArray[Any]) -> None:
        self._forest, self._counts = forest, counts.astype(np.int32)
        of_tree = np.repeat(np.arange(len(counts)), counts)
        self._evaluator = forest.evaluator(of_tree, len(counts), len(site_feature_names()))

    def _predict(self, programs: Parsed, which: list[int]) -> Values:
        pool = Pool(programs.sites)
        raw = self._evaluated(pool, which)
        chances = self._chances(programs, which)
        out = np.zeros((len(programs.texts), len(which)))
        for column, i in enumerate(which):
            target = self.targets[i]
            values = raw[:, column] + self._guesses(pool, i)
            out[:, column] = pool.pooled(values, pooling_of(target))[0]
            if is_rare(target):
                out[:, column] = hurdle(out[:, column], chances[:, column])
        return out

    def _chances(self, programs: Parsed, which: list[int]) -> Values:
        out = super()._chances(programs, which)
        rare = {i: len(self.targets) + k for k, i in enumerate(self._rare())}
        columns = [column for column, i in enumerate(which) if i in rare]
        if columns:
            pool = Pool(programs.sites)
            trees = [rare[which[column]] for column in columns]
            rates = self._evaluated(pool, trees) + self._starts[trees, 0]
            for column, rate in zip(columns, rates.T, strict=True):
                out[:, column] = pool.any_of(rate)
        return out

    def site_values(self, pool: Pool, which: int) -> Values:
        """Return the value of each site, of which a program's is made, for one target."""
        return self._evaluated(pool, [which])[:, 0] + self._guesses(pool, which)

    def _guesses(self, pool: Pool, which: int) -> Values:
        start, shift = self._starts[which]
        values: Values = pool.guesses(guess_of(self.targets[which]), start) + shift
        return values

    def _evaluated(self, pool: Pool, trees: list[int]) -> Values:
        if self._evaluator is None:
            raise ModelError("The model has learnt nothing yet. Call fit, or load one.")
        return self._evaluator.predict(pool.sites.rows, trees)

    def _arrays(self) -> Arrays:
        if self._forest is None:
            raise ModelError("The model has learnt nothing yet. Call fit, or load one.")
        return {
            **self._forest.to_arrays("trees"),
            "trees_of_target": self._counts,
            "starts": self._starts,
        }

    def _restore(self, arrays: Arrays, extra: Mapping[str, Any]) -> None:
        counts, self._starts = arrays["trees_of_target"], arrays["starts"].astype(np.float64)
        forest = Forest.from_arrays("trees", arrays)
        wanted = len(self.targets) + len(self._rare())
        fits = counts.shape == (wanted,) and self._starts.shape == (wanted, 2)
        if not fits or counts.min(initial=0) < 0:
            raise ModelError("The trees are damaged: they are of other targets. Save them again.")
        if counts.sum() != forest.trees:
            raise ModelError("The trees are damaged: some are missing. Save them again.")
        self._set(forest, counts)


def _take(sites: Sites, programs: npt.NDArray[np.int64]) -> Sites:
    counts = np.diff(sites.starts)[programs]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    shift = np.repeat(sites.starts[programs] - starts[:-1], counts)
    return Sites(np.ascontiguousarray(sites.rows[np.arange(starts[-1]) + shift]), starts)


def _start(goals: Values, pool: Pool, summed: bool) -> float:
    """Return the value that all sites start from."""
    if not summed:
        return float(np.median(goals))
    sites_each = len(pool.sites.rows) / max(len(goals), 1)
    return float(np.log2(max(np.exp2(goals.mean()) - 1.0, 0.5) / sites_each))
