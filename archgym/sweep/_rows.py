"""One row per run of a sweep: what it found when, and what it cost."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archgym.search import SearchResult

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1

SORTED_BY = ("problem", "agent", "setting", "budget", "seed")


def finished_row(columns: Mapping[str, Any], result: SearchResult) -> dict[str, Any]:
    """Return the row of a run that ended."""
    when, rewards = result.curve()
    front = _front(result) if len(result.objectives) > 1 else []
    infeasible = sum(not trial.feasible and not trial.cached for trial in result.trials)
    return {
        **columns,
        "workload": result.identity["workload"],
        "objective": result.identity["objective"],
        "objectives": len(result.objectives),
        "status": "complete",
        "error": None,
        "stop": result.stop,
        "evaluations": result.evaluations,
        "cached": result.cached,
        "infeasible": infeasible,
        "failed": result.failed,
        "best_reward": result.best_reward,
        "ask_s": result.ask_seconds,
        "evaluate_s": result.evaluate_seconds,
        "curve_evaluations": when.tolist(),
        "curve_rewards": rewards.tolist(),
        "front_evaluations": [when for when, _ in front],
        "front_rewards": [list(rewards) for _, rewards in front],
        "version": result.identity["version"],
        "config_hash": result.identity["config_hash"],
    }


def _front(result: SearchResult) -> list[tuple[int, tuple[float, ...]]]:
    """Return evaluations and rewards of feasible trials that no earlier one covered."""
    spent = 0
    archive: list[tuple[float, ...]] = []
    front: list[tuple[int, tuple[float, ...]]] = []
    for trial in result.trials:
        spent += not trial.cached
        if trial.feasible and not (
            trial.cached or any(_covers(other, trial.rewards) for other in archive)
        ):
            archive = [other for other in archive if not _covers(trial.rewards, other)]
            archive.append(trial.rewards)
            front.append((spent, trial.rewards))
    return front


def failed_row(columns: Mapping[str, Any], error: str) -> dict[str, Any]:
    """Return the row of a run that did not end."""
    return {**columns, "status": "failed", "error": error}


def _covers(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Return whether ``one`` is at least as good in every objective."""
    return all(a >= b for a, b in zip(one, other, strict=True))


def write_rows(
    path: Path, rows: Iterable[Mapping[str, Any]], optima: Mapping[str, Mapping[str, Any] | None]
) -> None:
    """Write all rows in order as Parquet, with the exact optimum where it is known."""
    import pyarrow.parquet as pq

    partial = path.with_name(f"{path.name}.partial")
    pq.write_table(table_of(rows, optima), partial, compression="zstd")
    partial.replace(path)


def table_of(
    rows: Iterable[Mapping[str, Any]], optima: Mapping[str, Mapping[str, Any] | None]
) -> "pa.Table":
    """Return all rows in order as a table, with the exact optimum where it is known."""
    import pyarrow as pa

    schema = _schema()
    ordered = sorted(rows, key=lambda row: [row[name] for name in SORTED_BY])
    content = [{**row, "optimum_reward": _reward(optima.get(row["problem"]))} for row in ordered]
    columns = {name: [row.get(name) for row in content] for name in schema.names}
    return pa.table(columns, schema=schema)


def missing_columns(table: "pa.Table") -> list[str]:
    """Return the columns of runs that a table lacks."""
    return [name for name in _schema().names if name not in table.column_names]


def _reward(optimum: Mapping[str, Any] | None) -> float | None:
    return None if optimum is None else float(optimum["reward"])


def _schema() -> "pa.Schema":
    import pyarrow as pa

    texts = [
        *("run", "problem", "problem_name", "workload", "agent", "hyperparameters"),
        *("objective", "status", "error", "stop", "version", "config_hash"),
    ]
    counts = [
        *("setting", "seed", "budget", "objectives"),
        *("evaluations", "cached", "infeasible", "failed"),
    ]
    numbers = ["best_reward", "optimum_reward", "ask_s", "evaluate_s"]
    kinds: dict[str, Any] = {
        **dict.fromkeys(texts, pa.string()),
        **dict.fromkeys(counts, pa.int64()),
        **dict.fromkeys(numbers, pa.float64()),
        "curve_evaluations": pa.list_(pa.int32()),
        "curve_rewards": pa.list_(pa.float64()),
        "front_evaluations": pa.list_(pa.int32()),
        "front_rewards": pa.list_(pa.list_(pa.float64())),
    }
    return pa.schema(list(kinds.items()), metadata={"archgym": json.dumps({"format": FORMAT})})
