"""The tensor operations of a program and the loops that each stands for."""

from dataclasses import dataclass
from typing import Any

from costmodel.targets._lowering import Module, entry_function

__all__ = ["MARK", "LoopNest", "loop_nests", "mark_operations"]

MARK = "op_index"
"""Attribute that carries an operation's place in its program through passes."""

_PARALLEL, _REDUCTION = "parallel", "reduction"
_INLINE = {"math.sqrt", "math.absf", "math.fma", "math.floor", "math.ceil", "math.copysign"}
_KNOWN = {
    "linalg.matmul": (_PARALLEL, _PARALLEL, _REDUCTION),
    "linalg.batch_matmul": (_PARALLEL, _PARALLEL, _PARALLEL, _REDUCTION),
}


@dataclass(frozen=True, slots=True)
class LoopNest:
    """The loops of one ``linalg`` operation, outermost first."""

    index: int
    """Place of the operation among the marked ones."""
    name: str
    sizes: tuple[int, ...]
    kinds: tuple[str, ...]
    """``parallel`` or ``reduction``."""
    interchangeable: bool
    """Whether the loops may be reordered by permuting the operation's maps."""
    calls: bool = False
    """Whether an element takes a library call, which no vector instruction replaces."""

    @property
    def parallel(self) -> tuple[int, ...]:
        """Positions of the parallel loops."""
        return tuple(place for place, kind in enumerate(self.kinds) if kind == _PARALLEL)

    @property
    def reductions(self) -> tuple[int, ...]:
        """Positions of the reduction loops."""
        return tuple(place for place, kind in enumerate(self.kinds) if kind == _REDUCTION)


def mark_operations(module: Module) -> list[Any]:
    """Number the ``linalg`` operations of the module's function, in place; return them."""
    from costmodel.targets._toolchain import mlir

    ir = mlir()
    found: list[Any] = []
    block = entry_function(module).regions[0].blocks[0]
    for operation in block.operations:
        if operation.operation.name.startswith("linalg."):
            kind = ir.IntegerType.get_signless(64, module.context)
            operation.attributes[MARK] = ir.IntegerAttr.get(kind, len(found))
            found.append(operation)
    return found


def loop_nests(operations: list[Any]) -> list[LoopNest]:
    """Return the loops of those operations that can be tiled and vectorised."""
    nests = [_loop_nest(index, operation) for index, operation in enumerate(operations)]
    return [nest for nest in nests if nest is not None]


def _loop_nest(index: int, operation: Any) -> LoopNest | None:
    name = operation.operation.name
    if name in _KNOWN:
        sizes = _product_sizes(operation)
        return LoopNest(index, name, sizes, _KNOWN[name], interchangeable=False)
    if name == "linalg.conv_2d_nhwc_hwcf":
        return _convolution(index, name, operation)
    if name == "linalg.generic":
        return _generic(index, name, operation)
    return None


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(value.type.shape)


def _product_sizes(operation: Any) -> tuple[int, ...]:
    left, output = _shape(operation.operands[0]), _shape(operation.results[0])
    return (*output, left[-1])


def _convolution(index: int, name: str, operation: Any) -> LoopNest:
    filters, output = _shape(operation.operands[1]), _shape(operation.results[0])
    sizes = (*output, *filters[:3])
    kinds = (_PARALLEL,) * 4 + (_REDUCTION,) * 3
    return LoopNest(index, name, sizes, kinds, interchangeable=False)


def _generic(index: int, name: str, operation: Any) -> LoopNest | None:
    if not len(operation.results) or _reads_indices(operation):
        return None
    kinds = tuple(
        _REDUCTION if "reduction" in str(kind) else _PARALLEL
        for kind in operation.attributes["iterator_types"]
    )
    sizes = [0] * len(kinds)
    for operand, attribute in zip(
        operation.operands, operation.attributes["indexing_maps"], strict=True
    ):
        shape = getattr(operand.type, "shape", ())
        for size, expression in zip(shape, attribute.value.results, strict=True):
            place = getattr(expression, "position", None)
            if place is None:
                return None  # neither a loop variable nor its permutation
            sizes[place] = size
    if not sizes or not all(sizes):
        return None
    calls = any(
        inner.operation.name.startswith("math.") and inner.operation.name not in _INLINE
        for inner in operation.regions[0].blocks[0].operations
    )
    movable = len(kinds) > 1
    return LoopNest(index, name, tuple(sizes), kinds, interchangeable=movable, calls=calls)


def _reads_indices(operation: Any) -> bool:
    body = operation.regions[0].blocks[0]
    return any(
        inner.operation.name == "linalg.index" or len(inner.regions) for inner in body.operations
    )
