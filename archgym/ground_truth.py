"""Ground truth: every legal design of a problem, measured, so that regret is exact.

A table is one Parquet file in the order of `DesignSpace.enumerate`:

| column | type | meaning |
|---|---|---|
| ``index.<name>`` | int16 | index of the parameter's value, 0 while inactive |
| ``feasible`` | bool | the evaluation met every constraint |
| ``metric.<name>`` | double | metric in the problem's unit; null if the evaluation failed |

The key ``archgym`` of the file's metadata holds the identity and configuration of the problem.
Some tables come with the package: `shipped` lists them.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archgym.errors import InvalidConfigError, InvalidDesignError, RecordError
from archgym.pareto import pareto_mask
from archgym.problem import Evaluation, Problem
from archgym.space import Design
from archgym.trials import METADATA_KEY

if TYPE_CHECKING:
    import pyarrow as pa

    from archgym.objective import Objective

__all__ = ["GroundTruth", "Optimum", "enumerate_problem", "shipped"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

PART_DESIGNS = 4096
"""Designs per part; a killed enumeration loses at most one part."""

MAX_DESIGNS = 20_000_000
"""Beyond that a table no longer fits in memory comfortably."""

INDEX, METRIC = "index.", "metric."


FOLDER = Path(__file__).with_name("ground_truths")
"""The tables of the package, and ``optima.json`` about them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """What is known about a problem of which the package has the table."""

    name: str
    """Name of the table, for `GroundTruth.load`."""

    problem: str
    """Id of the problem."""

    config: Mapping[str, Any]
    """Arguments of the problem, as far as they decide what is measured."""

    designs: int
    """Legal designs, all measured."""

    objective: str
    """The problem's own objective."""

    reward: float
    """The highest reward there is."""

    optimal_designs: int
    """Designs that have it."""

    design: Design
    """The first of them."""


def shipped(problem: str | None = None) -> list[Optimum]:
    """Return the optima known from the package's tables, of one problem or of all."""
    entries = json.loads((FOLDER / "optima.json").read_text(encoding="utf-8"))
    found = [Optimum(**entry) for entry in entries]
    return [optimum for optimum in found if problem in (None, optimum.problem)]


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
        self.metrics: dict[str, Floats] = {
            name.removeprefix(METRIC): table[name].to_numpy()
            for name in table.column_names
            if name.startswith(METRIC)
        }
        self._keys = self._key(self.vectors)
        if len(self) != metadata["designs"] or (np.diff(self._keys) <= 0).any():
            raise RecordError("The table is not complete or not in order. Enumerate it again.")

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

        own = FOLDER / f"{os.fspath(path)}.parquet"
        try:
            table = pq.read_table(own if own.parent == FOLDER and own.exists() else path)
            metadata = json.loads((table.schema.metadata or {})[METADATA_KEY])
            identity, config = metadata["identity"], metadata["config"]
        except (OSError, pa.ArrowException, KeyError, ValueError) as error:
            raise RecordError(
                f"'{os.fspath(path)}' is no table of `archgym enumerate`: {error}."
            ) from None
        if problem is None:
            from archgym.envs import make_problem

            problem = make_problem(identity["name"], **config)
        return cls(problem, table, metadata)

    def is_of(self, problem: Problem) -> bool:
        """Return whether ``problem`` is the one that was measured, by whatever release."""
        mine, other = dict(self.metadata["identity"]), json.loads(json.dumps(problem.identity()))
        for changing in ("version", "evaluator"):
            del mine[changing], other[changing]
        return bool(mine == other)

    def __len__(self) -> int:
        """Return the number of legal designs."""
        return len(self.vectors)

    def _key(self, vectors: Indices) -> Indices:
        """Return one number per canonical vector, ordered as the vectors are."""
        weights = np.cumprod(np.append(1, self.problem.space.nvec[::-1][:-1]))[::-1]
        return np.asarray(vectors @ weights)

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

    def evaluate(self, designs: Sequence[Design]) -> list[Evaluation]:
        """Return what was measured for each design."""
        if not designs:
            return []
        encoded = np.stack([self.problem.space.encode(design) for design in designs])
        return [self._evaluation(row) for row in self.rows(encoded).tolist()]

    def _evaluation(self, row: int) -> Evaluation:
        metrics = {name: float(values[row]) for name, values in self.metrics.items()}
        if any(value != value for value in metrics.values()):
            return Evaluation.failed("The evaluation failed when the space was enumerated.")
        return Evaluation(metrics=metrics, feasible=bool(self.feasible[row]))

    def fingerprint(self) -> str:
        """Return the digest of what was measured, for the identity of runs on this table."""
        text = json.dumps(self.metadata["identity"], sort_keys=True)
        return f"ground-truth-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def rewards(self, objective: "Objective") -> Floats:
        """Return the reward vectors of all designs, shape (designs, objectives)."""
        read = [
            self.metrics[term.metric] for term in objective.terms if term.metric in self.metrics
        ]
        failed = np.any([np.isnan(values) for values in self.metrics.values()], axis=0)
        # Many designs measure the same: each combination of what the objective reads is asked once.
        seen = np.column_stack([*read, failed, self.feasible])
        _, first, which = np.unique(seen, axis=0, return_index=True, return_inverse=True)
        distinct = [objective.rewards(self._evaluation(row)) for row in first.tolist()]
        return np.array(distinct, dtype=np.float64)[which.ravel()]

    def best(self, objective: "Objective") -> tuple[Design, float]:
        """Return a design of the highest reward, and that reward; the first of several."""
        # The scalar reward of several objectives is their mean.
        rewards = np.where(self.feasible, self.rewards(objective).mean(axis=1), -np.inf)
        row = int(np.argmax(rewards))
        return self.problem.space.decode(self.vectors[row]), float(rewards[row])

    def front(self, objective: "Objective") -> tuple[Indices, Floats]:
        """Return index vectors and rewards of the exact Pareto front, one row per reward vector."""
        fair = np.flatnonzero(self.feasible)
        rewards, first = np.unique(self.rewards(objective)[fair], axis=0, return_index=True)
        kept = pareto_mask(rewards)
        return self.vectors[fair[first[kept]]], rewards[kept]


def enumerate_problem(
    problem: Problem,
    out: str | os.PathLike[str],
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Measure every legal design of ``problem`` and write the table to ``out``.

    Started again after a kill, it goes on after the last part that was written. The same problem
    gives the same bytes.

    Args:
        problem: Simulates as many designs at a time as its ``threads`` say.
        out: The Parquet file; parts are kept in a folder beside it until it is complete.
        progress: Called with the designs done so far and their total, or a bound on it where the
            space's own size is one.

    Raises:
        InvalidConfigError: the space is too large.
        RecordError: the parts beside ``out`` are of another problem.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if problem.space.size > MAX_DESIGNS:
        raise InvalidConfigError(
            f"{problem.name} has up to {problem.space.size:,} designs; {MAX_DESIGNS:,} can be "
            "enumerated. Choose a smaller space."
        )
    path = Path(out)
    metadata = {
        "identity": problem.identity(),
        # How many designs are measured at a time decides nothing.
        "config": {name: value for name, value in problem.config.items() if name != "threads"},
    }
    parts = path.with_name(f"{path.name}.parts")
    _claim(parts, json.dumps(metadata, sort_keys=True))
    tables, done = [], 0
    for number, designs in enumerate(_chunks(problem.space.enumerate(), PART_DESIGNS)):
        part = parts / f"part-{number:06d}.parquet"
        if not part.exists():
            _write(pa.table(_measured(problem, designs)), part)
        tables.append(part)
        done += len(designs)
        if progress is not None:
            progress(done, problem.space.size)
    text = json.dumps({**metadata, "designs": done}, sort_keys=True)
    whole = pa.concat_tables([pq.read_table(part) for part in tables]).combine_chunks()
    _write(whole.replace_schema_metadata({METADATA_KEY: text.encode()}), path)
    for part in tables:
        part.unlink()
    (parts / "problem.json").unlink()
    parts.rmdir()
    return path


def _claim(parts: Path, text: str) -> None:
    """Note in the folder whose parts it holds, or check that they are this problem's."""
    parts.mkdir(parents=True, exist_ok=True)
    note = parts / "problem.json"
    if not note.exists():
        note.write_text(text)
    elif note.read_text() != text:
        raise RecordError(
            f"'{parts}' holds the parts of another enumeration (see problem.json in it). "
            "Choose another file, or remove the folder."
        )


def _chunks(designs: Iterator[Design], size: int) -> Iterator[list[Design]]:
    while chunk := list(islice(designs, size)):
        yield chunk


def _measured(problem: Problem, designs: list[Design]) -> dict[str, "pa.Array"]:
    import pyarrow as pa

    evaluations = problem.evaluate(designs)
    vectors = np.stack([problem.space.encode(design) for design in designs])
    columns = {
        f"{INDEX}{name}": pa.array(vectors[:, i].astype(np.int16))
        for i, name in enumerate(problem.space.names)
    }
    columns["feasible"] = pa.array([e.feasible for e in evaluations])
    for name in problem.metrics:
        values = [e.metrics.get(name) for e in evaluations]
        columns[f"{METRIC}{name}"] = pa.array(values, type=pa.float64())
    return columns


def _write(table: "pa.Table", path: Path) -> None:
    import pyarrow.parquet as pq

    partial = path.with_name(f"{path.name}.partial")
    pq.write_table(table, partial, compression="zstd", compression_level=19)
    partial.replace(path)
