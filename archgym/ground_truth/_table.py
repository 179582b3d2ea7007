"""The table of every legal design, read and asked."""

import hashlib
import json
import os
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archgym.errors import InvalidDesignError, RecordError
from archgym.ground_truth._enumeration import INDEX, METRIC, RESULT
from archgym.ground_truth._shipped import path_of, same_problem, shipped
from archgym.pareto import pareto_mask
from archgym.problem import Evaluation, Problem
from archgym.space import Design
from archgym.trials import METADATA_KEY

if TYPE_CHECKING:
    import pyarrow as pa

    from archgym.objective import Objective

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class GroundTruth:
    """The measured metrics of every legal design; an `Evaluator` that only looks them up.

    Args:
        problem: What was measured; only its space and metrics are used.
        table: Columns as described in the module.
        metadata: Identity and configuration of the problem.

    Raises:
        RecordError: the table is of another space, or not complete.
    """

    def __init__(self, problem: Problem, table: "pa.Table", metadata: Mapping[str, Any]) -> None:
        self.problem = problem
        self.metadata = dict(metadata)
        columns = [f"{INDEX}{name}" for name in problem.space.names]
        missing = [name for name in columns if name not in table.column_names]
        if missing or metadata["identity"]["space"] != problem.space.fingerprint():
            raise RecordError(
                "The table was made for another design space. Enumerate the problem again."
            )
        self.vectors: Indices = np.column_stack(
            [table[name].to_numpy().astype(np.int64) for name in columns]
        )
        self.feasible: NDArray[np.bool_] = table["feasible"].to_numpy()
        self._result: Indices = np.arange(len(table))
        if RESULT in table.column_names:
            self._result = table[RESULT].to_numpy().astype(np.int64)
        self._first = _first_rows(self._result)
        self._values: dict[str, Floats] = {
            name.removeprefix(METRIC): table[name].to_numpy()[self._first]
            for name in table.column_names
            if name.startswith(METRIC)
        }
        self._weights = np.cumprod(np.append(1, problem.space.nvec[::-1][:-1]))[::-1]
        self._keys = self._key(self.vectors)
        if len(self) != metadata["designs"] or (np.diff(self._keys) <= 0).any():
            raise RecordError("The table is not complete or not in order. Enumerate it again.")

    @cached_property
    def metrics(self) -> dict[str, Floats]:
        """Each metric of every row; NaN where the evaluation failed."""
        return {name: values[self._result] for name, values in self._values.items()}

    @classmethod
    def load(cls, path: str | os.PathLike[str], problem: Problem | None = None) -> "GroundTruth":
        """Read a table; without ``problem``, the one that it names is made.

        Args:
            path: A file, or the name of a table of the package.
            problem: What was measured.

        Raises:
            RecordError: there is no such file, or it is damaged or of another kind.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(path_of(path))
            metadata = json.loads((table.schema.metadata or {})[METADATA_KEY])
            identity, config = metadata["identity"], metadata["config"]
        except (OSError, pa.ArrowException, KeyError, ValueError) as error:
            raise RecordError(
                f"'{os.fspath(path)}' is no table of `archgym enumerate`: {error}. Give a file of "
                f"that command, or one of {', '.join(optimum.name for optimum in shipped())}."
            ) from None
        if problem is None:
            from archgym.envs import make_problem

            problem = make_problem(identity["name"], **config)
        return cls(problem, table, metadata)

    def is_of(self, problem: Problem) -> bool:
        """Return whether ``problem`` is the one that was measured, by whatever release."""
        return same_problem(self.metadata["identity"], problem)

    def __len__(self) -> int:
        """Return the number of legal designs."""
        return len(self.vectors)

    def _key(self, vectors: Indices) -> Indices:
        """Return one number per canonical vector, ordered as the vectors are."""
        return np.asarray(vectors @ self._weights)

    def rows(self, vectors: Indices) -> Indices:
        """Return the rows of canonical index vectors, shape (n, parameters).

        Raises:
            InvalidDesignError: a design is not in the table, being illegal.
        """
        keys = self._key(np.asarray(vectors, dtype=np.int64))
        rows = np.minimum(np.searchsorted(self._keys, keys), len(self) - 1)
        if (self._keys[rows] != keys).any():
            raise InvalidDesignError("A design is not in the ground truth: it is not legal.")
        return rows

    def find(self, design: Design) -> Evaluation | None:
        """Return what was measured for a design, or None if it is not legal."""
        key = int(self.problem.space.encode(design) @ self._weights)
        row = bisect_left(self._keys, key)
        if row == len(self) or self._keys[row] != key:
            return None
        return self._evaluation(int(self._result[row]))

    def evaluate(self, designs: Sequence[Design]) -> list[Evaluation]:
        """Return what was measured for each design."""
        if not designs:
            return []
        encoded = np.stack([self.problem.space.encode(design) for design in designs])
        return [self._evaluation(result) for result in self._result[self.rows(encoded)].tolist()]

    def _evaluation(self, result: int) -> Evaluation:
        metrics = {name: float(values[result]) for name, values in self._values.items()}
        if any(value != value for value in metrics.values()):
            return Evaluation.failed("The evaluation failed when the space was enumerated.")
        return Evaluation(metrics=metrics, feasible=bool(self.feasible[self._first[result]]))

    def fingerprint(self) -> str:
        """Return the digest of what was measured, for the identity of runs on this table."""
        text = json.dumps(self.metadata["identity"], sort_keys=True)
        return f"ground-truth-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def rewards(self, objective: "Objective") -> Floats:
        """Return the reward vectors of all designs, shape (designs, objectives)."""
        return self._rewards(objective)[self._result]

    def _rewards(self, objective: "Objective") -> Floats:
        """Return the reward vector of every result, shape (results, objectives)."""
        read = [
            self._values[term.metric] for term in objective.terms if term.metric in self._values
        ]
        failed = np.any([np.isnan(values) for values in self._values.values()], axis=0)
        # Each combination of what the objective reads is asked once.
        seen = np.column_stack([*read, failed, self.feasible[self._first]])
        _, first, which = np.unique(seen, axis=0, return_index=True, return_inverse=True)
        distinct = [objective.rewards(self._evaluation(result)) for result in first.tolist()]
        return np.array(distinct, dtype=np.float64)[which.ravel()]

    def best(self, objective: "Objective") -> tuple[Design, float]:
        """Return a design of the highest reward, and that reward; the first of several."""
        # The scalar reward of several objectives is their mean.
        rewards = np.where(self.feasible, self.rewards(objective).mean(axis=1), -np.inf)
        row = int(np.argmax(rewards))
        return self.problem.space.decode(self.vectors[row]), float(rewards[row])

    def front(self, objective: "Objective") -> tuple[Indices, Floats]:
        """Return index vectors and rewards of the exact Pareto front, one row per reward vector."""
        fair = self._first[self.feasible[self._first]]
        every = self._rewards(objective)[self._result[fair]]
        rewards, first = np.unique(every, axis=0, return_index=True)
        # From the highest down, no row is dominated by a later one, and few are compared with all.
        kept = pareto_mask(rewards[::-1])[::-1]
        return self.vectors[fair[first[kept]]], rewards[kept]


def _first_rows(results: Indices) -> Indices:
    """Return the row where each result appears first.

    Raises:
        RecordError: results are not numbered in that order.
    """
    numbers, first = np.unique(results, return_index=True)
    if not (np.array_equal(numbers, np.arange(len(numbers))) and (np.diff(first) > 0).all()):
        raise RecordError("The table's results are not in order. Enumerate it again.")
    return np.asarray(first, dtype=np.int64)
