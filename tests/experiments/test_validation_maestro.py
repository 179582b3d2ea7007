"""The comparison with MAESTRO: five recorded runs agree, and every falsified figure is found."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from experiments.validation import maestro as validation

SAMPLE = Path(__file__).parent / "maestro" / "rows.csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(SAMPLE, tmp_path / "rows.csv")
    return tmp_path


def change(folder: Path, line: int, **values: str) -> None:
    path = folder / "rows.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert set(values) <= set(rows[line])
    rows[line] |= values
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def run(folder: Path, capsys: Any, **options: Any) -> tuple[int, str]:
    code = validation.main(folder, **options)
    return code, capsys.readouterr().out


def test_recorded_runs_agree_in_every_column(folder: Path, capsys: Any) -> None:
    code, text = run(folder, capsys)
    assert code == 0
    assert "5 of 5 rows agree in every column" in text
    assert [line.split()[-3:] for line in text.splitlines() if line.startswith("Runtime")] == [
        ["5", "5", "100.00"]
    ]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Runtime (Cycles)", "1"),
        ("Num MACs", "3"),
        ("Area", "4.72635e+03"),
        ("output l2 write", "9"),
        ("Compute Delay (Min)", "123456"),
        ("Activity count-based Energy (nJ)", "0.5"),
    ],
)
def test_a_falsified_figure_is_found(folder: Path, capsys: Any, column: str, value: str) -> None:
    change(folder, 2, **{column: value})
    code, text = run(folder, capsys)
    assert code == 1
    assert "4 of 5 rows agree" in text
    assert "rows.csv:4" in text
    assert f"reference {value}" in text


def test_energy_with_another_layers_accesses_is_left_out(folder: Path, capsys: Any) -> None:
    change(folder, 0, **{"Activity count-based Energy (nJ)": "1e9"})
    code, text = run(folder, capsys)
    assert code == 0
    assert "rows with clusters" in text


def test_json_lists_the_differences(folder: Path, capsys: Any) -> None:
    change(folder, 1, **{"L1 SRAM Size Req (Bytes)": "7777"})
    code, text = run(folder, capsys, json_output=True)
    content = json.loads(text)
    assert code == 1
    assert (content["rows"], content["rows_equal"]) == (5, 4)
    (difference,) = content["differences"]
    assert difference["row"] == "rows.csv:3"
    assert difference["column"] == "L1 SRAM Size Req (Bytes)"
    assert content["by_column"]["Num MACs"] == {"equal": 5, "total": 5}


@pytest.mark.parametrize(
    ("ours", "reference", "same"),
    [
        (1234567, "1234567", True),
        (1234568, "1234567", False),
        (1234567.4, "1.23457e+06", True),
        (1234575.1, "1.23457e+06", False),
        (0.333333333, "0.333333", True),
        (0.333334, "0.333333", False),
        (0.0, "0", True),
        (1e-9, "0", True),
        (101, "100", False),
    ],
)
def test_figures_are_compared_as_printed(ours: float, reference: str, same: bool) -> None:
    assert validation.equal(ours, reference) is same


def test_an_unusable_reference_is_explained(folder: Path, capsys: Any) -> None:
    assert validation.main(folder / "none") == 2
    assert "holds no CSV file" in capsys.readouterr().err
    change(folder, 0, dataflow="Spatial(1,1) K")
    assert validation.main(folder) == 2
    assert "error: rows.csv:2: " in capsys.readouterr().err
    (folder / "rows.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert validation.main(folder) == 2
    assert "lacks the columns source, layer" in capsys.readouterr().err
