"""Forests that vote: what they say, save, keep of an interrupted training, and refuse."""

import numpy as np
import pytest

from costmodel._dataset import Dataset
from costmodel.errors import MissingDependencyError, ModelError
from costmodel.features import Parsed
from costmodel.models import _quantile_forest as quantile_forest
from costmodel.models import load_model, make_model
from costmodel.models._pooling import is_counted
from costmodel.models._quantile_forest import QuantileForestModel
from costmodel.models._safetensors import Arrays
from costmodel.testing import matmul_affine

NEEDED = ("sklearn", "lightgbm")
REGISTERS, STACK, CYCLES = "gpu/registers", "gpu/stack_bytes", "gpu/cycles"
LEVELS = (9.0, 64.0, 12.0, 200.0, 31.0, 3.0, 128.0, 17.0)
"""Registers by unrolling: no order that a mean could follow."""


def make(trees: int = 25) -> QuantileForestModel:
    for module in NEEDED:
        pytest.importorskip(module, reason=f"{module} is not installed")
    model = make_model("forest", trees=trees, rounds=20)
    assert isinstance(model, QuantileForestModel)
    return model


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    rng = np.random.default_rng(0)
    unrolls = rng.integers(1, 9, 320)
    sizes = rng.integers(2, 90, (320, 2))
    texts = tuple(
        matmul_affine(int(m), int(n), 8 * int(u), int(u))
        for u, (m, n) in zip(unrolls, sizes, strict=True)
    )
    registers = np.array(LEVELS)[unrolls - 1]
    # A tenth of what is learnt from is off, so that leaves near by differ.
    registers = np.where(np.arange(320) % 10 == 0, np.roll(registers, 1), registers)
    registers[240:] = np.array(LEVELS)[unrolls[240:] - 1]
    labels = {REGISTERS: registers, STACK: 16.0 * (registers > 20), CYCLES: 9.0 * sizes[:, 0]}
    return Dataset(texts=texts, labels=labels, columns={})


@pytest.fixture(scope="module")
def learnt(dataset: Dataset) -> QuantileForestModel:
    return make().fit(dataset.take(np.arange(240)), (REGISTERS, STACK, CYCLES))


def test_votes_are_labels_seen_in_training(learnt: QuantileForestModel, dataset: Dataset):
    votes, stack = learnt.votes(Parsed([text.encode() for text in dataset.texts]), [0, 1])
    assert votes.shape == (320, 25)
    assert set(np.rint(np.exp2(votes.ravel()) - 1)) <= set(LEVELS)
    assert set(np.rint(np.exp2(stack.ravel()) - 1)) == {0.0, 16.0}
    found = learnt.predict(["no MLIR", "func.func @f() {", *dataset.texts[:20]]).mean[:, 0]
    assert all(np.isclose(value, LEVELS).any() for value in found)


def test_what_jumps_is_hit_where_a_mean_is_not(learnt: QuantileForestModel, dataset: Dataset):
    test = dataset.take(np.arange(240, 320))
    programs = Parsed([text.encode() for text in test.texts])
    median = learnt.predict(test.texts).mean[:, 0]
    mean = np.exp2(learnt.votes(programs, [0])[0].mean(axis=1)) - 1
    exact = np.mean(np.rint(median) == test.labels[REGISTERS])
    assert exact > 0.85
    assert exact > np.mean(np.rint(mean) == test.labels[REGISTERS]) + 0.3


def test_a_saved_forest_predicts_the_same_bytes(
    learnt: QuantileForestModel, dataset: Dataset, tmp_path
):
    again = load_model(learnt.save_pretrained(tmp_path / "model"))
    assert again.predict(dataset.texts).mean.tobytes() == (
        learnt.predict(dataset.texts).mean.tobytes()
    )


def test_training_twice_gives_the_same_bytes(learnt: QuantileForestModel, dataset: Dataset):
    again = make().fit(dataset.take(np.arange(240)), (REGISTERS, STACK, CYCLES))
    for name, array in learnt._arrays().items():
        assert array.tobytes() == again._arrays()[name].tobytes()


def test_a_target_is_predicted_alone_as_with_others(learnt: QuantileForestModel, dataset: Dataset):
    together = learnt.predict(dataset.texts[:30]).mean
    alone = learnt.predict(dataset.texts[:30], [CYCLES, STACK]).mean
    np.testing.assert_array_equal(alone, together[:, [2, 1]])


def test_targets_with_labels_of_other_programs_have_trees_of_their_own(dataset: Dataset):
    some = np.where(np.arange(len(dataset)) % 2, np.nan, dataset.labels[REGISTERS])
    labels = {"a/registers": dataset.labels[REGISTERS], "b/registers": some}
    labels["c/registers"] = labels["a/registers"] * 2
    model = make(5)
    model.fit(Dataset(texts=dataset.texts, labels=labels, columns={}), tuple(labels))
    assert model._arrays()["of_group"].tolist() == [0, 1, 0]


class Kept:
    """A checkpoint in memory."""

    def __init__(self) -> None:
        self.arrays: dict[str, Arrays] = {}

    def load(self, name: str) -> Arrays | None:
        return self.arrays.get(name)

    def save(self, name: str, arrays: Arrays) -> None:
        self.arrays[name] = dict(arrays)


def test_an_interrupted_training_goes_on(dataset: Dataset, monkeypatch: pytest.MonkeyPatch):
    kept, targets = Kept(), (REGISTERS, STACK)
    whole = make(5).fit(dataset, targets, checkpoint=kept)
    del kept.arrays["forest-gpu-stack_bytes"]
    grown = []
    grow = QuantileForestModel._grow
    monkeypatch.setattr(
        QuantileForestModel, "_grow", lambda self, *args: grown.append(0) or grow(self, *args)
    )
    again = make(5).fit(dataset, targets, checkpoint=kept)
    assert len(grown) == 1
    for name, array in whole._arrays().items():
        assert array.tobytes() == again._arrays()[name].tobytes()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("of_group", lambda array: array[:-1]),
        ("of_group", lambda array: array + 1),
        ("of_group", lambda array: array - 1),
        ("group0.labels", lambda array: array[:1]),
        ("group0.labels", lambda array: array[:, :0]),
        ("group0.labels", lambda array: array * np.nan),
        ("group0.trees.leaf", lambda array: array[:-1]),
        ("group0.trees.left", lambda array: np.zeros_like(array)),
        ("ranker.starts", lambda array: array[:-1]),
    ],
)
def test_damaged_forests_are_refused(learnt: QuantileForestModel, name: str, change):
    arrays = {**learnt._arrays(), name: change(learnt._arrays()[name])}
    other = make()
    other.targets = learnt.targets
    with pytest.raises((ModelError, KeyError)):
        other._restore(arrays, {})


def test_training_without_scikit_learn_says_what_to_install(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
):
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(quantile_forest, "import_module", missing)
    with pytest.raises(MissingDependencyError, match="needs scikit-learn"):
        make_model("forest").fit(dataset, (REGISTERS,))


def test_what_adds_up_over_iterations_is_not_voted_on(learnt: QuantileForestModel):
    assert [is_counted(target) for target in learnt.targets] == [True, True, False]
