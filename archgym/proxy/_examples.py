"""What a proxy learns from: each design once, with its metrics and the agents that asked for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from archgym.dataset._table import DataSet, design_keys
from archgym.errors import InvalidConfigError, RecordError, UnknownNameError, did_you_mean
from archgym.proxy._models import Floats, Indices

Split = Literal["design", "outcome", "agent"]

LEAST_DESIGNS = 50
"""Fewer designs than this teach nothing that could be tested."""

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Examples:
    """Different designs of one problem. A design counts once, however often it was evaluated."""

    vectors: Indices
    """Canonical index vectors, shape (designs, parameters)."""

    values: Floats
    """Metrics, shape (designs, targets); NaN where nothing could be measured."""

    feasible: NDArray[np.bool_]
    """Whether the evaluation met every constraint."""

    agents: dict[str, NDArray[np.bool_]]
    """Agent to which designs it asked for."""

    @classmethod
    def of(cls, dataset: DataSet, targets: Sequence[str]) -> Self:
        """Return the different designs of a data set of one problem.

        Raises:
            UnknownNameError: a target is no metric.
            RecordError: a design was measured with different metrics, or one is not finite.
            InvalidConfigError: there are too few designs, or a target has no values.
        """
        values = np.column_stack([dataset.values(name) for name in targets])
        measured = ~dataset.table["error"].is_valid().to_numpy()
        _require_finite(values[measured], targets)
        keys = dataset.keys()
        _, first, group = np.unique(keys, return_index=True, return_inverse=True)
        _require_agreement(values, values[first][group], targets)
        asked = dataset.labels("agent")
        agents = {}
        for agent in sorted(set(asked)):
            agents[agent] = np.bincount(group[asked == agent], minlength=len(first)) > 0
        found = cls(
            dataset.vectors[first],
            values[first],
            dataset.table["feasible"].to_numpy()[first],
            agents,
        )
        found._require_enough()
        return found

    def __len__(self) -> int:
        """Return the number of designs."""
        return len(self.vectors)

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Which designs have metrics."""
        return np.asarray(np.isfinite(self.values).all(axis=1))

    @property
    def keys(self) -> NDArray[np.uint64]:
        """One number per design."""
        return design_keys(self.vectors)

    def _require_enough(self) -> None:
        count = int(self.measured.sum())
        if count < LEAST_DESIGNS:
            raise InvalidConfigError(
                f"{count} different designs were measured; a proxy needs {LEAST_DESIGNS}. "
                "Search with a larger budget or more agents, and merge again."
            )

    def split(
        self, kind: str, share: float, seed: int, train_agents: Sequence[str] = ()
    ) -> tuple[Rows, Rows]:
        """Return the rows to learn from and those to test on, which share no design.

        Args:
            kind: "design": at random; "outcome": designs with the same metrics stay together, so
                that no test design has metrics that were learnt; "agent": learn from the designs
                of ``train_agents``, test on those that only other agents asked for.
            share: Share of the designs (or outcomes) to test on.
            seed: Source of randomness.
            train_agents: For "agent".

        Raises:
            InvalidConfigError: the kind is unknown, the share not allowed, or a part is empty.
            UnknownNameError: an agent has no trials here.
        """
        if kind not in get_args(Split):
            raise InvalidConfigError(
                f"split={kind!r} is not allowed.{did_you_mean(kind, get_args(Split))} "
                f"Allowed: {', '.join(get_args(Split))}."
            )
        if not 0 < share < 1:
            raise InvalidConfigError(f"A test share of {share!r} is not allowed. Use 0.01 to 0.9.")
        if (kind == "agent") != bool(train_agents):
            raise InvalidConfigError(
                "Give --train-agents with --split agent, and only with it. The data set's agents: "
                f"{', '.join(self.agents)}."
            )
        held = self._by_agent(train_agents) if kind == "agent" else self._random(kind, share, seed)
        train, test = np.flatnonzero(~held), np.flatnonzero(held)
        if min(self.measured[train].sum(), self.measured[test].sum()) < LEAST_DESIGNS // 5:
            raise InvalidConfigError(
                f"The split leaves {len(train)} designs to learn from and {len(test)} to test on. "
                "Give more trials, or split differently."
            )
        return train, test

    def _by_agent(self, names: Sequence[str]) -> NDArray[np.bool_]:
        for name in names:
            if name not in self.agents:
                raise UnknownNameError.of("agent of this data set", name, self.agents)
        return np.asarray(~np.any([self.agents[name] for name in names], axis=0))

    def _random(self, kind: str, share: float, seed: int) -> NDArray[np.bool_]:
        rng = np.random.default_rng(np.random.SeedSequence(seed))
        if kind == "design":
            groups = np.arange(len(self))
        else:
            _, groups = np.unique(self.values, axis=0, return_inverse=True, equal_nan=True)
        count = int(groups.max()) + 1
        held = rng.permutation(count)[groups.reshape(-1)] < share * count
        return np.asarray(held)


def _require_finite(values: Floats, targets: Sequence[str]) -> None:
    broken = ~np.isfinite(values)
    if broken.any():
        name = targets[int(np.flatnonzero(broken.any(axis=0))[0])]
        raise RecordError(
            f"{int(broken.any(axis=1).sum())} trials have no finite {name}, though nothing is "
            "said to have failed. The data set is damaged, or the metric is not always measured: "
            "leave it out of --targets."
        )


def _require_agreement(values: Floats, others: Floats, targets: Sequence[str]) -> None:
    close = np.isclose(values, others, rtol=1e-9, atol=0.0, equal_nan=True)
    if not close.all():
        name = targets[int(np.flatnonzero(~close.all(axis=0))[0])]
        raise RecordError(
            f"{int((~close.all(axis=1)).sum())} trials have another {name} than an earlier trial "
            "of the same design. A proxy of one value per design cannot learn that: merge only "
            "runs of one, deterministic simulator."
        )
