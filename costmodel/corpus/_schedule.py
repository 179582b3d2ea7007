"""Random, recorded schedules: how a program's loops are arranged before code generation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from costmodel.corpus._operations import LoopNest, loop_nests, mark_operations
from costmodel.corpus._transform import register_tiles, unroll_and_jam
from costmodel.targets._lowering import (
    BUFFERIZE,
    LOOPS,
    Module,
    apply_passes,
    parse,
)
from costmodel.targets._toolchain import mlir

__all__ = ["Step", "random_schedule", "scheduled"]

Step = Mapping[str, Any]
"""One recorded step: its name under ``step``, and its parameters."""

_TILE_SIZES = (4, 8, 16, 32)
_UNROLL_FACTORS = (2, 4, 8, 16)
_JAM_FACTORS = (2, 4, 8)
_VECTOR_SIZES = (4, 8, 16, 32)
_REGISTER_ROWS = (1, 2, 4, 6, 8, 12, 16)
_REGISTER_COLUMNS = (4, 8, 16, 32, 48, 64)
_REDUCTION_TILES = (1, 2, 4, 8)
_MAX_LOOPS = 60
"""A loop is drawn below this number and counted round among those that a program has."""
_MAX_ACCUMULATORS = 512
_MAX_TILE = 4096
"""Elements of an unrolled tile, so that no schedule makes more code than it can be worth."""

_PASSES = {
    "fuse": "affine-loop-fusion{{mode={mode}}}",
    "tile": "affine-loop-tile{{tile-size={size}}}",
    "scalar_replace": "affine-scalrep",
    "vectorize": "affine-super-vectorize{{virtual-vector-size={size}}}",
    "unroll": "affine-loop-unroll{{unroll-factor={factor}}}",
    "hoist": "affine-loop-invariant-code-motion",
}


def random_schedule(
    rng: np.random.Generator, nests: Sequence[LoopNest], *, kernel: bool = False
) -> list[Step]:
    """Draw a schedule.

    Args:
        rng: Where the choices come from.
        nests: The program's operations that can be tiled and vectorised.
        kernel: Prefer register tiles and explicit vectors, as in tuned kernels.
    """
    if nests and rng.random() < (0.9 if kernel else 0.3):
        steps = [_register_tile(rng, nest) for nest in nests]
        chosen: list[Step] = [step for step in steps if step is not None]
        if chosen:
            return chosen
    return _loop_steps(rng, nests)


def _loop_steps(rng: np.random.Generator, nests: Sequence[LoopNest]) -> list[Step]:
    steps: list[Step] = []
    movable = [nest for nest in nests if nest.interchangeable]
    if movable and rng.random() < 0.25:
        nest = movable[rng.integers(len(movable))]
        order = [int(place) for place in rng.permutation(len(nest.sizes))]
        steps.append({"step": "interchange", "op": nest.index, "order": order})
    if rng.random() < 0.4:
        steps.append({"step": "fuse", "mode": _choice(rng, ("greedy", "producer", "sibling"))})
    tiled = rng.random() < 0.25  # LLVM 22 aborts when it vectorises tiled loops
    if tiled:
        steps.append({"step": "tile", "size": _choice(rng, _TILE_SIZES)})
    # Before loops are unrolled: the vectoriser takes a larger step for a larger stride.
    elif rng.random() < 0.55:
        steps.append({"step": "vectorize", "size": _choice(rng, _VECTOR_SIZES)})
    if not tiled and rng.random() < 0.55:
        for _ in range(int(rng.integers(1, 3))):
            loop = int(rng.integers(_MAX_LOOPS))
            steps.append({"step": "unroll_jam", "loop": loop, "factor": _choice(rng, _JAM_FACTORS)})
        steps.append({"step": "scalar_replace"})
    if not steps or rng.random() < 0.4:
        steps.append({"step": "unroll", "factor": _choice(rng, _UNROLL_FACTORS)})
    if rng.random() < 0.2:
        steps.append({"step": "hoist"})
    return steps


def _choice(rng: np.random.Generator, options: Sequence[Any]) -> Any:
    return options[int(rng.integers(len(options)))]


def _register_tile(rng: np.random.Generator, nest: LoopNest) -> Step | None:
    """Tile the last two parallel loops for registers, the reductions for unrolling."""
    if not nest.parallel:
        return None
    tile = [1] * len(nest.sizes)
    if nest.name == "linalg.conv_2d_nhwc_hwcf":
        rows, columns = 2, 3  # output columns and filters
    else:
        columns = nest.parallel[-1]
        rows = nest.parallel[-2] if len(nest.parallel) > 1 else -1
    tile[columns] = _divisor(rng, nest.sizes[columns], _REGISTER_COLUMNS)
    power = tile[columns] & -tile[columns]
    if power >= 4 and rng.random() < 0.9:
        tile[columns] = power  # the sizes that vector registers have
    if rows >= 0:
        tile[rows] = _divisor(rng, nest.sizes[rows], _REGISTER_ROWS)
    while rows >= 0 and tile[rows] * tile[columns] > _MAX_ACCUMULATORS:
        tile[rows] = _divisor(rng, nest.sizes[rows], (tile[rows] // 2,))
    if nest.reductions:
        last = nest.reductions[-1]
        tile[last] = _divisor(rng, nest.sizes[last], _REDUCTION_TILES)
    limit = 16 if nest.calls else _MAX_TILE if nest.reductions else _MAX_TILE // 8
    while int(np.prod(tile)) > limit:
        largest = int(np.argmax(tile))
        tile[largest] = _divisor(rng, nest.sizes[largest], (tile[largest] // 2,))
    step: dict[str, Any] = {"step": "register_tile", "op": nest.index, "tile": tile}
    if nest.reductions and rng.random() < 0.3:
        step["unroll"] = _choice(rng, (2, 4))
    return step


def _divisor(rng: np.random.Generator, size: int, wanted: Sequence[int]) -> int:
    # The largest divisor of the loop's size that does not exceed the size drawn.
    limit = min(size, _choice(rng, wanted))
    return next(one for one in range(max(limit, 1), 0, -1) if size % one == 0)


def scheduled(text: str, steps: Sequence[Step]) -> tuple[Module, list[Step]]:
    """Return the program as loops on buffers, arranged by the steps, and the steps that applied.

    Args:
        text: A program in ``linalg`` on tensors with one function.
        steps: What :func:`random_schedule` drew for it; empty for no schedule.

    Raises:
        SampleError: If a pass refuses.
    """
    module = parse(text)
    operations = mark_operations(module)
    nests = {nest.index: nest for nest in loop_nests(operations)}
    applied = [step for step in steps if step["step"] in ("interchange", "register_tile")]
    tiles = [step for step in applied if step["step"] == "register_tile"]
    for step in applied:
        if step["step"] == "interchange":
            _interchange(operations[step["op"]], step["order"])
    if tiles:
        register_tiles(module, tiles, nests)
        apply_passes(module, "canonicalize,cse")
    apply_passes(module, BUFFERIZE)
    apply_passes(module, LOOPS)
    for step in steps:
        if step["step"] == "unroll_jam":
            if unroll_and_jam(module, step["loop"], step["factor"]):
                applied.append(step)
        elif step["step"] in _PASSES:
            _apply(module, step)
            applied.append(step)
    apply_passes(module, "func.func(canonicalize,cse)")
    return module, applied


def _apply(module: Module, step: Step) -> None:
    # The vectoriser reports loops that it leaves alone as errors although it succeeds, and the
    # bindings abort the process for an error that no exception carries.
    module.context.emit_error_diagnostics = step["step"] == "vectorize"
    try:
        apply_passes(module, f"func.func({_PASSES[step['step']].format(**step)})")
    finally:
        module.context.emit_error_diagnostics = False


def _interchange(operation: Any, order: Sequence[int]) -> None:
    """Make loop ``order[i]`` of the operation its loop ``i``."""
    ir = mlir()
    maps, kinds = operation.attributes["indexing_maps"], operation.attributes["iterator_types"]
    context = operation.context
    with context, operation.location:
        place_of = [order.index(place) for place in range(len(order))]
        dims = [ir.AffineExpr.get_dim(place) for place in place_of]
        moved = [
            ir.AffineMap.get(
                len(order), 0, [dims[expression.position] for expression in one.value.results]
            )
            for one in maps
        ]
        operation.attributes["indexing_maps"] = ir.ArrayAttr.get(
            [ir.AffineMapAttr.get(one) for one in moved]
        )
        operation.attributes["iterator_types"] = ir.ArrayAttr.get([kinds[place] for place in order])
