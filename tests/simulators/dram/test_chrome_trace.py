import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulators.dram import MemorySpec
from simulators.dram._chrome_trace import write_chrome_trace
from simulators.dram._standard import COMMANDS

DDR4 = MemorySpec.preset("DDR4-2400")
TCK_PS = 833


def commands(*rows: tuple[int, str, int, int, int]) -> dict[str, np.ndarray[Any, Any]]:
    """Columns of (time in cycles, command, rank, group, bank)."""
    times, names, ranks, groups, banks = zip(*rows, strict=True)
    return {
        "time_ps": np.array(times) * TCK_PS,
        "command": np.array([COMMANDS.index(name) for name in names], np.uint8),
        "channel": np.zeros(len(rows), np.int16),
        "rank": np.array(ranks, np.int16),
        "group": np.array(groups, np.int16),
        "bank": np.array(banks, np.int16),
        "row": np.array([7 if name == "ACT" else -1 for name in names]),
        "request": np.arange(len(rows)),
    }


def requests(count: int = 1) -> dict[str, np.ndarray[Any, Any]]:
    base = np.arange(count, dtype=np.int64) * 1000
    return {
        "write": np.arange(count) % 2 == 1,
        "address": np.arange(count, dtype=np.uint64) * 64,
        "trace_time_ps": base,
        "send_ps": base + 100,
        "accept_ps": base + 200,
        "response_ps": base + 50_000,
    }


def events(path: Path, *arguments: Any) -> list[dict[str, Any]]:
    write_chrome_trace(path, *arguments)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["displayTimeUnit"] == "ns"
    listed: list[dict[str, Any]] = content["traceEvents"]
    return listed


def track_names(listed: list[dict[str, Any]]) -> dict[tuple[int, int], str]:
    return {
        (event["pid"], event["tid"]): event["args"]["name"]
        for event in listed
        if event["name"] == "thread_name"
    }


def test_every_bank_the_data_bus_and_every_initiator_have_a_track(tmp_path: Path) -> None:
    listed = events(tmp_path / "t.json", DDR4, commands((0, "ACT", 0, 2, 3)), [requests()] * 2)
    names = list(track_names(listed).values())
    assert len(names) == len(set(names)) == 2 + 1 + 1 + 16
    assert {"initiator 0", "initiator 1", "data bus", "rank 0"} <= set(names)
    assert "rank 0 group 2 bank 3" in names


def test_a_command_is_a_span_on_its_banks_track(tmp_path: Path) -> None:
    log = commands((0, "ACT", 0, 2, 3), (16, "RD", 0, 2, 3), (60, "PREA", 0, 0, 0))
    listed = events(tmp_path / "t.json", DDR4, log, requests())
    names = track_names(listed)
    spans = {
        (names[event["pid"], event["tid"]], event["name"]): (event["ts"], event["dur"])
        for event in listed
        if event["ph"] == "X"
    }
    cycle_us = TCK_PS / 1e6
    assert spans == {
        ("rank 0 group 2 bank 3", "ACT"): (0, cycle_us),
        ("rank 0 group 2 bank 3", "RD"): (pytest.approx(16 * cycle_us), cycle_us),
        ("data bus", "read data"): (
            pytest.approx((16 + 16) * cycle_us),
            pytest.approx(4 * cycle_us),
        ),
        ("rank 0", "PREA"): (pytest.approx(60 * cycle_us), cycle_us),
    }
    activate = next(event for event in listed if event["name"] == "ACT")
    assert activate["args"] == {"row": 7, "request": 0}


def test_a_request_spans_from_sending_to_response(tmp_path: Path) -> None:
    listed = events(tmp_path / "t.json", DDR4, commands((0, "ACT", 0, 0, 0)), requests(3))
    begins = [event for event in listed if event["ph"] == "b"]
    ends = {event["id"]: event for event in listed if event["ph"] == "e"}
    assert [event["name"] for event in begins] == ["read 0x0", "write 0x40", "read 0x80"]
    assert len(ends) == len(begins)
    for index, event in enumerate(begins):
        assert event["ts"] == pytest.approx((index * 1000 + 100) / 1e6)
        assert ends[event["id"]]["ts"] == pytest.approx((index * 1000 + 50_000) / 1e6)
        assert event["args"]["accept_ns"] == pytest.approx(index + 0.2)


def test_nothing_is_left_behind_when_the_log_is_inconsistent(tmp_path: Path) -> None:
    log = commands((0, "ACT", 0, 0, 0))
    log["rank"] = np.zeros(2, np.int16)
    with pytest.raises(ValueError, match="zip"):
        write_chrome_trace(tmp_path / "t.json", DDR4, log, requests())
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file or directory"):
        write_chrome_trace(tmp_path / "none" / "t.json", DDR4, commands((0, "ACT", 0, 0, 0)), [])
