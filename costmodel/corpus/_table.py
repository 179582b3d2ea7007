"""Turn labelled programs into the rows of the data set, and write them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from costmodel.corpus._program import Program, dialects_of, text_id
from costmodel.corpus._splits import SPLITS, assign_splits

__all__ = [
    "FAILURES_FILE",
    "ROWS_FILE",
    "Record",
    "rows_of",
    "write_failures",
    "write_rows",
    "write_table",
]

ROWS_FILE, FAILURES_FILE = "programs.parquet", "failures.parquet"

_SMALL, _FAST = 19, 3
"""Levels of compression."""

Record = Mapping[str, Any]
"""What became of one drawn program, as JSON has it: see ``_build``."""

_TEXT_COLUMNS = (
    "id",
    "program",
    "view",
    "dialects",
    "text",
    "family",
    "source",
    "schedule",
    "shape_key",
    "versions",
    *SPLITS,
)


def rows_of(records: Iterable[Record], versions: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows of all records in order, each text once, with their splits."""
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    tools = json.dumps(dict(versions), sort_keys=True)
    for record in records:
        for row in _rows_of_record(record) if record["samples"] else ():
            if row["id"] not in seen:
                seen.add(row["id"])
                rows.append({**row, "versions": tools})
    for row, parts in zip(rows, assign_splits(rows), strict=True):
        row.update(parts)
    return rows


def _rows_of_record(record: Record) -> list[dict[str, Any]]:
    program = Program(record["text"], record["family"], record["source"])
    common = {
        "program": program.id,
        "family": program.family,
        "source": program.source,
        "shape_key": program.shape_key,
    }
    rows = []
    for sample in record["samples"]:
        steps = sample["steps"]
        views = [("low", sample["text"])]
        if not steps:
            views.insert(0, ("high" if "tensor<" in program.text else "low", program.text))
        for view, text in views:
            rows.append(
                {
                    "id": text_id(text),
                    **common,
                    "view": view,
                    "dialects": dialects_of(text),
                    "text": text,
                    "schedule": json.dumps(steps, sort_keys=True),
                    "labels": sample["labels"],
                }
            )
    return rows


def write_rows(
    rows: Sequence[Mapping[str, Any]], targets: Sequence[str], path: Path, *, small: bool = True
) -> None:
    """Write the data set: text columns, then one float64 column per target.

    Args:
        rows: What :func:`rows_of` returns.
        targets: Names of the columns of labels.
        path: The file.
        small: Take the time that a small file needs.
    """
    kinds = {"dialects": pa.list_(pa.string())}
    columns = {
        name: pa.array([row[name] for row in rows], kinds.get(name, pa.string()))
        for name in _TEXT_COLUMNS
    }
    for target in targets:
        values = [float(row["labels"].get(target, float("nan"))) for row in rows]
        columns[target] = pa.array(values, pa.float64())
    write_table(pa.table(columns), path, _SMALL if small else _FAST)


def write_failures(records: Iterable[Record], path: Path) -> int:
    """Write what was lost, and why; return how many lines that is."""
    lines = [line for record in records for line in _failures(record)]
    table = pa.table(
        {
            name: pa.array([line[place] for line in lines], pa.string())
            for place, name in enumerate(("id", "stage", "reason"))
        }
    )
    write_table(table, path)
    return len(lines)


def _failures(record: Record) -> list[tuple[str, str, str]]:
    program = text_id(record["text"]) if record.get("text") else f"draw-{record['index']}"
    lines = [(program, stage, reason) for stage, reason in record.get("failures", [])]
    for sample in [*record.get("samples", []), *record.get("lost", [])]:
        number = text_id(sample["text"]) if sample["text"] else program
        lines += [(number, stage, reason) for stage, reason in sample["failures"]]
    return lines


def write_table(table: pa.Table, path: Path, level: int = _SMALL) -> None:
    """Write a table, whole or not at all."""
    temporary = path.with_suffix(".tmp")
    pq.write_table(table, temporary, compression="zstd", compression_level=level)
    temporary.replace(path)
