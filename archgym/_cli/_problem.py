"""Options that choose and configure a problem, shared by the verbs."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from tyro.conf import Positional, arg

from archgym.errors import InvalidConfigError, InvalidDesignError, did_you_mean

if TYPE_CHECKING:
    from archgym.problem import Problem
    from archgym.space import Design


@dataclass(frozen=True, kw_only=True)
class ProblemOptions:
    """What to evaluate or search."""

    ARGUMENTS: ClassVar[tuple[str, ...]] = ("workload", "memory", "space", "requests")
    """The options that are arguments of the problem; --set gives the others."""

    problem: Annotated[Positional[str], arg(metavar="PROBLEM")] = "archgym/DRAM-v0"
    """Name of the problem; see `archgym envs`."""
    workload: str | None = None
    """Name of a workload, or path of a trace; see `archgym envs` and `archgym trace list`."""
    memory: str | None = None
    """DRAM: name of a memory, or path of a DRAMSys memory specification."""
    space: str | None = None
    """DRAM: name of the design space: full, paper or paper-dense."""
    requests: int | None = None
    """DRAM: length of a generated trace, or to cut a recorded one to."""
    set: Annotated[tuple[str, ...], arg(metavar="NAME=VALUE...")] = ()
    """Other arguments of the problem, as `archgym envs PROBLEM` lists them."""
    objective: str | None = None
    """What to improve, e.g. latency_mean_ns, product:latency_mean_ns*power_mw,
    target:latency_mean_ns=100,power_mw=900 or pareto:latency_mean_ns,energy_pj."""

    @property
    def config(self) -> dict[str, Any]:
        """The problem's arguments that were given."""
        given = {name: getattr(self, name) for name in self.ARGUMENTS}
        named = {name: value for name, value in given.items() if value is not None}
        for name, text in parse_assignments(self.set, "--set").items():
            if name in named:
                raise InvalidConfigError(f"{name!r} is given by --{name} and by --set. Give one.")
            named[name] = typed(text)
        return named

    def make(self) -> "Problem":
        """Return the problem."""
        from archgym.envs import make_problem

        return make_problem(self.problem, **self.config)


def design_from(problem: "Problem", assignments: tuple[str, ...]) -> "Design":
    """Return the default design with the given ``name=value`` texts applied.

    A parameter that an assignment switches on, and that is not given, takes its value in the
    default design, or its first one.

    Raises:
        InvalidConfigError: a text is no assignment, or assigns twice.
        InvalidDesignError: an unknown parameter, a value it does not have, or an inactive one.
    """
    given = parse_assignments(assignments, "--design")
    names = problem.space.names
    for name in given:
        if name not in names:
            raise InvalidDesignError(
                f"Unknown parameter {name!r}.{did_you_mean(name, names)} "
                f"Allowed: {', '.join(names)}."
            )
    design: Design = {}
    for parameter in problem.space.parameters:
        when = parameter.when
        active = when is None or design.get(when.parent) in when.values
        if parameter.name in given:
            design[parameter.name] = parameter.parse(given[parameter.name])
        elif active:
            default = problem.default_design.get(parameter.name, parameter.values[0])
            design[parameter.name] = default
    return problem.space.validate(design)


def typed(text: str) -> Any:
    """Return the number, truth value, list or null that ``text`` spells in JSON, or the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def parse_assignments(texts: tuple[str, ...], option: str) -> dict[str, str]:
    """Return ``name=value`` texts as a dict.

    Raises:
        InvalidConfigError: a text is no assignment, or a name is assigned twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (equals and name and value):
            raise InvalidConfigError(f"{option} {text!r} is no assignment. Write name=value.")
        if name in found:
            raise InvalidConfigError(f"{option} gives {name!r} twice. Give it once.")
        found[name] = value
    return found
