"""``costmodel label``: what the real compilers say about programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from costmodel._cli._texts import read_texts
from simulators._terminal import Output, grid
from simulators.errors import InvalidConfigError

if TYPE_CHECKING:
    from costmodel.models import Estimate
    from costmodel.targets import Labels

__all__ = ["Label"]


@dataclass(frozen=True, kw_only=True)
class Label:
    """Compile, run and analyse programs with the real compilers; needs archgym[corpus]."""

    files: Annotated[Positional[tuple[Path, ...]], arg(metavar="FILE...")] = ()
    """MLIR files with one function each, folders of them, or - for standard input."""
    targets: Annotated[tuple[str, ...], arg(metavar="NAME...")] = ("all",)
    """Targets (device/quantity), devices, or all."""
    compare: bool = False
    """Show what a model predicts beside each label."""
    model: str = "fast"
    """The model to compare with: a shipped one, or the folder of one."""
    limit_s: float = 60.0
    """Wall time after which a program is given up, in seconds."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Label each file and write the labels; 1 if some label is missing."""
        from costmodel.targets import label

        if not self.limit_s > 0:
            raise InvalidConfigError(f"--limit-s {self.limit_s:g} is not positive. Give seconds.")
        results, complete = {}, True
        for name, data in read_texts(self.files).items():
            text = _decoded(name, data)
            labels = label(text, self.targets, limit_s=self.limit_s)
            predicted = self._predicted(text, labels)
            _show(output, name, labels, predicted)
            results[name] = _plain(labels, predicted)
            complete = complete and not labels.failures
        output.result(results)
        return 0 if complete else 1

    def _predicted(self, text: str, labels: "Labels") -> Mapping[str, "Estimate"]:
        if not self.compare:
            return {}
        from costmodel.models import load_model

        model = load_model(self.model)
        known = [target.name for target in model.targets if target.name in labels.values]
        return model.predict([text], known)[0] if known else {}


def _decoded(name: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidConfigError(
            f"'{name}' is not UTF-8 text ({error.reason} at byte {error.start}). Give MLIR text; "
            "mlir-opt turns bytecode into text."
        ) from error


def _plain(labels: "Labels", predicted: Mapping[str, "Estimate"]) -> dict[str, Any]:
    from costmodel.targets import TARGETS

    values: dict[str, dict[str, Any]] = {}
    for name, value in labels.values.items():
        spec = TARGETS[name]
        values[name] = {"value": value, "unit": spec.unit, "measured": not spec.deterministic}
        if name in predicted:
            one = predicted[name]
            values[name]["predicted"] = {
                "value": one.value,
                "lower": one.lower,
                "upper": one.upper,
            }
    return {
        "labels": values,
        "failures": {
            name: {"stage": one.stage, "reason": one.reason}
            for name, one in labels.failures.items()
        },
        "versions": dict(labels.versions),
    }


def _show(output: Output, name: str, labels: "Labels", predicted: Mapping[str, "Estimate"]) -> None:
    from costmodel.targets import TARGETS

    headers = ["target", ">value", "unit", *([">predicted", ">from", ">to"] if predicted else [])]
    rows = []
    for target, value in labels.values.items():
        spec = TARGETS[target]
        unit = ("" if spec.unit == "1" else spec.unit) + ("" if spec.deterministic else " measured")
        one = predicted.get(target)
        beside = [_number(one.value), _number(one.lower), _number(one.upper)] if one else ["-"] * 3
        rows.append([target, _number(value), unit.strip(), *(beside if predicted else [])])
    output.show(name)
    if rows:
        output.show(grid(headers, rows))
    for stage, failure in labels.failures.items():
        output.show(f"no label from {stage}: {failure.reason}")
    output.show("")


def _number(value: float) -> str:
    return f"{value:,.6g}"
