"""``costmodel label``: what the real compilers say about programs."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from tyro.conf import Positional, arg

from simulators.errors import InvalidConfigError

if TYPE_CHECKING:
    from costmodel.targets import Labels

__all__ = ["Label", "Output"]

_MAX_BYTES = 50 << 20


class Output(Protocol):
    """Where a verb writes."""

    def show(self, *parts: Any) -> None:
        """Write parts for people; nothing in JSON mode."""
        ...

    def note(self, text: str) -> None:
        """Write a line on stderr."""
        ...

    def result(self, value: Mapping[str, Any]) -> None:
        """Write the result in JSON mode."""
        ...


@dataclass(frozen=True, kw_only=True)
class Label:
    """Compile, run and analyse programs with the real compilers; needs archgym[corpus]."""

    files: Positional[tuple[Path, ...]]
    """MLIR files, each with one function; ``-`` is standard input."""
    targets: Annotated[tuple[str, ...], arg(metavar="NAME...")] = ("all",)
    """Targets (device/quantity), devices, or all."""
    limit_s: float = 60.0
    """Wall time after which a program is given up, in seconds."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Label each file and write the labels; 1 if some label is missing."""
        from costmodel.targets import label

        if self.limit_s <= 0:
            raise InvalidConfigError(f"--limit-s {self.limit_s:g} is not positive. Give seconds.")
        results = {}
        for name, text in self._texts():
            labels = label(text, self.targets, limit_s=self.limit_s)
            results[name] = labels
            _show(output, name, labels)
        output.result({name: _plain(labels) for name, labels in results.items()})
        return int(any(labels.failures for labels in results.values()))

    def _texts(self) -> Iterator[tuple[str, str]]:
        if not self.files:
            raise InvalidConfigError("No file given. Name an MLIR file, or - for standard input.")
        for path in self.files:
            yield str(path), _text(path)


def _text(path: Path) -> str:
    data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    if len(data) > _MAX_BYTES:
        raise InvalidConfigError(
            f"'{path}' has {len(data):,} bytes; at most {_MAX_BYTES:,} are compiled. "
            "Cut the program into functions."
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidConfigError(
            f"'{path}' is not UTF-8 text ({error.reason} at byte {error.start}). Give MLIR text; "
            "bytecode becomes text with mlir-opt."
        ) from error


def _plain(labels: "Labels") -> dict[str, Any]:
    from costmodel.targets import TARGETS

    return {
        "labels": {
            name: {"value": value, "unit": TARGETS[name].unit, "measured": _measured(name)}
            for name, value in labels.values.items()
        },
        "failures": {
            name: {"stage": one.stage, "reason": one.reason}
            for name, one in labels.failures.items()
        },
        "versions": dict(labels.versions),
    }


def _measured(name: str) -> bool:
    from costmodel.targets import TARGETS

    return not TARGETS[name].deterministic


def _show(output: Output, name: str, labels: "Labels") -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from costmodel.targets import TARGETS

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("target")
    table.add_column("value", justify="right")
    table.add_column("unit")
    for target, value in labels.values.items():
        unit = TARGETS[target].unit + (" (measured)" if _measured(target) else "")
        table.add_row(Text(target), f"{value:,.10g}", Text("" if unit == "1" else unit))
    output.show(f"{name}", table)
    for stage, failure in labels.failures.items():
        output.show(f"no label from {stage}: {failure.reason}")
