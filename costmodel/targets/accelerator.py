"""A program's contractions on spatial accelerators: cycles, utilisation and energy by simulation.

The simulator is this project's own; each contraction runs with the best mapping that its mapper
finds within a fixed budget, one after the other. What is not a contraction costs nothing.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from costmodel.targets._sandbox import SampleError
from costmodel.targets._spec import TargetSpec
from simulators.errors import InvalidConfigError, InvalidMappingError

if TYPE_CHECKING:
    from simulators.accelerator import Architecture

__all__ = ["DEVICES", "TARGETS", "labels"]

_PREFIX = "xpu-"
DEVICES = tuple(f"{_PREFIX}{name}" for name in ("edge", "eyeriss", "simba", "tpu-like"))
"""The accelerators that the simulator ships."""

_BUDGET = 2000
_OBJECTIVE = "edp"

_QUANTITIES = {
    "cycles": ("cycles", "min", "Cycles of all contractions, one after the other."),
    "utilization": ("1", "max", "Share of the multipliers that work, over all these cycles."),
    "energy": ("pJ", "min", "Energy of all contractions."),
}
TARGETS = tuple(
    TargetSpec(
        device=device,
        quantity=quantity,
        unit=unit,
        direction="max" if direction == "max" else "min",
        log=quantity != "utilization",
        description=f"{description} Mappings of least energy-delay product found in "
        f"{_BUDGET:,} evaluations each.",
    )
    for device in DEVICES
    for quantity, (unit, direction, description) in _QUANTITIES.items()
)


def labels(text: str, device: str) -> Mapping[str, float]:
    """Return the labels of a program in linalg or StableHLO on tensors.

    Raises:
        SampleError: If it has no contraction, or the accelerator cannot run one.
    """
    from simulators.accelerator import search_mapping
    from simulators.accelerator._mlir import layers_from_mlir

    architecture = _architecture(device)
    try:
        layers = layers_from_mlir(text).merged()
        if not layers:
            raise SampleError("no contraction")
        found = [
            (layer.count, search_mapping(architecture, layer, _OBJECTIVE, _BUDGET))
            for layer in layers
        ]
    except (InvalidConfigError, InvalidMappingError) as error:
        raise SampleError(str(error)) from error
    cycles = float(sum(count * one.cost.cycles for count, one in found))
    busy = sum(count * one.cost.cycles * one.utilization for count, one in found)
    values = {
        "cycles": cycles,
        "utilization": busy / cycles,
        "energy": float(sum(count * one.cost.energy_pj for count, one in found)),
    }
    return {f"{device}/{name}": value for name, value in values.items()}


@cache
def _architecture(device: str) -> "Architecture":
    from simulators.accelerator import Architecture

    return Architecture.preset(device.removeprefix(_PREFIX))
