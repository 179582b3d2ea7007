"""Other tools as backends: the same evaluation done there, to check the built-in models.

None of them comes with this package and none is imported before it is used.
``backends.evaluate("timeloop", architecture, layer, mapping, executable=...)`` runs one,
``backends.compare(ours, theirs)`` sets the figures side by side.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from simulators.accelerator.backends._result import BackendCost, Comparison, compare
from simulators.errors import InvalidConfigError, did_you_mean


@dataclass(frozen=True, slots=True)
class Backend:
    """One tool."""

    module: str
    function: str
    summary: str
    """What it evaluates, and what has to be installed."""

    def load(self) -> Callable[..., Any]:
        """Import the function that runs it."""
        function: Callable[..., Any] = getattr(import_module(self.module), self.function)
        return function


BACKENDS = {
    "timeloop": Backend(
        "simulators.accelerator.backends._timeloop",
        "evaluate_timeloop",
        "(architecture, layer, mapping) with a timeloop-model executable of yours",
    ),
    "maestro": Backend(
        "simulators.accelerator.backends._maestro",
        "evaluate_maestro",
        "(layer, mapping, hardware) with a maestro executable of yours",
    ),
    "zigzag": Backend(
        "simulators.accelerator.backends._zigzag",
        "evaluate_zigzag",
        "(architecture, layer, mapping or None) with the Python package zigzag-dse",
    ),
    "scalesim": Backend(
        "simulators.accelerator.backends._scalesim",
        "evaluate_scalesim",
        "(layer, array, dataflow) with the Python package scalesim",
    ),
}


def evaluate(backend: str, *arguments: Any, **options: Any) -> Any:
    """Evaluate with another tool; its arguments are those that `BACKENDS` names.

    Raises:
        InvalidConfigError: no such backend, or nothing that the tool can be given.
        BackendError: the tool is missing or failed.
    """
    if backend not in BACKENDS:
        raise InvalidConfigError(
            f"unknown backend {backend!r}.{did_you_mean(backend, BACKENDS)} "
            f"Available: {', '.join(BACKENDS)}."
        )
    return BACKENDS[backend].load()(*arguments, **options)


__all__ = ["BACKENDS", "Backend", "BackendCost", "Comparison", "compare", "evaluate"]
