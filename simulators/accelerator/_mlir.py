"""The layers of an MLIR module, from its text."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Literal, TypeAlias

from simulators.accelerator._layer import Layer
from simulators.accelerator._mlir_contraction import Contraction, linalg_contraction
from simulators.accelerator._mlir_layer import to_layer
from simulators.accelerator._mlir_program import Step, program
from simulators.accelerator._mlir_tensor_ops import hlo_contraction, tosa_contraction
from simulators.accelerator._mlir_text import Operation, parse_module
from simulators.accelerator._mlir_types import UnsupportedError
from simulators.accelerator._networks_builder import merge_repeats
from simulators.errors import InvalidConfigError

Dynamic: TypeAlias = int | Literal["error", "skip"]

_READERS: dict[str, Callable[[Operation, dict[str, str]], Contraction | None]] = {
    "linalg": linalg_contraction,
    "stablehlo": hlo_contraction,
    "mhlo": hlo_contraction,
    "tosa": tosa_contraction,
}


class LayerList(list[Layer]):
    """The layers of a module in program order, and what was not turned into one.

    A layer is named after its operation and line, "conv_2d_nchw_fchw@20"; its `Layer.count` is how
    often the loops around it run.
    """

    def __init__(
        self,
        layers: Iterable[Layer] = (),
        skipped_lines: dict[str, tuple[int, ...]] | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(layers)
        self.skipped_lines: dict[str, tuple[int, ...]] = skipped_lines or {}
        """The line of every operation that gave no layer, by the operation's name."""
        self.notes = notes
        """A sentence for each contraction that gave no layer, or one that is not exact."""

    @property
    def skipped(self) -> dict[str, int]:
        """How many operations of each name gave no layer, most frequent first."""
        counts = ((name, len(lines)) for name, lines in self.skipped_lines.items())
        return dict(sorted(counts, key=lambda item: -item[1]))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers, repetitions included."""
        return sum(layer.macs * layer.count for layer in self)

    def merged(self) -> "LayerList":
        """Return the list with all layers of one shape merged into the first of them."""
        return LayerList(merge_repeats(list(self)), self.skipped_lines, self.notes)


def layers_from_mlir(text: str, *, dynamic: Dynamic = "error") -> LayerList:
    """Read every contraction of a module, in the order in which they run.

    Read are linalg's convolutions, matrix products, ``linalg.contract``, and ``linalg.generic``
    with a multiply-accumulate, on tensors and memrefs; ``dot``, ``dot_general`` and ``convolution``
    of StableHLO (as JAX prints it) and MHLO; TOSA's convolutions and matrix products. A function is
    read where it is called; a loop multiplies `Layer.count`. MLIR need not be installed.

    Args:
        text: the module in MLIR's textual form, pretty or generic.
        dynamic: the size to take for every dynamic ``?``; "skip" leaves such contractions out, with
            a note; "error" refuses them.

    Returns:
        The layers, with ``skipped``, ``skipped_lines`` and ``notes`` about everything else.

    Raises:
        InvalidConfigError: not MLIR, or cut off; or a contraction with a dynamic size.
    """
    if dynamic not in ("error", "skip") and not (type(dynamic) is int and dynamic >= 1):
        raise InvalidConfigError(
            f"dynamic={dynamic!r}. Allowed: 'error', 'skip', or the size to take for '?', an "
            "integer of 1 or more. Give one of these."
        )
    module = parse_module(text)
    reader = _Reader(module.aliases, dynamic)
    for step in program(module):
        reader.read(step)
    return reader.finish()


class _Reader:
    def __init__(self, aliases: dict[str, str], dynamic: Dynamic) -> None:
        self._aliases = aliases
        self._dynamic = dynamic
        self._layers: list[Layer] = []
        self._skipped: dict[int, Operation] = {}
        self._notes: dict[str, None] = {}
        self._refused: dict[str, None] = {}

    def read(self, step: Step) -> None:
        operation = step.operation
        place = f"line {operation.line}: {operation.name}"
        try:
            layer = self._layer(operation, place)
        except UnsupportedError as error:
            self._notes[f"{place} gave no layer: {error}."] = None
            layer = None
        if layer is None or step.repeats == 0:
            self._skipped[id(operation)] = operation
            return
        if step.note:
            self._notes[f"{place}: {step.note}."] = None
        self._layers.append(replace(layer, count=step.repeats))

    def _layer(self, operation: Operation, place: str) -> Layer | None:
        dialect, _, kind = operation.name.partition(".")
        reader = _READERS.get(dialect)
        contraction = reader(operation, self._aliases) if reader else None
        if contraction is None:
            return None
        if 0 in contraction.sizes.values():
            raise UnsupportedError("it multiplies nothing, a size is 0")
        unknown = [dim for dim, size in contraction.sizes.items() if size is None]
        if unknown and self._dynamic == "error":
            self._refused[place] = None
            return None
        if unknown and self._dynamic == "skip":
            raise UnsupportedError(f"{len(unknown)} of its sizes are dynamic")
        sizes = {dim: size or int(self._dynamic) for dim, size in contraction.sizes.items()}
        if contraction.note:
            self._notes[f"{place}: {contraction.note}."] = None
        return to_layer(contraction, sizes, f"{kind}@{operation.line}")

    def finish(self) -> LayerList:
        if self._refused:
            raise InvalidConfigError(
                f"{len(self._refused)} contractions have dynamic sizes: "
                f"{'; '.join(self._refused)}. Allowed: static sizes. Export the model for inputs "
                "of a fixed shape, or pass the size to take for '?' (e.g. dynamic=1), or "
                "dynamic='skip'."
            )
        lines: dict[str, tuple[int, ...]] = {}
        for operation in self._skipped.values():
            lines[operation.name] = (*lines.get(operation.name, ()), operation.line)
        if not self._layers:
            found = ", ".join(sorted({name.partition(".")[0] for name in lines})) or "none"
            self._notes[
                f"No contraction gave a layer. Dialects here: {found}; read are "
                f"{', '.join(_READERS)}. Lower the module to one of these."
            ] = None
        return LayerList(self._layers, lines, tuple(self._notes))
