import importlib.util
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from costmodel.cli import main
from costmodel.models._predictions import Estimate
from costmodel.models._target import Target

MATMUL = """\
func.func @f(%a: tensor<16x24xf32>, %b: tensor<24x32xf32>) -> tensor<16x32xf32> {
  %c = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0]
       : (tensor<16x24xf32>, tensor<24x32xf32>) -> tensor<16x32xf32>
  return %c : tensor<16x32xf32>
}
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "matmul.mlir"
    path.write_text(MATMUL)
    return path


def test_json_gives_value_unit_and_whether_it_was_measured(program, capsys):
    assert main(["label", str(program), "--targets", "xpu-simba", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)[str(program)]["labels"]
    assert set(found) == {"xpu-simba/cycles", "xpu-simba/energy", "xpu-simba/utilization"}
    assert found["xpu-simba/cycles"]["unit"] == "cycles"
    assert found["xpu-simba/cycles"]["measured"] is False


def test_a_table_shows_the_labels(program, capsys):
    assert main(["label", str(program), "--targets", "xpu-edge/energy"]) == 0
    assert "xpu-edge/energy" in capsys.readouterr().out


def test_a_missing_label_is_told_and_gives_exit_code_1(tmp_path, capsys):
    path = tmp_path / "copy.mlir"
    path.write_text(
        "func.func @f(%a: tensor<4xf32>) -> tensor<4xf32> { return %a : tensor<4xf32> }"
    )
    assert main(["label", str(path), "--targets", "xpu-edge"]) == 1
    assert "no label from xpu-edge: no contraction" in capsys.readouterr().out


class _Guess:
    """A model that knows one target and always says the same."""

    targets = (Target(name="xpu-simba/cycles"), Target(name="x86-64-znver4/spills"))

    def predict(self, texts, names):
        assert list(texts) == [MATMUL]
        return [{name: Estimate(value=41.0, lower=40.0, upper=42.5, ood=0.0) for name in names}]


def test_a_prediction_stands_beside_each_label_that_the_model_knows(program, capsys, monkeypatch):
    monkeypatch.setattr("costmodel.models.load_model", lambda name: _Guess())
    arguments = ["label", str(program), "--targets", "xpu-simba", "--compare"]
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)[str(program)]["labels"]
    assert found["xpu-simba/cycles"]["predicted"] == {"value": 41.0, "lower": 40.0, "upper": 42.5}
    assert found["xpu-simba/cycles"]["value"] > 0
    assert "predicted" not in found["xpu-simba/energy"]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if "xpu-simba/cycles" in line).split()[-3:] == [
        "41",
        "40",
        "42.5",
    ]
    assert next(line for line in lines if "xpu-simba/energy" in line).split()[-3:] == ["-"] * 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no operation"),
        ("this is { no MLIR", "line 1"),
        ("func.func @f(%a: tensor<4x", ""),
        ("\x00\x01" * 100, ""),
    ],
)
def test_nonsense_is_a_missing_label_with_a_reason_and_no_crash(tmp_path, capsys, text, reason):
    path = tmp_path / "nonsense.mlir"
    path.write_text(text)
    assert main(["label", str(path), "--targets", "xpu-simba", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)[str(path)]
    assert found["labels"] == {}
    (failure,) = found["failures"].values()
    assert failure["reason"]
    assert reason in failure["reason"]


@pytest.mark.parametrize("name", ["", "missing.mlir"])
def test_no_file_is_told(tmp_path, capsys, name):
    assert main(["label", *([str(tmp_path / name)] if name else [])]) == 2
    assert capsys.readouterr().err.startswith("costmodel: ")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--targets", "xpu-simbo"], "Did you mean 'xpu-simba'?"),
        (["--targets", "xpu-simba", "--limit-s", "0"], "--limit-s 0 is not positive"),
    ],
)
def test_wrong_options_are_told_with_the_fix(program, capsys, arguments, complaint):
    assert main(["label", str(program), *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_text_that_is_not_utf_8_is_refused(tmp_path, capsys):
    path = tmp_path / "binary.mlir"
    path.write_bytes(b"ML\xefR\x00\xff")
    assert main(["label", str(path), "--targets", "xpu-simba"]) == 2
    assert "not UTF-8 text" in capsys.readouterr().err


def test_without_compilers_the_message_says_what_to_install(program, capsys):
    if importlib.util.find_spec("mlir") is not None:
        pytest.skip("the compilers are installed")
    assert main(["label", str(program), "--targets", "analytic"]) == 1
    assert "pip install 'archgym[corpus]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["build", "--size", "0"], "size 0 is not positive"),
        (["build", "--size", "3", "--workers", "0"], "--workers 0 is not positive"),
        (["build", "--size", "3", "--targets", "x86"], "No target or device is called 'x86'"),
    ],
)
def test_a_corpus_that_cannot_be_is_refused_before_anything_is_built(
    tmp_path, capsys, arguments, complaint
):
    assert main(["corpus", *arguments, "--out", str(tmp_path / "out")]) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_corpus_is_extended_with_accelerators_and_needs_no_compiler_for_that(tmp_path, capsys):
    row = {
        "id": "a",
        "program": "a",
        "view": "high",
        "schedule": "[]",
        "text": MATMUL,
    }
    path = tmp_path / "programs.parquet"
    pq.write_table(pa.Table.from_pylist([row, {**row, "id": "b", "view": "low"}]), path)
    arguments = ["corpus", "extend", "--out", str(tmp_path), "--targets", "xpu-simba"]
    assert main(arguments) == 0
    first, second = pq.read_table(path).column("xpu-simba/cycles").to_pylist()
    assert first == second > 0
    log = next((tmp_path / "extra").iterdir())
    lines = log.read_bytes()
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == str(path)
    assert log.read_bytes() == lines  # nothing is computed twice
