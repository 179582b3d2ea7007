"""The evaluation: its table, its resumption, its plots."""

import shutil

import numpy as np
import pandas as pd
import pytest

from costmodel._dataset import Dataset
from costmodel._table import against_paper, learning_curves, pivot, write_summary
from costmodel.errors import DatasetError, InvalidConfigError
from costmodel.evaluate import COLUMNS, EvaluateConfig, evaluate, novelty_auroc
from costmodel.testing import FLOPS, REGISTERS, SPILLS, sample_dataset


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    dataset = sample_dataset(160)
    path = tmp_path_factory.mktemp("data") / "programs.parquet"
    pd.DataFrame({"text": dataset.texts, **dataset.labels, **dataset.columns}).to_parquet(path)
    return path


def config(data, out, **changes) -> EvaluateConfig:
    quick = {"models": ("roofline",), "sizes": (60, 0), "repeats": 10}
    return EvaluateConfig(**{"data": data, "out": out, **quick, **changes})


@pytest.fixture(scope="module")
def table(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluation")
    return evaluate(config(data, out)), out


def test_each_figure_is_a_row(table):
    frame, _ = table
    assert tuple(frame.columns) == COLUMNS
    assert set(frame.split) == {"random", "family"}
    assert set(frame.target) == {FLOPS, REGISTERS, SPILLS, ""}
    metrics = set(frame[frame.target == SPILLS].metric)
    assert {"rmse_range_pct", "exact_pct", "spills_auroc", "coverage_pct", "kendall"} <= metrics
    whole = frame[frame.target == ""]
    assert {"fit_s", "predict_us"} == set(whole[whole.split == "random"].metric)
    assert {"fit_s", "predict_us", "ood_auroc"} == set(whole[whole.split == "family"].metric)
    assert not frame.duplicated(["target", "model", "split", "size", "metric"]).any()


def test_intervals_surround_the_figures(table):
    frame, _ = table
    part = frame[(frame.metric == "rmse_range_pct") & frame.value.notna()]
    assert (part.low <= part.value).all()
    assert (part.value <= part.high).all()


def test_ranking_regret_stands_beside_that_of_chance(table):
    frame, _ = table
    part = frame[(frame.target == FLOPS) & (frame.split == "random")].groupby("metric").value.min()
    assert part["top1_regret_pct"] < part["random_top1_regret_pct"]


def test_an_interrupted_evaluation_goes_on(data, table, tmp_path):
    frame, done = table
    out = shutil.copytree(done, tmp_path / "evaluation")
    notes: list[str] = []
    again = evaluate(config(data, out), note=notes.append)
    assert notes == []
    pd.testing.assert_frame_equal(again, frame)
    more = evaluate(config(data, out, sizes=(60, 70, 0)), note=notes.append)
    assert len(notes) == 2
    assert len(more) > len(frame)


def test_processes_give_the_figures_that_one_gives(data, table, tmp_path):
    frame, _ = table
    notes: list[str] = []
    beside = evaluate(config(data, tmp_path, jobs=2), note=notes.append)
    assert len(notes) == 4
    assert notes[-1].startswith("4 of 4: roofline, split ")
    timed = frame.metric.isin(["fit_s", "predict_us"])
    pd.testing.assert_frame_equal(beside[~timed], frame[~timed], check_exact=True)


def test_the_summary_and_the_curves_are_written(table):
    frame, out = table
    text = (out / "table.md").read_text()
    assert f"| {REGISTERS} |" in text
    assert "## rmse_range_pct, split family" in text
    assert (out / "learning_curves.html").stat().st_size > 10_000
    pd.testing.assert_frame_equal(pd.read_parquet(out / "results.parquet"), frame)


def test_the_curves_are_drawn_alike_each_time(table, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: no SVG")
    frame, out = table
    write_summary(frame, tmp_path)
    drawn = (out / "learning_curves-family.svg").read_bytes()
    assert drawn == (tmp_path / "learning_curves-family.svg").read_bytes()
    assert REGISTERS.encode() in drawn


def test_models_are_set_against_the_best_of_the_paper():
    rows = [(m, v) for m, v in (("paper-fc-op", 6.0), ("paper-lstm-op", 4.0), ("trees", 2.0))]
    frame = pd.DataFrame(rows, columns=["model", "value"]).assign(
        target=REGISTERS, split="random", metric="rmse_range_pct", size=100
    )
    table = against_paper(frame, "random")
    assert list(table.columns) == ["trees"]
    assert table.loc[REGISTERS, "trees"] == 0.5


def test_the_score_of_novelty_tells_other_programs_from_known_kinds():
    known = sample_dataset(160)
    far = Dataset(
        texts=tuple(f"gpu.launch {{ gpu.barrier }} // {i}" for i in range(40)),
        labels={},
        columns={},
    )
    assert novelty_auroc(known, far) > 0.95
    assert novelty_auroc(known, known.halves(0.3, 5)[1]) < 0.7


def test_the_summary_shows_the_largest_size(table):
    frame, _ = table
    shown = pivot(frame, "rmse_range_pct", "random").loc[REGISTERS, "roofline"]
    part = frame[(frame.metric == "rmse_range_pct") & (frame.split == "random")]
    part = part[part.target == REGISTERS].sort_values("size")
    assert shown == part.value.iloc[-1]


def test_curves_plot_the_figures_over_size(table):
    frame, _ = table
    figure = learning_curves(frame, FLOPS, "rmse_range_pct")
    assert {trace.name for trace in figure.data} == {"roofline, random", "roofline, family"}
    for trace in figure.data:
        assert list(trace.x) == sorted(trace.x)
        assert np.isfinite(trace.y).all()
    assert figure.layout.xaxis.type == "log"


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"sizes": (3,)}, InvalidConfigError, "too few"),
        ({"jobs": 0}, InvalidConfigError, "1 or more"),
        ({"splits": ("shape",)}, DatasetError, "no split 'shape'"),
        ({"set": ("trees.rounds=3",)}, InvalidConfigError, "no setting of a model"),
        ({"set": ("rounds=3",)}, InvalidConfigError, "MODEL.NAME=VALUE"),
        ({"targets": ("a/b",)}, DatasetError, "no labels of 'a/b'"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(data, tmp_path, changes, error, match):
    with pytest.raises(error, match=match):
        evaluate(config(data, tmp_path / "out", **changes))
