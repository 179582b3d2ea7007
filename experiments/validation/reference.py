"""A folder of reference results: controller designs, traces, figures and logs of another simulator.

Layout::

    dramsys40.csv           one run per line: design, inputs, figures, command counts
    inputs.json             {"memspecs": {file: content}, "amconfigs": {file: content}}
    traces/NAME             DRAMSys traces, as column ``trace`` names them
    logs/rowN.cmd.csv.gz    every command of run N (optional)
    logs/rowN.req.csv.gz    every request's times of run N (optional)
"""

import csv
import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.dram import AddressMapping, ControllerConfig, MemorySpec, Trace
from simulators.errors import ArchGymError

TABLE = "dramsys40.csv"
INPUTS = "inputs.json"
DESIGN = (
    "PagePolicy", "Scheduler", "SchedulerBuffer", "RequestBufferSize", "CmdMux", "RespQueue",
    "RefreshPolicy", "RefreshMaxPostponed", "RefreshMaxPulledin", "PowerDownPolicy", "Arbiter",
    "MaxActiveTransactions",
)  # fmt: skip
_INPUT_COLUMNS = ("row", "memspec", "addressmapping", "trace", "clkMhz")
_COMMAND_COLUMNS = ("time_ps", "command", "rank", "bankgroup", "bank", "row", "col", "payload_id")
_REQUEST_COLUMNS = ("rw", "addr_hex", "trace_time_ps", "send_ps", "end_req_ps", "begin_resp_ps")


class ReferenceFolderError(ArchGymError, ValueError):
    """A reference folder that is missing, incomplete or of another shape."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the reference: what was simulated, and what came out."""

    number: int
    memory: MemorySpec
    mapping: AddressMapping
    controller: ControllerConfig
    trace: Trace
    settings: Mapping[str, str]
    """The whole line of the table as text, by column."""
    figures: Mapping[str, float | None]
    """The compared columns; None where the reference has no value."""


@dataclass(frozen=True, slots=True)
class Log:
    """Every command and every request of a run, columns as in the files."""

    commands: Mapping[str, NDArray[Any]]
    requests: Mapping[str, NDArray[Any]]


class Reference:
    """The opened folder; its inputs are read once and shared by the runs.

    Raises:
        ReferenceFolderError: a file is missing, or not of the layout above.
    """

    def __init__(self, folder: Path, columns: tuple[str, ...]) -> None:
        self.folder = folder
        if not folder.is_dir():
            raise ReferenceFolderError(
                f"{folder} is not a folder. Give the folder that holds {TABLE}, {INPUTS} and "
                "traces/."
            )
        self._figures = columns
        self._inputs = self._read_inputs()
        self.rows = self._read_table((*_INPUT_COLUMNS, *DESIGN, *columns))
        self._memory = cache(lambda name: MemorySpec.from_dramsys(self._input("memspecs", name)))
        self._mapping = cache(
            lambda name: AddressMapping.from_dramsys(self._input("amconfigs", name))
        )
        self._trace = cache(self._read_trace)

    def run(self, row: Mapping[str, str]) -> Run:
        """Return the run of a line of the table.

        Raises:
            ReferenceFolderError: an input that it names is missing or wrong.
        """
        try:
            design: dict[str, Any] = {
                name: int(row[name]) if row[name].isdecimal() else row[name] for name in DESIGN
            }
            return Run(
                number=int(row["row"]),
                memory=self._memory(row["memspec"]),
                mapping=self._mapping(row["addressmapping"]),
                controller=ControllerConfig(**design),
                trace=self._trace(row["trace"], float(row["clkMhz"])),
                settings=row,
                figures={name: self._figure(row, name) for name in self._figures},
            )
        except ReferenceFolderError:
            raise
        except (ArchGymError, ValueError) as error:
            raise ReferenceFolderError(
                f"{self.folder / TABLE}, row {row['row']!r}: {error}"
            ) from None

    def log(self, number: int) -> Log | None:
        """Return the log of run ``number``, None if there is none.

        Raises:
            ReferenceFolderError: it is not of the layout above.
        """
        path = self.folder / "logs" / f"row{number}.cmd.csv.gz"
        if not path.exists():
            return None
        commands = _read_log(path, _COMMAND_COLUMNS)
        requests = _read_log(path.with_name(f"row{number}.req.csv.gz"), _REQUEST_COLUMNS)
        return Log(commands, requests)

    def _figure(self, row: Mapping[str, str], name: str) -> float | None:
        try:
            return float(row[name]) if row[name] else None
        except ValueError:
            raise ReferenceFolderError(
                f"{self.folder / TABLE}, row {row['row']}: {name} is {row[name]!r}. Allowed: a "
                "number, or nothing."
            ) from None

    def _read_inputs(self) -> dict[str, Any]:
        path = self.folder / INPUTS
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ReferenceFolderError(
                f"{path} is missing. It holds the memories and maps."
            ) from None
        except ValueError as error:
            raise ReferenceFolderError(f"{path} is not JSON: {error}.") from None
        for key in ("memspecs", "amconfigs"):
            if not isinstance(content, dict) or not isinstance(content.get(key), dict):
                raise ReferenceFolderError(f"{path} has no object {key!r} of files by name.")
        return dict(content)

    def _read_table(self, columns: tuple[str, ...]) -> list[dict[str, str]]:
        path = self.folder / TABLE
        try:
            with path.open(encoding="utf-8", newline="") as file:
                reader = csv.DictReader(file)
                names = reader.fieldnames or ()
                rows = list(reader)
        except FileNotFoundError:
            raise ReferenceFolderError(f"{path} is missing. It holds one run per line.") from None
        except (UnicodeDecodeError, csv.Error) as error:
            raise ReferenceFolderError(f"{path} is not a CSV file: {error}.") from None
        if missing := [name for name in columns if name not in names]:
            raise ReferenceFolderError(f"{path} lacks the columns {', '.join(missing)}.")
        if not rows:
            raise ReferenceFolderError(f"{path} has no row.")
        if short := [row["row"] for row in rows if None in row or None in row.values()]:
            raise ReferenceFolderError(f"{path}: row {short[0]} has too few or too many fields.")
        return rows

    def _input(self, kind: str, name: str) -> dict[str, Any]:
        if name not in self._inputs[kind]:
            known = ", ".join(self._inputs[kind])
            raise ReferenceFolderError(
                f"{self.folder / INPUTS} has no {kind} entry {name!r}. It has {known}."
            )
        return dict(self._inputs[kind][name])

    def _read_trace(self, name: str, clock_mhz: float) -> Trace:
        path = self.folder / "traces" / name
        if not path.is_file():
            raise ReferenceFolderError(f"{path} is missing. {TABLE} names it.")
        return Trace.from_stl(path, clock_mhz=clock_mhz, allow_decreasing=True)


def _read_log(path: Path, columns: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return {name: _column([row[name] for row in rows], name) for name in columns}
    except FileNotFoundError:
        raise ReferenceFolderError(
            f"{path} is missing. Logs come in pairs, .cmd and .req."
        ) from None
    except KeyError as error:
        raise ReferenceFolderError(f"{path} lacks the column {error}.") from None
    except (OSError, EOFError, zlib.error, ValueError, TypeError, csv.Error) as error:
        raise ReferenceFolderError(f"{path} cannot be read: {error}.") from None


def _column(texts: list[str], name: str) -> NDArray[Any]:
    if name in ("command", "rw"):
        return np.array(texts)
    return np.array([int(text, 16 if name == "addr_hex" else 10) for text in texts])


__all__ = ["DESIGN", "Log", "Reference", "ReferenceFolderError", "Run"]
