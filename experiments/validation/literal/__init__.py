"""A slow, plain model of the same controller, to check the simulator's core against."""

from experiments.validation.literal.energy import count_cycles, energy_and_power
from experiments.validation.literal.system import Outcome, simulate_literally
from experiments.validation.literal.timing import CommandHistory, Place, Table, violations

__all__ = [
    "CommandHistory",
    "Outcome",
    "Place",
    "Table",
    "count_cycles",
    "energy_and_power",
    "simulate_literally",
    "violations",
]
