"""The published networks: their totals against published figures, their shapes against papers."""

import pytest

from simulators.accelerator._layer import Layer
from simulators.accelerator._networks import network, networks
from simulators.accelerator._networks_builder import ImageBuilder
from simulators.errors import InvalidConfigError


def _macs(name, **options):
    return sum(layer.macs * layer.count for layer in network(name, **options))


def _by_name(name, **options):
    return {layer.name: layer for layer in network(name, **options)}


# Published totals, with the source and with what it leaves out of the count.
PUBLISHED_GIGA_MACS = [
    ("alexnet", 0.724, 0.002),  # Sze et al., Proc. IEEE 2017, table II: 724 M
    ("vgg16", 15.5, 0.005),  # the same table: 15.5 G
    ("resnet50-v1", 3.9, 0.015),  # the same table: 3.9 G
    ("resnet18", 1.814, 0.002),  # torchvision's model card: 1.81 GFLOPS (as MACs)
    ("resnet50", 4.089, 0.002),  # torchvision's model card: 4.09 GFLOPS (as MACs)
    ("mobilenetv2", 0.300, 0.005),  # Sandler et al., CVPR 2018, table 4: 300 M
    ("efficientnet-b0", 0.390, 0.02),  # Tan and Le, ICML 2019, table 2: 0.39 B
    ("vit-b16", 17.56, 0.001),  # torchvision's model card: 17.56 GFLOPS (as MACs)
    ("bert-base", 22.5 / 2, 0.02),  # Jiao et al., TinyBERT, 2020, table 1: 22.5 B FLOPs at 128
]


@pytest.mark.parametrize(("name", "giga_macs", "tolerance"), PUBLISHED_GIGA_MACS)
def test_total_macs_are_the_published_ones(name, giga_macs, tolerance):
    assert _macs(name) / 1e9 == pytest.approx(giga_macs, rel=tolerance)


def test_gpt2_totals_are_those_of_its_closed_form():
    tokens, width = 1024, 768
    block = 12 * tokens * width**2 + 2 * tokens**2 * width  # Kaplan et al. 2020, table 1
    assert _macs("gpt2") == 12 * block + tokens * width * 50257


def test_attention_grows_with_the_square_of_the_sequence():
    short, long = _by_name("bert-base", sequence=64), _by_name("bert-base", sequence=256)
    assert long["encoder.0.attention.qk"].macs == 16 * short["encoder.0.attention.qk"].macs
    assert long["encoder.0.attention.query"].macs == 4 * short["encoder.0.attention.query"].macs


def test_alexnet_without_groups_has_twice_the_macs_in_its_grouped_layers():
    grouped, whole = _by_name("alexnet"), _by_name("alexnet-ungrouped")
    for name in ("conv2", "conv4", "conv5"):
        assert whole[name].macs == 2 * grouped[name].macs
    assert grouped["conv2"].dims["G"] == 2
    assert grouped["conv1"] == whole["conv1"]


def test_alexnet_has_the_sizes_of_its_paper():
    layers = _by_name("alexnet")
    sizes = [layers[f"conv{index}"].dims["P"] for index in range(1, 6)]
    assert sizes == [55, 27, 13, 13, 13]
    assert layers["fc6"].dims["C"] == 9216


def test_weights_are_as_many_as_published():
    # torchvision: parameters without biases and batch normalisation.
    expected = {"vgg16": 138_344_128, "resnet50": 25_502_912, "mobilenetv2": 3_469_760}
    for name, weights in expected.items():
        assert sum(layer.tensor_size("Weights") for layer in network(name)) == weights


def test_resnet50_versions_stride_in_different_kernels():
    paper, common = _by_name("resnet50-v1"), _by_name("resnet50")
    assert paper["layer2.0.conv1"].stride == (2, 2)
    assert common["layer2.0.conv1"].stride == (1, 1)
    assert common["layer2.0.conv2"].stride == (2, 2)
    assert common["layer2.0.conv1"].dims["P"] == 56


def test_depthwise_layers_have_no_output_channels():
    depthwise = [layer for layer in network("mobilenetv2") if layer.name.endswith("depthwise")]
    assert len(depthwise) == 17
    assert all("M" not in layer.dims for layer in depthwise)


def test_dlrm_takes_the_interaction_of_26_tables_and_the_bottom():
    assert _by_name("dlrm")["top.0"].dims["C"] == 479
    assert _by_name("dlrm-kaggle")["top.0"].dims["C"] == 367


@pytest.mark.parametrize("name", networks())
def test_merging_keeps_the_total_and_leaves_no_two_shapes_alike(name):
    merged = network(name, merge=True)
    shapes = [(tuple(layer.dims.items()), layer.tensors) for layer in merged]
    assert len(set(shapes)) == len(shapes)
    assert _macs(name, merge=True) == _macs(name)
    assert sum(layer.count for layer in merged) == len(network(name))


@pytest.mark.parametrize("name", networks())
def test_macs_grow_in_proportion_to_the_batch_and_names_are_unique(name):
    assert _macs(name, batch=3) == 3 * _macs(name)
    names = [layer.name for layer in network(name)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("ResNet-50", "resnet50"),
        ("vit_b_16", "vit-b16"),
        ("BERT", "bert-base"),
        ("ViT-B/16", "vit-b16"),
    ],
)
def test_spelling_does_not_matter(alias, name):
    assert Layer.network(alias) == network(name)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet5", {}, "Did you mean 'resnet50'"),
        ("resnet50", {"batch": 0}, "from 1 to 65536"),
        ("resnet50", {"sequence": 7}, "no free length.*bert-base, gpt2"),
        ("gpt2", {"sequence": 1025}, "from 1 to 1024"),
    ],
)
def test_what_no_network_can_be_is_refused(name, options, message):
    with pytest.raises(InvalidConfigError, match=message):
        network(name, **options)


def test_a_window_larger_than_the_image_is_refused():
    with pytest.raises(InvalidConfigError, match="window of 7 does not fit an image of 4"):
        ImageBuilder(1, 3, 4, 4).conv("conv", 8, 7)


def test_rectangles_keep_width_and_height_apart():
    builder = ImageBuilder(1, 3, 20, 30).conv(
        "conv", 4, (3, 5), stride=(1, 2), padding=(1, 0), dilation=(2, 1)
    )
    layer = builder.layers[0]
    assert {dim: layer.dims[dim] for dim in "RSPQ"} == {"R": 5, "S": 3, "P": 13, "Q": 18}
    assert (layer.stride, layer.dilation) == ((2, 1), (1, 2))
