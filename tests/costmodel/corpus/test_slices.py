import re

import numpy as np
import pytest

pytest.importorskip("mlir.ir")

from costmodel.corpus._program import Program, canonical, dialects_of
from costmodel.corpus._slices import random_slice
from costmodel.targets._lowering import parse
from costmodel.targets._sandbox import SampleError

MODEL = """\
#id = affine_map<(i, j) -> (i, j)>
func.func @main(%x: tensor<8x8xf32>, %w: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %two = arith.constant 2.0 : f32
  %zero = arith.constant 0.0 : f32
  %table = arith.constant dense_resource<t> : tensor<8x8xf32>
  %e = tensor.empty() : tensor<8x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8x8xf32>) -> tensor<8x8xf32>
  %a = linalg.matmul ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>)
       outs(%f : tensor<8x8xf32>) -> tensor<8x8xf32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
       ins(%a : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%s: f32, %o: f32):
    %m = arith.mulf %s, %two : f32
    linalg.yield %m : f32
  } -> tensor<8x8xf32>
  %c = linalg.matmul ins(%b, %table : tensor<8x8xf32>, tensor<8x8xf32>)
       outs(%f : tensor<8x8xf32>) -> tensor<8x8xf32>
  return %c : tensor<8x8xf32>
}
"""


def _slices(number):
    found = []
    for seed in range(number):
        try:
            found.append(random_slice(MODEL, np.random.default_rng(seed)))
        except SampleError:
            continue
    return found


def test_slices_are_valid_functions_of_a_few_operations():
    found = _slices(30)
    assert len(found) >= 20
    for text in found:
        assert parse(text).operation.verify()
        assert 1 <= len(re.findall(r"linalg\.(?:matmul|generic)", text)) <= 12


def test_different_pieces_are_cut_out():
    assert len(set(_slices(30))) >= 3


def test_a_constant_read_inside_an_operation_comes_along():
    with_generic = [text for text in _slices(30) if "linalg.generic" in text]
    assert with_generic
    assert all("2.000000e+00" in text for text in with_generic)


def test_large_constants_become_arguments():
    assert all("dense_resource" not in text for text in _slices(30))


def test_equal_programs_have_equal_text_whatever_the_names():
    first = canonical(MODEL)
    assert first == canonical(MODEL.replace("%x", "%input").replace("@main", "@forward"))
    assert "@kernel" in first


def test_the_shape_key_ignores_sizes_and_keeps_structure():
    small = Program(canonical(MODEL), "f", "torch")
    large = Program(canonical(MODEL.replace("8x8", "16x16")), "f", "torch")
    other = Program(canonical(MODEL.replace("arith.mulf", "arith.addf")), "f", "torch")
    assert small.id != large.id
    assert small.shape_key == large.shape_key
    assert small.shape_key != other.shape_key


def test_dialects_are_read_from_operations():
    assert dialects_of(canonical(MODEL)) == ["arith", "func", "linalg", "tensor"]
