"""A program of the corpus: its text in one canonical form, and where it comes from."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from costmodel.targets._lowering import entry_function, parse, stablehlo_context
from costmodel.targets._sandbox import SampleError
from costmodel.targets._toolchain import tool

__all__ = ["Program", "canonical", "dialects_of", "text_id"]

_ID_CHARACTERS = 16
_OPERATION = re.compile(r"(?:^\s*|= )\"?([a-z][a-z0-9_]*)\.[a-z]", re.MULTILINE)
_NUMBER = re.compile(r"(?<![\w%@#.])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|(?<=x)\d+(?=x)|0x[0-9A-F]+")


@dataclass(frozen=True, slots=True)
class Program:
    """One function on tensors, not scheduled yet."""

    text: str
    """Canonical MLIR in ``linalg`` or StableHLO."""
    family: str
    """Kind of model or kernel that it is cut from, such as ``resnet``."""
    source: str
    """``jax``, ``torch``, ``generator``, ``kernel`` or ``loops``."""

    @property
    def id(self) -> str:
        """The first 16 hexadecimal digits of the text's SHA-256."""
        return text_id(self.text)

    @property
    def shape_key(self) -> str:
        """Family and structure without sizes: equal for programs that differ in shapes only."""
        return f"{self.family}:{text_id(_NUMBER.sub('N', _SIZES.sub('N', self.text)))[:12]}"


_SIZES = re.compile(r"(?<=[<x])\d+(?=x)")


def text_id(text: str) -> str:
    """Return the identity of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_CHARACTERS]


def canonical(text: str) -> str:
    """Return the text as the compiler prints it, with the function called ``kernel``.

    Raises:
        SampleError: If it does not parse or has not exactly one function.
    """
    if "stablehlo." in text:
        ir = tool("jaxlib.mlir.ir")
        with stablehlo_context():
            try:
                module = ir.Module.parse(text)
            except ir.MLIRError as error:
                raise SampleError(f"does not parse: {error}") from error
            return _printed(module, ir)
    from costmodel.targets._toolchain import mlir

    return _printed(parse(text), mlir())


def _printed(module: Any, ir: Any) -> str:
    function = entry_function(module)
    function.attributes["sym_name"] = ir.StringAttr.get("kernel", module.context)
    return str(module)


def dialects_of(text: str) -> list[str]:
    """Return the dialects that the text's operations are in, sorted."""
    return sorted(set(_OPERATION.findall(text)))
