"""The study of proxies: its samples, and that the committed page is that of its figures."""

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("lightgbm")

from archgym.proxy import Examples
from experiments.proxies import _page, study
from experiments.proxies._data import pooled, without
from experiments.proxies._page import write_page

RESULTS = Path(study.__file__).with_name("results")


def examples(designs, agents):
    vectors = np.arange(designs)[:, None]
    values = np.ones((designs, 1))
    masks = {name: np.isin(np.arange(designs), rows) for name, rows in agents.items()}
    return Examples(vectors, values, np.ones(designs, dtype=bool), masks)


def test_a_pool_takes_as_many_designs_from_each_agent_and_none_twice():
    mixed = examples(100, {"a": range(60), "b": range(40, 100)})
    rows = pooled(mixed, ("a", "b"), 40, np.random.default_rng(0))
    assert len(rows) == len(set(rows.tolist())) == 40
    assert (rows < 60).sum() >= 18
    assert (rows >= 40).sum() >= 18
    assert sorted(pooled(mixed, ("a",), 1000, np.random.default_rng(0))) == list(range(60))


def test_held_designs_are_in_no_training_set():
    whole, held = examples(50, {"a": range(50)}), examples(20, {})
    assert sorted(without(whole, held).vectors[:, 0]) == list(range(20, 50))


def test_the_committed_page_is_what_the_figures_give(tmp_path, monkeypatch):
    for file in RESULTS.glob("*.csv"):
        shutil.copy(file, tmp_path)
    drawn = []
    monkeypatch.setattr(_page, "draw", lambda rows, path: drawn.append(path))
    assert write_page(tmp_path).read_text() == (RESULTS / "README.md").read_text()
    assert drawn == [tmp_path / "rmse.svg"]


def test_an_unknown_stage_is_refused():
    with pytest.raises(SystemExit, match="no stage 'model'"):
        study.main(study.Study(stages=("model",)))


def test_the_figure_shows_the_medians_of_the_draws(tmp_path):
    pytest.importorskip("matplotlib")
    rows = [
        {
            "data": data,
            "train": str(size),
            "anywhere.energy_pj.rmse_percent": str(rmse),
            "anywhere.latency_mean_ns.rmse_percent": str(10 * rmse),
        }
        for data in ("genetic", "random_walk", "4 agents", "7 agents", "uniform")
        for size in (100, 1000)
        for rmse in (1.0, 5.0, 2.0)
    ]
    figure = _page.draw(rows, tmp_path / "rmse.svg")
    for axis, expected in zip(figure.axes, (2.0, 20.0), strict=True):
        assert axis.get_xscale() == axis.get_yscale() == "log"
        lines = {line.get_label(): line for line in axis.get_lines()}
        for data in ("genetic", "uniform"):
            assert list(lines[data].get_xdata()) == [100, 1000]
            assert list(lines[data].get_ydata()) == [expected, expected]
    assert (tmp_path / "rmse.svg").read_text().count("<svg") == 1
