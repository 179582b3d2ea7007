"""Progress of long work: live on a terminal, one line every ten seconds elsewhere."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from archgym._text import duration, number

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

    from archgym.search import ProgressEvent

__all__ = ["CountProgress", "StudyProgress"]

LINE_SECONDS = 10.0
BAR_WIDTH = 18
HEADER_ROWS = 5
ENDED = ("complete", "failed", "interrupted")


class StudyProgress:
    """Shows :class:`archgym.search.ProgressEvent` s of several runs; a context manager.

    Args:
        console: Where to show them; a live table if it is a terminal.
        runs: Number of runs of the study.
        budget: Evaluations of each run.
        clock: Seconds that never go back; to be replaced in tests.
    """

    def __init__(
        self,
        console: "Console",
        *,
        runs: int,
        budget: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._runs = runs
        self._budget = budget
        self._clock = clock
        self._started = self._reported = clock()
        self._events: dict[str, ProgressEvent] = {}
        self._done_before: dict[str, int] = {}
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.live import Live

            self._live = Live(
                console=self._console,
                get_renderable=self._table,
                refresh_per_second=4,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
        if self._events:
            self._console.print(self.line(), markup=False, highlight=False, soft_wrap=True)

    def __call__(self, event: "ProgressEvent") -> None:
        """Take note of an event."""
        # What an earlier attempt recorded was not done at this attempt's speed.
        self._done_before.setdefault(event.label, event.done)
        self._events[event.label] = event
        if self._live is None and self._clock() - self._reported >= LINE_SECONDS:
            self._reported = self._clock()
            self._console.print(self.line(), markup=False, highlight=False, soft_wrap=True)

    @property
    def done(self) -> int:
        """Evaluations spent by all runs so far."""
        return sum(event.done for event in self._events.values())

    @property
    def rate(self) -> float:
        """Evaluations per second of this attempt, all runs together."""
        seconds = self._clock() - self._started
        fresh = self.done - sum(self._done_before.values())
        return fresh / seconds if seconds > 0 else 0.0

    @property
    def eta_s(self) -> float:
        """Seconds until all runs are complete at the present rate; infinite before the first."""
        ended = [event for event in self._events.values() if event.status in ENDED]
        # A run may end below its budget, when its agent has nothing more to ask.
        spared = sum(event.budget - event.done for event in ended)
        left = self._runs * self._budget - self.done - spared
        return left / self.rate if self.rate > 0 else float("inf")

    def line(self) -> str:
        """Return where the study stands, in one line."""
        ended = sum(event.status in ENDED for event in self._events.values())
        eta = "" if ended == self._runs else f", ETA {duration(self.eta_s)}"
        seconds = duration(self._clock() - self._started)
        text = (
            f"{ended} of {self._runs} runs, {self.done:,} of {self._runs * self._budget:,} "
            f"evaluations in {seconds}, {number(self.rate, 3)}/s{eta}"
        )
        feasible = [e for e in self._events.values() if e.best_reward is not None]
        if feasible:
            best = max(feasible, key=lambda event: event.best_reward or 0.0)
            text += f", best reward {number(best.best_reward)} ({best.label})"
        failures = [event for event in self._events.values() if event.status == "failed"]
        return text + (f", {len(failures)} runs failed" if failures else "")

    def _table(self) -> "RenderableType":
        """Return the live picture: as many runs as fit, those at work first."""
        from rich.console import Group
        from rich.text import Text

        from simulators._terminal import grid

        room = max(1, self._console.height - HEADER_ROWS)
        # Stable: runs at work come first, then those that ended, each in order of appearance.
        events = sorted(self._events.values(), key=lambda event: event.status in ENDED)[:room]
        headers = ["run", "evaluations", ">best reward", ">per s", ">ETA", ">cached", ">failed"]
        table = grid(headers, [self._row(event) for event in events])
        return Group(table, Text(self.line()))

    def _row(self, event: "ProgressEvent") -> list[str]:
        fresh = event.done - self._done_before[event.label]
        rate = fresh / event.elapsed_s if event.elapsed_s > 0 else 0.0
        left = (event.budget - event.done) / rate if rate > 0 else float("inf")
        filled = BAR_WIDTH * event.done // event.budget
        bar = "#" * filled + "." * (BAR_WIDTH - filled)
        return [
            event.label,
            f"{bar} {event.done}/{event.budget}",
            number(event.best_reward),
            number(rate, 3),
            event.status if event.status in ENDED else duration(left),
            str(event.cached),
            str(event.failed),
        ]


class CountProgress:
    """Shows how many of so many things are done, how fast, and how long it will take.

    A bar on a terminal, a line every ten seconds elsewhere; a context manager.

    Args:
        console: Where to show it.
        noun: What is counted, as in "designs".
        clock: Seconds that never go back; to be replaced in tests.
    """

    def __init__(
        self, console: "Console", noun: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console
        self._noun = noun
        self._clock = clock
        self._started = self._reported = clock()
        self._before: int | None = None
        self._bar: Any = None
        self._row: Any = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.progress import Progress

            self._bar = Progress(console=self._console, transient=True)
            self._bar.start()
            self._row = self._bar.add_task(self._noun, total=None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """Take note that ``done`` of ``total`` are done."""
        now = self._clock()
        if self._before is None:  # what an earlier attempt did was not done at this speed
            self._before, self._started = done, now
        seconds = now - self._started
        rate = (done - self._before) / seconds if seconds > 0 else 0.0
        eta = f", ETA {duration((total - done) / rate)}" if rate > 0 else ""
        speed = f"{number(rate, 3)}/s" if rate >= 1 or rate == 0 else f"{number(60 * rate, 3)}/min"
        if self._bar is not None:
            text = f"{self._noun} {done:,}/{total:,} {speed}"
            self._bar.update(self._row, completed=done, total=total, description=text)
        elif now - self._reported >= LINE_SECONDS:
            self._reported = now
            self._console.print(
                f"{done:,} of {total:,} {self._noun} in {duration(seconds)}, {speed}{eta}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
