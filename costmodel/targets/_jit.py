"""Assemble x86-64 assembly in memory and call it, with or without a counter in each block."""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from costmodel.targets._assembly import Block
from costmodel.targets._buffers import Argument
from costmodel.targets._codegen import Device
from costmodel.targets._sandbox import SampleError
from costmodel.targets._toolchain import llvm, runner_library

__all__ = ["Kernel", "host_runs"]

_COUNTS, _SAVE = "costmodel_block_counts", "costmodel_saved_rax"
# Neither the flags nor the stack are touched.
_COUNTER = """\
\tmovq\t%rax, {save}(%rip)
\tmovq\t{counts}+{offset}(%rip), %rax
\tleaq\t1(%rax), %rax
\tmovq\t%rax, {counts}+{offset}(%rip)
\tmovq\t{save}(%rip), %rax"""
_NEEDS = {
    "x86-64-znver4": ("avx512f", "avx512bw", "avx512vl", "avx512vnni", "avx512bf16"),
    "x86-64-skylake-avx512": ("avx512f", "avx512bw", "avx512vl"),
    "x86-64-haswell": ("avx2", "fma", "bmi2"),
}


@cache
def host_runs(name: str) -> bool:
    """Whether this machine can run code that was compiled for the device ``name``."""
    if name not in _NEEDS:
        return False
    try:
        features = llvm().get_host_cpu_features()
    except RuntimeError:
        return False
    return all(features.get(need, False) for need in _NEEDS[name])


class Kernel:
    """A compiled function in memory.

    Args:
        assembly: What the compiler printed.
        name: The function.
        arguments: Its arguments.
        device: What it was compiled for.
        counted: Blocks to count entries of.
    """

    def __init__(
        self,
        assembly: str,
        name: str,
        arguments: list[Argument],
        device: Device,
        counted: list[Block] | None = None,
    ) -> None:
        if not host_runs(device.name):
            raise SampleError(f"this machine cannot run code for {device.name}")
        self._blocks = counted
        text = assembly if counted is None else _with_counters(assembly, counted)
        self._engine = _loaded(text, device)
        address = self._engine.get_function_address(name)
        if not address:
            raise SampleError(f"no symbol '{name}' in the assembly")
        self._call = ctypes.CFUNCTYPE(None, *[_c_type(one) for one in arguments])(address)

    def __call__(self, values: list[Any]) -> None:
        """Call the function with pointers and scalars."""
        self._call(*values)

    @property
    def function(self) -> Callable[..., None]:
        """The bare function, for timing."""
        return self._call

    def counts(self) -> list[int]:
        """Return how often each counted block was entered so far."""
        number = len(self._blocks or ())
        address = self._engine.get_global_value_address(_COUNTS)
        values = (ctypes.c_uint64 * number).from_address(address)
        return [int(value) for value in np.ctypeslib.as_array(values)]


def _c_type(argument: Argument) -> Any:
    if argument.shape is not None:
        return ctypes.c_void_p
    kinds = {"f64": ctypes.c_double, "f32": ctypes.c_float, "i32": ctypes.c_int32}
    return kinds.get(argument.element, ctypes.c_int64)


def _with_counters(assembly: str, blocks: list[Block]) -> str:
    lines = assembly.splitlines()
    starts = {block.line: number for number, block in enumerate(blocks)}
    result = []
    for number, line in enumerate(lines):
        if number in starts:
            offset = 8 * starts[number]
            result.append(_COUNTER.format(save=_SAVE, counts=_COUNTS, offset=offset))
        result.append(line)
    result.append(
        f"\t.bss\n\t.globl\t{_COUNTS}\n\t.p2align\t3\n{_SAVE}:\n\t.zero\t8\n"
        f"{_COUNTS}:\n\t.zero\t{8 * len(blocks)}\n"
    )
    return "\n".join(result)


def _loaded(assembly: str, device: Device) -> Any:
    binding = llvm()
    # memrefCopy is all that generated code needs from MLIR's runner.
    binding.load_library_permanently(str(runner_library()))
    module = binding.parse_assembly(_as_module_assembly(assembly, device.triple))
    target = binding.Target.from_triple(device.triple)
    machine = target.create_target_machine(cpu=device.cpu, codemodel="small", reloc="pic")
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine


def _as_module_assembly(assembly: str, triple: str) -> str:
    lines = [f'target triple = "{triple}"']
    for text in assembly.splitlines():
        code = text.split("#", 1)[0].rstrip() if '"' not in text else text
        if code:
            escaped = code.replace("\\", "\\\\").replace('"', "\\22").replace("\t", "\\09")
            lines.append(f'module asm "{escaped}"')
    return "\n".join(lines)
