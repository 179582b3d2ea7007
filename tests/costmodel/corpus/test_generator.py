import numpy as np
import pytest

from costmodel.corpus._emit_linalg import to_linalg_text
from costmodel.corpus._emit_stablehlo import to_stablehlo_text
from costmodel.corpus._generator import RULES, random_graph
from costmodel.corpus._graph import Graph
from costmodel.corpus._kernels import KERNELS, random_kernel

SEEDS = range(40)


def _graphs():
    return [random_graph(np.random.default_rng(seed)) for seed in SEEDS]


def test_equal_seeds_give_equal_graphs():
    assert to_linalg_text(random_graph(np.random.default_rng(3))) == to_linalg_text(
        random_graph(np.random.default_rng(3))
    )


def test_graphs_have_one_to_twelve_operations_and_positive_sizes():
    for graph in _graphs():
        assert 1 <= len(graph.operations) <= 12
        assert all(size > 0 for node in graph.nodes for size in node.shape)


def test_every_rule_is_used():
    used = {node.op for seed in range(300) for node in _graph(seed).operations}
    assert {"matmul", "conv", "pool", "reduce", "select", "slice", "collapse"} <= used
    assert len(used) >= len(RULES)


def _graph(seed):
    return random_graph(np.random.default_rng(seed))


def test_products_agree_on_the_summed_dimension():
    for graph in _graphs():
        for node in graph.operations:
            if node.op == "matmul":
                left, right = (graph.nodes[one].shape for one in node.inputs)
                assert left[1] == right[0]
                assert node.shape == (left[0], right[1])


def test_a_graph_becomes_the_text_that_one_would_write_by_hand():
    graph = Graph()
    left, right = graph.argument((4, 8)), graph.argument((8, 2))
    graph.apply("matmul", [left, right], (4, 2))
    assert to_stablehlo_text(graph) == (
        "func.func @kernel(%v0: tensor<4x8xf32>, %v1: tensor<8x2xf32>) -> (tensor<4x2xf32>) {\n"
        "  %v2 = stablehlo.dot_general %v0, %v1, contracting_dims = [1] x [0] "
        ": (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>\n"
        "  return %v2 : tensor<4x2xf32>\n}\n"
    )


def test_every_graph_is_valid_mlir_in_both_dialects():
    pytest.importorskip("mlir.ir")
    pytest.importorskip("jaxlib.mlir.ir")
    from costmodel.targets._lowering import parse, to_linalg

    both = 0
    for graph in [*_graphs(), *(_kernel(name) for name in KERNELS)]:
        assert parse(to_linalg_text(graph)).operation.verify()
        other = to_stablehlo_text(graph)
        if other is not None:
            both += 1
            assert parse(to_linalg(other)).operation.verify()
    assert both >= 10


def _kernel(name):
    return random_kernel(np.random.default_rng(1), name)
