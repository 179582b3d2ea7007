"""An ensemble: what its weights are made from, and who decides that there is none."""

from dataclasses import replace

import numpy as np
import pytest

from costmodel._text import all_to_bytes
from costmodel.errors import ModelError
from costmodel.models import Model, make_model
from costmodel.models._ensemble import EnsembleConfig, EnsembleModel, _stacked
from costmodel.models._odds import Odds
from costmodel.models._votes import VoteChoice
from costmodel.testing import REGISTERS, SPILLS, sample_dataset


@pytest.mark.parametrize("given", [True, False])
def test_members_weights_and_intervals_come_from_different_programs(
    given: bool, monkeypatch: pytest.MonkeyPatch
):
    seen: dict[str, tuple[object, ...]] = {}
    weigh, cover = EnsembleModel._weigh, Model._calibrate

    def weighs(model, texts, labels):
        seen["weighed"] = tuple(texts)
        weigh(model, texts, labels)

    def covers(model, learnt, calibration):
        if isinstance(model, EnsembleModel):
            seen["learnt"], seen["covered"] = tuple(learnt), all_to_bytes(calibration.texts)
        cover(model, learnt, calibration)

    monkeypatch.setattr(EnsembleModel, "_weigh", weighs)
    monkeypatch.setattr(Model, "_calibrate", covers)
    dataset = replace(sample_dataset(240), columns={})  # so that each text is a program
    learn, back = dataset.halves(0.4, 1)
    model = EnsembleModel(EnsembleConfig(members=("ridge", "roofline")))
    model.fit(learn if given else dataset, (REGISTERS,), calibration=back if given else None)
    learnt, weighed, covered = (set(seen[name]) for name in ("learnt", "weighed", "covered"))
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


def test_there_is_none_where_that_is_more_probable():
    pytest.importorskip("lightgbm", reason="LightGBM is not installed: no trees")
    dataset = sample_dataset(120)
    model = make_model("best", members=("sites", "roofline"))
    model.fit(dataset, (REGISTERS, SPILLS))
    found = model.predict(dataset.texts)
    chance = found.nonzero_probability
    assert np.isnan(chance[:, 0]).all()  # there are always registers
    none = chance[:, 1] < 0.5
    assert none.any()
    assert not none.all()
    assert np.array_equal(np.rint(found.mean[:, 1]) == 0, none)


def test_odds_hear_those_who_have_a_say_and_trust_the_better_of_them():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.0, 1.0, 2000)
    some = rng.uniform(size=2000) < truth
    chances = np.stack([rng.uniform(0.0, 1.0, 2000), np.full(2000, np.nan), truth], axis=1)
    odds = Odds.fit(chances, some)
    assert odds.weights[1] == 0.0
    assert odds.weights[2] > 5 * odds.weights[0]
    assert np.abs(odds.chance(chances) - truth).mean() < 0.05
    again = Odds.from_row(odds.to_row())
    assert np.array_equal(again.chance(chances), odds.chance(chances))


def test_odds_of_those_who_have_no_say_are_none():
    odds = Odds.fit(np.full((5, 2), np.nan), np.ones(5, dtype=bool))
    assert np.isnan(odds.chance(np.full((3, 2), np.nan))).all()
    with pytest.raises(ModelError, match="probabilities are damaged"):
        Odds.from_row(np.array([-1.0, 0.0]))


def test_counts_are_votes_of_the_forest():
    pytest.importorskip("lightgbm", reason="LightGBM is not installed: no trees")
    dataset = sample_dataset(240)
    pressure = dataset.labels[REGISTERS]
    name = "test-cpu/registers"
    counted = replace(dataset, labels={name: pressure})
    model = make_model("best", members=("sites", "forest")).fit(counted, (name,))
    model._parts = (replace(model._parts[0], choice=VoteChoice("mode", 1.0)),)
    seen = set(counted.labels[name])
    found = model.predict(dataset.texts).mean[:, 0]
    assert all(np.abs(value - np.array(list(seen))).min() < 1e-9 for value in found)


def test_damaged_choices_are_refused():
    with pytest.raises(ModelError, match="choice of votes"):
        VoteChoice.from_row(np.array([7.0, 1.0]))
    with pytest.raises(ModelError, match="choice of votes"):
        VoteChoice.from_row(np.array([1.0, -1.0]))
