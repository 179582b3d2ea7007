"""How often the loops of a module run, where their bounds are constants."""

import re

from simulators.accelerator._mlir_text import Operation, enclosed, split_top_level

Constants = dict[str, int]
"""Integer constants in scope, by SSA name."""

_VALUE = r"%[\w$.-]+(?:#\d+)?"
_VALUES = re.compile(_VALUE)
_CONSTANT = re.compile(
    r"\bconstant\W.*?(?:dense\s*<\s*)?(?<![\w.\"])(-?\d+)\s*>?\s*(?::|\}|$)", re.S
)
_SHORT = 200
_FOR = re.compile(rf"=\s*({_VALUE}|-?\d+)\s+to\s+({_VALUE}|-?\d+)(?:\s+step\s+({_VALUE}|\d+))?")
_LISTS = re.compile(r"\(([^()]*)\)")


def constant_of(operation: Operation) -> int | None:
    """Return the value of an integer constant operation (a scalar, or a tensor of one value)."""
    if not operation.name.endswith("constant"):
        return None
    match = _CONSTANT.search(operation.header[:_SHORT])  # weights may have many megabytes
    return int(match[1]) if match else None


def trip_count(operation: Operation, constants: Constants) -> int | None:
    """Return how often the regions of a loop run; None if that is not a constant."""
    kind = operation.name
    if kind in ("scf.for", "affine.for"):
        return _counted_loop(operation, constants)
    if kind in ("scf.forall", "scf.parallel", "affine.parallel"):
        return _parallel_loop(operation, constants)
    if kind in ("stablehlo.while", "mhlo.while"):
        return _hlo_while(operation, constants)
    return None if kind == "scf.while" else 1


def _number(text: str | None, constants: Constants) -> int | None:
    if text is None:
        return 1
    return constants.get(text) if text.startswith("%") else int(text)


def _trips(first: int | None, last: int | None, step: int | None) -> int | None:
    if first is None or last is None or step is None or step < 1:
        return None
    return max(0, -(-(last - first) // step))


def _counted_loop(operation: Operation, constants: Constants) -> int | None:
    match = _FOR.search(operation.header)
    if match is not None:
        bounds = (match[1], match[2], match[3])
    else:
        operands = _VALUES.findall(operation.header)
        if not operation.header.startswith('"scf.for"') or len(operands) < 3:
            return None
        bounds = (operands[0], operands[1], operands[2])
    first, last, step = (_number(bound, constants) for bound in bounds)
    return _trips(first, last, step)


def _parallel_loop(operation: Operation, constants: Constants) -> int | None:
    lists = [split_top_level(found) for found in _LISTS.findall(operation.header)][1:]
    if " in (" in operation.header:
        lists = [["0"] * len(found) for found in lists[:1]] + lists[:1]
    if len(lists) < 2 or operation.header.startswith('"'):
        return None
    steps = [*lists, ["1"] * len(lists[0])][2]
    total = 1
    for bounds in zip(*lists[:2], steps, strict=False):
        if any(not re.fullmatch(rf"{_VALUE}|-?\d+", bound) for bound in bounds):
            return None
        trips = _trips(*(_number(bound, constants) for bound in bounds))
        if trips is None:
            return None
        total *= trips
    return total


def _hlo_while(operation: Operation, constants: Constants) -> int | None:
    """Recognise ``for (i = first; i < last; i += step)``, as jax.lax.scan prints it."""
    if len(operation.regions) != 2:
        return None
    condition = [op for op in operation.children if op.start < operation.regions[0][1]]
    body = operation.children[len(condition) :]
    carried, before, after = _carried(operation)
    compare = _definition(condition, _operands(condition[-1])[:1]) if condition else None
    if compare is None or not compare.name.endswith(".compare"):
        return None
    direction = re.search(r"\b(LT|LE)\b", compare.header)
    variable, limit = (*_operands(compare), "", "")[:2]
    if direction is None or variable not in before:
        return None
    index = before.index(variable)
    if index >= min(len(carried), len(after)):
        return None
    last = (constants | _constants(condition)).get(limit)
    if last is not None and direction[1] == "LE":
        last += 1
    step = _step(body, index, after[index], constants)
    return _trips(constants.get(carried[index]), last, step)


def _carried(operation: Operation) -> tuple[list[str], list[str], list[str]]:
    """Return the initial values, and their names in the condition and in the body."""
    if not operation.header.startswith('"'):
        inner = enclosed(operation.header, operation.header.index("("))
        pairs = [part.split("=") for part in split_top_level(inner)]
        names = [pair[0].strip() for pair in pairs]
        return [pair[-1].strip() for pair in pairs], names, names
    initial = _VALUES.findall(enclosed(operation.header, operation.header.index("(")))
    blocks = []
    for match in re.finditer(r"^\s*\^[\w$.-]+\s*\(", operation.text, re.MULTILINE):
        listed = split_top_level(enclosed(operation.text, match.end() - 1))
        blocks.append([argument.split(":")[0].strip() for argument in listed])
    fitting = [block for block in blocks if len(block) == len(initial)] or [[]]
    return initial, fitting[0], fitting[-1 if len(fitting) == 1 else 1]


def _step(body: list[Operation], index: int, variable: str, constants: Constants) -> int | None:
    returned = _operands(body[-1]) if body else []
    if index >= len(returned):
        return None
    update = _definition(body, [returned[index]])
    if update is None or not update.name.endswith(".add"):
        return None
    others = [operand for operand in _operands(update) if operand != variable]
    known = constants | _constants(body)
    return known.get(others[0]) if len(others) == 1 else None


def _operands(operation: Operation) -> list[str]:
    return _VALUES.findall(operation.header)


def _definition(operations: list[Operation], names: list[str]) -> Operation | None:
    return next((op for op in reversed(operations) if names and names[0] in op.results), None)


def _constants(operations: list[Operation]) -> Constants:
    found = {}
    for operation in operations:
        value = constant_of(operation)
        if value is not None:
            found.update(dict.fromkeys(operation.results, value))
    return found
