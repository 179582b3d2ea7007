"""The lottery: what its files ask for, what it concludes, and its page."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from archgym.agents import AGENTS
from archgym.envs import make_problem
from archgym.objective import Objective
from archgym.sweep import Sweep, SweepConfig
from experiments.lottery import answers
from experiments.lottery.__main__ import FILES, HERE, _with_tables
from experiments.lottery.figures import BROWSERS, write_svgs
from experiments.lottery.page import joined, write_page

BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    rng = np.random.default_rng(8)
    skill = {"random_walk": 0.5, "genetic": 0.9, "local_search": 0.7}
    rows = [
        {
            **{"run": f"{problem}{agent}{setting}{seed}{budget}", "problem": problem},
            **{"agent": agent, "setting": setting, "seed": seed, "budget": budget},
            **{"status": "complete", "error": None, "objective": "latency_ns", "objectives": 1},
            **{"evaluations": budget, "cached": 0, "infeasible": 0, "failed": 0},
            **{"best_reward": (reward := mean + 0.05 * rng.random()), "ask_s": 0.1},
            **{"evaluate_s": 0.1, "curve_evaluations": [1], "curve_rewards": [reward]},
            **{"front_evaluations": [], "front_rewards": []},
        }
        for problem in ("one", "two")
        for agent, mean in skill.items()
        for setting in range(1 if agent == "random_walk" else 5)
        for seed in range(4)
        for budget in (10, 100)
    ]
    optima = {name: {"reward": 1.0, "front": None} for name in ("one", "two")}
    return Sweep(pd.DataFrame(rows), {"optima": optima, "config": {}, "command": []})


@pytest.mark.parametrize("name", FILES)
def test_every_sweep_file_names_known_agents_settings_and_objectives(name):
    config = SweepConfig.from_file(HERE / f"{name}.toml")
    for agent in config.agents:
        assert agent.name in AGENTS
        if agent.settings:
            assert AGENTS[agent.name].Config.search_ranges().size >= agent.settings
    for problem in config.problems:
        made = make_problem(problem.name, **problem.config)
        if problem.objective is not None:
            assert {t.metric for t in Objective.from_spec(problem.objective).terms} <= set(
                made.metrics
            )


def test_the_lottery_is_as_large_as_it_claims():
    config = SweepConfig.from_file(HERE / "fast.toml")
    drawing = [agent for agent in config.agents if agent.settings >= 64]
    assert len(drawing) >= 8
    assert config.seeds >= 10
    assert len(config.problems) >= 4
    assert set(config.budgets) == {100, 1000}
    settings = sum(agent.settings + 1 for agent in config.agents)
    assert settings * config.seeds * len(config.problems) >= 20_000
    assert {"random_walk"} <= {agent.name for agent in config.agents}


def test_all_sweeps_search_the_same_problems():
    problems = {
        tuple(problem.label for problem in SweepConfig.from_file(HERE / f"{name}.toml").problems)
        for name in FILES
    }
    assert len(problems) == 1


def test_a_table_in_the_folder_given_is_preferred(tmp_path):
    config = SweepConfig.from_file(HERE / "fast.toml")
    name = config.problems[0].ground_truth
    (tmp_path / f"{name}.parquet").touch()
    found = _with_tables(config, tmp_path, print)
    assert found.problems[0].ground_truth == str(tmp_path / f"{name}.parquet")


def test_a_problem_without_a_table_is_left_out_and_said_to_be(tmp_path):
    config = SweepConfig.from_file(HERE / "fast.toml")
    strange = replace(config.problems[0], label="strange", ground_truth="no-such-table")
    told: list[str] = []
    found = _with_tables(
        replace(config, problems=(*config.problems[:1], strange)), tmp_path, told.append
    )
    assert [problem.label for problem in found.problems] == [config.problems[0].label]
    assert "no-such-table.parquet" in told[0]
    assert "experiments.ground_truth" in told[0]


def test_pairs_are_equal_different_or_neither():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(4, 10))
    twin = base + rng.normal(scale=0.002, size=(4, 10))
    noisy = base + rng.normal(scale=1.0, size=(4, 10))
    found = answers.equality("x", {"a": base, "twin": twin, "worse": base - 1.0, "noisy": noisy})
    assert found.pairs == 6
    assert found.equivalent == 1
    assert 2 <= found.different <= 3
    assert found.largest > 0.9


def test_the_page_answers_every_question_with_intervals(sweep, tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.lottery.figures.BROWSERS", ())
    page = write_page(sweep, {"slow_lottery": sweep}, tmp_path, ["fast.toml: 1 run"])
    text = page.read_text(encoding="utf-8")
    for question in (
        "Does a random setting beat random search?",
        "What is a ticket worth?",
        "What do the defaults miss?",
        "What explains the differences between runs?",
        "Are all agents equally good: 100 evaluations, tuned on each problem?",
    ):
        assert question in text
    assert "100 % [100, 100] of the settings of genetic" in text
    assert "| genetic | " in text
    assert "fast.toml: 1 run" in text
    assert "figures/" not in text  # nothing was drawn
    agents = pd.read_csv(tmp_path / "tables" / "agents.csv")
    best = agents[(agents["agent"] == "genetic") & (agents["budget"] == 100)].iloc[0]
    assert 0.9 <= best["score_low"] <= best["score_value"] <= best["score_high"] <= 0.95


def test_the_portfolio_is_held_against_every_other_agent(sweep):
    assert answers.portfolio_table(sweep, 100) is None
    renamed = sweep.every_run.replace({"agent": {"genetic": "portfolio"}})
    text = answers.portfolio_table(Sweep(renamed, sweep.description), 100)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]
    assert [row[0] for row in rows] == ["local_search", "random_walk"]
    assert [round(float(row[1].split()[0]), 1) for row in rows] == [0.2, 0.4]
    assert {row[2] for row in rows} == {"100 % [100, 100]"}


def test_the_page_says_how_much_of_a_front_is_found(sweep, tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.lottery.figures.BROWSERS", ())
    runs = sweep.every_run.copy()
    two = runs["problem"] == "two"
    runs.loc[two, "objectives"] = 2
    runs["front_rewards"] = [
        [[reward, 1.0]] if several else []
        for several, reward in zip(two, runs["best_reward"], strict=True)
    ]
    runs["front_evaluations"] = [[1] if several else [] for several in two]
    optima = {**sweep.optima, "two": {"reward": 1.0, "front": [[1.0, 1.0]]}}
    both = Sweep(runs, {**sweep.description, "optima": optima})
    text = write_page(both, {}, tmp_path, []).read_text(encoding="utf-8")
    assert text.count("| agent | share of hypervolume | hypervolume difference | ADRS |") == 2
    row = both.fronts[100]["two"][0]
    assert row.agent == "genetic"
    assert answers.fronts_table([row]) in text


def test_sweeps_are_joined_without_repeating_runs(sweep):
    half = sweep.every_run[sweep.every_run["agent"] != "genetic"]
    both = joined([Sweep(half, sweep.description), sweep])
    assert len(both.every_run) == len(sweep.every_run)
    assert set(both.goals) == {"one", "two"}


@pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome found")
def test_figures_are_drawn_as_svg(tmp_path):
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3, 4], name="</script> é"))
    figure.update_layout(height=300, showlegend=True)
    (path,) = write_svgs({"one": figure}, tmp_path)
    svg = path.read_text(encoding="utf-8")
    assert svg.startswith("<svg")
    assert 'height="300"' in svg
    assert "é" in svg
