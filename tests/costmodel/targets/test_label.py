import math

import pytest

from costmodel.targets import TARGETS, label, resolve_targets
from costmodel.targets.nvidia import occupancy
from simulators.errors import InvalidConfigError

MATMUL = """\
func.func @f(%a: tensor<16x24xf32>, %b: tensor<24x32xf32>) -> tensor<16x32xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x32xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<16x32xf32>) -> tensor<16x32xf32>
  %m = linalg.matmul ins(%a, %b : tensor<16x24xf32>, tensor<24x32xf32>)
                     outs(%f : tensor<16x32xf32>) -> tensor<16x32xf32>
  return %m : tensor<16x32xf32>
}
"""


@pytest.fixture(scope="module")
def matmul():
    pytest.importorskip("mlir.ir")
    pytest.importorskip("llvmlite.binding")
    return label(MATMUL)


def test_every_target_states_its_unit_device_and_meaning():
    for name, spec in TARGETS.items():
        assert name == f"{spec.device}/{spec.quantity}"
        assert spec.unit
        assert spec.description.endswith(".")


def test_a_device_stands_for_all_its_targets():
    found = resolve_targets(["analytic", "x86-64-haswell/spills"])
    assert found == [
        "analytic/flops",
        "analytic/bytes",
        "analytic/arithmetic_intensity",
        "x86-64-haswell/spills",
    ]


def test_an_unknown_target_names_the_closest_and_the_devices():
    with pytest.raises(InvalidConfigError, match=r"Did you mean 'x86-64-znver4'\?.*aarch64"):
        resolve_targets(["x86-64-znver5"])


def test_a_matrix_product_has_2mnk_operations_and_moves_its_operands(matmul):
    flops, moved = 2 * 16 * 24 * 32, 4 * (16 * 24 + 24 * 32 + 16 * 32)
    assert matmul.values["analytic/flops"] == flops
    assert matmul.values["analytic/bytes"] == moved
    assert matmul.values["analytic/arithmetic_intensity"] == flops / moved


def test_every_processor_gives_consistent_counts(matmul):
    for device in ("x86-64-znver4", "x86-64-skylake-avx512", "aarch64-neoverse-v2"):
        counts = {
            name.split("/")[1]: value
            for name, value in matmul.values.items()
            if name.startswith(device)
        }
        assert counts["register_pressure_fp"] >= 1
        assert counts["register_pressure_gpr"] >= 3
        assert counts["code_vector_instructions"] < counts["code_instructions"]
        assert counts["code_branch_instructions"] >= 1
        assert (counts["spills"] == 0) == (counts["reloads"] == 0)


def test_buffers_are_taken_not_to_overlap():
    pytest.importorskip("mlir.ir")
    pytest.importorskip("llvmlite.binding")
    from costmodel.targets._label import loops_of
    from costmodel.targets._lowering import to_llvm_dialect, to_llvm_ir

    module = loops_of(MATMUL)
    to_llvm_dialect(module)
    assert "@kernel(ptr noalias %0, ptr noalias %1, ptr noalias %2)" in to_llvm_ir(module)


def test_deterministic_labels_are_the_same_twice(matmul):
    again = label(MATMUL)
    for name, value in matmul.values.items():
        if TARGETS[name].deterministic:
            assert again.values[name] == value, name
    assert set(again.versions) == set(matmul.versions)


def test_executed_instructions_lie_between_vector_and_scalar_work(matmul):
    if "x86-64-znver4/executed_instructions" not in matmul.values:
        pytest.skip("this machine cannot run AVX-512 code")
    executed = matmul.values["x86-64-znver4/executed_instructions"]
    multiplications = 16 * 24 * 32
    assert multiplications / 16 < executed < 20 * multiplications
    assert 0 < matmul.values["x86-64-znver4/port_utilization"] <= 1


def test_gpu_kernels_have_registers_and_occupancy(matmul):
    for device, registers in (("amd-gfx90a", "vgprs"), ("amd-gfx942", "vgprs")):
        assert matmul.values[f"{device}/{registers}"] >= 3
        assert 0 < matmul.values[f"{device}/occupancy"] <= 1
    if "nvidia-sm90" in matmul.failures:
        pytest.skip("no ptxas")
    assert 8 <= matmul.values["nvidia-sm90/registers"] <= 255


@pytest.mark.parametrize(
    ("registers", "shared_bytes", "expected"),
    [
        (32, 0, 1.0),
        (33, 0, 0.75),  # 40 registers a thread: 51 warps, 6 blocks of 8
        (64, 0, 0.5),
        (128, 0, 0.25),
        (255, 0, 0.125),
        (32, 100 * 1024, 0.25),  # two blocks' shared memory fit
    ],
)
def test_occupancy_is_what_nvidias_calculator_says(registers, shared_bytes, expected):
    assert occupancy(registers, shared_bytes) == expected


@pytest.mark.parametrize(
    ("text", "stage", "reason"),
    [
        ("garbage", "parse", "does not parse"),
        ("", "parse", "0 functions"),
        ("func.func @f(%a: memref<?xf32>) { return }", "arguments", "static shapes"),
        (
            "func.func @f(%a: memref<4xf32>) { return } func.func @g() { return }",
            "parse",
            "2 functions",
        ),
    ],
)
def test_what_cannot_be_labelled_says_where_and_why(text, stage, reason):
    pytest.importorskip("mlir.ir")
    pytest.importorskip("llvmlite.binding")
    labels = label(text, ["x86-64-haswell"])
    assert not labels.values
    assert reason in labels.failures[stage].reason


def test_an_empty_function_takes_no_work():
    pytest.importorskip("mlir.ir")
    pytest.importorskip("llvmlite.binding")
    labels = label("func.func @f(%a: memref<4xf32>) { return }", ["x86-64-haswell", "analytic"])
    assert labels.values["x86-64-haswell/code_instructions"] == 1
    assert labels.values["analytic/flops"] == 0
    assert all(math.isfinite(value) for value in labels.values.values())
