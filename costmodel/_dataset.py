"""Labelled programs: the Parquet tables that models learn from.

Columns: ``text`` (MLIR), and for each target a column named ``device/quantity`` (NaN: not
measured). ``id``, ``program`` (rows of one program under several schedules share it), ``view``,
``family``, ``source``, ``schedule`` and ``split_<name>`` are read if they are there.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from costmodel.errors import DatasetError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SPLITS", "Dataset"]

SPLITS = ("random", "family", "shape", "schedule")
"""Kinds of held-out programs: any; of new families; of new shapes; new schedules of known ones."""

_COLUMNS = ("id", "program", "view", "family", "source", "schedule")
_MAX_BYTES = 4 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Programs, their labels, and what is known of them; all columns have one entry each."""

    texts: tuple[str, ...]
    """MLIR text."""

    labels: Mapping[str, npt.NDArray[np.float64]]
    """Values by target; NaN if not measured."""

    columns: Mapping[str, npt.NDArray[np.object_]]
    """Other columns by name, among them ``split_<name>`` with train, valid or test."""

    def __post_init__(self) -> None:
        for name, values in {**self.labels, **self.columns}.items():
            if len(values) != len(self.texts):
                raise DatasetError(
                    f"Column '{name}' has {len(values)} entries for {len(self.texts)} programs."
                )
        for name, values in self.labels.items():
            _check_labels(name, values)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets."""
        return tuple(self.labels)

    def labels_of(self, targets: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return the labels of these targets as columns.

        Raises:
            DatasetError: If a target is not in the table.
        """
        for target in targets:
            if target not in self.labels:
                raise DatasetError(
                    f"There are no labels of '{target}'.{did_you_mean(target, self.labels)} "
                    f"There are: {', '.join(self.labels) or 'none'}."
                )
        columns = [self.labels[target] for target in targets]
        return np.stack(columns, axis=1) if columns else np.empty((len(self), 0))

    def groups(self) -> npt.NDArray[np.object_]:
        """Return what tells unscheduled programs apart: the column ``program``, else the text."""
        return self.columns.get("program", np.array(self.texts, dtype=object))

    def take(self, rows: npt.NDArray[Any]) -> Self:
        """Return these rows: indices or a mask."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return type(self)(
            texts=tuple(self.texts[i] for i in index),
            labels={name: values[index] for name, values in self.labels.items()},
            columns={name: values[index] for name, values in self.columns.items()},
        )

    def split(self, name: str, part: str) -> Self:
        """Return the rows of one part (train, valid, test) of a split.

        Raises:
            DatasetError: If the table has no such split.
        """
        column = f"split_{name}"
        if column not in self.columns:
            known = [c.removeprefix("split_") for c in self.columns if c.startswith("split_")]
            raise DatasetError(
                f"The table has no split '{name}'.{did_you_mean(name, known)} "
                f"It has: {', '.join(known) or 'none'}."
            )
        return self.take(self.columns[column] == part)

    def halves(self, fraction: float, seed: int) -> tuple[Self, Self]:
        """Return two parts, the second with about ``fraction`` of the programs.

        Rows of one program stay together.

        Raises:
            DatasetError: If all rows are of one program.
        """
        names, which = np.unique(self.groups().astype(str), return_inverse=True)
        if len(names) < 2:
            raise DatasetError(
                f"All {len(self)} rows are of one program, so that none can be kept back to test "
                "on. Give labels of several programs."
            )
        rng = np.random.default_rng(np.random.SeedSequence(seed))
        count = min(max(1, round(fraction * len(names))), len(names) - 1)
        second = np.zeros(len(names), dtype=bool)
        second[rng.permutation(len(names))[:count]] = True
        return self.take(~second[which]), self.take(second[which])

    def labelled(self, targets: Sequence[str]) -> Self:
        """Return the rows that have a label of one of these targets at least."""
        return self.take(np.asarray(np.isfinite(self.labels_of(targets)).any(axis=1)))

    def joined(self, other: Self) -> Self:
        """Return the rows of both: the labels of either, NaN where missing, and shared columns."""

        def labels_of(dataset: Self, name: str) -> npt.NDArray[np.float64]:
            return dataset.labels.get(name, np.full(len(dataset), np.nan))

        names = list(dict.fromkeys((*self.labels, *other.labels)))
        return type(self)(
            texts=self.texts + other.texts,
            labels={
                name: np.concatenate([labels_of(self, name), labels_of(other, name)])
                for name in names
            },
            columns={
                name: np.concatenate([values, other.columns[name]])
                for name, values in self.columns.items()
                if name in other.columns
            },
        )

    def subset(self, size: int, seed: int) -> Self:
        """Return ``size`` rows drawn at random, all if there are no more."""
        rng = np.random.default_rng(np.random.SeedSequence(seed))
        return self.take(np.sort(rng.permutation(len(self))[:size]))

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Return the table of a Parquet file, or of all such files in a folder together.

        Raises:
            DatasetError: If it is no such table, or has labels that no program can have.
        """
        import pandas as pd

        frames = [_read_frame(file) for file in parquet_files(Path(path))]
        return cls.from_frame(pd.concat(frames, ignore_index=True))

    @classmethod
    def from_frame(cls, frame: "pd.DataFrame") -> Self:
        """Return the table of a data frame with the columns of the module's docstring."""
        if "text" not in frame:
            raise DatasetError(
                f"The table has no column 'text'. It has: {', '.join(map(str, frame.columns))}."
            )
        texts = tuple(frame["text"])
        if not all(isinstance(text, str) for text in texts):
            raise DatasetError("Column 'text' has entries that are no text. Remove those rows.")
        targets = [str(name) for name in frame.columns if "/" in str(name)]
        extra = [c for c in frame.columns if c in _COLUMNS or str(c).startswith("split_")]
        return cls(
            texts=texts,
            labels={name: _numbers(frame, name) for name in targets},
            columns={str(c): frame[c].to_numpy(dtype=object) for c in extra},
        )


def _check_labels(name: str, values: npt.NDArray[np.float64]) -> None:
    bad = np.isinf(values) | (values < 0)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DatasetError(
            f"Label '{name}' of row {row} is {values[row]:g} ({int(bad.sum())} such rows). Labels "
            "are finite and not negative; leave one that is not known empty (NaN)."
        )


def _numbers(frame: "pd.DataFrame", name: str) -> npt.NDArray[np.float64]:
    try:
        values: npt.NDArray[np.float64] = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
        return values
    except (TypeError, ValueError) as error:
        raise DatasetError(f"Label '{name}' is not a column of numbers: {error}.") from error


def ranges_of(dataset: Dataset) -> dict[str, float]:
    """Return the largest minus the smallest label of each target; NaN if all are equal."""
    return {name: range_of(labels) for name, labels in dataset.labels.items()}


def range_of(labels: npt.NDArray[np.float64]) -> float:
    """Return the largest minus the smallest of labels; NaN if they are equal or unknown."""
    known = labels[np.isfinite(labels)]
    spread = float(np.ptp(known)) if len(known) else 0.0
    return spread if spread > 0 else float("nan")  # of a constant, no error has a share


def digest_of(path: Path) -> str:
    """Return the SHA-256 of the Parquet file at a path, or of all of a folder one after another."""
    digest = hashlib.sha256()
    for file in parquet_files(path):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def parquet_files(path: Path) -> list[Path]:
    """Return the file, or the files of a folder that may hold programs.

    Raises:
        DatasetError: If there is none.
    """
    if path.is_file():
        return [path]
    if not path.exists():
        raise DatasetError(f"'{path}' does not exist. Give a Parquet file or a folder of them.")
    files = sorted(file for file in path.rglob("*.parquet") if "failures" not in file.name)
    if not files:
        raise DatasetError(f"There is no Parquet file in '{path}'. Build one: costmodel corpus.")
    return files


def _read_frame(path: Path) -> "pd.DataFrame":
    import pandas as pd
    import pyarrow as pa

    if path.stat().st_size > _MAX_BYTES:
        raise DatasetError(f"'{path}' has more than {_MAX_BYTES >> 30} GiB. Split it.")
    try:
        return pd.read_parquet(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DatasetError(f"'{path}' is no Parquet table: {reason} Write it again.") from error
