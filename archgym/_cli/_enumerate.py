"""``archgym enumerate``: measure every design of a problem."""

import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Self

from tyro.conf import arg

from archgym._cli._output import Output
from archgym._cli._problem import ProblemOptions
from archgym._text import duration, number

if TYPE_CHECKING:
    from archgym.ground_truth import GroundTruth
    from archgym.problem import Problem

LINE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Enumerate(ProblemOptions):
    """Measure every design, so that the optimum is known; goes on where it was stopped."""

    out: Annotated[Path, arg(metavar="FILE.parquet")]
    """The table to write."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Measure, then show the optimum."""
        from archgym.ground_truth import GroundTruth, enumerate_problem

        problem = self.make()
        objective = problem.objective(self.objective)
        output.note(f"{problem.name} on {problem.workload}: {problem.space.size:,} designs")
        self.out.parent.mkdir(parents=True, exist_ok=True)
        with _Progress(output) as progress:
            enumerate_problem(problem, self.out, progress)
        truth = GroundTruth.load(self.out, problem)
        best, reward = truth.best(objective)
        _show(output, problem, truth, best)
        output.show(f"\nreward {number(reward)} (objective {objective.spec})\nWrote {self.out}")
        output.result(
            {
                "out": str(self.out),
                "bytes": self.out.stat().st_size,
                "problem": problem.name,
                "config": problem.config,
                "designs": len(truth),
                "feasible": int(truth.feasible.sum()),
                "objective": objective.spec,
                "best": {
                    "design": best,
                    "reward": reward,
                    "metrics": truth.evaluate([best])[0].metrics,
                },
            }
        )
        return 0


def _show(output: Output, problem: "Problem", truth: "GroundTruth", best: Any) -> None:
    output.show(
        f"{len(truth):,} designs, {int(truth.feasible.sum()):,} feasible. The best one:\n",
        problem.describe(best, truth.evaluate([best])[0]),
    )


class _Progress:
    """Shows how far an enumeration is: a bar on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._started = self._reported = time.monotonic()
        self._before: int | None = None
        self._bar: Any = None
        self._row: Any = None

    def __enter__(self) -> Self:
        if self._output.stderr.is_terminal:
            from rich.progress import Progress

            self._bar = Progress(console=self._output.stderr, transient=True)
            self._bar.start()
            self._row = self._bar.add_task("designs", total=None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """Take note that so many designs of the total are measured."""
        now = time.monotonic()
        if self._before is None:  # what an earlier attempt measured was not done at this speed
            self._before, self._started = done, now
        rate = (done - self._before) / (now - self._started) if now > self._started else 0.0
        if self._bar is not None:
            self._bar.update(self._row, completed=done, total=total, description=f"{rate:,.0f}/s")
        elif now - self._reported >= LINE_SECONDS:
            self._reported = now
            eta = duration((total - done) / rate) if rate > 0 else "unknown"
            self._output.note(f"{done:,} of {total:,} designs, {number(rate, 3)}/s, ETA {eta}")
