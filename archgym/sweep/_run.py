"""Sweeps: agents x hyperparameter settings x problems x seeds x budgets, each run once.

A run is named by the hash of all that decides its result, so that the same command resumes, and a
larger configuration adds to what is there. Layout of the folder::

    sweep.json       configuration, versions, command, optima
    finished.jsonl   one line per run, appended as runs end
    journals/        trials of the runs that are under way
    runs.parquet     all runs, written at the end
    .lock            held (flock) by the process that sweeps
"""

import contextlib
import fcntl
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from archgym._pool import run_pool
from archgym._program import end_script_of_worker
from archgym.errors import FailedRunsError, InvalidConfigError, RecordError, did_you_mean
from archgym.ground_truth import GroundTruth
from archgym.problem import Problem
from archgym.search import search
from archgym.stats import quantile_targets
from archgym.sweep._config import SweepConfig
from archgym.sweep._jobs import RETRIES, SweepJob, label_of, made_problem, sweep_jobs
from archgym.sweep._journal import Journal
from archgym.sweep._rows import (
    FORMAT,
    SORTED_BY,
    failed_row,
    finished_row,
    missing_columns,
    table_of,
    write_rows,
)

Engine = Literal["process", "ray"]

# The worst of this share of all designs is a target: how many evaluations until it is reached?
TARGET_SHARES = (0.1, 0.01, 0.001, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What a sweep did."""

    folder: Path
    """Where it is recorded."""

    runs: int
    """Runs that the configuration asks for."""

    new: int
    """Runs that were not there before."""

    failed: int
    """Runs of the configuration that failed; the same command tries them again."""


class SweepRunner:
    """Runs jobs one after the other; keeps every problem it has made."""

    def __init__(self) -> None:
        self._problems: dict[str, Problem] = {}

    def run(self, job: SweepJob, report: Callable[[Any], object]) -> dict[str, Any]:
        """Return the row of one run; whatever fails is in it."""
        try:
            if job.label not in self._problems:
                self._problems[job.label] = made_problem(job.problem, Path(job.folder))
            result = search(
                self._problems[job.label],
                job.agent,
                job.budget,
                job.seed,
                objective=job.problem.objective,
                hyperparameters=job.hyperparameters,
                progress=report,
                label=job.run,
                record=lambda identity: Journal(job.journal, identity),
            )
        except Exception as error:
            return failed_row(job.columns, f"{type(error).__name__}: {error}")
        return finished_row(job.columns, result)


def run_sweep(
    config: SweepConfig,
    out: str | Path,
    jobs: int = 1,
    *,
    engine: Engine = "process",
    progress: Callable[[int, int], object] | None = None,
) -> SweepResult:
    """Run what is not there yet, and write ``runs.parquet``.

    Killing workers or this process loses at most the evaluations in flight: a run that had begun
    goes on from its journal. Ctrl-C leaves a folder that can go on. Runs are made in processes of
    their own, which know every registered agent and problem; for those that are defined in the
    user's script they run the script up to this call, unless it is below
    ``if __name__ == "__main__":``.

    Args:
        config: What to run.
        out: Folder of the sweep; may hold an earlier, smaller one.
        jobs: Processes.
        engine: "process" for processes here, "ray" for a Ray cluster (the one that ``RAY_ADDRESS``
            names, else one made here); its nodes need this package, and the folder if a killed run
            is to go on from its journal.
        progress: Called with the runs that are done and their total.

    Raises:
        UnknownNameError: a problem, agent or metric is unknown.
        InvalidConfigError: a value of the configuration is not allowed.
        RecordError: the folder is in use, or holds another sweep.
        FailedRunsError: every run failed; they are recorded all the same.
    """
    end_script_of_worker()
    if engine not in get_args(Engine):
        raise InvalidConfigError(
            f"engine={engine!r} is not allowed.{did_you_mean(engine, get_args(Engine))} "
            f"Allowed: {', '.join(get_args(Engine))}."
        )
    if type(jobs) is not int or jobs < 1:
        raise InvalidConfigError(f"jobs={jobs!r} is not allowed. Use a number of at least 1.")
    folder = Path(out)
    problems = {label_of(p): made_problem(p, Path(config.folder)) for p in config.problems}
    work = sweep_jobs(config, problems, folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        (folder / "journals").mkdir(exist_ok=True)
        _describe(folder, config, problems, len(work))
        rows = _read_finished(folder)
        done = {run for run, row in rows.items() if row["status"] == "complete"}
        waiting = [job for job in work if job.run not in done]
        driver = _Driver(folder, total=len(work), ended=len(work) - len(waiting), report=progress)
        driver.tell()
        _ENGINES[engine](waiting, jobs, driver, config.timeout_s)
        rows |= driver.rows
        write_rows(folder / "runs.parquet", rows.values(), _optima(folder))
    mine = {job.run for job in work}
    failures = [r for r in rows.values() if r["run"] in mine and r["status"] == "failed"]
    result = SweepResult(folder=folder, runs=len(work), new=len(driver.rows), failed=len(failures))
    if result.failed == result.runs:
        raise FailedRunsError(_why(failures), result)
    return result


def _why(failures: Sequence[Mapping[str, Any]]) -> str:
    first = failures[0]
    causes = len({row["error"] for row in failures})
    others = f" {causes - 1} other causes are in runs.parquet." if causes > 1 else ""
    return (
        f"All {len(failures)} runs failed. {first['agent']} on {first['problem']} with seed "
        f"{first['seed']}: {first['error']}.{others} The same call tries them again."
    )


def load_sweep(folder: str | Path) -> tuple["Any", dict[str, Any]]:
    """Return the runs of a sweep as a data frame, and what ``sweep.json`` says.

    Of a sweep that has not ended, the runs that have; the description says how many, as ``ended``.

    Raises:
        RecordError: the folder holds no sweep of which a run has ended, or a damaged one.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(folder) / "runs.parquet"
    rows = {} if path.exists() else _read_finished(Path(folder))
    described = {**_described(Path(folder)), "ended": len(rows)} if rows else {}
    try:
        table = table_of(rows.values(), described["optima"]) if rows else pq.read_table(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise RecordError(
            f"'{folder}' holds no finished sweep: {error}. Run `archgym sweep` with it as --out."
        ) from None
    if missing := missing_columns(table):
        raise RecordError(
            f"'{path}' is not the table of a sweep, or damaged: it lacks {', '.join(missing)}. "
            "Run `archgym sweep` with that folder as --out: it is written again."
        )
    return table.to_pandas(), described or _described(Path(folder))


# -------------------------------------------------------------------- the folder


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RecordError(
                f"Another sweep is writing to '{folder}'. Wait for it, or choose another folder."
            ) from None
        yield


def _describe(
    folder: Path, config: SweepConfig, problems: Mapping[str, Problem], runs: int
) -> None:
    """Write ``sweep.json``, unless the folder holds a sweep that does not go with this one."""
    from archgym import __version__

    path = folder / "sweep.json"
    earlier = _described(folder) if path.exists() else {}
    labels = {label: problem.fingerprint() for label, problem in problems.items()}
    for label, fingerprint in earlier.get("fingerprints", {}).items():
        if labels.get(label, fingerprint) != fingerprint:
            raise RecordError(
                f"In '{folder}' the label {label!r} is of another problem. "
                "Choose another label, or another folder."
            )
    if earlier and earlier["config"]["seed"] != config.seed:
        raise RecordError(
            f"'{folder}' was swept with seed {earlier['config']['seed']}, from which its settings "
            f"are drawn. Use that instead of {config.seed}, or choose another folder."
        )
    optima = earlier.get("optima", {})
    for problem in config.problems:
        label = label_of(problem)
        if label not in optima:
            optima[label] = _optimum(problems[label], problem.objective)
    content = {
        "format": FORMAT,
        "version": __version__,
        "command": sys.argv,
        "config": asdict(config),
        "runs": runs,
        "fingerprints": {**earlier.get("fingerprints", {}), **labels},
        "optima": optima,
    }
    partial = path.with_name("sweep.json.partial")
    partial.write_text(json.dumps(content, indent=2, default=list), encoding="utf-8")
    partial.replace(path)


def _described(folder: Path) -> dict[str, Any]:
    """Return the content of ``sweep.json``."""
    path = folder / "sweep.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kinds = {name: type(content[name]) for name in ("config", "fingerprints", "optima")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        kinds = {str(error): type(error)}
    wrong = [name for name, kind in kinds.items() if kind is not dict]
    if wrong:
        raise RecordError(
            f"'{path}' is missing or damaged: {wrong[0]}. Restore it from a copy, or choose "
            "another folder."
        )
    if content.get("format", FORMAT) != FORMAT:
        raise RecordError(
            f"'{path}' has format {content['format']!r}, this release knows {FORMAT}. Use the "
            f"release that wrote it ({content.get('version')}), or choose another folder."
        )
    return dict(content)


def _optimum(problem: Problem, spec: str | None) -> dict[str, Any] | None:
    truth = problem.evaluator
    if not isinstance(truth, GroundTruth):
        return None
    objective = problem.objective(spec)
    design, reward = truth.best(objective)
    front = truth.front(objective)[1].tolist() if len(objective.names) > 1 else None
    rewards = truth.rewards(objective)[truth.feasible].mean(axis=1)
    targets = quantile_targets(rewards, TARGET_SHARES).tolist()
    return {
        "objective": objective.spec,
        "reward": reward,
        "design": design,
        "front": front,
        "quantiles": dict(zip(map(str, TARGET_SHARES), targets, strict=True)),
    }


def _optima(folder: Path) -> dict[str, Any]:
    return dict(_described(folder)["optima"])


def _read_finished(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the last row of every run; a line cut short or damaged counts as not there."""
    path = folder / "finished.jsonl"
    rows: dict[str, dict[str, Any]] = {}
    # JSON that is no row, or no text at all, counts as damaged too.
    for line in path.read_bytes().splitlines() if path.exists() else ():
        with contextlib.suppress(ValueError):
            row = json.loads(line)
            if isinstance(row, dict) and {"run", "status", *SORTED_BY} <= row.keys():
                rows[row["run"]] = row
    return rows


class _Driver:
    """Writes down what ended."""

    def __init__(
        self, folder: Path, total: int, ended: int, report: Callable[[int, int], object] | None
    ) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self._folder = folder
        self._total = total
        self._ended = ended
        self._report = report

    def tell(self) -> None:
        """Report where the sweep stands."""
        if self._report is not None:
            self._report(self._ended + len(self.rows), self._total)

    def done(self, job: SweepJob, row: Mapping[str, Any]) -> None:
        """Append a row; only then is the journal of a complete run superfluous."""
        self.rows[job.run] = dict(row)
        path = self._folder / "finished.jsonl"
        try:
            with path.open("ab") as file:
                # After a line that a kill cut short, an empty one keeps this one whole.
                file.write(b"\n" + json.dumps(row).encode() + b"\n")
        except OSError as error:
            raise RecordError(
                f"Cannot write '{path}': {error.strerror}. Free space or fix the permissions; "
                "then run the same command again: it goes on where it stopped."
            ) from error
        if row["status"] == "complete":
            job.journal.unlink(missing_ok=True)
        self.tell()

    def lost(self, job: SweepJob, cause: str) -> None:
        """Append that a run was given up; its journal stays, so that it can go on."""
        self.done(job, failed_row(job.columns, cause))


# -------------------------------------------------------------------- engines


def _run_here(work: Sequence[SweepJob], jobs: int, driver: _Driver, timeout_s: float) -> None:
    run_pool(
        work,
        jobs,
        SweepRunner,
        report=lambda event: None,
        done=driver.done,
        lost=driver.lost,
        retries=RETRIES,
        silence_s=timeout_s,
    )


def _run_on_ray(work: Sequence[SweepJob], jobs: int, driver: _Driver, timeout_s: float) -> None:
    from archgym.sweep._ray import run_on_ray

    run_on_ray(work, jobs, driver.done, driver.lost, timeout_s)


_ENGINES: dict[str, Callable[[Sequence[SweepJob], int, _Driver, float], None]] = {
    "process": _run_here,
    "ray": _run_on_ray,
}
