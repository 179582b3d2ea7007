"""Make the tables of every design that come with the package.

    python -m experiments.ground_truth [--out archgym/ground_truths] [--only NAME...]

Each takes a quarter of an hour of one core; stopped, it goes on where it was.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from rich.console import Console
from tyro.conf import arg

from archgym import make_problem
from archgym.ground_truth import FOLDER, GroundTruth, Optimum, enumerate_problem
from archgym.progress import CountProgress

DRAM = "archgym/DRAM-v0"
PROBLEMS: dict[str, tuple[str, Mapping[str, Any]]] = {
    f"dram-paper-{workload}-{memory}": (
        DRAM,
        {"space": "paper", "workload": workload, "memory": memory},
    )
    for workload in ("stream", "bzip2")
    for memory in ("DDR4-2400", "DDR3-1600")
}
"""Name of the table to problem and arguments."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measure every design of the problems whose optimum the package knows."""

    out: Path = FOLDER
    """Where the tables are written."""
    only: Annotated[tuple[str, ...], arg(metavar="NAME...")] = tuple(PROBLEMS)
    """Names of the tables to make."""


def optimum(name: str, path: Path) -> Optimum:
    """Return what is known about a problem from its table."""
    truth = GroundTruth.load(path)
    objective = truth.problem.objective()
    rewards = np.where(truth.feasible, truth.rewards(objective).sum(axis=1), -np.inf)
    problem, config = PROBLEMS[name]
    return Optimum(
        name=name,
        problem=problem,
        config=dict(config),
        designs=len(truth),
        objective=objective.spec,
        reward=float(rewards.max()),
        optimal_designs=int((rewards == rewards.max()).sum()),
        design=truth.problem.space.decode(truth.vectors[int(np.argmax(rewards))]),
    )


def main() -> None:
    """Make the tables that are missing, then ``optima.json``."""
    options = tyro.cli(Options)
    console = Console(file=sys.stderr)
    for name in options.only:
        problem, config = PROBLEMS[name]
        path = options.out / f"{name}.parquet"
        if not path.exists():
            with CountProgress(console, f"designs of {name}") as progress:
                enumerate_problem(make_problem(problem, **config), path, progress)
    found = [
        optimum(name, path)
        for name in PROBLEMS
        if (path := options.out / f"{name}.parquet").exists()
    ]
    text = json.dumps([asdict(entry) for entry in found], indent=2)
    (options.out / "optima.json").write_text(text + "\n", encoding="utf-8")
    for entry in found:
        print(
            f"{entry.name}: {entry.designs:,} designs, optimum {entry.reward:.6f} "
            f"({entry.objective}), reached by {entry.optimal_designs:,}"
        )


if __name__ == "__main__":
    main()
