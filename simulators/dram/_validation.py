"""Range checks of the workload and recorder options, worded alike everywhere."""

import math

import numpy as np

from simulators.errors import InvalidConfigError, did_you_mean


def require_int(name: str, value: object, low: int, high: int) -> int:
    """Return ``value`` if it is an integer in [low, high], else raise with the allowed range."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InvalidConfigError(
            f"{name} is {value!r}; it must be an integer from {low} to {high}."
        )
    if not low <= value <= high:
        raise InvalidConfigError(f"{name} is {value}; it must be from {low} to {high}.")
    return int(value)


def require_number(name: str, value: object, low: float, high: float) -> float:
    """Return ``value`` if it is a finite number in [low, high], else raise with the range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidConfigError(f"{name} is {value!r}; it must be a number from {low} to {high}.")
    if not low <= value <= high:
        raise InvalidConfigError(f"{name} is {value}; it must be from {low} to {high}.")
    return float(value)


def require_multiple(name: str, value: int, unit: int) -> None:
    """Raise unless ``value`` is a whole multiple of ``unit``; propose the nearest that is."""
    if value % unit:
        nearest = max(unit, round(value / unit) * unit)
        raise InvalidConfigError(
            f"{name} is {value}; it must be a multiple of {unit}, for example {nearest}."
        )


def require_power_of_two(name: str, value: int) -> None:
    """Raise unless ``value`` is 1, 2, 4, 8, ...; propose the next smaller power."""
    if value <= 0 or value & (value - 1):
        nearest = 1 << max(0, value.bit_length() - 1)
        raise InvalidConfigError(
            f"{name} is {value}; it must be a power of two, for example {nearest}."
        )


def require_one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise unless ``value`` is one of ``allowed``, with the closest as a hint."""
    if value not in allowed:
        listed = ", ".join(repr(choice) for choice in allowed)
        raise InvalidConfigError(
            f"{name} is {value!r}; it must be one of {listed}.{did_you_mean(value, allowed)}"
        )
