"""Layers: MAESTRO's own dimensions, and those made from the shared layer type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.accelerator import Layer, Tensor
from simulators.accelerator.maestro import MaestroLayer
from simulators.errors import InvalidConfigError

SIZES = st.integers(1, 9)


@given(SIZES, SIZES, SIZES, SIZES, SIZES, SIZES, st.integers(1, 3), st.integers(1, 3))
def test_a_convolution_keeps_its_work_and_reads_what_its_outputs_need(
    n: int, c: int, m: int, r: int, p: int, q: int, across: int, down: int
) -> None:
    layer = Layer.conv(n=n, c=c, m=m, r=r, s=2, p=p, q=q, stride=(across, down))
    described = MaestroLayer.from_layer(layer)
    assert described.macs == layer.macs
    assert described.dims["Y"] == (p - 1) * across + r
    assert described.dims["X"] == (q - 1) * down + 2


def test_depthwise_and_grouped_convolutions_have_their_types() -> None:
    depthwise = MaestroLayer.from_layer(Layer.depthwise(c=8, r=3, s=3, p=4, q=4))
    assert (depthwise.kind, depthwise.dims["K"]) == ("DSCONV", 1)
    grouped = MaestroLayer.from_layer(Layer.grouped(g=4, c=2, m=3, r=1, s=1, p=4, q=4))
    assert (grouped.kind, grouped.dims["G"], grouped.macs) == ("NGCONV", 4, 4 * 2 * 3 * 16)


def test_the_rows_of_a_matrix_product_are_the_rows_of_a_1x1_convolution() -> None:
    described = MaestroLayer.from_layer(Layer.matmul(m=5, n=6, k=7))
    assert dict(described.dims) == {"K": 6, "C": 7, "R": 1, "S": 1, "Y": 5, "X": 1}
    batched = MaestroLayer.from_layer(Layer.batched_matmul(b=3, m=5, n=6, k=7))
    assert (batched.kind, batched.dims["G"], batched.macs) == ("NGCONV", 3, 3 * 5 * 6 * 7)


def test_what_maestro_does_not_model_is_refused() -> None:
    with pytest.raises(InvalidConfigError, match="dilation"):
        MaestroLayer.from_layer(Layer.conv(c=1, m=1, r=3, s=3, p=4, q=4, dilation=(2, 2)))
    outer_product = (
        Tensor("A", ((("I", 1),),)),
        Tensor("B", ((("J", 1),),)),
        Tensor("C", ((("I", 1),), (("J", 1),)), output=True),
    )
    with pytest.raises(InvalidConfigError, match="no convolution"):
        MaestroLayer.from_layer(Layer.general({"I": 2, "J": 2}, outer_product))


DIMS = {"K": 1, "C": 1, "R": 3, "S": 3, "Y": 3, "X": 3}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "CONF"}, "unknown type 'CONF'. Did you mean 'CONV'"),
        ({"dims": {**DIMS, "Q": 1}}, "no dimension 'Q'"),
        ({"dims": {**DIMS, "K": 0}}, "dimension K is 0"),
        ({"dims": {**DIMS, "K": True}}, "dimension K is True"),
        ({"dims": {"K": 1}}, "Add C, R, S, Y, X"),
        ({"dims": {**DIMS, "Y": 2}}, "Y=2 is smaller"),
        ({"dims": DIMS, "stride": (0, 1)}, "stride is"),
        ({"kind": "GEMM", "dims": {"M": 1, "N": 1, "K": 1}, "stride": (2, 2)}, "no stride"),
    ],
)
def test_a_layer_that_makes_no_sense_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        MaestroLayer(**arguments)
