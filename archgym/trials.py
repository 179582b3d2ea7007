"""The one record type of the gym, its Parquet schema, and the reader of recorded runs.

Columns of a trial table, in order:

| column | type | meaning |
|---|---|---|
| ``index`` | int64 | position in the run, from 0 |
| ``cached`` | bool | the design was evaluated before in this run: nothing was simulated |
| ``feasible`` | bool | the evaluation met every constraint of the problem |
| ``error`` | string | why the evaluation failed; null if it did not |
| ``reward`` | double | what the agent maximises (several objectives: their scalarisation) |
| ``reward.<name>`` | double | if there are several objectives: one each; higher is better |
| ``design.<name>`` | by parameter | value of the parameter; null while inactive |
| ``metric.<name>`` | double | metric in the problem's unit; null if the evaluation failed |
| ``violations`` | map<string, double> | constraint values; above 0 is violated |
| ``indices`` | list<int32> | canonical index vector of the design |
| ``ask_s``, ``wall_s`` | double | seconds of agent and simulator, shared out over a batch |

The key ``archgym`` of the file's metadata carries the identity of the run as JSON.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archgym.errors import RecordError
from archgym.space import Design, DesignSpace, Integer, Parameter, Real

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

METADATA_KEY = b"archgym"
WALL_TIME_COLUMNS = ("ask_s", "wall_s")
"""The only columns in which two runs of the same identity may differ."""

FIXED_COLUMNS = (
    *("index", "cached", "feasible", "error", "reward", "violations", "indices"),
    *WALL_TIME_COLUMNS,
)
PREFIXES = ("reward.", "design.", "metric.")

RUN_COLUMNS = ("problem", "workload", "agent", "seed", "objective", "budget", "version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One design and what came of it."""

    index: int
    """Position in the run, from 0; repeats are counted."""

    design: Design
    """Active parameters and their values."""

    indices: tuple[int, ...]
    """Canonical index vector of the design."""

    metrics: dict[str, float]
    """Metrics in the problem's units; empty if the evaluation failed."""

    feasible: bool
    """Whether the evaluation met every constraint of the problem."""

    violations: dict[str, float]
    """Constraint values; <= 0 is feasible."""

    error: str | None = None
    """Why the evaluation failed, else None."""

    reward: float
    """What an agent maximises; with several objectives their documented scalarisation."""

    rewards: tuple[float, ...]
    """One number per objective, all maximised."""

    cached: bool = False
    """Whether the design was evaluated before in this run."""

    ask_s: float = 0.0
    """Seconds that the agent took for this trial (its share of the batch)."""

    wall_s: float = 0.0
    """Seconds that the simulator took for this trial (its share of the batch)."""


def trial_schema(
    space: DesignSpace,
    metrics: Iterable[str],
    objectives: Sequence[str],
    identity: Mapping[str, Any] | None = None,
) -> "pa.Schema":
    """Return the typed Parquet schema of a problem's trials.

    Args:
        space: The design space; gives the ``design.*`` columns.
        metrics: Names of the metrics.
        objectives: Names of the objectives; ``reward.*`` columns exist for two or more.
        identity: Run information for the file's metadata.
    """
    import pyarrow as pa

    several = objectives if len(objectives) > 1 else ()
    fields = [
        pa.field("index", pa.int64(), nullable=False),
        pa.field("cached", pa.bool_(), nullable=False),
        pa.field("feasible", pa.bool_(), nullable=False),
        pa.field("error", pa.string()),
        pa.field("reward", pa.float64(), nullable=False),
        *(pa.field(f"reward.{name}", pa.float64(), nullable=False) for name in several),
        *(pa.field(f"design.{p.name}", _arrow_type(p)) for p in space.parameters),
        *(pa.field(f"metric.{name}", pa.float64()) for name in metrics),
        pa.field("violations", pa.map_(pa.string(), pa.float64())),
        pa.field("indices", pa.list_(pa.int32()), nullable=False),
        *(pa.field(name, pa.float64(), nullable=False) for name in WALL_TIME_COLUMNS),
    ]
    text = json.dumps(dict(identity or {}), sort_keys=True)
    return pa.schema(fields, metadata={METADATA_KEY: text.encode()})


def _arrow_type(parameter: Parameter) -> "pa.DataType":
    import pyarrow as pa

    if isinstance(parameter, Integer):
        return pa.int64()
    if isinstance(parameter, Real):
        return pa.float64()
    kinds = {type(value) for value in parameter.values}
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int}:
        return pa.int64()
    if kinds <= {int, float}:
        return pa.float64()
    return pa.string()


def to_table(trials: Sequence[Trial], schema: "pa.Schema") -> "pa.Table":
    """Return the trials as an Arrow table of this schema (see the module's column list)."""
    import pyarrow as pa

    columns = [_column(trials, field, schema) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(trials: Sequence[Trial], field: "pa.Field", schema: "pa.Schema") -> "pa.Array":
    import pyarrow as pa

    group, _, name = field.name.partition(".")
    values: list[Any]
    if group == "design":
        as_text = pa.types.is_string(field.type)
        values = [trial.design.get(name) for trial in trials]
        values = [str(v) if as_text and v is not None else v for v in values]
    elif group == "metric":
        values = [trial.metrics.get(name) for trial in trials]
    elif name:
        position = _objective_names(schema).index(name)
        values = [trial.rewards[position] for trial in trials]
    elif group == "violations":
        values = [list(trial.violations.items()) for trial in trials]
    else:
        values = [getattr(trial, field.name) for trial in trials]
    return pa.array(values, type=field.type)


def _objective_names(schema: "pa.Schema") -> list[str]:
    return [name.removeprefix("reward.") for name in schema.names if name.startswith("reward.")]


def from_table(table: "pa.Table", space: DesignSpace) -> list[Trial]:
    """Return the trials of a table written by :func:`to_table` for the same space."""
    objectives = [f"reward.{name}" for name in _objective_names(table.schema)] or ["reward"]
    metrics = [name for name in table.schema.names if name.startswith("metric.")]
    return [_trial(row, space, objectives, metrics) for row in table.to_pylist()]


def _trial(
    row: Mapping[str, Any], space: DesignSpace, objectives: Sequence[str], metrics: Sequence[str]
) -> Trial:
    indices = tuple(row["indices"])
    return Trial(
        index=row["index"],
        design=space.decode(indices),
        indices=indices,
        metrics={n.removeprefix("metric."): row[n] for n in metrics if row[n] is not None},
        feasible=row["feasible"],
        violations=dict(row["violations"]),
        error=row["error"],
        reward=row["reward"],
        rewards=tuple(row[name] for name in objectives),
        cached=row["cached"],
        ask_s=row["ask_s"],
        wall_s=row["wall_s"],
    )


def read_parquet(path: Path) -> "pa.Table":
    """Read one trial file.

    Raises:
        RecordError: the file is damaged, or is no trial file.
        FileNotFoundError: there is none.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as stream:
            table = pq.read_table(stream, page_checksum_verification=True)
        table.validate(full=True)
        json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}"))
        names = set(table.column_names)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RecordError(
            f"Cannot read the trial file '{path}': {error}. It is damaged or no Parquet file; "
            "restore it from a copy, or delete it and run the same command again: "
            "what it held is evaluated again."
        ) from error
    missing = sorted(set(FIXED_COLUMNS) - names)
    odd = sorted(n for n in names - set(FIXED_COLUMNS) if not n.startswith(PREFIXES))
    if missing or odd:
        difference = f"lacks {', '.join(missing)}" if missing else f"also has {', '.join(odd)}"
        raise RecordError(
            f"'{path}' is a Parquet file, but not one of trials, or damaged: it {difference}. "
            "Give the folder or file of a recorded run."
        )
    return table


def load_trials(path: str | Path) -> "pd.DataFrame":
    """Load the trials of one recorded run, or of every run below a folder.

    Args:
        path: A run folder, a folder of run folders at any depth, or one Parquet file of a run.

    Returns:
        One row a trial: the run-level columns ``run`` (its folder relative to ``path``),
        ``problem, workload, agent, seed, objective, budget, version, config_hash`` and
        ``hyperparameters`` (JSON), then the columns of this module's table except ``violations``
        and ``indices``. Whole-number parameters are of pandas' type ``Int64`` (null while
        inactive), metrics and rewards of ``float64``.

    Raises:
        RecordError: nothing is recorded there, or a file is damaged.
    """
    from archgym.record import read_run

    root = Path(path)
    if root.is_file():
        return to_frame([("", read_parquet(root))])
    folders = sorted(file.parent for file in root.rglob("run.json"))
    if not folders:
        found = "holds no recorded run" if root.is_dir() else "does not exist"
        raise RecordError(
            f"'{root}' {found}. Give the folder that a search wrote with out=..., "
            "or a folder above it."
        )
    return to_frame([(folder.relative_to(root).as_posix(), read_run(folder)) for folder in folders])


def to_frame(runs: Sequence[tuple[str, "pa.Table"]]) -> "pd.DataFrame":
    """Return labelled trial tables as one data frame (see :func:`load_trials`)."""
    import pandas as pd
    import pyarrow as pa

    tables = _agreeing([_with_run_columns(label, table) for label, table in runs])
    table = pa.concat_tables(tables, promote_options="permissive")
    frame: pd.DataFrame = table.to_pandas()
    # numpy's integers have no null, so that a column would turn to floats where one is inactive.
    whole = [f.name for f in table.schema if f.name.startswith("design.") and f.type == pa.int64()]
    return frame.assign(
        **table.select(whole).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    )


def _with_run_columns(label: str, table: "pa.Table") -> "pa.Table":
    import pyarrow as pa

    identity = json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}"))
    columns: dict[str, Any] = {"run": label}
    columns |= {name: identity.get(name) for name in RUN_COLUMNS}
    columns["config_hash"] = identity.get("config_hash")
    columns["hyperparameters"] = json.dumps(identity.get("hyperparameters", {}), sort_keys=True)
    table = table.drop_columns(["violations", "indices"]).replace_schema_metadata(None)
    for position, (name, value) in enumerate(columns.items()):
        kind = pa.int64() if name in ("seed", "budget") else pa.string()
        table = table.add_column(position, name, pa.repeat(pa.scalar(value, kind), len(table)))
    return table


def _agreeing(tables: list["pa.Table"]) -> list["pa.Table"]:
    """Turn a design column to text where two problems give it incompatible types."""
    import pyarrow as pa

    kinds: dict[str, set[pa.DataType]] = {}
    for table in tables:
        for field in table.schema:
            kinds.setdefault(field.name, set()).add(field.type)
    mixed = {name for name, found in kinds.items() if len(found) > 1 and pa.string() in found}
    mixed |= {name for name, found in kinds.items() if len(found) > 1 and pa.bool_() in found}
    for name in mixed:
        tables = [
            table.set_column(table.column_names.index(name), name, table[name].cast(pa.string()))
            if name in table.column_names
            else table
            for table in tables
        ]
    return tables
