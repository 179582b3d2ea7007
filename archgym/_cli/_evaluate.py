"""``archgym evaluate``: measure one design."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import arg

from archgym._cli._output import Output, grid
from archgym._cli._problem import ProblemOptions, design_from
from archgym._text import change, quantity
from archgym.errors import InvalidConfigError

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
    backend: Literal["archgym", "dramsys"] = "archgym"
    """Simulator: the built-in one, or an installed DRAMSys 4.0."""
    dramsys_path: Path | None = None
    """The DRAMSys executable."""
    compare: bool = False
    """Run both simulators and show them side by side."""
    chrome_trace: Path | None = None
    """Write every command and request to this file, for a trace viewer such as Perfetto."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Measure and write."""
        self._check()
        problem = self.make()
        design = design_from(problem, self.design)
        if self.compare:
            _compare(output, problem, design, self._dramsys(problem, design))
        elif self.backend == "dramsys":
            _show_backend(output, problem, design, self._dramsys(problem, design))
        else:
            _show(output, problem, design, self.objective)
        if self.chrome_trace is not None:
            measured = _dram(problem).measure(design, log=True)
            measured.to_chrome_trace(self.chrome_trace)
            output.show(f"\nWrote {self.chrome_trace}: open it in https://ui.perfetto.dev")
        return 0

    def _check(self) -> None:
        external = self.compare or self.backend == "dramsys"
        if external and self.dramsys_path is None:
            raise InvalidConfigError(
                "--backend dramsys and --compare need an installed DRAMSys 4.0. "
                "Give its executable with --dramsys-path."
            )
        path = self.dramsys_path
        if path is not None and not path.is_file() and shutil.which(path) is None:
            raise InvalidConfigError(
                f"--dramsys-path '{path}' does not exist. Give the program DRAMSys that building "
                "DRAMSys 4.0 makes."
            )
        if path is not None and not external:
            raise InvalidConfigError(
                "--dramsys-path does nothing without --backend dramsys or --compare. Add one."
            )

    def _dramsys(self, problem: "Problem", design: "Design") -> "Measured":
        from simulators.dram._dramsys import simulate_dramsys

        dram = _dram(problem)
        mapping, controller = dram.hardware(design)
        path = self.dramsys_path or Path("DRAMSys")
        return simulate_dramsys(path, dram.memory, mapping, controller, dram.trace)


def _dram(problem: "Problem") -> "DRAMProblem":
    from archgym.envs.dram import DRAMProblem

    if not isinstance(problem, DRAMProblem):
        raise InvalidConfigError(
            f"{problem.name} has no DRAMSys backend and no command log. Use archgym/DRAM-v0."
        )
    return problem


def _show(output: Output, problem: "Problem", design: "Design", objective: str | None) -> None:
    bound = problem.objective(objective)
    evaluation = problem.evaluate([design])[0]
    reward = bound.reward(evaluation)
    output.show(
        problem.describe(design, evaluation),
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
        }
    )


def _show_backend(
    output: Output, problem: "Problem", design: "Design", measured: "Measured"
) -> None:
    rows = [[name, quantity(value, _unit(problem, name))] for name, value in measured.items()]
    output.show(f"{problem.name} on {problem.workload}, simulated by DRAMSys\n")
    output.show(grid(["metric", ">DRAMSys"], rows))
    output.result({**_head(problem, design), "backend": "dramsys", "metrics": measured})


def _compare(output: Output, problem: "Problem", design: "Design", theirs: "Measured") -> None:
    evaluation: Evaluation = problem.evaluate([design])[0]
    ours = {name: evaluation.metrics.get(name) for name in theirs if name in problem.metrics}
    rows = []
    for name, mine in ours.items():
        other = theirs[name]
        difference = "-"
        if mine is not None and other is not None:
            difference = change(mine, other, "min").split(" (")[0]
        rows.append([name, _unit(problem, name), _exact(mine), _exact(other), difference])
    output.show(f"{problem.name} on {problem.workload}, simulated twice\n")
    output.show(grid(["metric", "unit", ">archgym", ">DRAMSys", ">difference"], rows))
    output.show("\nDRAMSys prints bandwidth with two decimals only.")
    output.result(
        {**_head(problem, design), "backends": {"archgym": ours, "dramsys": dict(theirs)}}
    )


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
