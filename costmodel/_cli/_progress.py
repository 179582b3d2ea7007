"""Progress of a training: one line in place on a terminal, one every ten seconds elsewhere."""

import sys
import time

from simulators._terminal import Output
from simulators._text import duration

LINE_SECONDS = 10.0


class TrainingProgress:
    """Shows how far a training is.

    Args:
        output: Where notes go.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._terminal = sys.stderr.isatty()
        self._started = self._shown = time.monotonic()
        self._first: int | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        """Take note of steps that are done."""
        now = time.monotonic()
        if self._first is None:
            self._first = done
        if now - self._shown < (0.2 if self._terminal else LINE_SECONDS) and done < total:
            return
        self._shown = now
        passed = now - self._started
        fresh = done - self._first
        left = duration(passed / fresh * (total - done)) if fresh else "-"
        line = f"{done} of {total} in {duration(passed)}, ETA {left}: {what}"
        if self._terminal:
            sys.stderr.write(f"\r\x1b[2K{line}" + ("\n" if done >= total else ""))
            sys.stderr.flush()
        else:
            self._output.note(line)
