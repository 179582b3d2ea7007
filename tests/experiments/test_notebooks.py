"""The notebooks run from the first cell to the last, with a small budget."""

import re
import runpy
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest

import experiments.notebooks
from archgym.cli import main
from archgym.stats import interquartile_mean
from archgym.sweep import SweepConfig
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


def _fenced(path, language):
    """Return the fenced blocks of a notebook's prose, with continued lines joined."""
    text = path.read_text(encoding="utf-8").replace("\\\n#", " ")
    blocks = re.findall(rf"\n# ```{language}\n(.*?)\n# ```", text, re.DOTALL)
    return [re.sub(r"^# ?", "", block, flags=re.MULTILINE) for block in blocks]


COMMANDS = [
    line
    for path in NOTEBOOKS
    for block in _fenced(path, "sh")
    for line in block.splitlines()
    if line.startswith("archgym ")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_options_of_the_commands_in_notebooks_are_known(command, capsys):
    words = shlex.split(command, comments=True)[1:]
    assert main([*words, "--help"]) == 0
    used = {word for word in words if word.startswith("--")}
    assert used <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))


def test_the_sweep_in_the_comparison_is_a_sweep():
    (block,) = _fenced(FOLDER / "compare_agents_honestly.py", "toml")
    config = SweepConfig.from_dict(tomllib.loads(block))
    assert config.problems[0].ground_truth == "dram-paper-stream-DDR4-2400"


def test_the_readme_lists_every_notebook():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+\.py)`", text, re.MULTILINE) != []
    assert set(re.findall(r"^\| `(\w+\.py)`", text, re.MULTILINE)) == {p.name for p in NOTEBOOKS}


def test_the_first_search_explains_what_it_found(monkeypatch, capsys):
    monkeypatch.setenv("ARCHGYM_NOTEBOOK_BUDGET", "40")
    found = runpy.run_path(str(FOLDER / "first_search.py"))
    best, default = found["best"].design, found["default"]
    assert found["result"].evaluations == 40
    assert best != default
    assert found["best"].reward == found["trials"]["reward"].max()
    choices = found["choices"]
    differing = {name for name in found["space"].names if best.get(name) != default.get(name)}
    assert set(choices["parameter"]) <= differing  # what is inactive was not chosen
    assert {*choices["parameter"]} >= {
        name for name in differing if name in best and name in default
    }
    assert found["importance"].designs == 40
    assert "227,377,152 designs" in capsys.readouterr().out


def test_the_comparison_pairs_seeds_and_says_how_sure_it_is(monkeypatch):
    monkeypatch.setenv("ARCHGYM_NOTEBOOK_BUDGET", "30")
    monkeypatch.setenv("ARCHGYM_NOTEBOOK_SEEDS", "4")
    found = runpy.run_path(str(FOLDER / "compare_agents_honestly.py"))
    scores, label = found["scores"], found["label"]
    assert set(scores) == set(found["AGENTS"])
    assert {values.shape for values in scores.values()} == {(2, 4)}
    assert max(values.max() for values in scores.values()) <= 1 + 1e-9
    for results in found["results"].values():
        first = {(r.identity["agent"], r.identity["seed"]): r.trials[0].indices for r in results}
        for agent in ("genetic", "local_search", "tree_search"):
            assert [first[agent, i] for i in range(4)] == [
                first["random_walk", i] for i in range(4)
            ]
        assert {run.evaluations for run in results} == {30}
    for agent, average in found["averages"].items():
        assert average.value == pytest.approx(float(interquartile_mean(scores[agent])))
        assert average.low <= average.value <= average.high
    assert found["winners"].sum() >= 4  # of a draw, all of them
    assert found["ranking"].blocks == 8
    # Regret never rises, and ends where the scores say.
    row = found["sweep"].scores[30].problems.index(label)
    for agent, curve in found["regret"].groupby("agent"):
        assert (np.diff(curve["median"]) <= 0).all()
        missing = found["best"][label] * (1 - np.median(scores[agent][row]))
        assert curve["median"].iloc[-1] == pytest.approx(max(missing, 1e-3))


def test_the_lottery_analyses_the_sweep_it_ran(monkeypatch):
    for name, value in (("BUDGET", "20"), ("SEEDS", "2"), ("SETTINGS", "2")):
        monkeypatch.setenv(f"ARCHGYM_NOTEBOOK_{name}", value)
    found = runpy.run_path(str(FOLDER / "lottery.py"))
    assert len(found["sweep"].runs) == (1 + 4 * 3) * 2 * 2
    assert {cube.shape for cube in found["drawn"].values()} == {(2, 2, 2)}
    for agent, curve in found["curves"].items():
        cube = found["drawn"][agent]
        assert curve.best[0] == pytest.approx(cube.mean())
        assert curve.best[1] == pytest.approx(cube.max(axis=1).mean())
        means = cube.mean(axis=(0, 2))
        assert found["spread"].loc[agent, "max"] == pytest.approx(means.max(), abs=1e-3)
    assert sum(source.share.value for source in found["shares"]) == pytest.approx(1)
    assert list(found["table"].index) == list(found["drawn"])
    assert not found["folder"].exists()


def test_the_proxy_is_tested_on_what_it_has_not_seen_and_its_winners_are_simulated(monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.setenv("ARCHGYM_NOTEBOOK_BUDGET", "120")
    monkeypatch.setenv("ARCHGYM_NOTEBOOK_SEEDS", "2")
    found = runpy.run_path(str(FOLDER / "train_a_proxy.py"))
    learnt = found["proxy"].info["designs"]
    seen = learnt["learnt"] + learnt["calibrated"]
    assert seen + found["proxy"].info["split"]["test_designs"] == found["simulated"].designs
    truth, objective = found["truth"], found["problem"].objective()
    designs = [winner.design for winner in found["checked"].winners]
    exact = [objective.reward(evaluation) for evaluation in truth.evaluate(designs)]
    assert list(found["verified"]["simulated reward"]) == exact
    assert found["verified"]["predicted reward"].is_unique
    assert found["verified"]["predicted reward"].is_monotonic_decreasing
    assert len(found["transfer"]) == 4
    assert found["table"].shape == (2, 5)
    assert (found["table"] >= -1e-9).all(axis=None)
    assert (found["anywhere"](found["proxy"])["coverage"] > 0.5).all()


def test_the_simulator_of_ones_own_is_short_and_searched_to_a_known_optimum(monkeypatch, capsys):
    pytest.importorskip("optuna")
    monkeypatch.setenv("ARCHGYM_NOTEBOOK_BUDGET", "30")
    monkeypatch.setenv("ARCHGYM_NOTEBOOK_SEEDS", "2")
    found = runpy.run_path(str(FOLDER / "bring_your_own_simulator.py"))
    text = (FOLDER / "bring_your_own_simulator.py").read_text(encoding="utf-8")
    body = text.partition("class BlockedProduct")[2].partition("\n\n\n")[0]
    assert len([line for line in body.splitlines() if line.strip()]) <= 32
    assert found["tests"] == [n for n in dir(found["TestBlockedProduct"]) if n.startswith("test_")]
    assert found["regret"]["regret"].min() >= 0
    assert len(found["regret"]) == 6
    truth = found["truth"]
    assert len(truth) == found["problem"].space.size
    assert found["study"].best_value <= found["optimal_reward"]
    peak = found["roofline"](found["found"]).points["product"].performance
    assert peak <= found["found"]["pes"]
    assert f"{len(found['tests'])} tests passed" in capsys.readouterr().out
