"""Run the lottery and write its page.

    python -m experiments.lottery [--out runs/lottery] [--jobs 2] [--page experiments/lottery]

Killed or stopped, the same command goes on where it was. With ``--only-page`` nothing is run: the
page is written from the ``runs.parquet`` that are there.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from tyro.conf import arg

from archgym._text import duration
from archgym.errors import ArchGymError
from archgym.ground_truth import FOLDER
from archgym.progress import CountProgress
from archgym.sweep import Sweep, SweepConfig, run_sweep
from experiments.lottery.page import write_page

HERE = Path(__file__).parent
FAST = "fast"
FILES = (FAST, "slow", "tpe", "slow_lottery")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Run the hyperparameter lottery and write its page."""

    out: Path = Path("runs/lottery")
    """Folder of the sweeps."""
    jobs: int = 2
    """Runs at the same time."""
    only: Annotated[tuple[str, ...], arg(metavar="NAME...")] = FILES
    """Which sweeps to run: fast, slow, tpe, slow_lottery."""
    tables: Path = FOLDER
    """Where the tables of every design are, besides those of the package."""
    page: Path = HERE
    """Folder of the page."""
    only_page: bool = False
    """Run nothing."""


def main() -> int:
    """Run what is not there yet, then write the page from all that is."""
    options = tyro.cli(Options)
    console = Console(file=sys.stderr)
    try:
        for name in () if options.only_page else options.only:
            _run(name, options, console)
        sweeps = {
            name: Sweep.load(options.out / name)
            for name in FILES
            if (options.out / name / "runs.parquet").exists()
        }
        if FAST not in sweeps:
            console.print(f"'{options.out / FAST}' holds no finished sweep: no page is written.")
            return 2
        others = {name: sweep for name, sweep in sweeps.items() if name != FAST}
        page = write_page(sweeps[FAST], others, options.page, _facts(options.out))
    except ArchGymError as error:
        console.print(f"experiments.lottery: {error}", markup=False, highlight=False)
        return 2
    print(f"Wrote {page}")
    return 0


def _run(name: str, options: Options, console: Console) -> None:
    """Run one sweep and note how long it took."""
    config = _with_tables(
        SweepConfig.from_file(HERE / f"{name}.toml"),
        options.tables,
        lambda text: console.print(text, markup=False, highlight=False),
    )
    started = time.monotonic()
    with CountProgress(console, f"runs of {name}") as progress:
        result = run_sweep(config, options.out / name, options.jobs, progress=progress)
    if result.new:
        entry = {"new": result.new, "jobs": options.jobs, "seconds": time.monotonic() - started}
        with (options.out / name / "times.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def _with_tables(config: SweepConfig, folder: Path, tell: Callable[[str], object]) -> SweepConfig:
    """Return the configuration with the tables that are there, without problems that have none."""
    problems = []
    for problem in config.problems:
        name = f"{problem.ground_truth}.parquet"
        found = next((path for path in (folder / name, FOLDER / name) if path.exists()), None)
        if problem.ground_truth is None:
            problems.append(problem)
        elif found is not None:
            problems.append(replace(problem, ground_truth=str(found.resolve())))
        else:
            tell(
                f"{problem.label!r} is left out: there is no {name} in '{folder}'. Make it with "
                f"`python -m experiments.ground_truth --only {problem.ground_truth}`, then run "
                "this again: it adds to what is there."
            )
    return replace(config, problems=tuple(problems))


def _facts(out: Path) -> list[str]:
    """Return how long the sweeps took, as lines."""
    lines = []
    for name in FILES:
        path = out / name / "times.jsonl"
        if path.exists():
            times = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            runs, seconds = (sum(entry[key] for entry in times) for key in ("new", "seconds"))
            jobs = max(entry["jobs"] for entry in times)
            lines.append(
                f"`{name}.toml`: {runs:,} runs in {duration(seconds)} with {jobs} processes, "
                f"{60 * runs / seconds:,.0f} a minute"
            )
    return lines


if __name__ == "__main__":
    sys.exit(main())
