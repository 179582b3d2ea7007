"""Code generation for x86-64 and AArch64: registers, spills, stack, instruction mix."""

from collections.abc import Mapping

from costmodel.targets._assembly import Block, blocks_of, stack_bytes
from costmodel.targets._codegen import CPUS, Compiled, Device
from costmodel.targets._machine_ir import register_pressure
from costmodel.targets._spec import TargetSpec

__all__ = ["TARGETS", "labels"]

_QUANTITIES = {
    "register_pressure_fp": (
        "registers",
        "Most floating-point and vector values alive at once before register allocation.",
    ),
    "register_pressure_gpr": (
        "registers",
        "Most integer and address values alive at once before register allocation.",
    ),
    "spills": ("instructions", "Instructions that store a register to the stack for lack of one."),
    "reloads": ("instructions", "Instructions that read a spilled register back."),
    "stack_bytes": ("bytes", "Stack frame, saved registers included."),
    "code_instructions": ("instructions", "Instructions in the compiled function."),
    "code_vector_instructions": ("instructions", "Of them, those on vector registers."),
    "code_memory_instructions": ("instructions", "Of them, those that read or write memory."),
    "code_branch_instructions": ("instructions", "Of them, branches, calls and returns."),
}
_DECADES = {"code_instructions", "code_vector_instructions", "code_memory_instructions"}

TARGETS = tuple(
    TargetSpec(
        device=device,
        quantity=quantity,
        unit=unit,
        description=description,
        log=quantity in _DECADES,
    )
    for device in CPUS
    for quantity, (unit, description) in _QUANTITIES.items()
)


def labels(compiled: Compiled, device: Device) -> Mapping[str, float]:
    """Return the labels of one compilation by target name."""
    blocks = blocks_of(compiled.assembly, x86=device.is_x86)
    pressure = register_pressure(compiled.machine_ir)
    counts = {
        "register_pressure_fp": pressure["fp"],
        "register_pressure_gpr": pressure["gpr"],
        "stack_bytes": stack_bytes(blocks, x86=device.is_x86),
        **_mix(blocks),
    }
    return {f"{device.name}/{name}": float(count) for name, count in counts.items()}


def _mix(blocks: list[Block]) -> dict[str, int]:
    instructions = [one for block in blocks for one in block.instructions]
    return {
        "spills": sum(one.spill for one in instructions),
        "reloads": sum(one.reload for one in instructions),
        "code_instructions": len(instructions),
        "code_vector_instructions": sum(one.vector for one in instructions),
        "code_memory_instructions": sum(one.memory for one in instructions),
        "code_branch_instructions": sum(one.branch for one in instructions),
    }
