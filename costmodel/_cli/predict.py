"""``costmodel predict``: what programs will cost."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from costmodel._cli._texts import read_texts
from simulators._terminal import Output, grid
from simulators._text import number

if TYPE_CHECKING:
    from costmodel.models import Estimate, Predictions


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Predict what programs will cost, with 90 % intervals; needs no compiler."""

    files: Annotated[Positional[tuple[Path, ...]], arg(metavar="FILE...")] = ()
    """MLIR files, folders of them, or - for standard input. Any other text is read as text."""
    target: Annotated[tuple[str, ...], arg(metavar="NAME...")] = ()
    """Targets (device/quantity) or devices; by default all that the model knows."""
    model: str = "fast"
    """A shipped model, or the folder of one."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Predict and write."""
        from costmodel.models import load_model

        model = load_model(self.model)
        chosen = self.target or None
        model.indices(chosen)  # a wrong name is told before files are read
        texts = read_texts(self.files)
        names, data = list(texts), list(texts.values())
        predictions = model.predict(data, chosen)
        said = warn(output, names, data)
        for row, name in enumerate(names):
            _show(output, name, predictions, row)
        output.result(_plain(names, predictions, said))
        return 0


def warn(output: Output, names: Sequence[str], texts: Sequence[bytes]) -> list[str | None]:
    """Say which texts are no programs, or leave sizes open; return what was said of each."""
    from costmodel.predict import doubts

    said = doubts(texts)
    for name, doubt in zip(names, said, strict=True):
        if doubt is not None:
            output.note(f"costmodel: '{name}': {doubt}.")
    return said


def _show(output: Output, name: str, predictions: "Predictions", row: int) -> None:
    ood = float(predictions.ood[row])
    estimates = predictions[row]
    chances = predictions.nonzero_probability[row]
    rows = [
        [target.name, *cells(estimates[target.name]), target.unit, number(100 * chance, 3)]
        for target, chance in zip(predictions.targets, chances, strict=True)
    ]
    headers = ["target", ">value", ">from", ">to", "unit", ">P(any), %"]
    shown = len(headers) if any(map(math.isfinite, chances)) else len(headers) - 1
    note = f"out of distribution ({ood:.2g}): not to be relied on" if ood > 1 else f"ood {ood:.2g}"
    output.show(f"{name}: {note}")
    output.show(grid(headers[:shown], [one[:shown] for one in rows]), "")


def cells(estimate: "Estimate") -> list[str]:
    """Return value and interval as they are shown."""
    return [number(estimate.value), number(estimate.lower), number(estimate.upper)]


def _plain(
    names: Sequence[str], predictions: "Predictions", said: Sequence[str | None]
) -> Mapping[str, Any]:
    units = {target.name: target.unit for target in predictions.targets}
    return {
        name: {
            "ood": predictions.ood[row],
            "out_of_distribution": bool(predictions.ood[row] > 1),
            "warning": said[row],
            "predictions": {
                target: {
                    "value": one.value, "lower": one.lower, "upper": one.upper,
                    "unit": units[target], "nonzero_probability": one.nonzero_probability,
                }
                for target, one in predictions[row].items()
            },
        }
        for row, name in enumerate(names)
    }  # fmt: skip
