"""Systolic arrays in closed form, as SCALE-Sim counts them.

    from simulators.accelerator import Layer, systolic

    cost = systolic.evaluate(Layer.matmul(m=64, n=128, k=256), array=(16, 16), dataflow="ws")
    layers = systolic.read_topology("alexnet.csv")

An array of R rows and C columns computes an (M x K) by (K x N) product in folds, one after the
other. Each fold keeps one operand in the array, fills it, streams the others and drains. A
convolution is the product of its unrolled windows: M output pixels, N filters, K weights each
(Samajdar et al., "A systematic methodology for characterizing scalability of DNN accelerators using
SCALE-Sim", ISPASS 2020).

| dataflow | what stays | folds | cycles of a fold |
|---|---|---|---|
| ws | weights | ceil(K/R) ceil(N/C) | 2R + C + M - 2 |
| is | inputs | ceil(K/R) ceil(M/C) | 2R + C + N - 2 |
| os | outputs | ceil(M/R) ceil(N/C) | R + C + K - 2 |

SCALE-Sim 3.0 prints the number of the last cycle, counted from 0: one less than ``cycles``. Its
memories are not modelled: its interface mode CALC assumes that they keep up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, prod
from typing import get_args

from simulators.accelerator._layer import Layer
from simulators.accelerator._scalesim_files import (
    Config,
    Dataflow,
    read_config,
    read_topology,
)
from simulators.errors import InvalidConfigError, did_you_mean

__all__ = [
    "Config",
    "Cost",
    "Dataflow",
    "Gemm",
    "evaluate",
    "evaluate_network",
    "gemm",
    "read_config",
    "read_topology",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gemm:
    """A layer as matrix products: ``batch`` independent ones of (m x k) by (k x n)."""

    batch: int
    """Products that share nothing: groups, or channels of a depthwise convolution."""
    m: int
    """Rows of the inputs: output pixels of all images."""
    n: int
    """Columns of the weights: filters."""
    k: int
    """The reduction: weights of a filter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a layer, or several, take on a systolic array."""

    cycles: int
    """Cycles of all folds."""
    macs: int
    """Multiply-accumulates."""
    folds: int
    """Tiles that the array works on, one after the other."""
    utilization: float
    """Multiply-accumulates per PE and cycle, 0 to 1."""
    mapping_efficiency: float
    """Mean share of PEs that hold data of a fold, 0 to 1."""
    input_reads: int
    """Words of the input matrix that enter the array from its buffer."""
    weight_reads: int
    """Words of the weight matrix that enter the array from its buffer."""
    output_writes: int
    """Words that leave the array: outputs, or a partial sum per fold of the reduction."""


def evaluate(layer: Layer, array: tuple[int, int], dataflow: Dataflow = "ws") -> Cost:
    """Return the cost of ``layer``, once, whatever its ``count``.

    Args:
        layer: any product of two tensors.
        array: rows and columns of PEs.
        dataflow: "ws", "is" or "os": weights, inputs or outputs are stationary.

    Raises:
        InvalidConfigError: an argument is not allowed, or the layer is no matrix product.
    """
    rows, columns = _checked(array, dataflow)
    product = gemm(layer)
    m, n, k = product.m, product.n, product.k
    if dataflow == "ws":
        across, down, fold_cycles = k, n, 2 * rows + columns + m - 2
    elif dataflow == "is":
        across, down, fold_cycles = k, m, 2 * rows + columns + n - 2
    else:
        across, down, fold_cycles = m, n, rows + columns + k - 2
    row_folds, column_folds = ceil(across / rows), ceil(down / columns)
    folds = product.batch * row_folds * column_folds
    # What is stationary is read once; the others are read again by every fold across them.
    inputs, weights, outputs = {
        "ws": (column_folds, 1, row_folds),
        "is": (1, column_folds, row_folds),
        "os": (column_folds, row_folds, 1),
    }[dataflow]
    macs = product.batch * m * n * k
    return Cost(
        cycles=folds * fold_cycles,
        macs=macs,
        folds=folds,
        utilization=macs / (folds * fold_cycles * rows * columns),
        mapping_efficiency=across * down / (row_folds * rows * column_folds * columns),
        input_reads=product.batch * m * k * inputs,
        weight_reads=product.batch * k * n * weights,
        output_writes=product.batch * m * n * outputs,
    )


def evaluate_network(
    layers: Sequence[Layer], array: tuple[int, int], dataflow: Dataflow = "ws"
) -> Cost:
    """Return the cost of ``layers`` one after the other, each as often as its ``count`` says.

    Raises:
        InvalidConfigError: as `evaluate`, or there are no layers.
    """
    if not layers:
        raise InvalidConfigError("There are no layers. Give at least one.")
    costs = [(layer.count, evaluate(layer, array, dataflow)) for layer in layers]
    cycles = sum(count * cost.cycles for count, cost in costs)
    macs = sum(count * cost.macs for count, cost in costs)
    folds = sum(count * cost.folds for count, cost in costs)
    held = sum(count * cost.folds * cost.mapping_efficiency for count, cost in costs)
    return Cost(
        cycles=cycles,
        macs=macs,
        folds=folds,
        utilization=macs / (cycles * array[0] * array[1]),
        mapping_efficiency=held / folds,
        input_reads=sum(count * cost.input_reads for count, cost in costs),
        weight_reads=sum(count * cost.weight_reads for count, cost in costs),
        output_writes=sum(count * cost.output_writes for count, cost in costs),
    )


def gemm(layer: Layer) -> Gemm:
    """Return the matrix products that a layer is.

    A dimension of inputs and outputs belongs to m, one of weights and outputs to n, one of inputs
    and weights to k, and one of all three to the batch.

    Raises:
        InvalidConfigError: the layer has not the tensors Weights, Inputs and Outputs, or a
            dimension that only one of them has.
    """
    names = {tensor.name for tensor in layer.tensors}
    if names != {"Weights", "Inputs", "Outputs"}:
        raise InvalidConfigError(
            f"layer {layer.name!r} has the tensors {', '.join(sorted(names))}. "
            "A systolic array multiplies Weights by Inputs into Outputs."
        )
    members = {name: layer.tensor(name).dims for name in ("Inputs", "Weights", "Outputs")}
    sizes = {"batch": 1, "m": 1, "n": 1, "k": 1}
    kinds = {"IWO": "batch", "IO": "m", "WO": "n", "IW": "k"}
    for dim, bound in layer.dims.items():
        held = "".join(name[0] for name, dims in members.items() if dim in dims)
        if held not in kinds and bound > 1:
            raise InvalidConfigError(
                f"layer {layer.name!r}: the dimension {dim} belongs to one tensor alone, so the "
                "layer is no matrix product. Remove it, or set it to 1."
            )
        sizes[kinds.get(held, "batch")] *= bound
    assert prod(sizes.values()) == layer.macs  # noqa: S101 - every dimension is counted once
    return Gemm(**sizes)


def _checked(array: tuple[int, int], dataflow: str) -> tuple[int, int]:
    allowed = get_args(Dataflow)
    if dataflow not in allowed:
        raise InvalidConfigError(
            f"dataflow={dataflow!r} is not allowed.{did_you_mean(dataflow, allowed)} "
            f"Allowed: {', '.join(allowed)}."
        )
    rows, columns = array
    for size in (rows, columns):
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise InvalidConfigError(
                f"array={array!r} is not allowed. Give rows and columns, whole numbers from 1."
            )
    return rows, columns
