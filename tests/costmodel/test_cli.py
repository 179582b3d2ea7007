"""The command line: its verbs, its JSON, its exit codes and what it says of bad input."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from costmodel.cli import main
from costmodel.models import SHIPPED, make_model
from costmodel.predict import CostModel
from costmodel.testing import (
    FLOPS,
    REGISTERS,
    axpy_vector,
    matmul_affine,
    relu_generic,
    sample_dataset,
)

VERBS = ("predict", "rank", "label", "train", "evaluate", "adapt", "corpus")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    dataset = sample_dataset(120)
    path = tmp_path_factory.mktemp("cli") / "programs.parquet"
    pd.DataFrame({"text": dataset.texts, **dataset.labels, **dataset.columns}).to_parquet(path)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    made = make_model("roofline").fit(sample_dataset(120), [FLOPS, REGISTERS])
    return made.save_pretrained(tmp_path_factory.mktemp("cli") / "model")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "small.mlir").write_text(matmul_affine(4, 4, 4))
    (folder / "large.mlir").write_text(matmul_affine(16, 16, 64))
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run the command line; return exit code, standard output and standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        written = capsys.readouterr()
        return code, written.out, written.err

    return call


@pytest.mark.parametrize("verb", [(), *((verb,) for verb in VERBS)])
def test_every_verb_has_help(run, verb: tuple[str, ...]):
    code, out, _ = run(*verb, "--help")
    assert code == 0
    assert f"usage: costmodel {' '.join(verb)}".strip() in out


def test_building_a_corpus_has_options_of_its_own(run):
    code, out, _ = run("corpus", "build", "--help")
    assert code == 0
    assert "--size" in out
    assert run("corpus", "build", "--size", "many")[0] == 2
    assert run("corpus", "--json", "build")[0] == 2


def test_version_is_printed(run):
    code, out, _ = run("--version")
    assert (code, out.split()[0]) == (0, "costmodel")


def test_help_loads_no_heavy_library():
    code = "import sys; from costmodel.cli import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    heavy = {"pandas", "pyarrow", "plotly", "scipy", "torch", "sklearn", "lightgbm", "transformers"}
    assert not loaded & heavy


def test_predicting_needs_no_library_of_training(model, programs):
    code = (
        "import sys; from costmodel.cli import main\n"
        f"main(['predict', {str(programs)!r}, '--model', {str(model)!r}])\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    heavy = {"pandas", "pyarrow", "scipy", "torch", "sklearn", "lightgbm", "llvmlite", "mlir"}
    assert not loaded & heavy
    assert "small.mlir" in done.stdout


def test_the_shipped_model_predicts_and_ranks_without_more_than_the_core(programs):
    code = (
        "import sys; from costmodel.cli import main\n"
        f"assert main(['predict', {str(programs)!r}, '--target', 'x86-64-znver4']) == 0\n"
        f"assert main(['rank', {str(programs)!r}]) == 0\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    allowed = {"costmodel", "simulators", "numpy", "rich", "tyro"}
    assert allowed <= loaded
    heavy = {"torch", "sklearn", "lightgbm", "transformers", "llvmlite", "mlir", "jax", "scipy"}
    assert not loaded & heavy
    assert "x86-64-znver4/spills" in done.stdout
    assert done.stdout.index("small.mlir", done.stdout.index("mca_cycles")) > 0


def test_the_shipped_model_is_small_and_knows_all_devices():
    folder = SHIPPED / "fast"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2_000_000
    model = CostModel.from_pretrained("fast")
    devices = {target.device.split("-")[0] for target in model.targets}
    assert devices == {"x86", "aarch64", "nvidia", "amd", "xpu", "analytic"}
    small, large = matmul_affine(4, 4, 4), matmul_affine(32, 64, 64)
    assert model.rank([large, small], "x86-64-znver4/executed_instructions") == [1, 0]
    assert not any("/" in str(path) for path in (folder / "train.json").read_text().split('"'))


def test_predict_gives_value_interval_and_unit(run, model, programs):
    code, out, err = run("predict", programs / "small.mlir", "--model", model, "--json")
    assert (code, err) == (0, "")
    (found,) = json.loads(out).values()
    assert set(found) == {"ood", "out_of_distribution", "warning", "predictions"}
    one = found["predictions"][FLOPS]
    assert one["lower"] <= one["value"] <= one["upper"]
    assert one["unit"] == "operations"
    code, out, _ = run("predict", programs / "small.mlir", "--model", model)
    assert FLOPS in out


def test_predict_reads_files_folders_and_standard_input(run, model, programs, monkeypatch):
    text = io.BytesIO(relu_generic().encode())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=text))
    code, out, _ = run("predict", programs, "-", "--model", model, "--json")
    assert code == 0
    assert [Path(name).name for name in json.loads(out)] == ["large.mlir", "small.mlir", "-"]


def test_predict_takes_targets_and_devices(run, model, programs):
    code, out, _ = run("predict", programs, "--model", model, "--target", "test-cpu", "--json")
    assert code == 0
    assert all(list(one["predictions"]) == [REGISTERS] for one in json.loads(out).values())


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (b"", "empty"),
        (os.urandom(3000), "not UTF-8"),
        (b"module {\n" * 2000, "braces"),
        (b"}}}\n", "braces"),
        (b"word " * 200_000, "unknown"),
        (b"%0 = new.op %a : !new.type\n" * 9, "unknown"),
        (b"arith.addf %a, %b : f32\n" * 400_000, "first 8 MiB"),
        (
            b"%0 = arith.addf %a, %b : tensor<2x?x?xf32>\n",
            "2 sizes are dynamic (?)",
        ),
        (b"%0 = arith.addf %a, %b : tensor<2x0xf32>\n", "without elements"),
        (b"%0 = arith.constant dense<0x7F800000> : tensor<2x10xf32>\n", None),
    ],
    ids=["empty", "binary", "open", "closed", "line", "dialect", "long", "dynamic", "zero", "hex"],
)
def test_any_text_is_predicted_with_a_warning(run, model, tmp_path, text, warning):
    file = tmp_path / "x.mlir"
    file.write_bytes(text)
    code, out, err = run("predict", file, "--model", model, "--json")
    assert code == 0
    (found,) = json.loads(out).values()
    if text in (b"", b"word " * 200_000):
        assert found["out_of_distribution"]
    if warning is None:
        assert (found["warning"], err) == (None, "")
    else:
        assert warning in found["warning"]
        assert f"'{file}': {found['warning']}" in err


def test_rank_orders_by_predicted_cost(run, model, programs):
    code, out, _ = run("rank", programs, "--target", FLOPS, "--model", model, "--json")
    assert code == 0
    order = [Path(one["program"]).name for one in json.loads(out)["order"]]
    assert order == ["small.mlir", "large.mlir"]
    code, out, _ = run("rank", programs, "--target", FLOPS, "--model", model)
    assert out.index("small.mlir") < out.index("large.mlir")


def test_rank_says_what_is_no_program(run, model, programs):
    (programs / "empty.mlir").write_text("")
    code, _, err = run("rank", programs, "--target", FLOPS, "--model", model)
    assert code == 0
    assert "empty.mlir': read as plain text, as it is empty." in err


def test_ranking_by_a_device_asks_for_one_of_its_targets(run, model, programs):
    code, _, err = run("rank", programs, "--target", "analytic", "--model", "fast")
    assert (code, "'analytic' is a device" in err) == (2, True)
    code, out, _ = run("rank", programs, "--model", model, "--json")
    assert (code, json.loads(out)["target"]) == (0, FLOPS)  # what the model knows first


def test_rank_tells_what_its_order_is_worth(run, model, data):
    code, out, _ = run("rank", "--regret", data, "--target", FLOPS, "--model", model, "--json")
    assert code == 0
    scores = json.loads(out)["scores"]
    assert scores[str(model)]["top1_regret_pct"] < scores["random order"]["top1_regret_pct"]


def test_train_predict_and_adapt_work_together(run, data, tmp_path, programs):
    out = tmp_path / "trained"
    code, text, _ = run("train", "--data", data, "--out", out, "--model", "roofline", "--json")
    assert code == 0
    assert json.loads(text)["metrics"]["test"][FLOPS]["spearman"] > 0.8
    few = tmp_path / "few.parquet"
    dataset = sample_dataset(30, seed=9)
    frame = pd.DataFrame({"text": dataset.texts, "new/depth": dataset.labels[REGISTERS]})
    frame.to_parquet(few)
    code, _, _ = run("adapt", "--from", out, "--data", few, "--out", tmp_path / "adapted")
    assert code == 0
    code, text, _ = run("predict", programs, "--model", tmp_path / "adapted", "--json")
    assert code == 0
    assert "new/depth" in text


def test_evaluate_writes_a_table(run, data, tmp_path):
    arguments = ["--data", data, "--out", tmp_path / "e", "--models", "roofline", "--repeats", 0]
    code, out, err = run("evaluate", *arguments, "--splits", "random")
    assert code == 0
    assert "rmse_range_pct, split random" in out
    assert "roofline, split random" in err
    assert (tmp_path / "e" / "table.md").is_file()


# ------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("predict",), "No file is given"),
        (("predict", "nothing.mlir"), "No such file"),
        (("predict", "{folder}"), "no .mlir file"),
        (("predict", "x", "--model", "{folder}"), "is no model"),
        (("predict", "x", "--model", "fats"), "There is no model"),
        (("predict", "x", "--target", "a/b"), "has not learnt 'a/b'"),
        (("rank", "x", "--target", "a/b"), "has not learnt 'a/b'"),
        (("rank", "x", "--target", FLOPS, "--regret", "y"), "not both"),
        (("train", "--data", "nothing", "--out", "{folder}"), "does not exist"),
        (("adapt", "--data", "nothing", "--out", "{folder}"), "does not exist"),
        (("evaluate", "--data", "nothing", "--out", "{folder}"), "does not exist"),
        (("train", "--data", "x"), ""),
        (("fly",), ""),
        ((), ""),
    ],
)
def test_bad_input_is_told_without_a_traceback(run, model, tmp_path, arguments, message):
    filled = [str(one).replace("{folder}", str(tmp_path)) for one in arguments]
    if filled and filled[0] in ("predict", "rank") and "--model" not in filled:
        filled += ["--model", str(model)]
    if filled and filled[0] == "adapt":
        filled += ["--from", str(model)]
    code, out, err = run(*filled)
    assert code == 2
    assert message in err
    assert "Traceback" not in out + err


@pytest.mark.parametrize("value", [np.inf, -1.0])
def test_labels_that_cannot_be_are_told(run, tmp_path, value):
    file = tmp_path / "bad.parquet"
    pd.DataFrame({"text": ["a"] * 20, "cpu/x": [value] * 20}).to_parquet(file)
    code, _, err = run("train", "--data", file, "--out", tmp_path / "m", "--model", "roofline")
    assert code == 2
    assert "Label 'cpu/x' of row 0" in err


def test_an_interrupt_ends_with_130(run, model, programs, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("costmodel._cli.predict.read_texts", interrupt)
    assert run("predict", programs, "--model", model)[0] == 130


def test_a_program_of_vectors_is_told_to_be_out_of_distribution(run, tmp_path):
    dataset = sample_dataset(200)
    known = dataset.take(dataset.columns["family"] != "vector")
    folder = make_model("roofline").fit(known, [FLOPS]).save_pretrained(tmp_path / "m")
    (tmp_path / "v.mlir").write_text(axpy_vector())
    code, out, _ = run("predict", tmp_path / "v.mlir", "--model", folder)
    assert code == 0
    assert "out of distribution" in out
