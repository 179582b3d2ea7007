"""Errors of the gym: what was wrong, the actual value, what is allowed, and the fix."""

from collections.abc import Iterable, Mapping
from typing import Any

from simulators.errors import (
    ArchGymError,
    BackendError,
    InvalidConfigError,
    TraceFormatError,
    did_you_mean,
)

__all__ = [
    "ArchGymError",
    "BackendError",
    "FailedRunsError",
    "InfeasibleDesignError",
    "InvalidConfigError",
    "InvalidDesignError",
    "RecordError",
    "TraceFormatError",
    "UnknownNameError",
    "did_you_mean",
]


class InvalidDesignError(ArchGymError, ValueError):
    """A design that is not in its design space: unknown, missing or inactive name, wrong value."""


class InfeasibleDesignError(ArchGymError, ValueError):
    """A design of the space that no hardware could be built from, or that a simulator cannot run.

    Attributes:
        violations: Constraint name to value; a value <= 0 is feasible.
    """

    def __init__(self, message: str, violations: Mapping[str, float] | None = None) -> None:
        super().__init__(message)
        self.violations: dict[str, float] = dict(violations or {})


class UnknownNameError(ArchGymError, ValueError):
    """A name that no registry knows: an agent, environment, workload or metric."""

    @classmethod
    def of(cls, kind: str, name: object, allowed: Iterable[object]) -> "UnknownNameError":
        """Word the error for ``name``, which is none of the ``allowed`` names of this ``kind``."""
        known = sorted(str(candidate) for candidate in allowed)
        listed = ", ".join(known) if known else "none"
        return cls(f"Unknown {kind} {str(name)!r}.{did_you_mean(name, known)} Allowed: {listed}.")


class RecordError(ArchGymError, RuntimeError):
    """A run folder or trial file that cannot be read, or that belongs to another run."""


class FailedRunsError(ArchGymError, RuntimeError):
    """Every run of a study or a sweep failed.

    Attributes:
        result: What the study or the sweep would have returned.
    """

    def __init__(self, message: str, result: Any = None) -> None:
        super().__init__(message)
        self.result = result
