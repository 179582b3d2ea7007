"""The comparison with Timeloop: recorded runs agree, and every falsified figure is found."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.validation import accelerator as validation
from experiments.validation.accelerator_agreement import equal
from experiments.validation.accelerator_figures import NETWORK, STORAGE, Key

SAMPLE = Path(__file__).parent / "timeloop" / "rows.jsonl"
Row = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(SAMPLE, tmp_path / "rows.jsonl")
    return tmp_path


def rows_of(folder: Path) -> list[Row]:
    lines = (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def change(folder: Path, name: str, edit: Callable[[Row], object]) -> None:
    rows = rows_of(folder)
    edit(next(row for row in rows if row["id"] == name))
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "rows.jsonl").write_text(text, encoding="utf-8")


def run(folder: Path, capsys: Any, **options: Any) -> tuple[int, str]:
    code = validation.main(folder, **options)
    return code, capsys.readouterr().out


@pytest.mark.parametrize("model", ["core", "literal"])
def test_recorded_runs_agree_in_every_figure(folder: Path, capsys: Any, model: str) -> None:
    code, text = run(folder, capsys, model=model)
    assert code == 0
    assert "6 of 6 rows agree in every figure" in text
    assert "1 rows record no mapping" in text


@pytest.mark.parametrize("statistic", [*STORAGE, *NETWORK], ids=lambda s: str(s.name))
def test_every_falsified_count_is_found(folder: Path, capsys: Any, statistic: Any) -> None:
    def falsify(row: Row) -> None:
        if statistic in STORAGE:
            place = row["levels"]["GLB"]["ds"]["Weights"]
        else:
            place = row["networks"]["GLB <==> RF"]["Weights"]
        place[statistic.column] += 1

    change(folder, "B041", falsify)
    code, text = run(folder, capsys)
    assert code == 1
    assert "5 of 6 rows agree" in text
    assert f"  GLB / Weights / {statistic.name}: ours" in text


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda row: row["summary"].update(Cycles=7), "  cycles: ours"),
        (lambda row: row.update(energy_pJ_total=7.0), "  total_energy_pj: ours"),
        (lambda row: row.update(area_um2_total=7.0), "  area_um2: ours"),
        (lambda row: row["levels"]["GLB"]["specs"].update(Cycles=7), "  GLB / level_cycles: ours"),
        (lambda row: row["levels"]["GLB"]["ds"].pop("Weights"), "reference None"),
        (
            lambda row: row["networks"]["GLB <==> RF"]["Inputs"]["ingress"].pop(),
            "  GLB / Inputs / ingress: ours",
        ),
        (lambda row: row.update(valid=False, error="no"), "  refusal: ours None, reference no"),
    ],
)
def test_other_falsified_figures_are_found(
    folder: Path, capsys: Any, edit: Callable[[Row], object], expected: str
) -> None:
    change(folder, "B041", edit)
    code, text = run(folder, capsys)
    assert code == 1
    assert expected in text


@pytest.mark.parametrize("model", ["core", "literal"])
def test_a_refused_mapping_must_be_refused_in_the_tool_s_words(
    folder: Path, capsys: Any, model: str
) -> None:
    def too_large(row: Row) -> None:
        for node in row["arch_yaml"]["architecture"]["subtree"][0]["subtree"]:
            for component in node["local"]:
                if component["name"] == "GLB":
                    component["attributes"]["depth"] = 4
        size = sum(d["Utilized capacity"] for d in row["levels"]["GLB"]["ds"].values())
        row["valid"] = False
        row["error"] = (
            f"ERROR: couldn't map level GLB: mapped tile size {size} exceeds buffer capacity 4"
        )

    change(folder, "B032", too_large)
    code, text = run(folder, capsys, model=model)
    assert code == 0, text
    change(folder, "B032", lambda row: row.update(error=row["error"] + "2"))
    code, text = run(folder, capsys, model=model)
    assert code == 1
    change(folder, "B032", lambda row: row.update(error="ERROR: of another kind"))
    code, text = run(folder, capsys, model=model)
    assert code == 1


@pytest.mark.parametrize("model", ["core", "literal"])
def test_a_mapping_that_needs_a_larger_mesh_must_be_refused(
    folder: Path, capsys: Any, model: str
) -> None:
    def too_wide(row: Row) -> None:
        row["loops"][1]["spatial"][0][2] = "X"
        row.update(valid=False, error="ERROR: mapped X expansion exceeds the mesh")

    change(folder, "B041", too_wide)
    code, text = run(folder, capsys, model=model)
    assert code == 0, text
    capacity = "ERROR: couldn't map level GLB: mapped tile size 9 exceeds buffer capacity 4"
    change(folder, "B041", lambda row: row.update(error=capacity))
    code, text = run(folder, capsys, model=model)
    assert code == 1


def test_json_lists_the_differences(folder: Path, capsys: Any) -> None:
    change(folder, "B173", lambda row: row["summary"].update(Cycles=7))
    code, text = run(folder, capsys, json_output=True)
    content = json.loads(text)
    assert code == 1
    assert (content["rows"], content["rows_equal"], content["rows_without_mapping"]) == (6, 5, 1)
    (difference,) = content["differences"]
    assert (difference["id"], difference["statistic"], difference["reference"]) == (
        "B173", "cycles", 7,
    )  # fmt: skip
    assert content["by_statistic"]["cycles"] == {"equal": 5, "total": 6}


def test_core_and_literal_model_agree_on_random_cases(capsys: Any) -> None:
    assert validation.main(random=150, seed=11) == 0
    text = capsys.readouterr().out
    assert "150 of 150 rows agree in every figure" in text
    assert {"convolution", "depthwise", "general", "grouped"} <= set(text.split())


@pytest.mark.parametrize(
    ("statistic", "ours", "reference", "terms", "same"),
    [
        ("reads", 7, 7, 1, True),
        ("reads", 7, 8, 1, False),
        ("energy_pj", 1.234, 1.23, 1, True),
        ("energy_pj", 1.236, 1.23, 1, False),
        ("energy_pj", 1.236, 1.23, 2, True),
        ("utilization", 0.3349, 0.33, 1, True),
    ],
)
def test_figures_are_compared_as_printed(
    statistic: str, ours: float, reference: float, terms: int, same: bool
) -> None:
    assert equal(Key(statistic), ours, reference, terms) is same


MISTAKES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no file": (lambda folder: (folder / "rows.jsonl").unlink(), "rows.jsonl is missing"),
    "no json": (lambda folder: (folder / "rows.jsonl").write_text("{"), "rows.jsonl:1: not JSON"),
    "no object": (lambda folder: (folder / "rows.jsonl").write_text("[]"), "not an object"),
    "no family": (lambda f: change(f, "B041", lambda row: row.pop("family")), "2: lacks family"),
    "no table": (lambda f: change(f, "B041", lambda row: row.pop("ert")), "2: lacks ert"),
    "no such dimension": (
        lambda f: change(f, "B041", lambda row: row["instance"].update(Z=1)),
        "B041",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_unusable_reference_is_explained(folder: Path, capsys: Any, mistake: str) -> None:
    spoil, message = MISTAKES[mistake]
    spoil(folder)
    assert validation.main(folder) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error


def test_either_a_reference_or_random_cases_are_needed(folder: Path, capsys: Any) -> None:
    assert validation.main() == 2
    assert validation.main(folder, random=3) == 2
    assert "either --reference DIR or --random N" in capsys.readouterr().err
