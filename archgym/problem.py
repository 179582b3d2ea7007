"""A problem: a design space, a workload, and an evaluation of designs to metrics."""

import hashlib
import json
import math
from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from archgym.errors import InvalidConfigError, did_you_mean
from archgym.space import Design, DesignSpace

if TYPE_CHECKING:
    from archgym.charts import Chart
    from archgym.objective import Objective

__all__ = ["Evaluation", "Evaluator", "MetricSpec", "Problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """What one metric of a problem means."""

    name: str
    """Identifier; a physical quantity carries its unit as the suffix, as in ``latency_ns``."""

    unit: str
    """Unit for axes and tables; empty for a ratio."""

    direction: Literal["min", "max"]
    """Whether lower or higher is better."""

    description: str
    """One sentence."""

    can_be_zero: bool = False
    """Whether 0 is a real measurement. If not, 0 marks an evaluation that went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What evaluating one design gave. A failure is data, not an exception."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    """Metric name to value; empty if the evaluation failed."""

    feasible: bool = True
    """False if a constraint is violated or the evaluation failed."""

    violations: Mapping[str, float] = field(default_factory=dict)
    """Constraint name to value; <= 0 is feasible."""

    error: str | None = None
    """Why there are no metrics; None if there are."""

    @classmethod
    def failed(cls, error: str, violations: Mapping[str, float] | None = None) -> "Evaluation":
        """Return the evaluation of a design that could not be measured."""
        return cls(feasible=False, violations=dict(violations or {}), error=error)


class Evaluator(Protocol):
    """Anything that can stand in for a simulator, for example a fitted model."""

    def evaluate(self, designs: Sequence[Design]) -> list[Evaluation]:
        """Return one evaluation per design, in the same order."""
        ...


class Problem(ABC):
    """What a new simulator provides to the gym: subclass, set the attributes, write `simulate`.

    Attributes:
        name: the registered id, as in ``archgym/DRAM-v0``.
        space: the design space.
        metrics: name to meaning of every metric that an evaluation may hold, in display order.
        workload: what the hardware runs, in words.
        default_design: a legal design that needs no search, the zero point of rewards.
        default_objective: the specification of the objective used when none is given.
        evaluator: replaces `simulate` if not None.
        work: how much an evaluation simulates, and of what, for rates: (10000, "requests").
        tradeoff: names of three metrics whose Pareto front a report shows besides that of two: for
            the axes, and for the size of the points; none by default.
        measures_illegal: whether `simulate` can measure designs that violate a constraint of the
            space; they are infeasible all the same.
    """

    name: str
    space: DesignSpace
    metrics: Mapping[str, MetricSpec]
    workload: str
    default_design: Design
    default_objective: str
    evaluator: Evaluator | None = None
    work: tuple[int, str] = (1, "evaluations")
    tradeoff: tuple[str, str, str] | None = None
    measures_illegal: bool = False

    @property
    def config(self) -> dict[str, Any]:
        """JSON-compatible keyword arguments that make the same problem again."""
        return {}

    @classmethod
    def choices(cls) -> dict[str, dict[str, str]]:
        """Return the names that arguments accept: argument to name to one line about it."""
        return {}

    @classmethod
    def backends(cls) -> dict[str, str]:
        """Return the other simulators that can measure a design: name to one line about it."""
        return {}

    def measure_with(
        self, backend: str, design: Design, executable: Path | None
    ) -> Mapping[str, float | None]:
        """Measure a design with one of `backends`, for comparison; None: it does not report that.

        Args:
            backend: a name among `backends`.
            design: a legal design.
            executable: the user's program, or None to look for it where it usually is.

        Raises:
            InvalidConfigError: there is no such backend, or it cannot run this problem.
            BackendError: the program is missing or failed.
        """
        names = ", ".join(self.backends()) or "none"
        raise InvalidConfigError(
            f"{self.name} has no backend {backend!r}.{did_you_mean(backend, self.backends())} "
            f"Allowed: {names}."
        )

    def simulate(self, designs: Sequence[Design]) -> list[Evaluation]:
        """Measure ``designs``, which are legal; return evaluations in the same order.

        A design that cannot be measured gives `Evaluation.failed`. Whatever else goes wrong (no
        executable, a bug) propagates. The same design always gives the same metrics.
        """
        raise NotImplementedError(f"{type(self).__name__} defines neither simulate nor evaluator.")

    def evaluate(self, designs: Sequence[Design]) -> list[Evaluation]:
        """Return one evaluation per design, in the same order.

        A design that violates a constraint of the space is infeasible, and not measured unless
        `measures_illegal`. A metric that is not finite, or zero where zero is impossible, makes
        the evaluation a failure.

        Raises:
            InvalidDesignError: a design is not in the space.
        """
        valid = [self.space.validate(design) for design in designs]
        violations = [self.space.violations(design) for design in valid]
        admitted = [
            self.measures_illegal or all(value <= 0 for value in found.values())
            for found in violations
        ]
        measured = iter(self._measure([d for d, ok in zip(valid, admitted, strict=True) if ok]))
        return [
            self._judged(next(measured), found)
            if ok
            else Evaluation(feasible=False, violations=found)
            for found, ok in zip(violations, admitted, strict=True)
        ]

    def _measure(self, designs: list[Design]) -> list[Evaluation]:
        if not designs:
            return []
        measure = self.simulate if self.evaluator is None else self.evaluator.evaluate
        measured = measure(designs)
        if len(measured) != len(designs):
            raise RuntimeError(
                f"{self.name}: {len(measured)} evaluations came back for {len(designs)} designs."
            )
        return measured

    def _judged(self, evaluation: Evaluation, violations: Mapping[str, float]) -> Evaluation:
        """Merge the space's constraints into ``evaluation`` and check its metrics."""
        merged = {**violations, **evaluation.violations}
        error = evaluation.error or self._fault(evaluation.metrics)
        kept = all(value <= 0 for value in merged.values())
        return Evaluation(
            metrics={} if error else dict(evaluation.metrics),
            feasible=evaluation.feasible and kept and error is None,
            violations=merged,
            error=error,
        )

    def _fault(self, metrics: Mapping[str, float]) -> str | None:
        """Return why ``metrics`` cannot be a measurement, or None."""
        if not metrics:
            return "the evaluation gave no metrics"
        for name, value in metrics.items():
            spec = self.metrics.get(name)
            if spec is None:
                return f"unknown metric {name}"
            if not math.isfinite(value):
                return f"{name} is {value}"
            if value == 0 and not spec.can_be_zero:
                return f"{name} is 0, which is no possible measurement"
        return None

    @cached_property
    def reference(self) -> Evaluation:
        """The evaluation of the default design, made once: the zero point of rewards.

        Raises:
            InvalidConfigError: the default design cannot be evaluated on this workload.
        """
        evaluation = self.evaluate([self.default_design])[0]
        if not evaluation.feasible:
            reason = evaluation.error or f"violations {dict(evaluation.violations)}"
            raise InvalidConfigError(
                f"{self.name}: the default design is infeasible on {self.workload}: {reason}. "
                "Rewards are relative to it; choose another workload or configuration."
            )
        return evaluation

    def objective(self, objective: "str | Objective | None" = None) -> "Objective":
        """Return ``objective`` (default: `default_objective`) bound to this problem's metrics.

        Raises:
            UnknownNameError: it names a metric that this problem lacks.
            InvalidConfigError: its text has no meaning.
        """
        from archgym.objective import Objective

        chosen = self.default_objective if objective is None else objective
        if isinstance(chosen, str):
            chosen = Objective.from_spec(chosen)
        return chosen.bind(self.metrics, self.reference.metrics)

    def identity(self) -> dict[str, Any]:
        """Return JSON-compatible data that differs whenever results may differ."""
        from archgym import __version__

        return {
            "name": self.name,
            "version": __version__,
            "space": self.space.fingerprint(),
            "config": self.config,
            "evaluator": None if self.evaluator is None else _evaluator_identity(self.evaluator),
        }

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits of `identity`."""
        text = json.dumps(self.identity(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def breakdown(self, design: Design) -> dict[str, dict[str, float]]:
        """Return where the costs of a design come from, simulated anew, for charts.

        Returns:
            Title with the unit, as in ``energy (pJ)``, to part to amount; empty if unknown.
        """
        return {}

    def charts(self, design: Design) -> "list[Chart]":
        """Return data for pictures of one design, simulated anew, for reports.

        Charts of one title are drawn for the default and for the best design, side by side or in
        one picture: `archgym.charts.StackedBars` (say, energy of each layer by memory level) and
        `archgym.charts.Roofline`. None by default.
        """
        return []

    def explain(self, design: Design) -> str:
        """Return a text for experts: where the costs of a design come from and what limits it.

        Simulated anew; empty if there is no more to say than `describe` does.
        """
        return ""

    def describe(self, design: Design, evaluation: Evaluation) -> str:
        """Return a text of the design and its metrics for terminals."""
        lines = [f"{self.name} on {self.workload}", "", "design"]
        width = max(map(len, [*self.space.names, *self.metrics]))
        for name, value in design.items():
            unit = self.space[name].unit
            lines.append(f"  {name:<{width}}  {value}{f' {unit}' if unit else ''}")
        if evaluation.error:
            lines += ["", f"failed: {evaluation.error}"]
        violated = {name: v for name, v in evaluation.violations.items() if not v <= 0}
        if violated:
            lines += [
                "",
                "violated",
                *(f"  {name:<{width}}  {v:g}" for name, v in violated.items()),
            ]
        if evaluation.metrics:
            lines += ["", "metrics"]
            for name, value in evaluation.metrics.items():
                lines.append(f"  {name:<{width}}  {value:,.6g} {self.metrics[name].unit}".rstrip())
        return "\n".join(lines)


def _evaluator_identity(evaluator: Evaluator) -> str:
    fingerprint = getattr(evaluator, "fingerprint", None)
    return str(fingerprint()) if callable(fingerprint) else type(evaluator).__qualname__
