"""The parts of models: trees, intervals, novelty, files of arrays."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel import _core
from costmodel.errors import ModelError
from costmodel.features import feature_names
from costmodel.models._conformal import Calibration
from costmodel.models._forest import Forest
from costmodel.models._novelty import Novelty
from costmodel.models._predictions import Predictions
from costmodel.models._safetensors import load_arrays, save_arrays
from costmodel.models._target import Target

# ------------------------------------------------------------------------------------ trees

STUMP = {
    "feature": np.array([1], dtype=np.uint16),
    "threshold": np.array([0.5], dtype=np.float32),
    "left": np.array([-1], dtype=np.int32),
    "right": np.array([-2], dtype=np.int32),
    "leaf": np.array([10.0, 20.0, 3.0], dtype=np.float32),
    "tree_nodes": np.array([1, 0], dtype=np.int32),
    "tree_leaves": np.array([2, 1], dtype=np.int32),
}


def test_trees_add_up_the_leaves_that_a_row_reaches():
    trees = Forest(**STUMP).evaluator(np.array([0, 0]), 1, 2)
    rows = np.array([[9.0, 0.5], [9.0, 0.6]], dtype=np.float32)
    assert trees.predict(rows, [0]).tolist() == [[13.0], [23.0]]


def test_trees_survive_being_saved():
    again = Forest.from_arrays("t", Forest(**STUMP).to_arrays("t"))
    for name, array in STUMP.items():
        np.testing.assert_array_equal(getattr(again, name), array)


def test_thresholds_beyond_256_of_a_feature_are_kept_in_two_bytes_a_node():
    rng = np.random.default_rng(0)
    nodes = 3000
    forest = Forest(
        feature=rng.choice([0, 2, 5], nodes).astype(np.uint16),
        threshold=(rng.integers(0, 700, nodes) / 7).astype(np.float32),
        left=np.zeros(nodes, dtype=np.int32),
        right=np.zeros(nodes, dtype=np.int32),
        leaf=np.zeros(nodes + 1, dtype=np.float32),
        tree_nodes=np.array([nodes], dtype=np.int32),
        tree_leaves=np.array([nodes + 1], dtype=np.int32),
    )
    arrays = forest.to_arrays("t")
    assert arrays["t.page"].nbytes + arrays["t.bin"].nbytes == 2 * nodes
    again = Forest.from_arrays("t", arrays)
    np.testing.assert_array_equal(again.feature, forest.feature)
    np.testing.assert_array_equal(again.threshold, forest.threshold)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("left", [0]),  # a loop
        ("left", [7]),
        ("right", [-4]),
        ("feature", [2]),
        ("tree_nodes", [2, 0]),
        ("tree_leaves", [2, 2]),
        ("leaf", [1.0]),
        ("threshold", []),
    ],
)
def test_damaged_trees_are_refused(name: str, value: list[float]):
    parts = {**STUMP, name: np.array(value, dtype=STUMP[name].dtype)}
    with pytest.raises(ModelError, match="damaged"):
        Forest(**parts).evaluator(np.array([0, 0]), 1, 2)


def test_trees_of_no_target_and_rows_of_another_width_are_refused():
    with pytest.raises(ModelError, match="no target"):
        Forest(**STUMP).evaluator(np.array([0, 1]), 1, 2)
    trees = Forest(**STUMP).evaluator(np.array([0, 0]), 1, 2)
    with pytest.raises(ValueError, match="number of features"):
        trees.predict(np.zeros((1, 3), dtype=np.float32), [0])
    with pytest.raises(ValueError, match="no such target"):
        trees.predict(np.zeros((1, 2), dtype=np.float32), [1])


def test_saving_trees_twice_changes_them_once():
    rng = np.random.default_rng(0)
    leaf = rng.normal(10, 1, 3).astype(np.float32)
    once = Forest.from_arrays("t", Forest(**{**STUMP, "leaf": leaf}).to_arrays("t"))
    twice = Forest.from_arrays("t", once.to_arrays("t"))
    np.testing.assert_array_equal(twice.leaf, once.leaf)
    np.testing.assert_allclose(once.leaf, leaf, atol=2e-3)


def test_whole_leaves_are_kept_exactly():
    leaf = np.array([0, 70_000, 65_537], dtype=np.float32)  # no float16 has them
    arrays = Forest(**{**STUMP, "leaf": leaf}).to_arrays("t")
    assert Forest.from_arrays("t", arrays).leaf.tolist() == leaf.tolist()


def test_trees_may_have_more_leaves_than_fit_into_two_bytes():
    nodes = 40_000  # a chain: node i goes left up to i, else on to node i + 1
    chain = Forest(
        feature=np.zeros(nodes, dtype=np.uint16),
        threshold=np.arange(nodes, dtype=np.float32),
        left=~np.arange(nodes, dtype=np.int32),
        right=np.append(np.arange(1, nodes), ~nodes).astype(np.int32),
        leaf=np.arange(nodes + 1, dtype=np.float32),
        tree_nodes=np.array([nodes], dtype=np.int32),
        tree_leaves=np.array([nodes + 1], dtype=np.int32),
    )
    trees = Forest.from_arrays("t", chain.to_arrays("t")).evaluator(np.array([0]), 1, 1)
    rows = np.array([[0.0], [39_999.0], [5e4], [33_000.5]], dtype=np.float32)
    assert trees.leaves(rows, 0)[:, 0].tolist() == [0.0, 39_999.0, 40_000.0, 33_001.0]


def test_leaves_are_told_tree_by_tree():
    trees = Forest(**STUMP).evaluator(np.array([0, 0]), 1, 2)
    rows = np.array([[9.0, 0.5], [9.0, 0.6]], dtype=np.float32)
    assert trees.leaves(rows, 0).tolist() == [[10.0, 3.0], [20.0, 3.0]]
    with pytest.raises(ValueError, match="number of features"):
        trees.leaves(rows[:, :1].copy(), 0)
    with pytest.raises(ValueError, match="no such target"):
        trees.leaves(rows, 1)


def test_our_trees_are_those_of_scikit_learn():
    ensemble = pytest.importorskip("sklearn.ensemble", reason="scikit-learn is not installed")
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 9, (300, 5)).astype(np.float32) / 7
    labels = rows[:, 0] * rows[:, 1] - rows[:, 4]
    theirs = ensemble.ExtraTreesRegressor(7, random_state=0).fit(rows, labels)
    leaves = [tree.tree_.value[:, 0, 0] for tree in theirs.estimators_]
    forest = Forest.of_nodes([tree.tree_ for tree in theirs.estimators_], leaves)
    ours = forest.evaluator(np.zeros(7), 1, 5).leaves(rows, 0)
    expected = np.stack([tree.predict(rows) for tree in theirs.estimators_], axis=1)
    np.testing.assert_allclose(ours, expected, rtol=1e-6)


def test_our_trees_are_those_of_lightgbm():
    lightgbm = pytest.importorskip("lightgbm", reason="LightGBM is not installed")
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 9, (400, 5)).astype(np.float32) / 7
    labels = rows[:, 0] * rows[:, 1] - rows[:, 4]
    parameters = {"verbosity": -1, "num_threads": 1, "num_leaves": 15}
    booster = lightgbm.train(parameters, lightgbm.Dataset(rows, labels), 40)
    forest = Forest.parse(booster.model_to_string())
    forest = Forest.from_arrays("t", forest.to_arrays("t"))
    trees = forest.evaluator(np.zeros(forest.trees), 1, 5)
    np.testing.assert_allclose(trees.predict(rows, [0])[:, 0], booster.predict(rows), atol=2e-3)


def test_the_native_core_takes_no_other_types():
    with pytest.raises(TypeError):
        _core.encode("text")
    with pytest.raises((TypeError, RuntimeError)):
        _core.features(["text"])


# -------------------------------------------------------------------------------- intervals


def test_intervals_cover_nine_in_ten():
    rng = np.random.default_rng(0)
    predicted = rng.uniform(0, 10, (4000, 1))
    actual = predicted + rng.normal(0, 1, predicted.shape) * (1 + predicted)
    calibration = Calibration.fit(predicted[:2000], actual[:2000])
    lower, upper = calibration.interval(predicted[2000:])
    covered = (lower <= actual[2000:]) & (actual[2000:] <= upper)
    assert 0.88 < covered.mean() < 0.92
    small = predicted[2000:] < 2
    assert 0.84 < covered[small].mean() < 0.96
    assert (upper - lower)[small].mean() < 0.5 * (upper - lower).mean()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_intervals_cover_nine_in_ten_where_errors_have_one_sign(sign: float):
    rng = np.random.default_rng(1)
    predicted = rng.uniform(0, 10, (4000, 1))
    actual = predicted + sign * rng.exponential(1, predicted.shape)
    lower, upper = Calibration.fit(predicted[:2000], actual[:2000]).interval(predicted[2000:])
    assert 0.88 < ((lower <= actual[2000:]) & (actual[2000:] <= upper)).mean() < 0.92
    assert (lower <= predicted[2000:]).all()
    assert (upper >= predicted[2000:]).all()


def test_intervals_know_missing_labels_and_few_of_them():
    predicted, actual = np.zeros((5, 2)), np.full((5, 2), np.nan)
    actual[:3, 0] = [1.0, -1.0, 0.0]
    lower, upper = Calibration.fit(predicted, actual).interval(np.zeros((1, 2)))
    assert (lower.tolist(), upper.tolist()) == ([[-1.0, 0.0]], [[1.0, 0.0]])


# ---------------------------------------------------------------------------------- novelty


def test_novelty_grows_with_distance():
    rng = np.random.default_rng(0)
    known = np.zeros((300, len(feature_names())), dtype=np.float32)
    known[:, :10] = rng.normal(0, 1, (300, 10))
    known[:, feature_names().index("operations")] = 3
    novelty = Novelty.fit(known[:200], known[200:])
    assert np.mean(novelty.score(known[200:]) > 1) < 0.05
    away, strange = known[:1].copy(), known[:1].copy()
    away[0, 0] += 30
    strange[0, 30] = 5  # no known program has this
    assert novelty.score(away)[0] > 1
    assert novelty.score(strange)[0] > 1


def test_novelty_can_be_told_from_programs_that_are_all_alike():
    known = np.zeros((300, len(feature_names())), dtype=np.float32)
    known[:, feature_names().index("operations")] = 3
    novelty = Novelty.fit(known[:200], known[200:])
    assert novelty.score(known[:1])[0] < 1
    assert 1 < novelty.score(known[:1] + 1)[0] < np.inf


# ------------------------------------------------------------------------------------ files

DTYPES = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "uint16")


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_survive_being_saved(tmp_path, dtype: str):
    arrays = {"a": np.arange(6).reshape(2, 3).astype(dtype), "b": np.empty(0, dtype=dtype)}
    save_arrays(tmp_path / "x.safetensors", arrays)
    again = load_arrays(tmp_path / "x.safetensors")
    assert {name: array.dtype for name, array in again.items()} == {"a": dtype, "b": dtype}
    np.testing.assert_array_equal(again["a"], arrays["a"])


def test_the_library_of_the_format_reads_our_files(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(3, dtype=np.int8)}
    save_arrays(tmp_path / "ours", arrays)
    np.testing.assert_array_equal(safetensors.load_file(tmp_path / "ours")["a"], arrays["a"])
    safetensors.save_file(arrays, tmp_path / "theirs")
    np.testing.assert_array_equal(load_arrays(tmp_path / "theirs")["b"], arrays["b"])


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 150), st.binary(max_size=4))
def test_damaged_files_are_refused_or_read(tmp_path_factory, at: int, patch: bytes):
    file = tmp_path_factory.getbasetemp() / "damaged"
    save_arrays(file, {"a": np.arange(6, dtype=np.float32)})
    data = file.read_bytes()
    file.write_bytes(data[:at] + patch + data[at + 1 :])
    with suppress(ModelError):
        load_arrays(file)


# ---------------------------------------------------------------------------------- targets


def test_targets_that_span_decades_are_learnt_as_logarithms():
    target = Target(name="cpu/cycles", log=True)
    values = np.array([0.0, 3.0, 1e12])
    np.testing.assert_allclose(target.backward(target.forward(values)), values)
    assert target.forward(np.array([3.0]))[0] == 2.0
    assert Target(name="cpu/spills").backward(np.array([-1.0]))[0] == 0.0
    assert Target(name="cpu/occupancy", share=True).backward(np.array([1.1]))[0] == 1.0
    assert np.isfinite(target.backward(np.array([1e9]))).all()


# ------------------------------------------------------------------------------ predictions


def test_predictions_say_what_they_hold_and_how_to_get_at_it():
    target = Target(name="cpu/cycles", unit="cycles", direction="min", log=True)
    values = np.ones((3, 1))
    found = Predictions((target,), values, values, values, np.zeros(3), np.full((3, 1), 0.25))
    assert "3 texts, 1 targets each" in repr(found)
    assert found[2]["cpu/cycles"].value == 1.0
    assert found[2]["cpu/cycles"].nonzero_probability == 0.25
    assert found.to_frame()["nonzero_probability"].tolist() == [0.25] * 3
