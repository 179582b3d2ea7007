"""The journal of one run of a sweep: a line per trial, gone once the run is summarised.

A line is written and flushed before the agent hears of the trial, so that a killed process loses at
most the evaluation in flight. A line cut short by the kill is dropped.
"""

import fcntl
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

from archgym.errors import RecordError
from archgym.space import DesignSpace
from archgym.trials import Trial


class Journal:
    """A `Record` in one file; a context manager that holds the file's lock.

    Args:
        path: The file; made if missing.
        identity: What makes this run this run; a journal of another identity is refused.

    Raises:
        RecordError: the file is the journal of another run.
    """

    folder: Path | None = None
    complete = False
    info: dict[str, Any] = {}

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self._path = path
        self._identity = json.dumps(identity, sort_keys=True)
        self._file: IO[str] = path.open("a+", encoding="utf-8")
        # A worker whose driver was killed may be at the end of its batch: it lets go soon.
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def load(self, space: DesignSpace) -> list[Trial]:
        """Return the trials of an earlier attempt, and drop a last line that was cut short."""
        self._file.seek(0)
        lines = self._file.read().splitlines(keepends=True)
        whole = lines[: _whole(lines)]
        if whole and whole[0].rstrip("\n") != self._identity:
            raise RecordError(
                f"'{self._path}' is the journal of another run. Choose another folder."
            )
        self._file.seek(0)
        self._file.truncate(sum(len(line.encode()) for line in whole))
        if not whole:
            self._write(self._identity)
        return [_trial(json.loads(line), i, space) for i, line in enumerate(whole[1:])]

    def append(self, trials: Sequence[Trial]) -> None:
        """Write a line per trial."""
        self._write("\n".join(json.dumps(_entry(trial)) for trial in trials))

    def _write(self, text: str) -> None:
        self._file.write(text + "\n")
        self._file.flush()

    def finish(self, status: str, **entries: Any) -> None:
        """Do nothing: a summary of the run is kept elsewhere."""


def _whole(lines: Sequence[str]) -> int:
    """Return how many leading lines are complete."""
    for i, line in enumerate(lines):
        try:
            json.loads(line)
        except ValueError:
            return i
        if not line.endswith("\n"):
            return i
    return len(lines)


def _entry(trial: Trial) -> dict[str, Any]:
    return {
        "indices": list(trial.indices),
        "metrics": trial.metrics,
        "feasible": trial.feasible,
        "violations": trial.violations,
        "error": trial.error,
        "reward": trial.reward,
        "rewards": list(trial.rewards),
        "cached": trial.cached,
        "ask_s": trial.ask_s,
        "wall_s": trial.wall_s,
    }


def _trial(entry: Mapping[str, Any], index: int, space: DesignSpace) -> Trial:
    indices = tuple(entry["indices"])
    return Trial(
        **{
            **entry,
            "index": index,
            "design": space.decode(np.array(indices, dtype=np.int64)),
            "indices": indices,
            "rewards": tuple(entry["rewards"]),
        }
    )
