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


class InvalidMappingError(ArchGymError, ValueError):
    """A mapping that the architecture cannot run, or that does not compute the layer.

    Attributes:
        reason: why, as one word of `simulators.accelerator.REASONS`.
        level: name of the level where it fails; None if it is no single level's fault.
    """

    def __init__(self, message: str, reason: str = "factors", level: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.level = level

    def __reduce__(self) -> tuple[type, tuple[str, str, str | None]]:
        return InvalidMappingError, (self.message, self.reason, self.level)


def did_you_mean(name: object, allowed: Iterable[object]) -> str:
    """Return ``" Did you mean 'x'?"`` for the allowed name closest to ``name``, else ``""``."""
    by_folded = {str(candidate).lower(): str(candidate) for candidate in allowed}
    close = get_close_matches(str(name).lower(), by_folded, n=1)
    return f" Did you mean '{by_folded[close[0]]}'?" if close else ""
