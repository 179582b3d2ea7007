"""Every model: what it learns, predicts, saves and refuses."""

import importlib.util
import json
import shutil
from dataclasses import fields

import numpy as np
import pytest

from costmodel._dataset import Dataset
from costmodel.errors import DatasetError, MissingDependencyError, ModelError
from costmodel.models import MODELS, Model, load_model, make_model
from costmodel.models._model import ARRAYS_FILE, CONFIG_FILE
from costmodel.testing import FLOPS, REGISTERS, SPILLS, sample_dataset

TARGETS = (FLOPS, REGISTERS, SPILLS)
# What makes training short; a name that a model's config lacks is left out.
QUICK = {
    "members": ("roofline", "ridge"),
    "rounds": 100,
    "trees": 20,
    "buckets": 512,
    "epochs": 2,
    "width": 16,
    "layers": 1,
    "max_tokens": 64,
    "hidden": 16,
}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return sample_dataset(120)


def quick(name: str) -> Model:
    settings = {field.name for field in fields(make_model(name).config)}
    return make_model(name, **{key: value for key, value in QUICK.items() if key in settings})


# Of models that differ in settings only, one.
KINDS = ("roofline", "ridge", "trees", "sites", "forest", "best", "encoder", "encoder-bins")
KINDS += ("paper-fc-op", "paper-lstm-operand", "paper-conv1d-op")


def one_thread():
    if importlib.util.find_spec("torch") is not None:
        importlib.import_module("torch").set_num_threads(1)


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest, dataset: Dataset) -> Model:
    if request.param.startswith(("encoder", "paper")):
        one_thread()
    try:
        return quick(request.param).fit(dataset.split("random", "train"), TARGETS)
    except MissingDependencyError as error:
        pytest.skip(str(error))


def test_predictions_have_the_promised_form(model: Model, dataset: Dataset):
    predictions = model.predict(dataset.texts[:7])
    assert [target.name for target in predictions.targets] == list(TARGETS)
    assert predictions.mean.shape == predictions.lower.shape == predictions.upper.shape == (7, 3)
    assert predictions.ood.shape == (7,)
    assert (predictions.mean >= 0).all()
    assert (predictions.lower <= predictions.mean).all()
    assert (predictions.mean <= predictions.upper).all()
    row = predictions[3][REGISTERS]
    assert row.value == predictions.mean[3, 1]
    assert len(predictions.to_frame()) == 21


def test_a_saved_model_predicts_the_same(model: Model, dataset: Dataset, tmp_path):
    folder = model.save_pretrained(tmp_path / "model")
    again = load_model(folder)
    assert type(again) is type(model)
    assert again.config == model.config
    one, other = model.predict(dataset.texts), again.predict(dataset.texts)
    np.testing.assert_allclose(other.mean, one.mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(other.lower, one.lower, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(other.ood, one.ood, rtol=1e-3)


def test_training_twice_gives_the_same_model(model: Model, dataset: Dataset):
    again = type(model)(model.config).fit(dataset.split("random", "train"), TARGETS)
    np.testing.assert_allclose(
        again.predict(dataset.texts[:9]).mean, model.predict(dataset.texts[:9]).mean, rtol=1e-5
    )


@pytest.mark.parametrize("text", [b"", b"\xff\x00\xfe", b"{" * 5000, "no MLIR", "\udcff"])
def test_any_text_has_a_prediction(model: Model, text: str | bytes):
    predictions = model.predict([text, b"module {}"])
    assert np.isfinite(predictions.mean).all()
    assert np.isfinite(predictions.ood).all()


def test_no_texts_have_no_predictions(model: Model):
    assert model.predict([]).mean.shape == (0, 3)


def test_a_batch_is_its_texts_one_by_one(model: Model, dataset: Dataset):
    together = model.predict(dataset.texts[:5]).mean
    alone = np.concatenate([model.predict([text]).mean for text in dataset.texts[:5]])
    np.testing.assert_allclose(alone, together, rtol=1e-4, atol=1e-4)


def test_ranking_orders_by_the_expected_value(model: Model, dataset: Dataset):
    order = model.rank(dataset.texts[:9], FLOPS)
    values = model.predict(dataset.texts[:9], [FLOPS]).mean[:, 0]
    assert sorted(order) == list(range(9))
    assert (np.diff(values[order]) >= -1e-6 * np.abs(values[order][1:])).all()


def test_a_device_stands_for_its_targets(model: Model):
    names = [target.name for target in model.predict([""], ["test-cpu"]).targets]
    assert names == [REGISTERS, SPILLS]


def test_an_unknown_target_is_refused_with_a_hint(model: Model):
    with pytest.raises(ModelError, match="Did you mean 'test-cpu/spills'"):
        model.predict([""], ["test-cpu/spill"])


def test_programs_unlike_any_other_are_told(model: Model, dataset: Dataset):
    known = model.predict(dataset.split("random", "test").texts).ood
    strange = model.predict(["%0 = quantum.entangle %a, %b : !q.bit\n" * 40, "prose, not code"]).ood
    assert (strange > 1).all()
    assert np.mean(known > 1) < 0.25


# ------------------------------------------------------------------------------- learning


@pytest.mark.parametrize("name", ["roofline", "trees"])
def test_what_follows_from_the_text_is_learnt(name: str, dataset: Dataset):
    train, test = dataset.split("random", "train"), dataset.split("random", "test")
    try:
        learnt = quick(name).fit(train, TARGETS)
    except MissingDependencyError as error:
        pytest.skip(str(error))
    actual = np.log2(1 + test.labels[FLOPS])
    errors = np.log2(1 + learnt.predict(test.texts, [FLOPS]).mean[:, 0]) - actual
    assert np.std(errors) < 0.35 * np.std(actual)


def test_too_few_labels_are_refused(dataset: Dataset):
    labels = np.full(len(dataset), np.nan)
    labels[:4] = 1.0
    few = Dataset(texts=dataset.texts, labels={"a/b": labels}, columns=dataset.columns)
    with pytest.raises(DatasetError, match="has 4 labels"):
        make_model("roofline").fit(few, ["a/b"])
    with pytest.raises(DatasetError, match="no target"):
        make_model("roofline").fit(few, [])


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_can_be_made(name: str):
    assert make_model(name, seed=3).config.seed == 3


def test_unknown_models_and_settings_are_refused():
    with pytest.raises(ModelError, match="Did you mean 'roofline'"):
        make_model("rooflin")
    with pytest.raises(ModelError, match="no setting 'l3'"):
        make_model("roofline", l3=1)


def test_a_model_that_has_learnt_nothing_says_so(tmp_path):
    with pytest.raises(ModelError, match="learnt nothing"):
        make_model("roofline").predict([""])
    with pytest.raises(ModelError, match="learnt nothing"):
        make_model("roofline").save_pretrained(tmp_path)


def test_a_target_that_was_not_learnt_is_told_with_what_is_near(dataset: Dataset):
    model = make_model("roofline").fit(dataset, TARGETS)
    device, _, quantity = REGISTERS.rpartition("/")
    with pytest.raises(ModelError, match=f"Did you mean '{REGISTERS}'.* it knows .*{REGISTERS}"):
        model.predict([""], [f"{device}/{quantity[:-1]}"])
    with pytest.raises(ModelError, match=f"Did you mean '{device}'.* devices .*{device}"):
        model.predict([""], [f"{device}x/{quantity}"])
    with pytest.raises(ModelError, match=f"'{device}' is a device. Name .*{REGISTERS}"):
        model.rank(["", ""], device)
    with pytest.raises(ModelError, match="has learnt nothing yet"):
        make_model("roofline").predict([""], [FLOPS])


# ---------------------------------------------------------------------------------- files


@pytest.fixture(scope="module")
def saved(dataset: Dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    return make_model("roofline").fit(dataset, TARGETS).save_pretrained(folder)


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "model")


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ModelError, match="There is no model"):
        load_model(tmp_path / "nothing")
    with pytest.raises(ModelError, match="is no model"):
        load_model(tmp_path)


def test_missing_weights_are_refused(folder):
    (folder / ARRAYS_FILE).unlink()
    with pytest.raises(ModelError, match="has no model"):
        load_model(folder)


def test_altered_weights_are_refused(folder):
    data = bytearray((folder / ARRAYS_FILE).read_bytes())
    data[-1] ^= 1
    (folder / ARRAYS_FILE).write_bytes(data)
    with pytest.raises(ModelError, match="checksum"):
        load_model(folder)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"format": 99}, "newer version"),
        ({"format": None}, "says no format"),
        ({"features": "other"}, "Train it again"),
        ({"kind": "trunk"}, "unknown kind"),
        ({"config": {"seed": 0, "magic": 1}}, "unknown setting 'magic'"),
        ({"targets": None}, "no list 'targets'"),
        ({"targets": [{"nam": 1}]}, "damaged"),
        ({"targets": []}, "damaged"),
    ],
)
def test_configurations_that_do_not_fit_are_refused(folder, change, match):
    file = folder / CONFIG_FILE
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(ModelError, match=match):
        load_model(folder)


def test_a_damaged_configuration_is_refused(folder):
    (folder / CONFIG_FILE).write_text("{")
    with pytest.raises(ModelError, match="damaged"):
        load_model(folder)
