"""The tuning of the agents' defaults: its two stages, and that the defaults are what it found."""

import csv
import json
from collections import defaultdict
from pathlib import Path

import pytest

from archgym.agents import AGENTS
from experiments.agents import coco, tuning

TABLE = Path(tuning.__file__).with_name("tuning.csv")
CLEAR = 0.25  # of a rank


def second_stages() -> dict[str, list[dict[str, str]]]:
    found = defaultdict(list)
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["stage"] == "2":
                found[row["agent"]].append(row)
    return found


@pytest.mark.parametrize(("agent", "rows"), second_stages().items())
def test_the_defaults_are_the_best_of_the_second_stage_where_it_is_clearly_ahead(agent, rows):
    best = min(rows, key=lambda row: float(row["mean_rank"]))
    before = next(row for row in rows if row["setting"] == "0")
    ahead = float(before["mean_rank"]) - float(best["mean_rank"])
    chosen = json.loads((best if ahead >= CLEAR else before)["hyperparameters"])
    for name, value in AGENTS[agent].Config().to_dict().items():
        # Rounded by hand.
        close = value if isinstance(value, str | bool) else pytest.approx(value, rel=0.05)
        assert chosen[name] == close, name


def test_the_second_stage_holds_the_best_of_the_first_and_the_defaults(monkeypatch):
    monkeypatch.setattr(tuning, "WORKLOADS", ("fft",))
    monkeypatch.setattr(tuning, "REQUESTS", 30)
    tuning.problem.cache_clear()
    rows = list(tuning.tune("local_search", settings=6, seeds=1, budget=12))
    tuning.problem.cache_clear()
    first = {row["setting"]: row["mean_rank"] for row in rows if row["stage"] == 1}
    second = [row["setting"] for row in rows if row["stage"] == 2]
    assert list(first) == list(range(7))
    assert 0 in second
    worst = max(first[setting] for setting in second if setting != 0)
    assert sum(rank < worst for rank in first.values()) < tuning.FINALISTS + 1
    assert sum(first.values()) == pytest.approx(7 * 4, abs=0.1)


def test_agents_run_on_a_function_of_coco():
    pytest.importorskip("cocoex", reason="coco-experiment is not installed")
    values = coco.best_values("random_walk", 5, 3, [0])
    assert len(values) == 24
    assert all(0 < value < float("inf") for value in values)
