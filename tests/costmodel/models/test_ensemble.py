"""An ensemble: what its weights are made from, and who decides that there is none."""

from dataclasses import replace

import numpy as np
import pytest

from costmodel.errors import ModelError
from costmodel.models import make_model
from costmodel.models._ensemble import EnsembleConfig, EnsembleModel, _stacked
from costmodel.models._votes import VoteChoice
from costmodel.testing import REGISTERS, SPILLS, sample_dataset


class Recorded(EnsembleModel):
    """Keeps what its weights and its intervals were made from."""

    weighed: tuple[bytes, ...] = ()
    covered: tuple[bytes, ...] = ()

    def _weigh(self, texts, labels):
        self.weighed = tuple(texts)
        super()._weigh(texts, labels)

    def _calibrate(self, learnt, texts, labels):
        self.learnt, self.covered = tuple(learnt), tuple(texts)
        super()._calibrate(learnt, texts, labels)


@pytest.mark.parametrize("given", [True, False])
def test_members_weights_and_intervals_come_from_different_programs(given: bool):
    dataset = replace(sample_dataset(240), columns={})  # so that each text is a program
    learn, back = dataset.halves(0.4, 1)
    model = Recorded(EnsembleConfig(members=("ridge", "roofline")))
    model.fit(learn if given else dataset, (REGISTERS,), calibration=back if given else None)
    learnt, weighed, covered = set(model.learnt), set(model.weighed), set(model.covered)
    assert learnt.isdisjoint(weighed | covered)
    assert weighed.isdisjoint(covered)
    assert 0.3 < len(weighed) / len(weighed | covered) < 0.7
    if given:
        assert learnt == {text.encode() for text in learn.texts}


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


def test_counts_are_votes_of_the_forest():
    pytest.importorskip("lightgbm", reason="LightGBM is not installed: no trees")
    dataset = sample_dataset(240)
    pressure = dataset.labels[REGISTERS]
    name = "test-cpu/registers"
    counted = replace(dataset, labels={name: pressure})
    model = make_model("best", members=("sites", "forest")).fit(counted, (name,))
    model._choices = (VoteChoice("mode", 1.0),)
    seen = set(counted.labels[name])
    found = model.predict(dataset.texts).mean[:, 0]
    assert all(np.abs(value - np.array(list(seen))).min() < 1e-9 for value in found)


def test_damaged_choices_are_refused():
    with pytest.raises(ModelError, match="choice of votes"):
        VoteChoice.from_row(np.array([7.0, 1.0]))
    with pytest.raises(ModelError, match="choice of votes"):
        VoteChoice.from_row(np.array([1.0, -1.0]))
