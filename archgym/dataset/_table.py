"""A data set in memory: its rows as arrays, and what they hold."""

import io
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archgym.dataset._sources import FORMAT, KIND, read_table
from archgym.errors import InvalidConfigError, RecordError, UnknownNameError
from archgym.problem import Problem

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]

EXPORTS = ("csv",)

_NO_MINARI = (
    "Minari holds episodes of a decision process: observations that follow from actions. Trials "
    "have none: every design is measured on its own, failures have no observation, and typed, "
    "conditional parameters would become bare indices. Read the Parquet file, or export CSV."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a data set holds."""

    rows: int
    """Trials, repeats included."""

    runs: int
    """Runs of agents."""

    designs: int
    """Different designs, each counted once per workload."""

    feasible: int
    """Trials that met every constraint."""

    failed: int
    """Trials whose evaluation failed."""

    repeated: int
    """Trials answered from a run's own cache."""

    conflicts: int
    """Designs that were measured more than once with different metrics."""

    simulator_s: float
    """Seconds of simulation."""

    agents: tuple[dict[str, Any], ...]
    """Per agent: runs, rows, designs, designs that no other agent has, feasible and failed rows."""

    metrics: dict[str, dict[str, float]]
    """Per metric: least, median and greatest value, and how many different ones."""


@dataclass(frozen=True)
class DataSet:
    """A data set in memory."""

    table: "pa.Table" = field(repr=False)
    """The rows."""

    metadata: Mapping[str, Any]
    """Problem, design space, metrics and the workloads' configurations."""

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "DataSet":
        """Read a data set.

        Raises:
            RecordError: there is no such file, or it is damaged or of another kind.
        """
        table, metadata = read_table(Path(path))
        if metadata.get("kind") != KIND:
            raise RecordError(
                f"'{os.fspath(path)}' is no data set. Make one with `archgym dataset merge`."
            )
        if metadata.get("format") != FORMAT:
            raise RecordError(
                f"'{os.fspath(path)}' has format {metadata.get('format')}; this version reads "
                f"{FORMAT}. Merge the runs again."
            )
        return cls(table, metadata)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.table)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics."""
        return tuple(self.metadata["metrics"])

    @property
    def problems(self) -> list[dict[str, Any]]:
        """Fingerprint, workload, configuration, runs and rows of each problem."""
        return list(self.metadata["problems"])

    @cached_property
    def vectors(self) -> Indices:
        """Canonical index vectors, shape (rows, parameters)."""
        lists = self.table["indices"].combine_chunks()
        width = len(self.metadata["space"]["parameters"])
        flat = lists.flatten().to_numpy().astype(np.int64)
        if flat.size != width * len(self):
            raise RecordError("Index vectors of wrong length: the data set is damaged. Merge anew.")
        vectors: Indices = flat.reshape(len(self), width)
        return vectors

    def values(self, metric: str) -> Floats:
        """Return a metric of every row; NaN where the evaluation failed.

        Raises:
            UnknownNameError: there is no such metric.
        """
        if metric not in self.metrics:
            raise UnknownNameError.of("metric", metric, self.metrics)
        return np.asarray(self.table[f"metric.{metric}"].to_numpy(), dtype=np.float64)

    def labels(self, name: str) -> NDArray[np.object_]:
        """Return a text column of `LABELS`, one text for each row."""
        column = self.table[name].combine_chunks()
        words = np.array(column.dictionary.to_pylist(), dtype=object)
        labels: NDArray[np.object_] = words[column.indices.to_numpy()]
        return labels

    def take(self, rows: "NDArray[Any]") -> "DataSet":
        """Return some rows, by number or by mask."""
        import pyarrow as pa

        numbers = np.flatnonzero(rows) if rows.dtype == bool else rows
        return DataSet(self.table.take(pa.array(numbers)), self.metadata)

    def only(self, workload: str | None) -> "DataSet":
        """Return the rows of one problem, named by its workload or fingerprint.

        Raises:
            InvalidConfigError: ``workload`` names none or several, or is needed.
        """
        found = [
            p
            for p in self.problems
            if workload is None or workload in (p["workload"], p["fingerprint"])
        ]
        if len(found) == 1:
            rows = self.labels("fingerprint") == found[0]["fingerprint"]
            return DataSet(self.take(rows).table, {**self.metadata, "problems": found})
        listed = ", ".join(f"{p['workload']} ({p['fingerprint']})" for p in self.problems)
        asked = "" if workload is None else f" {workload!r} names {len(found)} of them."
        raise InvalidConfigError(
            f"The data set holds {len(self.problems)} problems: {listed}.{asked} Name one with "
            "--only, by its workload or, if that is not enough, its fingerprint."
        )

    def problem(self) -> Problem:
        """Make the problem of the (one) workload again.

        Raises:
            InvalidConfigError: there are several.
            RecordError: its design space is another one now.
        """
        from archgym.envs import make_problem

        one = self.only(None)
        problem = make_problem(self.metadata["problem"], **one.problems[0]["config"])
        self.require_space(problem)
        return problem

    def require_space(self, problem: Problem) -> None:
        """Check that rows are of the problem's design space.

        Raises:
            RecordError: they are not.
        """
        if problem.space.fingerprint() != self.metadata["space"]["fingerprint"]:
            raise RecordError(
                f"The data set is of {self.metadata['problem']} with another design space than "
                f"{problem.name} has here. Choose the space it was made with, or search again."
            )

    def keys(self) -> NDArray[np.uint64]:
        """Return one number per row that is the same for the same design of the same problem."""
        return design_keys(self.vectors) ^ _text_keys(self.table["fingerprint"])

    def summary(self) -> Summary:
        """Count what the data set holds."""
        keys = self.keys()
        feasible = self.table["feasible"].to_numpy()
        failed = self.table["error"].is_valid().to_numpy()
        walls = self.table["wall_s"].to_numpy()
        return Summary(
            rows=len(self),
            runs=len(set(self.table["run"].unique().to_pylist())),
            designs=len(np.unique(keys)),
            feasible=int(feasible.sum()),
            failed=int(failed.sum()),
            repeated=int(self.table["cached"].to_numpy().sum()),
            conflicts=self._conflicts(keys),
            simulator_s=float(np.nansum(walls)),
            agents=tuple(self._agents(keys, feasible, failed)),
            metrics={name: _spread(self.values(name)) for name in self.metrics},
        )

    def _conflicts(self, keys: NDArray[np.uint64]) -> int:
        _, first, group = np.unique(keys, return_index=True, return_inverse=True)
        differs = np.zeros(len(first), dtype=bool)
        for name in self.metrics:
            values = self.values(name)
            same = np.equal(values, values[first][group]) | (
                np.isnan(values) & np.isnan(values[first][group])
            )
            differs[group[~same]] = True
        return int(differs.sum())

    def _agents(
        self, keys: NDArray[np.uint64], feasible: NDArray[np.bool_], failed: NDArray[np.bool_]
    ) -> Iterable[dict[str, Any]]:
        agents, runs = self.labels("agent"), self.labels("run")
        for agent in sorted(set(agents)):
            mine = agents == agent
            yield {
                "agent": agent,
                "runs": len(set(runs[mine])),
                "rows": int(mine.sum()),
                "designs": len(np.unique(keys[mine])),
                "own_designs": len(np.setdiff1d(keys[mine], keys[~mine])),
                "feasible": int(feasible[mine].sum()),
                "failed": int(failed[mine].sum()),
            }

    def to_frame(self) -> "pd.DataFrame":
        """Return the rows for pandas, without ``violations``, ``indices`` and ``rewards``."""
        frame: pd.DataFrame = self.table.drop_columns(
            ["violations", "indices", "rewards"]
        ).to_pandas()
        return frame

    def export(self, path: str | os.PathLike[str], kind: str = "csv") -> Path:
        """Write the rows in another format; rewards of several objectives joined by spaces.

        Raises:
            InvalidConfigError: the format is unknown.
        """
        import pyarrow as pa
        import pyarrow.csv

        if kind not in EXPORTS:
            reason = f" {_NO_MINARI}" if kind == "minari" else ""
            raise InvalidConfigError(
                f"format={kind!r} is not offered.{reason} Allowed: {', '.join(EXPORTS)}."
            )
        table = self.table.drop_columns(["violations", "indices", "rewards"])
        texts = [" ".join(map(repr, row)) for row in self.table["rewards"].to_pylist()]
        table = table.append_column("rewards", pa.array(texts, pa.string()))
        plain = [
            column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
            for column in table.columns
        ]
        buffer = io.BytesIO()
        pyarrow.csv.write_csv(pa.table(plain, names=table.column_names), buffer)
        return write_bytes(Path(path), buffer.getvalue())


def design_keys(vectors: Indices) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each index vector, the same on every machine."""
    state = np.full(len(vectors), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for column in np.asarray(vectors, dtype=np.uint64).T:
        state = (state ^ column) * np.uint64(0xBF58476D1CE4E5B9)  # as in SplitMix64's mixer
        state ^= state >> np.uint64(31)
        state *= np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(29)
    return state


def _text_keys(column: "pa.ChunkedArray") -> NDArray[np.uint64]:
    """Return a hash of the hexadecimal digits of each fingerprint."""
    whole = column.combine_chunks()
    words = [int(word[:16], 16) for word in whole.dictionary.to_pylist()]
    keys: NDArray[np.uint64] = np.array(words, dtype=np.uint64)[whole.indices.to_numpy()]
    return keys


def _spread(values: Floats) -> dict[str, float]:
    known = values[np.isfinite(values)]
    if not len(known):
        return {"least": np.nan, "median": np.nan, "greatest": np.nan, "different": 0}
    return {
        "least": float(known.min()),
        "median": float(np.median(known)),
        "greatest": float(known.max()),
        "different": len(np.unique(known)),
    }


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file as a whole or not at all; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
    return path
