"""DNN accelerators: analytical cost models and a mapper.

``evaluate(architecture, layer, mapping)`` gives cycles, energy and every count of a mapping.
"""

from simulators.accelerator._architecture import Architecture, Compute, Level
from simulators.accelerator._batch import MappingBatch
from simulators.accelerator._constraints import (
    LevelConstraints,
    LoopConstraints,
    MappingConstraints,
)
from simulators.accelerator._cost import REASONS, Cost, LevelCost, NetworkCost
from simulators.accelerator._cost_batch import CostBatch
from simulators.accelerator._evaluate import evaluate, evaluate_batch
from simulators.accelerator._layer import Layer, Tensor
from simulators.accelerator._mapper import SearchedMapping, search_mapping
from simulators.accelerator._mapping import Block, Mapping
from simulators.accelerator._mapping_space import MappingSpace
from simulators.errors import InvalidMappingError

__all__ = [
    "REASONS",
    "Architecture",
    "Block",
    "Compute",
    "Cost",
    "CostBatch",
    "InvalidMappingError",
    "Layer",
    "Level",
    "LevelConstraints",
    "LevelCost",
    "LoopConstraints",
    "Mapping",
    "MappingBatch",
    "MappingConstraints",
    "MappingSpace",
    "NetworkCost",
    "SearchedMapping",
    "Tensor",
    "evaluate",
    "evaluate_batch",
    "search_mapping",
]
