"""``archgym sweep``: agents x hyperparameters x problems x seeds x budgets from one file."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from archgym._text import duration, number
from simulators._terminal import Output, grid

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Run what a sweep file describes; the same command goes on where it stopped."""

    file: Annotated[Positional[Path], arg(metavar="FILE.toml")]
    """Problems, agents, settings, seeds and budgets; the README explains it."""
    out: Path | None = None
    """Folder of the sweep; by default runs/ and the file's name."""
    jobs: int = os.cpu_count() or 1
    """Runs at the same time."""
    engine: Literal["process", "ray"] = "process"
    """Processes on this machine, or a Ray cluster (see RAY_ADDRESS)."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Run, then write the table of agents."""
        from archgym.errors import FailedRunsError
        from archgym.progress import CountProgress
        from archgym.sweep import SweepConfig, load_sweep, run_sweep

        config = SweepConfig.from_file(self.file)
        out = self.out or Path("runs") / self.file.stem
        started = time.monotonic()
        output.note(f"{self.file} -> {out}")
        try:
            with CountProgress(output.stderr, "runs") as progress:
                result = run_sweep(config, out, self.jobs, engine=self.engine, progress=progress)
        except KeyboardInterrupt:
            output.note("Interrupted. Nothing is lost: the same command goes on from here.")
            raise
        except FailedRunsError as error:
            output.note(str(error))
            result = error.result
        elapsed_s = time.monotonic() - started
        runs, _ = load_sweep(out)
        agents = _summary(runs)
        output.show(_table(agents))
        output.show(
            f"\n{result.runs:,} runs, {result.new:,} of them new, in {duration(elapsed_s)}"
            + (f" ({number(60 * result.new / elapsed_s, 3)} per minute)." if result.new else ".")
        )
        if 0 < result.failed < result.runs:
            output.note(f"{result.failed} runs failed; the same command tries them again.")
        if result.failed < result.runs:
            output.show("\nNext:", f"  archgym report {out}\n      the statistics as a page")
        output.result(
            {
                "out": str(out),
                "runs": result.runs,
                "new": result.new,
                "failed": result.failed,
                "elapsed_s": elapsed_s,
                "agents": agents.to_dict("records"),
            }
        )
        return 1 if result.failed else 0


def _summary(runs: "pd.DataFrame") -> "pd.DataFrame":
    """Return one row per problem, budget and agent: its defaults, and all settings drawn."""
    import pandas as pd

    runs = runs.assign(regret=runs["optimum_reward"] - runs["best_reward"])
    rows = []
    for (problem, budget, agent), mine in runs.groupby(["problem", "budget", "agent"]):
        complete = mine[mine["status"] == "complete"]
        defaults = complete[complete["setting"] == 0]
        rows.append(
            {
                "problem": problem,
                "budget": budget,
                "agent": agent,
                "runs": len(mine),
                "failed": len(mine) - len(complete),
                "default_reward": defaults["best_reward"].mean(),
                "default_regret": defaults["regret"].mean(),
                "median_reward": complete["best_reward"].median(),
                "best_reward": complete["best_reward"].max(),
            }
        )
    return pd.DataFrame(rows)


def _table(agents: "pd.DataFrame") -> "Table":
    headers = ["problem", ">budget", "agent", ">runs", ">failed", ">defaults: mean reward"]
    headers += [">regret", ">all: median reward", ">best"]
    numbers = ("default_reward", "default_regret", "median_reward", "best_reward")
    rows = [
        [
            *(row["problem"], f"{row['budget']:,}", row["agent"], row["runs"], row["failed"]),
            *(number(row[name]) for name in numbers),
        ]
        for row in agents.to_dict("records")
    ]
    return grid(headers, rows)
