"""The analytic roofline: what a compiler engineer would write down, with its constants fitted.

Source: Williams, Waterman and Patterson, "Roofline", CACM 2009: time is the larger of arithmetic
over peak rate and traffic over bandwidth. Registers and spills follow the most values alive at
once, as in any textbook's register allocation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from costmodel.errors import ModelError
from costmodel.features import Parsed, feature_names, features
from costmodel.models._model import Checkpoint, Model, Progress
from costmodel.models._safetensors import Arrays
from costmodel.models._target import Target, Values

_SUMMED = ("flops", "access_bytes", "tensor_bytes", "argument_bytes", "innermost_iterations")
_REGISTERS = (
    "innermost_live_128_bit_registers",
    "innermost_live_256_bit_registers",
    "innermost_live_512_bit_registers",
    "innermost_live_integers",
    "live_floats",
    "live_integers",
    "operations",
)
_OVER_TIME = ("latency", "cycles", "energy", "executed_instructions", "flops")
_STEPS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class RooflineConfig:
    """Hyperparameters of the roofline."""

    l2: float = 1e-2
    """L2 penalty of the constants."""
    seed: int = 0
    """Seed of what is kept back for the intervals."""


class RooflineModel(Model):
    """A few constants of the machine, fitted.

    Time, cycles, energy and executed instructions are a sum of costs of operations, bytes and
    iterations, each at least zero; registers, spills and the size of the code are linear, on
    their scale of learning, in the values alive at once and the operations of a body.
    """

    kind: ClassVar[str] = "roofline"
    config_type: ClassVar[type[Any]] = RooflineConfig
    config: RooflineConfig

    def __init__(self, config: RooflineConfig | None = None) -> None:
        super().__init__(config)
        self._constants = np.empty((0, 0))

    def _fit(
        self, texts: list[bytes], labels: Values, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        rows = features(texts)
        fitted = []
        for i, target in enumerate(self.targets):
            progress(target.name, i, len(self.targets))
            known = np.isfinite(labels[:, i])
            summed = _is_sum(target)
            design, actual = _design(rows[known], summed), labels[known, i]
            fitted.append(_fit_sum(design, actual) if summed else self._linear(design, actual))
        width = max(len(one) for one in fitted)
        self._constants = np.stack([np.pad(one, (0, width - len(one))) for one in fitted])

    def _linear(self, design: Values, actual: Values) -> Values:
        penalty = self.config.l2 * len(design) * np.eye(design.shape[1])
        penalty[-1, -1] = 0.0
        solved = np.linalg.solve(design.T @ design + penalty, design.T @ actual)
        return solved.astype(np.float64)

    def _predict(self, programs: Parsed, which: list[int]) -> Values:
        if not len(self._constants):
            raise ModelError("The model has learnt nothing yet. Call fit, or load one.")
        rows = programs.rows
        out = np.zeros((len(rows), len(which)))
        for column, i in enumerate(which):
            summed = _is_sum(self.targets[i])
            design = _design(rows, summed)
            value = design @ self._constants[i, : design.shape[1]]
            out[:, column] = np.log2(1.0 + value) if summed else value
        return out

    def _arrays(self) -> Arrays:
        return {"roofline.constants": self._constants}

    def _restore(self, arrays: Arrays, extra: Mapping[str, Any]) -> None:
        self._constants = arrays["roofline.constants"].astype(np.float64)
        if self._constants.ndim != 2 or len(self._constants) != len(self.targets):
            raise ModelError("The roofline is damaged: it is of other targets.")


def _is_sum(target: Target) -> bool:
    return target.log and target.quantity.endswith(_OVER_TIME)


def _design(rows: npt.NDArray[np.float32], summed: bool) -> Values:
    names = _SUMMED if summed else _REGISTERS
    index = [feature_names().index(name) for name in names]
    values = rows[:, index].astype(np.float64)
    if summed:
        values = np.exp2(np.minimum(values, 100.0)) - 1.0
    return np.concatenate([values, np.ones((len(rows), 1))], axis=1)


def _fit_sum(design: Values, actual: Values) -> Values:
    """Return costs >= 0 whose weighted sum has the logarithms ``actual``, by gradient descent.

    Multiplicative steps keep the costs positive; errors count by their logarithm.
    """
    size = np.maximum(design.mean(axis=0), 1e-9)
    wanted = np.exp2(np.minimum(actual, 200.0))
    ratio = np.median(wanted[:, None] / np.maximum(design, 1e-9 * size), axis=0)
    log_cost = np.log(np.maximum(ratio / design.shape[1], 1e-12))
    moment, square = np.zeros_like(log_cost), np.zeros_like(log_cost)
    for step in range(1, _STEPS + 1):
        parts = design * np.exp(log_cost)
        total = 1.0 + parts.sum(axis=1)
        error = np.log2(total) - actual
        gradient = (np.tanh(error)[:, None] * parts / total[:, None]).mean(axis=0)
        moment = 0.9 * moment + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        scaled = (moment / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-9)
        log_cost -= 0.05 * scaled
        log_cost = np.clip(log_cost, -60.0, 60.0)
    return np.asarray(np.exp(log_cost), dtype=np.float64)
