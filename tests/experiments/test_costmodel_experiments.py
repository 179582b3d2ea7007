"""The cost model's experiments run, small."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import experiments.notebooks
from costmodel._dataset import Dataset
from costmodel.models import make_model
from costmodel.testing import FLOPS, REGISTERS, SPILLS, sample_dataset
from experiments.benchmarks.costmodel_speed import Benchmark, measure
from experiments.costmodel.__main__ import Study, main
from experiments.costmodel.encoders import with_few_labels
from experiments.costmodel.goals import goals
from experiments.costmodel.novelty import novelty_rows
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
        "README.md", "table.csv", "curves.csv", "ranking.csv", "ranking.svg",
        "errors-family.svg", "errors-random.svg", "curves-family.svg", "curves-random.svg",
    }  # fmt: skip
    table = pd.read_csv(study.out / "table.csv")
    errors = table[(table.metric == "rmse_range_pct") & (table.split == "random")]
    for row in errors.itertuples():
        assert f"| {row.target} | {row.value:.3g} [{row.low:.3g}, {row.high:.3g}] |" in page
    drawn = (study.out / "curves-random.svg").read_text()
    assert "executed instructions" in drawn
    assert "programs learnt from" in drawn
    assert "| curves | " in page  # what it took
    ranks = pd.read_csv(study.out / "ranking.csv")
    tuned = ranks[ranks["set"] == "new kernels, many schedules"]
    assert list(tuned.model) == ["random", "roofline"]
    assert set(tuned.programs) == {10}  # what is in the training data is not ranked
    assert tuned.top1_regret_pct.iloc[1] < tuned.top1_regret_pct.iloc[0]
    capsys.readouterr()
    main(study)  # nothing is trained again
    assert capsys.readouterr().out.splitlines() == [f"wrote {study.out / 'README.md'}"]


def test_networks_that_take_more_steps_are_set_beside_those_of_the_table(tmp_path):
    pytest.importorskip("torch")
    data = tmp_path / "programs.parquet"
    _labelled(240, 0).to_parquet(data)
    study = Study(
        data=data, out=tmp_path / "page", work=tmp_path / "work", stages=("longer", "page"),
        models=("roofline",), paper=("paper-fc-op",), splits=("random",), repeats=0,
    )  # fmt: skip
    main(study)
    table = pd.read_csv(study.out / "longer.csv")
    epochs = table[table.metric == "epochs"].set_index("training").value
    assert epochs["longer"] == 4 * epochs["usual"]
    errors = table[(table.metric == "rmse_range_pct") & (table.model == "paper-fc-op")]
    errors = errors.pivot_table(index="target", columns="training", values="value")
    ratios = errors.longer / errors.usual
    page = (study.out / "README.md").read_text()
    assert f"| {ratios.median():.2g} | {ratios.min():.2g} | {ratios.max():.2g} |" in page
    assert f"{(ratios < 1).sum()} of 3 |" in page
    for target, row in errors.iterrows():
        assert f"| {target} | {row.usual:.3g} | {row.longer:.3g} |" in page


def test_labels_of_few_programs_are_kept_and_all_analytic_ones():
    name = "analytic/bytes"
    frame = _labelled(200, 0).assign(**{name: np.arange(200.0)})
    frame.loc[frame.index[::9], "split_random"] = "valid"
    few = with_few_labels(Dataset.from_frame(frame), 20)
    target = NAMES[REGISTERS]
    counts = few[target].notna().groupby(few.split_random).sum()
    assert counts["train"] == 20
    assert counts["valid"] == 5
    assert counts["test"] == (few.split_random == "test").sum()
    assert few[name].notna().all()
    pd.testing.assert_frame_equal(few, with_few_labels(Dataset.from_frame(frame), 20))


def test_another_dialect_is_told_from_what_was_learnt_and_the_same_one_is_not():
    frame = _labelled(240, 0)
    frame["view"] = np.where(np.arange(len(frame)) // 6 % 4 == 0, "new", "known")
    frame.loc[frame.view == "new", "text"] = "func.func @f() { %0 = quantum.gate : !quantum.bit }"
    frame["source"] = np.where(np.arange(len(frame)) // 6 % 3 == 0, "a", "b")
    rows = list(novelty_rows(Dataset.from_frame(frame), lambda text: None))
    told = {(row["column"], row["value"]): row["auroc"] for row in rows}
    assert told["view", "new"] == 1.0
    assert 0.2 < told["source", "a"] < 0.8
    assert {column for column, _ in told} == {"view", "source", "family"}


def _figures(values: dict[str, dict[str, float]], metric: str, split: str) -> pd.DataFrame:
    rows = [
        {"model": model, "target": target, "value": value}
        for model, targets in values.items()
        for target, value in targets.items()
    ]
    return pd.DataFrame(rows).assign(metric=metric, split=split, size=100)


def test_goals_are_answered_from_the_figures():
    spills, cycles = "x86-64-znver4/spills", "x86-64-znver4/mca_cycles"
    errors = {"best": {spills: 1.5}, "fast": {spills: 2.5}, "paper-fc-op": {spills: 4.0}}
    frame = pd.concat(
        [
            _figures(errors, "rmse_range_pct", "random"),
            _figures({"best": {spills: 0.99}, "fast": {spills: 0.9}}, "spills_auroc", "random"),
            _figures({"best": {cycles: 0.5}, "fast": {cycles: 0.5}}, "rmse_log2", "family"),
            _figures({"roofline": {cycles: 0.4}}, "rmse_log2", "family"),
            _figures({"best": {"": 0.95}, "fast": {"": 0.85}}, "ood_auroc", "family"),
        ]
    )
    lines = goals(frame, {}).splitlines()
    answers = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:4]]
        for line in lines
        if line.startswith("|")
    }
    assert answers["registers, spills: RMSE <= 2 % of range, random split"] == [
        f"yes: 1 of 1; {spills} 1.5", f"**no**: 0 of 1; {spills} 2.5",
    ]  # fmt: skip
    assert answers["spills: AUROC >= 0.98, random split"][1].startswith("**no**: 0 of 1")
    halved = answers["at most half the error of the best of the paper's six"]
    assert halved[0] == f"yes: 1 of 1; {spills} (random) 0.375"
    never = answers["time, instructions: never worse than the roofline on new families"]
    assert never[0] == f"**no**: 0 of 1; {cycles} 1.25"
    assert answers["out-of-distribution score: AUROC >= 0.9 on new families"] == [
        "yes: 0.95", "**no**: 0.85",
    ]  # fmt: skip


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
