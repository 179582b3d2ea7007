"""An ensemble: what its weights are made from, and who decides that there is none."""

import numpy as np
import pytest

from costmodel._dataset import Dataset
from costmodel.models import make_model
from costmodel.models._ensemble import _held_back, _stacked
from costmodel.testing import REGISTERS, SPILLS, sample_dataset


def with_families(count: int) -> Dataset:
    dataset = sample_dataset(120)
    families = np.array([f"f{i % count}" for i in range(len(dataset))], dtype=object)
    return Dataset(
        texts=dataset.texts,
        labels=dataset.labels,
        columns={**dataset.columns, "family": families},
    )


def test_weights_are_made_on_new_programs_of_known_families_and_on_new_families():
    dataset = with_families(16)
    known, back = _held_back(dataset, 0)
    assert len(known) + len(back) == len(dataset)
    families, others = set(known.columns["family"]), set(back.columns["family"])
    assert others - families
    assert others & families
    again, _ = _held_back(dataset, 0)
    assert again.texts == known.texts


def test_few_families_are_not_held_back_whole():
    known, back = _held_back(with_families(3), 0)
    assert set(known.columns["family"]) == set(back.columns["family"])


def test_a_member_that_is_right_gets_the_weight():
    rng = np.random.default_rng(0)
    goals = rng.normal(5.0, 2.0, 400)
    noisy = goals + rng.normal(0.0, 3.0, 400)
    weights = _stacked(np.stack([noisy, goals], axis=1), goals)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[1] > 0.9


def test_what_the_sites_round_to_none_is_none():
    pytest.importorskip("lightgbm", reason="LightGBM is not installed: no trees")
    dataset = sample_dataset(120)
    model = make_model("best", members=("sites", "roofline"))
    model.fit(dataset, (REGISTERS, SPILLS))
    ours = model.predict(dataset.texts).mean[:, 1]
    sites = model.members[0].predict(dataset.texts).mean[:, 1]
    none = np.rint(sites) == 0
    assert none.any()
    assert ours[none] == pytest.approx(sites[none])
