"""Register allocation and occupancy on an NVIDIA GPU, by ptxas: no GPU needed."""

import re
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from costmodel.targets._gpu import THREADS_PER_BLOCK, kernels_ir, machine_code
from costmodel.targets._sandbox import SampleError
from costmodel.targets._spec import TargetSpec
from costmodel.targets._toolchain import llvm, ptxas

__all__ = ["DEVICES", "TARGETS", "labels", "occupancy"]

DEVICES = ("nvidia-sm90",)
_TRIPLE, _CHIP, _FEATURES = "nvptx64-nvidia-cuda", "sm_90", "+ptx80"
_TIMEOUT_S = 20.0

# CUDA C++ programming guide, technical specifications per compute capability 9.0.
_WARPS_PER_SM, _BLOCKS_PER_SM = 64, 32
_REGISTERS_PER_SM, _REGISTER_UNIT, _WARP = 65536, 256, 32
_SHARED_PER_SM, _SHARED_PER_BLOCK_RESERVED, _SHARED_UNIT = 233472, 1024, 128

_QUANTITIES = {
    "registers": ("registers", "min", "Registers per thread of the hungriest kernel."),
    "spill_bytes": ("bytes", "min", "Bytes of spill stores and loads in all kernels."),
    "shared_bytes": ("bytes", "min", "Shared memory of the hungriest kernel."),
    "occupancy": (
        "1",
        "max",
        f"Resident over possible warps for blocks of {THREADS_PER_BLOCK} threads, worst kernel.",
    ),
}
TARGETS = tuple(
    TargetSpec(
        device=DEVICES[0],
        quantity=quantity,
        unit=unit,
        direction="max" if direction == "max" else "min",
        description=description,
    )
    for quantity, (unit, direction, description) in _QUANTITIES.items()
)

_USED = re.compile(r"Used (\d+) registers")
_SHARED = re.compile(r"(\d+) bytes smem")
_SPILLS = re.compile(r"(\d+) bytes spill stores, (\d+) bytes spill loads")


def labels(loops: str) -> Mapping[str, float]:
    """Return the labels of a program on buffers, in affine or scf loops.

    Raises:
        SampleError: If it has no kernel or ptxas refuses it.
    """
    ir = kernels_ir(loops, "convert-gpu-to-nvvm")
    device_functions = "__nv_" in ir
    library = _libdevice() if device_functions else None
    said = _assembled(machine_code(ir, _TRIPLE, _CHIP, _FEATURES, library))
    registers = max(int(found) for found in _USED.findall(said))
    shared = max((int(found) for found in _SHARED.findall(said)), default=0)
    spills = sum(int(stores) + int(loads) for stores, loads in _SPILLS.findall(said))
    values = {
        "registers": registers,
        "spill_bytes": spills,
        "shared_bytes": shared,
        "occupancy": occupancy(registers, shared),
    }
    return {f"{DEVICES[0]}/{name}": float(value) for name, value in values.items()}


def occupancy(registers: int, shared_bytes: int, threads: int = THREADS_PER_BLOCK) -> float:
    """Return resident warps over possible warps of compute capability 9.0."""
    warps = -(-threads // _WARP)
    per_warp = -(-registers * _WARP // _REGISTER_UNIT) * _REGISTER_UNIT
    blocks = min(_BLOCKS_PER_SM, _WARPS_PER_SM // warps)
    if per_warp:
        blocks = min(blocks, _REGISTERS_PER_SM // per_warp // warps)
    if shared_bytes:
        shared = shared_bytes + _SHARED_PER_BLOCK_RESERVED
        blocks = min(blocks, _SHARED_PER_SM // (-(-shared // _SHARED_UNIT) * _SHARED_UNIT))
    return blocks * warps / _WARPS_PER_SM


@cache
def _library_bytes() -> bytes:
    folder = ptxas().parent.parent
    path = folder / "nvvm" / "libdevice" / "libdevice.10.bc"
    if not path.is_file():
        raise SampleError(f"libdevice is missing: {path}")
    return path.read_bytes()


def _libdevice() -> object:
    return llvm().parse_bitcode(_library_bytes())


def _assembled(ptx: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kernel.ptx")
        path.write_text(ptx)
        command = [str(ptxas()), "-v", f"-arch={_CHIP}", "-o", str(Path(folder, "out")), str(path)]
        done = subprocess.run(  # noqa: S603 (a program of the tool chain)
            command, capture_output=True, text=True, timeout=_TIMEOUT_S
        )
    if done.returncode or "Used" not in done.stderr:
        raise SampleError(f"ptxas: {done.stderr.strip()[:200]}")
    return done.stderr
