"""Layers from MLIR text: what real front ends print, and every form that an operation has."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.accelerator._layer import Layer
from simulators.accelerator._mlir import layers_from_mlir
from simulators.errors import InvalidConfigError

MLIR = Path(__file__).parent / "mlir"

CNN = [
    Layer.conv(c=3, m=32, r=3, s=3, p=32, q=32, stride=(2, 2)),
    Layer.depthwise(c=32, r=3, s=3, p=32, q=32),
    Layer.conv(c=32, m=64, r=1, s=1, p=32, q=32),
    Layer.grouped(g=4, c=16, m=16, r=3, s=3, p=16, q=16),
    Layer.conv(c=64, m=32, r=3, s=3, p=16, q=8, stride=(1, 2), dilation=(2, 2)),
    Layer.matmul(m=1, n=10, k=32),
]
ATTENTION = [
    *[Layer.matmul(m=32, n=64, k=64)] * 3,
    *[Layer.batched_matmul(b=8, m=16, n=16, k=16)] * 2,
    Layer.matmul(m=32, n=64, k=64),
    Layer.matmul(m=32, n=256, k=64),
    Layer.matmul(m=32, n=64, k=256),
]


def _read(name):
    return layers_from_mlir((MLIR / name).read_text())


def _shapes(layers):
    return [
        (dict(layer.dims), layer.tensors, layer.stride, layer.dilation, layer.count)
        for layer in layers
    ]


@pytest.mark.parametrize(
    "name",
    [
        "cnn_linalg.mlir",
        "cnn_linalg_generic_form.mlir",
        "cnn_generalised.mlir",
        "cnn_memref.mlir",
        "cnn_stablehlo.mlir",
    ],
)
def test_a_pytorch_network_gives_the_same_layers_in_every_form(name):
    assert _shapes(_read(name)) == _shapes(CNN)


def test_tosa_gives_the_groups_of_a_convolution_one_by_one():
    groups = [Layer.conv(c=16, m=16, r=3, s=3, p=16, q=16)] * 4
    assert _shapes(_read("cnn_tosa.mlir")) == _shapes([*CNN[:3], *groups, *CNN[4:]])


@pytest.mark.parametrize(
    "name", ["attention_jax.mlir", "attention_jax_generic_form.mlir", "attention_linalg.mlir"]
)
def test_a_jax_attention_gives_the_same_layers_in_every_form(name):
    assert _shapes(_read(name)) == _shapes(ATTENTION)


@pytest.mark.parametrize("name", ["scan_jax.mlir", "scan_jax_generic_form.mlir"])
def test_a_scan_repeats_the_layers_of_its_body(name):
    layers = _read(name)
    assert [(layer.dims["C"], layer.dims["M"], layer.count) for layer in layers] == [
        (32, 32, 10),
        (16, 32, 10),
    ]
    assert layers.macs == 10 * 4 * 32 * (32 + 16)
    assert layers.notes == ()


def test_other_operations_are_counted_with_their_lines():
    layers = _read("cnn_linalg.mlir")
    text = (MLIR / "cnn_linalg.mlir").read_text().splitlines()
    assert layers.skipped["linalg.generic"] == 14
    assert layers.skipped["linalg.pooling_nchw_max"] == 1
    assert set(layers.skipped) == set(layers.skipped_lines)
    for name, lines in layers.skipped_lines.items():
        assert all(name in text[line - 1] for line in lines)
    read = {int(layer.name.split("@")[1]) for layer in layers}
    assert all(layer.name.split("@")[0] in text[line - 1] for layer, line in _lines(layers))
    assert not read & {line for lines in layers.skipped_lines.values() for line in lines}


def _lines(layers):
    return [(layer, int(layer.name.split("@")[1])) for layer in layers]


@pytest.mark.parametrize("name", sorted(path.name for path in MLIR.glob("*.mlir")))
def test_nothing_is_lost_each_operation_is_a_layer_or_skipped(name):
    layers = _read(name)
    text = "\n".join(
        line for line in (MLIR / name).read_text().splitlines() if not line.startswith("//")
    )
    for operation in ("linalg.matmul ", "linalg.conv_", "stablehlo.dot_general ", "tosa.conv2d "):
        found = text.count(f" {operation}") + text.count(f'"{operation.strip()}"')
        dialect, kind = operation.strip().split(".")
        assert sum(layer.name.startswith(kind) for layer in layers) >= (found > 0)
        assert not any(key.startswith(operation.strip()) for key in layers.skipped), dialect


def test_merging_a_list_keeps_what_was_skipped():
    layers = _read("attention_jax.mlir")
    merged = layers.merged()
    assert [layer.count for layer in merged] == [4, 2, 1, 1]
    assert merged.macs == layers.macs
    assert merged.skipped == layers.skipped


# --- single operations -----------------------------------------------------------------------


def _module(body, arguments=""):
    return f"module {{\n  func.func @main({arguments}) {{\n{body}\n    return\n  }}\n}}\n"


def _one(body):
    layers = layers_from_mlir(_module(body))
    assert len(layers) == 1, (layers.skipped, layers.notes)
    return layers[0]


def _sized(layer):
    return {dim: bound for dim, bound in layer.dims.items() if bound > 1}


def _types(*shapes, kind="tensor"):
    return ", ".join(f"{kind}<{'x'.join(map(str, shape))}xf32>" for shape in shapes)


def _named(name, first, second, result, attributes="", kind="tensor"):
    arrow = f" -> {_types(result)}" if kind == "tensor" else ""
    return (
        f"    linalg.{name} {attributes} ins(%a, %b : {_types(first, second, kind=kind)}) "
        f"outs(%c : {_types(result, kind=kind)}){arrow}"
    )


PRODUCTS = {
    "matmul": ((8, 16), (16, 32), (8, 32), {"N": 8, "C": 16, "M": 32}),
    "matmul_transpose_a": ((16, 8), (16, 32), (8, 32), {"N": 8, "C": 16, "M": 32}),
    "matmul_transpose_b": ((8, 16), (32, 16), (8, 32), {"N": 8, "C": 16, "M": 32}),
    "batch_matmul": ((3, 8, 16), (3, 16, 32), (3, 8, 32), {"G": 3, "N": 8, "C": 16, "M": 32}),
    "batch_matmul_transpose_b": (
        (3, 8, 16),
        (3, 32, 16),
        (3, 8, 32),
        {"G": 3, "N": 8, "C": 16, "M": 32},
    ),
    "batch_reduce_matmul": ((3, 8, 16), (3, 16, 32), (8, 32), {"N": 8, "C": 48, "M": 32}),
    "vecmat": ((16,), (16, 32), (32,), {"C": 16, "M": 32}),
    "matvec": ((8, 16), (16,), (8,), {"N": 8, "C": 16}),
    "batch_matvec": ((3, 8, 16), (3, 16), (3, 8), {"G": 3, "N": 8, "C": 16}),
    "batch_vecmat": ((3, 16), (3, 16, 32), (3, 32), {"G": 3, "C": 16, "M": 32}),
    "dot": ((16,), (16,), (), {"C": 16}),
    "mmt4d": ((2, 4, 8, 1), (3, 4, 5, 1), (2, 3, 8, 5), {"N": 16, "M": 15, "C": 4}),
}


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("kind", ["tensor", "memref"])
def test_matrix_products_have_their_sizes(name, kind):
    first, second, result, sizes = PRODUCTS[name]
    assert _sized(_one(_named(name, first, second, result, kind=kind))) == sizes


WINDOWS = st.fixed_dictionaries(
    {
        "n": st.integers(1, 3),
        "c": st.integers(1, 5),
        "m": st.integers(1, 5),
        "r": st.integers(1, 4),
        "s": st.integers(1, 4),
        "p": st.integers(1, 9),
        "q": st.integers(1, 9),
        "stride": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "dilation": st.tuples(st.integers(1, 3), st.integers(1, 3)),
    }
)


def _image(window):
    """Height and width of an input that the windows just cover."""
    width = window["stride"][0] * (window["p"] - 1) + window["dilation"][0] * (window["r"] - 1) + 1
    height = window["stride"][1] * (window["q"] - 1) + window["dilation"][1] * (window["s"] - 1) + 1
    return height, width


def _shape(layout, **sizes):
    return tuple(sizes[letter] for letter in layout)


@settings(max_examples=60, deadline=None)
@given(
    window=WINDOWS,
    layout=st.sampled_from([("nchw", "fchw"), ("nhwc", "hwcf"), ("nhwc", "fhwc")]),
    dense=st.booleans(),
)
def test_convolutions_of_every_layout_keep_width_and_height_apart(window, layout, dense):
    image, kernel = layout
    height, width = _image(window)
    (wide, high), (wide_gap, high_gap) = window["stride"], window["dilation"]
    strides, dilations = f"[{high}, {wide}]", f"[{high_gap}, {wide_gap}]"
    if not dense:
        strides, dilations = f"array<i64: {high}, {wide}>", f"array<i64: {high_gap}, {wide_gap}>"
    else:
        strides = f"dense<{strides}> : vector<2xi64>"
        dilations = f"dense<{dilations}> : tensor<2xi64>"
    text = _named(
        f"conv_2d_{image}_{kernel}",
        _shape(image, n=window["n"], c=window["c"], h=height, w=width),
        _shape(kernel, f=window["m"], c=window["c"], h=window["s"], w=window["r"]),
        _shape(image, n=window["n"], c=window["m"], h=window["q"], w=window["p"]),
        f"{{dilations = {dilations}, strides = {strides}}}",
    )
    assert _shapes([_one(text)]) == _shapes([Layer.conv(**window)])


@settings(max_examples=60, deadline=None)
@given(window=WINDOWS, groups=st.integers(1, 4), order=st.permutations(range(8)))
def test_a_convolution_as_generic_is_found_whatever_the_order_of_its_loops(window, groups, order):
    names = dict(zip(("n", "g", "c", "m", "r", "s", "p", "q"), order, strict=True))
    d = {name: f"d{index}" for name, index in names.items()}
    (wide, high), (wide_gap, high_gap) = window["stride"], window["dilation"]
    maps = (
        f"{d['n']}, {d['g']}, {d['c']}, {d['q']} * {high} + {d['s']} * {high_gap}, "
        f"{d['r']} * {wide_gap} + {d['p']} * {wide}",
        f"{d['g']}, {d['m']}, {d['c']}, {d['s']}, {d['r']}",
        f"{d['n']}, {d['g']}, {d['m']}, {d['q']}, {d['p']}",
    )
    height, width = _image(window)
    text = _generic(
        maps,
        (window["n"], groups, window["c"], height, width),
        (groups, window["m"], window["c"], window["s"], window["r"]),
        (window["n"], groups, window["m"], window["q"], window["p"]),
        dims=8,
    )
    layer = _one(text)
    assert layer.macs == groups * Layer.conv(**window).macs
    if max(window["r"], window["s"]) > 1 and groups > 1 and (window["c"], window["m"]) != (1, 1):
        assert _shapes([layer]) == _shapes([Layer.grouped(g=groups, **window)])


MULTIPLY_ADD = """
      %1 = arith.mulf %in, %in_0 : f32
      %2 = arith.addf %out, %1 : f32
      linalg.yield %2 : f32"""


def _generic(maps, first, second, result, *, dims, body=MULTIPLY_ADD):
    domain = ", ".join(f"d{index}" for index in range(dims))
    listed = ", ".join(f"affine_map<({domain}) -> ({results})>" for results in maps)
    kinds = ", ".join(['"parallel"'] * dims)
    return (
        f"    %0 = linalg.generic {{indexing_maps = [{listed}], iterator_types = [{kinds}]}} "
        f"ins(%a, %b : {_types(first, second)}) outs(%c : {_types(result)}) {{\n"
        f"    ^bb0(%in: f32, %in_0: f32, %out: f32):{body}\n    }} -> {_types(result)}"
    )


MATMUL = (("d0, d2", "d2, d1", "d0, d1"), (8, 16), (16, 32), (8, 32))


@pytest.mark.parametrize(
    "body",
    [
        MULTIPLY_ADD,
        MULTIPLY_ADD.replace("%out, %1", "%1, %out").replace("%in, %in_0", "%in_0, %in"),
        " %1 = arith.mulf %in, %in_0 : f32 %2 = arith.addf %out, %1 : f32 linalg.yield %2 : f32",
        "\n      %1 = math.fma %in, %in_0, %out : f32\n      linalg.yield %1 : f32",
        "\n      %w = arith.extf %in : f16 to f32\n      %1 = arith.mulf %w, %in_0 : f32"
        "\n      %2 = arith.addf %out, %1 : f32\n      linalg.yield %2 : f32",
        "\n      %z = arith.subf %in, %zero_point : f32\n      %1 = arith.mulf %z, %in_0 : f32"
        "\n      %2 = arith.addf %out, %1 : f32\n      linalg.yield %2 : f32",
    ],
)
def test_every_way_to_write_a_multiply_accumulate_is_one(body):
    assert _sized(_one(_generic(*MATMUL, dims=3, body=body))) == {"N": 8, "C": 16, "M": 32}


@pytest.mark.parametrize(
    "body",
    [
        MULTIPLY_ADD.replace("addf", "maximumf"),
        MULTIPLY_ADD.replace("mulf", "addf"),
        MULTIPLY_ADD.replace("%in, %in_0", "%in, %in"),
        MULTIPLY_ADD.replace("addf %out", "addf %in"),
        MULTIPLY_ADD.replace("linalg.yield %2", "linalg.yield %1"),
    ],
)
def test_a_reduction_that_is_no_multiply_accumulate_is_skipped(body):
    layers = layers_from_mlir(_module(_generic(*MATMUL, dims=3, body=body)))
    assert list(layers) == []
    assert layers.skipped == {"linalg.generic": 1}
    assert layers.skipped_lines == {"linalg.generic": (3,)}


def test_an_elementwise_product_is_no_contraction():
    text = _generic(("d0, d1", "d0, d1", "d0, d1"), (4, 4), (4, 4), (4, 4), dims=2)
    assert layers_from_mlir(_module(text)).skipped == {"linalg.generic": 1}


def test_aliases_and_multi_line_operations_are_followed():
    text = """#rows = affine_map<(m, n, k) -> (m, k)>
#columns = affine_map<(m, n, k) -> (n, k)>
!matrix = tensor<8x16xf32>
func.func @main(%a: !matrix, %b: tensor<32x16xf32>, %c: tensor<8x32xf32>) -> tensor<8x32xf32> {
  // linalg.matmul in a comment
  %0 = linalg.matmul
         indexing_maps = [#rows, #columns, affine_map<(m, n, k) -> (m, n)>]
         ins(%a, %b : !matrix, tensor<32x16xf32>)
         outs(%c : tensor<8x32xf32>) -> tensor<8x32xf32>
  return %0 : tensor<8x32xf32>
}"""
    layers = layers_from_mlir(text)
    assert [layer.name for layer in layers] == ["matmul@6"]
    assert _sized(layers[0]) == {"N": 8, "C": 16, "M": 32}


def test_a_trait_alias_stands_for_all_attributes_of_a_generic():
    text = _generic(*MATMUL, dims=3)
    start, end = text.index("{"), text.index("} ins") + 1
    module = f"#trait = {text[start:end]}\n{_module(text[:start] + '#trait' + text[end:])}"
    (layer,) = layers_from_mlir(module)
    assert _sized(layer) == {"N": 8, "C": 16, "M": 32}


def test_the_long_names_of_old_convolutions_are_read():
    text = _named("conv_2d_input_nhwc_filter_hwcf", (1, 9, 10, 5), (2, 3, 5, 4), (1, 8, 8, 4))
    assert _sized(_one(text)) == {"C": 5, "M": 4, "S": 2, "R": 3, "Q": 8, "P": 8}


def test_locations_are_looked_past():
    text = (
        "    %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<8x16xf32>, "
        'tensor<16x32xf32>) -> tensor<8x32xf32> loc("model.py":3:7)'
    )
    assert _sized(_one(text)) == {"N": 8, "C": 16, "M": 32}


def test_contract_reads_its_own_maps():
    maps = "[affine_map<(d0, d1, d2) -> (d2, d0)>, affine_map<(d0, d1, d2) -> (d2, d1)>, "
    maps += "affine_map<(d0, d1, d2) -> (d0, d1)>]"
    text = _named("contract", (16, 8), (16, 32), (8, 32), f"indexing_maps = {maps}")
    assert _sized(_one(text)) == {"N": 8, "C": 16, "M": 32}


@pytest.mark.parametrize(
    ("name", "first", "second", "result", "sizes"),
    [
        ("conv_1d_ncw_fcw", (2, 3, 10), (4, 3, 3), (2, 4, 8),
         {"N": 2, "C": 3, "M": 4, "R": 3, "P": 8}),
        ("conv_1d", (10,), (3,), (8,), {"R": 3, "P": 8}),
        ("conv_2d", (9, 10), (2, 3), (8, 8), {"S": 2, "R": 3, "Q": 8, "P": 8}),
        (
            "depthwise_conv_2d_nhwc_hwcm",
            (1, 9, 10, 5),
            (2, 3, 5, 4),
            (1, 8, 8, 5, 4),
            {"G": 5, "M": 4, "S": 2, "R": 3, "Q": 8, "P": 8},
        ),
        (
            "depthwise_conv_1d_nwc_wc",
            (1, 10, 5),
            (3, 5),
            (1, 8, 5),
            {"C": 5, "R": 3, "P": 8},
        ),
        (
            "conv_2d_nhwgc_gfhwc",
            (1, 9, 10, 2, 3),
            (2, 4, 2, 3, 3),
            (1, 8, 8, 2, 4),
            {"G": 2, "C": 3, "M": 4, "S": 2, "R": 3, "Q": 8, "P": 8},
        ),
        (
            "conv_3d_ncdhw_fcdhw",
            (1, 3, 5, 9, 10),
            (4, 3, 2, 2, 3),
            (1, 4, 4, 8, 8),
            {"C": 3, "M": 4, "T": 2, "S": 2, "R": 3, "U": 4, "Q": 8, "P": 8},
        ),
    ],
)  # fmt: skip
def test_the_layouts_in_a_convolutions_name_are_read(name, first, second, result, sizes):
    assert _sized(_one(_named(name, first, second, result))) == sizes


def test_pooling_is_no_contraction():
    text = _named("pooling_nhwc_sum", (1, 8, 8, 3), (2, 2), (1, 4, 4, 3))
    assert layers_from_mlir(_module(text)).skipped == {"linalg.pooling_nhwc_sum": 1}


def test_quantised_operations_ignore_their_zero_points():
    text = (
        "    %0 = linalg.quantized_matmul ins(%a, %b, %z, %z : tensor<8x16xi8>, tensor<16x32xi8>, "
        "i32, i32) outs(%c : tensor<8x32xi32>) -> tensor<8x32xi32>"
    )
    assert _sized(_one(text)) == {"N": 8, "C": 16, "M": 32}


def test_grouped_and_batch_grouped_hlo_convolutions_divide_the_right_axis():
    text = (
        "    %0 = stablehlo.convolution(%a, %b) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, "
        "1], window = {{}} {{batch_group_count = {b} : i64, feature_group_count = {f} : i64}} : "
        "(tensor<{n}x{c}x8x8xf32>, tensor<12x3x3x3xf32>) -> tensor<{r}x12x6x6xf32>"
    )
    by_feature = _one(text.format(b=1, f=2, n=4, c=6, r=4))
    assert _sized(by_feature) == {"R": 3, "S": 3, "P": 6, "Q": 6, "C": 3, "M": 6, "N": 4, "G": 2}
    by_batch = _one(text.format(b=2, f=1, n=4, c=3, r=2))
    assert _sized(by_batch) == {"R": 3, "S": 3, "P": 6, "Q": 6, "C": 3, "M": 6, "N": 2, "G": 2}


def test_a_diagonal_becomes_a_general_layer_with_the_right_products():
    text = _generic(("d0, d0, d2", "d2, d1", "d0, d1"), (8, 8, 16), (16, 32), (8, 32), dims=3)
    layer = _one(text)
    assert layer.macs == 8 * 16 * 32
    assert len(layer.tensor("Inputs").axes) == 3


# --- program order ----------------------------------------------------------------------------


def test_a_function_is_read_at_each_of_its_calls():
    text = """module {
  func.func private @dense(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
    %0 = stablehlo.dot %x, %x : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    return %0 : tensor<8x8xf32>
  }
  func.func public @main(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
    %0 = call @dense(%x) : (tensor<8x8xf32>) -> tensor<8x8xf32>
    %1 = stablehlo.dot %0, %x : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    %2 = func.call @dense(%1) : (tensor<8x8xf32>) -> tensor<8x8xf32>
    %3 = func.call @elsewhere(%2) : (tensor<8x8xf32>) -> tensor<8x8xf32>
    return %3 : tensor<8x8xf32>
  }
}"""
    layers = layers_from_mlir(text)
    assert [layer.name for layer in layers] == ["dot@3", "dot@8", "dot@3"]
    assert layers.skipped_lines == {"func.call": (10,)}


def test_a_call_of_a_function_that_is_only_declared_is_counted():
    text = """func.func private @elsewhere(tensor<4x4xf32>)
func.func @main(%a: tensor<4x4xf32>) {
  call @elsewhere(%a) : (tensor<4x4xf32>) -> ()
  return
}"""
    assert layers_from_mlir(text).skipped_lines == {"call": (3,)}


def test_a_module_without_layers_says_which_dialects_are_read():
    text = _module(
        "    %0 = torch.aten.mm %a, %b : !torch.vtensor, !torch.vtensor -> !torch.vtensor"
    )
    layers = layers_from_mlir(text)
    assert layers.skipped == {"torch.aten.mm": 1}
    assert layers.notes == (
        "No contraction gave a layer. Dialects here: torch; read are linalg, stablehlo, mhlo, "
        "tosa. Lower the module to one of these.",
    )


def test_a_recursive_function_is_read_once():
    text = """func.func @f(%a: tensor<4x4xf32>) {
  %0 = stablehlo.dot %a, %a : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  call @f(%0) : (tensor<4x4xf32>) -> ()
  return
}"""
    assert [layer.name for layer in layers_from_mlir(text)] == ["dot@2"]


LOOPS = {
    "affine.for %i = 0 to 10 step 3 {": 4,
    "scf.for %i = %c2 to %c64 step %c2 {": 31,
    "scf.forall (%i, %j) in (4, 8) {": 32,
    "scf.parallel (%i, %j) = (%c0, %c0) to (%c64, %c2) step (%c2, %c2) {": 32,
}


@pytest.mark.parametrize("head", LOOPS)
def test_a_loop_with_constant_bounds_repeats_its_layers(head):
    constants = "\n".join(f"    %c{n} = arith.constant {n} : index" for n in (0, 2, 64))
    body = f"{constants}\n    {head}\n{_named('matmul', (8, 8), (8, 8), (8, 8))}\n    }}"
    layers = layers_from_mlir(_module(body))
    assert [layer.count for layer in layers] == [LOOPS[head]]
    assert layers.macs == LOOPS[head] * 512


def test_loops_in_loops_multiply():
    inner = f"affine.for %j = 0 to 5 {{\n{_named('matmul', (8, 8), (8, 8), (8, 8))}\n}}"
    layers = layers_from_mlir(_module(f"affine.for %i = 0 to 3 {{\n{inner}\n}}"))
    assert [layer.count for layer in layers] == [15]


@pytest.mark.parametrize(
    ("head", "note"),
    [
        ("scf.for %i = %lower to %upper step %step {", "line 4: linalg.matmul: its loop .* line 3"),
        ("scf.if %condition {", "every branch of scf.if, line 3, is counted"),
    ],
)
def test_what_is_uncertain_about_a_layer_is_noted(head, note):
    layers = layers_from_mlir(
        _module(f"    {head}\n{_named('matmul', (8, 8), (8, 8), (8, 8))}\n}}")
    )
    assert [layer.count for layer in layers] == [1]
    with pytest.raises(AssertionError, match=note):
        raise AssertionError(layers.notes[0])


# --- bad input --------------------------------------------------------------------------------

DYNAMIC = _named("matmul", ("?", 16), (16, 32), ("?", 32))


def test_a_dynamic_size_is_refused_with_its_line():
    text = _module(f"{DYNAMIC}\n{_named('matmul', (8, 8), (8, 8), (8, 8))}\n{DYNAMIC}")
    with pytest.raises(InvalidConfigError, match=r"2 contractions .*line 3: .*line 5: "):
        layers_from_mlir(text)


def test_a_dynamic_size_is_taken_as_told_or_skipped():
    assert _sized(layers_from_mlir(_module(DYNAMIC), dynamic=7)[0]) == {"N": 7, "C": 16, "M": 32}
    layers = layers_from_mlir(_module(DYNAMIC), dynamic="skip")
    assert list(layers) == []
    assert layers.notes[0] == "line 3: linalg.matmul gave no layer: 1 of its sizes are dynamic."
    assert layers.skipped == {"linalg.matmul": 1}


def test_a_dynamic_size_that_another_operand_knows_is_that_size():
    text = _named("matmul", ("?", 16), ("?", 32), (8, "?"))
    assert _sized(_one(text)) == {"N": 8, "C": 16, "M": 32}


@pytest.mark.parametrize(
    ("body", "note"),
    [
        (_named("matmul", (8, 16), (15, 32), (8, 32)), "one dimension is both 16 and 15 long"),
        (_named("matmul", (8, 16, 2), (16, 32), (8, 32)), "an operand has 3 axes, its index map 2"),
        (_named("matmul", (0, 16), (16, 32), (0, 32)), "it multiplies nothing"),
        (_named("matmul", (8, 16), (16, 32), (8, 32)).replace("<8x16x", "<*x"), "has no rank"),
        (_generic(("d0, d2 floordiv 2", *MATMUL[0][1:]), *MATMUL[1:], dims=3), "floordiv"),
        (_generic(("d0, 15 - d2", *MATMUL[0][1:]), *MATMUL[1:], dims=3), "runs backwards"),
        (_generic(("d0, d2 * d1", *MATMUL[0][1:]), *MATMUL[1:], dims=3), "multiplies dimensions"),
        ("    %0 = stablehlo.dynamic_conv(%a, %b) : (tensor<4xf32>) -> tensor<4xf32>", "on data"),
        ("    %0 = tosa.transpose_conv2d %a, %b : (tensor<4xf32>) -> tensor<4xf32>", "transposed"),
    ],
)
def test_a_contraction_that_is_no_layer_is_noted_with_its_line(body, note):
    layers = layers_from_mlir(_module(body))
    assert list(layers) == []
    assert len(layers.notes) == 2
    assert layers.notes[0].startswith("line 3: ")
    assert note in layers.notes[0]
    assert sum(layers.skipped.values()) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no operation"),
        ("def f(x): return x @ x", "no operation"),
        ("module {\n  func.func @f() {\n", "line 2: '{' is never closed"),
        ("module {\n  func.func @f() {\n  ]\n}", "line 3: ']' closes '{' of line 2"),
        ("module {\n}\n}", "line 3: '}' closes nothing"),
    ],
)
def test_text_that_is_no_module_is_refused(text, message):
    with pytest.raises(InvalidConfigError) as caught:
        layers_from_mlir(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("dynamic", [0, -1, True, "take", 1.5])
def test_a_wrong_substitute_for_dynamic_sizes_is_refused(dynamic):
    with pytest.raises(InvalidConfigError, match="'error', 'skip', or the size"):
        layers_from_mlir("module {}", dynamic=dynamic)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_module_is_read_or_refused_never_something_else(data):
    text = (MLIR / data.draw(st.sampled_from(["scan_jax.mlir", "attention_jax.mlir"]))).read_text()
    at = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(0, 40))
    damaged = (
        text[:at] + data.draw(st.text('()<>{}[]%:=x?\n" dz0', max_size=4)) + text[at + length :]
    )
    with contextlib.suppress(InvalidConfigError):
        assert layers_from_mlir(damaged).macs >= 0
