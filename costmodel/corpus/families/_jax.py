"""Trace functions written with JAX into StableHLO, their weights as arguments."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from costmodel.corpus._slices import rewire
from costmodel.targets._lowering import stablehlo_context
from costmodel.targets._toolchain import tool

__all__ = ["Inputs", "JaxModel", "Weights", "jax_text", "ragged"]

Array = Any
"""A JAX array or a tracer of one."""
Inputs = Sequence[tuple[int, ...]]
"""Shapes of a model's inputs."""

_CLEAN = "builtin.module(func.func(chlo-legalize-to-stablehlo),canonicalize,cse)"


class Weights:
    """Hands out weights by shape; what a model asks for becomes an argument of its function."""

    def __init__(self, make: Callable[[tuple[int, ...]], Array]) -> None:
        self._make = make

    def __call__(self, *shape: int) -> Array:
        """Return the next weight, of the given shape."""
        return self._make(shape)


JaxModel = Callable[..., Any]
"""``model(weights, *inputs)``: a forward pass."""


def jax_text(model: JaxModel, inputs: Inputs, *, integers: Sequence[int] = ()) -> str:
    """Return StableHLO of a model; weights come first among the arguments.

    Args:
        model: The forward pass.
        inputs: Shapes of the inputs; floating-point unless named in ``integers``.
        integers: Places of inputs that hold indices.
    """
    jax, numpy = tool("jax"), tool("jax.numpy")
    jax.config.update("jax_platforms", "cpu")
    shapes: list[tuple[int, ...]] = []

    def recorded(shape: tuple[int, ...]) -> Array:
        shapes.append(shape)
        return numpy.zeros(shape, numpy.float32)

    examples = [
        jax.ShapeDtypeStruct(shape, np.int32 if place in integers else np.float32)
        for place, shape in enumerate(inputs)
    ]
    jax.eval_shape(lambda *values: model(Weights(recorded), *values), *examples)
    weights = [jax.ShapeDtypeStruct(shape, np.float32) for shape in shapes]

    def forward(given: Sequence[Array], *values: Array) -> Any:
        following: Iterator[Array] = iter(given)
        return model(Weights(lambda shape: next(following)), *values)

    return _inlined(jax.jit(forward).lower(weights, *examples).as_text())


def _inlined(text: str) -> str:
    ir, passes = tool("jaxlib.mlir.ir"), tool("jaxlib.mlir.passmanager")
    with stablehlo_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        _inline_calls(ir, module)
        passes.PassManager.parse(_CLEAN).run(module.operation)
        return str(module)


def _inline_calls(ir: Any, module: Any) -> None:
    """Replace each call by the body of its callee: JAX's copy of MLIR does not inline."""
    functions = {ir.StringAttr(one.attributes["sym_name"]).value: one for one in module.body}
    main = functions.pop("main")
    block = main.regions[0].blocks[0]
    while calls := [one for one in block.operations if one.operation.name == "func.call"]:
        for call in calls:
            callee = ir.FlatSymbolRefAttr(call.attributes["callee"]).value
            _inline(ir, call, functions[callee].regions[0].blocks[0])
    for one in functions.values():
        one.operation.erase()
    for name in ("arg_attrs", "res_attrs"):
        if name in main.attributes:
            del main.attributes[name]
    for name in [str(name) for name in module.operation.attributes]:
        if name.startswith("mhlo."):
            del module.operation.attributes[name]


def _inline(ir: Any, call: Any, body: Any) -> None:
    known = dict(zip(body.arguments, call.operands, strict=True))
    operations = list(body.operations)
    with ir.InsertionPoint(call):
        for operation in operations[:-1]:
            copy = operation.operation.clone()
            rewire(copy, known)
            known.update(zip(operation.results, copy.results, strict=True))
    for old, new in zip(call.results, operations[-1].operands, strict=True):
        old.replace_all_uses_with(known[new])
    call.operation.erase()


def ragged(rng: np.random.Generator, *options: int) -> int:
    """Draw one of the options."""
    return int(rng.choice(options))
