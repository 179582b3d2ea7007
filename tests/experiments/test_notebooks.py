"""The notebooks run from the first cell to the last, with a small budget."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import experiments.notebooks
from simulators.accelerator import Layer

FOLDER = Path(experiments.notebooks.__file__).parent
NOTEBOOKS = sorted(path for path in FOLDER.glob("*.py") if path.name != "__init__.py")


@pytest.fixture(autouse=True)
def _small_budget(monkeypatch):
    monkeypatch.setenv("ARCHGYM_NOTEBOOK_BUDGET", "4")
    monkeypatch.setenv("ARCHGYM_NOTEBOOK_MAPPINGS", "50")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_in_percent_format_and_starts_with_its_title(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ---\n# jupyter:\n")
    cells = text.split("\n# %%")[1:]
    assert cells[0].startswith(" [markdown]\n# # ")
    assert not any(cell.startswith(" [markdown]") and "\nimport " in cell for cell in cells)
    assert len(cells) >= 5


def test_the_model_to_accelerator_notebook_finds_an_accelerator(capsys):
    found = runpy.run_path(str(FOLDER / "model_to_accelerator.py"))
    assert found["layers"].macs == sum(layer.macs for layer in Layer.network("resnet18"))
    assert found["best"].feasible
    assert found["best"].reward == max(found["trials"]["reward"])
    assert set(found["trials"]["agent"]) == {"random_walk", "genetic"}
    chart = found["charts"](found["found"])["Energy by layer"]
    energy_uj = sum(sum(parts.values()) for parts in chart.bars.values())
    assert energy_uj == pytest.approx(found["best"].metrics["energy_pj"] / 1e6)
    assert len(found["pareto"].data) >= 3
    printed = capsys.readouterr().out
    assert "21 contractions, 1.81 G" in printed
    assert "linalg.pooling_nchw_max" in printed


def test_the_mapping_notebook_beats_nearly_all_random_mappings(monkeypatch):
    monkeypatch.setenv("ARCHGYM_NOTEBOOK_MAPPINGS", "1000")
    found = runpy.run_path(str(FOLDER / "mapping_matters.py"))
    assert len(found["edp"]) == 1000
    assert found["found"].cost.edp_j_cycle < np.quantile(found["edp"], 0.01)
    assert found["edp"].max() > 10 * found["edp"].min()
    assert sum(found["histogram"].data[0].y) == 1000
    assert list(found["searches"]["budget"]) == [100, 300, 1000]
    assert set(found["dataflows"]["best stays"]) == {"weights", "inputs", "outputs"}


def test_the_text_that_stands_in_for_an_export_is_resnet18_layer_by_layer():
    read = Layer.from_mlir((FOLDER / "resnet18.mlir").read_text(encoding="utf-8"))
    shapes = [
        sorted((tuple(layer.dims.items()), layer.stride) for layer in layers)
        for layers in (read, Layer.network("resnet18"))
    ]
    assert shapes[0] == shapes[1]
