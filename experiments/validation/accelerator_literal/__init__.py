"""A slow, plain model of Timeloop's semantics, to check the accelerator's core against.

It shares nothing with that core: the loop nest is walked, working sets are boxes subtracted from
each other, every instance of a fan-out is enumerated, and averages are exact fractions.
"""

from experiments.validation.accelerator_literal.machine import Machine, Storage, Unmappable
from experiments.validation.accelerator_literal.model import Result, evaluate_literally
from experiments.validation.accelerator_literal.nest import Block, Space, Workload
from experiments.validation.accelerator_literal.rows import built_in_energy_pj, read_row

__all__ = [
    "Block",
    "Machine",
    "Result",
    "Space",
    "Storage",
    "Unmappable",
    "Workload",
    "built_in_energy_pj",
    "evaluate_literally",
    "read_row",
]
