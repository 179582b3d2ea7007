"""Progress of a study, with a clock that the test turns."""

import io

import pytest
from rich.console import Console

from archgym.progress import StudyProgress
from archgym.search import ProgressEvent, Status


class Clock:
    """Seconds that pass only when told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def event(label: str, done: int, *, best: float | None = None, status: Status = "running"):
    return ProgressEvent(
        label=label,
        done=done,
        budget=100,
        best_reward=best,
        cached=3,
        failed=1,
        elapsed_s=float(done),
        status=status,
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


def shown(clock: Clock, *, terminal: bool = False) -> tuple[StudyProgress, io.StringIO]:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=100, height=30, no_color=True)
    return StudyProgress(console, runs=2, budget=100, clock=clock), stream


def test_elsewhere_a_line_is_written_every_ten_seconds(clock: Clock):
    progress, stream = shown(clock)
    with progress:
        for second in range(35):
            clock.now = 100.0 + second
            progress(event("a/seed-0", second))
        assert stream.getvalue().count("\n") == 3
    assert stream.getvalue().count("\n") == 4


def test_rate_and_eta_count_what_this_attempt_did(clock: Clock):
    progress, _ = shown(clock)
    progress(event("a/seed-0", 50))
    clock.now += 10
    progress(event("a/seed-0", 70))
    assert progress.done == 70
    assert progress.rate == 2.0
    assert progress.eta_s == (200 - 70) / 2.0


def test_a_run_that_ends_below_its_budget_leaves_nothing_to_wait_for(clock: Clock):
    progress, _ = shown(clock)
    progress(event("a/seed-0", 0))
    clock.now += 10
    progress(event("a/seed-0", 40, status="complete"))
    progress(event("b/seed-0", 100, status="complete"))
    assert progress.eta_s == 0.0
    assert "2 of 2 runs" in progress.line()
    assert "ETA" not in progress.line()


def test_the_line_names_the_best_run_and_the_failures(clock: Clock):
    progress, _ = shown(clock)
    progress(event("a/seed-0", 10, best=-1.5))
    progress(event("b/seed-0", 10, best=0.25, status="failed"))
    line = progress.line()
    assert "best reward 0.25 (b/seed-0)" in line
    assert "1 runs failed" in line


def test_there_is_no_eta_before_the_first_evaluation(clock: Clock):
    progress, _ = shown(clock)
    progress(event("a/seed-0", 0))
    assert "ETA -" in progress.line()


def test_a_terminal_shows_one_row_for_each_run(clock: Clock):
    progress, stream = shown(clock, terminal=True)
    with progress:
        progress(event("a/seed-0", 50, best=0.5))
        progress(event("b/seed-1", 100, best=0.7, status="complete"))
        rows = progress._row(event("a/seed-0", 50, best=0.5))
        assert rows[1] == "#########......... 50/100"
    text = stream.getvalue()
    for word in ("a/seed-0", "b/seed-1", "complete", "50/100", "0.7", "ETA"):
        assert word in text


def test_nothing_is_written_when_nothing_began(clock: Clock):
    progress, stream = shown(clock)
    with progress:
        pass
    assert stream.getvalue() == ""
