"""Add labels to a corpus that exists: other devices, or wall time in a quiet pass of its own."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from costmodel.corpus._build import BuildEvent, Watcher
from costmodel.corpus._card import with_added_labels
from costmodel.corpus._sample import CPU_S, LIMIT_S
from costmodel.corpus._table import FAILURES_FILE, ROWS_FILE, write_table
from costmodel.targets import TARGETS, resolve_targets
from costmodel.targets._label import Measurement, measure_text, preload
from costmodel.targets._sandbox import Outcome, Report, sandboxed, sandboxed_many
from simulators.errors import InvalidConfigError

__all__ = ["extend_corpus", "repeatability"]

_ACCELERATORS = "xpu-"
"""What the names of targets begin with that need no compiler and read tensors."""
_TASKS_PER_CHILD = 32

Line = dict[str, Any]
"""``id``, ``labels`` and ``failures`` of one lowered program."""


def extend_corpus(
    folder: Path,
    targets: Sequence[str],
    *,
    workers: int = 1,
    most: int | None = None,
    watch: Watcher = lambda event: None,
) -> Path:
    """Label the programs of a corpus for more targets and add the columns.

    An interrupted run goes on. Compilers read lowered programs, accelerators high-level ones; an
    unscheduled program's two rows get the same labels.

    Args:
        folder: Folder of the corpus.
        targets: Names of targets or devices.
        workers: Compilers to run at once; measured targets want 1 and a quiet machine.
        most: Programs to label, counted from the first row; None for all. Others have no label.
        watch: Told about progress.

    Returns:
        The file with the rows.

    Raises:
        InvalidConfigError: If the folder holds no corpus.
        BackendError: If the compilers are not installed.
    """
    path = folder / ROWS_FILE
    if not path.is_file():
        raise InvalidConfigError(
            f"'{folder}' holds no {ROWS_FILE}. Build a corpus there first: costmodel corpus build."
        )
    names = resolve_targets(targets)
    if not all(name.startswith(_ACCELERATORS) for name in names):
        preload()
    table = pq.read_table(path)
    for view in ("low", "high"):
        chosen = [name for name in names if name.startswith(_ACCELERATORS) == (view == "high")]
        if chosen:
            texts = _texts(table, view, most)
            lines = _labelled(texts, chosen, folder / "extra", workers, watch)
            table = _with_columns(table, chosen, lines, view)
            _add_failures(folder / FAILURES_FILE, lines.values())
    write_table(table, path)
    _refresh_card(table, path)
    return path


def _refresh_card(table: pa.Table, path: Path) -> None:
    card = path.with_name("card.md")
    if card.is_file():
        labels = {
            name: table.column(name).fill_null(np.nan).to_pylist()
            for name in table.column_names
            if name in TARGETS
        }
        card.write_text(with_added_labels(card.read_text(), labels, path))


def _texts(table: pa.Table, view: str, most: int | None) -> dict[str, str]:
    rows = table.select(["id", "view", "text"]).to_pylist()
    texts = {row["id"]: row["text"] for row in rows if row["view"] == view}
    return dict(islice(texts.items(), most))


def _labelled(
    texts: Mapping[str, str], names: Sequence[str], folder: Path, workers: int, watch: Watcher
) -> dict[str, Line]:
    folder.mkdir(exist_ok=True)
    log = folder / ("+".join(sorted({name.replace("/", ".") for name in _short(names)})) + ".jsonl")
    lines = {line["id"]: line for line in _read(log) if line["id"] in texts}
    missing = [one for one in texts if one not in lines]
    lost = sum(bool(line["failures"]) for line in lines.values())
    with log.open("a") as file:
        for one, outcome in _outcomes(texts, missing, frozenset(names), workers):
            failures = list(outcome.values.get("failures", []))
            if outcome.failure is not None:
                failures.append([outcome.failure.stage, outcome.failure.reason])
            line = {"id": one, "labels": outcome.values.get("labels", {}), "failures": failures}
            lines[one] = line
            file.write(json.dumps(line) + "\n")
            file.flush()
            lost += bool(failures)
            watch(BuildEvent("extend", len(lines), len(texts), lost))
    return lines


def _outcomes(
    texts: Mapping[str, str], missing: Sequence[str], wanted: frozenset[str], workers: int
) -> Iterator[tuple[str, Outcome]]:
    tasks = [partial(_label, texts[one], wanted) for one in missing]
    many = sandboxed_many(
        tasks, workers=workers, limit_s=LIMIT_S, cpu_s=CPU_S, tasks_per_child=_TASKS_PER_CHILD
    )
    for number, outcome in many:
        if outcome.died:  # perhaps by what an earlier program left in the process
            outcome = sandboxed(tasks[number], limit_s=LIMIT_S, cpu_s=CPU_S)
        yield missing[number], outcome


def _short(names: Sequence[str]) -> list[str]:
    """Name whole devices instead of their targets."""
    devices = {TARGETS[name].device for name in names}
    whole = {
        device
        for device in devices
        if all(name in names for name, spec in TARGETS.items() if spec.device == device)
    }
    return sorted(whole) + [name for name in names if TARGETS[name].device not in whole]


def _read(path: Path) -> Iterator[Line]:
    for text in path.read_text().splitlines() if path.is_file() else ():
        try:
            yield json.loads(text)
        except ValueError:  # the last line of a run that was killed
            continue


def _label(text: str, wanted: frozenset[str], report: Report) -> None:
    measure_text(text, Measurement(wanted, report))


def _with_columns(
    table: pa.Table, names: Sequence[str], lines: Mapping[str, Line], view: str
) -> pa.Table:
    rows = table.select(["id", "program", "view", "schedule"]).to_pylist()
    plain = {
        row["program"]: row["id"] for row in rows if row["view"] == view and row["schedule"] == "[]"
    }
    sources = [
        row["id"]
        if row["view"] == view
        else plain.get(row["program"])
        if row["schedule"] == "[]"
        else None
        for row in rows
    ]
    nothing: Line = {"labels": {}}
    for name in names:
        values = [
            float(lines.get(source or "", nothing)["labels"].get(name, np.nan))
            for source in sources
        ]
        column = pa.array(values, pa.float64())
        place = table.schema.get_field_index(name)
        if place >= 0:
            table = table.set_column(place, name, column)
        else:
            table = table.append_column(name, column)
    return table


def _add_failures(path: Path, lines: Any) -> None:
    known = pq.read_table(path).to_pylist() if path.is_file() else []
    seen = {tuple(row.values()) for row in known}
    for line in lines:
        for stage, reason in line["failures"]:
            row = {"id": line["id"], "stage": stage, "reason": reason}
            if tuple(row.values()) not in seen:
                known.append(row)
    kinds = pa.schema([(name, pa.string()) for name in ("id", "stage", "reason")])
    write_table(pa.Table.from_pylist(known, kinds), path)


def repeatability(first: Path, second: Path, target: str) -> dict[str, float]:
    """Compare one measured target of two runs over the same programs.

    Args:
        first: Rows of one run.
        second: Rows of another run.
        target: The target's name.

    Returns:
        Number of programs, and the median and 90 % quantile of the relative difference.
    """
    left = dict(_values(first, target))
    differences = [
        abs(value - left[one]) / min(value, left[one])
        for one, value in _values(second, target)
        if np.isfinite(value) and np.isfinite(left.get(one, np.nan))
    ]
    if not differences:
        return {"programs": 0.0, "median": float("nan"), "p90": float("nan")}
    median, p90 = np.quantile(differences, (0.5, 0.9))
    return {"programs": float(len(differences)), "median": float(median), "p90": float(p90)}


def _values(path: Path, target: str) -> list[tuple[str, float]]:
    table = pq.read_table(path, columns=["id", target])
    values = table.column(target).fill_null(np.nan)
    return list(zip(table.column("id").to_pylist(), values.to_pylist(), strict=True))
