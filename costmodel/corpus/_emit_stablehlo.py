"""Write a graph as StableHLO operations."""

from collections.abc import Callable

from costmodel.corpus._graph import Graph, Node, Shape, tensor_type

__all__ = ["to_stablehlo_text"]

_UNARY = {
    "exp": "exponential",
    "tanh": "tanh",
    "log": "log",
    "sqrt": "sqrt",
    "rsqrt": "rsqrt",
    "abs": "abs",
    "negate": "negate",
    "sin": "sine",
    "cos": "cosine",
    "floor": "floor",
    "logistic": "logistic",
}
_BINARY = ("add", "subtract", "multiply", "divide", "maximum", "minimum")
_REDUCTIONS = {"sum": ("0.0", "add"), "max": ("-1.0e30", "maximum"), "product": ("1.0", "multiply")}


def to_stablehlo_text(graph: Graph) -> str | None:
    """Return the graph as the text of one function; None if an operation has no counterpart."""
    if any(node.op not in _EMITTERS for node in graph.operations):
        return None
    lines: list[str] = []
    for node in graph.operations:
        lines.extend(_EMITTERS[node.op](graph, node))
    return graph.function(lines)


def _types(graph: Graph, node: Node) -> str:
    return ", ".join(graph.type_of(graph.nodes[one]) for one in node.inputs)


def _unary(graph: Graph, node: Node) -> list[str]:
    name = _UNARY[node.op]
    return [f"%v{node.number} = stablehlo.{name} %v{node.inputs[0]} : {graph.type_of(node)}"]


def _constant(graph: Graph, node: Node, value: str, shape: Shape) -> str:
    return (
        f"%c{node.number} = stablehlo.constant dense<{value}> : {tensor_type(shape, graph.element)}"
    )


def _with_constant(graph: Graph, node: Node) -> list[str]:
    value = "0.0" if node.op == "relu" else repr(node.parameters["value"])
    name = "maximum" if node.op == "relu" else "multiply"
    return [
        _constant(graph, node, value, node.shape),
        f"%v{node.number} = stablehlo.{name} %v{node.inputs[0]}, %c{node.number} "
        f": {graph.type_of(node)}",
    ]


def _broadcast(graph: Graph, node: Node) -> tuple[list[str], list[str]]:
    """Give every operand the shape of the result."""
    lines, names = [], []
    for place, number in enumerate(node.inputs):
        operand = graph.nodes[number]
        if operand.shape == node.shape:
            names.append(f"%v{number}")
            continue
        first = len(node.shape) - len(operand.shape)
        dims = list(range(first, len(node.shape)))
        name = f"%b{node.number}_{place}"
        lines.append(
            f"{name} = stablehlo.broadcast_in_dim %v{number}, dims = {dims} "
            f": ({graph.type_of(operand)}) -> {graph.type_of(node)}"
        )
        names.append(name)
    return lines, names


def _binary(graph: Graph, node: Node) -> list[str]:
    lines, names = _broadcast(graph, node)
    line = f"%v{node.number} = stablehlo.{node.op} {', '.join(names)} : {graph.type_of(node)}"
    return [*lines, line]


def _select(graph: Graph, node: Node) -> list[str]:
    lines, (left, right, other) = _broadcast(graph, node)
    kind, truth = graph.type_of(node), tensor_type(node.shape, "i1")
    number = node.number
    return [
        *lines,
        f"%p{number} = stablehlo.compare GT, {left}, {right} : ({kind}, {kind}) -> {truth}",
        f"%v{number} = stablehlo.select %p{number}, {left}, {other} : {truth}, {kind}",
    ]


def _reduce(graph: Graph, node: Node) -> list[str]:
    start, combine = _REDUCTIONS[node.parameters["kind"]]
    scalar = tensor_type((), graph.element)
    return [
        _constant(graph, node, start, ()),
        f"%v{node.number} = stablehlo.reduce(%v{node.inputs[0]} init: %c{node.number}) applies "
        f"stablehlo.{combine} across dimensions = [{node.parameters['axis']}] "
        f": ({_types(graph, node)}, {scalar}) -> {graph.type_of(node)}",
    ]


def _transpose(graph: Graph, node: Node) -> list[str]:
    order = list(node.parameters["order"])
    return [
        f"%v{node.number} = stablehlo.transpose %v{node.inputs[0]}, dims = {order} "
        f": ({_types(graph, node)}) -> {graph.type_of(node)}"
    ]


def _product(graph: Graph, node: Node) -> list[str]:
    batch = node.op == "batch_matmul"
    left, right = (2, 1) if batch else (1, 0)
    batching = "batching_dims = [0] x [0], " if batch else ""
    return [
        f"%v{node.number} = stablehlo.dot_general %v{node.inputs[0]}, %v{node.inputs[1]}, "
        f"{batching}contracting_dims = [{left}] x [{right}] "
        f": ({_types(graph, node)}) -> {graph.type_of(node)}"
    ]


def _convolution(graph: Graph, node: Node) -> list[str]:
    stride = node.parameters.get("stride", 1)
    return [
        f"%v{node.number} = stablehlo.convolution(%v{node.inputs[0]}, %v{node.inputs[1]}) "
        "dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], "
        f"window = {{stride = [{stride}, {stride}]}} "
        "{batch_group_count = 1 : i64, feature_group_count = 1 : i64} "
        f": ({_types(graph, node)}) -> {graph.type_of(node)}"
    ]


def _slice(graph: Graph, node: Node) -> list[str]:
    ranges = ", ".join(
        f"{offset}:{offset + (size - 1) * step + 1}:{step}"
        for offset, size, step in zip(
            node.parameters["offsets"], node.shape, node.parameters["steps"], strict=True
        )
    )
    return [
        f"%v{node.number} = stablehlo.slice %v{node.inputs[0]} [{ranges}] "
        f": ({_types(graph, node)}) -> {graph.type_of(node)}"
    ]


def _reshape(graph: Graph, node: Node) -> list[str]:
    return [
        f"%v{node.number} = stablehlo.reshape %v{node.inputs[0]} "
        f": ({_types(graph, node)}) -> {graph.type_of(node)}"
    ]


_EMITTERS: dict[str, Callable[[Graph, Node], list[str]]] = {
    **dict.fromkeys(_UNARY, _unary),
    **dict.fromkeys(("relu", "scale"), _with_constant),
    **dict.fromkeys(_BINARY, _binary),
    **dict.fromkeys(("matmul", "batch_matmul", "matvec"), _product),
    "conv": _convolution,
    "select": _select,
    "reduce": _reduce,
    "transpose": _transpose,
    "slice": _slice,
    "collapse": _reshape,
    "unsqueeze": _reshape,
}
