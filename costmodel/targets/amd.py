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

_EXPAND = "math-expand-ops{ops=tanh,sinh,cosh,tan,asinh,acosh,atanh,powf,fpowi,rsqrt,ctlz},"
_DEVICE_FUNCTION = re.compile(r"@__ocml_(\w+?)_f(\d+)")
_INTRINSICS = {
    **{name: name for name in ("exp", "exp2", "exp10", "log", "log2", "log10", "sin", "cos")},
    **{name: name for name in ("sqrt", "floor", "ceil", "trunc", "rint", "round", "fma", "fabs")},
    "pow": "pow",
    "fmax": "maxnum",
    "fmin": "minnum",
    "copysign": "copysign",
}
# Short stand-ins for functions of ROCm's device library that LLVM has no code for.
# erf: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.27.
_STAND_INS = {
    "log1p": "%r1 = fadd {t} %x, 1.0\n  %r = call {t} @llvm.log.f{b}({t} %r1)",
    "expm1": "%r1 = call {t} @llvm.exp.f{b}({t} %x)\n  %r = fsub {t} %r1, 1.0",
    "rsqrt": "%r1 = call {t} @llvm.sqrt.f{b}({t} %x)\n  %r = fdiv {t} 1.0, %r1",
    "erf": """%a = call {t} @llvm.fabs.f{b}({t} %x)
  %p1 = fmul {t} %a, 0x3FB3FE5C80000000
  %p2 = fadd {t} %p1, 0x3F4FDE4E00000000
  %p3 = fmul {t} %a, %p2
  %p4 = fadd {t} %p3, 0x3FCD7AA5E0000000
  %p5 = fmul {t} %a, %p4
  %p6 = fadd {t} %p5, 0x3FD1D2A1A0000000
  %p7 = fmul {t} %a, %p6
  %p8 = fadd {t} %p7, 1.0
  %p9 = fmul {t} %p8, %p8
  %p10 = fmul {t} %p9, %p9
  %p11 = fdiv {t} 1.0, %p10
  %p12 = fsub {t} 1.0, %p11
  %r = call {t} @llvm.copysign.f{b}({t} %p12, {t} %x)""",
}
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
    ir = _with_device_functions(kernels_ir(loops, "convert-gpu-to-rocdl", _EXPAND))
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


def _with_device_functions(ir: str) -> str:
    used = sorted(set(_DEVICE_FUNCTION.findall(ir)))
    for name, bits in used:
        call = f"@__ocml_{name}_f{bits}"
        if name in _INTRINSICS:
            ir = ir.replace(f"{call}(", f"@llvm.{_INTRINSICS[name]}.f{bits}(")
        elif name in _STAND_INS and bits in ("32", "64"):
            ir = _defined(ir, name, bits)
        else:
            raise SampleError(f"needs ROCm's device library for {call[1:]}")
    return ir


def _defined(ir: str, name: str, bits: str) -> str:
    kind = "float" if bits == "32" else "double"
    body = _STAND_INS[name].format(t=kind, b=bits)
    declaration = re.compile(rf"^declare .*@__ocml_{name}_f{bits}\(.*$", re.MULTILINE)
    definition = (
        f"define internal {kind} @__ocml_{name}_f{bits}({kind} %x) alwaysinline {{\n"
        f"  {body}\n  ret {kind} %r\n}}"
    )
    needed = {
        found: two
        for found, two in re.findall(r"@llvm\.(\w+)\.f\d+\(\w+ %\w+(, )?", body)
        if f"@llvm.{found}.f{bits}(" not in ir
    }
    intrinsics = [
        f"declare {kind} @llvm.{one}.f{bits}({kind}{', ' + kind if two else ''})"
        for one, two in needed.items()
    ]
    return declaration.sub("", ir) + "\n" + "\n".join([definition, *intrinsics]) + "\n"
