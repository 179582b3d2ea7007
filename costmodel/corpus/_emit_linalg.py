"""Write a graph as ``linalg`` operations on tensors."""

from collections.abc import Callable, Sequence

from costmodel.corpus._graph import Graph, Node, tensor_type

__all__ = ["to_linalg_text"]

_UNARY = {
    "exp": "math.exp",
    "tanh": "math.tanh",
    "log": "math.log",
    "sqrt": "math.sqrt",
    "rsqrt": "math.rsqrt",
    "abs": "math.absf",
    "negate": "arith.negf",
    "sin": "math.sin",
    "cos": "math.cos",
    "erf": "math.erf",
    "floor": "math.floor",
}
_BINARY = {
    "add": "arith.addf",
    "subtract": "arith.subf",
    "multiply": "arith.mulf",
    "divide": "arith.divf",
    "maximum": "arith.maximumf",
    "minimum": "arith.minimumf",
}
_REDUCTIONS = {
    "sum": ("0.0", "arith.addf"),
    "max": ("-1.0e30", "arith.maximumf"),
    "product": ("1.0", "arith.mulf"),
}


def to_linalg_text(graph: Graph) -> str:
    """Return the graph as the text of one function."""
    lines: list[str] = []
    for node in graph.operations:
        lines.extend(_EMITTERS[node.op](graph, node))
    return graph.function(lines)


def _map(rank: int, places: Sequence[int | str]) -> str:
    dims = ", ".join(f"d{number}" for number in range(rank))
    results = ", ".join(one if isinstance(one, str) else f"d{one}" for one in places)
    return f"affine_map<({dims}) -> ({results})>"


def _generic(
    graph: Graph,
    node: Node,
    maps: Sequence[str],
    kinds: Sequence[str],
    body: Sequence[str],
    *,
    start: str | None = None,
) -> list[str]:
    """One ``linalg.generic``; ``start`` fills its output first (a reduction needs that)."""
    number, element = node.number, graph.element
    kind = graph.type_of(node)
    names = [f"%v{one}" for one in node.inputs]
    types = [graph.type_of(graph.nodes[one]) for one in node.inputs]
    lines = [f"%e{number} = tensor.empty() : {kind}"]
    output = f"%e{number}"
    if start is not None:
        lines += _fill(graph, number, kind, start)
        output = f"%f{number}"
    scalars = ", ".join(f"%x{place}: {element}" for place in range(len(names)))
    iterators = ", ".join(f'"{one}"' for one in kinds)
    lines += [
        f"%v{number} = linalg.generic {{indexing_maps = [{', '.join(maps)}], "
        f"iterator_types = [{iterators}]}} ins({', '.join(names)} : {', '.join(types)}) "
        f"outs({output} : {kind}) {{",
        f"^bb0({scalars}, %out: {element}):",
        *[f"  {line}" for line in body],
        f"}} -> {kind}",
    ]
    return lines


def _fill(graph: Graph, number: int, kind: str, value: str) -> list[str]:
    element = graph.element
    return [
        f"%c{number} = arith.constant {value} : {element}",
        f"%f{number} = linalg.fill ins(%c{number} : {element}) outs(%e{number} : {kind}) -> {kind}",
    ]


def _elementwise(graph: Graph, node: Node, body: Sequence[str]) -> list[str]:
    rank = len(node.shape)
    maps = [_operand_map(graph.nodes[one], node) for one in node.inputs]
    maps.append(_map(rank, range(rank)))
    return _generic(graph, node, maps, ["parallel"] * rank, body)


def _operand_map(operand: Node, node: Node) -> str:
    # Trailing dimensions match, or leading ones; a dimension of size one is repeated.
    rank = len(node.shape)
    first = 0 if node.parameters.get("leading") else rank - len(operand.shape)
    places: list[int | str] = [
        "0" if size == 1 and node.shape[first + place] != 1 else first + place
        for place, size in enumerate(operand.shape)
    ]
    return _map(rank, places)


def _unary(graph: Graph, node: Node) -> list[str]:
    element = graph.element
    if node.op == "relu":
        body = [
            f"%zero = arith.constant 0.0 : {element}",
            f"%y = arith.maximumf %x0, %zero : {element}",
        ]
    elif node.op == "logistic":
        body = [
            f"%one = arith.constant 1.0 : {element}",
            f"%n = arith.negf %x0 : {element}",
            f"%t = math.exp %n : {element}",
            f"%d = arith.addf %t, %one : {element}",
            f"%y = arith.divf %one, %d : {element}",
        ]
    elif node.op == "scale":
        body = [
            f"%s = arith.constant {node.parameters['value']!r} : {element}",
            f"%y = arith.mulf %x0, %s : {element}",
        ]
    else:
        body = [f"%y = {_UNARY[node.op]} %x0 : {element}"]
    return _elementwise(graph, node, [*body, f"linalg.yield %y : {element}"])


def _binary(graph: Graph, node: Node) -> list[str]:
    element = graph.element
    body = [f"%y = {_BINARY[node.op]} %x0, %x1 : {element}", f"linalg.yield %y : {element}"]
    return _elementwise(graph, node, body)


def _select(graph: Graph, node: Node) -> list[str]:
    element = graph.element
    body = [
        f"%p = arith.cmpf ogt, %x0, %x1 : {element}",
        f"%y = arith.select %p, %x0, %x2 : {element}",
        f"linalg.yield %y : {element}",
    ]
    return _elementwise(graph, node, body)


def _reduce(graph: Graph, node: Node) -> list[str]:
    source = graph.nodes[node.inputs[0]]
    rank, axis, element = len(source.shape), node.parameters["axis"], graph.element
    start, combine = _REDUCTIONS[node.parameters["kind"]]
    kept = [place for place in range(rank) if place != axis]
    kinds = ["reduction" if place == axis else "parallel" for place in range(rank)]
    body = [f"%y = {combine} %x0, %out : {element}", f"linalg.yield %y : {element}"]
    maps = [_map(rank, range(rank)), _map(rank, kept)]
    return _generic(graph, node, maps, kinds, body, start=start)


def _stencil(graph: Graph, node: Node) -> list[str]:
    rank, element = len(node.shape), graph.element
    maps = [
        _map(rank, [f"d{dim} + {at}" for dim, at in enumerate(tap)])
        for tap in node.parameters["taps"]
    ]
    body, total = [], ""
    for place, weight in enumerate(node.parameters["weights"]):
        value = f"%x{place}"
        if weight != 1.0:
            body.append(f"%w{place} = arith.constant {weight!r} : {element}")
            body.append(f"%m{place} = arith.mulf {value}, %w{place} : {element}")
            value = f"%m{place}"
        if total:
            body.append(f"%s{place} = arith.addf {total}, {value} : {element}")
            value = f"%s{place}"
        total = value
    maps.append(_map(rank, range(rank)))
    body.append(f"linalg.yield {total} : {element}")
    return _generic(graph, node, maps, ["parallel"] * rank, body)


def _transpose(graph: Graph, node: Node) -> list[str]:
    order, kind = list(node.parameters["order"]), graph.type_of(node)
    source = graph.nodes[node.inputs[0]]
    return [
        f"%e{node.number} = tensor.empty() : {kind}",
        f"%v{node.number} = linalg.transpose ins(%v{source.number} : {graph.type_of(source)}) "
        f"outs(%e{node.number} : {kind}) permutation = {order}",
    ]


def _named(
    graph: Graph, node: Node, name: str, attributes: str = "", start: str = "0.0"
) -> list[str]:
    kind = graph.type_of(node)
    names = ", ".join(f"%v{one}" for one in node.inputs)
    types = ", ".join(graph.type_of(graph.nodes[one]) for one in node.inputs)
    return [
        f"%e{node.number} = tensor.empty() : {kind}",
        *_fill(graph, node.number, kind, start),
        f"%v{node.number} = linalg.{name}{attributes} ins({names} : {types}) "
        f"outs(%f{node.number} : {kind}) -> {kind}",
    ]


def _product(graph: Graph, node: Node) -> list[str]:
    return _named(graph, node, node.op)


def _window(node: Node) -> str:
    stride = node.parameters.get("stride", 1)
    return f" {{dilations = dense<1> : tensor<2xi64>, strides = dense<{stride}> : tensor<2xi64>}}"


def _convolution(graph: Graph, node: Node) -> list[str]:
    name = {"conv": "conv_2d_nhwc_hwcf", "depthwise_conv": "depthwise_conv_2d_nhwc_hwc"}[node.op]
    return _named(graph, node, name, _window(node))


def _pool(graph: Graph, node: Node) -> list[str]:
    number, source, kind = node.number, graph.nodes[node.inputs[0]], graph.type_of(node)
    window = tensor_type((node.parameters["window"],) * 2, graph.element)
    mode = node.parameters["kind"]
    return [
        f"%w{number} = tensor.empty() : {window}",
        f"%e{number} = tensor.empty() : {kind}",
        *_fill(graph, number, kind, _REDUCTIONS[mode][0]),
        f"%v{number} = linalg.pooling_nhwc_{mode}{_window(node)} "
        f"ins(%v{source.number}, %w{number} : {graph.type_of(source)}, {window}) "
        f"outs(%f{number} : {kind}) -> {kind}",
    ]


def _slice(graph: Graph, node: Node) -> list[str]:
    source = graph.nodes[node.inputs[0]]
    offsets, steps = list(node.parameters["offsets"]), list(node.parameters["steps"])
    return [
        f"%v{node.number} = tensor.extract_slice %v{source.number}{offsets} {list(node.shape)} "
        f"{steps} : {graph.type_of(source)} to {graph.type_of(node)}"
    ]


def _collapse(graph: Graph, node: Node) -> list[str]:
    source, place = graph.nodes[node.inputs[0]], node.parameters["place"]
    groups = [[one] for one in range(len(source.shape))]
    groups[place : place + 2] = [[place, place + 1]]
    return [
        f"%v{node.number} = tensor.collapse_shape %v{source.number} {groups} "
        f": {graph.type_of(source)} into {graph.type_of(node)}"
    ]


def _unsqueeze(graph: Graph, node: Node) -> list[str]:
    source, rank = graph.nodes[node.inputs[0]], len(node.shape)
    groups = [[one] for one in range(rank - 2)] + [[rank - 2, rank - 1]]
    return [
        f"%v{node.number} = tensor.expand_shape %v{source.number} {groups} "
        f"output_shape {list(node.shape)} : {graph.type_of(source)} into {graph.type_of(node)}"
    ]


_EMITTERS: dict[str, Callable[[Graph, Node], list[str]]] = {
    **dict.fromkeys((*_UNARY, "relu", "logistic", "scale"), _unary),
    **dict.fromkeys(_BINARY, _binary),
    **dict.fromkeys(("matmul", "batch_matmul", "matvec"), _product),
    **dict.fromkeys(("conv", "depthwise_conv"), _convolution),
    "select": _select,
    "reduce": _reduce,
    "stencil": _stencil,
    "transpose": _transpose,
    "pool": _pool,
    "slice": _slice,
    "collapse": _collapse,
    "unsqueeze": _unsqueeze,
}
