import pytest

from costmodel.targets import accelerator
from costmodel.targets._sandbox import SampleError

pytest.importorskip("simulators.accelerator")

MATMUL = """\
func.func @f(%a: tensor<16x24xf32>, %b: tensor<24x32xf32>) -> tensor<16x32xf32> {
  %c = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0]
       : (tensor<16x24xf32>, tensor<24x32xf32>) -> tensor<16x32xf32>
  return %c : tensor<16x32xf32>
}
"""


@pytest.mark.parametrize("device", accelerator.DEVICES)
def test_utilisation_is_work_over_multipliers_and_cycles(device):
    from simulators.accelerator import Architecture

    labels = accelerator.labels(MATMUL, device)
    cycles = labels[f"{device}/cycles"]
    multipliers = Architecture.preset(device.removeprefix("xpu-")).compute.instances
    assert labels[f"{device}/utilization"] == pytest.approx(
        16 * 24 * 32 / (cycles * multipliers), rel=1e-6
    )
    assert labels[f"{device}/energy"] > 0


def test_a_contraction_that_runs_twice_costs_twice():
    twice = MATMUL.replace(
        "  return",
        "  %d = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0]\n"
        "       : (tensor<16x24xf32>, tensor<24x32xf32>) -> tensor<16x32xf32>\n  return",
    )
    once, both = (accelerator.labels(text, "xpu-eyeriss") for text in (MATMUL, twice))
    assert both["xpu-eyeriss/cycles"] == 2 * once["xpu-eyeriss/cycles"]
    assert both["xpu-eyeriss/utilization"] == pytest.approx(once["xpu-eyeriss/utilization"])


def test_a_program_without_contractions_has_no_label():
    text = "func.func @f(%a: tensor<4xf32>) -> tensor<4xf32> { return %a : tensor<4xf32> }"
    with pytest.raises(SampleError, match="no contraction"):
        accelerator.labels(text, "xpu-edge")


def test_every_shipped_accelerator_is_a_target():
    from simulators.accelerator import Architecture

    assert sorted(accelerator.DEVICES) == sorted(f"xpu-{one}" for one in Architecture.presets())
