"""Features of programs whose operations, bytes, loops and lives are known by counting."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.features import feature_names, features
from costmodel.testing import axpy_vector, matmul_affine, matmul_linalg, relu_generic

LINEAR = {"max_depth", "max_rank", "hot_depth", "unknown_share", "hot_trip_by_4"}


def counts(text: str | bytes) -> dict[str, float]:
    """Return the features of one text; logarithms undone."""
    row = features([text])[0].astype(float)
    return {
        name: value if name in LINEAR else round(2.0**value - 1, 3)
        for name, value in zip(feature_names(), row, strict=True)
    }


@pytest.mark.parametrize("unroll", [1, 4])
def test_loops_around_a_multiply_add(unroll: int):
    got = counts(matmul_affine(8, 16, 32, unroll))
    assert got["flops"] == pytest.approx(2 * 8 * 16 * 32, rel=1e-4)
    assert got["access_bytes"] == pytest.approx(4 * 4 * 8 * 16 * 32, rel=1e-4)
    assert got["argument_bytes"] == pytest.approx(4 * (8 * 32 + 32 * 16 + 8 * 16), rel=1e-4)
    assert (got["loops"], got["innermost_loops"], got["max_depth"]) == (3, 1, 3)
    assert got["hot_trip"] == pytest.approx(32 / unroll, rel=1e-3)
    assert got["hot_operations"] == pytest.approx(6 * unroll, rel=1e-3)
    assert got["hot_step"] == unroll
    assert got["hot_largest_subscript"] == unroll - 1
    assert got["hot_buffers"] == 3
    assert got["count_multiply_float"] == unroll
    assert got["executed_multiply_float"] == pytest.approx(8 * 16 * 32, rel=1e-3)


def test_accesses_are_told_apart_by_the_innermost_variable():
    got = counts(matmul_affine())
    assert got["hot_contiguous_accesses"] == 1  # A[i, p]
    assert got["hot_strided_accesses"] == 1  # B[p, j]
    assert got["hot_invariant_accesses"] == 2  # C[i, j], twice
    assert got["hot_distinct_accesses"] == 3
    assert (got["hot_invariant_stores"], got["reducing_loops"]) == (1, 1)


def test_a_contraction_of_tensors_counts_as_its_loops_do():
    tensors, loops = counts(matmul_linalg(8, 16, 32)), counts(matmul_affine(8, 16, 32))
    assert tensors["flops"] == pytest.approx(loops["flops"], rel=1e-4)


def test_convolutions_and_batches_count_their_multiplications():
    conv = (
        "%r = linalg.conv_2d_nchw_fchw ins(%x, %w : tensor<1x16x30x30xf32>, "
        "tensor<32x16x3x3xf32>) outs(%y : tensor<1x32x28x28xf32>) -> tensor<1x32x28x28xf32>"
    )
    assert counts(conv)["flops"] == pytest.approx(2 * 32 * 28 * 28 * 16 * 9, rel=1e-4)
    strided = conv.replace("ins(", "{strides = dense<1> : tensor<2xi64>} ins(", 1)
    assert counts(strided)["flops"] == counts(conv)["flops"]
    batch = (
        "%r = linalg.batch_matmul ins(%x, %w : tensor<4x8x16xf32>, tensor<4x16x32xf32>) "
        "outs(%y : tensor<4x8x32xf32>) -> tensor<4x8x32xf32>"
    )
    assert counts(batch)["flops"] == pytest.approx(2 * 4 * 8 * 16 * 32, rel=1e-4)


def test_a_generic_region_runs_once_for_each_point():
    got = counts(relu_generic(4, 8))
    assert got["flops"] == 32
    assert got["executed_min_max_float"] == 32
    assert got["loops"] == 0


def test_constant_bounds_of_values_and_vectors():
    got = counts(axpy_vector(64, 8))
    assert got["hot_trip"] == 8
    assert got["flops"] == pytest.approx(2 * 64, rel=1e-4)
    assert got["max_vector_bits"] == pytest.approx(256, rel=1e-4)
    assert got["innermost_live_512_bit_registers"] <= got["innermost_live_256_bit_registers"]
    assert got["innermost_live_256_bit_registers"] <= got["innermost_live_128_bit_registers"]


def test_bounds_through_maps_give_the_size_of_the_tile():
    text = """
    #lower = affine_map<(d0) -> (d0)>
    #upper = affine_map<(d0) -> (d0 + 8, 30)>
    func.func @f(%m: memref<32xf32>) {
      affine.for %i = 0 to 30 step 8 {
        affine.for %j = #lower(%i) to min #upper(%i) {
          %0 = affine.load %m[%j] : memref<32xf32>
        }
      }
    }
    """
    got = counts(text)
    assert (got["hot_trip"], got["hot_outer_trip"], got["dynamic_loops"]) == (8, 4, 0)


def test_unknown_bounds_are_dynamic():
    got = counts("func.func @f(%n: index) {\nscf.for %i = %a to %n step %b {\nx.y\n}\n}")
    assert got["dynamic_loops"] == 1


def test_loops_of_one_trip_are_no_loops():
    body = "affine.for %j = 0 to 1 {\n%0 = affine.load %m[%j, %i] : memref<1x9xf32>\n}\n"
    got = counts(f"affine.for %i = 0 to 9 {{\n{body}}}\n")
    assert (got["max_depth"], got["hot_trip"], got["hot_contiguous_accesses"]) == (1, 9, 1)


def test_values_live_from_definition_to_last_use():
    lines = [f"%{i} = x.y : f32" for i in range(10)]
    uses = [f"x.z %{i} : f32" for i in range(10)]
    assert counts("\n".join(lines + uses))["live_floats"] == 10
    woven = [line for pair in zip(lines, uses, strict=True) for line in pair]
    assert counts("\n".join(woven))["live_floats"] == 1


def test_values_from_outside_live_through_the_loop_that_uses_them():
    text = "%a = x.y : f32\naffine.for %i = 0 to 9 {\nx.z %a\n%b = x.y : f32\nx.z %b\n}\n"
    assert counts(text)["innermost_live_floats"] == 2


def test_longest_chain_of_dependent_operations():
    chain = "\n".join(f"%{i + 1} = arith.addf %{i}, %{i} : f32" for i in range(5))
    wide = "\n".join(f"%{i + 1} = arith.addf %a, %b : f32" for i in range(5))
    assert counts("%0 = x.y : f32\n" + chain)["longest_chain"] == 5
    assert counts("%0 = x.y : f32\n" + wide)["longest_chain"] == 1


def test_unknown_operations_are_counted_and_told_apart():
    got = counts("%0 = my.op %a\n%1 = my.other %0\n%2 = arith.addf %0, %1 : f32")
    assert got["unknown_share"] == pytest.approx(2 / 3)


def test_names_do_not_matter():
    text = matmul_affine()
    renamed = text.replace("%A", "%weights_0").replace("@f", "@main")
    one, other = features([text, renamed])
    same = [n for n in range(len(one)) if "bytes" not in feature_names()[n]]
    np.testing.assert_array_equal(one[same], other[same])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        os.urandom(100_000),
        b"{\n" * 100_000,
        b"}\n" * 100_000,
        b"affine.for %i = 0 to 999999999999 {\n" * 3_000,
        b"x" * 1_000_000,
        b"(" * 1_000_000,
        b"tensor<" * 100_000,
        b"tensor<99999999999999999999x99999999999999999999xf32>\n" * 100,
        b"%a, " * 200_000,
        b"affine_map<(" * 10_000,
        b"func.func @f(%a: tensor<?x0xf32>) -> tensor<?x0xf32> {",
    ],
    ids=range(12),
)
def test_degenerate_texts_have_finite_features(text: bytes):
    assert np.isfinite(features([text])).all()


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2000), st.integers(0, 2000), st.binary(max_size=8))
def test_damaged_programs_have_finite_features(start: int, stop: int, patch: bytes):
    text = (relu_generic() + matmul_affine(unroll=2) + axpy_vector()).encode()
    assert np.isfinite(features([text[:start] + patch + text[stop:]])).all()


def test_regions_may_open_and_close_within_a_line():
    printed = """func.func @f(%a: memref<64x32xf32>) attributes {llvm.emit_c_interface} {
  affine.for %i = 0 to 64 {
    affine.for %j = 0 to 32 {
      %0 = affine.load %a[%i, %j] : memref<64x32xf32>
      affine.store %0, %a[%i, %j] {unit} : memref<64x32xf32>
    } {kind = "inner"}
  }
  return
}
"""
    by_hand = """func.func @f(%a: memref<64x32xf32>) attributes {llvm.emit_c_interface} {
  affine.for %i = 0 to 64 { affine.for %j = 0 to 32 {
  %0 = affine.load %a[%i, %j] : memref<64x32xf32>
  affine.store %0, %a[%i, %j] {unit} : memref<64x32xf32> } {kind = "inner"} } return }
"""
    one, other = counts(printed), counts(by_hand)
    assert one["unbalanced_braces"] == other["unbalanced_braces"] == 0
    assert other["max_depth"] == 2
    assert other["innermost_iterations"] == pytest.approx(64 * 32)
    differing = {name for name in one if one[name] != other[name]}
    assert differing <= {"text_bytes", "lines", "longest_line_bytes"}


def test_names_are_unique_and_rows_match_them():
    assert len(set(feature_names())) == len(feature_names())
    assert features([]).shape == (0, len(feature_names()))
    assert features(["a", b"b"]).shape == (2, len(feature_names()))


def test_one_text_instead_of_a_list_is_refused():
    with pytest.raises(TypeError, match="list"):
        features("module {}")
