"""Where the rows of a data set come from: run folders, enumerated tables, other data sets."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archgym.errors import ArchGymError, RecordError
from archgym.problem import Problem
from archgym.trials import METADATA_KEY

if TYPE_CHECKING:
    import pyarrow as pa

KIND = "dataset"
"""What the metadata of a data set says it is."""

FORMAT = 1

ENUMERATION = "enumeration"
"""The agent of rows that come from a table of every design."""

LABELS = ("run", "problem", "workload", "fingerprint", "agent", "hyperparameters", "objective")
"""Text columns that say where a row comes from, each with few different values."""

NUMBERS = ("seed", "budget")

ProblemMaker = Callable[[str, Mapping[str, Any]], Problem]


@dataclass(frozen=True, slots=True)
class Source:
    """The rows of one run."""

    labels: dict[str, Any]
    """Values of `LABELS`, `NUMBERS` and ``version``."""

    table: "pa.Table"
    """The trials, with the columns of a data set except the labels."""

    problem: dict[str, Any]
    """Fingerprint, workload and configuration of the problem."""

    description: dict[str, Any]
    """Name, design space and metrics of the problem."""

    @property
    def order(self) -> tuple[Any, ...]:
        """What rows are sorted by, so that the order of the paths does not matter."""
        return tuple(self.labels[name] for name in (*LABELS[1:], *NUMBERS, "version", "run"))


class SourceReader:
    """Reads sources; makes each problem once, for its design space and metrics.

    Args:
        problems: Problems that no registry knows, by name.
    """

    def __init__(self, problems: Mapping[str, Problem]) -> None:
        self._given = dict(problems)
        self._made: dict[str, Problem] = {}

    def read(self, path: Path) -> Iterator[Source]:
        """Yield what there is at or below ``path``, or the table of the package of this name.

        Raises:
            RecordError: there is nothing, or a file is damaged or of another kind.
        """
        from archgym.ground_truth import FOLDER

        own = FOLDER / f"{path}.parquet"  # the name of a table of the package
        if not path.exists() and own.parent == FOLDER and own.exists():
            path = own
        if path.is_file() and path.name != "trials.parquet":
            yield from self._file(path)
            return
        root = path.parent if path.is_file() else path
        folders = sorted(file.parent for file in root.rglob("run.json"))
        if not folders:
            found = "holds no recorded run" if root.is_dir() else "does not exist"
            raise RecordError(
                f"'{path}' {found}. Give the folder of a run or study, a table of "
                "`archgym enumerate`, or a data set."
            )
        for folder in folders:
            yield self._run(folder)

    def _run(self, folder: Path) -> Source:
        from archgym.record import read_info, read_run

        info = read_info(folder)
        table = read_run(folder)
        identity = json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}"))
        try:
            labels = _labels(identity)
            known = {"fingerprint": identity["fingerprint"], "workload": identity["workload"]}
        except KeyError as error:
            raise RecordError(
                f"The trials in '{folder}' do not say their {error}. They are of another version; "
                "search again."
            ) from None
        config = info.get("problem_config", {})
        problem = self._problem(identity["problem"], config, known["fingerprint"], folder)
        return Source(labels, _trial_columns(table), {**known, "config": config}, describe(problem))

    def _problem(self, name: str, config: Mapping[str, Any], digest: str, where: Path) -> Problem:
        if digest in self._made:
            return self._made[digest]
        try:
            problem = self._given[name] if name in self._given else _registered(name, config)
        except ArchGymError as error:
            raise RecordError(
                f"'{where}' is of a problem that cannot be made again: {error} Its design space "
                "is needed; give the problem with problems=."
            ) from None
        return self._made.setdefault(digest, problem)

    def _file(self, path: Path) -> Iterator[Source]:
        table, metadata = read_table(path)
        if metadata.get("kind") == KIND:
            yield from _parts(table, metadata)
        elif "identity" in metadata and "designs" in metadata:
            yield self._enumerated(path, table, metadata)
        else:
            raise RecordError(
                f"'{path}' is neither a data set nor a table of `archgym enumerate`. For trials, "
                "give the folder of their run."
            )

    def _enumerated(self, path: Path, table: "pa.Table", metadata: Mapping[str, Any]) -> Source:
        from archgym.ground_truth import GroundTruth

        identity = metadata["identity"]
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
        problem = self._problem(identity["name"], metadata["config"], digest, path)
        truth = GroundTruth(problem, table, metadata)
        text = {"fingerprint": digest, "workload": problem.workload}
        labels = {
            "run": digest[:12],
            "problem": identity["name"],
            **text,
            "agent": ENUMERATION,
            "hyperparameters": "{}",
            "objective": "",
            "seed": 0,
            "budget": len(truth),
            "version": identity["version"],
        }
        known = {**text, "config": dict(metadata["config"])}
        return Source(labels, _enumerated_columns(truth), known, describe(problem))


def describe(problem: Problem) -> dict[str, Any]:
    """Return name, design space and metrics of a problem, as JSON has it."""
    return {
        "problem": problem.name,
        "space": {"fingerprint": problem.space.fingerprint(), **problem.space.to_json()},
        "metrics": {
            name: {"unit": m.unit, "direction": m.direction, "description": m.description}
            for name, m in problem.metrics.items()
        },
    }


def read_table(path: Path) -> "tuple[pa.Table, dict[str, Any]]":
    """Return a Parquet file and the metadata under our key.

    Raises:
        RecordError: there is no such file, or it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as stream:
            table = pq.read_table(stream, page_checksum_verification=True)
        table.validate(full=True)
        metadata = json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}"))
    except (OSError, pa.ArrowException, ValueError) as error:
        raise RecordError(
            f"Cannot read '{path}': {error}. It is missing, damaged, or no Parquet file; restore "
            "it from a copy, or merge the runs again."
        ) from None
    return table, metadata if isinstance(metadata, dict) else {}


def _registered(name: str, config: Mapping[str, Any]) -> Problem:
    from archgym.envs import make_problem

    return make_problem(name, **config)


def _labels(identity: Mapping[str, Any]) -> dict[str, Any]:
    text = json.dumps(dict(identity), sort_keys=True)
    plain = ("problem", "workload", "fingerprint", "agent", "objective", "seed", "budget")
    return {
        "run": hashlib.sha256(text.encode()).hexdigest()[:12],
        **{name: identity[name] for name in (*plain, "version")},
        "hyperparameters": json.dumps(identity["hyperparameters"], sort_keys=True),
    }


def _trial_columns(table: "pa.Table") -> "pa.Table":
    """Return trials with one list column of rewards instead of one column per objective."""
    several = [name for name in table.column_names if name.startswith("reward.")]
    columns = several or ["reward"]
    values = np.column_stack([table[name].to_numpy() for name in columns])
    rewards = _lists(values)
    at = table.column_names.index("reward") + 1
    return table.drop_columns(several).add_column(at, "rewards", rewards).replace_schema_metadata()


def _lists(values: Any) -> "pa.Array":
    import pyarrow as pa

    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    flat = pa.array(values.reshape(-1))
    kind = pa.list_(pa.field("element", flat.type))  # as Parquet calls it
    return pa.ListArray.from_arrays(pa.array(offsets), flat, type=kind)


def _enumerated_columns(truth: Any) -> "pa.Table":
    """Return the rows of a table of every design as trials, without times."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from archgym.trials import trial_schema

    problem: Problem = truth.problem
    schema = trial_schema(problem.space, problem.metrics, ("reward",))
    rewards = _rewards(truth)
    active = problem.space.active(truth.vectors)
    n = len(truth)
    columns: dict[str, Any] = {
        "index": np.arange(n),
        "cached": np.zeros(n, dtype=bool),
        "feasible": truth.feasible,
        "error": pa.array(_errors(truth), pa.string()),
        "reward": rewards,
        "rewards": _lists(rewards[:, None]),
    }
    for j, parameter in enumerate(problem.space.parameters):
        field = schema.field(f"design.{parameter.name}")
        chosen = pa.array(list(parameter.values), field.type).take(pa.array(truth.vectors[:, j]))
        columns[field.name] = pc.if_else(pa.array(active[:, j]), chosen, None)
    for name, values in truth.metrics.items():
        columns[f"metric.{name}"] = pa.array(values, from_pandas=True)  # NaN is null
    columns["violations"] = pa.nulls(n, schema.field("violations").type)
    columns["indices"] = _lists(truth.vectors.astype(np.int32))
    columns |= {name: pa.nulls(n, pa.float64()) for name in ("ask_s", "wall_s")}
    return pa.table(columns)


def _rewards(truth: Any) -> Any:
    """Return the rewards of the problem's default objective, with the table as the simulator."""
    problem: Problem = truth.problem
    reference = truth.evaluate([problem.default_design])[0].metrics
    from archgym.objective import Objective

    objective = Objective.from_spec(problem.default_objective).bind(problem.metrics, reference)
    return truth.rewards(objective).mean(axis=1)


def _errors(truth: Any) -> list[str | None]:
    broken = np.zeros(len(truth), dtype=bool)
    for values in truth.metrics.values():
        broken |= np.isnan(values)
    text = "The evaluation failed when the space was enumerated."
    return [text if bad else None for bad in broken.tolist()]


def _parts(table: "pa.Table", metadata: Mapping[str, Any]) -> Iterator[Source]:
    """Yield the runs of a data set."""
    import pyarrow as pa

    problems = {entry["fingerprint"]: entry for entry in metadata["problems"]}
    names = [*LABELS, *NUMBERS, "version"]
    codes = table["run"].combine_chunks().dictionary_encode()
    for code in range(len(codes.dictionary)):
        rows = np.flatnonzero(codes.indices.to_numpy() == code)
        part = table.slice(rows[0], len(rows)) if _dense(rows) else table.take(pa.array(rows))
        labels = {name: part[name][0].as_py() for name in names}
        kept = problems[labels["fingerprint"]]
        known = {name: kept[name] for name in ("fingerprint", "workload", "config")}
        description = {name: metadata[name] for name in ("problem", "space", "metrics")}
        columns = part.drop_columns(names).replace_schema_metadata()
        yield Source(labels, columns, known, description)


def _dense(rows: Any) -> bool:
    return bool(rows[-1] - rows[0] + 1 == len(rows))


def same_trials(one: "pa.Table", other: "pa.Table", timed: Sequence[str]) -> bool:
    """Return whether the shorter of two tables is the beginning of the other, times aside."""
    rows = min(len(one), len(other))
    a, b = (t.drop_columns(list(timed)).slice(0, rows).combine_chunks() for t in (one, other))
    return bool(a.column_names == b.column_names and a.cast(b.schema).equals(b))
