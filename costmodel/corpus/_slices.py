"""Cut connected pieces of a few operations out of a whole model; live-ins become arguments."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from costmodel.targets._lowering import entry_function, parse, stablehlo_context
from costmodel.targets._sandbox import SampleError
from costmodel.targets._toolchain import mlir, tool

__all__ = ["MAX_OPERATIONS", "random_slice", "rewire"]

MAX_OPERATIONS = 12
_MEAN_OPERATIONS = 4.0
_MAX_ELEMENTS = 1 << 18
_MAX_CONSTANT = 16
"""Elements of a constant that stays in the text; larger ones become arguments."""
_MAX_RESULTS = 4
_MAX_ARGUMENTS = 16

# Created again in each slice that needs them: they are part of an operation rather than data.
_FREE = {
    "arith.constant",
    "stablehlo.constant",
    "stablehlo.iota",
    "tensor.empty",
    "linalg.fill",
    "ub.poison",
}
_REFUSED = {
    "stablehlo.while",
    "stablehlo.case",
    "stablehlo.custom_call",
    "stablehlo.rng",
    "func.call",
    "func.return",
    "ml_program.global_load",
    "cf.assert",
}


def random_slice(text: str, rng: np.random.Generator) -> str:
    """Return a random piece of 1 to 12 operations as a function of its own.

    Args:
        text: A whole model: one function in ``linalg`` or StableHLO.
        rng: Where the choices come from.

    Raises:
        SampleError: If the piece drawn is not a program of static shapes on numbers.
    """
    if "stablehlo." in text:
        ir = tool("jaxlib.mlir.ir")
        with stablehlo_context():
            return _Slicer(ir, ir.Module.parse(text), rng).text()
    return _Slicer(mlir(), parse(text), rng).text()


class _Slicer:
    def __init__(self, ir: Any, module: Any, rng: np.random.Generator) -> None:
        self._ir = ir
        self._module = module
        self._rng = rng
        self._operations = [
            one.operation for one in entry_function(module).regions[0].blocks[0].operations
        ]
        self._place = {one: place for place, one in enumerate(self._operations)}

    def text(self) -> str:
        """Cut and print one slice."""
        chosen = self._chosen()
        inside = set(chosen)
        needed: set[int] = set()
        arguments: dict[Any, None] = {}
        for place in sorted(inside):
            self._require(place, inside, needed, arguments)
        order = sorted(inside | needed)
        results = self._results(inside)
        self._check(arguments, results)
        return self._printed(order, list(arguments), results)

    def _chosen(self) -> list[int]:
        """Grow a connected set from a random operation along operands and uses."""
        candidates = [
            place
            for place, one in enumerate(self._operations)
            if one.name not in _FREE | _REFUSED and len(one.results)
        ]
        if not candidates:
            raise SampleError("no operation to cut out")
        wanted = min(1 + int(self._rng.geometric(1.0 / _MEAN_OPERATIONS)), MAX_OPERATIONS)
        chosen = [candidates[int(self._rng.integers(len(candidates)))]]
        allowed = set(candidates)
        while len(chosen) < wanted:
            near = sorted(self._neighbours(chosen) & allowed - set(chosen))
            if not near:
                break
            chosen.append(near[int(self._rng.integers(len(near)))])
        return chosen

    def _neighbours(self, chosen: Iterable[int]) -> set[int]:
        found = set()
        for place in chosen:
            operation = self._operations[place]
            found |= {self._place[one] for one in self._producers(operation)}
            for result in operation.results:
                for use in result.uses:
                    owner = use.owner.operation
                    if owner in self._place:
                        found.add(self._place[owner])
        return found

    def _producers(self, operation: Any) -> list[Any]:
        owners = [getattr(value.owner, "operation", None) for value in _read_values(operation)]
        return [owner for owner in owners if owner is not None and owner in self._place]

    def _require(
        self, place: int, inside: set[int], needed: set[int], arguments: dict[Any, None]
    ) -> None:
        for value in _read_values(self._operations[place]):
            owner = getattr(value.owner, "operation", None)
            producer = self._place.get(owner) if owner is not None else None
            if producer is None:
                if self._is_outer(value):
                    arguments[value] = None
            elif producer in inside or producer in needed:
                continue
            elif self._free(owner):
                needed.add(producer)
                self._require(producer, inside, needed, arguments)
            else:
                arguments[value] = None

    def _is_outer(self, value: Any) -> bool:
        # An argument of the function itself, not of a region inside an operation.
        owner = value.owner
        return not hasattr(owner, "operation") and owner.owner.operation.name == "func.func"

    def _free(self, operation: Any) -> bool:
        if operation.name not in _FREE:
            return False
        if "constant" not in operation.name:
            return True
        text = operation.get_asm(large_elements_limit=_MAX_CONSTANT)
        return "dense_resource" not in text and "__elided__" not in text

    def _results(self, inside: set[int]) -> list[Any]:
        results = []
        for place in sorted(inside):
            for value in self._operations[place].results:
                owners = [self._enclosing(use.owner.operation) for use in value.uses]
                if not any(owner in inside for owner in owners):
                    results.append(value)
        return results

    def _enclosing(self, operation: Any) -> int | None:
        while operation is not None and operation not in self._place:
            parent = operation.parent
            operation = None if parent is None else parent.operation
        return None if operation is None else self._place[operation]

    def _check(self, arguments: Iterable[Any], results: list[Any]) -> None:
        if not 1 <= len(results) <= _MAX_RESULTS:
            raise SampleError(f"{len(results)} results")
        if len(list(arguments)) > _MAX_ARGUMENTS:
            raise SampleError("more than 16 arguments")
        for value in (*arguments, *results):
            text, shape = str(value.type), getattr(value.type, "shape", None)
            if shape is None or "?" in text or "xi1>" in text or "tensor<i1>" in text:
                raise SampleError(f"a value of type {text}")
            if int(np.prod(shape)) > _MAX_ELEMENTS or 0 in tuple(shape):
                raise SampleError(f"a tensor of {int(np.prod(shape)):,} elements")

    def _printed(self, order: list[int], arguments: list[Any], results: list[Any]) -> str:
        ir = self._ir
        with self._module.context, ir.Location.unknown():
            kind = ir.FunctionType.get(
                [value.type for value in arguments], [value.type for value in results]
            )
            target = ir.Module.parse("func.func private @placeholder() -> ()")
            target.body.operations[0].operation.erase()
            with ir.InsertionPoint(target.body):
                function = ir.Operation.create(
                    "func.func",
                    attributes={
                        "sym_name": ir.StringAttr.get("kernel"),
                        "function_type": ir.TypeAttr.get(kind),
                    },
                    regions=1,
                )
            block = function.regions[0].blocks.append(*kind.inputs)
            known = dict(zip(arguments, block.arguments, strict=True))
            with ir.InsertionPoint(block):
                for place in order:
                    self._clone(self._operations[place], known)
                ir.Operation.create("func.return", operands=[known[value] for value in results])
            target.operation.verify()
            return str(target)

    def _clone(self, operation: Any, known: dict[Any, Any]) -> None:
        copy = operation.clone()
        rewire(copy, known)
        for old, new in zip(operation.results, copy.results, strict=True):
            known[old] = new


def _read_values(operation: Any) -> list[Any]:
    """Operands, and what nested operations read from outside of their region."""
    values = list(operation.operands)
    for region in operation.regions:
        for block in region.blocks:
            for inner in block.operations:
                values.extend(_read_values(inner.operation))
    return values


def rewire(operation: Any, known: Mapping[Any, Any]) -> None:
    """Let an operation, and what it holds, read ``known[value]`` in place of ``value``."""
    for place, value in enumerate(operation.operands):
        if value in known:
            operation.operands[place] = known[value]
    for region in operation.regions:
        for block in region.blocks:
            for inner in block.operations:
                rewire(inner.operation, known)
