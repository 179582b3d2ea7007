"""Random valid programs: each operation says what operands it takes, the rest is drawn.

A rule knows its operation's type constraints. It looks among the values made so far for one that
fits, asks for a fresh argument of the shape that is missing, and infers the result's shape.
"""

from collections.abc import Callable

import numpy as np

from costmodel.corpus._graph import Graph, Node, Shape

__all__ = ["RULES", "random_graph"]

_DIMENSIONS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128)
_CHANNELS = (1, 3, 4, 8, 12, 16, 24, 32, 48, 64)
_MAX_ELEMENTS = 1 << 16
_MAX_WORK = 1 << 24
"""Multiply-accumulates of one operation, so that a run takes milliseconds."""

Rule = Callable[[Graph, np.random.Generator], Node | None]
"""Adds one operation to the graph, or returns None if its constraints cannot be met."""

_UNARY = (
    "exp",
    "tanh",
    "log",
    "sqrt",
    "rsqrt",
    "abs",
    "negate",
    "sin",
    "cos",
    "erf",
    "floor",
    "relu",
    "logistic",
)
_CHEAP = ("sqrt", "abs", "negate", "relu", "floor")
_BINARY = ("add", "subtract", "multiply", "divide", "maximum", "minimum")


def random_graph(rng: np.random.Generator, *, max_operations: int = 12) -> Graph:
    """Draw a graph of 1 to ``max_operations`` operations."""
    graph = Graph("f64" if rng.random() < 0.12 else "f32")
    graph.argument(_shape(rng, int(rng.integers(1, 5))))
    names = list(RULES)
    weights = np.array([_WEIGHTS.get(name, 1.0) for name in names])
    wanted = int(rng.integers(1, max_operations + 1))
    for _ in range(4 * wanted):
        rule = RULES[names[int(rng.choice(len(names), p=weights / weights.sum()))]]
        rule(graph, rng)
        if len(graph.operations) >= wanted:
            break
    return graph


def _shape(rng: np.random.Generator, rank: int) -> Shape:
    while True:
        shape = tuple(int(rng.choice(_DIMENSIONS)) for _ in range(rank))
        if 4 <= int(np.prod(shape)) <= _MAX_ELEMENTS:
            return shape


def _pick(graph: Graph, rng: np.random.Generator, fits: Callable[[Shape], bool]) -> Node | None:
    # Recent values are likelier, so that graphs grow deep and not only wide.
    found = [node for node in graph.nodes if fits(node.shape)]
    if not found:
        return None
    weights = np.array([1.0 + place for place in range(len(found))])
    return found[int(rng.choice(len(found), p=weights / weights.sum()))]


def _pick_or_make(graph: Graph, rng: np.random.Generator, rank: int) -> Node:
    found = _pick(graph, rng, lambda shape: len(shape) == rank)
    if found is not None and rng.random() < 0.85:
        return found
    return graph.argument(_shape(rng, rank))


def _like(graph: Graph, rng: np.random.Generator, shape: Shape) -> Node:
    found = _pick(graph, rng, lambda other: other == shape)
    if found is not None and rng.random() < 0.6:
        return found
    return graph.argument(shape)


def _any(graph: Graph, rng: np.random.Generator) -> Node | None:
    return _pick(graph, rng, lambda shape: True)


def _unary(graph: Graph, rng: np.random.Generator) -> Node | None:
    source = _any(graph, rng)
    if source is None:
        return None
    names = _CHEAP if rng.random() < 0.5 else _UNARY
    return graph.apply(str(rng.choice(names)), [source], source.shape)


def _scale(graph: Graph, rng: np.random.Generator) -> Node | None:
    source = _any(graph, rng)
    value = round(float(rng.uniform(0.1, 2.0)), 3)
    return source and graph.apply("scale", [source], source.shape, value=value)


def _binary(graph: Graph, rng: np.random.Generator) -> Node | None:
    left = _any(graph, rng)
    if left is None:
        return None
    right = _like(graph, rng, left.shape)
    return graph.apply(str(rng.choice(_BINARY)), [left, right], left.shape)


def _broadcast(graph: Graph, rng: np.random.Generator) -> Node | None:
    left = _pick(graph, rng, lambda shape: len(shape) >= 2)
    if left is None:
        return None
    if rng.random() < 0.5:
        shape = left.shape[int(rng.integers(1, len(left.shape))) :]
    else:
        shape = (*left.shape[:-1], 1)
    return graph.apply(str(rng.choice(_BINARY)), [left, _like(graph, rng, shape)], left.shape)


def _select(graph: Graph, rng: np.random.Generator) -> Node | None:
    first = _any(graph, rng)
    if first is None:
        return None
    others = [_like(graph, rng, first.shape) for _ in range(2)]
    return graph.apply("select", [first, *others], first.shape)


def _reduce(graph: Graph, rng: np.random.Generator) -> Node | None:
    source = _pick(graph, rng, lambda shape: len(shape) >= 2)
    if source is None:
        return None
    axis = int(rng.integers(len(source.shape)))
    kind = str(rng.choice(("sum", "sum", "max", "product")))
    shape = (*source.shape[:axis], *source.shape[axis + 1 :])
    return graph.apply("reduce", [source], shape, axis=axis, kind=kind)


def _transpose(graph: Graph, rng: np.random.Generator) -> Node | None:
    source = _pick(graph, rng, lambda shape: len(shape) >= 2)
    if source is None:
        return None
    order = [int(place) for place in rng.permutation(len(source.shape))]
    return graph.apply("transpose", [source], [source.shape[place] for place in order], order=order)


def _matmul(graph: Graph, rng: np.random.Generator) -> Node | None:
    left = _pick_or_make(graph, rng, 2)
    rows, depth = left.shape
    columns = _fitting(rng, rows * depth)
    right = _like(graph, rng, (depth, columns))
    return graph.apply("matmul", [left, right], (rows, columns))


def _batch_matmul(graph: Graph, rng: np.random.Generator) -> Node | None:
    left = _pick_or_make(graph, rng, 3)
    batch, rows, depth = left.shape
    columns = _fitting(rng, batch * rows * depth)
    right = _like(graph, rng, (batch, depth, columns))
    return graph.apply("batch_matmul", [left, right], (batch, rows, columns))


def _matvec(graph: Graph, rng: np.random.Generator) -> Node | None:
    matrix = _pick_or_make(graph, rng, 2)
    vector = _like(graph, rng, (matrix.shape[1],))
    return graph.apply("matvec", [matrix, vector], (matrix.shape[0],))


def _fitting(rng: np.random.Generator, work: int) -> int:
    options = [size for size in _DIMENSIONS if work * size <= _MAX_WORK]
    return int(rng.choice(options)) if options else 1


def _image(graph: Graph, rng: np.random.Generator, window: int) -> Node:
    found = _pick(graph, rng, lambda one: len(one) == 4 and min(one[1:3]) > window)
    if found is not None and rng.random() < 0.8:
        return found
    side = int(rng.choice((7, 8, 12, 14, 16, 20, 28, 32)))
    return graph.argument((int(rng.choice((1, 1, 2))), side, side, int(rng.choice(_CHANNELS))))


def _side(size: int, window: int, stride: int) -> int:
    return (size - window) // stride + 1


def _conv(graph: Graph, rng: np.random.Generator) -> Node | None:
    window, stride = int(rng.choice((1, 3, 3, 5))), int(rng.choice((1, 1, 2)))
    image = _image(graph, rng, window)
    batch, rows, columns, channels = image.shape
    if min(rows, columns) < window:
        return None
    rows, columns = _side(rows, window, stride), _side(columns, window, stride)
    work = batch * rows * columns * channels * window * window
    options = [size for size in _CHANNELS if work * size <= _MAX_WORK]
    if not options:
        return None
    filters = int(rng.choice(options))
    weights = _like(graph, rng, (window, window, channels, filters))
    shape = (batch, rows, columns, filters)
    return graph.apply("conv", [image, weights], shape, stride=stride)


def _depthwise_conv(graph: Graph, rng: np.random.Generator) -> Node | None:
    window, stride = int(rng.choice((3, 3, 5))), int(rng.choice((1, 1, 2)))
    image = _image(graph, rng, window)
    batch, rows, columns, channels = image.shape
    if min(rows, columns) < window:
        return None
    weights = _like(graph, rng, (window, window, channels))
    shape = (batch, _side(rows, window, stride), _side(columns, window, stride), channels)
    return graph.apply("depthwise_conv", [image, weights], shape, stride=stride)


def _pool(graph: Graph, rng: np.random.Generator) -> Node | None:
    window = int(rng.choice((2, 3)))
    image = _image(graph, rng, window)
    batch, rows, columns, channels = image.shape
    if min(rows, columns) < window:
        return None
    stride = int(rng.choice((1, window)))
    shape = (batch, _side(rows, window, stride), _side(columns, window, stride), channels)
    kind = str(rng.choice(("max", "sum")))
    return graph.apply("pool", [image], shape, kind=kind, window=window, stride=stride)


def _slice(graph: Graph, rng: np.random.Generator) -> Node | None:
    source = _pick(graph, rng, lambda shape: max(shape, default=0) >= 4)
    if source is None:
        return None
    steps = [int(rng.choice((1, 1, 2))) if size >= 4 else 1 for size in source.shape]
    offsets = [int(rng.integers(0, size // 4 + 1)) for size in source.shape]
    shape = [
        (size - offset + step - 1) // step
        for size, offset, step in zip(source.shape, offsets, steps, strict=True)
    ]
    return graph.apply("slice", [source], shape, offsets=offsets, steps=steps)


def _collapse(graph: Graph, rng: np.random.Generator) -> Node | None:
    source = _pick(graph, rng, lambda shape: len(shape) >= 2)
    if source is None:
        return None
    place = int(rng.integers(len(source.shape) - 1))
    merged = source.shape[place] * source.shape[place + 1]
    shape = (*source.shape[:place], merged, *source.shape[place + 2 :])
    return graph.apply("collapse", [source], shape, place=place)


RULES: dict[str, Rule] = {
    "unary": _unary,
    "scale": _scale,
    "binary": _binary,
    "broadcast": _broadcast,
    "select": _select,
    "reduce": _reduce,
    "transpose": _transpose,
    "matmul": _matmul,
    "batch_matmul": _batch_matmul,
    "matvec": _matvec,
    "conv": _conv,
    "depthwise_conv": _depthwise_conv,
    "pool": _pool,
    "slice": _slice,
    "collapse": _collapse,
}
_WEIGHTS = {"unary": 2.5, "binary": 3.0, "broadcast": 2.0, "matmul": 1.5, "slice": 0.5, "pool": 0.6}
