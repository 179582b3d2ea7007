"""Register pressure: how many virtual registers of a class live at once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["register_pressure"]

# Both register files of x86-64 and AArch64; a tuple of vector registers counts as its members.
_FLOATING = re.compile(r"(?:vr|fr|fpr|zpr|q+$|q+_|d+$|d+_|zz|rfp)")
_GENERAL = re.compile(r"gr|gpr|low32|tcgpr|xseqpairs|wseqpairs|rtcgpr|matrixindexgpr")
_TUPLE = re.compile(r"(q+|d+)(?:_|$)|zpr(\d)")
_CLASS = re.compile(r"id: (\d+), class: ([\w]+)")
_VIRTUAL = re.compile(r"%(\d+)(?![\w])")
_NAMED_CLASS = re.compile(r"%(\d+)(?:\.\w+)?:([a-z]\w*)")
_BLOCK = re.compile(r"^  bb\.(\d+)")
_TARGET = re.compile(r"%bb\.(\d+)")


@dataclass(slots=True)
class _Block:
    """Definitions and uses of each instruction, as bit sets over virtual registers."""

    successors: list[int] = field(default_factory=list)
    instructions: list[tuple[int, int]] = field(default_factory=list)
    generated: int = 0
    killed: int = 0
    live_in: int = 0

    def summarise(self) -> None:
        """Fold the instructions into what the whole block reads first and what it writes."""
        for definitions, uses in reversed(self.instructions):
            self.generated = (self.generated & ~definitions) | uses
            self.killed |= definitions


def register_pressure(machine_ir: str) -> dict[str, int]:
    """Return the largest number of live values per class, ``{"fp": ..., "gpr": ...}``.

    Counted over every program point of machine IR before register allocation, after
    scheduling. It may exceed the register file: then the allocator has to spill.
    """
    header, _, body = machine_ir.partition("\nbody:")
    classes = {int(number): name for number, name in _CLASS.findall(header)}
    for number, name in _NAMED_CLASS.findall(body):
        classes.setdefault(int(number), name)
    blocks = _blocks(body)
    _solve(blocks)
    masks = _masks(classes)
    points = [live for block in blocks.values() for live in _live_points(block, blocks)]
    return {
        kind: max((sum((live & mask).bit_count() for mask in found) for live in points), default=0)
        for kind, found in masks.items()
    }


def _masks(classes: dict[int, str]) -> dict[str, list[int]]:
    # One mask per register of a tuple: a pair is in the first two masks.
    masks = {"fp": [0, 0, 0, 0], "gpr": [0]}
    for number, name in classes.items():
        if _GENERAL.match(name):
            masks["gpr"][0] |= 1 << number
        elif _FLOATING.match(name):
            for part in range(_members(name)):
                masks["fp"][part] |= 1 << number
    return {kind: [mask for mask in found if mask] for kind, found in masks.items()}


def _members(name: str) -> int:
    found = _TUPLE.match(name)
    if found is None:
        return 1
    return min(len(found[1]) if found[1] else int(found[2]), 4)


def _blocks(body: str) -> dict[int, _Block]:
    blocks: dict[int, _Block] = {}
    current = _Block()
    for line in body.splitlines():
        start = _BLOCK.match(line)
        if start:
            current = blocks.setdefault(int(start[1]), _Block())
        elif line.startswith("    successors:"):
            current.successors = [int(number) for number in _TARGET.findall(line)]
        elif "%" in line:
            current.instructions.append(_definitions_and_uses(line))
    return blocks


def _definitions_and_uses(line: str) -> tuple[int, int]:
    line = line.partition(" :: (")[0]
    left, equals, right = line.partition(" = ")
    if not equals:
        left, right = "", line
    definitions, partial_uses = _definitions(left)
    if "undef " not in right and "implicit-def" not in right:
        return definitions, partial_uses | _bits(right)
    uses = partial_uses
    for operand in right.split(","):
        if "implicit-def" in operand:
            definitions |= _bits(operand)
        elif "undef " not in operand:
            uses |= _bits(operand)
    return definitions, uses


def _definitions(text: str) -> tuple[int, int]:
    if "." not in text:
        return _bits(text), 0
    uses = 0
    for operand in text.split(","):
        # Writing part of a register keeps the rest of it alive, unless it was undefined.
        for number in _VIRTUAL.findall(operand):
            if f"%{number}." in operand and "undef" not in operand:
                uses |= 1 << int(number)
    return _bits(text), uses


def _bits(text: str) -> int:
    found = 0
    for number in _VIRTUAL.findall(text):
        found |= 1 << int(number)
    return found


def _solve(blocks: dict[int, _Block]) -> None:
    for block in blocks.values():
        block.summarise()
    changed = True
    while changed:
        changed = False
        for number in reversed(blocks):
            block = blocks[number]
            live = (_live_out(block, blocks) & ~block.killed) | block.generated
            if live != block.live_in:
                block.live_in, changed = live, True


def _live_out(block: _Block, blocks: dict[int, _Block]) -> int:
    live = 0
    for number in block.successors:
        live |= blocks[number].live_in
    return live


def _live_points(block: _Block, blocks: dict[int, _Block]) -> Iterator[int]:
    # What lives before an instruction lives after the one before it, too.
    live = _live_out(block, blocks)
    for definitions, uses in reversed(block.instructions):
        yield live | definitions
        live = (live & ~definitions) | uses
    yield live
