"""What a program does by its text alone: floating-point operations, bytes, their ratio."""

from collections.abc import Mapping
from typing import Any

from costmodel.targets._buffers import arguments_of
from costmodel.targets._lowering import Module, entry_function
from costmodel.targets._sandbox import SampleError
from costmodel.targets._spec import TargetSpec

__all__ = ["TARGETS", "labels"]

TARGETS = (
    TargetSpec(
        device="analytic",
        quantity="flops",
        unit="operations",
        log=True,
        description="Floating-point operations, from loop trip counts; an elementary function "
        "counts once, a fused multiply-add twice.",
    ),
    TargetSpec(
        device="analytic",
        quantity="bytes",
        unit="bytes",
        log=True,
        description="Bytes of all arguments and results: the least that must move.",
    ),
    TargetSpec(
        device="analytic",
        quantity="arithmetic_intensity",
        unit="operations/byte",
        direction="max",
        log=True,
        description="Floating-point operations over bytes.",
    ),
)

_ARITHMETIC = {
    "arith.addf",
    "arith.subf",
    "arith.mulf",
    "arith.divf",
    "arith.remf",
    "arith.negf",
    "arith.maximumf",
    "arith.minimumf",
    "arith.maxnumf",
    "arith.minnumf",
    "arith.cmpf",
}
_DOUBLE = {"math.fma", "vector.fma"}
_VECTOR = {
    "vector.reduction",
    "vector.multi_reduction",
    "vector.contract",
    "vector.outerproduct",
}


def labels(module: Module) -> Mapping[str, float]:
    """Return the labels of a program on buffers, in loops.

    Raises:
        SampleError: If a loop's trip count is not constant.
    """
    function = entry_function(module)
    flops = _flops(function.regions[0].blocks[0])
    moved = sum(argument.bytes for argument in arguments_of(module))
    return {
        "analytic/flops": float(flops),
        "analytic/bytes": float(moved),
        "analytic/arithmetic_intensity": flops / moved if moved else 0.0,
    }


def _flops(block: Any) -> int:
    total = 0
    for operation in block.operations:
        name = operation.operation.name
        inner = sum(_flops(one) for region in operation.regions for one in region.blocks)
        if inner and name in ("affine.for", "scf.for"):
            inner *= _trip_count(operation, name)
        total += inner + _own_flops(operation, name)
    return total


def _own_flops(operation: Any, name: str) -> int:
    if name in _VECTOR:
        return _vector_flops(operation, name)
    weight = 2 if name in _DOUBLE else 1 if name in _ARITHMETIC or name.startswith("math.") else 0
    return weight * _elements(operation.results[0].type) if weight else 0


def _vector_flops(operation: Any, name: str) -> int:
    if name in ("vector.reduction", "vector.multi_reduction"):
        return _elements(operation.operands[0].type)
    if name == "vector.outerproduct":
        return 2 * _elements(operation.results[0].type)
    raise SampleError("vector.contract: lower it before counting operations")


def _elements(kind: Any) -> int:
    total = 1
    for size in getattr(kind, "shape", ()):
        total *= size
    return total


def _trip_count(operation: Any, name: str) -> int:
    if name == "scf.for":
        bounds = [_constant(operation.operands[index]) for index in range(3)]
        lower, upper, step = bounds
    else:
        lower, upper = _affine_range(operation)
        step = int(operation.attributes["step"].value)
    return max(0, -(-(upper - lower) // step))


def _constant(value: Any) -> int:
    owner = value.owner
    if getattr(owner, "name", "") != "arith.constant":
        raise SampleError("a loop's bound is not constant")
    return int(owner.attributes["value"].value)


def _affine_range(operation: Any) -> tuple[int, int]:
    lower = operation.attributes["lowerBoundMap"].value
    upper = operation.attributes["upperBoundMap"].value
    if len(lower.results) != 1 or len(upper.results) != 1:
        raise SampleError("a loop's bound is not constant")
    first, last = lower.results[0], upper.results[0]
    if hasattr(last, "value") and hasattr(first, "value"):
        return int(first.value), int(last.value)
    return 0, _tile(str(first), str(last))


def _tile(first: str, last: str) -> int:
    # A tiled loop runs from d0 to d0 + size.
    head, plus, size = last.rpartition(" + ")
    if plus and head.strip() == first.strip() and size.isdigit():
        return int(size)
    raise SampleError("a loop's bound is not constant")
