"""New targets from few programs."""

import numpy as np
import pytest

from costmodel import CostModel
from costmodel._dataset import Dataset
from costmodel._metrics import coverage_pct
from costmodel.errors import DatasetError, ModelError
from costmodel.models import load_model, make_model
from costmodel.models._adapted import AdaptedModel
from costmodel.testing import FLOPS, REGISTERS, sample_dataset


def other_device(dataset: Dataset) -> Dataset:
    """A device with three registers more, and half the rest."""
    labels = {"other-cpu/register_pressure": 3.0 + dataset.labels[REGISTERS] / 2}
    return Dataset(texts=dataset.texts, labels=labels, columns=dataset.columns)


@pytest.fixture(scope="module")
def base() -> CostModel:
    return CostModel(make_model("roofline").fit(sample_dataset(200), [FLOPS, REGISTERS]))


@pytest.fixture(scope="module")
def adapted(base: CostModel) -> CostModel:
    return base.adapt(other_device(sample_dataset(40, seed=5)), ["other-cpu/register_pressure"])


def test_few_programs_are_enough_if_another_device_is_known(adapted: CostModel):
    test = other_device(sample_dataset(100, seed=6))
    actual = test.labels["other-cpu/register_pressure"]
    got = adapted.predict(test.texts)
    assert np.sqrt(np.mean((got.mean[:, 0] - actual) ** 2)) < 0.35 * actual.std()
    assert coverage_pct(actual, got.lower[:, 0], got.upper[:, 0]) > 80


def test_an_adapted_model_survives_being_saved(adapted: CostModel, tmp_path):
    again = CostModel.from_pretrained(adapted.save_pretrained(tmp_path / "m"))
    texts = sample_dataset(9, seed=7).texts
    np.testing.assert_allclose(again.predict(texts).mean, adapted.predict(texts).mean, rtol=1e-6)
    assert [t.name for t in again.targets] == ["other-cpu/register_pressure"]


def test_too_few_labels_are_refused(base: CostModel):
    few = other_device(sample_dataset(8))
    with pytest.raises(DatasetError, match="8 labels"):
        base.adapt(few, few.targets)


def test_another_base_is_refused(adapted: CostModel, tmp_path):
    folder = adapted.save_pretrained(tmp_path / "m")
    make_model("roofline").fit(sample_dataset(60), [FLOPS]).save_pretrained(folder / "base")
    with pytest.raises(ModelError, match="another model"):
        load_model(folder)


def test_a_model_without_a_base_says_so():
    with pytest.raises(ModelError, match="no trained model"):
        AdaptedModel().fit_few(sample_dataset(30), [FLOPS])
