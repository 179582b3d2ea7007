"""The page about a sweep: scores and tables of runs made up by hand, figures, a real browser."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from archgym import plots
from archgym.errors import RecordError
from archgym.report import build_sweep_report, interval, percent, write_report
from archgym.report._convergence import hypervolume_progress
from archgym.stats import Estimate, rank_agents
from archgym.sweep import Sweep, is_sweep
from archgym.sweep._rows import write_rows
from archgym.sweep._scores import cubes, goals, scored
from archgym.sweep.tables import agent_rows, ecdfs, grid, progress, target_rewards, tickets

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
OPTIMA = {
    "one": {"reward": 2.0, "front": None, "objective": "latency_ns", "design": {}},
    "two": {"reward": 1.5, "front": [[2.0, 1.0], [1.0, 2.0]], "objective": "pareto:a,b"},
}


def row(problem, agent, setting, seed, budget, reward, **changes):
    several = problem == "two"
    return {
        "run": f"{problem}-{agent}-{setting}-{seed}-{budget}",
        **{"problem": problem, "agent": agent, "setting": setting, "seed": seed, "budget": budget},
        **{"status": "complete", "error": None, "objective": "latency_ns"},
        **{"objectives": 2 if several else 1, "evaluations": budget, "cached": 10},
        **{"infeasible": 5, "failed": 0, "best_reward": reward, "ask_s": 0.11},
        **{"evaluate_s": 0.1, "curve_evaluations": [1, 10], "curve_rewards": [0.0, reward]},
        "front_evaluations": [1, 10] if several else [],
        "front_rewards": [[0.5, 0.5], [reward, 1.0]] if several else [],
        **changes,
    }


def table(budgets=(50, 100), seeds=4) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    skill = {"random_walk": 0.8, "genetic": 1.4, "<b>mine</b>": 1.2}
    rows = [
        row(problem, agent, setting, seed, budget, mean + 0.1 * setting / 9 + 0.1 * rng.random())
        for problem in ("one", "two")
        for agent, mean in skill.items()
        for setting in range(1 if agent == "random_walk" else 9)
        for seed in range(seeds)
        for budget in budgets
    ]
    return pd.DataFrame(rows)


DESCRIPTION = {
    **{"optima": OPTIMA, "config": {"seed": 0}, "fingerprints": {}},
    **{"version": "1", "command": ["archgym"]},
}


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    return Sweep(table(), DESCRIPTION)


@pytest.fixture(scope="module")
def page(sweep) -> str:
    return build_sweep_report(sweep)


def test_a_score_is_the_share_of_the_possible_improvement():
    runs = pd.DataFrame(
        [row("one", "a", 0, seed, 50, reward) for seed, reward in enumerate([2.0, 1.0, 0.0, -2.0])]
    )
    found = scored(runs, goals(runs, OPTIMA))
    assert found["score"].tolist() == [1.0, 0.5, 0.0, -1.0]
    assert found["regret"].tolist() == [0.0, 1.0, 2.0, 4.0]


def test_a_score_of_several_objectives_is_the_share_of_the_hypervolume():
    runs = pd.DataFrame(
        [
            row("two", "a", 0, 0, 50, 1.5, front_rewards=[[2.0, 1.0]]),
            row("two", "a", 0, 1, 50, 1.5, front_rewards=[[1.0, 2.0], [2.0, 1.0]]),
            row("two", "a", 0, 2, 50, None, front_rewards=[]),
        ]
    )
    # Above the default design, (0, 0), the front covers 3 and its first point 2.
    assert scored(runs, goals(runs, OPTIMA))["score"].tolist() == pytest.approx([2 / 3, 1.0, 0.0])


def test_where_no_optimum_is_known_the_best_run_stands_for_it():
    runs = pd.DataFrame([row("new", "a", 0, s, 50, reward) for s, reward in enumerate([1.0, 4.0])])
    known = goals(runs, {})
    assert (known["new"].exact, known["new"].reward) == (False, 4.0)
    assert scored(runs, known)["score"].tolist() == [0.25, 1.0]


def test_a_default_design_that_is_optimal_still_gives_finite_scores():
    runs = pd.DataFrame([row("flat", "a", 0, s, 50, reward) for s, reward in enumerate([0.0, -1])])
    assert scored(runs, goals(runs, {}))["score"].tolist() == [1.0, 0.0]


def test_a_run_that_found_nothing_scores_like_the_worst():
    runs = pd.DataFrame(
        [row("one", "a", 0, s, 50, reward) for s, reward in enumerate([1.0, -1.0, np.nan])]
    )
    assert scored(runs, goals(runs, OPTIMA))["score"].tolist() == [0.5, -0.5, -0.5]


def test_settings_that_lack_a_run_are_left_out_everywhere(sweep):
    runs = sweep.runs.drop(sweep.runs.index[(sweep.runs["setting"] == 3)][0])
    whole, partly = cubes(sweep.runs, 50), cubes(runs, 50)
    assert (whole.left_out, partly.left_out) == (0, 1)
    assert whole.values["genetic"].shape == (2, 9, 4)
    shapes = {agent: cube.shape[1] for agent, cube in partly.values.items()}
    assert sorted(shapes.values()) == [1, 8, 9]


def test_a_cube_holds_every_run_in_its_place(sweep):
    found = cubes(sweep.runs, 100)
    runs = sweep.runs
    for problem, agent, setting, seed in (("one", "genetic", 4, 2), ("two", "<b>mine</b>", 8, 0)):
        chosen = (
            (runs["problem"] == problem)
            & (runs["agent"] == agent)
            & (runs["setting"] == setting)
            & (runs["seed"] == seed)
            & (runs["budget"] == 100)
        )
        place = (
            found.problems.index(problem),
            found.settings[agent].index(setting),
            found.seeds.index(seed),
        )
        assert found.values[agent][place] == runs[chosen]["score"].item()


def test_agents_are_listed_best_first_with_what_they_cost(sweep):
    rows = agent_rows(sweep.runs, sweep.goals, 100)
    assert [each.agent for each in rows] == ["genetic", "<b>mine</b>", "random_walk"]
    best, worst = rows[0], rows[-1]
    assert worst.beats_random is None
    assert best.beats_random is not None
    assert best.beats_random.value == 1.0
    assert best.regret.value == pytest.approx(2.0 - 1.45, abs=0.06)
    assert (best.feasible, best.unique) == (0.95, 100 / 110)
    assert best.ask_ms == pytest.approx(1.0)
    for each in rows:
        assert each.score.low <= each.score.value <= each.score.high


def test_fronts_are_measured_against_the_exact_one_in_two_ways():
    found = {"all": [[1.0, 2.0], [2.0, 1.0]], "one end": [[2.0, 1.0]], "nothing": []}
    runs = pd.DataFrame(
        [
            row("two", agent, 0, seed, 50, 1.5, front_rewards=rewards)
            for agent, rewards in found.items()
            for seed in (0, 1)
        ]
    )
    sweep = Sweep(runs, DESCRIPTION)
    rows = sweep.fronts[50]["two"]
    assert [each.agent for each in rows] == ["all", "one end", "nothing"]
    assert [each.share.value for each in rows] == pytest.approx([1, 2 / 3, 0])
    assert [each.missing.value for each in rows] == pytest.approx([0, 1 / 3, 1])
    # An octave below (1, 2) in one metric is twice as much, and (2, 1) itself was found.
    assert [each.adrs.value for each in rows] == pytest.approx([0, 0.5, 0.5])


def test_fronts_have_intervals_over_seeds_and_stand_on_the_page(sweep, page):
    rows = {each.agent: each for each in sweep.fronts[100]["two"]}
    assert set(rows) == {"random_walk", "genetic", "<b>mine</b>"}
    for each in rows.values():
        assert each.missing.low < each.missing.value < each.missing.high
        assert each.adrs.low < each.adrs.value < each.adrs.high
        assert each.share.value == pytest.approx(1 - each.missing.value)
    assert set(sweep.fronts[100]) == {"two"}
    assert "Fronts of several objectives" in page
    assert interval(rows["genetic"].adrs) in page


def test_where_no_run_found_anything_a_front_is_at_no_distance():
    runs = pd.DataFrame([row("two", "a", 0, s, 50, None, front_rewards=[]) for s in (0, 1)])
    (found,) = Sweep(runs, DESCRIPTION).fronts[50]["two"]
    assert found.share.value == 0
    assert interval(found.adrs) == "-"


def test_progress_gives_quartiles_of_the_defaults(sweep):
    mine = sweep.runs[sweep.runs["problem"] == "one"]
    curves = progress(mine, sweep.goals["one"], 100)
    genetic = curves[curves["agent"] == "genetic"].set_index("evaluation")
    assert genetic.loc[1, "median"] == 2.0
    defaults = mine[(mine["agent"] == "genetic") & (mine["setting"] == 0) & (mine["budget"] == 100)]
    assert genetic.loc[100, "median"] == pytest.approx(np.median(defaults["regret"]))
    volumes = progress(sweep.runs[sweep.runs["problem"] == "two"], sweep.goals["two"], 100)
    assert volumes["median"].between(0, 1).all()
    assert volumes[volumes["evaluation"] == 1]["median"].tolist() == pytest.approx([0.25 / 3] * 3)


def test_targets_are_quantiles_of_the_designs_where_they_are_known(sweep):
    known = sweep.goals["one"]
    assert target_rewards(known, {"quantiles": {"0.01": 1.5, "0": 2.0}}).tolist() == [1.5, 2.0]
    assert target_rewards(known, None)[0] == pytest.approx(1.0, abs=1e-3)


def test_targets_are_reached_with_evaluations(sweep):
    shares = ecdfs(sweep.runs, sweep.goals, OPTIMA, 100)
    assert set(shares) == {"random_walk", "genetic", "<b>mine</b>"}
    assert len(shares["genetic"]) == len(grid(100))
    # Rewards near 1.45 of 2: half of the gain is reached at once, three quarters are not.
    assert shares["genetic"][0] == 0.0
    assert shares["genetic"][-1] == pytest.approx(1 / 6)


def test_lottery_rows_know_tickets_defaults_and_random_search(sweep):
    rows = {each.agent: each for each in sweep.lottery[100]}
    assert set(rows) == {"genetic", "<b>mine</b>"}
    genetic = rows["genetic"]
    assert genetic.settings == 8
    assert genetic.curve.counts == (1, 2, 4, 8)
    assert genetic.beat_random is not None
    assert genetic.beat_random.value == 1.0
    assert genetic.curve.best[-1] > genetic.curve.best[0]
    assert genetic.beaten_by_defaults < 0.5
    assert tickets(64)[-1] == 64
    assert tickets(5) == [1, 2, 4, 5]


def test_the_page_says_who_is_best_and_how_sure_that_is(page):
    bare = re.sub(r"<script.*?</script>|<style.*?</style>|<[^>]+>", "", page, flags=re.S)
    text = html.unescape(bare)
    assert "With default hyperparameters and 100 evaluations, genetic scores best: 0." in text
    assert "Friedman's test that all agents are the same: p" in text
    for heading in ("Performance profile", "Critical differences", "The hyperparameter lottery"):
        assert heading in text
    assert "What explains the differences between runs" in text
    assert "Evaluations to targets" in text
    assert "hypervolume" in text


def test_the_page_calls_agents_equal_only_by_a_test_of_equivalence():
    runs = table(budgets=(50,), seeds=8)
    runs = runs[runs["setting"] == 0]
    twin = runs[runs["agent"] == "genetic"].assign(agent="twin")
    text = build_sweep_report(Sweep(pd.concat([runs, twin], ignore_index=True), DESCRIPTION))
    assert "uncorrected: 1 of 6 pairs (genetic and twin)." in text
    assert "not to say that they are equal" in text


def test_names_of_agents_cannot_break_the_page(page):
    assert "<b>mine</b>" not in page
    assert "&lt;b&gt;mine&lt;/b&gt;" in page


def test_the_page_needs_no_network(page):
    outside = re.sub(r"<script.*?</script>", "", page, flags=re.S)
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', outside)


def test_a_sweep_of_defaults_alone_has_a_page_without_a_lottery():
    runs = table()
    runs = runs[runs["setting"] == 0]
    text = build_sweep_report(Sweep(runs, {"optima": {}}))
    assert "lottery" not in text.split("</script>", 1)[1]
    assert "is not known" in text


def test_a_sweep_of_one_agent_and_one_seed_has_a_page():
    runs = table(budgets=(50,), seeds=1)
    text = build_sweep_report(Sweep(runs[runs["agent"] == "genetic"], DESCRIPTION))
    assert "Critical differences" not in text


def lacks_a_seed_of_the_defaults(runs):
    return (runs["setting"] == 0) & (runs["seed"] == 1) & (runs["agent"] != "random_walk")


@pytest.mark.parametrize(
    ("lacking", "says"),
    [
        (lambda runs: runs["setting"] == 0, "No agent ran with its default hyperparameters"),
        (lacks_a_seed_of_the_defaults, "settings have not run on every problem and seed"),
        (lambda runs: runs["seed"] != runs["setting"] % 2, "settings have not run on every"),
        (lambda runs: (runs["problem"] == "two") & (runs["agent"] == "genetic"), "left out of all"),
    ],
)
def test_a_sweep_that_lacks_runs_still_has_a_page(lacking, says):
    runs = table(budgets=(100,), seeds=2)
    whole = runs[~lacking(runs)].reset_index(drop=True)
    assert says in build_sweep_report(Sweep(whole, DESCRIPTION))


def test_failed_runs_are_shown_and_not_counted():
    runs = table(budgets=(50,))
    runs.loc[runs.index[-1], ["status", "error"]] = ["failed", "RuntimeError: <boom>"]
    text = build_sweep_report(Sweep(runs, DESCRIPTION))
    assert "RuntimeError: &lt;boom&gt;" in text
    assert "1 failed" in text
    with pytest.raises(RecordError, match="no complete run"):
        _ = Sweep(runs.assign(status="failed"), DESCRIPTION).runs


def test_no_figure_needs_colour(sweep):
    figure = plots.lottery_figure(
        {each.agent: each.curve for each in sweep.lottery[100]}, None, sweep.styles
    )
    lines = [each for each in figure.data if each.mode == "lines+markers"]
    assert len({(line.line.dash, line.marker.symbol) for line in lines}) == len(lines) == 2
    bars = plots.variance_figure({"100": sweep.variance[100]}).data
    assert len({bar.marker.pattern.shape for bar in bars}) == len(bars) == 6


def test_an_agent_looks_the_same_in_every_figure(sweep):
    lottery = plots.lottery_figure(
        {each.agent: each.curve for each in sweep.lottery[100]}, None, sweep.styles
    )
    ranks = plots.ranking_figure(sweep.rankings[100], sweep.styles)
    symbol = next(t.marker.symbol for t in lottery.data if t.name == "genetic" and t.marker.symbol)
    points = ranks.data[-1]
    place = list(sweep.rankings[100].ranks).index("genetic")
    assert points.marker.symbol[place] == symbol


def test_a_bar_joins_agents_that_were_not_told_apart():
    base = np.random.default_rng(1).normal(size=30)
    scores = {"a": base + 3, "b": base + 3 + np.resize([0.01, -0.01], 30), "c": base}
    figure = plots.ranking_figure(rank_agents(scores))
    bars = [each for each in figure.data if each.mode == "lines"]
    assert len(bars) == 1
    assert max(bars[0].y) - min(bars[0].y) == pytest.approx(1.5)


def test_estimates_are_written_with_their_interval():
    estimate = Estimate(value=0.51234, low=0.4, high=0.6)
    assert interval(estimate) == "0.512 [0.4, 0.6]"
    assert percent(estimate) == "51 % [40, 60]"
    assert interval(None) == percent(None) == "-"


def test_the_command_recognises_the_folder_of_a_sweep(tmp_path, sweep):
    write_rows(tmp_path / "runs.parquet", sweep.every_run.to_dict("records"), OPTIMA)
    (tmp_path / "sweep.json").write_text(json.dumps(DESCRIPTION))
    assert is_sweep(tmp_path)
    assert "The hyperparameter lottery" in write_report(tmp_path).read_text(encoding="utf-8")


def test_a_sweep_that_has_not_ended_is_refused_with_the_remedy(tmp_path):
    (tmp_path / "sweep.json").write_text("{}")
    with pytest.raises(RecordError, match="no finished sweep"):
        write_report(tmp_path)


def trials(rewards, **columns) -> pd.DataFrame:
    names = ["reward.a", "reward.b"]
    return pd.DataFrame(rewards, columns=names).assign(
        **{"run": "r", "agent": "genetic", "seed": 0, "index": range(len(rewards))},
        **{"reward": 0.0, "feasible": True, "cached": False, "error": None} | columns,
    )


def test_searches_with_two_objectives_progress_by_hypervolume():
    curves = hypervolume_progress(trials([[1, 1], [2, 1], [1, 2]]), ["reward.a", "reward.b"])
    shares = curves.set_index("evaluation")["median"].round(6).to_dict()
    assert shares == {1: round(1 / 3, 6), 2: round(2 / 3, 6), 3: 1.0}


def test_infeasible_designs_add_no_hypervolume():
    table = trials([[9, 9], [1, 1]], feasible=[False, True])
    curves = hypervolume_progress(table, ["reward.a", "reward.b"])
    assert curves.set_index("evaluation")["median"].to_dict() == {1: 0.0, 2: 1.0}
    nothing = hypervolume_progress(table.assign(feasible=False), ["reward.a", "reward.b"])
    assert nothing.empty


@pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome found")
def test_a_browser_draws_every_figure_within_a_phones_width(tmp_path, page):
    script = (
        "<script>addEventListener('load',()=>{document.body.dataset.result="
        "document.querySelectorAll('svg.main-svg').length+' '+document.body.scrollWidth;});"
        "</script>"
    )
    path = tmp_path / "page.html"
    path.write_text(page.replace("</body>", f"{script}</body>"), encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=500,900"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=9000"]
    done = subprocess.run(
        [*command, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=110
    )
    found = re.search(r'data-result="(\d+) (\d+)"', done.stdout)
    assert found is not None, done.stderr[-500:]
    figures = len(re.findall(r'id="[^"]+" class="plotly-graph-div"', page))
    assert figures >= 8
    assert int(found[1]) >= 2 * figures  # plotly layers several drawings
    assert int(found[2]) <= 500
