"""Where a verb writes: tables for people or JSON for programs on stdout, notes on stderr."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

WIDTH_ELSEWHERE = 160
"""Columns of a table that is written to a file or pipe."""


class Output:
    """Standard output and standard error of one command.

    Args:
        as_json: Write the result as JSON, and nothing else on stdout.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.stdout = _console(sys.stdout)
        self.stderr = _console(sys.stderr)

    def show(self, *parts: "RenderableType") -> None:
        """Write parts for people; nothing in JSON mode."""
        if not self.as_json:
            for part in parts:
                self.stdout.print(part, markup=False, highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Write a line on stderr."""
        self.stderr.print(text, markup=False, highlight=False, soft_wrap=True)

    def result(self, value: Mapping[str, Any]) -> None:
        """Write the result in JSON mode; numbers that JSON lacks become null."""
        if self.as_json:
            sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n")
            sys.stdout.flush()


def _console(stream: Any) -> "Console":
    from rich.console import Console

    return Console(file=stream, width=None if stream.isatty() else WIDTH_ELSEWHERE)


def plain(value: Any) -> Any:
    """Return ``value`` in types that JSON has."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()  # a numpy scalar
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def grid(
    headers: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None
) -> "Table":
    """Return a table; a header that starts with ``>`` aligns its column to the right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=None if title is None else Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        show_header=any(headers),
    )
    for header in headers:
        right = header.startswith(">")
        table.add_column(Text(header.removeprefix(">")), justify="right" if right else "left")
    for row in rows:
        table.add_row(*[Text(str(cell)) for cell in row])
    return table
