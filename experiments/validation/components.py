"""Print how well the accelerator's energy and area tables are reproduced and interpolated.

    python -m experiments.validation.components [--reference FILE] [--json]

FILE is a CSV of components that Accelergy estimated at 45 nm, one a line: class, width, depth,
n_banks, n_rdwr_ports, type, datawidth, read_max_pJ, write_max_pJ, idle_pJ, mac_random, mac_reused,
mac_gated, area_um2; FAILED as read_max_pJ where the tool refuses. Exit code: 0 if every figure
agrees, 1 if any differs, 2 if FILE cannot be used.

The interpolation error needs no reference: every SRAM of the shipped table is left out in turn and
predicted from the others. With fewer rows the gaps are twice as wide as in use, so it is an upper
estimate.
"""

import csv
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from simulators.accelerator._components import ComponentCost, estimate
from simulators.accelerator._sram import SramTable, measured_arrays
from simulators.errors import InvalidConfigError

# What the tool prints: energies to 5 decimals, areas to 6 digits.
ENERGY_TOLERANCE_PJ = 0.5e-5 + 1e-9
AREA_TOLERANCE = 1e-6
FIGURES = ("read_pj", "write_pj", "idle_pj", "area_um2")
ATTRIBUTES = ("width", "depth", "n_banks", "n_rdwr_ports", "type", "datawidth")
ACTIONS = {
    "read_max_pJ": "read",
    "write_max_pJ": "write",
    "idle_pJ": "idle",
    "mac_random": "mac_random",
    "mac_reused": "mac_reused",
    "mac_gated": "mac_gated",
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many components of a class agree in every figure."""

    component_class: str
    equal: int
    total: int


@dataclass(frozen=True, slots=True)
class InterpolationError:
    """Relative errors of predicting arrays that were left out, in percent."""

    figure: str
    ports: int
    inside: bool
    arrays: int
    median: float
    p90: float
    largest: float


def main(
    reference: Path | None = None,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> int:
    """Compare components with Accelergy's, and measure the interpolation of SRAM arrays.

    Args:
        reference: CSV of components that Accelergy estimated.
        json_output: print one JSON object instead of tables.
    """
    try:
        agreement = [] if reference is None else compare(reference)
    except (OSError, KeyError, ValueError) as error:
        print(f"error: {reference}: {error!r}", file=sys.stderr)
        return 2
    errors = interpolation_errors()
    if json_output:
        held = {"agreement": [*map(asdict, agreement)], "interpolation": [*map(asdict, errors)]}
        print(json.dumps(held, indent=2))
    else:
        print("\n".join([*_agreement_table(agreement), *_error_table(errors)]))
    return int(any(row.equal < row.total for row in agreement))


def compare(reference: Path) -> list[Agreement]:
    """Estimate every component of ``reference`` as the tool does, and compare all figures."""
    counts: dict[str, list[bool]] = {}
    with reference.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            counts.setdefault(row["class"], []).append(_agrees(row))
    return [Agreement(name, sum(equal), len(equal)) for name, equal in counts.items()]


def _agrees(row: dict[str, str]) -> bool:
    attributes = {
        name: int(row[name]) if row[name].isdigit() else row[name]
        for name in ATTRIBUTES
        if row[name]
    }
    try:
        cost = estimate(row["class"], attributes, compatibility="accelergy")
    except InvalidConfigError:
        return row["read_max_pJ"] == "FAILED"
    return row["read_max_pJ"] != "FAILED" and _equal(row, cost)


def _equal(row: dict[str, str], cost: ComponentCost) -> bool:
    area = float(row["area_um2"])
    return abs(cost.area_um2 - area) <= AREA_TOLERANCE * area and all(
        abs(cost.actions[action] - float(row[column])) <= ENERGY_TOLERANCE_PJ
        for column, action in ACTIONS.items()
        if row[column]
    )


def interpolation_errors() -> list[InterpolationError]:
    """Leave out every SRAM array of the table in turn and predict it from the others."""
    arrays = measured_arrays()
    found: dict[tuple[int, bool], list[list[float]]] = {}
    for ports, held in arrays.items():
        for key, values in held.items():
            rest = {each: dict(other) for each, other in arrays.items()}
            del rest[ports][key]
            width, rows, banks = key
            predicted = SramTable(rest, monotone=False).figures(width, rows, int(banks), ports)
            errors = [
                abs(getattr(predicted, figure) / value - 1) * 100
                for figure, value in zip(FIGURES, values, strict=True)
            ]
            found.setdefault((ports, not predicted.extrapolated), []).append(errors)
    return [
        _summary(figure, ports, inside, np.array(errors)[:, i])
        for (ports, inside), errors in sorted(found.items(), reverse=True)
        for i, figure in enumerate(FIGURES)
    ]


def _summary(figure: str, ports: int, inside: bool, errors: np.ndarray) -> InterpolationError:
    return InterpolationError(
        figure=figure,
        ports=ports,
        inside=inside,
        arrays=len(errors),
        median=float(np.median(errors)),
        p90=float(np.percentile(errors, 90)),
        largest=float(errors.max()),
    )


def _agreement_table(agreement: list[Agreement]) -> Iterable[str]:
    if not agreement:
        return
    total = sum(row.total for row in agreement)
    yield f"{sum(row.equal for row in agreement)} of {total} components agree in every figure."
    yield f"{'class':<12} {'equal':>7} {'of':>7}"
    for row in agreement:
        yield f"{row.component_class:<12} {row.equal:>7} {row.total:>7}"
    yield ""


def _error_table(errors: list[InterpolationError]) -> Iterable[str]:
    yield "Error of predicting a left-out SRAM array, in percent"
    header = f"{'figure':<10} {'ports':>5} {'array':<24} {'arrays':>7}"
    yield f"{header} {'median':>8} {'p90':>8} {'max':>8}"
    for row in errors:
        where = "between others" if row.inside else "beyond: extrapolated"
        yield (
            f"{row.figure:<10} {row.ports:>5} {where:<24} {row.arrays:>7} "
            f"{row.median:>8.1f} {row.p90:>8.1f} {row.largest:>8.1f}"
        )


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
