"""Label many schedules of few new kernels, to judge rankings by.

    python -m experiments.costmodel.schedules --out experiments/costmodel/schedules.parquet

Needs `pip install 'archgym[corpus]'`. The kernels are drawn as those of the corpus are, from a seed
of their own; an evaluation leaves out those that its training data have too. Goes on where an
interrupted run stopped: rows of a kernel are written when it is done.
"""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import tyro

from costmodel.corpus._kernels import KERNELS
from costmodel.corpus._program import Program
from costmodel.corpus._sample import label_program
from costmodel.corpus._sources import draw_program
from costmodel.targets import resolve_targets
from costmodel.targets._label import preload
from costmodel.targets._sandbox import Report, sandboxed


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """Label many schedules of few kernels."""

    out: Path
    """Parquet file."""
    programs: int = 30
    """Kernels."""
    schedules: int = 24
    """Schedules of each kernel, drawn at random; equal ones count once."""
    targets: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME...")] = (
        "x86-64-znver4/executed_instructions",
        "x86-64-znver4/mca_cycles",
    )
    """What to label; x86-64-znver4/latency is measured, on a machine with nothing else to do."""
    seed: int = 1_000_003
    """Of the kernels and their schedules."""
    limit_s: float = 300.0
    """Wall time after which a kernel is given up, in seconds."""


def main(config: Schedules) -> None:
    """Label, and write after each kernel."""
    preload()
    targets = frozenset(resolve_targets(config.targets))
    done = pd.read_parquet(config.out) if config.out.is_file() else pd.DataFrame()
    rows: list[dict[str, Any]] = done.to_dict("records")
    found = len({row["program"] for row in rows})
    place = 1 + max((row["place"] for row in rows), default=-1)
    while found < config.programs:
        task = partial(_label, config.seed, place, config.schedules, targets)
        outcome = sandboxed(task, limit_s=config.limit_s)
        fresh = outcome.values.get("rows", [])
        if len(fresh) > config.schedules // 2:
            rows += [{**row, "place": place} for row in fresh]
            found += 1
            pd.DataFrame(rows).to_parquet(config.out, compression="zstd", compression_level=19)
        why = "" if outcome.failure is None else f" ({outcome.failure.reason})"
        print(f"{found} of {config.programs}: {len(fresh)} schedules{why}", flush=True)
        place += 1


def _label(seed: int, place: int, schedules: int, targets: frozenset[str], report: Report) -> None:
    report.stage("draw")
    rng = np.random.default_rng([seed, place])
    program = _kernel(rng)
    report.stage("label")
    samples = label_program(program, rng, targets, schedules, protected=False)
    report.value("rows", [_row(program, one) for one in samples if not one.lost])


def _kernel(rng: np.random.Generator) -> Program:
    while True:
        program = draw_program(rng, [])
        if program.family in KERNELS:
            return program


def _row(program: Program, sample: Any) -> dict[str, Any]:
    return {
        "program": program.id,
        "view": "low",
        "family": program.family,
        "schedule": json.dumps([dict(step) for step in sample.steps]),
        "text": sample.text,
        **sample.labels,
    }


if __name__ == "__main__":
    main(tyro.cli(Schedules, description=__doc__))
