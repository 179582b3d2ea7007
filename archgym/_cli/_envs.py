"""``archgym envs``: what can be searched."""

import inspect
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from archgym._text import number
from archgym.ground_truth import shipped
from simulators._terminal import Output, grid

if TYPE_CHECKING:
    from archgym.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Envs:
    """List the problems, or one problem's parameters, metrics, workloads and memories."""

    problem: Annotated[Positional[str | None], arg(metavar="PROBLEM")] = None
    """Show this problem in full."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Write the list."""
        from archgym.envs import REGISTRY, make_problem

        names = list(REGISTRY) if self.problem is None else [self.problem]
        problems = [make_problem(name) for name in names]
        summaries = {name: spec.summary for name, spec in REGISTRY.items()}
        output.result({"environments": [_described(p, summaries[p.name]) for p in problems]})
        if self.problem is None:
            _show_list(output, problems, summaries)
        else:
            _show_one(output, problems[0], summaries[problems[0].name])
        return 0


def _show_list(output: Output, problems: "list[Problem]", summaries: dict[str, str]) -> None:
    headers = ["problem", ">parameters", ">designs", ">optima", ">metrics", "choices", "summary"]
    rows = [
        [
            problem.name,
            len(problem.space),
            f"{problem.space.size:,}",
            len(shipped(problem.name)),
            len(problem.metrics),
            ", ".join(f"{kind}: {len(names)}" for kind, names in problem.choices().items()),
            summaries[problem.name],
        ]
        for problem in problems
    ]
    output.show(grid(headers, rows), f"\nIn full: archgym envs {problems[0].name}")


def _show_one(output: Output, problem: "Problem", summary: str) -> None:
    table = problem.space.table()
    defaults = [problem.default_design.get(name, "-") for name in problem.space.names]
    table.insert(len(table.columns) - 2, "default", list(map(str, defaults)))
    table = table.loc[:, (table != "").any()]
    metrics = [[m.name, m.unit, m.direction, m.description] for m in problem.metrics.values()]
    output.show(
        f"{problem.name}: {summary}",
        f"{problem.space.size:,} designs, default objective {problem.default_objective}\n",
        grid(list(table.columns), table.values.tolist()),
        "",
        grid(["metric", "unit", "better", "meaning"], metrics),
    )
    arguments = [[name, default, meaning] for name, default, meaning in _arguments(problem)]
    output.show("", grid(["argument", "default", "meaning"], arguments))
    for kind, names in problem.choices().items():
        output.show("", grid([kind, "meaning"], list(names.items())))
    optima = [
        [
            ", ".join(f"{name}={value}" for name, value in optimum.config.items()),
            f"{optimum.designs:,}",
            number(optimum.reward),
            f"{optimum.front.points} of {optimum.front.objective.removeprefix('pareto:')}",
            optimum.name,
        ]
        for optimum in shipped(problem.name)
    ]
    if optima:
        headers = ["known optimum of", ">designs", ">reward", "front", "table"]
        output.show("", grid(headers, optima))


def _arguments(problem: "Problem") -> list[tuple[str, str, str]]:
    """Return name, default and meaning of the arguments of the problem's class."""
    _, _, section = inspect.cleandoc(type(problem).__doc__ or "").partition("Args:\n")
    section, _, _ = section.partition("\n\n")
    entries = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE)
    meanings = {name: " ".join(text.split()) for name, text in entries}
    return [
        (name, "" if p.default is None else str(p.default), meanings.get(name, ""))
        for name, p in inspect.signature(type(problem)).parameters.items()
        if name != "evaluator"
    ]


def _described(problem: "Problem", summary: str) -> dict[str, Any]:
    return {
        "problem": problem.name,
        "summary": summary,
        "designs": problem.space.size,
        "default_objective": problem.default_objective,
        "default_design": problem.default_design,
        "parameters": [
            {
                "name": parameter.name,
                "kind": parameter.kind,
                "values": parameter.values,
                "unit": parameter.unit,
                "description": parameter.description,
                "active_if": None
                if parameter.when is None
                else {"parameter": parameter.when.parent, "values": parameter.when.values},
            }
            for parameter in problem.space.parameters
        ],
        "metrics": [
            {
                "name": metric.name,
                "unit": metric.unit,
                "direction": metric.direction,
                "description": metric.description,
            }
            for metric in problem.metrics.values()
        ],
        "arguments": {
            name: {"default": default, "description": meaning}
            for name, default, meaning in _arguments(problem)
        },
        "choices": problem.choices(),
        "optima": [asdict(optimum) for optimum in shipped(problem.name)],
    }
