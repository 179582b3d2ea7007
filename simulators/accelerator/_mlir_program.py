"""The order in which a module's operations run: functions where they are called, loops opened."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulators.accelerator._mlir_loops import Constants, constant_of, trip_count
from simulators.accelerator._mlir_text import Module, Operation
from simulators.errors import InvalidConfigError

# Regions of these dialects say what happens to one element, except those of control flow.
_ELEMENTWISE = frozenset({"linalg", "tensor", "stablehlo", "mhlo", "tosa", "vector", "memref"})
_CONTROL_FLOW = frozenset({"while", "if", "case", "cond_if", "while_loop"})
_BRANCHES = frozenset({"if", "case", "cond_if", "index_switch"})
_STRUCTURE = frozenset({"module", "builtin.module", "return", "yield"})
_SYMBOL = r'@(?:"([^"]*)"|([\w$.-]+))'
_CALLEE = re.compile(rf"(?:\bcall\"?|\bcallee\s*=|\bdecomposition\s*=)\s*{_SYMBOL}")
_DEFINED = re.compile(rf"^\S*func\b[^@(]*{_SYMBOL}|\bsym_name\s*=\s*\"([^\"]*)\"")
_MAX_STEPS = 1_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of the program."""

    operation: Operation
    repeats: int
    """How often the loops around it run."""
    note: str = ""
    """What is uncertain about that."""


def program(module: Module) -> Iterator[Step]:
    """Follow a module from every function that no other calls.

    Raises:
        InvalidConfigError: calls expand to more than a million operations.
    """
    for count, step in enumerate(_Walk(module).steps()):
        if count >= _MAX_STEPS:
            raise InvalidConfigError(
                f"line {step.operation.line}: this module runs more than {_MAX_STEPS} operations "
                "once its calls are expanded. Allowed: at most that many. Read a part of it."
            )
        yield step


@dataclass(slots=True)
class _Walk:
    module: Module
    functions: dict[str, Operation] = field(default_factory=dict)
    visited: set[str] = field(default_factory=set)

    def steps(self) -> Iterator[Step]:
        called: set[str] = set()
        for operation in self.module.walk():
            name = _defined(operation)
            if name is not None and operation.children:  # else only declared: its calls stay
                self.functions[name] = operation
            called.update(_callees(operation))
        yield from self._follow(self.module.operations, 1, "", (), {})
        for roots in ([name for name in self.functions if name not in called], self.functions):
            for name in roots:
                if name not in self.visited:
                    yield from self._enter(name, 1, "", ())

    def _enter(self, name: str, repeats: int, note: str, stack: tuple[str, ...]) -> Iterator[Step]:
        self.visited.add(name)
        yield from self._follow(self.functions[name].children, repeats, note, (*stack, name), {})

    def _follow(
        self,
        operations: list[Operation],
        repeats: int,
        note: str,
        stack: tuple[str, ...],
        outer: Constants,
    ) -> Iterator[Step]:
        constants = dict(outer)
        for operation in operations:
            value = constant_of(operation)
            if value is not None:
                constants.update(dict.fromkeys(operation.results, value))
            if _defined(operation) is not None:
                continue
            callees = [name for name in _callees(operation) if name in self.functions]
            if callees and not set(callees) & set(stack):
                for name in callees:
                    yield from self._enter(name, repeats, note, stack)
            elif operation.children and _has_program(operation):
                trips = trip_count(operation, constants)
                remark = note or _remark(operation, trips)
                within = repeats * (1 if trips is None else trips)
                yield from self._follow(operation.children, within, remark, stack, constants)
            elif operation.name not in _STRUCTURE and not _ends_region(operation):
                yield Step(operation, repeats, note)


def _remark(operation: Operation, trips: int | None) -> str:
    if trips is None:
        return f"its loop ({operation.name}, line {operation.line}) is counted once"
    if operation.name.rpartition(".")[2] in _BRANCHES:
        return f"every branch of {operation.name}, line {operation.line}, is counted"
    return ""


def _has_program(operation: Operation) -> bool:
    dialect, _, kind = operation.name.partition(".")
    return dialect not in _ELEMENTWISE or kind in _CONTROL_FLOW


def _ends_region(operation: Operation) -> bool:
    return operation.name.endswith((".return", ".yield"))


def _defined(operation: Operation) -> str | None:
    """Return the symbol of a function, None for another operation."""
    if operation.name.rpartition(".")[2] != "func":
        return None
    match = _DEFINED.search(operation.header)
    return next((group for group in match.groups() if group), None) if match else None


def _callees(operation: Operation) -> list[str]:
    if operation.name.rpartition(".")[2] not in ("call", "composite"):
        return []
    return [left or right for left, right in _CALLEE.findall(operation.header)]
