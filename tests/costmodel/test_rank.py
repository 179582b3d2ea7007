"""What an order of candidates is worth."""

import numpy as np
import pytest

from costmodel._dataset import Dataset
from costmodel.errors import DatasetError
from costmodel.models import make_model
from costmodel.rank import order_of, random_score, score_orders, score_ranking
from costmodel.testing import FLOPS, sample_dataset

LATENCY = np.array([10.0, 20.0, 10.4, 40.0, 7.0, 7.0, 7.0, np.nan])
PROGRAMS = np.array(list("aaaabbbb"), dtype=object)


@pytest.fixture
def schedules() -> Dataset:
    return Dataset(
        texts=tuple("abcdefgh"), labels={"cpu/latency": LATENCY}, columns={"program": PROGRAMS}
    )


def test_the_oracle_has_no_regret(schedules):
    score = score_orders(schedules, "cpu/latency", [np.nan_to_num(LATENCY)])
    assert (score.programs, score.candidates) == (1, 4)  # the schedules of b do not differ
    assert (score.top1_regret_pct, score.measurements_to_near) == (0, 1)


def test_a_bad_order_costs_what_its_first_candidates_lose(schedules):
    score = score_orders(schedules, "cpu/latency", [np.array([3, 2, 2.5, 1, 0, 0, 0, 0])])
    assert score.top1_regret_pct == pytest.approx(300)  # 40 is first
    assert score.top5_regret_pct == 0
    assert score.measurements_to_near == 3  # 40, 20, then 10.4, near enough
    assert score.found_first_pct == 0


def test_more_is_better_where_the_target_says_so(schedules):
    score = score_orders(schedules, "cpu/latency", [np.nan_to_num(LATENCY)], "max")
    assert score.top1_regret_pct == 0
    assert order_of(np.array([1.0, 3.0, 2.0]), "max").tolist() == [1, 2, 0]


def test_random_orders_lose_what_is_expected(schedules):
    score = random_score(schedules, "cpu/latency", "min")
    assert 40 < score.top1_regret_pct < 160  # expected: (0 + 100 + 4 + 300) / 4


def test_programs_without_a_choice_are_refused(schedules):
    with pytest.raises(DatasetError, match="No program has 3 schedules"):
        score_orders(schedules.take(np.arange(4, 8)), "cpu/latency", [np.zeros(4)])
    with pytest.raises(DatasetError, match="No program has 5 schedules"):
        score_orders(schedules, "cpu/latency", [np.zeros(8)], least=5)


def test_a_model_ranks_better_than_chance():
    dataset = sample_dataset(160)
    model = make_model("roofline").fit(dataset, [FLOPS])
    learnt = score_ranking(model, dataset, FLOPS)
    chance = random_score(dataset, FLOPS, "min")
    assert learnt.programs == chance.programs == 40
    assert learnt.top1_regret_pct < 0.2 * chance.top1_regret_pct
    assert learnt.measurements_to_near < chance.measurements_to_near
