"""Turn a program of parallel loops into GPU kernels in LLVM IR."""

import re
from functools import lru_cache
from typing import Any

from costmodel.targets._lowering import apply_passes, parse, to_llvm_ir
from costmodel.targets._sandbox import SampleError
from costmodel.targets._toolchain import llvm

__all__ = ["THREADS_PER_BLOCK", "kernels_ir", "machine_code"]

THREADS_PER_BLOCK = 256
"""Block size that theoretical occupancy is given for."""

_OUTLINE = (
    "func.func(scf-forall-to-parallel,affine-parallelize,lower-affine,lower-vector-mask,"
    "lower-vector-multi-reduction,convert-vector-to-scf{full-unroll=true},gpu-map-parallel-loops,"
    "convert-parallel-loops-to-gpu),gpu-launch-sink-index-computations,gpu-kernel-outlining"
)
_LOWER = (
    "gpu.module(lower-affine,{before}convert-scf-to-cf,"
    "convert-vector-to-llvm{{vector-contract-lowering=outerproduct}},"
    "expand-strided-metadata,lower-affine,{convert}{{use-bare-ptr-memref-call-conv=true}},"
    "convert-math-to-llvm,convert-arith-to-llvm,convert-index-to-llvm,convert-ub-to-llvm,"
    "reconcile-unrealized-casts)"
)
_KERNEL = re.compile(r"@(\w+)\(")


@lru_cache(maxsize=1)  # AMD's GPUs differ after this only
def kernels_ir(loops: str, convert: str, before: str = "") -> str:
    """Return LLVM IR of all kernels of a program.

    The outermost parallel loop of each nest becomes the blocks, the next one the threads.

    Args:
        loops: A module on buffers, in affine or scf loops.
        convert: The pass that knows the GPU, such as ``convert-gpu-to-nvvm``.
        before: Passes to run before it, each followed by a comma.

    Raises:
        SampleError: If no loop is parallel or a pass fails.
    """
    module = parse(loops)
    apply_passes(module, _OUTLINE)
    if not any(one.operation.name == "gpu.module" for one in module.body.operations):
        raise SampleError("no parallel loop, hence no kernel")
    apply_passes(module, _LOWER.format(before=before, convert=convert))
    parts = _kernel_parts(module)
    text = "module {\n" + "\n".join(dict.fromkeys(parts)) + "\n}\n"
    return to_llvm_ir(parse(text))


def _kernel_parts(module: Any) -> list[str]:
    parts = []
    for number, operation in enumerate(module.body.operations):
        if operation.operation.name != "gpu.module":
            continue
        for inner in operation.regions[0].blocks[0].operations:
            text = str(inner)
            if "gpu.kernel" in inner.attributes:
                text = _KERNEL.sub(rf"@\1_{number}(", text, count=1)
            parts.append(text)
    return parts


def machine_code(ir: str, triple: str, cpu: str, features: str = "", library: Any = None) -> str:
    """Optimise at -O3 and return the assembly for a GPU.

    Args:
        ir: LLVM IR.
        triple: Target triple.
        cpu: Chip.
        features: LLVM's target features.
        library: A module with device functions to link, or None.
    """
    binding = llvm()
    module = binding.parse_assembly(ir)
    machine = binding.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=features, opt=3
    )
    module.triple, module.data_layout = triple, str(machine.target_data)
    if library is not None:
        _link(module, library)
    options = binding.PipelineTuningOptions(speed_level=3)
    builder = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    machine.set_asm_verbosity(True)
    return str(machine.emit_assembly(module))


def _link(module: Any, library: Any) -> None:
    library.triple, library.data_layout = module.triple, module.data_layout
    own = {function.name for function in module.functions if not function.is_declaration}
    module.link_in(library)
    for function in module.functions:
        if not function.is_declaration and function.name not in own:
            function.linkage = "internal"
