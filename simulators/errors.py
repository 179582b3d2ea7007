"""The project's error hierarchy, and the wording of "did you mean" hints."""

from collections.abc import Iterable
from difflib import get_close_matches


class ArchGymError(Exception):
    """Root of every error that this project raises on purpose."""


class InvalidConfigError(ArchGymError, ValueError):
    """A configuration value, key or file that no simulator can run."""


class TraceFormatError(ArchGymError, ValueError):
    """A trace file, line or array that is not a valid request stream."""


class BackendError(ArchGymError, RuntimeError):
    """An external program (another simulator, a recorder) that is missing or failed."""


class SimulationStalledError(ArchGymError, RuntimeError):
    """A design that can never finish its workload: it waits for itself."""


def did_you_mean(name: object, allowed: Iterable[object]) -> str:
    """Return ``" Did you mean 'x'?"`` for the allowed name closest to ``name``, else ``""``."""
    by_folded = {str(candidate).lower(): str(candidate) for candidate in allowed}
    close = get_close_matches(str(name).lower(), by_folded, n=1)
    return f" Did you mean '{by_folded[close[0]]}'?" if close else ""
