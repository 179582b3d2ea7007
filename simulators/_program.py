"""Running another program: found by path or name, in a folder of its own, within a time limit."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from simulators.errors import BackendError

_TAIL_BYTES = 1 << 20
_SHOWN_LINES = 12


def find_program(program: str | os.PathLike[str], name: str, fix: str) -> Path:
    """Return the path of an executable.

    Args:
        program: its path, or its name if it is on the search path.
        name: what it is, for messages.
        fix: a sentence that says where to get it.

    Raises:
        BackendError: it is missing or not executable.
    """
    given = os.fspath(program)
    path = Path(shutil.which(given) or given).expanduser().absolute()
    if path.is_file() and os.access(path, os.X_OK):
        return path
    problem = "is not an executable file" if path.exists() else "does not exist"
    raise BackendError(f"{name} {given!r} {problem}. {fix}")


def run_program(command: list[str], folder: Path, timeout_s: float, shorten: str) -> str:
    """Run to the end in ``folder``; return the tail of its standard output.

    Args:
        command: program and arguments.
        folder: working folder; the output is kept there as ``stdout`` and ``stderr``.
        timeout_s: wall time after which the program and its children are stopped.
        shorten: what to do, besides raising the limit, if that happens; e.g. "shorten the trace".

    Raises:
        BackendError: it cannot be started, fails, or takes too long.
    """
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        try:
            # A session of its own, so that a wrapper script's children can be ended with it; files
            # instead of pipes, so that none of them can keep us waiting.
            process = subprocess.Popen(  # noqa: S603 (no shell; the user names the program)
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        except OSError as error:
            raise BackendError(f"{command[0]}: cannot be started: {error.strerror}.") from None
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise BackendError(
                f"{command[0]}: stopped after {timeout_s:g} s without finishing. Raise the time "
                f"limit, or {shorten}. {printed(folder)}"
            ) from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if code != 0:
        raise BackendError(f"{command[0]}: exit status {code}. {printed(folder)}")
    return _tail(folder / "stdout")


def printed(folder: Path) -> str:
    """Return the last lines that `run_program` left in ``folder``, as a sentence for a message."""
    lines = last_lines(_tail(folder / "stdout") + _tail(folder / "stderr"))
    return f"It printed:\n  {lines}" if lines else "It printed nothing."


def last_lines(output: str) -> str:
    """Return the last lines of ``output`` that are not empty, indented but for the first."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return "\n  ".join(lines[-_SHOWN_LINES:])


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return file.read().decode("utf-8", errors="replace")
