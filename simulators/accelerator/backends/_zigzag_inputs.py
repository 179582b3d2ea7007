"""What ZigZag reads: workload, accelerator and mapping, from ours."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from simulators.accelerator._architecture import Architecture, Compute, Level
from simulators.accelerator._layer import Layer
from simulators.accelerator._mapping import Mapping as LoopMapping
from simulators.errors import InvalidConfigError

Keep: TypeAlias = Mapping[str, Collection[str]]
"""Tensors that each level keeps, by the level's name."""

Grain: TypeAlias = Literal["energy", "cycles"]
"""What an access is: one row, which costs its energy, or what a port moves in a cycle.

ZigZag has one number for both and counts whole accesses, so each figure needs its own memories."""

OPERANDS = {"Weights": "W", "Inputs": "I", "Outputs": "O"}
DIMS = {"N": "B", "G": "G", "C": "C", "M": "K", "P": "OX", "Q": "OY", "R": "FX", "S": "FY"}
_MEMORY_OPERANDS = {"Weights": "I2", "Inputs": "I1", "Outputs": "O"}
_MAX_ARRAY_DIMENSIONS = 4
_UNLIMITED_BITS = 1 << 40
_UNLIMITED_WORDS_PER_CYCLE = 4096


def workload_input(layer: Layer, word_bits: int) -> list[dict[str, Any]]:
    """Return the layer as ZigZag's workload.

    Raises:
        InvalidConfigError: dimensions or tensors other than those of convolutions and products.
    """
    unknown = set(layer.dims) - set(DIMS)
    if unknown or {tensor.name for tensor in layer.tensors} != set(OPERANDS):
        raise InvalidConfigError(
            f"layer {layer.name!r} has dimensions {', '.join(layer.dims)}. ZigZag is given "
            f"convolutions and matrix products, of {', '.join(DIMS)}. Build the layer with one of "
            "Layer.conv, depthwise, grouped, matmul, batched_matmul."
        )
    relations, slides = _relations(layer)
    output, weights, inputs = (
        _indices(layer, name, slides) for name in ("Outputs", "Weights", "Inputs")
    )
    return [
        {
            "id": 0,
            "name": "layer",
            "operator_type": "Conv",
            "equation": f"{output} += {weights} * {inputs}",
            "dimension_relations": relations,
            "loop_dims": [DIMS[dim] for dim in layer.dims],
            "loop_sizes": list(layer.dims.values()),
            "operand_precision": dict.fromkeys(("W", "I", "O", "O_final"), word_bits),
            "operand_source": {"W": 0, "I": 0},
        }
    ]


def _relations(layer: Layer) -> tuple[list[str], dict[int, str]]:
    """Return ZigZag's names for the axes of the inputs that slide, and what they are."""
    relations, names = [], {}
    for at, axis in enumerate(layer.tensor("Inputs").axes):
        if len(axis) == 2:
            names[at] = "ix" if axis[0][0] in "RP" else "iy"
            terms = " + ".join(f"{factor}*{DIMS[dim].lower()}" for dim, factor in axis)
            relations.append(f"{names[at]} = {terms}")
    return relations, names


def _indices(layer: Layer, name: str, slides: dict[int, str]) -> str:
    axes = layer.tensor(name).axes
    names = [
        slides[at] if name == "Inputs" and at in slides else DIMS[axis[0][0]].lower()
        for at, axis in enumerate(axes)
    ]
    return OPERANDS[name] + "".join(f"[{index}]" for index in names)


@dataclass(frozen=True, slots=True)
class _Fanout:
    """One axis of the fan-out from a level to the next inner one."""

    level: int
    axis: str
    size: int


def _fanouts(architecture: Architecture) -> list[_Fanout]:
    """Return every axis with more than one instance, outermost first.

    Raises:
        InvalidConfigError: more than ZigZag's array has dimensions.
    """
    found = []
    parts: list[Level | Compute] = [*architecture.levels, architecture.compute]
    for at, (outer, inner) in enumerate(pairwise(parts)):
        columns = max(1, (inner.mesh_x or 1) // (outer.mesh_x or 1))
        rows = max(1, inner.mesh_y // outer.mesh_y)
        found += [_Fanout(at, axis, n) for axis, n in (("X", columns), ("Y", rows)) if n > 1]
    if len(found) > _MAX_ARRAY_DIMENSIONS:
        raise InvalidConfigError(
            f"architecture {architecture.name!r} fans out along {len(found)} axes. ZigZag's "
            f"mappings have at most {_MAX_ARRAY_DIMENSIONS}. Remove a fan-out."
        )
    return found


def accelerator_input(architecture: Architecture, keep: Keep, grain: Grain) -> dict[str, Any]:
    """Return the architecture as ZigZag's accelerator, whose memories are listed inside out.

    Raises:
        InvalidConfigError: more axes of fan-out than ZigZag's array has dimensions.
    """
    fanouts = _fanouts(architecture) or [_Fanout(len(architecture.levels) - 1, "X", 1)]
    memories = {
        level.name: _memory(level, keep[level.name], grain)
        | {"served_dimensions": [f"D{n + 1}" for n, f in enumerate(fanouts) if f.level >= at]}
        for at, level in reversed(list(enumerate(architecture.levels)))
        if keep.get(level.name)
    }
    return {
        "name": "accelerator",
        "memories": memories,
        "operational_array": {
            "unit_energy": float(architecture.compute.energy_pj),
            "unit_area": float(architecture.compute.area_um2),
            "dimensions": [f"D{n + 1}" for n in range(len(fanouts))],
            "sizes": [fanout.size for fanout in fanouts],
        },
    }


def _memory(level: Level, tensors: Collection[str], grain: Grain) -> dict[str, Any]:
    operands = [_MEMORY_OPERANDS[tensor] for tensor in OPERANDS if tensor in tensors]
    reads = [f"{operand}, tl" for operand in operands] + ["O, th"] * ("O" in operands)
    writes = [f"{operand}, fh" for operand in operands] + ["O, fl"] * ("O" in operands)
    if level.shared_bandwidth is not None:
        ports = [_port("rw_port_1", "read_write", [*reads, *writes], level, level.shared_bandwidth)]
    else:
        ports = [
            _port("r_port_1", "read", reads, level, level.read_bandwidth),
            _port("w_port_1", "write", writes, level, level.write_bandwidth),
        ]
    read_pj, write_pj = (energy / level.cluster_size for energy in level.access_energy_pj)
    scale = {"r_cost": 1.0, "w_cost": 1.0}
    if grain == "energy":
        row = {
            "bandwidth_min": level.word_bits,
            "bandwidth_max": level.block_size * level.word_bits,
        }
        ports = [port | row for port in ports]
    else:
        scale = {
            "r_cost": _rows_per_cycle(ports[0], level),
            "w_cost": _rows_per_cycle(ports[-1], level),
        }
    capacity = level.capacity_words
    return {
        "size": _UNLIMITED_BITS if capacity is None else capacity * level.word_bits,
        "r_cost": read_pj * scale["r_cost"],
        "w_cost": write_pj * scale["w_cost"],
        "area": float(level.area_um2),
        "latency": 1,
        "operands": operands,
        "ports": ports,
    }


def _port(
    name: str, kind: str, allocation: list[str], level: Level, words_per_cycle: float | None
) -> dict[str, Any]:
    words = _UNLIMITED_WORDS_PER_CYCLE if words_per_cycle is None else words_per_cycle
    bits = max(1, round(words * level.word_bits))
    return {
        "name": name,
        "type": kind,
        "bandwidth_min": min(bits, level.word_bits),
        "bandwidth_max": bits,
        "allocation": allocation,
    }


def _rows_per_cycle(port: Mapping[str, Any], level: Level) -> float:
    return float(port["bandwidth_max"]) / (level.block_size * level.word_bits)


def mapping_input(architecture: Architecture, mapping: LoopMapping | None) -> list[dict[str, Any]]:
    """Return ZigZag's mapping: our spatial loops, or nothing, so that it searches."""
    entry: dict[str, Any] = {
        "name": "default",
        "memory_operand_links": {"W": "I2", "I": "I1", "O": "O"},
    }
    if mapping is not None:
        entry["spatial_mapping"] = {
            f"D{n + 1}": list(_unrolled(mapping, fanout)) or ["K, 1"]
            for n, fanout in enumerate(_fanouts(architecture) or [_Fanout(-1, "X", 1)])
        }
    return [entry]


def _unrolled(mapping: LoopMapping, fanout: _Fanout) -> Iterator[str]:
    if fanout.level >= 0:
        for dim, bound, axis in mapping.blocks[fanout.level].spatial:
            if axis == fanout.axis and bound > 1:
                yield f"{DIMS[dim]}, {bound}"


def temporal_input(mapping: LoopMapping) -> dict[str, list[list[list[Any]]]]:
    """Return the temporal loops inside each memory of each operand, innermost first.

    A memory holds what its own loops and all inner ones touch, also those of levels that the
    operand passes by.
    """
    found: dict[str, list[list[list[Any]]]] = {operand: [] for operand in OPERANDS.values()}
    for tensor, operand in OPERANDS.items():
        loops: list[list[Any]] = []
        for block in reversed(mapping.blocks):
            loops += [[DIMS[dim], bound] for dim, bound in reversed(block.temporal) if bound > 1]
            if tensor in block.keep:
                found[operand].append(loops)
                loops = []
    return found
