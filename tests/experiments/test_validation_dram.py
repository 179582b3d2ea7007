"""The validation script agrees with our own figures, and sees each one that is falsified."""

import csv
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.validation import dram as validation
from experiments.validation.agreement import QUANTITIES
from experiments.validation.reference import DESIGN
from simulators.dram import AddressMapping, ControllerConfig, MemorySpec, Metrics, Trace, simulate
from simulators.dram._standard import COMMANDS

DESIGNS = {
    0: {},
    7: {"Arbiter": "Fifo", "PagePolicy": "Closed", "RefreshPolicy": "NoRefresh"},
    12: {"Arbiter": "Reorder", "PowerDownPolicy": "Staggered"},
}
MEMORIES = {"ddr3.json": "DDR3-1600", "lpddr4.json": "LPDDR4-3200"}
LOGGED = 12
Rows = dict[int, dict[str, str]]


def trace() -> Trace:
    rng = np.random.default_rng(5)
    times = np.cumsum(rng.integers(0, 40, size=60))
    addresses = rng.integers(1 << 14, size=60) * 64
    return Trace.from_arrays(times, addresses, rng.random(60) < 0.4, clock_mhz=800)


def figures(metrics: Metrics) -> dict[str, str]:
    """Print the figures as the reference does."""
    row = {}
    for quantity in QUANTITIES:
        value = quantity.value(metrics)
        row[quantity.column] = "" if value is None else f"{value:.{quantity.decimals}f}"
    return row


def write_logs(folder: Path, number: int, memory: MemorySpec, metrics: Metrics) -> None:
    log = metrics.command_log
    assert log is not None
    assert metrics.request_log is not None
    group = log["rank"] * memory.bank_groups + log["group"]
    bank = group * (memory.banks // memory.bank_groups) + log["bank"]
    columns = (
        log["time_ps"], np.array(COMMANDS)[log["command"]], log["rank"], group, bank,
        log["row"].clip(0), log["column"].clip(0), log["request"] + 1,
    )  # fmt: skip
    header = "time_ps,command,rank,bankgroup,bank,row,col,payload_id"
    lines = [header, *(",".join(map(str, row)) for row in zip(*columns, strict=True))]
    write_gzip(folder / f"row{number}.cmd.csv.gz", lines)
    (requests,) = metrics.request_log
    times = ("trace_time_ps", "send_ps", "accept_ps", "response_ps")
    order = np.argsort(requests["response_ps"])
    kinds = np.where(requests["write"], "W", "R")
    lines = ["index,rw,addr_hex,trace_time_ps,send_ps,end_req_ps,begin_resp_ps"]
    for index in order:
        stamps = ",".join(str(requests[name][index]) for name in times)
        lines.append(f"{index},{kinds[index]},{requests['address'][index]:x},{stamps}")
    write_gzip(folder / f"row{number}.req.csv.gz", lines)


def write_gzip(path: Path, lines: list[str]) -> None:
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))


def write_table(folder: Path, rows: Rows) -> None:
    with (folder / "dramsys40.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, next(iter(rows.values())))
        writer.writeheader()
        writer.writerows(rows.values())


@pytest.fixture
def reference(tmp_path: Path) -> tuple[Path, Rows]:
    """A reference folder of our own figures, and its table's rows by number."""
    for name in ("traces", "logs"):
        (tmp_path / name).mkdir()
    trace().to_stl(tmp_path / "traces" / "small.stl")
    memories = {file: MemorySpec.preset(name) for file, name in MEMORIES.items()}
    maps = {f: AddressMapping.preset(m, "row-bank-column") for f, m in memories.items()}
    inputs = {
        "memspecs": {file: memory.to_dramsys() for file, memory in memories.items()},
        "amconfigs": {file: mapping.to_dramsys() for file, mapping in maps.items()},
    }
    (tmp_path / "inputs.json").write_text(json.dumps(inputs))
    rows: Rows = {}
    for number, changes in DESIGNS.items():
        file = "lpddr4.json" if number == 7 else "ddr3.json"
        controller = ControllerConfig(**changes)  # type: ignore[arg-type]
        metrics = simulate(memories[file], maps[file], controller, trace(), log=True)
        design = controller.to_dramsys()["mcconfig"]
        named = {"row": number, "memspec": file, "addressmapping": file, "trace": "small.stl"}
        chosen = {name: design[name] for name in DESIGN}
        texts = {name: str(value) for name, value in (named | {"clkMhz": 800} | chosen).items()}
        rows[number] = texts | figures(metrics)
        if number == LOGGED:
            write_logs(tmp_path / "logs", number, memories[file], metrics)
    write_table(tmp_path, rows)
    return tmp_path, rows


def run(folder: Path, capsys: Any, **options: Any) -> tuple[int, str]:
    code = validation.main(folder, **options)
    return code, capsys.readouterr().out


def test_our_own_figures_agree(reference: tuple[Path, Rows], capsys: Any) -> None:
    code, text = run(reference[0], capsys)
    assert code == 0
    assert "3 of 3 rows agree in every figure" in text
    assert "differ" not in text


def test_rounding_and_breakdowns_are_printed(reference: tuple[Path, Rows], capsys: Any) -> None:
    _, text = run(reference[0], capsys, jobs=2)
    assert "rounds to what the reference prints" in text
    for title in ("memspec", "Arbiter", "RefreshPolicy", "PowerDownPolicy", "Staggered", "lpddr4"):
        assert title in text
    # LPDDR4 has no energy: two rows only.
    assert [line.split()[1:3] for line in text.splitlines() if line.startswith("energy")] == [
        ["2", "2"]
    ]


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: str(quantity.name))
def test_every_falsified_figure_is_found(
    reference: tuple[Path, Rows], capsys: Any, quantity: Any
) -> None:
    folder, rows = reference
    unit = 10.0**-quantity.decimals
    wrong = float(rows[12][quantity.column]) + unit
    rows[12][quantity.column] = f"{wrong:.{quantity.decimals}f}"
    write_table(folder, rows)
    code, text = run(folder, capsys)
    assert code == 1
    assert "2 of 3 rows agree" in text
    assert "row 12 " in text
    assert f"  {quantity.name}: ours" in text


def falsify(path: Path, change: Callable[[list[str]], None]) -> None:
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    change(lines)
    write_gzip(path, lines)


def one_picosecond_later(lines: list[str], column: int) -> None:
    fields = lines[20].split(",")
    fields[column] = str(int(fields[column]) + 1)
    lines[20] = ",".join(fields)


@pytest.mark.parametrize(
    ("kind", "change", "expected"),
    [
        ("cmd", lambda lines: one_picosecond_later(lines, 0), "command times (log)"),
        ("cmd", lambda lines: lines.pop(), "command times (log)"),
        ("req", lambda lines: one_picosecond_later(lines, 5), "request times (log)"),
        ("req", lambda lines: lines.pop(), "request times (log)"),
    ],
    ids=["command-later", "command-missing", "acceptance-later", "request-missing"],
)
def test_a_falsified_log_is_found(
    reference: tuple[Path, Rows], capsys: Any, kind: str, change: Any, expected: str
) -> None:
    falsify(reference[0] / "logs" / f"row{LOGGED}.{kind}.csv.gz", change)
    code, text = run(reference[0], capsys)
    assert code == 1
    assert f"  {expected}: ours" in text


def test_json_lists_the_differences(reference: tuple[Path, Rows], capsys: Any) -> None:
    folder, rows = reference
    rows[7]["n_ACT"] = "3"
    write_table(folder, rows)
    code, text = run(folder, capsys, json_output=True)
    result = json.loads(text)
    assert code == 1
    assert (result["rows"], result["rows_equal"]) == (3, 2)
    (difference,) = result["differences"]
    assert (difference["row"], difference["quantity"]) == (7, "ACT count")
    assert difference["reference"] == 3
    assert result["by_quantity"]["ACT count"]["equal"] == 2
    assert result["by"]["Arbiter"]["Fifo"] == {
        "equal": 0, "total": 1, "worst_relative_error": 0.0,
    }  # fmt: skip


def spoil_table(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "dramsys40.csv").write_text(text) and None


def change_row(**values: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "dramsys40.csv"
        rows = list(csv.DictReader(path.read_text().splitlines()))
        rows[0] |= values
        write_table(folder, dict(enumerate(rows)))

    return change


MISTAKES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no table": (lambda folder: (folder / "dramsys40.csv").unlink(), "dramsys40.csv is missing"),
    "empty table": (spoil_table(""), "lacks the columns"),
    "other table": (spoil_table("a,b\n1,2\n"), "lacks the columns row, memspec"),
    "binary table": (
        lambda folder: (folder / "dramsys40.csv").write_bytes(b"\xff\xfe\x00"),
        "not a CSV file",
    ),
    "no inputs": (lambda folder: (folder / "inputs.json").unlink(), "inputs.json is missing"),
    "broken inputs": (lambda folder: (folder / "inputs.json").write_text("{"), "is not JSON"),
    "other inputs": (lambda folder: (folder / "inputs.json").write_text("[]"), "no object"),
    "unknown memory": (change_row(memspec="x.json"), "no memspecs entry 'x.json'"),
    "unknown map": (change_row(addressmapping="x.json"), "no amconfigs entry 'x.json'"),
    "unknown trace": (change_row(trace="x.stl"), "x.stl is missing"),
    "unknown policy": (change_row(PagePolicy="Opne"), "row '0'.*Did you mean 'Open'"),
    "clock in words": (change_row(clkMhz="fast"), "row '0'"),
    "figure in words": (change_row(time_ns="soon"), "row 0.*time_ns.*'soon'"),
    "map of another memory": (change_row(addressmapping="lpddr4.json"), "address map"),
    "one log without the other": (
        lambda folder: (folder / "logs" / "row12.req.csv.gz").unlink(),
        "row12.req.csv.gz is missing",
    ),
    "truncated log": (
        lambda folder: (folder / "logs" / "row12.cmd.csv.gz").write_bytes(b"\x1f\x8b\x08"),
        "cannot be read",
    ),
    "log of another kind": (
        lambda folder: write_gzip(folder / "logs" / "row12.cmd.csv.gz", ["a,b", "1,2"]),
        "lacks the column",
    ),
    "log in words": (
        lambda folder: falsify(
            folder / "logs" / "row12.cmd.csv.gz",
            lambda lines: lines.append("soon,ACT,0,0,0,0,0,1"),
        ),
        "row12.cmd.csv.gz cannot be read.*'soon'",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_unusable_reference_is_explained(
    reference: tuple[Path, Rows], capsys: Any, mistake: str
) -> None:
    spoil, message = MISTAKES[mistake]
    spoil(reference[0])
    assert validation.main(reference[0]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert re.search(message, error), error


def test_a_missing_folder_is_explained(tmp_path: Path, capsys: Any) -> None:
    assert validation.main(tmp_path / "none") == 2
    assert "is not a folder" in capsys.readouterr().err
