"""Code generation for x86-64 and AArch64: registers, spills, stack, instruction mix.

Buffers travel as bare pointers that do not overlap, so that LLVM need not check that they do not.
"""

from collections.abc import Mapping

from costmodel.targets._assembly import Block, stack_bytes
from costmodel.targets._codegen import CPUS, Compilation
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
    "spills": (
        "instructions",
        "Instructions that store a register to the stack for lack of one, also around a call; "
        "saving the caller's registers does not count.",
    ),
    "reloads": (
        "instructions",
        "Instructions that read a spilled register back, also as an operand of another "
        "instruction.",
    ),
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


def labels(compilation: Compilation, blocks: list[Block]) -> Mapping[str, float]:
    """Return the labels of one compilation, whose assembly has these blocks, by target name."""
    device = compilation.device
    pressure = register_pressure(compilation.machine_ir())
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
