"""The folder of one run: who wrote it, its trials as Parquet, and a lock while it is being written.

Layout::

    run.json                     identity, versions, command, status, totals
    parts/000000-000499.parquet  trials 0 to 499, while the run goes on
    trials.parquet               all trials, once it is complete
    .lock                        held (flock) by the process that writes

Every file is written under a temporary name, synced and renamed, so that a reader or a killed
process never leaves or sees half of one. Parts are merged as they add up; a part whose range lies
within that of another was merged and is ignored.
"""

import contextlib
import io
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from archgym.errors import RecordError
from archgym.space import DesignSpace
from archgym.trials import Trial, from_table, read_parquet, to_table

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
FLUSH_SECONDS = 1.0
FLUSH_TRIALS = 4096
MERGE_PARTS = 16


class RunRecord:
    """Writes the trials of one run as they come, and gives back those of an earlier attempt.

    Args:
        folder: The run folder; made if missing.
        identity: What makes this run this run; a folder of another identity is refused.
        notes: Further entries of ``run.json`` (command, library versions, problem configuration).
        schema: Parquet schema from :func:`archgym.trials.trial_schema`.

    Raises:
        RecordError: the folder holds another run, is being written by another process, is damaged
            or cannot be written.
    """

    def __init__(
        self,
        folder: str | Path,
        identity: Mapping[str, Any],
        notes: Mapping[str, Any],
        schema: "pa.Schema",
    ) -> None:
        self._folder = Path(folder)
        self._parts = self.folder / "parts"
        self._schema = schema
        self._waiting: list[Trial] = []
        self._flushed_at = time.monotonic()
        self._info: dict[str, Any] = {"format": FORMAT, **identity, **notes}
        try:
            self._parts.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot_write(self.folder, error) from error
        self._lock = _lock(self.folder)
        try:
            self._enter(identity)
        except BaseException:
            self.close()
            raise

    def _enter(self, identity: Mapping[str, Any]) -> None:
        earlier = _read_info(self.folder)
        if earlier is None:
            _refuse_orphans(self.folder)
            self._info |= {"status": "running", "created": _now()}
        else:
            _refuse_another_run(self.folder, earlier, {"format": FORMAT, **identity})
            self._info |= {**earlier, "error": ""}

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self._folder

    @property
    def complete(self) -> bool:
        """Whether the record holds the whole run."""
        return bool(self._info["status"] == "complete")

    @property
    def info(self) -> dict[str, Any]:
        """The content of ``run.json``."""
        return dict(self._info)

    def load(self, space: DesignSpace) -> list[Trial]:
        """Return the trials that an earlier attempt recorded, in order.

        Raises:
            RecordError: a file is damaged, or trials in the middle are missing.
        """
        table = _read_table(self.folder)
        if table is not None and not table.schema.equals(self._schema):
            raise RecordError(
                f"The trials in '{self.folder}' have other columns than this run: a file is "
                "damaged. Restore it from a copy, or choose another folder."
            )
        trials = [] if table is None else from_table(table, space)
        if not self.complete:
            self._set_status("running")
        return trials

    def append(self, trials: Sequence[Trial]) -> None:
        """Take over new trials; they reach the disk within about a second or at :meth:`flush`."""
        self._waiting.extend(trials)
        waited_s = time.monotonic() - self._flushed_at
        if waited_s >= FLUSH_SECONDS or len(self._waiting) >= FLUSH_TRIALS:
            self.flush()

    def flush(self) -> None:
        """Write the trials that wait as one more part.

        Raises:
            RecordError: the folder cannot be written; no half-written file stays behind.
        """
        if self._waiting:
            self._write_part(to_table(self._waiting, self._schema), self._waiting[0].index)
            self._waiting = []
        self._flushed_at = time.monotonic()
        self._merge()

    def _merge(self) -> None:
        """Merge the last parts once they are many, so that few files hold however many trials."""
        parts = _ranges(_parts(self.folder))
        if len(parts) <= MERGE_PARTS:
            return
        # Doubling sizes, so that every trial is rewritten only a few times in all.
        start, count = len(parts), 0
        for first, last, _ in reversed(parts):
            if len(parts) - start >= MERGE_PARTS // 2 and last - first + 1 > count:
                break
            count += last - first + 1
            start -= 1
        merged = [path for _, _, path in parts[start:]]
        self._write_part(_concatenated(merged), parts[start][0])
        _remove(merged)

    def finish(self, status: str, **entries: Any) -> None:
        """Write what waits and the status; a complete run becomes one ``trials.parquet``."""
        self.flush()
        if status == "complete":
            table = _read_table(self.folder)
            table = self._schema.empty_table() if table is None else table
            _write_table(self.folder / "trials.parquet", table)
            _remove(list(self._parts.glob("*")))
            with contextlib.suppress(OSError):
                self._parts.rmdir()
        self._set_status(status, **entries)

    def close(self) -> None:
        """Release the folder for other processes."""
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _set_status(self, status: str, **entries: Any) -> None:
        self._info |= {"status": status, "updated": _now(), **entries}
        text = json.dumps(self._info, indent=2, ensure_ascii=False)
        _write_bytes(self.folder / "run.json", text.encode() + b"\n")

    def _write_part(self, table: "pa.Table", first: int) -> None:
        try:
            self._parts.mkdir(exist_ok=True)
        except OSError as error:
            raise _cannot_write(self._parts, error) from error
        name = f"{first:06d}-{first + len(table) - 1:06d}.parquet"
        _write_table(self._parts / name, table)


def read_run(folder: Path) -> "pa.Table":
    """Read the trials of a run folder, complete or not, without taking part in its lock.

    Raises:
        RecordError: a file is damaged, or the folder holds no trials.
    """
    for _ in range(3):  # a writer may merge parts between the listing and the reading
        try:
            table = _read_table(folder)
        except FileNotFoundError:
            continue
        if table is not None:
            return table
        break
    raise RecordError(
        f"The run folder '{folder}' holds no trials yet. "
        "Run the same search again, or delete the folder."
    )


def read_info(folder: str | Path) -> dict[str, Any]:
    """Return the content of a run folder's ``run.json``.

    Raises:
        RecordError: there is none, or it is damaged or of another format.
    """
    info = _read_info(Path(folder))
    if info is None:
        raise RecordError(
            f"'{folder}' is no run folder: it has no run.json. "
            "Give a folder that a search wrote with out=...."
        )
    if info["format"] != FORMAT:
        raise RecordError(
            f"'{folder}' has format {info['format']!r}, this release knows {FORMAT}. Read it with "
            f"the release that wrote it ({info.get('version')}), or leave it out."
        )
    return info


def _read_info(folder: Path) -> dict[str, Any] | None:
    path = folder / "run.json"
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RecordError(
            f"Cannot read '{path}': {error}. Restore it from a copy, or choose another folder."
        ) from error
    if not isinstance(info, dict) or "format" not in info:
        raise RecordError(
            f"'{path}' was not written by archgym. Choose another folder for this run."
        )
    return info


def _refuse_orphans(folder: Path) -> None:
    found = [folder / "trials.parquet"] if (folder / "trials.parquet").exists() else []
    found += _parts(folder)
    if found:
        raise RecordError(
            f"'{folder}' holds trials ('{found[0].name}') but no run.json that says of which run. "
            "Restore run.json, or choose another folder."
        )


def _refuse_another_run(
    folder: Path, earlier: Mapping[str, Any], identity: Mapping[str, Any]
) -> None:
    different = [name for name, value in identity.items() if earlier.get(name) != value]
    different = [name for name in different if name != "config_hash"] or different
    if different:
        lines = "; ".join(
            f"{name}: recorded {earlier.get(name)!r}, now {identity[name]!r}" for name in different
        )
        raise RecordError(
            f"'{folder}' holds a different run ({lines}). Choose another folder, "
            "delete this one, or run it again with the recorded settings."
        )


def _lock(folder: Path) -> IO[bytes]:
    import fcntl  # POSIX only; imported late so that reading records works everywhere

    path = folder / ".lock"
    try:
        stream = path.open("wb")
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        # The kernel drops the lock with its process, however that ends: none is ever stale.
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        stream.close()
        raise RecordError(
            f"Another process is writing the run folder '{folder}'. "
            "Wait for it to end, or choose another folder."
        ) from error
    return stream


def _ranges(paths: Sequence[Path]) -> list[tuple[int, int, Path]]:
    found = []
    for path in paths:
        first, _, last = path.stem.partition("-")
        if first.isdigit() and last.isdigit():
            found.append((int(first), int(last), path))
    return sorted(found, key=lambda part: (part[0], -part[1]))


def _parts(folder: Path) -> list[Path]:
    """Return the part files in order of their trials, without those merged into another."""
    kept: list[Path] = []
    end = -1
    for _, last, path in _ranges(list((folder / "parts").glob("*.parquet"))):
        if last > end:
            kept.append(path)
            end = last
    return kept


def _read_table(folder: Path) -> "pa.Table | None":
    whole = folder / "trials.parquet"
    if whole.exists():
        return read_parquet(whole)
    parts = _parts(folder)
    end = 0
    for first, last, path in _ranges(parts):
        if first != end:
            raise RecordError(
                f"Trials {end} to {first - 1} are missing before '{path}'. Restore their file, or "
                f"delete '{path.name}' and all later parts: they are then evaluated again."
            )
        end = last + 1
    return _concatenated(parts) if parts else None


def _concatenated(parts: Sequence[Path]) -> "pa.Table":
    import pyarrow as pa

    return pa.concat_tables([read_parquet(path) for path in parts]).combine_chunks()


def _write_table(path: Path, table: "pa.Table") -> None:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    _write_bytes(path, buffer.getvalue())


def _write_bytes(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> RecordError:
    return RecordError(
        f"Cannot write '{path}': {error.strerror or error}. Free space or fix the permissions, "
        "or choose another folder; then run the same command again: it goes on where it stopped."
    )


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
