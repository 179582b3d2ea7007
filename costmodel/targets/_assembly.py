"""Read the assembly that LLVM prints: instructions, blocks, spills, stack frame."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["Block", "Instruction", "blocks_of", "stack_bytes"]

_X86_VECTOR = re.compile(r"%[xyz]mm")
_ARM_VECTOR = re.compile(r"\b[vqz]\d")
_ARM_BRANCH = re.compile(r"(?:b|b\..*|bl|blr|br|cbn?z|tbn?z|ret)$")
_ARM_ENDS = re.compile(r"(?:b|b\..*|br|cbn?z|tbn?z|ret)$")
_SAVED = re.compile(r"x(?:19|2\d|30)|d(?:8|9|1[0-5])")
_REGISTER = re.compile(r"\b([xwvqdszbh])(\d+)\b")
_SVE_BYTES = 16
"""Bytes of a scalable vector on Neoverse V2 (128-bit SVE2)."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, with what LLVM's comment says about it."""

    text: str
    opcode: str
    operands: str
    spill: bool = False
    reload: bool = False
    memory: bool = False
    vector: bool = False
    branch: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Instructions that run together: entered at the top, left at the bottom."""

    label: str
    line: int
    """Number of the assembly line before which the block starts."""
    instructions: tuple[Instruction, ...]


def blocks_of(assembly: str, *, x86: bool) -> list[Block]:
    """Return the basic blocks of the assembly in order."""
    blocks = []
    label, start, gathered = "", 0, list[Instruction]()
    for number, line, is_label in _code_lines(assembly, x86=x86):
        if is_label:
            if gathered:
                blocks.append(Block(label, start, tuple(gathered)))
            label, gathered = line.split(":", 1)[0], []
            continue
        instruction = _instruction(line, x86=x86)
        if not gathered:
            start = number
        gathered.append(instruction)
        if _ends_block(instruction, x86=x86):
            blocks.append(Block(label, start, tuple(gathered)))
            gathered = []
    if gathered:
        blocks.append(Block(label, start, tuple(gathered)))
    return blocks if x86 else _without_callee_saves(blocks)


def _code_lines(assembly: str, *, x86: bool) -> Iterator[tuple[int, str, bool]]:
    comment = "#" if x86 else "//"
    in_text = True
    for number, line in enumerate(assembly.splitlines()):
        code = line.split(comment, 1)[0].rstrip() if comment in line else line.rstrip()
        if not code:
            continue
        stripped = code.strip()
        if stripped.startswith((".section", ".text", ".data", ".bss")):
            in_text = ".text" in stripped
        elif in_text and stripped.endswith(":") and not code[0].isspace():
            yield number, stripped, True
        elif in_text and not stripped.startswith("."):
            yield number, line, False


def _ends_block(instruction: Instruction, *, x86: bool) -> bool:
    if x86:
        return instruction.opcode.startswith(("j", "ret"))
    return _ARM_ENDS.match(instruction.opcode) is not None


def _instruction(line: str, *, x86: bool) -> Instruction:
    comment = "#" if x86 else "//"
    code, _, said = line.partition(comment)
    parts = code.strip().split(None, 1)
    opcode, operands = parts[0], parts[1] if len(parts) > 1 else ""
    if opcode in ("lock", "rep", "notrack") and operands:
        opcode = operands.split(None, 1)[0]
    if x86:
        memory = "(" in operands and not opcode.startswith(("lea", "nop"))
        vector = _X86_VECTOR.search(operands) is not None
        branch = opcode.startswith(("j", "call", "ret"))
    else:
        memory = "[" in operands and opcode.startswith(("ld", "st", "prf", "cas", "swp"))
        vector = _ARM_VECTOR.search(operands) is not None
        branch = _ARM_BRANCH.match(opcode) is not None
    return Instruction(
        text=code.strip(),
        opcode=opcode,
        operands=operands,
        spill="Spill" in said,
        reload="Reload" in said,
        memory=memory,
        vector=vector,
        branch=branch,
    )


def _without_callee_saves(blocks: list[Block]) -> list[Block]:
    # LLVM words the saving of the caller's registers on AArch64 as spills too.
    prologue = _prologue(blocks, _arm_frame)
    return [
        Block(
            block.label,
            block.line,
            tuple(_uncounted(block.instructions, prologue=block is prologue)),
        )
        for block in blocks
    ]


def _uncounted(instructions: tuple[Instruction, ...], *, prologue: bool) -> list[Instruction]:
    result = list(instructions)
    if prologue:
        _unmark_prologue(result)
    last = instructions[-1]
    tail_call = last.opcode in ("b", "br") and not last.operands.startswith(".L")
    if last.opcode == "ret" or tail_call:
        _unmark_epilogue(result)
    return result


def _unmark_prologue(instructions: list[Instruction]) -> None:
    # A register that nothing has written yet holds the caller's value.
    written: set[str] = set()
    for index, instruction in enumerate(instructions):
        registers = _REGISTER.findall(instruction.operands.split("[")[0])
        if instruction.spill and all(
            _SAVED.fullmatch(kind + number) and number not in written for kind, number in registers
        ):
            instructions[index] = _plain(instruction)
        elif not instruction.opcode.startswith("st"):
            written.update(number for _, number in registers[:1])


def _unmark_epilogue(instructions: list[Instruction]) -> None:
    # A register that nothing reads before the function ends gets the caller's value back.
    read: set[str] = set()
    for index in range(len(instructions) - 1, -1, -1):
        instruction = instructions[index]
        registers = _REGISTER.findall(instruction.operands.split("[")[0])
        if instruction.reload and all(
            _SAVED.fullmatch(kind + number) and number not in read for kind, number in registers
        ):
            instructions[index] = _plain(instruction)
        else:
            read.update(number for _, number in _REGISTER.findall(instruction.operands))


def _plain(instruction: Instruction) -> Instruction:
    return Instruction(
        text=instruction.text,
        opcode=instruction.opcode,
        operands=instruction.operands,
        memory=instruction.memory,
        vector=instruction.vector,
        branch=instruction.branch,
    )


_X86_FRAME = re.compile(r"\$(-?(?:0x[0-9a-f]+|\d+)), %rsp")
_ARM_FRAME = re.compile(r"sp, sp, #(-?\d+)(?:, lsl #(\d+))?")
_ARM_PUSH = re.compile(r"\[sp, #-(\d+)\]!")


def stack_bytes(blocks: list[Block], *, x86: bool) -> int:
    """Return the bytes by which the function's prologue moves the stack pointer down."""
    frame = _x86_frame if x86 else _arm_frame
    block = _prologue(blocks, frame)
    return sum(frame(one) for one in block.instructions) if block else 0


def _prologue(blocks: list[Block], frame: Callable[[Instruction], int]) -> Block | None:
    # Not always the first block: LLVM moves the prologue behind an early exit.
    return next((block for block in blocks if any(map(frame, block.instructions))), None)


def _x86_frame(instruction: Instruction) -> int:
    if instruction.opcode.startswith("push"):
        return 8
    found = _X86_FRAME.fullmatch(instruction.operands)
    if found is None or not instruction.opcode.startswith(("sub", "add")):
        return 0
    amount = int(found[1], 0)
    # A frame of 128 bytes is opened by adding -128, which encodes shorter.
    opened = amount if instruction.opcode.startswith("sub") else -amount
    return max(opened, 0)


def _arm_frame(instruction: Instruction) -> int:
    pushed = _ARM_PUSH.search(instruction.operands)
    if pushed and instruction.opcode.startswith("st"):
        return int(pushed[1])
    found = _ARM_FRAME.fullmatch(instruction.operands)
    if found is None:
        return 0
    amount = int(found[1]) << int(found[2] or 0)
    if instruction.opcode == "sub":
        return amount
    return -amount * _SVE_BYTES if instruction.opcode == "addvl" and amount < 0 else 0
