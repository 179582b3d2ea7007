"""The arguments of a lowered program, filled with the same numbers every time."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from costmodel.targets._lowering import Module, entry_function
from costmodel.targets._sandbox import SampleError

__all__ = ["Argument", "Buffers", "arguments_of"]

_MAX_BYTES = 1 << 28
_TYPES = {
    "f64": "float64",
    "f32": "float32",
    "f16": "float16",
    "bf16": "uint16",
    "i64": "int64",
    "i32": "int32",
    "i16": "int16",
    "i8": "int8",
    "index": "int64",
}
_MEMREF = re.compile(r"memref<((?:\d+x)*)(\w+)(?:,.*)?>$")
_BF16_ONE = 0x3F80
_ALIGNMENT, _GUARD_BYTES, _GUARD = 64, 4096, 0xA5
"""Each buffer lies between guard bytes, which a correct program leaves alone."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a function on buffers: its shape, or None for a scalar."""

    element: str
    shape: tuple[int, ...] | None

    @property
    def bytes(self) -> int:
        """Bytes of the buffer; 0 for a scalar, which travels in a register."""
        if self.shape is None:
            return 0
        size = int(np.prod(self.shape, dtype=np.int64)) if self.shape else 1
        return size * np.dtype(_TYPES[self.element]).itemsize


def arguments_of(module: Module) -> list[Argument]:
    """Return the arguments of a module whose function works on buffers.

    Raises:
        SampleError: If the function returns something, or an argument has a dynamic shape, a
            layout or an element type that cannot be passed as a plain pointer.
    """
    function = entry_function(module)
    kind = function.attributes["function_type"].value
    if len(kind.results):
        raise SampleError(f"returns {kind.results[0]}; only buffers can be written")
    arguments = [_argument(str(one)) for one in kind.inputs]
    total = sum(argument.bytes for argument in arguments)
    if total > _MAX_BYTES:
        raise SampleError(f"arguments of {total:,} bytes; at most {_MAX_BYTES:,} are allocated")
    return arguments


def _argument(text: str) -> Argument:
    if text in _TYPES:
        return Argument(text, None)
    found = _MEMREF.match(text)
    if found is None or found[2] not in _TYPES:
        raise SampleError(f"argument of type {text}; static shapes of plain numbers are supported")
    return Argument(found[2], tuple(int(size) for size in found[1].split("x") if size))


class Buffers:
    """Arguments in memory, filled from a seed."""

    def __init__(self, arguments: list[Argument], seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        filled = [_filled(argument, rng) for argument in arguments]
        self._memory = [_guarded(array) for array in filled]
        self.arrays = [
            memory[_GUARD_BYTES : _GUARD_BYTES + array.nbytes]
            .view(array.dtype)
            .reshape(array.shape)
            for memory, array in zip(self._memory, filled, strict=True)
        ]
        self._scalar = [argument.shape is None for argument in arguments]

    def values(self) -> list[Any]:
        """Return what a C function gets: pointers, and scalars as they are."""
        return [
            array.reshape(-1)[0].item() if scalar else array.ctypes.data
            for array, scalar in zip(self.arrays, self._scalar, strict=True)
        ]

    def copied(self) -> list["np.ndarray[Any, Any]"]:
        """Return a copy of all arrays."""
        return [array.copy() for array in self.arrays]

    def overrun(self) -> str | None:
        """Say which buffer was written beyond its end or before its start; None if none was."""
        for number, (memory, array) in enumerate(zip(self._memory, self.arrays, strict=True)):
            before, after = memory[:_GUARD_BYTES], memory[_GUARD_BYTES + array.nbytes :]
            if not ((before == _GUARD).all() and (after == _GUARD).all()):
                return f"writes outside of argument {number}"
        return None

    def differs(self, others: list["np.ndarray[Any, Any]"]) -> str | None:
        """Say how the arrays differ from ``others`` beyond rounding; None if they do not."""
        for number, (array, other) in enumerate(zip(self.arrays, others, strict=True)):
            if array.dtype.kind == "f":
                same = _close(array.astype(np.float64), other.astype(np.float64))
            else:
                same = bool(np.array_equal(array, other))
            if not same:
                return f"argument {number} has other values than without the schedule"
        return None


def _close(left: "np.ndarray[Any, Any]", right: "np.ndarray[Any, Any]") -> bool:
    # Schedules may reassociate sums: rounding grows with the largest value around.
    finite = np.isfinite(right)
    scale = float(np.abs(right[finite]).max(initial=1e-6)) if finite.any() else 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        return bool(np.allclose(left, right, rtol=1e-3, atol=1e-4 * scale, equal_nan=True))


def _guarded(array: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    size = array.nbytes + 2 * _GUARD_BYTES
    memory = np.full(size + _ALIGNMENT, _GUARD, np.uint8)
    offset = -memory.ctypes.data % _ALIGNMENT
    memory = memory[offset : offset + size]
    memory[_GUARD_BYTES : _GUARD_BYTES + array.nbytes] = array.reshape(-1).view(np.uint8)
    return memory


def _filled(argument: Argument, rng: np.random.Generator) -> "np.ndarray[Any, Any]":
    shape = argument.shape or (() if argument.shape is not None else (1,))
    dtype = np.dtype(_TYPES[argument.element])
    if argument.element == "bf16":
        return np.full(shape, _BF16_ONE, dtype)
    if dtype.kind == "f":
        # Positive and below one: no logarithm or root leaves its range.
        return np.asarray(rng.uniform(0.1, 1.0, shape)).astype(dtype)
    # Zero and one are valid indices almost everywhere.
    return np.asarray(rng.integers(0, 2, shape)).astype(dtype)
