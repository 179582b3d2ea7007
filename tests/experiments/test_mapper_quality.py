"""The mapper benchmark: what it maps, what it compares with, and what it says of failures."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest

from experiments.benchmarks import mapper_quality as benchmark
from simulators.accelerator import Layer

# Two layers of AlexNet, and what another mapper found for them.
ROWS = [
    {"net": "AlexNet", "layer": "1", "mode": "short", "status": "ok", "C": 3, "M": 96, "R": 11,
     "P": 55, "stride": 4, "cycles": 871200, "energy_uJ": 639.7454, "mapper_seconds": 0.4},
    {"net": "AlexNet", "layer": "1", "mode": "long", "status": "ok", "C": 3, "M": 96, "R": 11,
     "P": 55, "stride": 4, "cycles": 798600, "energy_uJ": 768.2151, "mapper_seconds": 4.2},
    {"net": "AlexNet", "layer": "2", "mode": "short", "status": "failed", "C": "", "M": "", "R": "",
     "P": "", "stride": "", "cycles": "", "energy_uJ": "", "mapper_seconds": ""},
]  # fmt: skip


def write(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "mapper.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_reference_gives_its_layers_and_modes(tmp_path: Path) -> None:
    (work,) = benchmark.reference_layers(write(tmp_path, ROWS))
    assert dict(work.layer.dims) == {
        "R": 11, "S": 11, "P": 55, "Q": 55, "C": 3, "M": 96, "N": 1,
    }  # fmt: skip
    assert work.layer.stride == (4, 4)
    assert work.found["long"] == (pytest.approx(798600 * 768.2151e-6), 4.2)
    assert set(work.found) == {"short", "long"}


def test_found_mappings_are_compared_with_every_mode(tmp_path: Path, capsys: Any) -> None:
    path = write(tmp_path, ROWS)
    assert benchmark.main(reference=path, json_output=True) == 0
    content = json.loads(capsys.readouterr().out)
    (layer,) = content["layers"]
    assert layer["edp_j_cycle"] == pytest.approx(layer["cycles"] * layer["energy_pj"] * 1e-12)
    assert layer["ratios"]["long"] == pytest.approx(layer["edp_j_cycle"] / 613.5, rel=1e-3)
    assert content["geometric_mean_ratio"]["short"] < 1
    assert content["layers_with_a_mapping"] == 1
    assert benchmark.main(reference=path) == 0
    text = capsys.readouterr().out
    assert "1 of 1 different layers have a legal mapping" in text
    assert "EDP / that of the reference's 'long': geometric mean 0." in text


def test_a_layer_that_cannot_be_mapped_is_told_apart(tmp_path: Path, capsys: Any) -> None:
    # A filter row of 13 does not fit into Eyeriss's scratchpad for 12 inputs.
    rows = [ROWS[0], {**ROWS[0], "layer": "9", "R": 13}]
    assert benchmark.main(reference=write(tmp_path, rows)) == 1
    text = capsys.readouterr().out
    assert "1 of 2 different layers have a legal mapping" in text
    assert "no legal mapping in" in text


def test_repeated_layers_of_a_network_are_mapped_once() -> None:
    works = list(benchmark.network_layers(["resnet50", "alexnet"]))
    layers = Layer.network("resnet50")
    mine = [work for work in works if work.network == "resnet50"]
    assert sum(work.repeats for work in mine) == sum(layer.count for layer in layers) == 54
    assert len(mine) == 24
    assert len({(work.layer.dims, work.layer.tensors) for work in mine}) == 24
    assert {work.network for work in works} == {"resnet50", "alexnet"}


def test_a_geometric_mean_multiplies() -> None:
    assert benchmark.geometric_mean([2.0, 8.0]) == pytest.approx(4.0)
    assert math.isnan(benchmark.geometric_mean([]))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"a": "1"}], "has no rows with net, layer, mode"),
        ([{**ROWS[0], "C": "three"}], "AlexNet 1: invalid literal"),
        ([{**ROWS[0], "status": "failed"}], "no layer to map"),
    ],
)
def test_an_unusable_reference_is_explained(
    tmp_path: Path, capsys: Any, rows: list[dict[str, Any]], message: str
) -> None:
    assert benchmark.main(reference=write(tmp_path, rows)) == 2
    assert message in capsys.readouterr().err


def test_missing_files_and_networks_are_explained(tmp_path: Path, capsys: Any) -> None:
    assert benchmark.main(reference=tmp_path / "none.csv") == 2
    assert "none.csv cannot be read" in capsys.readouterr().err
    assert benchmark.main(networks=("resnet51",)) == 2
    assert "resnet50" in capsys.readouterr().err
