"""Training into a folder: what is written, resumed and refused."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import costmodel.train
from costmodel.errors import DatasetError, InvalidConfigError, MissingDependencyError, ModelError
from costmodel.models import load_model
from costmodel.testing import FLOPS, REGISTERS, SPILLS, sample_dataset
from costmodel.train import FolderCheckpoint, TrainConfig, settings_of, train


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    dataset = sample_dataset(150)
    path = tmp_path_factory.mktemp("data") / "programs.parquet"
    pd.DataFrame({"text": dataset.texts, **dataset.labels, **dataset.columns}).to_parquet(path)
    return path


def config(data, out, **changes) -> TrainConfig:
    return TrainConfig(**{"data": data, "out": out, "model": "roofline", **changes})


def test_a_folder_holds_model_metrics_and_card(data, tmp_path):
    model = train(config(data, tmp_path / "m"))
    again = load_model(tmp_path / "m")
    assert again.metrics == json.loads(json.dumps(model.metrics))
    assert again.metrics["test"][FLOPS]["spearman"] > 0.8
    card = (tmp_path / "m" / "README.md").read_text()
    assert all(f"| {name} |" in card for name in (FLOPS, REGISTERS, SPILLS))
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
        "train.json",
    ]


def test_the_same_training_gives_the_same_bytes(data, tmp_path):
    for name in ("one", "two"):
        train(config(data, tmp_path / name))
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two


def test_an_interrupted_training_goes_on(data, tmp_path):
    pytest.importorskip("lightgbm", reason="LightGBM is not installed")
    settings = {"model": "trees", "set": ("rounds=15",)}
    train(config(data, tmp_path / "whole", **settings))

    def interrupt(what: str, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config(data, tmp_path / "cut", **settings), interrupt)
    kept = sorted((tmp_path / "cut" / "checkpoints").iterdir())
    assert len(kept) == 2
    before = [path.stat().st_mtime_ns for path in kept]
    seen = []

    def watch(what: str, done: int, total: int) -> None:
        seen.append([path.stat().st_mtime_ns for path in kept])

    train(config(data, tmp_path / "cut", **settings), watch)
    assert seen[-1] == before  # what was kept was not trained again
    whole, cut = ((tmp_path / n / "model.safetensors").read_bytes() for n in ("whole", "cut"))
    assert whole == cut


def _interrupted(settings) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(settings, interrupt)


def test_an_interrupted_training_of_other_settings_is_replaced_if_that_is_asked_for(data, tmp_path):
    pytest.importorskip("lightgbm", reason="LightGBM is not installed")
    settings = {"model": "trees", "set": ("rounds=15",)}
    _interrupted(config(data, tmp_path / "m", model="trees", set=("rounds=3",)))
    with pytest.raises(InvalidConfigError, match="--overwrite"):
        train(config(data, tmp_path / "m", **settings))
    train(config(data, tmp_path / "m", overwrite=True, **settings))
    train(config(data, tmp_path / "whole", **settings))
    one, two = ((tmp_path / n / "model.safetensors").read_bytes() for n in ("whole", "m"))
    assert one == two


def test_a_training_that_another_version_began_is_not_gone_on_with(data, tmp_path, monkeypatch):
    pytest.importorskip("lightgbm", reason="LightGBM is not installed")
    settings = config(data, tmp_path / "m", model="trees", set=("rounds=15",))
    with monkeypatch.context() as patch:
        patch.setattr(costmodel.train, "features_digest", lambda: "others")
        _interrupted(settings)
    with pytest.raises(InvalidConfigError, match="--overwrite"):
        train(settings)
    train(replace(settings, overwrite=True))


def test_a_folder_of_another_training_is_refused(data, tmp_path):
    train(config(data, tmp_path / "m"))
    with pytest.raises(InvalidConfigError, match="other settings"):
        train(config(data, tmp_path / "m", seed=1))


def test_a_model_is_replaced_only_if_that_is_asked_for(data, tmp_path):
    out = tmp_path / "m"
    train(config(data, out, model="roofline"))
    changed = config(data, out, split="all", overwrite=True)
    train(changed)
    with pytest.raises(InvalidConfigError, match="--overwrite"):
        train(config(data, out))
    (out / "train.json").unlink()
    with pytest.raises(InvalidConfigError, match="holds another model"):
        train(config(data, out, split="all"))
    train(changed)
    assert load_model(out).metrics["train_programs"] > 130


def test_what_is_not_a_model_is_never_overwritten(data, tmp_path):
    kept = tmp_path / "mine.txt"
    kept.write_text("mine")
    train(config(data, tmp_path, overwrite=True))
    assert kept.read_text() == "mine"


def test_a_folder_says_what_its_data_are_not_where(data, tmp_path):
    train(config(data, tmp_path / "m"))
    noted = json.loads((tmp_path / "m" / "train.json").read_text())
    assert noted["data"] == "programs.parquet"
    assert noted["data_sha256"] == hashlib.sha256(data.read_bytes()).hexdigest()
    assert not any(str(tmp_path) in path.read_text() for path in (tmp_path / "m").glob("*.json"))


def test_other_data_are_another_training(data, tmp_path):
    grown = tmp_path / "programs.parquet"
    grown.write_bytes(data.read_bytes())
    train(config(grown, tmp_path / "m"))
    pd.read_parquet(data).iloc[:140].to_parquet(grown)
    with pytest.raises(InvalidConfigError, match="other settings or data"):
        train(config(grown, tmp_path / "m"))


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"model": "tree"}, ModelError, "Did you mean 'trees'"),
        ({"set": ("l2",)}, InvalidConfigError, "NAME=VALUE"),
        ({"set": ("l3=1",)}, ModelError, "no setting 'l3'"),
        ({"split": "familie"}, DatasetError, "Did you mean 'family'"),
        ({"targets": ("test-cpu/spill",)}, DatasetError, "Did you mean 'test-cpu/spills'"),
    ],
)
def test_what_cannot_be_trained_is_refused(data, tmp_path, changes, error, match):
    with pytest.raises(error, match=match):
        train(config(data, tmp_path / "m", **changes))
    assert not (tmp_path / "m" / "config.json").exists()


def test_a_size_that_is_too_small_is_refused(data, tmp_path):
    with pytest.raises(InvalidConfigError, match="too few"):
        config(data, tmp_path, size=3)


def test_a_device_stands_for_its_targets(data, tmp_path):
    model = train(config(data, tmp_path / "m", targets=("test-cpu",), split="all", size=100))
    assert [target.name for target in model.targets] == [REGISTERS, SPILLS]
    assert "coverage_pct" not in model.metrics["test"][REGISTERS]  # made from the same programs
    assert model.metrics["train_programs"] == 100
    assert "nine tenths of all programs" in (tmp_path / "m" / "README.md").read_text()


def test_labels_of_one_program_only_cannot_be_learnt(tmp_path):
    frame = pd.DataFrame({"text": ["func.func @f() { return }"] * 40, "cpu/x": [1.0] * 40})
    frame.to_parquet(tmp_path / "one.parquet")
    with pytest.raises(DatasetError, match="40 rows are of one program"):
        train(config(tmp_path / "one.parquet", tmp_path / "m", split="all"))


def test_rows_without_a_label_are_not_kept_back(tmp_path):
    dataset = sample_dataset(60)
    few = np.where(np.arange(60) < 15, dataset.labels[FLOPS], np.nan)
    frame = pd.DataFrame({"text": dataset.texts, "cpu/x": few})
    frame.to_parquet(tmp_path / "few.parquet")
    model = train(config(tmp_path / "few.parquet", tmp_path / "m", split="all"))
    (found,) = model.predict(dataset.texts[:1])
    assert found["cpu/x"].lower < found["cpu/x"].upper


def test_settings_are_read_as_json_else_as_text():
    assert settings_of(["a=1", "b=0.5", "c=bins", "d=true"]) == {
        "a": 1,
        "b": 0.5,
        "c": "bins",
        "d": True,
    }


def test_a_checkpoint_is_complete_or_not_there(tmp_path):
    checkpoint = FolderCheckpoint(tmp_path / "c")
    assert checkpoint.load("x") is None
    checkpoint.save("x", {"a": np.arange(3)})
    assert checkpoint.load("x")["a"].tolist() == [0, 1, 2]
    checkpoint.clear()
    assert not (tmp_path / "c").exists()


def test_a_library_that_is_missing_is_named(data, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "lightgbm", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'archgym\[costmodel\]'"):
        train(config(data, tmp_path / "m", model="trees"))
