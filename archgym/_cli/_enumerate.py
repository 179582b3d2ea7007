"""``archgym enumerate``: measure every design of a problem."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from archgym._cli._problem import ProblemOptions
from archgym._text import number
from simulators._terminal import Output

if TYPE_CHECKING:
    from archgym.ground_truth import GroundTruth
    from archgym.problem import Problem


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
        from archgym.progress import CountProgress

        problem = self.make()
        objective = problem.objective(self.objective)
        size = problem.space.size
        bound = f"{size:,}" if problem.space.size_is_exact else f"at most {size:,}"
        output.note(f"{problem.name} on {problem.workload}: {bound} designs")
        self.out.parent.mkdir(parents=True, exist_ok=True)
        with CountProgress(output.stderr, "designs") as progress:
            enumerate_problem(problem, self.out, progress)
        truth = GroundTruth.load(self.out, problem)
        best, reward = truth.best(objective)
        _show(output, problem, truth, best)
        output.show(f"\nreward {number(reward)} (objective {objective.spec})")
        front = truth.front(objective)[1] if len(objective.names) > 1 else None
        if front is not None:
            output.show(f"front of {len(front):,} points")
        output.show(f"Wrote {self.out}")
        output.result(
            {
                "out": str(self.out),
                "bytes": self.out.stat().st_size,
                "problem": problem.name,
                "config": problem.config,
                "designs": len(truth),
                "feasible": int(truth.feasible.sum()),
                "objective": objective.spec,
                "front": None if front is None else front.tolist(),
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
