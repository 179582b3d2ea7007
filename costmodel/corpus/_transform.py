"""Transform-dialect scripts: register tiles with explicit vectors, unrolled and jammed loops."""

from collections.abc import Mapping, Sequence
from typing import Any

from costmodel.corpus._operations import MARK, LoopNest
from costmodel.targets._lowering import Module
from costmodel.targets._sandbox import SampleError
from costmodel.targets._toolchain import mlir

__all__ = ["register_tiles", "unroll_and_jam"]

_HANDLE = "!transform.any_op"
_CONVOLUTION = "linalg.conv_2d_nhwc_hwcf"
_LOOP = "loop_index"

# Sums of products become contractions; accumulators of a reduction loop stay in registers.
_FINISH = f"""\
  %function = transform.structured.match ops{{["func.func"]}} in %root : ({_HANDLE}) -> {_HANDLE}
  transform.apply_patterns to %function {{
    transform.apply_patterns.vector.reduction_to_contract
    transform.apply_patterns.vector.transfer_permutation_patterns
    transform.apply_patterns.tensor.merge_consecutive_insert_extract_slice
    transform.apply_patterns.tensor.fold_tensor_subset_ops_into_vector_transfers
    transform.apply_patterns.canonicalization
  }} : {_HANDLE}
  %loops = transform.structured.match ops{{["scf.for"]}} in %root : ({_HANDLE}) -> {_HANDLE}
  transform.foreach %loops : {_HANDLE} {{
  ^bb0(%loop: {_HANDLE}):
    transform.loop.hoist_loop_invariant_subsets %loop : {_HANDLE}
  }}"""


def register_tiles(
    module: Module, steps: Sequence[Mapping[str, Any]], nests: Mapping[int, LoopNest]
) -> None:
    """Tile and vectorise marked operations, in place.

    Args:
        module: A module on tensors whose operations are marked.
        steps: Steps ``register_tile``.
        nests: Loops of the marked operations.
    """
    lines = [line for step in steps for line in _tile_lines(step, nests[step["op"]])]
    _interpret(module, "\n".join([*lines, _FINISH]))


def unroll_and_jam(module: Module, place: int, factor: int) -> bool:
    """Unroll one loop that is not innermost and fuse the copies of what it holds, in place.

    Args:
        module: A module in affine loops.
        place: Which loop: counted round among those that can be unrolled.
        factor: Copies; the closest divisor of the loop's trip count is taken.

    Returns:
        Whether there was such a loop.

    Raises:
        SampleError: If the loop cannot be unrolled for another reason.
    """
    ir = mlir()
    candidates = [one for one in _affine_loops(module.operation) if _jammable(one)]
    if not candidates:
        return False
    loop = candidates[place % len(candidates)]
    trips = _trips(loop)
    divisors = [one for one in range(2, 2 * factor + 1) if trips % one == 0]
    if not divisors:
        return False
    factor = min(divisors, key=lambda one: abs(one - factor))
    kind = ir.IntegerType.get_signless(64, module.context)
    loop.attributes[_LOOP] = ir.IntegerAttr.get(kind, 0)
    _interpret(
        module,
        f"  %loop = transform.structured.match attributes{{{_LOOP} = 0 : i64}} in %root "
        f": ({_HANDLE}) -> {_HANDLE}\n"
        f"  transform.loop.unroll_and_jam %loop {{ factor = {factor} }} : {_HANDLE}",
    )
    for one in _affine_loops(module.operation):
        if _LOOP in one.attributes:
            del one.attributes[_LOOP]
    return True


def _interpret(module: Module, body: str) -> None:
    ir = mlir()
    interpreter = mlir("dialects.transform.interpreter")
    script = ir.Module.parse(
        "module attributes {transform.with_named_sequence} {\n"
        f"transform.named_sequence @__transform_main(%root: {_HANDLE} {{transform.consumed}}) {{\n"
        f"{body}\n  transform.yield\n}}\n}}\n",
        module.context,
    )
    try:
        interpreter.apply_named_sequence(
            module.operation, script.body.operations[0].operation, script.operation
        )
    except (ValueError, ir.MLIRError) as error:
        raise SampleError(f"transform: {error}") from error


def _tile_lines(step: Mapping[str, Any], nest: LoopNest) -> list[str]:
    number, tile = step["op"], step["tile"]
    outer = [tile[place] if kind == "parallel" else 0 for place, kind in enumerate(nest.kinds)]
    inner = [tile[place] if kind == "reduction" else 0 for place, kind in enumerate(nest.kinds)]
    name = f"%op{number}"
    lines = [
        f"  {name} = transform.structured.match attributes{{{MARK} = {number} : i64}} in %root "
        f": ({_HANDLE}) -> {_HANDLE}",
        f"  {name}_t, {name}_f = transform.structured.tile_using_forall {name} "
        f"tile_sizes {outer} : ({_HANDLE}) -> ({_HANDLE}, {_HANDLE})",
    ]
    current, loops = f"{name}_t", sum(1 for size in inner if size)
    if loops:
        handles = ", ".join([_HANDLE] * (loops + 1))
        lines.append(
            f"  {name}_r, {name}_l:{loops} = transform.structured.tile_using_for {current} "
            f"tile_sizes {inner} : ({_HANDLE}) -> ({handles})"
        )
        current = f"{name}_r"
    if nest.name == _CONVOLUTION:
        lines.append(
            f"  {name}_d = transform.structured.decompose {current} : ({_HANDLE}) -> {_HANDLE}"
        )
        current = f"{name}_d"
    lines.append(f"  transform.structured.vectorize {current} : {_HANDLE}")
    if loops and "unroll" in step:
        lines.append(
            f"  transform.loop.unroll {name}_l#{loops - 1} "
            f"{{ factor = {step['unroll']} }} : {_HANDLE}"
        )
    return lines


def _affine_loops(operation: Any) -> list[Any]:
    found = []
    for region in operation.regions:
        for block in region.blocks:
            for inner in block.operations:
                if inner.operation.name == "affine.for":
                    found.append(inner)
                found.extend(_affine_loops(inner.operation))
    return found


def _jammable(loop: Any) -> bool:
    # A perfect nest: besides the end of the body there is just one loop, with no results.
    body = list(loop.regions[0].blocks[0].operations)
    perfect = len(body) == 2 and body[0].operation.name == "affine.for"
    return perfect and not len(loop.results) and not len(body[0].results) and _trips(loop) > 1


def _trips(loop: Any) -> int:
    lower = loop.attributes["lowerBoundMap"].value.results
    upper = loop.attributes["upperBoundMap"].value.results
    bounds = [int(one.value) for one in (*lower, *upper) if hasattr(one, "value")]
    if len(lower) != 1 or len(upper) != 1 or len(bounds) != 2:
        return 0
    return -(-(bounds[1] - bounds[0]) // int(loop.attributes["step"].value))
