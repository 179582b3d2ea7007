"""Proxies: models that predict the metrics of designs, and stand in for a simulator.

    from archgym.dataset import DataSet
    from archgym.proxy import Proxy, train_proxy

    proxy = train_proxy(DataSet.load("trials.parquet"), "extra_trees")
    proxy.save("proxy")
    env = gymnasium.make("archgym:archgym/DRAM-v0", space="paper", evaluator=Proxy.load("proxy"))

A proxy is a folder: ``proxy.json`` (what it is, scores, checksums), ``arrays.npz`` (numbers only,
no pickle) and, for boosted trees, LightGBM's text files.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archgym.dataset._table import DataSet, design_keys
from archgym.errors import InvalidConfigError, RecordError
from archgym.problem import Evaluation, Problem
from archgym.proxy._examples import Examples, Rows
from archgym.proxy._files import read_folder, write_folder
from archgym.proxy._models import (
    Arrays,
    Floats,
    Indices,
    ProxyModel,
    fit_model,
    model_class,
    restore_model,
)
from archgym.proxy._scores import (
    AGREED,
    LEVEL,
    Calibration,
    Prediction,
    Target,
    score_table,
    score_targets,
)
from archgym.space import Design, DesignSpace

if TYPE_CHECKING:
    import pandas as pd

CALIBRATION_SHARE, MAX_CALIBRATION = 0.15, 10_000

# Fewer designs of either kind do not teach which designs are feasible.
LEAST_INFEASIBLE = 10


class Proxy:
    """Predicts the metrics of a problem's designs; an `Evaluator` in place of the simulator.

    Attributes:
        space: The design space.
        targets: The metrics and their scales.
        info: What it was trained on and how good it is, as ``proxy.json`` has it.
    """

    def __init__(
        self,
        space: DesignSpace,
        targets: Sequence[Target],
        model: ProxyModel,
        calibration: Calibration,
        info: Mapping[str, Any],
        *,
        gate: ProxyModel | None = None,
        learnt: NDArray[np.uint64],
    ) -> None:
        self.space = space
        self.targets = tuple(targets)
        self.info = dict(info)
        self._model = model
        self._calibration = calibration
        self._gate = gate
        self._learnt = learnt

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the metrics that it predicts."""
        return tuple(target.name for target in self.targets)

    @property
    def scores(self) -> "pd.DataFrame":
        """How good it is on the designs that `train_proxy` held out: a row per metric.

        The columns are those of `score`; without rows if none were held out.
        """
        return score_table(self.info.get("scores", {}))

    def predict(self, vectors: Indices) -> Prediction:
        """Predict the metrics of canonical index vectors, shape (n, parameters), in one batch."""
        scaled, spread = self._model.predict(vectors)
        margin = self._calibration.margin(scaled, spread)
        mean, lower, upper = (
            np.stack([t.unscale(part[:, i]) for i, t in enumerate(self.targets)], axis=1)
            for part in (scaled, scaled - margin, scaled + margin)
        )
        mean = np.stack([t.within(mean[:, i]) for i, t in enumerate(self.targets)], axis=1)
        agreed = np.zeros(mean.shape, dtype=bool) if spread is None else spread <= AGREED
        return Prediction(self.names, mean, lower, upper, agreed, self._feasible(vectors))

    def _feasible(self, vectors: Indices) -> NDArray[np.bool_]:
        if self._gate is None:
            return np.ones(len(vectors), dtype=bool)
        return np.asarray(self._gate.predict(vectors)[0][:, 0] > 0.5)

    def evaluate(self, designs: Sequence[Design]) -> list[Evaluation]:
        """Return the predicted evaluation of each design."""
        if not designs:
            return []
        found = self.predict(np.stack([self.space.encode(design) for design in designs]))
        rows = zip(found.mean.tolist(), found.feasible.tolist(), strict=True)
        return [
            Evaluation(metrics=dict(zip(found.targets, row, strict=True)))
            if feasible
            else Evaluation.failed("The proxy expects this design to be infeasible.")
            for row, feasible in rows
        ]

    def fingerprint(self) -> str:
        """Return a digest of what was learnt, for the identity of runs on this proxy."""
        digest = hashlib.sha256(json.dumps(self._identity(), sort_keys=True).encode())
        for name, array in sorted(self._arrays().items()):
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
        for name, text in sorted(self._model.texts().items()):
            digest.update(name.encode() + text.encode())
        return f"proxy-{digest.hexdigest()[:16]}"

    def _identity(self) -> dict[str, Any]:
        return {name: self.info[name] for name in ("model", "fingerprint", "targets")}

    def score(self, examples: Examples, rows: Rows) -> dict[str, dict[str, Any]]:
        """Return how good it is on some measured designs, by metric (see `score_targets`)."""
        kept = rows[examples.measured[rows]]
        found = self.predict(examples.vectors[kept])
        return score_targets(self.targets, found, examples.values[kept])

    def unseen(self, examples: Examples) -> Rows:
        """Return which designs it has neither learnt from nor been calibrated on."""
        return np.flatnonzero(~np.isin(examples.keys, self._learnt))

    def require(self, problem: Problem) -> None:
        """Check that it was trained on this very problem.

        Raises:
            InvalidConfigError: it was not.
        """
        if problem.fingerprint() != self.info["fingerprint"]:
            raise InvalidConfigError(
                f"The proxy was trained on {self.info['problem']} with "
                f"{json.dumps(self.info['config'], sort_keys=True)} (version "
                f"{self.info['version']}), not on {problem.name} on {problem.workload} as "
                "configured here. Give the same arguments, or train another proxy."
            )

    def _arrays(self) -> Arrays:
        gate = {} if self._gate is None else self._gate.arrays()
        return {
            **{f"model.{name}": array for name, array in self._model.arrays().items()},
            **{f"gate.{name}": array for name, array in gate.items()},
            **self._calibration.arrays(),
            "learnt": self._learnt,
        }

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the folder that `load` reads; return it.

        Raises:
            RecordError: the folder holds something else.
        """
        return write_folder(Path(folder), self.info, self._arrays(), self._model.texts())

    @classmethod
    def load(cls, folder: str | os.PathLike[str], problem: Problem | None = None) -> "Proxy":
        """Read a proxy.

        Args:
            folder: What `save` wrote.
            problem: Whose designs it predicts; None: the one that it names is made.

        Raises:
            RecordError: the folder holds none, or it is damaged, or of another design space.
        """
        info, arrays, texts = read_folder(Path(folder))
        space = (problem or _made(info)).space
        if space.fingerprint() != info["space"]:
            raise RecordError(
                f"The proxy in '{os.fspath(folder)}' is of another design space of "
                f"{info['problem']}. Give the problem it was trained on, or train it again."
            )
        targets = [Target(**entry) for entry in info["targets"]]
        model = restore_model(info["model"], space, _below("model.", arrays), texts)
        gate_arrays = _below("gate.", arrays)
        gate = restore_model(GATE, space, gate_arrays, {}) if gate_arrays else None
        calibration = Calibration.restore(arrays, len(targets))
        if model.predict(np.zeros((1, len(space)), dtype=np.int64))[0].shape != (1, len(targets)):
            raise RecordError(f"The proxy in '{os.fspath(folder)}' is damaged. Train it again.")
        return cls(space, targets, model, calibration, info, gate=gate, learnt=arrays["learnt"])


GATE = "extra_trees"
"""The model that says which designs are feasible."""


def train_proxy(
    dataset: DataSet,
    model: str = "extra_trees",
    targets: Sequence[str] | None = None,
    *,
    split: str = "design",
    test_share: float = 0.2,
    train_agents: Sequence[str] = (),
    hyperparameters: Mapping[str, Any] | None = None,
    seed: int = 0,
    problem: Problem | None = None,
) -> Proxy:
    """Train a proxy on one part of a data set's designs and score it on the other.

    A design counts once, however many agents asked for it, so that none is in both parts.

    Args:
        dataset: Trials of one problem (see `DataSet.only`).
        model: A name among `MODELS`.
        targets: Metrics to predict; None: all.
        split: "design", "outcome" or "agent"; see `Examples.split`.
        test_share: Share of the designs that are held out; 15 % of the others calibrate.
        train_agents: For the split by agent.
        hyperparameters: Of the model, by name.
        seed: Source of all randomness.
        problem: The problem; None: the one that the data set names is made.

    Raises:
        UnknownNameError: the model, a target or an agent is unknown.
        InvalidConfigError: there is too little data, or an argument is not allowed.
        RecordError: the data contradict themselves, or are of another design space.
    """
    model_class(model).Config.from_dict(dict(hyperparameters or {}))
    names = tuple(dict.fromkeys(targets or dataset.metrics))
    one = dataset.only(None)
    made = problem if problem is not None else one.problem()
    one.require_space(made)
    examples = Examples.of(one, names)
    train, test = examples.split(split, test_share, seed, train_agents)
    proxy = _fitted(examples, train, made.space, model, names, hyperparameters or {}, seed, one)
    proxy.info["split"] = {
        "kind": split,
        "seed": seed,
        "train_agents": list(train_agents),
        "test_designs": len(test),
    }
    proxy.info["scores"] = proxy.score(examples, test)
    return proxy


def fit_proxy(
    examples: Examples,
    rows: Rows,
    space: DesignSpace,
    model: str,
    names: Sequence[str],
    *,
    hyperparameters: Mapping[str, Any] | None = None,
    seed: int = 0,
    info: Mapping[str, Any] | None = None,
) -> Proxy:
    """Return a proxy fitted to some rows of examples, a part of which calibrates its intervals."""
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])
    shuffled = rng.permutation(rows)
    kept = shuffled[examples.measured[shuffled]]
    held = min(int(CALIBRATION_SHARE * len(kept)), MAX_CALIBRATION)
    check, learn = kept[:held], kept[held:]
    scales = [Target.of(name, examples.values[learn, i]) for i, name in enumerate(names)]
    fitted = fit_model(
        model,
        space,
        examples.vectors[learn],
        _scaled(scales, examples.values[learn]),
        hyperparameters or {},
        seed,
    )
    calibration = Calibration.fit(
        *fitted.predict(examples.vectors[check]), _scaled(scales, examples.values[check])
    )
    return Proxy(
        space,
        scales,
        fitted,
        calibration,
        {
            "model": model,
            "hyperparameters": dict(hyperparameters or {}),
            "targets": [
                {f: getattr(t, f) for f in ("name", "log", "mean", "spread", "low", "high")}
                for t in scales
            ],
            "space": space.fingerprint(),
            "level": LEVEL,
            "seed": seed,
            "designs": {"learnt": len(learn), "calibrated": len(check)},
            **(info or {}),
        },
        gate=_gate(examples, rows, space, seed),
        learnt=np.sort(design_keys(examples.vectors[rows])),
    )


def _fitted(
    examples: Examples,
    rows: Rows,
    space: DesignSpace,
    model: str,
    names: Sequence[str],
    hyperparameters: Mapping[str, Any],
    seed: int,
    dataset: DataSet,
) -> Proxy:
    source = dataset.problems[0]
    versions = sorted(set(dataset.labels("version")))
    info = {
        "problem": dataset.metadata["problem"],
        "workload": source["workload"],
        "fingerprint": source["fingerprint"],
        "config": source["config"],
        "version": ", ".join(versions),
        "agents": sorted(examples.agents),
    }
    return fit_proxy(
        examples, rows, space, model, names, hyperparameters=hyperparameters, seed=seed, info=info
    )


def _scaled(scales: Sequence[Target], values: Floats) -> Floats:
    return np.stack([target.scale(values[:, i]) for i, target in enumerate(scales)], axis=1)


def _gate(examples: Examples, rows: Rows, space: DesignSpace, seed: int) -> ProxyModel | None:
    """Return what tells feasible designs from others, if both kinds were seen often enough."""
    labels = examples.feasible[rows].astype(np.float64)
    if min(labels.sum(), len(labels) - labels.sum()) < LEAST_INFEASIBLE:
        return None
    return fit_model(GATE, space, examples.vectors[rows], labels[:, None], {}, seed)


def _made(info: Mapping[str, Any]) -> Problem:
    from archgym.envs import make_problem

    return make_problem(info["problem"], **info["config"])


def _below(prefix: str, arrays: Arrays) -> Arrays:
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
