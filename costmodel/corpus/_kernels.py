"""Kernels that compilers tune: matrix products, convolutions, attention, with epilogues."""

from collections.abc import Callable, Sequence

import numpy as np

from costmodel.corpus._graph import Graph, Node

__all__ = ["KERNELS", "random_kernel"]

_SIZES = (8, 12, 16, 20, 24, 28, 32, 36, 40, 48, 56, 60, 64, 72, 80, 96, 112, 120, 128, 160, 192)
_HEADS = (16, 24, 32, 48, 64)
_CHANNELS = (4, 8, 12, 16, 24, 32, 40, 48, 64)
_MAX_WORK = 1 << 22
"""Multiply-accumulates of a kernel, so that a run takes milliseconds."""


def random_kernel(rng: np.random.Generator, name: str) -> Graph:
    """Draw a kernel of the family ``name``: its sizes, element type and epilogue."""
    graph = Graph("f64" if rng.random() < 0.15 else "f32")
    KERNELS[name](graph, rng)
    return graph


def softmax(graph: Graph, source: Node) -> Node:
    """Add a softmax over the last dimension."""
    axis = len(source.shape) - 1
    rows: Sequence[int] = source.shape[:-1]
    largest = graph.apply("reduce", [source], rows, axis=axis, kind="max")
    raised = graph.apply("unsqueeze", [largest], (*rows, 1))
    shifted = graph.apply("subtract", [source, raised], source.shape)
    exponent = graph.apply("exp", [shifted], source.shape)
    total = graph.apply("reduce", [exponent], rows, axis=axis, kind="sum")
    sums = graph.apply("unsqueeze", [total], (*rows, 1))
    return graph.apply("divide", [exponent, sums], source.shape)


def _drawn(
    rng: np.random.Generator, sizes: Sequence[int], number: int, factor: int = 1
) -> list[int]:
    while True:
        found = [int(rng.choice(sizes)) for _ in range(number)]
        if int(np.prod(found)) * factor <= _MAX_WORK:
            return found


def _epilogue(graph: Graph, rng: np.random.Generator, node: Node) -> Node:
    if rng.random() < 0.35:
        bias = graph.argument((node.shape[-1],))
        node = graph.apply("add", [node, bias], node.shape)
    if rng.random() < 0.3:
        node = graph.apply("relu", [node], node.shape)
    elif rng.random() < 0.15:
        node = graph.apply("scale", [node], node.shape, value=0.125)
    return node


def _matmul(graph: Graph, rng: np.random.Generator) -> None:
    rows, columns, depth = _drawn(rng, _SIZES, 3)
    left, right = graph.argument((rows, depth)), graph.argument((depth, columns))
    _epilogue(graph, rng, graph.apply("matmul", [left, right], (rows, columns)))


def _batch_matmul(graph: Graph, rng: np.random.Generator) -> None:
    batch = int(rng.choice((2, 3, 4, 8)))
    rows, columns, depth = _drawn(rng, _SIZES, 3, batch)
    left, right = graph.argument((batch, rows, depth)), graph.argument((batch, depth, columns))
    _epilogue(graph, rng, graph.apply("batch_matmul", [left, right], (batch, rows, columns)))


def _conv(graph: Graph, rng: np.random.Generator) -> None:
    window, stride = int(rng.choice((1, 3, 3, 5))), int(rng.choice((1, 1, 2)))
    side = int(rng.choice((6, 8, 10, 12, 14, 16)))
    channels, filters = _drawn(rng, _CHANNELS, 2, side * side * window * window)
    padded = (side - 1) * stride + window
    image = graph.argument((1, padded, padded, channels))
    weights = graph.argument((window, window, channels, filters))
    shape = (1, side, side, filters)
    _epilogue(graph, rng, graph.apply("conv", [image, weights], shape, stride=stride))


def _attention(graph: Graph, rng: np.random.Generator) -> None:
    heads = int(rng.choice((1, 2, 4)))
    queries, keys = (int(rng.choice(_SIZES[:15])) for _ in range(2))
    depth = int(rng.choice(_HEADS))
    query, key = graph.argument((heads, queries, depth)), graph.argument((heads, depth, keys))
    value = graph.argument((heads, keys, depth))
    scores = graph.apply("batch_matmul", [query, key], (heads, queries, keys))
    scaled = graph.apply("scale", [scores], scores.shape, value=round(depth**-0.5, 4))
    weights = softmax(graph, scaled)
    graph.apply("batch_matmul", [weights, value], (heads, queries, depth))


KERNELS: dict[str, Callable[[Graph, np.random.Generator], None]] = {
    "kernel-matmul": _matmul,
    "kernel-batch-matmul": _batch_matmul,
    "kernel-conv": _conv,
    "kernel-attention": _attention,
}
