"""Register allocation and occupancy on AMD GPUs, by LLVM's AMDGPU back end: no GPU needed."""

import re
from collections.abc import Mapping

from costmodel.targets._gpu import kernels_ir, machine_code
from costmodel.targets._sandbox import SampleError
from costmodel.targets._spec import TargetSpec

__all__ = ["DEVICES", "TARGETS", "labels"]

DEVICES = {"amd-gfx90a": "gfx90a", "amd-gfx942": "gfx942"}
_TRIPLE = "amdgcn-amd-amdhsa"
_WAVES_PER_SIMD = 8
"""Wavefronts that a SIMD of CDNA 2 and 3 can hold (AMD's ISA guides)."""

_QUANTITIES = {
    "vgprs": (
        "registers",
        "min",
        "Vector registers of the hungriest kernel, accumulators too.",
    ),
    "sgprs": ("registers", "min", "Scalar registers of the hungriest kernel."),
    "spills": ("registers", "min", "Vector and scalar registers spilled in all kernels."),
    "lds_bytes": ("bytes", "min", "Local data share of the hungriest kernel."),
    "occupancy": ("1", "max", "Resident over possible wavefronts, worst kernel."),
}
TARGETS = tuple(
    TargetSpec(
        device=device,
        quantity=quantity,
        unit=unit,
        direction="max" if direction == "max" else "min",
        description=description,
    )
    for device in DEVICES
    for quantity, (unit, direction, description) in _QUANTITIES.items()
)

# LLVM's AMDGPU back end has no code for these; exponentials and logarithms it expands itself.
_EXPAND = (
    "math-expand-ops{ops=tanh,sinh,cosh,tan,asinh,acosh,atanh,powf,fpowi,ceil,round,roundeven,"
    "exp2,rsqrt,ctlz},convert-math-to-llvm,"
)
_REPORT = {
    "vgprs": re.compile(r"; TotalNumVgprs: (\d+)"),
    "sgprs": re.compile(r"; TotalNumSgprs: (\d+)"),
    "lds_bytes": re.compile(r"; LDSByteSize: (\d+)"),
    "occupancy": re.compile(r"; Occupancy: (\d+)"),
}
_SPILLS = re.compile(r"\.[sv]gpr_spill_count: +(\d+)")


def labels(loops: str, device: str) -> Mapping[str, float]:
    """Return the labels of a program on buffers, in affine or scf loops.

    Raises:
        SampleError: If it has no kernel, or needs a function that only ROCm's library has.
    """
    chip = DEVICES[device]
    ir = kernels_ir(loops, "convert-gpu-to-rocdl", _EXPAND)
    missing = sorted(set(re.findall(r"@(__ocml_\w+)", ir)))
    if missing:
        raise SampleError(f"needs ROCm's device library for {', '.join(missing)}")
    assembly = machine_code(ir, _TRIPLE, chip)
    found = {
        name: [int(one) for one in pattern.findall(assembly)] for name, pattern in _REPORT.items()
    }
    if not all(found.values()):
        raise SampleError("the assembly holds no kernel report")
    values = {
        "vgprs": max(found["vgprs"]),
        "sgprs": max(found["sgprs"]),
        "spills": sum(int(one) for one in _SPILLS.findall(assembly)),
        "lds_bytes": max(found["lds_bytes"]),
        "occupancy": min(found["occupancy"]) / _WAVES_PER_SIMD,
    }
    return {f"{device}/{name}": float(value) for name, value in values.items()}
