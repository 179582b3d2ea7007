"""Errors of the cost model that callers can cause."""

from simulators.errors import ArchGymError, InvalidConfigError, did_you_mean

__all__ = [
    "ArchGymError",
    "DatasetError",
    "InvalidConfigError",
    "LostTasksError",
    "MissingDependencyError",
    "ModelError",
    "did_you_mean",
]


class DatasetError(ArchGymError, ValueError):
    """A table of labelled programs that cannot be used."""


class ModelError(ArchGymError, ValueError):
    """A model, or a folder of one, that cannot be used."""


class LostTasksError(ArchGymError, RuntimeError):
    """Tasks whose processes were killed; all others are done."""


class MissingDependencyError(ArchGymError, ImportError):
    """A library that only some models need, and that is not installed."""
