"""Recognise the body of a multiply-accumulate in a ``linalg.generic``."""

import re

from simulators.accelerator._mlir_text import Operation, enclosed, split_top_level
from simulators.accelerator._mlir_types import UnsupportedError

_MULTIPLY = frozenset({"arith.mulf", "arith.muli", "complex.mul"})
_ADD = frozenset({"arith.addf", "arith.addi", "complex.add"})
_FUSED = frozenset({"math.fma", "llvm.intr.fma", "llvm.intr.fmuladd"})
_WIDTHS = ("extf", "truncf", "extsi", "extui", "trunci", "bitcast", "index_cast")
_KINDS = ("sitofp", "uitofp", "fptosi", "fptoui")
_CASTS = frozenset(f"arith.{name}" for name in (*_WIDTHS, *_KINDS))
_VALUE = re.compile(r"%[\w$.-]+(?:#\d+)?")


def multiplied_operands(
    operation: Operation, inputs: int, outputs: int, scalars: frozenset[int]
) -> tuple[int, int, int] | None:
    """Return which two operands are multiplied, and which operand is added to.

    The body must be ``out + a * b``. Casts are looked through, and so is what is done to one factor
    alone or with a scalar (a zero point, a scale). None: it is something else, e.g. elementwise or
    a maximum.

    Raises:
        UnsupportedError: a product of more than two operands is summed.
    """
    arguments = _block_arguments(operation)
    if len(arguments) != inputs + outputs or not operation.children:
        return None
    body = {name: child for child in operation.children for name in child.results}
    last = operation.children[-1]
    yielded = _operands(last) if last.name.endswith("yield") else []
    numbers = {name: index for index, name in enumerate(arguments) if index not in scalars}
    for position, value in enumerate(yielded[:outputs]):
        accumulator = inputs + position
        factors = _accumulated(value, arguments[accumulator], body, numbers)
        if factors is not None:
            return (*factors, accumulator)
    return None


def _accumulated(
    value: str, accumulator: str, body: dict[str, Operation], numbers: dict[str, int]
) -> tuple[int, int] | None:
    """Return the factors if ``value`` is accumulator + product."""
    operation = body.get(_through_casts(value, body))
    if operation is None:
        return None
    operands = _operands(operation)
    if operation.name in _FUSED and operands[2:] == [accumulator]:
        return _factors(operands[:2], body, numbers)
    if operation.name not in _ADD or len(operands) != 2:
        return None
    sources = [_through_casts(operand, body) for operand in operands]
    if accumulator not in sources:
        return None
    product = body.get(sources[1 - sources.index(accumulator)])
    if product is None or product.name not in _MULTIPLY:
        return None
    return _factors(_operands(product), body, numbers)


def _factors(
    operands: list[str], body: dict[str, Operation], numbers: dict[str, int]
) -> tuple[int, int] | None:
    found = [sorted(_sources(operand, body, numbers)) for operand in operands]
    if any(len(sources) > 1 for sources in found):
        count = len({source for sources in found for source in sources})
        if count > 2:
            raise UnsupportedError(f"it multiplies expressions of {count} operands")
        return None
    if len(found) != 2 or not found[0] or not found[1] or found[0] == found[1]:
        return None
    first, second = sorted((found[0][0], found[1][0]))  # a * b or b * a
    return first, second


def _sources(value: str, body: dict[str, Operation], numbers: dict[str, int]) -> set[int]:
    """Return the operands that a value of the body is computed from."""
    found: set[int] = set()
    waiting, seen = [value], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in numbers:
            found.add(numbers[name])
        elif name in body:
            waiting.extend(_operands(body[name]))
    return found


def _through_casts(value: str, body: dict[str, Operation]) -> str:
    for _ in body:  # at most as many casts as there are operations
        if value not in body or body[value].name not in _CASTS:
            break
        value = next(iter(_operands(body[value])), "")
    return value


def _operands(operation: Operation) -> list[str]:
    return [name.split("#")[0] for name in _VALUE.findall(operation.header)]


def _block_arguments(operation: Operation) -> list[str]:
    match = re.search(r"\^[\w$.-]+\s*\(", operation.text)
    if match is None:
        return []
    listed = split_top_level(enclosed(operation.text, match.end() - 1))
    return [argument.split(":")[0].strip() for argument in listed]
