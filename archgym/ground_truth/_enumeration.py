"""Measure every legal design of a problem and write the table that `GroundTruth` reads."""

import inspect
import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from archgym.errors import InvalidConfigError, RecordError
from archgym.problem import Problem
from archgym.space import Design
from archgym.trials import METADATA_KEY

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TabulatingProblem", "enumerate_problem"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Tabulate = Callable[[Indices], tuple[NDArray[np.bool_], dict[str, Floats]]]

PART_DESIGNS = 4096
"""Designs per part; a killed enumeration loses at most one part."""

MAX_DESIGNS = 20_000_000
"""Beyond that a table no longer fits in memory comfortably."""

PART_VECTORS = 131_072
"""Index vectors per part, if the problem measures them at once."""

PAGE_BYTES = 1 << 28
"""Above what a column takes."""

INDEX, METRIC, RESULT = "index.", "metric.", "result"


@runtime_checkable
class TabulatingProblem(Protocol):
    """A problem that measures many index vectors at once, without a design of each."""

    @property
    def tabulates(self) -> bool:
        """Whether it does so in its present configuration."""
        ...

    def tabulate(self, vectors: Indices, /) -> tuple[NDArray[np.bool_], dict[str, Floats]]:
        """Return which vectors, shape (n, parameters), are legal, and of these each metric.

        Every legal design is feasible, and none fails.
        """
        ...


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
        progress: Called with the designs done so far and their total; where the number of legal
            ones is not known, with those tried, or a bound on the total.

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
    tables = []
    for part, done, total, measure in _steps(problem, parts):
        if not part.exists():
            _write(measure(), part)
        tables.append(part)
        if progress is not None:
            progress(done, total)
    whole = pa.concat_tables([pq.read_table(part) for part in tables]).combine_chunks()
    text = json.dumps({**metadata, "designs": len(whole)}, sort_keys=True)
    _write(_compact(whole).replace_schema_metadata({METADATA_KEY: text.encode()}), path)
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


def _steps(
    problem: Problem, parts: Path
) -> Iterator[tuple[Path, int, int, Callable[[], "pa.Table"]]]:
    """Yield, for each part: its file, the designs done with it, of how many, and its making."""
    if isinstance(problem, TabulatingProblem) and problem.tabulates and problem.evaluator is None:
        total = prod(problem.space.nvec.tolist())
        for number, start in enumerate(range(0, total, PART_VECTORS)):
            stop = min(start + PART_VECTORS, total)
            part = parts / f"part-{number:06d}.parquet"
            yield part, stop, total, partial(_tabulated, problem, problem.tabulate, start, stop)
    else:
        done = 0
        for number, designs in enumerate(_chunks(problem.space.enumerate(), PART_DESIGNS)):
            done += len(designs)
            part = parts / f"part-{number:06d}.parquet"
            yield part, done, problem.space.size, partial(_measured, problem, designs)


def _chunks(designs: Iterator[Design], size: int) -> Iterator[list[Design]]:
    while chunk := list(islice(designs, size)):
        yield chunk


def _measured(problem: Problem, designs: list[Design]) -> "pa.Table":
    evaluations = problem.evaluate(designs)
    vectors = np.stack([problem.space.encode(design) for design in designs])
    metrics = {
        name: np.array([e.metrics.get(name, np.nan) for e in evaluations], dtype=np.float64)
        for name in problem.metrics
    }
    return _table(problem, vectors, np.array([e.feasible for e in evaluations]), metrics)


def _tabulated(problem: Problem, tabulate: Tabulate, start: int, stop: int) -> "pa.Table":
    """Return the legal ones of the index vectors of these ranks."""
    space = problem.space
    vectors = np.stack(np.unravel_index(np.arange(start, stop), space.nvec), axis=1)
    legal, metrics = tabulate(vectors)
    return _table(problem, vectors[legal], np.ones(int(legal.sum()), dtype=bool), metrics)


def _table(
    problem: Problem, vectors: Indices, feasible: NDArray[np.bool_], metrics: Mapping[str, Floats]
) -> "pa.Table":
    import pyarrow as pa

    columns = {
        f"{INDEX}{name}": pa.array(vectors[:, i].astype(np.int16))
        for i, name in enumerate(problem.space.names)
    }
    columns["feasible"] = pa.array(feasible)
    for name in problem.metrics:
        columns[f"{METRIC}{name}"] = pa.array(metrics[name], from_pandas=True)
    return pa.table(columns)


def _compact(table: "pa.Table") -> "pa.Table":
    """Return the table with metrics only where a result appears first."""
    import pyarrow as pa

    names = [name for name in table.column_names if name.startswith(METRIC)]
    rows = np.column_stack([table[name].to_numpy() for name in ["feasible", *names]])
    as_one = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1] * 8))).ravel()
    _, first, which = np.unique(as_one, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(len(first))
    repeated = np.ones(len(table), dtype=bool)
    repeated[first] = False
    columns = {name: table[name] for name in table.column_names if name not in names}
    columns[RESULT] = pa.array(rank[which.ravel()])
    for name in names:
        values = table[name].to_numpy()
        columns[name] = pa.array(values, mask=repeated | np.isnan(values))
    return pa.table(columns)


def _write(table: "pa.Table", path: Path) -> None:
    import pyarrow.parquet as pq

    unfinished = path.with_name(f"{path.name}.partial")
    # One page per column, and bytes of equal weight together, pack the best by far.
    pages = {"data_page_size": PAGE_BYTES}
    if "max_rows_per_page" in inspect.signature(pq.write_table).parameters:
        pages["max_rows_per_page"] = PAGE_BYTES
    pq.write_table(
        table,
        unfinished,
        compression="zstd",
        compression_level=19,
        use_dictionary=[name for name in table.column_names if name.startswith(INDEX)],
        column_encoding={RESULT: "BYTE_STREAM_SPLIT"} if RESULT in table.column_names else None,
        **pages,
    )
    unfinished.replace(path)
