"""``archgym evaluate``: measure one design."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from archgym._cli._problem import ProblemOptions, design_from
from archgym._text import change, quantity
from archgym.errors import InvalidConfigError
from simulators._terminal import Output, grid

if TYPE_CHECKING:
    from archgym.envs.dram import DRAMProblem
    from archgym.problem import Evaluation, Problem
    from archgym.space import Design

    # The metrics of a backend; None for one that it does not report.
    Measured = Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Evaluate(ProblemOptions):
    """Measure one design: metrics, violations, and where time and energy go."""

    design: Annotated[tuple[str, ...], arg(metavar="NAME=VALUE...")] = ()
    """Parameters that differ from the default design."""
    backend: str | None = None
    """Measure with another simulator that is installed: dramsys for DRAM, timeloop, maestro, ..."""
    executable: Annotated[Path | None, arg(aliases=["--dramsys-path"])] = None
    """The other simulator's program."""
    compare: bool = False
    """Measure with both simulators and show them side by side."""
    explain: bool = False
    """Say in full where time, energy and area go, and what limits the design."""
    chrome_trace: Path | None = None
    """Write every command and request to this file, for a trace viewer such as Perfetto."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Measure and write."""
        self._check()
        problem = self.make()
        design = design_from(problem, self.design)
        if self.backend is None and not self.compare:
            _show(output, problem, design, self.objective, self.explain)
        else:
            backend = _backend(problem, self.backend)
            theirs = problem.measure_with(backend, design, self.executable)
            if self.compare:
                _compare(output, problem, design, backend, theirs)
            else:
                _show_backend(output, problem, design, backend, theirs)
        if self.chrome_trace is not None:
            measured = _dram(problem).measure(design, log=True)
            measured.to_chrome_trace(self.chrome_trace)
            output.show(f"\nWrote {self.chrome_trace}: open it in https://ui.perfetto.dev")
        return 0

    def _check(self) -> None:
        external = self.compare or self.backend is not None
        path = self.executable
        if path is not None and not path.is_file() and shutil.which(path) is None:
            raise InvalidConfigError(
                f"--executable '{path}' does not exist. Give the program of the other simulator."
            )
        if path is not None and not external:
            raise InvalidConfigError(
                "--executable does nothing without --backend or --compare. Add one."
            )
        if self.explain and external:
            raise InvalidConfigError("--explain is of the built-in simulator. Leave it out.")


def _backend(problem: "Problem", name: str | None) -> str:
    """Return the backend meant: the named one, or the problem's first."""
    known = problem.backends()
    if name is None and not known:
        raise InvalidConfigError(
            f"{problem.name} has no other simulator to compare with. Leave out --compare."
        )
    return next(iter(known)) if name is None else name


def _dram(problem: "Problem") -> "DRAMProblem":
    from archgym.envs.dram import DRAMProblem

    if not isinstance(problem, DRAMProblem):
        raise InvalidConfigError(
            f"{problem.name} has no log of commands. Leave out --chrome-trace."
        )
    return problem


def _show(
    output: Output, problem: "Problem", design: "Design", objective: str | None, explain: bool
) -> None:
    bound = problem.objective(objective)
    evaluation = problem.evaluate([design])[0]
    reward = bound.reward(evaluation)
    explanation = problem.explain(design) if explain and evaluation.metrics else ""
    output.show(
        problem.describe(design, evaluation),
        *([f"\n{explanation}"] if explanation else []),
        f"\nreward {reward:.6g} (objective {bound.spec}; "
        f"default design {bound.reward(problem.reference):.6g})",
    )
    output.result(
        {
            **_head(problem, design),
            "objective": bound.spec,
            "reward": reward,
            "feasible": evaluation.feasible,
            "violations": evaluation.violations,
            "error": evaluation.error,
            "metrics": evaluation.metrics,
            "units": {name: spec.unit for name, spec in problem.metrics.items()},
            "breakdown": problem.breakdown(design) if evaluation.metrics else {},
            **({"explanation": explanation} if explain else {}),
        }
    )


def _show_backend(
    output: Output, problem: "Problem", design: "Design", backend: str, measured: "Measured"
) -> None:
    rows = [[name, quantity(value, _unit(problem, name))] for name, value in measured.items()]
    title = problem.backends()[backend]
    output.show(f"{problem.name} on {problem.workload}, simulated by {title}\n")
    output.show(grid(["metric", f">{backend}"], rows))
    output.result({**_head(problem, design), "backend": backend, "metrics": measured})


def _compare(
    output: Output, problem: "Problem", design: "Design", backend: str, theirs: "Measured"
) -> None:
    evaluation: Evaluation = problem.evaluate([design])[0]
    ours = {name: evaluation.metrics.get(name) for name in theirs if name in problem.metrics}
    rows = []
    for name, mine in ours.items():
        other = theirs[name]
        difference = "-"
        if mine is not None and other is not None:
            difference = change(mine, other, "min").split(" (")[0]
        rows.append([name, _unit(problem, name), _exact(mine), _exact(other), difference])
    output.show(
        f"{problem.name} on {problem.workload}, also simulated by {problem.backends()[backend]}\n"
    )
    output.show(grid(["metric", "unit", ">archgym", f">{backend}", ">difference"], rows))
    output.result({**_head(problem, design), "backends": {"archgym": ours, backend: dict(theirs)}})


def _head(problem: "Problem", design: "Design") -> dict[str, Any]:
    return {
        "problem": problem.name,
        "workload": problem.workload,
        "config": problem.config,
        "design": design,
    }


def _unit(problem: "Problem", metric: str) -> str:
    spec = problem.metrics.get(metric)
    return spec.unit if spec is not None else "s" if metric == "wall_s" else ""


def _exact(value: float | None) -> str:
    return "-" if value is None else f"{value:,.10g}"
