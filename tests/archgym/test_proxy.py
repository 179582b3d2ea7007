"""Proxies: what they learn, that splits do not leak, files, refusals, searches on them."""

import json
import shutil

import gymnasium
import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("lightgbm")

from archgym.cli import main
from archgym.dataset import DataSet, merge_dataset
from archgym.envs import make_problem
from archgym.errors import ArchGymError, InvalidConfigError, RecordError, UnknownNameError
from archgym.ground_truth import enumerate_problem
from archgym.problem import Evaluation
from archgym.proxy import MODELS, Examples, Proxy, fit_proxy, train_proxy, verify_winners
from archgym.proxy._features import Features
from archgym.proxy._forest import Trees
from archgym.proxy._scores import AGREED, Calibration, Target
from archgym.search import search
from archgym.space import Categorical, Condition, DesignSpace, Integer, Ordinal, Permutation, Vector
from archgym.testing import ToyProblem

QUICK = {
    "extra_trees": {"trees": 8},
    "random_forest": {"trees": 8},
    "boosted_trees": {"leaves": 63},
    "mlp": {"width": 32, "layers": 2, "epochs": 60, "batch": 32},
    "gaussian_process": {"designs": 250, "tuned_on": 60, "iterations": 8},
}
CONFIG = {"workload": "stream", "memory": "DDR4-2400", "space": "paper", "requests": 60}


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    """Every design of the toy problem, as two agents that share some of them asked for them."""
    root = tmp_path_factory.mktemp("toys")
    truth = enumerate_problem(ToyProblem(), root / "truth.parquet")
    for agent, seeds in (("random_walk", (0, 1)), ("genetic", (0,))):
        for seed in seeds:
            search(ToyProblem(), agent, 250, seed, out=root / agent / str(seed))
    problems = {ToyProblem.name: ToyProblem()}
    whole = merge_dataset([truth], root / "whole.parquet", problems=problems)
    agents = merge_dataset(
        [root / "random_walk", root / "genetic"], root / "agents.parquet", problems=problems
    )
    return whole, agents


@pytest.fixture(scope="module")
def dram(tmp_path_factory):
    """A folder with a data set of short simulations and a proxy of them."""
    root = tmp_path_factory.mktemp("dram")
    problem = make_problem("archgym/DRAM-v0", **CONFIG)
    search(problem, "random_walk", 500, 0, out=root / "runs")
    assert main(["dataset", "merge", str(root / "d.parquet"), str(root / "runs")]) == 0
    command = ["proxy", "train", str(root / "d.parquet"), "--out", str(root / "proxy")]
    assert main(command) == 0
    return root


def trained(toys, model="extra_trees", **options):
    return train_proxy(
        toys[0],
        model,
        hyperparameters=QUICK[model],
        problem=ToyProblem(),
        **options,
    )


# ---------------------------------------------------------------- models


@pytest.mark.parametrize("model", MODELS)
def test_a_model_predicts_designs_it_has_not_seen_and_survives_its_files(toys, model, tmp_path):
    proxy = trained(toys, model, targets=["latency_ns", "power_mw"])
    for name in ("latency_ns", "power_mw"):
        score = proxy.info["scores"][name]
        spread = toys[0].values(name)[np.isfinite(toys[0].values(name))]
        assert score["rmse"] < 0.35 * spread.std()
        assert score["spearman"] > 0.94
        assert score["coverage"] > 0.8
    again = Proxy.load(proxy.save(tmp_path / "proxy"), ToyProblem())
    one, two = (p.predict(toys[0].vectors) for p in (proxy, again))
    np.testing.assert_array_equal(one.feasible, two.feasible)
    for part in ("mean", "lower", "upper"):
        np.testing.assert_allclose(getattr(one, part), getattr(two, part), rtol=1e-6)
    assert (one.lower <= one.upper).all()
    assert again.fingerprint() == Proxy.load(tmp_path / "proxy", ToyProblem()).fingerprint()


@pytest.mark.parametrize("model", MODELS)
def test_the_same_seed_gives_the_same_files(toys, model, tmp_path):
    for name in ("a", "b"):
        trained(toys, model, targets=["power_mw"], seed=3).save(tmp_path / name)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_trees_as_arrays_answer_as_scikit_learn_does():
    from sklearn.ensemble import RandomForestRegressor

    rng = np.random.default_rng(0)
    rows = rng.integers(0, 6, size=(700, 5)).astype(np.float32)
    values = np.column_stack([rows[:, 0] * rows[:, 1], np.sin(rows).sum(axis=1)])
    forest = RandomForestRegressor(7, random_state=0).fit(rows, values)
    trees = Trees.of(forest.estimators_)
    probe = rng.integers(0, 6, size=(301, 5)).astype(np.float32)
    mean, spread = trees.evaluate(probe)
    each = np.stack([tree.predict(probe) for tree in forest.estimators_])
    np.testing.assert_allclose(mean, each.mean(axis=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(spread, each.std(axis=0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(trees.evaluate(probe[:1])[0], mean[:1], rtol=1e-6)


def test_extra_trees_reproduce_what_they_learnt(toys):
    examples = Examples.of(toys[0], ["latency_ns"])
    rows = np.arange(len(examples))
    proxy = fit_proxy(
        examples, rows, ToyProblem().space, "extra_trees", ["latency_ns"], info={"fingerprint": ""}
    )
    found = proxy.predict(examples.vectors[examples.measured])
    actual = examples.values[examples.measured]
    exact = np.isclose(found.mean, actual, rtol=1e-5)
    assert exact.mean() > 0.84  # all but the part that calibrates
    assert (found.lower <= found.mean).all()


def test_features_tell_every_design_from_every_other():
    space = DesignSpace(
        [
            Categorical(name="kind", choices=("a", "b", "c")),
            Integer(name="depth", low=1, high=3, when=Condition("kind", ("b",))),
            Categorical(name="way", choices=("x", "y"), when=Condition("kind", ("c",))),
            Permutation(name="order", items=("P", "Q", "R")),
            Vector(name="tile", rows=((1, 4), (2, 2), (4, 1))),
            Ordinal(name="size", values=(1, 2, 4)),
        ]
    )
    vectors = np.stack([space.encode(design) for design in space.enumerate()])
    for wide in (False, True):
        features = Features(space, wide=wide)
        rows = features.matrix(vectors)
        assert rows.shape == (len(vectors), features.width)
        assert len(np.unique(rows, axis=0)) == len(vectors)


def test_a_target_that_spans_decades_is_learnt_as_its_logarithm():
    wide = Target.of("x", np.array([1.0, 10.0, 1000.0]))
    narrow = Target.of("x", np.array([1.0, 1.5, 2.0]))
    signed = Target.of("x", np.array([-1.0, 0.0, 100.0]))
    assert (wide.log, narrow.log, signed.log) == (True, False, False)
    for target in (wide, narrow, signed):
        values = np.array([target.low, target.high])
        np.testing.assert_allclose(target.unscale(target.scale(values)), values, atol=1e-12)
    assert Target.of("x", np.array([0.0, 5.0])).unscale(np.array([-9.0])) == 0.0


# ---------------------------------------------------------------- intervals


def test_intervals_cover_nine_of_ten_in_easy_and_in_hard_regions():
    rng = np.random.default_rng(1)

    def draw(n):
        spread = rng.choice([0.1, 1.0, 5.0], size=(n, 1)) * rng.uniform(0.9, 1.1, (n, 1))
        predicted = rng.normal(size=(n, 1))
        return predicted, spread, predicted + spread * rng.normal(size=(n, 1))

    calibration = Calibration.fit(*draw(6000))
    predicted, spread, actual = draw(20_000)
    inside = np.abs(actual - predicted) <= calibration.margin(predicted, spread)
    for hard in (0.1, 1.0, 5.0):
        region = np.abs(spread / hard - 1) < 0.2
        assert inside[region].mean() == pytest.approx(0.9, abs=0.03)


def test_where_all_trees_agree_the_interval_is_tight_and_the_rest_is_still_calibrated():
    rng = np.random.default_rng(2)

    def draw(n):
        agreed = rng.random((n, 1)) < 0.9
        spread = np.where(agreed, 0.1 * AGREED, rng.uniform(0.5, 1.5, (n, 1)))
        predicted = rng.normal(size=(n, 1))
        errors = np.where(agreed, 0.0, spread * rng.normal(size=(n, 1)))
        return predicted, spread, predicted + errors

    calibration = Calibration.fit(*draw(5000))
    predicted, spread, actual = draw(20_000)
    margin = calibration.margin(predicted, spread)
    agreed = spread < AGREED
    assert margin[agreed].max() < 1e-4
    inside = np.abs(actual - predicted) <= margin
    assert inside[agreed].all()
    assert inside[~agreed].mean() == pytest.approx(0.9, abs=0.04)


# ---------------------------------------------------------------- splits


def test_a_design_that_two_agents_asked_for_counts_once(toys):
    examples = Examples.of(toys[1], ["latency_ns"])
    assert len(examples) == toys[1].summary().designs < len(toys[1])
    both = examples.agents["genetic"] & examples.agents["random_walk"]
    assert both.any()
    assert (examples.agents["genetic"] | examples.agents["random_walk"]).all()


@pytest.mark.parametrize("kind", ["design", "outcome"])
def test_no_design_is_on_both_sides_of_a_split(toys, kind):
    examples = Examples.of(toys[1], ["power_mw"])
    train, test = examples.split(kind, 0.25, 0)
    assert sorted([*train, *test]) == list(range(len(examples)))
    assert not set(examples.keys[train]) & set(examples.keys[test])
    assert len(test) == pytest.approx(0.25 * len(examples), rel=0.4)
    if kind == "outcome":
        values = examples.values[:, 0]
        shared = np.isin(values[test], values[train])
        assert not shared.any()


def test_a_split_by_agent_tests_on_what_the_others_alone_asked_for(toys):
    examples = Examples.of(toys[1], ["power_mw"])
    train, test = examples.split("agent", 0.2, 0, ["genetic"])
    assert examples.agents["genetic"][train].all()
    assert not examples.agents["genetic"][test].any()
    proxy = train_proxy(
        toys[1],
        targets=["power_mw"],
        split="agent",
        train_agents=["genetic"],
        problem=ToyProblem(),
        hyperparameters={"trees": 4},
    )
    assert proxy.info["split"]["test_designs"] == len(test)
    assert set(proxy.unseen(examples)) == set(test)


# ---------------------------------------------------------------- an evaluator


def test_infeasible_designs_are_foreseen(toys):
    proxy = trained(toys)
    examples = Examples.of(toys[0], ["latency_ns"])
    unseen = proxy.unseen(examples)
    found = proxy.predict(examples.vectors[unseen]).feasible
    assert (found == examples.feasible[unseen]).mean() > 0.97
    assert not examples.feasible[unseen].all()
    problem = ToyProblem(evaluator=proxy)
    stuck = {**problem.default_design, "page_policy": "Closed", "buffer": 1}
    assert problem.evaluate([stuck])[0].error is not None


def test_a_proxy_stands_in_for_the_simulator_of_an_environment(dram):
    proxy = Proxy.load(dram / "proxy")
    env = gymnasium.make("archgym:archgym/DRAM-v0", evaluator=proxy, **CONFIG)
    _, _ = env.reset(seed=0)
    action = env.unwrapped.problem.space.encode(env.unwrapped.problem.default_design)
    _, reward, _, _, info = env.step(action)
    assert reward == pytest.approx(0.0, abs=1e-9)
    exact = make_problem("archgym/DRAM-v0", **CONFIG).evaluate([info["design"]])[0]
    assert info["metrics"]["power_mw"] == pytest.approx(exact.metrics["power_mw"], rel=0.2)
    env.close()


def test_runs_on_different_proxies_are_different_runs(toys):
    one, two = trained(toys, seed=0), trained(toys, seed=1)
    names = {ToyProblem(evaluator=e).fingerprint() for e in (None, one, two)}
    assert len(names) == 3


def test_winners_are_ordered_by_the_proxy_and_judged_by_the_simulator(toys, tmp_path):
    class Wrong:
        """Says that the best designs are those with the highest power."""

        def evaluate(self, designs):
            found = ToyProblem().simulate(designs)
            return [
                Evaluation(metrics={**e.metrics, "power_mw": 1e4 / e.metrics["power_mw"]})
                if e.metrics
                else e
                for e in found
            ]

    result = search(ToyProblem(evaluator=Wrong()), "random_walk", 150, 0, out=tmp_path)
    found = verify_winners(ToyProblem(), [tmp_path], 6)
    assert verify_winners(ToyProblem(), [result], 6).winners == found.winners
    predicted = [winner.predicted_reward for winner in found.winners]
    assert predicted == sorted(predicted, reverse=True)
    objective = ToyProblem().objective()
    for winner in found.winners:
        assert winner.reward == objective.reward(ToyProblem().evaluate([winner.design])[0])
    assert found.best.reward == max(winner.reward for winner in found.winners)
    assert found.choice_regret == found.best.reward - found.winners[0].reward >= 0
    assert found.evaluations == 150
    with pytest.raises(InvalidConfigError, match="at least 1"):
        verify_winners(ToyProblem(), [tmp_path], 0)
    with pytest.raises(InvalidConfigError, match=r"of 'archgym/Toy-v0'"):
        verify_winners(make_problem("archgym/DRAM-v0", **CONFIG), [result])
    other = search(ToyProblem(), "random_walk", 5, 0, objective="product:latency_ns")
    with pytest.raises(InvalidConfigError, match="Give runs of one"):
        verify_winners(ToyProblem(), [result, other])


def test_winners_differ_in_what_is_predicted_as_long_as_there_are_such():
    class Coarse:
        """Predicts the policy only, so that many designs look the same."""

        def evaluate(self, designs):
            latency = {"Open": 100.0, "Adaptive": 90.0, "Closed": 160.0}
            metrics = {"power_mw": 300.0, "hit_rate": 0.5}
            return [
                Evaluation(metrics={"latency_ns": latency[design["page_policy"]], **metrics})
                for design in designs
            ]

    result = search(ToyProblem(evaluator=Coarse()), "random_walk", 60, 0)
    found = verify_winners(ToyProblem(), [result], 3)
    assert [w.design["page_policy"] for w in found.winners] == ["Adaptive", "Open", "Closed"]
    five = verify_winners(ToyProblem(), [result], 5).winners
    policies = [winner.design["page_policy"] for winner in five]
    assert policies == ["Adaptive", "Adaptive", "Open", "Open", "Closed"]
    assert len({tuple(winner.design.items()) for winner in five}) == 5


def test_a_search_on_a_proxy_from_the_command_line_simulates_its_winners(dram, tmp_path, capsys):
    options = ["--workload", "stream", "--space", "paper", "--requests", "60", "--agents"]
    command = ["search", "archgym/DRAM-v0", *options, "random_walk", "--seeds", "1", "--jobs", "1"]
    command += ["--budget", "60", "--evaluator", str(dram / "proxy"), "--verify", "3", "--json"]
    capsys.readouterr()
    assert main([*command, "--out", str(tmp_path / "runs")]) == 0
    payload = json.loads(capsys.readouterr().out)
    verified = payload["verification"]
    assert len(verified["winners"]) == 3
    problem = make_problem("archgym/DRAM-v0", **CONFIG)
    best = max(verified["winners"], key=lambda winner: winner["reward"])
    assert best["metrics"] == problem.evaluate([best["design"]])[0].metrics
    assert verified["evaluations"] == 60
    other = [*command, "--memory", "DDR3-1600", "--out", str(tmp_path / "other")]
    assert main(other) == 2
    assert "trained on archgym/DRAM-v0" in capsys.readouterr().err
    assert main([*command, "--verify", "-1"]) == 2


def test_the_commands_score_and_predict(dram, capsys, tmp_path):
    command = ["proxy", "evaluate", str(dram / "proxy"), str(dram / "d.parquet"), "--json"]
    assert main([*command, "--figures", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    assert 'id="figure-power_mw"' in page
    assert "predicted power (mW)" in page
    text = capsys.readouterr().out
    found = json.loads(text[text.index("{") :])
    saved = json.loads((dram / "proxy" / "proxy.json").read_text())
    assert found["scores"] == saved["scores"]
    table = Proxy.load(dram / "proxy").scores
    assert list(table.index) == list(saved["scores"])
    assert table.loc["power_mw"].dropna().to_dict() == {
        name: value for name, value in saved["scores"]["power_mw"].items() if value is not None
    }
    assert found["designs"] == saved["split"]["test_designs"]
    command = ["proxy", "predict", str(dram / "proxy"), "--design", "scheduler=Fifo", "--json"]
    assert main(command) == 0
    power = json.loads(capsys.readouterr().out)["metrics"]["power_mw"]
    assert power["lower"] <= power["mean"] <= power["upper"]


# ---------------------------------------------------------------- refusals


def test_unknown_names_are_refused_with_the_known_ones(toys):
    with pytest.raises(UnknownNameError, match="random_forest"):
        train_proxy(toys[0], "randomforest", problem=ToyProblem())
    with pytest.raises(UnknownNameError, match="latency_ns"):
        train_proxy(toys[0], targets=["latency"], problem=ToyProblem())
    with pytest.raises(InvalidConfigError, match="trees"):
        train_proxy(toys[0], hyperparameters={"tress": 3}, problem=ToyProblem())
    with pytest.raises(InvalidConfigError, match="outcome"):
        train_proxy(toys[0], split="rows", problem=ToyProblem())
    with pytest.raises(UnknownNameError, match="genetic"):
        train_proxy(toys[1], split="agent", train_agents=["genetics"], problem=ToyProblem())
    with pytest.raises(InvalidConfigError, match="train-agents"):
        train_proxy(toys[1], split="agent", problem=ToyProblem())


def test_too_few_designs_and_numbers_that_are_none_are_refused(toys):
    whole = toys[0]
    with pytest.raises(InvalidConfigError, match="needs 50"):
        train_proxy(whole.take(np.arange(40)), problem=ToyProblem())
    values = whole.values("power_mw").copy()
    known = np.flatnonzero(np.isfinite(values))
    values[known[:3]] = [np.nan, np.inf, np.nan]
    at = whole.table.column_names.index("metric.power_mw")
    broken = DataSet(whole.table.set_column(at, "metric.power_mw", [values]), whole.metadata)
    with pytest.raises(RecordError, match="3 trials have no finite power_mw"):
        train_proxy(broken, problem=ToyProblem())


def test_designs_with_two_values_are_refused(toys):
    agents = toys[1]
    values = agents.values("power_mw") * np.linspace(1.0, 2.0, len(agents))
    at = agents.table.column_names.index("metric.power_mw")
    noisy = DataSet(agents.table.set_column(at, "metric.power_mw", [values]), agents.metadata)
    with pytest.raises(RecordError, match="deterministic"):
        train_proxy(noisy, problem=ToyProblem())


def test_data_of_another_problem_are_refused(toys, dram, tmp_path, capsys):
    problem = make_problem("archgym/DRAM-v0", **CONFIG)
    with pytest.raises(RecordError, match="another design space"):
        train_proxy(toys[0], problem=problem)
    other = make_problem("archgym/DRAM-v0", **{**CONFIG, "requests": 50})
    search(other, "random_walk", 60, 0, out=tmp_path / "runs")
    data = tmp_path / "other.parquet"
    assert main(["dataset", "merge", str(data), str(tmp_path / "runs")]) == 0
    assert main(["proxy", "evaluate", str(dram / "proxy"), str(data)]) == 2
    assert "data of the same problem" in capsys.readouterr().err
    both = tmp_path / "both.parquet"
    assert main(["dataset", "merge", str(both), str(data), str(dram / "d.parquet")]) == 0
    assert main(["proxy", "train", str(both), "--out", str(tmp_path / "p")]) == 2
    assert "--only" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["flip", "cut", "missing", "head", "version", "space"])
def test_a_damaged_proxy_is_refused(dram, damage, tmp_path):
    folder = tmp_path / "proxy"
    shutil.copytree(dram / "proxy", folder)
    arrays, head = folder / "arrays.npz", folder / "proxy.json"
    content = bytearray(arrays.read_bytes())
    info = json.loads(head.read_text())
    if damage == "flip":
        content[len(content) // 2] ^= 1
        arrays.write_bytes(content)
    elif damage == "cut":
        arrays.write_bytes(content[:100])
    elif damage == "missing":
        arrays.unlink()
    elif damage == "head":
        head.write_text(head.read_text()[:50])
    else:
        info |= {"format": 99} if damage == "version" else {"space": "0" * 16}
        head.write_text(json.dumps(info))
    with pytest.raises(RecordError, match="proxy"):
        Proxy.load(folder)


def test_trees_with_impossible_children_are_refused(toys):
    arrays = trained(toys)._model.arrays()
    width = Features(ToyProblem().space).width
    Trees.restore("trees", arrays, width)
    loop = {**arrays, "trees.children": np.zeros_like(arrays["trees.children"])}
    wide = {**arrays, "trees.feature": np.where(arrays["trees.feature"] < 0, -1, 99)}
    for broken in (loop, wide, {"trees.feature": arrays["trees.feature"]}):
        with pytest.raises(RecordError, match="damaged"):
            Trees.restore("trees", broken, width)


def test_a_folder_of_something_else_is_left_alone(toys, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(ArchGymError, match="no proxy"):
        trained(toys, targets=["power_mw"]).save(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(RecordError, match=r"proxy\.json"):
        Proxy.load(tmp_path)
