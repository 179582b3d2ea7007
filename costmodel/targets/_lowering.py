"""Lower MLIR text step by step: graph of tensor operations, loops, LLVM."""

from functools import cache
from typing import Any

from costmodel.targets._sandbox import SampleError
from costmodel.targets._toolchain import mlir, tool

__all__ = [
    "BUFFERIZE",
    "LOOPS",
    "Module",
    "apply_passes",
    "entry_function",
    "has_tensors",
    "parse",
    "stablehlo_context",
    "to_linalg",
    "to_llvm_dialect",
    "to_llvm_ir",
    "to_loops",
]

Module = Any
"""A module of MLIR's Python bindings, which carry no types."""

BUFFERIZE = (
    "func.func(linalg-fuse-elementwise-ops),eliminate-empty-tensors,empty-tensor-to-alloc-tensor,"
    "one-shot-bufferize{bufferize-function-boundaries "
    "function-boundary-type-conversion=identity-layout-map allow-return-allocs-from-loops},"
    "buffer-results-to-out-params{hoist-static-allocs=true modify-public-functions=true},"
    "buffer-deallocation-pipeline,canonicalize,cse"
)
"""Tensors become buffers; results become arguments that the caller provides."""

LOOPS = "func.func(convert-linalg-to-affine-loops,canonicalize,cse)"

_LLVM = (
    "func.func(scf-forall-to-for,affine-expand-index-ops,lower-affine,lower-vector-mask,"
    "lower-vector-multi-reduction,convert-vector-to-scf{full-unroll=true}),lower-affine,"
    "convert-scf-to-cf,convert-vector-to-llvm{vector-contract-lowering=outerproduct},"
    "expand-strided-metadata,lower-affine,finalize-memref-to-llvm{use-aligned-alloc=true},"
    "convert-math-to-llvm,convert-math-to-libm,convert-arith-to-llvm,convert-index-to-llvm,"
    "convert-ub-to-llvm,convert-func-to-llvm{use-bare-ptr-memref-call-conv=true},"
    "convert-cf-to-llvm,reconcile-unrealized-casts"
)
_STABLEHLO = "builtin.module(stablehlo-legalize-to-linalg,canonicalize,cse)"


def parse(text: str) -> Module:
    """Parse a module.

    Raises:
        SampleError: If the text is not a module of dialects that MLIR knows.
    """
    ir = mlir()
    # The names of resources are a context's: the second of one name gets another.
    context = _new_context() if "dense_resource" in text else _context()
    try:
        return ir.Module.parse(text, context)
    except ir.MLIRError as error:
        raise SampleError(f"does not parse: {error}") from error


@cache
def _context() -> Any:
    # One for all modules of the process: making one takes fifty times as long as parsing.
    return _new_context()


def _new_context() -> Any:
    context = mlir().Context()
    context.enable_multithreading(False)  # one function: threads would only cost their start
    return context


def apply_passes(module: Module, pipeline: str) -> None:
    """Run a pipeline of module passes in place.

    Raises:
        SampleError: If a pass fails.
    """
    passes = mlir("passmanager").PassManager
    try:
        passes.parse(f"builtin.module({pipeline})", context=module.context).run(module.operation)
    except mlir().MLIRError as error:
        raise SampleError(f"{pipeline.split(',', 1)[0]}...: {error}") from error


def to_linalg(text: str) -> str:
    """Return ``text`` with StableHLO operations as ``linalg``; other text unchanged.

    Raises:
        SampleError: If the text does not parse, or an operation has no counterpart.
    """
    if "stablehlo." not in text:
        return text
    ir = tool("jaxlib.mlir.ir")
    with stablehlo_context():
        try:
            module = ir.Module.parse(text)
            tool("jaxlib.mlir.passmanager").PassManager.parse(_STABLEHLO).run(module.operation)
        except ir.MLIRError as error:
            raise SampleError(f"stablehlo: {error}") from error
        return str(module)


def stablehlo_context() -> Any:
    """Return a context of JAX's copy of MLIR, which has the StableHLO dialect."""
    ir, dialect = tool("jaxlib.mlir.ir"), tool("jaxlib.mlir.dialects.stablehlo")
    registry = ir.DialectRegistry()
    tool("jaxlib.mlir._mlir_libs._jax_mlir_ext").register_dialects(registry)
    context = ir.Context()
    context.enable_multithreading(False)
    context.append_dialect_registry(registry)
    context.load_all_available_dialects()
    dialect.register_dialect(context)
    tool("jaxlib.mlir.dialects.chlo").register_dialect(context)
    dialect.register_stablehlo_passes()
    return context


def has_tensors(module: Module) -> bool:
    """Whether the module's functions still work on tensors, not on buffers."""
    return "tensor<" in str(module)


def to_loops(module: Module) -> None:
    """Lower ``linalg`` on tensors or buffers to affine loops, in place."""
    if has_tensors(module):
        apply_passes(module, BUFFERIZE)
    apply_passes(module, LOOPS)


def to_llvm_dialect(module: Module) -> None:
    """Lower loops and vectors to the LLVM dialect, in place.

    Buffers that are arguments are taken not to overlap, as tensors never do.
    """
    _promise_no_overlap(module)
    apply_passes(module, _LLVM)


def _promise_no_overlap(module: Module) -> None:
    ir, function = mlir(), entry_function(module)
    with module.context:
        promise = {"llvm.noalias": ir.UnitAttr.get()}
        kinds = function.attributes["function_type"].value.inputs
        function.attributes["arg_attrs"] = ir.ArrayAttr.get(
            [ir.DictAttr.get(promise if str(kind).startswith("memref") else {}) for kind in kinds]
        )


def to_llvm_ir(module: Module) -> str:
    """Return the LLVM IR of a module in the LLVM dialect."""
    text = mlir("dialects.llvm").translate_module_to_llvmir(module.operation)
    return str(text)


def entry_function(module: Module) -> Any:
    """Return the one function that has a body.

    Raises:
        SampleError: If there is none or more than one.
    """
    functions = [
        operation
        for operation in module.body.operations
        if operation.operation.name == "func.func" and len(operation.regions[0].blocks)
    ]
    if len(functions) != 1:
        raise SampleError(f"{len(functions)} functions with a body; a program has exactly one")
    return functions[0]
