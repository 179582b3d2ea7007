"""Write a simulation's command log in the Chrome trace event format (chrome://tracing, Perfetto).

One process per channel with a track per bank and one for the data bus, and one process with a track
per initiator for the requests. Format: "Trace Event Format", Google, 2016; times are microseconds.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simulators.dram._memory import MemorySpec
from simulators.dram._standard import COMMANDS

Columns: TypeAlias = Mapping[str, NDArray[Any]]

_REQUESTS_PID = 0
_DATA_BUS_TID = 0
_READS = (COMMANDS.index("RD"), COMMANDS.index("RDA"))
_COLUMN_COMMANDS = (*_READS, COMMANDS.index("WR"), COMMANDS.index("WRA"))
# These address the whole rank: drawn in every bank's track they would hide the rest.
_RANK_COMMANDS = tuple(
    COMMANDS.index(name)
    for name in ("PREA", "REFA", "PDEA", "PDXA", "PDEP", "PDXP", "SREFEN", "SREFEX")
)


def write_chrome_trace(
    path: str | os.PathLike[str],
    memory: MemorySpec,
    commands: Columns,
    requests: Columns | Sequence[Columns],
) -> None:
    """Write the log of one simulation.

    Args:
        path: the JSON file to write; it appears only when complete.
        memory: the simulated memory.
        commands: columns ``time_ps``, ``command`` (index), ``channel``, ``rank``, ``group``,
            ``bank`` and, if known, ``row``, ``column``, ``request``.
        requests: columns ``write``, ``address``, ``trace_time_ps``, ``send_ps``, ``accept_ps``,
            ``response_ps`` and, if known, ``initiator``; or a list of such, one per initiator.

    Raises:
        OSError: the file cannot be written.
    """
    target = Path(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    parts = [requests] if isinstance(requests, Mapping) else list(requests)
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write('{"displayTimeUnit": "ns", "traceEvents": [\n')
            separator = ""
            for event in _events(memory, commands, parts):
                file.write(separator + json.dumps(event))
                separator = ",\n"
            file.write("\n]}\n")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _events(
    memory: MemorySpec, commands: Columns, requests: Sequence[Columns]
) -> Iterator[dict[str, Any]]:
    yield from _tracks(memory, commands, requests)
    for row in _rows(commands):
        yield _command_event(memory, row)
        if row["command"] in _COLUMN_COMMANDS:
            yield _data_event(memory, row)
    for initiator, part in enumerate(requests):
        for index, row in enumerate(_rows(part)):
            yield from _request_events(row, index, int(row.get("initiator", initiator)))


def _tracks(
    memory: MemorySpec, commands: Columns, requests: Sequence[Columns]
) -> Iterator[dict[str, Any]]:
    """Name the processes and threads in the order in which a viewer shall list them."""
    yield _name("process_name", _REQUESTS_PID, 0, "requests")
    initiators = {
        int(each)
        for index, part in enumerate(requests)
        for each in np.unique(part.get("initiator", np.array([index])))
    }
    for initiator in sorted(initiators):
        yield _name("thread_name", _REQUESTS_PID, initiator, f"initiator {initiator}")
    for channel in range(memory.channels):
        pid = channel + 1
        yield _name("process_name", pid, 0, f"channel {channel}")
        yield _name("thread_name", pid, _DATA_BUS_TID, "data bus")
        for rank in range(memory.ranks):
            yield _name("thread_name", pid, _rank_tid(memory, rank), f"rank {rank}")
            for bank in range(memory.banks):
                group, in_group = divmod(bank, memory.banks // memory.bank_groups)
                label = f"rank {rank} bank {in_group}"
                if memory.bank_groups > 1:
                    label = f"rank {rank} group {group} bank {in_group}"
                yield _name("thread_name", pid, _rank_tid(memory, rank) + 1 + bank, label)


def _name(kind: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {"name": name}}


def _rank_tid(memory: MemorySpec, rank: int) -> int:
    return 1 + rank * (memory.banks + 1)


def _command_event(memory: MemorySpec, row: dict[str, int]) -> dict[str, Any]:
    command = row["command"]
    tid = _rank_tid(memory, row["rank"])
    if command not in _RANK_COMMANDS:
        tid += 1 + row["group"] * (memory.banks // memory.bank_groups) + row["bank"]
    detail = {key: row[key] for key in ("row", "column", "request") if row.get(key, -1) >= 0}
    length_ps = memory.core_config()["command_length_ps"][command]
    return _span(COMMANDS[command], row["channel"] + 1, tid, row["time_ps"], length_ps, detail)


def _data_event(memory: MemorySpec, row: dict[str, int]) -> dict[str, Any]:
    core = memory.core_config()
    read = row["command"] in _READS
    end = row["time_ps"] + core["read_strobe_end_ps" if read else "write_strobe_end_ps"]
    name = "read data" if read else "write data"
    detail = {"request": row["request"]} if row.get("request", -1) >= 0 else {}
    burst_ps = core["burst_ps"]
    return _span(name, row["channel"] + 1, _DATA_BUS_TID, end - burst_ps, burst_ps, detail)


def _request_events(row: dict[str, int], index: int, initiator: int) -> Iterator[dict[str, Any]]:
    """Show a request as an asynchronous span, since many overlap on one initiator."""
    shared = {
        "cat": "request",
        "name": f"{'write' if row['write'] else 'read'} {row['address']:#x}",
        "pid": _REQUESTS_PID,
        "tid": initiator,
        "id": f"{initiator}.{index}",
    }
    times = {key: row[key] / 1000 for key in ("trace_time_ps", "send_ps", "accept_ps")}
    detail = {key.replace("_ps", "_ns"): value for key, value in times.items()}
    yield {"ph": "b", "ts": row["send_ps"] / 1e6, "args": {"request": index, **detail}, **shared}
    yield {"ph": "e", "ts": row["response_ps"] / 1e6, **shared}


def _span(
    name: str, pid: int, tid: int, begin_ps: int, length_ps: int, detail: dict[str, Any]
) -> dict[str, Any]:
    return {
        "ph": "X",
        "name": name,
        "pid": pid,
        "tid": tid,
        "ts": begin_ps / 1e6,
        "dur": length_ps / 1e6,
        "args": detail,
    }


def _rows(columns: Columns) -> Iterator[dict[str, int]]:
    names = list(columns)
    for values in zip(*(columns[name].tolist() for name in names), strict=True):
        yield dict(zip(names, values, strict=True))
