"""The speed benchmark: what it evaluates is legal, and what it prints is complete."""

import json
import stat
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.benchmarks import accelerator_speed as benchmark
from experiments.benchmarks.accelerator_mappings import legal_mappings
from simulators.accelerator import Architecture, Layer, evaluate, evaluate_batch, maestro

EYERISS = Architecture.preset("eyeriss")


@pytest.mark.parametrize("name", benchmark.LAYERS)
def test_every_measured_mapping_is_legal_and_most_differ(name: str) -> None:
    layer = benchmark.LAYERS[name]
    batch = legal_mappings(EYERISS, layer, 500, seed=1)
    costs = evaluate_batch(EYERISS, layer, batch)
    assert len(batch) == 500
    assert costs.valid.all()
    assert len(np.unique(costs.energy_pj)) > 150
    mapping = batch.mapping(EYERISS, layer, 7)
    assert evaluate(EYERISS, layer, mapping).cycles == costs.cycles[7]


def test_the_same_seed_gives_the_same_mappings() -> None:
    first, again, other = (
        legal_mappings(EYERISS, benchmark.LAYERS["1x1"], 50, seed) for seed in (3, 3, 4)
    )
    assert np.array_equal(first.bounds, again.bounds)
    assert not np.array_equal(first.bounds, other.bounds)


def test_a_layer_that_hardly_fits_is_reported() -> None:
    layer = Layer.conv(c=1, m=1, r=13, s=1, p=1, q=1)  # 13 inputs in a scratchpad of 12
    with pytest.raises(ValueError, match="only 0 of 5 legal mappings"):
        legal_mappings(EYERISS, layer, 5, seed=0)


def test_the_maestro_mappings_are_legal_and_differ() -> None:
    layer = benchmark.LAYERS["3x3"]
    texts = benchmark.maestro_mappings(layer, 60)
    costs = maestro.evaluate_batch(layer, texts, benchmark.HARDWARE)
    assert costs.valid.all()
    assert len(set(texts)) == 60


def test_all_speeds_are_printed(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "LAYERS", {"1x1": benchmark.LAYERS["1x1"]})
    assert benchmark.main(mappings=40, repeats=1) == 0
    text = capsys.readouterr().out
    assert "40 random legal mappings" in text
    assert "20 to 40 ms a mapping" in text
    assert "not now; --reference-executable" in text
    rows = [line.split() for line in text.splitlines() if line.startswith("1x1")]
    assert [len(row) for row in rows] == [9, 3]
    assert all(float(cell.rstrip("x").replace(",", "")) > 0 for cell in rows[0][1:6])


def test_a_given_timeloop_model_is_measured(
    capsys: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stats = "=== DRAM ===\n    STATS\n    Cycles : 5\nSummary Stats\n-------\nCycles: 5\n"
    path = tmp_path / "timeloop-model"
    path.write_text(
        f"#!{sys.executable}\nopen('timeloop-model.stats.txt', 'w').write({stats!r})\n",
        encoding="utf-8",
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(benchmark, "LAYERS", {"1x1": benchmark.LAYERS["1x1"]})
    code = benchmark.main(mappings=10, repeats=1, reference_executable=path, json_output=True)
    assert code == 0
    content = json.loads(capsys.readouterr().out)
    assert content["layers"]["1x1"]["timeloop_model_s"] > 0
    assert benchmark.main(mappings=10, repeats=1, reference_executable=path) == 0
    text = capsys.readouterr().out
    assert "(measured)" in text
    assert "a figure stated" not in text


def test_unusable_arguments_are_explained(capsys: Any, tmp_path: Path) -> None:
    assert benchmark.main(mappings=0) == 2
    assert benchmark.main(mappings=5, repeats=1, reference_executable=tmp_path / "none") == 2
    assert "timeloop-model" in capsys.readouterr().err
