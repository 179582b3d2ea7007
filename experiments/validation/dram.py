"""Print how well `simulators.dram` agrees with recorded runs of DRAMSys 4.0.

    python -m experiments.validation.dram --reference DIR [--json] [--jobs 2]

DIR is laid out as `experiments.validation.reference` says. Exit code: 0 if every figure of every
run agrees, 1 if any differs, 2 if DIR cannot be used.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import tyro

from experiments.validation.agreement import (
    COLUMNS,
    COMMAND_TIMES,
    GROUPS,
    REQUEST_TIMES,
    Agreement,
    RowResult,
    by_column,
    by_quantity,
    compare,
    to_json,
)
from experiments.validation.reference import Log, Reference, Run
from simulators.dram import simulate
from simulators.errors import ArchGymError

ROUNDING = (
    "A figure is equal if it rounds to what the reference prints (times and latencies to 3 "
    "decimals of a ns, energy, power and bandwidth to 2 decimals, counts exactly); log entries "
    "must be equal to the picosecond."
)
_SHOWN_DIFFERENCES = 50
_LINE_SECONDS = 10.0


def main(
    reference: Path,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
    jobs: int = 1,
) -> int:
    """Compare the simulator with recorded runs of DRAMSys 4.0.

    Args:
        reference: folder of the recorded runs.
        json_output: print one JSON object instead of tables.
        jobs: runs simulated at the same time.
    """
    try:
        results = validate(reference, jobs, Progress(sys.stderr.isatty()))
    except (ArchGymError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if json_output:
        print(json.dumps(to_json(results), indent=2))
    else:
        print(report(results))
    return int(any(result.differences for result in results))


def validate(
    folder: Path, jobs: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[RowResult]:
    """Simulate every run of the reference in ``folder`` and compare.

    Raises:
        ReferenceFolderError: the folder is missing or not of the expected layout.
    """
    opened = Reference(folder, COLUMNS)
    # Inputs are read here, one after the other, so that the threads share them.
    runs = [(opened.run(row), opened.log(int(row["row"]))) for row in opened.rows]
    results = []
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        for result in pool.map(lambda pair: _compare_run(*pair), runs):
            results.append(result)
            progress(len(results), len(runs))
    return results


def _compare_run(run: Run, log: Log | None) -> RowResult:
    metrics = simulate(run.memory, run.mapping, run.controller, run.trace, log=log is not None)
    return compare(run, metrics, log)


class Progress:
    """Writes how far the validation is to stderr: in place on a terminal, else now and then."""

    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal
        self._last = self._start = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Report that ``done`` of ``total`` runs are compared."""
        now = time.monotonic()
        interval = 0.2 if self._terminal else _LINE_SECONDS
        if now - self._last < interval and not (done == total and self._terminal):
            return
        self._last = now
        line = f"{done}/{total} runs, {now - self._start:.0f} s"
        end = "\n" if done == total or not self._terminal else ""
        print(f"\r{line}" if self._terminal else line, end=end, file=sys.stderr, flush=True)


def report(results: Sequence[RowResult]) -> str:
    """Return the agreement tables and the rows that differ, as text."""
    equal = sum(not result.differences for result in results)
    lines = [f"{equal} of {len(results)} rows agree in every figure.", ROUNDING, ""]
    quantities = by_quantity(results)
    lines += _table("quantity", quantities, errors=True)
    for column in GROUPS:
        lines += ["", *_table(column, by_column(results, column), errors=False)]
    return "\n".join([*lines, *_differences(results)])


def _table(title: str, rows: Iterable[Agreement], *, errors: bool) -> list[str]:
    last = "  worst relative error" if errors else ""
    lines = [f"{title:<32} {'equal':>7} {'of':>7} {'%':>7}{last}"]
    for row in rows:
        worst = f"{row.worst_relative_error:>22.2g}" if errors else ""
        lines.append(f"{row.name:<32} {row.equal:>7} {row.total:>7} {row.percent:>7.2f}{worst}")
    return lines


def _differences(results: Sequence[RowResult]) -> list[str]:
    differing = [result for result in results if result.differences]
    lines = ["", f"{len(differing)} rows differ:"] if differing else []
    for result in differing[:_SHOWN_DIFFERENCES]:
        settings = result.run.settings
        setting = " ".join(settings[column] for column in (*GROUPS, "trace"))
        lines.append(f"row {result.run.number} ({setting})")
        for each in result.differences:
            unit = " entries equal" if each.quantity in (COMMAND_TIMES, REQUEST_TIMES) else ""
            lines.append(f"  {each.quantity}: ours {each.ours}{unit}, reference {each.reference}")
    if len(differing) > _SHOWN_DIFFERENCES:
        lines.append(f"... and {len(differing) - _SHOWN_DIFFERENCES} more; --json lists all.")
    return lines


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
