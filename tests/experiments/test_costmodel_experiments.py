"""The cost model's experiments run, small."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import experiments.notebooks
from costmodel.models import make_model
from costmodel.testing import FLOPS, REGISTERS, SPILLS, sample_dataset
from experiments.benchmarks.costmodel_speed import Benchmark, measure
from experiments.costmodel.__main__ import Study, main
from experiments.validation.costmodel_fuzz import Fuzz, fuzz

NAMES = {
    FLOPS: "x86-64-znver4/executed_instructions",
    REGISTERS: "x86-64-znver4/register_pressure_fp",
    SPILLS: "x86-64-znver4/spills",
}


def _labelled(size: int, seed: int) -> pd.DataFrame:
    dataset = sample_dataset(size, seed)
    labels = {NAMES[name]: values for name, values in dataset.labels.items()}
    frame = pd.DataFrame({"text": dataset.texts, **labels, **dataset.columns})
    return frame.assign(program=[f"{seed}-{i // 6}" for i in range(size)])


def test_the_page_about_the_cost_models_says_what_was_measured(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    data, schedules = tmp_path / "programs.parquet", tmp_path / "schedules.parquet"
    frame = _labelled(240, 0)
    frame.loc[frame.split_random == "train", "split_random"] = np.where(
        np.arange((frame.split_random == "train").sum()) % 8, "train", "valid"
    )
    frame.to_parquet(data)
    both = pd.concat([_labelled(60, 1), frame.iloc[:60]])  # half of it was learnt from
    both[["text", "program", *NAMES.values()]].to_parquet(schedules)
    study = Study(
        data=data, out=tmp_path / "page", work=tmp_path / "work", schedules=schedules,
        stages=("table", "curves", "ranking", "page"), models=("roofline",), paper=(),
        splits=("random", "family"), curve_models=("roofline",), curve_sizes=(60,), repeats=5,
    )  # fmt: skip
    main(study)
    page = (study.out / "README.md").read_text()
    assert "240 labelled rows of 40 programs from 4 families" in page
    assert "### Split `family`" in page
    assert {path.name for path in study.out.iterdir()} == {
        "README.md", "table.csv", "ranking.csv", "ranking.svg",
        "learning_curves-family.svg", "learning_curves-random.svg",
    }  # fmt: skip
    table = pd.read_csv(study.out / "table.csv")
    errors = table[(table.metric == "rmse_range_pct") & (table.split == "random")]
    for row in errors.itertuples():
        assert f"| {row.target} | {row.value:.3g} |" in page
    ranks = pd.read_csv(study.out / "ranking.csv")
    tuned = ranks[ranks["set"] == "new kernels, many schedules"]
    assert list(tuned.model) == ["random", "roofline"]
    assert set(tuned.programs) == {10}  # what is in the training data is not ranked
    assert tuned.top1_regret_pct.iloc[1] < tuned.top1_regret_pct.iloc[0]
    capsys.readouterr()
    main(study)  # nothing is trained again
    assert capsys.readouterr().out.splitlines() == [f"wrote {study.out / 'README.md'}"]


def test_the_notebook_ranks_tiles_of_a_product_it_has_not_seen(monkeypatch, capsys):
    pytest.importorskip("lightgbm")
    monkeypatch.setenv("ARCHGYM_NOTEBOOK_BUDGET", "8")
    monkeypatch.setenv("ARCHGYM_NOTEBOOK_CHECKED", "3")
    folder = Path(experiments.notebooks.__file__).parent
    found = runpy.run_path(str(folder / "costmodel_rank_tiles.py"))
    assert len(found["texts"]) == len(set(found["texts"])) == 132
    assert sorted(found["order"]) == list(range(132))
    assert found["ranked"].cycles.is_monotonic_increasing
    # A tile of four columns is far from the best, in any order that means something.
    assert not any("x 4 x" in tile for tile in found["ranked"].tile.head(5))
    assert "; 0 learnt from" in capsys.readouterr().out
    if found["checked"] is not None:
        assert len(found["checked"]) == 3


def test_damaged_programs_neither_crash_nor_lose_tokens(tmp_path):
    folder = make_model("roofline").fit(sample_dataset(60), [FLOPS]).save_pretrained(tmp_path)
    found = fuzz(Fuzz(count=400, seed=1, model=str(folder)))
    assert (found.changed, found.infinite, found.example) == (0, 0, b"")


def test_speed_is_measured(tmp_path):
    folder = make_model("roofline").fit(sample_dataset(60), [FLOPS]).save_pretrained(tmp_path)
    speed = measure(Benchmark(model=str(folder), repeats=1))
    assert 1500 < speed.mean_bytes < 2500
    assert min(speed.tokenizer_mb_s, speed.features_mb_s, speed.rank_ms, speed.predict_ms) > 0
