"""Sites of programs whose loops and accumulators are known, and how programs are made of them."""

import numpy as np
import pytest

from costmodel.features import Sites, site_feature_names, site_features
from costmodel.models._pooling import Pool, hurdle
from costmodel.testing import axpy_vector, matmul_affine, matmul_linalg, relu_generic

LINEAR = {"levels", "innermost", "of_tensors", "unrolled_levels", "loops_left"}


def only_site(text: str) -> dict[str, float]:
    """Return the features of the one site of a text; logarithms undone."""
    rows, starts = site_features([text])
    assert list(starts) == [0, 1]
    return {
        name: value if name in LINEAR else round(2.0**value - 1, 3)
        for name, value in zip(site_feature_names(), rows[0].astype(float), strict=True)
    }


def test_loops_around_a_multiply_add_are_one_site():
    got = only_site(matmul_affine(8, 16, 64))
    assert [got[f"trip_{i}"] for i in range(4)] == [64, 16, 8, 0]
    assert (got["load_count"], got["store_count"], got["load_places"]) == (3, 1, 3)
    assert (got["load_contiguous_0"], got["load_strided_0"], got["load_invariant_0"]) == (1, 1, 1)
    assert (got["load_most_stride_0"], got["store_most_stride_1"]) == (16, 1)
    assert (got["updates"], got["sums_0"], got["updates_of_own"]) == (1, 1, 0)
    assert got["unrolled_levels"] == 0


def test_short_loops_are_unrolled():
    got = only_site(matmul_affine(8, 16, 4))
    assert got["unrolled_levels"] == 1
    assert got["unrolled_trip"] == 16
    assert got["unrolled_load_invariant"] == 4  # a row of A
    assert got["unrolled_load_contiguous"] == 5  # rows of B, and C


def test_operations_on_tensors_are_sites_with_the_same_loops():
    loops, tensors = only_site(matmul_affine(8, 16, 64)), only_site(matmul_linalg(8, 16, 64))
    assert tensors["of_tensors"] == 1
    for name in ("trip_0", "trip_1", "trip_2", "iterations", "load_most_stride_0"):
        assert tensors[name] == loops[name], name
    relu = only_site(relu_generic(4, 8))
    assert (relu["trip_0"], relu["trip_1"], relu["iterations"]) == (8, 4, 32)
    assert relu["count_min_max_float"] == 1


def test_an_elementwise_operation_is_computed_where_its_one_user_reads_it():
    kind = "tensor<4x8xf32>"
    text = (
        f"%0 = stablehlo.add %a, %b : {kind}\n%1 = stablehlo.multiply %0, %a : {kind}\n"
        f"return %1 : {kind}\n"
    )
    got = only_site(text)
    assert (got["count_add_float"], got["count_multiply_float"]) == (1, 1)
    twice = text.replace("%0, %a", "%0, %0")
    assert len(site_features([twice]).rows) == 2


@pytest.mark.parametrize(
    ("columns", "kept", "in_rows"), [(16, 4, 1), (64, 16, 4), (14, 4, 1), (20, 80, 2)]
)
def test_accumulators_fill_registers_or_are_kept_in_scalars(columns, kept, in_rows):
    result = f"vector<4x{columns}xf32>"
    text = (
        f"scf.for %i = %c0 to %c8 step %c1 iter_args(%acc = %init) -> ({result}) {{\n"
        f"%r = vector.contract %a, %b, %acc : vector<4x1xf32>, vector<1x{columns}xf32> into "
        f"{result}\nscf.yield %r : {result}\n}}\n"
    )
    got = only_site(text)
    assert got["kept_accumulators_512"] == kept
    assert got["accumulators_and_rows_512"] == kept + in_rows


def test_every_text_has_a_site():
    rows, starts = site_features(["", "no program", axpy_vector(64, 8)])
    assert (np.diff(starts) >= 1).all()
    assert np.isfinite(rows).all()
    none = site_features([])
    assert (len(none.rows), list(none.starts)) == (0, [0])


@pytest.mark.parametrize("kind", ["max", "sum", "mean"])
def test_slopes_are_how_the_pooled_value_changes(kind):
    rng = np.random.default_rng(1)
    rows = np.zeros((6, len(site_feature_names())), dtype=np.float32)
    pool = Pool(Sites(rows, np.array([0, 1, 3, 6])))
    values = rng.normal(2.0, 1.0, 6)
    value, slope = pool.pooled(values, kind)
    for site in range(6):
        moved = values.copy()
        moved[site] += 1e-6
        change = (pool.pooled(moved, kind)[0] - value)[pool.of_site[site]] / 1e-6
        assert change == pytest.approx(slope[site], abs=1e-4)


def test_a_hurdle_rounds_improbable_events_to_none_and_keeps_the_order_of_chances():
    chance = np.array([0.05, 0.3, 0.49, 0.51, 0.9])
    values = np.exp2(hurdle(np.full(5, 0.1), chance)) - 1
    assert list(np.rint(values)) == [0, 0, 0, 1, 1]
    assert (np.diff(values) > 0).all()


def scaled(rows: int, columns: int) -> str:
    """Return a loop nest that multiplies a matrix with a vector of its columns."""
    kind = f"memref<{rows}x{columns}xf32>"
    return f"""func.func @f(%a: {kind}, %b: memref<{columns}xf32>, %c: {kind}) {{
      affine.for %i = 0 to {rows} {{
        affine.for %j = 0 to {columns} {{
          %0 = affine.load %a[%i, %j] : {kind}
          %1 = affine.load %b[%j] : memref<{columns}xf32>
          %2 = arith.mulf %0, %1 : f32
          affine.store %2, %c[%i, %j] : {kind}
        }}
      }}
      return
    }}"""


@pytest.mark.parametrize(("columns", "levels"), [(42, 1), (43, 0)])
def test_a_loop_is_unrolled_up_to_300_instructions(columns: int, levels: int):
    # Measured with LLVM 22: each trip counts for 7.
    assert only_site(scaled(100, columns))["unrolled_levels"] == levels


def test_what_stays_in_place_lives_in_registers_as_do_offsets_beside_powers_of_two():
    got = only_site(scaled(64, 32))
    assert got["distinct_loads_stays"] == 32
    assert (got["distinct_loads_jumps"], got["distinct_stores_jumps"]) == (32, 32)
    assert got["offset_vectors"] == 31  # LLVM keeps 65 registers: these, those, and two more
    assert got["registers_that_stay"] == 63
    assert only_site(scaled(64, 31))["offset_vectors"] == 0


def test_a_broadcast_reads_what_it_repeats():
    text = (
        "%0 = stablehlo.broadcast_in_dim %b, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<64x8xf32>"
        "\n%1 = stablehlo.add %a, %0 : tensor<64x8xf32>\nreturn %1 : tensor<64x8xf32>\n"
    )
    got = only_site(text)
    assert (got["distinct_loads_stays"], got["distinct_loads_jumps"]) == (8, 8)
    assert got["unrolled_trip"] == 64


def test_unrolled_lines_are_places_side_by_side():
    kind = "memref<64x16xf32>"
    body = "".join(
        f"%{k} = affine.load %a[%i, %j + {k}] : {kind}\n"
        f"affine.store %{k}, %b[%i, %j + {k}] : {kind}\n"
        for k in range(4)
    )
    text = (
        f"func.func @f(%a: {kind}, %b: {kind}) {{\naffine.for %i = 0 to 64 {{\n"
        f"affine.for %j = 0 to 16 step 4 {{\n{body}}}\n}}\nreturn\n}}\n"
    )
    got = only_site(text)
    assert (got["distinct_loads_jumps"], got["longest_run"]) == (16, 16)


def test_each_variable_of_a_parallel_loop_is_a_loop():
    text = (
        "func.func @f(%a: memref<48x5xf32>, %b: memref<5x48xf32>) {\n"
        "scf.forall (%i, %j) in (48, 5) {\n"
        "%0 = memref.load %a[%i, %j] : memref<48x5xf32>\n"
        "memref.store %0, %b[%j, %i] : memref<5x48xf32>\n}\nreturn\n}\n"
    )
    got = only_site(text)
    assert (got["trip_0"], got["trip_1"], got["levels"]) == (5, 48, 2)
    assert (got["load_contiguous_0"], got["store_contiguous_1"]) == (1, 1)


CARRIED = """func.func @f(%a: memref<64xf32>, %n: i32) {
  %z = arith.constant 0.0 : f32
  %r:2 = affine.for %i = 0 to 64 iter_args(%s = %z, %c = %n) -> (f32, i32) {
    %0 = affine.load %a[%i] : memref<64xf32>
    %1 = arith.addf %s, %0 : f32
    affine.yield %1, %c : f32, i32
  }
  return
}"""


def test_what_a_loop_carries_from_trip_to_trip_is_counted():
    vectors = CARRIED.replace("(f32, i32)", "(vector<8xf32>, f32)")
    rows, _ = site_features([CARRIED, vectors])
    kinds = ("floats", "integers", "vectors")
    carried = [site_feature_names().index(f"carried_{kind}") for kind in kinds]
    loops = rows[rows[:, site_feature_names().index("innermost")] == 1]
    assert loops[:2, carried].tolist() == [[1, 1, 0], [1, 0, 1]]


def reduction(operation: str, tensors: bool = False) -> str:
    """Return a loop that combines the elements of an array in one place, or what becomes one."""
    combine = f"%s = arith.{operation} %0, %1 : f32"
    if tensors:
        maps = "affine_map<(d0) -> (d0)>, affine_map<(d0) -> ()>"
        return (
            f'%r = linalg.generic {{indexing_maps = [{maps}], iterator_types = ["reduction"]}} '
            "ins(%x : tensor<99xf32>) outs(%y : tensor<f32>) {\n^bb0(%0: f32, %1: f32):\n"
            f"  {combine}\n  linalg.yield %s : f32\n}} -> tensor<f32>\n"
        )
    return f"""affine.for %i = 0 to 999 {{
      %0 = affine.load %x[%i] : memref<999xf32>
      %1 = affine.load %y[] : memref<f32>
      {combine}
      affine.store %s, %y[] : memref<f32>
    }}"""


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize(("operation", "sums"), [("addf", [1, 0]), ("maximumf", [0, 1])])
def test_sums_of_floats_keep_their_order_and_maxima_do_not(operation: str, sums, tensors: bool):
    rows, _ = site_features([reduction(operation, tensors)])
    names = [site_feature_names().index(name) for name in ("ordered_sums", "free_sums")]
    assert rows[0, names].tolist() == sums


def neighbour(read: str, written: str = "%i", lines: str = "", dialect: str = "affine") -> str:
    """Return a loop that makes an element of an array from another one."""
    kind = "memref<64x8xf32>"
    head = "affine.for %i = 4 to 60 {" if dialect == "affine" else "scf.for %i = %l to %u step %k {"
    return f"""#back = affine_map<(d0) -> (d0 - 2)>
    #on = affine_map<(d0) -> (d0 + 2)>
    func.func @f(%a: {kind}) {{
      %l = arith.constant 4 : index
      %u = arith.constant 60 : index
      %k = arith.constant 1 : index
      {head}
        {lines}
        %0 = {dialect.replace("scf", "memref")}.load %a[%l, {read}] : {kind}
        %1 = math.exp %0 : f32
        {dialect.replace("scf", "memref")}.store %1, %a[%l, {written}] : {kind}
      }}
      return
    }}"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (neighbour("%i - 1"), (1, 1, 0)),
        (neighbour("%i - 3"), (1, 3, 0)),
        (neighbour("%i", "%i + 2"), (1, 2, 0)),
        (neighbour("%i + 1"), (0, 0, 1)),
        (neighbour("%i"), (0, 0, 0)),  # an update
        (neighbour("%p", lines="%p = arith.subi %i, %k : index", dialect="scf"), (1, 1, 0)),
        (neighbour("%p", lines="%p = arith.addi %k, %i : index", dialect="scf"), (0, 0, 1)),
        (neighbour("%p", lines="%p = affine.apply #back(%i)"), (1, 2, 0)),
        (neighbour("%p", lines="%p = affine.apply #on(%i)"), (0, 0, 1)),
    ],
)
def test_reading_what_an_earlier_trip_wrote_is_a_recurrence(text: str, found: tuple[int, ...]):
    rows, _ = site_features([text])
    got = dict(
        zip(site_feature_names(), np.round(2.0 ** rows[0].astype(float) - 1, 3), strict=True)
    )
    names = ("recurrences", "recurrence_trips", "overwritten_reads")
    assert tuple(got[name] for name in names) == found
