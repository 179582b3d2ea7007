"""Loops over long arrays, as one writes them by hand: maps, reductions, rows, stencils, products.

Models and tuned kernels have many short dimensions; BLAS 1 and 2, STREAM and stencils have few long
ones, and compilers make other code of them.
"""

from collections.abc import Callable

import numpy as np

from costmodel.corpus._graph import Graph, Node, Shape

__all__ = ["LOOPS", "Shape", "random_loops", "random_shape"]

_LEAST_ELEMENTS, _MAX_ELEMENTS = 1 << 6, 1 << 20
_RANKS = (0.6, 0.3, 0.1)
"""How often arrays have one, two and three dimensions."""
_LEAST_SIDE = 4
_BINARY = ("add", "add", "subtract", "multiply", "multiply", "divide", "maximum", "minimum")
_CHEAP = ("abs", "negate", "relu", "sqrt", "scale")
_CALLS = ("exp", "tanh", "log", "sin", "logistic")
_COMBINED = ("sum", "sum", "sum", "max")
_MAX_RADIUS = 2


def random_loops(rng: np.random.Generator, name: str) -> Graph:
    """Draw loops of the family ``name``: sizes, element type and what is computed."""
    graph = Graph("f64" if rng.random() < 0.25 else "f32")
    LOOPS[name](graph, rng)
    return graph


def _map(graph: Graph, rng: np.random.Generator) -> None:
    _expression(graph, rng, random_shape(rng), int(rng.geometric(0.4)))


def _reduction(graph: Graph, rng: np.random.Generator) -> None:
    value = _expression(graph, rng, random_shape(rng), int(rng.geometric(0.5)))
    for _ in range(len(value.shape) if rng.random() < 0.5 else 1):
        value = _reduced(graph, rng, value)


def _rows(graph: Graph, rng: np.random.Generator) -> None:
    """Something of each row or column, and the array made of it: softmax, centring, scaling."""
    shape, axis = random_shape(rng, 2), int(rng.integers(2))
    source, leading = graph.argument(shape), axis == 1
    if rng.random() < 0.3:
        most = graph.apply("reduce", [source], (shape[1 - axis],), axis=axis, kind="max")
        value = graph.apply("subtract", [source, most], shape, leading=leading)
        value = graph.apply("exp", [value], shape)
        total = graph.apply("reduce", [value], most.shape, axis=axis, kind="sum")
        graph.apply("divide", [value, total], shape, leading=leading)
        return
    found = _reduced(graph, rng, source, axis)
    if rng.random() < 0.5:
        found = graph.apply("scale", [found], found.shape, value=round(1.0 / shape[axis], 9))
    op = str(rng.choice(("subtract", "divide", "multiply")))
    graph.apply(op, [source, found], shape, leading=leading)


def _stencil(graph: Graph, rng: np.random.Generator) -> None:
    """A weighted sum of neighbours in a star or a box; perhaps the value itself is added."""
    shape = random_shape(rng)
    rank, radius = len(shape), int(rng.integers(1, _MAX_RADIUS + 1))
    taps = [
        place
        for place in np.ndindex(*(2 * radius + 1,) * rank)
        if rank == 1 or sum(at != radius for at in place) <= 1
    ]
    if rank == 2 and radius == 1 and rng.random() < 0.3:
        taps = list(np.ndindex(3, 3))
    # Sizes of loops are read off plain dimensions, so that no tap of the larger array may be one.
    taps = [tuple(at + 1 for at in tap) for tap in taps]
    source = graph.argument([size + 2 * radius + 1 for size in shape])
    if rng.random() < 0.5:
        weights = [1.0] * len(taps)
    else:
        weights = [round(float(rng.uniform(-1.0, 1.0)), 3) for _ in taps]
    value = graph.apply("stencil", [source] * len(taps), shape, taps=taps, weights=weights)
    if rng.random() < 0.5:
        value = graph.apply("scale", [value], shape, value=round(1.0 / len(taps), 6))
    if rng.random() < 0.3:
        graph.apply("add", [value, graph.argument(shape)], shape)


def _product(graph: Graph, rng: np.random.Generator) -> None:
    """A matrix times a vector, its transpose times one, or its rows scaled and a vector added."""
    shape = random_shape(rng, 2)
    matrix, draw = graph.argument(shape), rng.random()
    if draw < 0.5:
        value = graph.apply("matvec", [matrix, graph.argument(shape[1:])], shape[:1])
    else:
        left = graph.argument(shape[:1])
        value = graph.apply("multiply", [matrix, left], shape, leading=True)
        if draw < 0.75:
            value = graph.apply("reduce", [value], shape[1:], axis=0, kind="sum")
        else:
            value = graph.apply("add", [value, graph.argument(shape[1:])], shape)
    if rng.random() < 0.5:
        graph.apply("add", [value, graph.argument(value.shape)], value.shape)


LOOPS: dict[str, Callable[[Graph, np.random.Generator], None]] = {
    "loop-map": _map,
    "loop-reduction": _reduction,
    "loop-rows": _rows,
    "loop-stencil": _stencil,
    "loop-product": _product,
}


def _expression(graph: Graph, rng: np.random.Generator, shape: Shape, operations: int) -> Node:
    """Add elementwise operations on arrays of one shape; each uses the value before it."""
    value = graph.argument(shape)
    for _ in range(operations):
        draw = rng.random()
        if draw < 0.65:
            operands = [value, _operand(graph, rng, shape)]
            if rng.random() < 0.3:
                operands.reverse()
            value = graph.apply(str(rng.choice(_BINARY)), operands, shape)
        elif draw < 0.72:
            others = [_operand(graph, rng, shape) for _ in range(2)]
            value = graph.apply("select", [value, *others], shape)
        else:
            op = str(rng.choice(_CHEAP if draw < 0.92 else _CALLS))
            drawn = {"value": round(float(rng.uniform(0.1, 2.0)), 3)} if op == "scale" else {}
            value = graph.apply(op, [value], shape, **drawn)
    return value


def _operand(graph: Graph, rng: np.random.Generator, shape: Shape) -> Node:
    draw = rng.random()
    if draw < 0.2:
        return graph.scalar()
    known = [node for node in graph.nodes if node.shape == shape]
    if draw < 0.4:
        return known[int(rng.integers(len(known)))]
    return graph.argument(shape)


def _reduced(graph: Graph, rng: np.random.Generator, value: Node, axis: int | None = None) -> Node:
    axis = int(rng.integers(len(value.shape))) if axis is None else axis
    shape = (*value.shape[:axis], *value.shape[axis + 1 :])
    kind = str(rng.choice(_COMBINED))
    return graph.apply("reduce", [value], shape, axis=axis, kind=kind)


def random_shape(rng: np.random.Generator, rank: int = 0) -> Shape:
    """Draw sizes whose product is log-uniform; half of them are powers of two."""
    rank = rank or 1 + int(rng.choice(len(_RANKS), p=_RANKS))
    least = max(_LEAST_ELEMENTS, _LEAST_SIDE**rank)
    left = np.exp2(rng.uniform(np.log2(least), np.log2(_MAX_ELEMENTS)))
    shape = []
    for more in range(rank - 1, -1, -1):
        most = left / _LEAST_SIDE**more
        size = most if not more else np.exp2(rng.uniform(np.log2(_LEAST_SIDE), np.log2(most)))
        shape.append(_rounded(rng, float(size)))
        left /= shape[-1]
    return tuple(shape[place] for place in rng.permutation(rank))


def _rounded(rng: np.random.Generator, size: float) -> int:
    draw = rng.random()
    if draw < 0.5:
        return int(2 ** max(np.floor(np.log2(size)), 2))
    if draw < 0.75 and size >= 20:
        decade = 10 ** int(np.log10(size))
        return int(size // decade * decade)
    return max(int(size), _LEAST_SIDE)
