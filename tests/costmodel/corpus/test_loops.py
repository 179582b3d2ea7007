import re

import numpy as np
import pytest

from costmodel.corpus._emit_linalg import to_linalg_text
from costmodel.corpus._graph import Graph
from costmodel.corpus._loops import LOOPS, random_loops

SEEDS = range(30)


def _drawn(name: str, seed: int) -> Graph:
    return random_loops(np.random.default_rng(seed), name)


@pytest.mark.parametrize("name", LOOPS)
def test_equal_seeds_give_equal_loops(name: str):
    texts = [to_linalg_text(_drawn(name, seed)) for seed in SEEDS]
    assert texts == [to_linalg_text(_drawn(name, seed)) for seed in SEEDS]
    assert len(set(texts)) > len(SEEDS) / 2


def test_arrays_are_short_and_long_and_of_all_kinds_of_sizes():
    sizes = [node.shape for seed in range(200) for node in _drawn("loop-map", seed).arguments]
    elements = [int(np.prod(shape)) for shape in sizes if shape]
    assert min(elements) < 256
    assert max(elements) > 1 << 18
    assert max(elements) <= 1 << 20
    assert {len(shape) for shape in sizes} == {0, 1, 2, 3}  # numbers, too
    longest = [max(shape) for shape in sizes if shape]
    powers = np.mean([size & (size - 1) == 0 for size in longest])
    assert 0.3 < powers < 0.8


def test_a_stencil_reads_neighbours_at_constant_offsets():
    graph = Graph()
    source = graph.argument((11,))
    taps = [(1,), (2,), (3,)]
    graph.apply("stencil", [source] * 3, (8,), taps=taps, weights=[1.0, 0.5, 1.0])
    text = to_linalg_text(graph)
    maps = re.findall(r"affine_map<\(d0\) -> \((.*?)\)>", text)
    assert maps == ["d0 + 1", "d0 + 2", "d0 + 3", "d0"]
    assert text.count("arith.mulf") == 1  # a weight of one takes no product
    assert text.count("arith.addf") == 2


def test_a_vector_follows_the_rows_or_the_columns_and_a_number_neither():
    graph = Graph()
    matrix, rows, columns = graph.argument((4, 8)), graph.argument((4,)), graph.argument((8,))
    scaled = graph.apply("multiply", [matrix, rows], (4, 8), leading=True)
    moved = graph.apply("add", [scaled, columns], (4, 8))
    graph.apply("divide", [moved, graph.scalar()], (4, 8))
    text = to_linalg_text(graph)
    maps = re.findall(r"affine_map<\(d0, d1\) -> \((.*?)\)>", text)
    both = "d0, d1"
    assert maps == [both, "d0", both, both, "d1", both, both, "", both]
    assert "%v5: f32" in text


@pytest.mark.parametrize("name", LOOPS)
def test_loops_become_affine_loops(name: str):
    pytest.importorskip("mlir.ir")
    from costmodel.corpus._schedule import scheduled

    for seed in SEEDS:
        module, _ = scheduled(to_linalg_text(_drawn(name, seed)), [])
        assert "affine.for" in str(module)
        assert "memref.subview" not in str(module)
