"""Layers: shapes as affine forms, Timeloop problems, and what is refused."""

import pickle
from typing import Any

import pytest
import yaml

from simulators.accelerator import Layer, Tensor
from simulators.errors import InvalidConfigError

PROBLEM = """
problem:
  version: 0.3
  shape:
    name: CNN
    dimensions: [C, M, R, S, N, P, Q]
    coefficients:
      - {name: Wstride, default: 1}
      - {name: Hstride, default: 1}
      - {name: Wdilation, default: 1}
      - {name: Hdilation, default: 1}
    data-spaces:
      - name: Weights
        projection: [[[C]], [[M]], [[R]], [[S]]]
      - name: Inputs
        projection: [[[N]], [[C]], [[R, Wdilation], [P, Wstride]], [[S, Hdilation], [Q, Hstride]]]
      - name: Outputs
        projection: [[[N]], [[M]], [[Q]], [[P]]]
        read-write: true
  instance: {C: 3, M: 8, R: 3, S: 5, N: 2, P: 6, Q: 4, Wstride: 2, Hdilation: 3}
"""


def conv(**changes: Any) -> Layer:
    return Layer.conv(**({"c": 3, "m": 8, "r": 3, "s": 5, "p": 6, "q": 4} | changes))


def test_a_convolution_counts_its_multiply_accumulates() -> None:
    assert conv(n=2).macs == 2 * 3 * 8 * 3 * 5 * 6 * 4


def test_strides_leave_holes_in_the_inputs_box() -> None:
    layer = Layer.conv(c=1, m=1, r=1, s=1, p=28, q=1, stride=(2, 1))
    assert layer.tensor_size("Inputs") == 55


def test_width_goes_with_r_and_p_and_height_with_s_and_q() -> None:
    layer = conv(stride=(2, 1), dilation=(1, 3))
    assert layer.tensor("Inputs").axes[2:] == ((("R", 1), ("P", 2)), (("S", 3), ("Q", 1)))
    assert layer.tensor_size("Inputs") == 3 * (3 - 1 + 2 * (6 - 1) + 1) * (3 * 4 + 3 + 1)


def test_a_matrix_product_is_a_1x1_convolution() -> None:
    layer = Layer.matmul(m=5, n=7, k=11)
    assert layer.macs == 5 * 7 * 11
    assert layer.dims == {"R": 1, "S": 1, "P": 1, "Q": 1, "C": 11, "M": 7, "N": 5}
    sizes = [layer.tensor_size(name) for name in ("Weights", "Inputs", "Outputs")]
    assert sizes == [7 * 11, 5 * 11, 5 * 7]


def test_a_depthwise_convolution_has_a_filter_per_channel() -> None:
    layer = Layer.depthwise(c=4, r=3, s=3, p=5, q=5)
    assert "M" not in layer.dims
    assert layer.tensor_size("Weights") == 4 * 9
    assert layer.tensor_size("Outputs") == 4 * 25


def test_groups_multiply_every_tensor() -> None:
    single, grouped = conv(), Layer.grouped(g=4, c=3, m=8, r=3, s=5, p=6, q=4)
    for name in ("Weights", "Inputs", "Outputs"):
        assert grouped.tensor_size(name) == 4 * single.tensor_size(name)


def test_batched_products_share_no_operand() -> None:
    layer = Layer.batched_matmul(b=3, m=5, n=7, k=11)
    sizes = [layer.tensor_size(name) for name in ("Weights", "Inputs", "Outputs")]
    assert sizes == [3 * 77, 3 * 55, 3 * 35]


def test_a_full_problem_is_read() -> None:
    layer = Layer.from_timeloop(PROBLEM)
    assert dict(layer.dims) == {"C": 3, "M": 8, "R": 3, "S": 5, "N": 2, "P": 6, "Q": 4}
    assert layer.stride == (2, 1)
    assert layer.dilation == (1, 3)
    expected = conv(n=2, stride=(2, 1), dilation=(1, 3))
    assert layer.tensors == expected.tensors


def test_an_instance_alone_is_a_convolution() -> None:
    instance = yaml.safe_load(PROBLEM)["problem"]["instance"]
    layer = Layer.from_timeloop(instance)
    assert layer == conv(n=2, stride=(2, 1), dilation=(1, 3))


@pytest.mark.parametrize(
    "layer",
    [
        conv(n=2, stride=(2, 3), dilation=(1, 2)),
        Layer.depthwise(c=4, r=3, s=3, p=5, q=5, stride=(2, 2)),
        Layer.batched_matmul(b=3, m=5, n=7, k=11),
        Layer.general(
            {"i": 4, "j": 5, "k": 6},
            (
                Tensor("A", ((("i", 1), ("k", 2)),)),
                Tensor("B", ((("j", 1),), (("k", 1),))),
                Tensor("C", ((("i", 1),),)),
                Tensor("D", ((("i", 1),), (("j", 1),)), output=True),
            ),
        ),
    ],
    ids=lambda layer: layer.name,
)
def test_a_layer_written_as_a_problem_is_read_back(layer: Layer) -> None:
    again = Layer.from_timeloop(yaml.safe_dump(layer.to_timeloop(), sort_keys=False))
    assert again.dims == layer.dims
    assert again.tensors == layer.tensors


def test_layers_are_values() -> None:
    assert conv() == conv()
    assert hash(conv()) == hash(conv())
    assert conv() != conv(stride=(2, 1))
    assert pickle.loads(pickle.dumps(conv())) == conv()
    with pytest.raises(TypeError, match="frozen"):
        conv().dims["C"] = 4  # type: ignore[index]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"c": 0}, "dimension C is 0"),
        ({"c": 2.5}, "dimension C is 2.5"),
        ({"stride": (0, 1)}, r"stride is \(0, 1\)"),
        ({"dilation": (1,)}, "dilation"),
        ({"c": 2**30, "m": 2**30}, "2\\*\\*53"),
    ],
)
def test_bounds_that_are_none_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        conv(**change)


def test_a_tensor_of_an_unknown_dimension_is_refused_with_a_hint() -> None:
    tensors = (Tensor("A", ((("Kernel", 1),),)), Tensor("B", ((("kernels", 1),),), output=True))
    with pytest.raises(InvalidConfigError, match=r"unknown dimension 'Kernel'.*'kernels'"):
        Layer.general({"kernels": 3}, tensors)


@pytest.mark.parametrize("outputs", [0, 2])
def test_exactly_one_output_is_needed(outputs: int) -> None:
    tensors = tuple(Tensor(f"T{i}", ((("a", 1),),), output=i < outputs) for i in range(3))
    with pytest.raises(InvalidConfigError, match="exactly one tensor is the output"):
        Layer.general({"a": 2}, tensors)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("C: 3,", "", "no bound for C"),
        ("C: 3,", "C: 3, K: 2,", "unknown key 'K'"),
        ("[C]], [[M", "[C, Cstride]], [[M", "unknown coefficient 'Cstride'"),
        ("read-write", "readwrite", "unknown key 'readwrite'.*Did you mean 'read.write'"),
        ("dimensions:", "dims:", "unknown key 'dims'"),
        ("{name: Wstride, default: 1}", "{name: Wstride}", None),
        ("{name: Hstride, default: 1}", "{name: Hstride}", "no value for the coefficient Hstride"),
    ],
)
def test_a_faulty_problem_names_the_fault(old: str, new: str, message: str | None) -> None:
    assert old in PROBLEM
    text = PROBLEM.replace(old, new)
    if message is None:
        assert Layer.from_timeloop(text).stride == (2, 1)
        return
    with pytest.raises(InvalidConfigError, match=message):
        Layer.from_timeloop(text)
