import importlib.util
import json

import pytest

from costmodel.cli import main

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
