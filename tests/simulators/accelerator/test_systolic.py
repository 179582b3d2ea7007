import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.accelerator import systolic
from simulators.accelerator._layer import Layer, Tensor
from simulators.errors import InvalidConfigError

# What scalesim 3.0.0 prints for an 8 x 4 array: total cycles (the last one, from 0), mapping
# efficiency in percent, SRAM reads of inputs and filters, output writes. In os it counts some
# writes twice.
PRODUCTS = {"a": (20, 12, 30), "b": (100, 7, 5), "c": (8, 8, 8)}
PRINTED = [
    ("a", "ws", 455, 93.75, 1800, 360, 960),
    ("b", "ws", 235, 54.6875, 1000, 35, 700),
    ("c", "ws", 51, 100.0, 128, 64, 64),
    ("a", "is", 599, 93.75, 600, 1800, 960),
    ("b", "is", 624, 62.5, 500, 875, 700),
    ("c", "is", 51, 100.0, 64, 128, 64),
    ("a", "os", 359, 83.33333333333334, 1800, 1080, None),
    ("b", "os", 389, 84.13461538461539, 1000, 455, None),
    ("c", "os", 35, 100.0, 128, 64, None),
]
TOPOLOGY = """Layer, IFMAP H, IFMAP W, Filter H, Filter W, Channels, Filters, Stride,
Conv1, 15, 13, 3, 3, 4, 10, 2,

DP1, 10, 10, 3, 3, 2, 1, 1, 1:1,
"""
CONFIG = """[general]
run_name = "small"
[architecture_presets]
ArrayHeight:    8
ArrayWidth = 4
IfmapSramSzkB:    64
FilterSramSz:   32
IfmapOffset:    0
Dataflow : os
[run_presets]
InterfaceBandwidth: CALC
"""


@pytest.mark.parametrize(
    ("name", "dataflow", "last_cycle", "mapped", "inputs", "weights", "outputs"), PRINTED
)
def test_a_matrix_product_takes_what_scalesim_prints(
    name, dataflow, last_cycle, mapped, inputs, weights, outputs
):
    m, n, k = PRODUCTS[name]
    cost = systolic.evaluate(Layer.matmul(m=m, n=n, k=k), (8, 4), dataflow)
    assert cost.cycles == last_cycle + 1
    assert cost.mapping_efficiency * 100 == pytest.approx(mapped)
    assert (cost.input_reads, cost.weight_reads) == (inputs, weights)
    assert outputs is None or cost.output_writes == outputs
    assert cost.utilization == cost.macs / (cost.cycles * 32)


@pytest.mark.parametrize(
    ("dataflow", "conv", "depthwise"), [("ws", 899, 163), ("is", 1539, 607), ("os", 827, 151)]
)
def test_a_topology_takes_what_scalesim_prints(tmp_path, dataflow, conv, depthwise):
    file = tmp_path / "net.csv"
    file.write_text(TOPOLOGY)
    first, second = systolic.read_topology(file)
    assert systolic.evaluate(first, (8, 4), dataflow).cycles == conv + 1
    # SCALE-Sim runs each of the two channels as a layer of its own.
    assert systolic.evaluate(second, (8, 4), dataflow).cycles == 2 * (depthwise + 1)
    network = systolic.evaluate_network([first, second], (8, 4), dataflow)
    assert network.cycles == conv + 1 + 2 * (depthwise + 1)
    assert network.macs == first.macs + second.macs


def test_a_topology_of_products_is_read_with_or_without_sparsity(tmp_path):
    file = tmp_path / "gemm.csv"
    file.write_text("Layer, M, N, K,\nfc, 20, 12, 30,\nlast, 1, 2, 3, 4:4,\n")
    layers = systolic.read_topology(file)
    assert [layer.name for layer in layers] == ["fc", "last"]
    assert systolic.gemm(layers[0]) == systolic.Gemm(batch=1, m=20, n=12, k=30)
    assert systolic.read_topology(file, "gemm") == layers


def test_a_configuration_says_what_the_array_is(tmp_path):
    file = tmp_path / "small.cfg"
    file.write_text(CONFIG)
    config = systolic.read_config(file)
    assert config == systolic.Config(
        name="small",
        array=(8, 4),
        dataflow="os",
        input_buffer_kib=64,
        weight_buffer_kib=32,
        output_buffer_kib=None,
    )


def test_a_convolution_is_the_product_of_its_windows():
    layer = Layer.conv(n=2, c=3, m=64, r=7, s=5, p=112, q=56, stride=(2, 2))
    assert systolic.gemm(layer) == systolic.Gemm(batch=1, m=2 * 112 * 56, n=64, k=3 * 7 * 5)
    grouped = Layer.grouped(g=4, c=3, m=8, r=3, s=3, p=5, q=5)
    assert systolic.gemm(grouped) == systolic.Gemm(batch=4, m=25, n=8, k=27)
    batched = Layer.batched_matmul(b=12, m=16, n=32, k=64)
    assert systolic.gemm(batched) == systolic.Gemm(batch=12, m=16, n=32, k=64)


@given(
    st.tuples(*[st.integers(1, 300)] * 3),
    st.tuples(st.integers(1, 64), st.integers(1, 64)),
    st.sampled_from(["ws", "is", "os"]),
)
def test_an_array_is_never_used_beyond_what_it_holds(sizes, array, dataflow):
    m, n, k = sizes
    cost = systolic.evaluate(Layer.matmul(m=m, n=n, k=k), array, dataflow)
    assert 0 < cost.utilization <= cost.mapping_efficiency <= 1
    assert cost.cycles >= m * n * k / (array[0] * array[1])
    assert cost.input_reads >= m * k
    assert cost.weight_reads >= k * n
    assert cost.output_writes >= m * n


def test_a_repeated_layer_counts_as_often_as_it_is_repeated():
    layer = Layer.matmul(m=5, n=6, k=7)
    thrice = Layer(layer.name, layer.dims, layer.tensors, count=3)
    one, network = (
        systolic.evaluate(layer, (4, 4)),
        systolic.evaluate_network([thrice], (4, 4)),
    )
    assert network.cycles == 3 * one.cycles
    assert network.utilization == pytest.approx(one.utilization)
    assert network.mapping_efficiency == pytest.approx(one.mapping_efficiency)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Conv1, 15, 13, 3, 3, 4, 10,", ["line 2", "6 numbers", "stride"]),
        ("Conv1, 15, 13, 3, 3, four, 10, 1,", ["channels is 'four'"]),
        ("Conv1, 15, 13, 3, 3, 0, 10, 1,", ["channels is '0'"]),
        ("Conv1, 15, 13, 17, 3, 4, 10, 1,", ["17 x 3", "15 x 13", "padding"]),
        ("fc, 1, 2, 3, 2:4,", ["2:4", "not modelled"]),
        ("", ["no layers"]),
    ],
)
def test_a_damaged_topology_is_refused_with_its_line(tmp_path, line, words):
    file = tmp_path / "net.csv"
    file.write_text(f"header,\n{line}\n")
    with pytest.raises(InvalidConfigError) as error:
        systolic.read_topology(file)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ArrayHeight", "Height", "lacks ArrayHeight"),
        (": os", ": rs", "'rs'"),
        ("    8", "    -8", "'-8'"),
        ("[architecture_presets]", "[presets]", "no section"),
        ("[general]", "general", "no SCALE-Sim configuration"),
    ],
)
def test_a_damaged_configuration_is_refused(tmp_path, old, new, words):
    file = tmp_path / "small.cfg"
    file.write_text(CONFIG.replace(old, new))
    with pytest.raises(InvalidConfigError) as error:
        systolic.read_config(file)
    assert words in str(error.value)


def test_what_no_array_can_be_is_refused():
    layer = Layer.matmul(m=1, n=1, k=1)
    with pytest.raises(InvalidConfigError, match="Allowed: ws, is, os"):
        systolic.evaluate(layer, (4, 4), "rs")
    with pytest.raises(InvalidConfigError, match="whole numbers from 1"):
        systolic.evaluate(layer, (0, 4))
    with pytest.raises(InvalidConfigError, match="no layers"):
        systolic.evaluate_network([], (4, 4))
    with pytest.raises(InvalidConfigError, match="Cannot read"):
        systolic.read_topology("missing.csv")


def test_what_is_no_matrix_product_is_refused():
    one = Tensor("A", ((("I", 1),),))
    out = Tensor("B", ((("I", 1),),), output=True)
    with pytest.raises(InvalidConfigError, match="A, B"):
        systolic.gemm(Layer.general({"I": 4}, (one, out)))
    tensors = (
        Tensor("Weights", ((("K", 1),),)),
        Tensor("Inputs", ((("K", 1),), (("Z", 1),))),
        Tensor("Outputs", ((("M", 1),),), output=True),
    )
    with pytest.raises(InvalidConfigError, match="no matrix product"):
        systolic.gemm(Layer.general({"K": 2, "Z": 3, "M": 1}, tensors))
