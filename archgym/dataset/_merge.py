"""Data sets: the trials of all agents on one design space in one typed Parquet file.

Columns, in order (``archgym`` in the file's metadata holds the problem, its design space, its
metrics and the configuration of every workload as JSON):

| column | type | meaning |
|---|---|---|
| ``run`` | dictionary | digest of all that makes the run this run |
| ``problem, workload, fingerprint`` | dictionary | what was measured; the same fingerprint means \
the same results |
| ``agent, hyperparameters, objective`` | dictionary | who searched, and for what |
| ``seed``, ``budget`` | int64 | of the run |
| ``version`` | dictionary | of this package |
| ``index`` ... ``wall_s`` | | as in :mod:`archgym.trials` |
| ``rewards`` | list<double> | one for each objective (in place of ``reward.<name>``) |

Rows are sorted by the columns above and then by ``index``; the same runs give the same bytes.
"""

import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archgym.dataset._sources import (
    FORMAT,
    KIND,
    LABELS,
    NUMBERS,
    Source,
    SourceReader,
    same_trials,
)
from archgym.dataset._table import DataSet, write_bytes
from archgym.errors import InvalidConfigError, RecordError
from archgym.problem import Problem
from archgym.trials import METADATA_KEY, WALL_TIME_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa


def merge_dataset(
    paths: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    problems: Mapping[str, Problem] | None = None,
    progress: Callable[[int], None] | None = None,
) -> DataSet:
    """Gather runs of one design space into one Parquet file, with a data card beside it.

    The same runs give the same bytes, whatever their folders are called and in whatever order
    they come. A run that is given twice counts once.

    Args:
        paths: Run folders or folders above some, tables of `archgym enumerate`, data sets.
        out: The file to write, ``.parquet``; the card goes to the same name with ``.md``.
        problems: Problems that no registry knows, by name.
        progress: Called with the runs read so far.

    Raises:
        RecordError: a source is damaged, or of another design space than the others.
        InvalidConfigError: there is no source, or ``out`` does not end in ``.parquet``.
    """
    from archgym.dataset._card import card

    path = Path(out)
    if path.suffix != ".parquet" or not paths:
        raise InvalidConfigError(
            f"'{path}' from {len(paths)} sources: give at least one source, and a file that ends "
            "in .parquet."
        )
    reader, found = SourceReader(problems or {}), dict[str, Source]()
    for given in paths:
        for source in reader.read(Path(given)):
            _add(found, source, Path(given))
            if progress is not None:
                progress(len(found))
    sources = sorted(found.values(), key=lambda source: source.order)
    metadata = _metadata(sources)
    text = json.dumps(metadata, sort_keys=True)
    table = _joined(sources).replace_schema_metadata({METADATA_KEY: text.encode()})
    _write(table, path)
    dataset = DataSet(table, metadata)
    write_bytes(path.with_suffix(".md"), card(dataset, path).encode())
    return dataset


def _add(found: dict[str, Source], source: Source, path: Path) -> None:
    """Take a run in; of two copies of one run the longer stays."""
    first = next(iter(found.values()), source)
    for name, what in (("problem", "problem"), ("space", "design space"), ("metrics", "metrics")):
        if source.description[name] != first.description[name]:
            raise RecordError(
                f"'{path}' is of another {what} than the runs before it "
                f"({source.description['problem']} and {first.description['problem']}). "
                "Merge one design space at a time."
            )
    label = source.labels["run"]
    known = found.setdefault(label, source)
    if not same_trials(known.table, source.table, WALL_TIME_COLUMNS):
        raise RecordError(
            f"'{path}' holds the run {label} of {source.labels['agent']} with seed "
            f"{source.labels['seed']} with other trials than another folder does. One of the two "
            "is damaged; leave it out."
        )
    found[label] = min(known, source, key=_preference)


def _preference(source: Source) -> tuple[int, list[Any]]:
    return -len(source.table), [source.table[name].to_pylist() for name in WALL_TIME_COLUMNS]


def _metadata(sources: Sequence[Source]) -> dict[str, Any]:
    problems: dict[str, dict[str, Any]] = {}
    for source in sources:
        entry = problems.setdefault(
            source.labels["fingerprint"], {**source.problem, "runs": 0, "rows": 0}
        )
        entry["runs"] += 1
        entry["rows"] += len(source.table)
    listed = [problems[name] for name in sorted(problems)]
    return {"kind": KIND, "format": FORMAT, **sources[0].description, "problems": listed}


def _joined(sources: Sequence[Source]) -> "pa.Table":
    import pyarrow as pa

    whole = pa.concat_tables([_labelled(source) for source in sources]).unify_dictionaries()
    return whole.combine_chunks()


def _labelled(source: Source) -> "pa.Table":
    import pyarrow as pa

    table, n = source.table, len(source.table)
    for position, name in enumerate((*LABELS, *NUMBERS, "version")):
        value = source.labels[name]
        column = (
            pa.repeat(pa.scalar(value, pa.int64()), n)
            if name in NUMBERS
            else pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), n), [value])
        )
        table = table.add_column(position, name, column)
    # Without what fields say of nulls, in which trials and tables of designs differ.
    return pa.table(table.columns, names=table.column_names)


def _write(table: "pa.Table", path: Path) -> None:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    write_bytes(path, buffer.getvalue())
