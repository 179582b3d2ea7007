"""Comparison of evaluations figure by figure, and the tables that sum up many."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.validation.accelerator_figures import DECIMALS, REFUSAL, Figures, Key, Value

_CAPACITY = "mapped tile size"


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that differs; None where one side has none."""

    key: Key
    ours: Value | None
    reference: Value | None

    def __str__(self) -> str:
        return f"{self.key}: ours {self.ours}, reference {self.reference}"


@dataclass(frozen=True, slots=True)
class RowResult:
    """Everything compared of one row."""

    number: int
    name: str
    family: str
    compared: Mapping[str, int]
    """Figures by statistic."""
    differences: tuple[Difference, ...]


def equal(key: Key, ours: Value | None, reference: Value | None, rounded_terms: int = 1) -> bool:
    """Whether ``ours`` rounds to what the reference prints.

    Args:
        key: what the figure is about.
        ours: our value.
        reference: the printed one.
        rounded_terms: how many rounded numbers it is a sum of.
    """
    if isinstance(ours, tuple) and isinstance(reference, tuple):
        return len(ours) == len(reference) and all(
            left[:-1] == right[:-1] and _close(left[-1], right[-1], 2, 1)
            for left, right in zip(ours, reference, strict=True)
        )
    if isinstance(ours, int | float) and isinstance(reference, int | float):
        return _close(ours, reference, DECIMALS[key.statistic], rounded_terms)
    if isinstance(ours, str) and isinstance(reference, str):
        return _same_refusal(ours, reference)
    return ours is reference


def _same_refusal(ours: str, reference: str) -> bool:
    """Whether the tool says so; it has words of its own for everything but capacity."""
    if _CAPACITY in ours or _CAPACITY in reference:
        return re.search(re.escape(ours) + r"(?!\d)", reference) is not None
    return True


def _close(ours: float, reference: float, decimals: int, rounded_terms: int) -> bool:
    if decimals == 0:
        return ours == reference
    # The last term admits what double precision does to sums of many terms.
    return abs(ours - reference) <= 0.5000001 * 10.0**-decimals * rounded_terms + 1e-12 * abs(
        reference
    )


def exactly_equal(key: Key, ours: Value | None, reference: Value | None) -> bool:
    """Whether two models found the same, double precision aside."""
    if isinstance(ours, tuple) and isinstance(reference, tuple):
        return len(ours) == len(reference) and all(
            left[:-1] == right[:-1] and _same(left[-1], right[-1])
            for left, right in zip(ours, reference, strict=True)
        )
    if isinstance(ours, int | float) and isinstance(reference, int | float):
        if DECIMALS[key.statistic] == 0:
            return ours == reference
        return _same(ours, reference)
    return ours == reference


def _same(ours: float, reference: float) -> bool:
    return abs(ours - reference) <= 1e-9 * max(abs(ours), abs(reference))


def compare(
    number: int,
    name: str,
    family: str,
    ours: Figures,
    reference: Figures,
    rounded_terms: Mapping[Key, int] | None,
) -> RowResult:
    """Compare all figures that either side has; ``rounded_terms`` None: two exact models."""
    compared: dict[str, int] = defaultdict(int)
    differences = []
    for key in {**reference, **ours}:
        compared[key.statistic] += 1
        left, right = ours.get(key), reference.get(key)
        if rounded_terms is None:
            same = exactly_equal(key, left, right)
        else:
            same = equal(key, left, right, rounded_terms.get(key, 1))
        if not same:
            differences.append(Difference(key, left, right))
    return RowResult(number, name, family, compared, tuple(differences))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many of a kind agree."""

    name: str
    equal: int
    total: int

    @property
    def percent(self) -> float:
        """Share in percent."""
        return 100.0 * self.equal / self.total


def by_statistic(results: Iterable[RowResult]) -> list[Agreement]:
    """Sum up figures by statistic."""
    total: dict[str, int] = defaultdict(int)
    wrong: dict[str, int] = defaultdict(int)
    for result in results:
        for statistic, count in result.compared.items():
            total[statistic] += count
        for difference in result.differences:
            wrong[difference.key.statistic] += 1
    order = [*DECIMALS, REFUSAL]
    return [
        Agreement(name, total[name] - wrong[name], total[name])
        for name in sorted(total, key=order.index)
    ]


def by_family(results: Iterable[RowResult]) -> list[Agreement]:
    """Sum up whole rows by family."""
    found: dict[str, list[bool]] = defaultdict(list)
    for result in results:
        found[result.family].append(not result.differences)
    return [Agreement(name, sum(equal), len(equal)) for name, equal in sorted(found.items())]


def table(title: str, rows: Iterable[Agreement]) -> list[str]:
    """Return the lines of a table."""
    rows = list(rows)
    width = max(len(title), *(len(row.name) for row in rows)) if rows else len(title)
    lines = [f"{title:<{width}} {'equal':>8} {'of':>8} {'%':>7}"]
    for row in rows:
        lines.append(f"{row.name:<{width}} {row.equal:>8} {row.total:>8} {row.percent:>7.2f}")
    return lines


def to_json(results: Sequence[RowResult]) -> dict[str, Any]:
    """Return the summary and every difference in types that JSON has."""

    def plain(rows: Iterable[Agreement]) -> dict[str, Any]:
        return {row.name: {"equal": row.equal, "total": row.total} for row in rows}

    return {
        "rows": len(results),
        "rows_equal": sum(not result.differences for result in results),
        "by_family": plain(by_family(results)),
        "by_statistic": plain(by_statistic(results)),
        "differences": [
            {
                "row": result.number,
                "id": result.name,
                **difference.key._asdict(),
                "ours": difference.ours,
                "reference": difference.reference,
            }
            for result in results
            for difference in result.differences
        ],
    }
