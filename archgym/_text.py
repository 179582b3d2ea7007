"""Numbers and metrics as people read them: in terminals, tables and reports."""

import math

from simulators._text import duration, number

__all__ = [
    "SCALES",
    "UNIT_SUFFIXES",
    "change",
    "duration",
    "number",
    "quantity",
    "scale",
    "unit_of",
]

SCALES: dict[str, tuple[str, ...]] = {
    "pJ": ("pJ", "nJ", "µJ", "mJ", "J"),
    "ns": ("ns", "µs", "ms", "s"),
    "mW": ("mW", "W", "kW"),
}
"""Units that are shown in steps of 1,000."""

UNIT_SUFFIXES = {"_ns": "ns", "_pj": "pJ", "_mw": "mW", "_gb_s": "GB/s", "_mm2": "mm²"}
"""Units by the suffix of a metric's name, for records whose problem cannot be made again."""


def quantity(value: float | None, unit: str = "", digits: int = 4) -> str:
    """Return ``value`` with its unit, in a larger unit from 10,000 up: ``1.25 µJ``."""
    if value is None or math.isnan(value):
        return "-"
    divisor, larger = scale(value, unit)
    return f"{number(value / divisor, digits)} {larger}".rstrip()


def scale(value: float, unit: str) -> tuple[float, str]:
    """Return what to divide ``value`` by, and the unit then, so that it stays below 10,000."""
    steps = SCALES.get(unit, (unit,))
    step = 0
    while abs(value) >= 10_000 * 1000**step and step + 1 < len(steps):
        step += 1
    return float(1000**step), steps[step]


def unit_of(metric: str) -> str:
    """Return the unit that the suffix of a metric's name stands for, else an empty text."""
    return next((unit for end, unit in UNIT_SUFFIXES.items() if metric.endswith(end)), "")


def change(value: float, reference: float, direction: str) -> str:
    """Return how ``value`` differs from ``reference``: ``-24.1 % (better)``."""
    if value == reference:
        return "same"
    if reference == 0 or not (math.isfinite(value) and math.isfinite(reference)):
        return "-"
    percent = 100 * (value / reference - 1)
    if abs(percent) < 0.05:
        return "about the same"
    better = (value < reference) == (direction == "min")
    size = f"{abs(percent):,.0f}" if abs(percent) >= 100 else f"{abs(percent):.1f}"
    return f"{'+' if percent > 0 else '-'}{size} % ({'better' if better else 'worse'})"
