"""What every command line shares: where a verb writes, and what becomes of its errors."""

import errno
import json
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from simulators.errors import ArchGymError, BackendError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
"""Exit codes."""

WIDTH_ELSEWHERE = 160
"""Columns of a table that is written to a file or pipe."""

# These come from a path that the user gave; any other OSError (a full disk, say) is a failure.
_PATH_ERRORS = {
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EEXIST,
    errno.ENAMETOOLONG,
}


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


class Verb(Protocol):
    """One verb of a command line with its options."""

    @property
    def json(self) -> bool:
        """Whether to write JSON instead of tables."""
        ...

    def run(self, output: Output) -> int:
        """Do it; return the exit code."""
        ...


def exit_code_of(
    program: str, work: Callable[[], int], failures: tuple[type[Exception], ...] = (BackendError,)
) -> int:
    """Do the work of a command line and return its exit code; never raises for a user's mistake.

    Args:
        program: Its name, which begins the line about an error on stderr.
        work: Parses the arguments, runs the verb, returns an exit code.
        failures: The project's errors that are not the fault of the input.
    """
    try:
        return work()
    except SystemExit as stop:  # tyro's help (0) and usage errors (2)
        return stop.code if isinstance(stop.code, int) else BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, say head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        text = f"'{error.filename}': {error.strerror}. Choose another path, or mend this one."
        _complain(program, str(error) if error.filename is None else text)
        return BAD_INPUT if error.errno in _PATH_ERRORS else FAILED
    except ArchGymError as error:
        _complain(program, str(error))
        return FAILED if isinstance(error, failures) else BAD_INPUT


def _complain(program: str, text: str) -> None:
    sys.stderr.write(f"{program}: {text}\n")
