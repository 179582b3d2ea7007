"""Make the tables of every design that come with the package.

    python -m experiments.ground_truth [--out archgym/ground_truths] [--only NAME...]

A table of DRAM takes a quarter of an hour of one core, one of mappings half a minute; stopped, it
goes on where it was.

Every mapping means, on fixed hardware and with a fixed number of levels: per level every dimension
to spread and every order of the loops, every nesting of tile sizes with different numbers of
iterations, and every cluster size with a different number of clusters; the filter is held whole.
Those that need more L1 or L2 than there is, or of which the cost model leaves work out, are illegal
and not in the table.
"""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow.parquet as pq
import tyro
from rich.console import Console
from tyro.conf import arg

from archgym import make_problem
from archgym.ground_truth import FOLDER, ExactFront, GroundTruth, Optimum, enumerate_problem
from archgym.progress import CountProgress

DRAM, MAPPING = "archgym/DRAM-v0", "archgym/Mapping-v0"


@dataclass(frozen=True, kw_only=True)
class Table:
    """What is measured, and the two objectives whose front is noted."""

    problem: str
    config: Mapping[str, Any]
    front: str


TABLES = {
    f"dram-paper-{workload}-{memory}": Table(
        problem=DRAM,
        config={"space": "paper", "workload": workload, "memory": memory},
        front="pareto:latency_mean_ns,power_mw",
    )
    for workload in ("stream", "bzip2")
    for memory in ("DDR4-2400", "DDR3-1600")
}
# A convolution and a product of matrices on one level, with 1 and 2 KiB of L1 per PE, and
# a product of a matrix and a vector on two levels (clusters) with the default hardware.
TABLES |= {
    f"mapping-{name}": Table(problem=MAPPING, config=config, front="pareto:cycles,energy_pj")
    for name, config in {
        "resnet18-4-levels1": {"workload": "resnet18/4", "levels": 1, "l1_size": 1024},
        "bert-base-1-levels1": {"workload": "bert-base/1", "levels": 1, "l1_size": 2048},
        "dlrm-kaggle-4-levels2": {"workload": "dlrm-kaggle/4", "levels": 2},
    }.items()
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measure every design of the problems whose optimum the package knows."""

    out: Path = FOLDER
    """Where the tables are written."""
    only: Annotated[tuple[str, ...], arg(metavar="NAME...")] = tuple(TABLES)
    """Names of the tables to make."""


def optimum(name: str, path: Path) -> Optimum:
    """Return what is known about a problem from its table."""
    truth, table = GroundTruth.load(path), TABLES[name]
    objective = truth.problem.objective()
    rewards = np.where(truth.feasible, truth.rewards(objective).sum(axis=1), -np.inf)
    both = truth.problem.objective(table.front)
    _, front = truth.front(both)
    return Optimum(
        name=name,
        problem=table.problem,
        config=dict(table.config),
        designs=len(truth),
        objective=objective.spec,
        reward=float(rewards.max()),
        optimal_designs=int((rewards == rewards.max()).sum()),
        design=truth.problem.space.decode(truth.vectors[int(np.argmax(rewards))]),
        front=ExactFront(
            objective=both.spec,
            points=len(front),
            ideal=tuple(front.max(axis=0).tolist()),
            nadir=tuple(front.min(axis=0).tolist()),
        ),
    )


def make(name: str, path: Path, console: Console) -> None:
    """Measure every design and say how fast it went."""
    problem = make_problem(TABLES[name].problem, **TABLES[name].config)
    started = time.monotonic()
    with CountProgress(console, f"designs of {name}") as progress:
        enumerate_problem(problem, path, progress)
    seconds = time.monotonic() - started
    designs = pq.read_metadata(path).num_rows
    print(
        f"{name}: {designs:,} designs in {seconds:,.1f} s, {designs / seconds:,.0f}/s, "
        f"{path.stat().st_size / 1e6:.2f} MB"
    )


def main() -> None:
    """Make the tables that are missing, then ``optima.json``."""
    options = tyro.cli(Options)
    console = Console(file=sys.stderr)
    for name in options.only:
        path = options.out / f"{name}.parquet"
        if not path.exists():
            make(name, path, console)
    found = [
        optimum(name, path) for name in TABLES if (path := options.out / f"{name}.parquet").exists()
    ]
    text = json.dumps([asdict(entry) for entry in found], indent=2)
    (options.out / "optima.json").write_text(text + "\n", encoding="utf-8")
    for entry in found:
        print(
            f"{entry.name}: {entry.designs:,} designs, optimum {entry.reward:.6f} "
            f"({entry.objective}), reached by {entry.optimal_designs:,}; "
            f"front of {entry.front.points} ({entry.front.objective})"
        )


if __name__ == "__main__":
    main()
