"""The design space of Accelerator-v0, and the architecture that a design describes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from archgym.errors import InvalidConfigError
from archgym.space import (
    Categorical,
    Condition,
    Constraint,
    Design,
    DesignSpace,
    Ordinal,
    Parameter,
    Value,
)
from simulators.accelerator import Architecture, Layer, LevelConstraints, MappingConstraints

__all__ = [
    "Dataflow",
    "Memory",
    "accelerator_space",
    "architecture_of",
    "default_design",
    "mapping_constraints",
]

Dataflow = Literal["row-stationary", "flexible"]
"""What the mapper is bound to: Eyeriss's dataflow, or only what each memory holds."""

WORD_BITS = 16
WORD_BYTES = WORD_BITS // 8

# Columns and rows of the array of PEs; 14 x 12 is Eyeriss.
MESH = (2, 4, 6, 8, 12, 14, 16, 20, 24, 28, 32)

SCRATCHPADS = {"ifmap": "inputs", "weights": "weights", "psum": "partial sums"}
# Words of a register file, per scratchpad.
REGISTER_WORDS = {
    "ifmap": (4, 8, 12, 16, 24, 32, 48, 64),
    "weights": (8, 12, 16, 24, 32, 48, 64, 96, 128),
    "psum": (4, 8, 12, 16, 24, 32, 48, 64),
}
# A bank of fewer than 128 words would have fewer than the 32 rows that an SRAM bank needs.
BANK_WORDS = (128, 192, 256, 384, 512)
SCRATCHPAD_BLOCKS = (1, 2, 4)
SCRATCHPAD_BANKS = (1, 2, 4)
PORTS = (1, 2)

# 16 KiB in 16 banks of rows of 16 words is 32 rows a bank, the least that an SRAM bank has;
# 512 KiB of rows of 4 words are the 65,536 rows that the energy tables reach.
BUFFER_KIB = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
BUFFER_BLOCKS = (4, 8, 16)
BUFFER_BANKS = (1, 2, 4, 8, 16)

# The sizes of Eyeriss (Chen et al., JSSC 52(1), 2017), as in the preset of that name.
EYERISS: Design = {
    "mesh_x": 14,
    "mesh_y": 12,
    "glb_kib": 128,
    "glb_block_size": 4,
    "glb_banks": 16,
    "glb_ports": 2,
    "glb_weights": "bypass",
    "ifmap_class": "regfile",
    "ifmap_words": 12,
    "ifmap_block_size": 1,
    "weights_class": "SRAM",
    "weights_bank_words": 192,
    "weights_banks": 1,
    "weights_ports": 2,
    "weights_block_size": 1,
    "psum_class": "regfile",
    "psum_words": 16,
    "psum_block_size": 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What lies outside the accelerator, and its node: the same for every design."""

    dram: str = "LPDDR4"
    """Type of the DRAM: sets the energy of a bit."""

    dram_bandwidth: float | None = 8.0
    """Words of 16 bits that the DRAM moves per cycle, either way; None: unlimited."""

    technology_nm: float = 45.0
    """Node of the chip, for energy and area."""

    max_area_mm2: float | None = None
    """Largest area of a legal design; None: any."""

    def __post_init__(self) -> None:
        for name in ("dram_bandwidth", "technology_nm", "max_area_mm2"):
            value = getattr(self, name)
            if value is None and name != "technology_nm":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise InvalidConfigError(
                    f"{name}={value!r} is not allowed. Use a number above 0"
                    f"{'' if name == 'technology_nm' else ', or None'}."
                )


def accelerator_space(layers: Sequence[Layer], dataflow: Dataflow, memory: Memory) -> DesignSpace:
    """Return the space of accelerators that can run ``layers``.

    Sizes too small for the largest filter or row of the layers are left out, and combinations that
    cannot be built do not exist: an SRAM is described by its banks, so it always has whole banks of
    enough rows; a row by its words, so its width is always a multiple of a word's; the array by its
    columns and rows, so they always divide the number of PEs.

    Raises:
        InvalidConfigError: a layer needs more than the largest value of a parameter.
    """
    need = _Need.of(layers, dataflow)
    parameters = [
        Ordinal(name="mesh_x", values=MESH, unit="PEs", description="Columns of the array of PEs."),
        Ordinal(
            name="mesh_y",
            values=_at_least(MESH, need.mesh_y, "mesh_y"),
            unit="PEs",
            description="Rows of the array of PEs.",
        ),
        *_buffer_parameters(need),
    ]
    for name, contents in SCRATCHPADS.items():
        parameters += _scratchpad_parameters(name, contents, need.words.get(name, 1))
    constraints = []
    if memory.max_area_mm2 is not None:
        constraints.append(_area_limit(memory, memory.max_area_mm2))
    return DesignSpace(parameters, constraints)


@dataclass(frozen=True, slots=True)
class _Need:
    """What the layers need whatever the mapping."""

    mesh_y: int
    words: Mapping[str, int]
    buffer_words: int

    @classmethod
    def of(cls, layers: Sequence[Layer], dataflow: Dataflow) -> "_Need":
        if dataflow == "flexible":
            return cls(1, {}, 1)
        heights = [layer.dims.get("S", 1) for layer in layers]
        widths = max(layer.dims.get("R", 1) for layer in layers)
        return cls(max(heights), {"ifmap": widths, "weights": widths}, max(map(_row, layers)))


def _row(layer: Layer) -> int:
    """Return the words of one row of outputs, of the inputs it is made of, and of a filter."""
    extent = {dim: layer.dims.get(dim, 1) for dim in "RSP"}
    width = 1 + layer.dilation[0] * (extent["R"] - 1) + layer.stride[0] * (extent["P"] - 1)
    height = 1 + layer.dilation[1] * (extent["S"] - 1)
    return width * height + extent["P"] + extent["R"] * extent["S"]


def _at_least(values: tuple[int, ...], least: int, name: str) -> tuple[int, ...]:
    kept = tuple(value for value in values if value >= least)
    if not kept:
        raise InvalidConfigError(
            f"A layer needs {name} of {least} with the row-stationary dataflow. The largest is "
            f"{values[-1]}; use dataflow='flexible', or leave that layer out."
        )
    return kept


def _buffer_parameters(need: _Need) -> list[Parameter]:
    least_kib = -(-need.buffer_words * WORD_BYTES // 1024)
    return [
        Ordinal(
            name="glb_kib",
            values=_at_least(BUFFER_KIB, least_kib, "glb_kib"),
            unit="KiB",
            description="Size of the shared buffer.",
        ),
        *_row_and_bank_parameters("glb", BUFFER_BLOCKS, BUFFER_BANKS, None),
        Categorical(
            name="glb_weights",
            choices=("bypass", "keep"),
            description="Whether weights go past the shared buffer, or are kept there.",
        ),
    ]


def _scratchpad_parameters(name: str, contents: str, least: int) -> list[Parameter]:
    is_sram = Condition(f"{name}_class", ("SRAM",))
    return [
        Categorical(
            name=f"{name}_class",
            choices=("regfile", "SRAM"),
            description=f"What each PE keeps its {contents} in.",
        ),
        Ordinal(
            name=f"{name}_words",
            values=_at_least(REGISTER_WORDS[name], least, f"{name}_words"),
            unit="words",
            when=Condition(f"{name}_class", ("regfile",)),
            description=f"Size of the register file of {contents}.",
        ),
        Ordinal(
            name=f"{name}_bank_words",
            values=BANK_WORDS,
            unit="words",
            when=is_sram,
            description=f"Size of each bank of the SRAM of {contents}.",
        ),
        *_row_and_bank_parameters(name, SCRATCHPAD_BLOCKS, SCRATCHPAD_BANKS, is_sram),
    ]


def _row_and_bank_parameters(
    name: str, blocks: tuple[int, ...], banks: tuple[int, ...], is_sram: Condition | None
) -> list[Parameter]:
    """What sets the bandwidth of a memory, and is paid for in energy and area."""
    return [
        Ordinal(
            name=f"{name}_banks",
            values=banks,
            when=is_sram,
            description="Banks that are accessed at the same time.",
        ),
        Ordinal(
            name=f"{name}_ports",
            values=PORTS,
            when=is_sram,
            description="Ports of a bank: with one, reads and writes share the bandwidth.",
        ),
        Ordinal(
            name=f"{name}_block_size",
            values=blocks,
            unit="words",
            description="Words of a row, all accessed at once.",
        ),
    ]


def _area_limit(memory: Memory, limit_mm2: float) -> Constraint:
    def excess(design: Design) -> float:
        return architecture_of(design, memory).area_um2 / 1e6 / limit_mm2 - 1

    return Constraint("area", excess, f"The chip has at most {limit_mm2:g} mm2 (max_area_mm2).")


def architecture_of(design: Mapping[str, Value], memory: Memory) -> Architecture:
    """Return the architecture of ``design``: Eyeriss's hierarchy with the sizes of the design.

    A memory reads and writes ``block_size * banks`` words a cycle, together if it has one port,
    each if it has two; a register file one row each.
    """
    columns, rows = int(design["mesh_x"]), int(design["mesh_y"])
    fanout = {"meshX": columns}
    dram = {"type": memory.dram, "width": 4 * WORD_BITS, "block-size": 4}
    if memory.dram_bandwidth is not None:
        dram["shared_bandwidth"] = memory.dram_bandwidth
    scratchpads = [
        {"name": f"{name}_spad", **_scratchpad(design, name, fanout)} for name in SCRATCHPADS
    ]
    array = {
        "name": f"PE[0..{columns * rows - 1}]",
        "local": [
            *scratchpads,
            {"name": "mac", "class": "intmac", "attributes": {"datawidth": WORD_BITS, **fanout}},
        ],
    }
    # Holds nothing: the fan-out in two steps, to columns and to the PEs of a column.
    column = {"depth": 1, "width": WORD_BITS, **fanout}
    chip = {
        "name": "chip",
        "local": [
            {"name": "shared_glb", **_buffer(design)},
            {"name": f"DummyBuffer[0..{columns - 1}]", "class": "regfile", "attributes": column},
        ],
        "subtree": [array],
    }
    system = {
        "name": "system",
        "attributes": {"technology": f"{memory.technology_nm:g}nm", "word-bits": WORD_BITS},
        "local": [{"name": "DRAM", "class": "DRAM", "attributes": dram}],
        "subtree": [chip],
    }
    content = {"version": 0.3, "name": "accelerator", "subtree": [system]}
    return Architecture.from_timeloop({"architecture": content})


def _buffer(design: Mapping[str, Value]) -> dict[str, Any]:
    words = int(design["glb_kib"]) * 1024 // WORD_BYTES
    return _sram(design, "glb", words, {})


def _scratchpad(
    design: Mapping[str, Value], name: str, fanout: Mapping[str, int]
) -> dict[str, Any]:
    if design[f"{name}_class"] == "SRAM":
        words = int(design[f"{name}_bank_words"]) * int(design[f"{name}_banks"])
        return _sram(design, name, words, fanout)
    block = int(design[f"{name}_block_size"])
    attributes = _rows(int(design[f"{name}_words"]), block)
    bandwidth = {"read_bandwidth": block, "write_bandwidth": block}
    return {"class": "smartbuffer_RF", "attributes": {**attributes, **bandwidth, **fanout}}


def _sram(
    design: Mapping[str, Value], name: str, words: int, fanout: Mapping[str, int]
) -> dict[str, Any]:
    block, banks, ports = (
        int(design[f"{name}_{what}"]) for what in ("block_size", "banks", "ports")
    )
    moved = block * banks
    bandwidth = (
        {"shared_bandwidth": moved}
        if ports == 1
        else {"read_bandwidth": moved, "write_bandwidth": moved}
    )
    attributes = {"n_banks": banks, "n_rdwr_ports": ports, **_rows(words, block)}
    return {"class": "smartbuffer_SRAM", "attributes": {**attributes, **bandwidth, **fanout}}


def _rows(words: int, block: int) -> dict[str, int]:
    return {
        "memory_depth": words // block,
        "memory_width": block * WORD_BITS,
        "block-size": block,
    }


def default_design(space: DesignSpace) -> Design:
    """Return Eyeriss, with sizes raised to the least that the workload needs."""
    design: Design = {}
    for name, value in EYERISS.items():
        values = space[name].values
        design[name] = value if value in values else values[0]
    return space.validate(design)


def mapping_constraints(design: Mapping[str, Value], dataflow: Dataflow) -> MappingConstraints:
    """Return what mappings on ``design`` are bound to."""
    levels = dict(MappingConstraints.preset("eyeriss").levels)
    if dataflow == "flexible":
        levels = {
            name: LevelConstraints(keep=level.keep, bypass=level.bypass)
            for name, level in levels.items()
        }
    if design["glb_weights"] == "keep":
        buffer = levels["shared_glb"]
        kept = buffer.keep | {"Weights"}
        levels["shared_glb"] = replace(buffer, keep=kept, bypass=frozenset())
    return MappingConstraints(levels)
