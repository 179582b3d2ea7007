"""Objectives: metrics of an evaluation to one reward, or to a vector of rewards.

Every reward is maximised, finite, and never falls when a metric improves (except `Paper`, which is
kept to compare with published numbers). A specification is a short text:

| text | objective |
|---|---|
| ``latency_mean_ns`` | `Improve`: improve that metric in its own direction |
| ``min:latency_mean_ns``, ``max:bandwidth_gb_s`` | `Improve` in the stated direction |
| ``product:latency_mean_ns*energy_pj^0.5`` | `Product`: weighted product of metrics |
| ``target:latency_mean_ns=100,power_mw=900`` | `Target`: reach all targets |
| ``pareto:latency_mean_ns,energy_pj`` | `Pareto`: several objectives |
| ``paper:power_mw=1000`` | `Paper`: the 2023 ArchGym paper's T / abs(x - T) |
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

from archgym.errors import InvalidConfigError, UnknownNameError, did_you_mean
from archgym.problem import Evaluation, MetricSpec

__all__ = ["Improve", "Objective", "Paper", "Pareto", "Product", "Target", "Term"]

Direction = Literal["min", "max"]

# An improvement is cut off at 2**16 = 65,536 times better or worse than the default design.
LIMIT = 16.0

# Reward of an infeasible or failed design where rewards are improvements: below every other.
FAILURE = -LIMIT - 1.0

# The reference implementation of the paper caps its singular reward here.
PAPER_CAP = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One metric inside an objective."""

    metric: str
    """Name of the metric."""

    value: float = 1.0
    """Exponent in a product, or the target to reach; above 0."""

    direction: Direction | None = None
    """What is asked for: "min", "max", or None for the metric's own direction."""

    sense: Direction | None = None
    """The direction that applies; filled in by `Objective.bind`."""

    reference: float | None = None
    """The default design's value of the metric; filled in by `Objective.bind`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", float(self.value))
        if self.direction not in (None, "min", "max"):
            raise InvalidConfigError(
                f"{self.metric}: direction {self.direction!r}. Use 'min' or 'max'."
            )
        if not (math.isfinite(self.value) and self.value > 0):
            raise InvalidConfigError(f"{self.metric}: {self.value} is not a finite number above 0.")

    def measured(self, evaluation: Evaluation) -> float:
        """Return the metric's value; NaN if it is missing or below zero."""
        value = evaluation.metrics.get(self.metric, math.nan)
        return value if value >= 0 else math.nan

    def improvement(self, value: float) -> float:
        """Return log2 of how many times better than the reference ``value`` is, in [-16, 16]."""
        if self.sense is None or self.reference is None:
            raise self._unbound()
        if self.sense == "min":
            return _log2_ratio(self.reference, value)
        return _log2_ratio(value, self.reference)

    def attainment(self, value: float) -> float:
        """Return how much of the target ``value`` attains, from 0 (none) to 1 (reached)."""
        if self.sense is None:
            raise self._unbound()
        if self.sense == "max":
            return min(1.0, value / self.value)
        return min(1.0, self.value / value) if value > 0 else 1.0

    def _unbound(self) -> InvalidConfigError:
        return InvalidConfigError(
            f"The objective on {self.metric} is not bound to a problem. "
            "Use problem.objective(...), or Objective.bind."
        )


def _log2_ratio(numerator: float, denominator: float) -> float:
    if numerator == denominator:  # also 0 and 0, or infinity and infinity
        return 0.0
    ratio = numerator / denominator if denominator else math.inf
    return min(max(math.log2(ratio), -LIMIT), LIMIT) if ratio else -LIMIT


@dataclass(frozen=True, slots=True)
class Objective(ABC):
    """Maps an evaluation to a reward; higher is better. Immutable and without state."""

    terms: tuple[Term, ...]
    """The metrics, at least one, all different."""

    failure: ClassVar[float] = FAILURE
    """Reward of an infeasible or failed design: finite, and above that of no other design."""

    def __post_init__(self) -> None:
        names = [term.metric for term in self.terms]
        if not names or len(set(names)) != len(names):
            raise InvalidConfigError(
                f"Objective with metrics {names}. Name at least one metric, and each only once."
            )

    def reward(self, evaluation: Evaluation) -> float:
        """Return the scalar reward: finite, and `failure` unless the design is feasible."""
        values = self._values(evaluation)
        return self.failure if values is None else self._reward(values)

    def rewards(self, evaluation: Evaluation) -> tuple[float, ...]:
        """Return one reward per objective, all maximised; as many as `names`."""
        return (self.reward(evaluation),)

    @abstractmethod
    def _reward(self, values: Sequence[float]) -> float:
        """Return the reward of a feasible design from its values of `terms`."""

    @classmethod
    def of(cls, *metrics: str, **values: float) -> Self:
        """Return the objective on ``metrics``, and on those named with a target or exponent."""
        return cls(
            (
                *(Term(metric=metric) for metric in metrics),
                *(Term(metric=metric, value=value) for metric, value in values.items()),
            )
        )

    def _values(self, evaluation: Evaluation) -> list[float] | None:
        """The metrics of a feasible evaluation, >= 0 and no NaN; None if there are none."""
        if not evaluation.feasible or evaluation.error is not None:
            return None
        values = [term.measured(evaluation) for term in self.terms]
        return None if any(math.isnan(value) for value in values) else values

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the objectives."""
        return (self.spec,)

    @property
    @abstractmethod
    def spec(self) -> str:
        """The text that `from_spec` reads."""

    def bind(self, metrics: Mapping[str, MetricSpec], reference: Mapping[str, float]) -> Self:
        """Return a copy that knows the directions and the default design's values.

        Raises:
            UnknownNameError: a term names none of ``metrics``, or one that was not measured.
        """
        measured = [name for name in metrics if name in reference]
        bound = []
        for term in self.terms:
            if term.metric not in measured:
                raise UnknownNameError.of("metric", term.metric, measured)
            bound.append(
                replace(
                    term,
                    sense=term.direction or metrics[term.metric].direction,
                    reference=reference[term.metric],
                )
            )
        return replace(self, terms=tuple(bound))

    @staticmethod
    def from_spec(spec: str) -> "Objective":
        """Return the objective that ``spec`` describes; see the module's table.

        Raises:
            InvalidConfigError: the text has no meaning.
        """
        prefix, colon, body = spec.strip().partition(":")
        if not colon:
            prefix, body = "", prefix
        reader = _READERS.get(prefix)
        if reader is None:
            kinds = [kind for kind in _READERS if kind]
            raise InvalidConfigError(
                f"Objective {spec!r} has the unknown kind {prefix!r}.{did_you_mean(prefix, kinds)} "
                f"Allowed: {', '.join(kinds)}, or a metric alone."
            )
        if not body.strip():
            raise InvalidConfigError(f"Objective {spec!r} names no metric.")
        return reader(body)


@dataclass(frozen=True, slots=True)
class Improve(Objective):
    """Improve one metric: log2 of how many times better than the default design.

    r = log2(reference / x) for a metric to minimise, log2(x / reference) for one to maximise,
    cut off at +-16. 0 is the default design, 1 twice as good, -1 half as good. Infeasible: -17.
    """

    def __post_init__(self) -> None:
        Objective.__post_init__(self)
        if len(self.terms) > 1:
            raise InvalidConfigError(
                f"Improve takes one metric, not {len(self.terms)}. Use Product or Pareto."
            )

    @property
    def spec(self) -> str:
        """The text that `from_spec` reads."""
        term = self.terms[0]
        return term.metric if term.direction is None else f"{term.direction}:{term.metric}"

    def _reward(self, values: Sequence[float]) -> float:
        return self.terms[0].improvement(values[0])


@dataclass(frozen=True, slots=True)
class Product(Objective):
    """Improve a weighted product of metrics, for example energy times delay.

    r = sum_i w_i log2(improvement of metric i), that is log2 of how many times better the product
    of x_i ** w_i is than the default design's; every term and the sum are cut off at +-16.
    Infeasible: -17.
    """

    @property
    def spec(self) -> str:
        """The text that `from_spec` reads."""
        return "product:" + "*".join(
            term.metric if term.value == 1 else f"{term.metric}^{_shortest(term.value)}"
            for term in self.terms
        )

    def _reward(self, values: Sequence[float]) -> float:
        total = math.fsum(
            t.value * t.improvement(v) for t, v in zip(self.terms, values, strict=True)
        )
        return min(max(total, -LIMIT), LIMIT)


@dataclass(frozen=True, slots=True)
class Target(Objective):
    """Reach targets: the mean of min(1, T / x) over metrics to minimise, min(1, x / T) to maximise.

    Always in [0, 1]; 1 when all targets are reached, and never lower for doing better than a
    target. Infeasible: 0.
    """

    failure: ClassVar[float] = 0.0

    @property
    def spec(self) -> str:
        """The text that `from_spec` reads."""
        return "target:" + _listed_values(self.terms)

    def _reward(self, values: Sequence[float]) -> float:
        attained = [t.attainment(v) for t, v in zip(self.terms, values, strict=True)]
        return math.fsum(attained) / len(attained)


@dataclass(frozen=True, slots=True)
class Pareto(Objective):
    """Improve several metrics at once; `rewards` holds one `Improve` reward for each.

    The scalar `reward`, for agents that need one, is their mean: log2 of how many times better the
    geometric mean of the metrics is. Infeasible: -17 each.
    """

    @property
    def spec(self) -> str:
        """The text that `from_spec` reads."""
        return "pareto:" + ",".join(term.metric for term in self.terms)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the objectives."""
        return tuple(term.metric for term in self.terms)

    def rewards(self, evaluation: Evaluation) -> tuple[float, ...]:
        """Return one reward per metric, all maximised."""
        values = self._values(evaluation)
        if values is None:
            return (self.failure,) * len(self.terms)
        return tuple(t.improvement(v) for t, v in zip(self.terms, values, strict=True))

    def _reward(self, values: Sequence[float]) -> float:
        improvements = [t.improvement(v) for t, v in zip(self.terms, values, strict=True)]
        return math.fsum(improvements) / len(improvements)


@dataclass(frozen=True, slots=True)
class Paper(Objective):
    """The reward of the 2023 paper, to compare with its numbers: product of T / abs(x - T).

    Flawed, and therefore no default: it is singular at the target (capped at 1,000 per metric, as
    in the reference's RL environment) and not monotone. A design that is better than its target by
    5 % scores like one that misses it by 5 %, and the best design of all scores lower than one
    that hits the target by chance. `Target` is the sound alternative. Infeasible: 0.

    Source: Krishnan et al., "ArchGym: An Open-Source Gymnasium for Machine Learning Assisted
    Architecture Design", ISCA 2023, DRAM environment.
    """

    failure: ClassVar[float] = 0.0

    @property
    def spec(self) -> str:
        """The text that `from_spec` reads."""
        return "paper:" + _listed_values(self.terms)

    def _reward(self, values: Sequence[float]) -> float:
        distances = [abs(v - t.value) for t, v in zip(self.terms, values, strict=True)]
        return math.prod(
            PAPER_CAP if d * PAPER_CAP <= t.value else t.value / d
            for t, d in zip(self.terms, distances, strict=True)
        )


def _listed_values(terms: Sequence[Term]) -> str:
    return ",".join(f"{term.metric}={_shortest(term.value)}" for term in terms)


def _shortest(number: float) -> str:
    """The shortest text that reads back as the same number, ``100`` rather than ``100.0``."""
    return repr(number).removesuffix(".0")


def _read_improve(direction: Direction | None) -> Callable[[str], Objective]:
    return lambda body: Improve((Term(metric=body.strip(), direction=direction),))


def _read_product(body: str) -> Objective:
    terms = []
    for part in body.split("*"):
        metric, caret, exponent = part.partition("^")
        value = _number(metric, exponent) if caret else 1.0
        terms.append(Term(metric=metric.strip(), value=value))
    return Product(tuple(terms))


def _read_pareto(body: str) -> Objective:
    return Pareto(tuple(Term(metric=metric.strip()) for metric in body.split(",")))


def _read_values(kind: type[Objective]) -> Callable[[str], Objective]:
    def read(body: str) -> Objective:
        terms = []
        for part in body.split(","):
            metric, equals, target = part.partition("=")
            if not equals:
                raise InvalidConfigError(
                    f"{part.strip()!r} names no target. Write 'metric=target', as in "
                    "'latency_mean_ns=100'."
                )
            terms.append(Term(metric=metric.strip(), value=_number(metric, target)))
        return kind(tuple(terms))

    return read


def _number(metric: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidConfigError(
            f"{metric.strip()}: {text.strip()!r} is no number. Use one above 0."
        ) from None


_READERS: dict[str, Callable[[str], Objective]] = {
    "": _read_improve(None),
    "min": _read_improve("min"),
    "max": _read_improve("max"),
    "product": _read_product,
    "target": _read_values(Target),
    "pareto": _read_pareto,
    "paper": _read_values(Paper),
}
