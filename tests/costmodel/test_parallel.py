"""Tasks in several processes: none is lost but the one that a process died of."""

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from costmodel._parallel import run_tasks
from costmodel.errors import DatasetError, LostTasksError


class Work:
    """Writes a file for each task; some tasks end badly."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, task: str) -> None:
        if task == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        if task == "bad":
            raise DatasetError("no such data")
        (self.folder / task).write_text(str(os.getpid()))


def test_a_killed_process_is_reported_and_loses_its_task_only(tmp_path):
    notes: list[str] = []
    tasks = ["a", "deadly", "b", "c"]
    with pytest.raises(LostTasksError, match=r"1 of the tasks were lost.*: deadly\."):
        run_tasks(tasks, partial(Work, tmp_path), 2, notes.append)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "c"}
    assert sum(note.startswith("lost: deadly") for note in notes) == 1
    assert str(os.getpid()) not in {path.read_text() for path in tmp_path.iterdir()}


def test_an_error_of_a_task_is_raised_here(tmp_path):
    with pytest.raises(DatasetError, match="no such data"):
        run_tasks(["bad", "a"], partial(Work, tmp_path), 2, lambda text: None)


def test_progress_says_how_long_the_rest_will_take(tmp_path):
    notes: list[str] = []
    run_tasks(["a", "b"], partial(Work, tmp_path), 1, notes.append)
    assert notes[0].startswith("1 of 2: a: ")
    assert notes[0].endswith(" to go")
    assert "to go" not in notes[1]
    assert (tmp_path / "b").read_text() == str(os.getpid())
