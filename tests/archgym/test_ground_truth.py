"""Tables of every design."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from archgym import make_problem, search
from archgym.envs.mapping import MappingProblem
from archgym.errors import InvalidConfigError, InvalidDesignError, RecordError
from archgym.ground_truth import GroundTruth, enumerate_problem, known_optimum, shipped
from archgym.pareto import pareto_mask
from archgym.testing import ToyProblem
from simulators.accelerator import Layer


class KilledError(Exception):
    pass


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return enumerate_problem(ToyProblem(), tmp_path_factory.mktemp("truth") / "toy.parquet")


@pytest.fixture(scope="module")
def truth(table):
    return GroundTruth.load(table, ToyProblem())


def test_a_table_holds_every_legal_design_once(truth):
    problem = ToyProblem()
    assert len(truth) == problem.space.size
    designs = [problem.space.decode(row) for row in truth.vectors]
    assert designs == list(problem.space.enumerate())


def test_a_table_answers_as_the_simulator_does(truth):
    problem = ToyProblem()
    rng = np.random.default_rng(0)
    designs = [problem.space.sample(rng) for _ in range(200)]
    for found, measured in zip(truth.evaluate(designs), problem.evaluate(designs), strict=True):
        assert found.metrics == measured.metrics
        assert found.feasible == measured.feasible
        assert (found.error is None) == (measured.error is None)


def test_its_best_design_is_the_best_that_any_design_reaches(truth):
    problem = ToyProblem()
    objective = problem.objective()
    best, reward = truth.best(objective)
    evaluations = problem.evaluate(list(problem.space.enumerate()))
    assert reward == max(objective.reward(e) for e in evaluations if e.feasible)
    assert objective.reward(problem.evaluate([best])[0]) == reward


@pytest.mark.parametrize("spec", [None, "pareto:latency_ns,power_mw", "target:latency_ns=40"])
def test_rewards_of_all_designs_are_those_of_each(truth, spec):
    objective = ToyProblem().objective(spec)
    designs = [ToyProblem().space.decode(row) for row in truth.vectors]
    each = [objective.rewards(evaluation) for evaluation in truth.evaluate(designs)]
    np.testing.assert_array_equal(truth.rewards(objective), each)


def test_the_best_of_several_objectives_is_the_best_scalar_reward(truth):
    problem = ToyProblem()
    objective = problem.objective("pareto:latency_ns,power_mw")
    best, reward = truth.best(objective)
    assert objective.reward(truth.evaluate([best])[0]) == pytest.approx(reward)


def test_its_front_is_not_dominated_and_dominates_the_rest(truth):
    objective = ToyProblem().objective("pareto:latency_ns,power_mw")
    vectors, front = truth.front(objective)
    assert len(vectors) == len(front) > 1
    assert pareto_mask(front).all()
    rewards = truth.rewards(objective)[truth.feasible]
    for reward in rewards[:: max(1, len(rewards) // 100)]:
        assert (front >= reward).all(axis=1).any()


def test_a_search_on_the_table_finds_what_one_on_the_simulator_finds(truth):
    simulated = search(ToyProblem(), "genetic", budget=40, seed=0)
    looked_up = search(ToyProblem(evaluator=truth), "genetic", budget=40, seed=0)
    assert [t.indices for t in looked_up.trials] == [t.indices for t in simulated.trials]
    assert looked_up.best_reward == simulated.best_reward


def test_a_killed_enumeration_goes_on_and_ends_with_the_same_bytes(tmp_path, table, monkeypatch):
    monkeypatch.setattr("archgym.ground_truth._enumeration.PART_DESIGNS", 50)

    def kill(done, total):
        if done > total // 2:
            raise KilledError

    first = ToyProblem()
    with pytest.raises(KilledError):
        enumerate_problem(first, tmp_path / "toy.parquet", kill)
    assert not (tmp_path / "toy.parquet").exists()
    second = ToyProblem()
    enumerate_problem(second, tmp_path / "toy.parquet")
    assert first.evaluations + second.evaluations <= first.space.size + 50
    assert (tmp_path / "toy.parquet").read_bytes() == table.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["toy.parquet"]


def test_parts_of_another_problem_are_not_mixed_in(tmp_path):
    parts = tmp_path / "toy.parquet.parts"
    parts.mkdir()
    (parts / "problem.json").write_text("{}")
    with pytest.raises(RecordError, match="another enumeration"):
        enumerate_problem(ToyProblem(), tmp_path / "toy.parquet")


def test_a_table_of_another_space_is_refused(table):
    problem = ToyProblem()
    problem.space = type(problem.space)(problem.space.parameters[:1])
    with pytest.raises(RecordError, match="another design space"):
        GroundTruth.load(table, problem)


def test_a_damaged_table_is_refused(tmp_path, table):
    (tmp_path / "damaged.parquet").write_bytes(table.read_bytes()[:-50])
    with pytest.raises(RecordError, match=r"damaged\.parquet"):
        GroundTruth.load(tmp_path / "damaged.parquet", ToyProblem())
    whole = pq.read_table(table)
    pq.write_table(whole.slice(0, 10), tmp_path / "short.parquet")
    with pytest.raises(RecordError, match="not complete"):
        GroundTruth.load(tmp_path / "short.parquet", ToyProblem())


def test_a_missing_table_is_refused_with_its_path(tmp_path):
    with pytest.raises(RecordError, match=r"nowhere\.parquet"):
        GroundTruth.load(tmp_path / "nowhere.parquet", ToyProblem())


def test_an_illegal_design_is_not_in_the_table(truth):
    space = ToyProblem().space
    rows = np.array(list(np.ndindex(*space.nvec)))
    canonical = np.unique(space.canonical(rows), axis=0)
    illegal = [row for row in canonical if not space.is_legal(space.decode(row))]
    assert illegal
    with pytest.raises(InvalidDesignError, match="not legal"):
        truth.rows(np.array(illegal[:1]))


def test_a_space_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("archgym.ground_truth._enumeration.MAX_DESIGNS", 10)
    with pytest.raises(InvalidConfigError, match="smaller space"):
        enumerate_problem(ToyProblem(), tmp_path / "toy.parquet")


def test_the_identity_of_a_run_on_a_table_says_so(truth):
    identity = json.dumps(ToyProblem(evaluator=truth).identity())
    assert truth.fingerprint() in identity
    assert identity != json.dumps(ToyProblem().identity())


@pytest.fixture(scope="module", params=[1, 2])
def mappings(request, tmp_path_factory):
    """A table of mappings, and the design of every index vector."""
    layer = Layer.conv(c=1, m=3, r=1, s=3, p=7, q=1)
    problem = MappingProblem(workload=layer, levels=request.param, pes=4, l1_size=40, l2_size=70)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("archgym.ground_truth._enumeration.PART_VECTORS", 500)
        out = tmp_path_factory.mktemp("mappings") / "table.parquet"
        enumerate_problem(problem, out)
    designs = [problem.space.decode(row) for row in np.ndindex(*problem.space.nvec)]
    return problem, GroundTruth.load(out, problem), designs


def test_mappings_measured_at_once_are_those_measured_one_by_one(mappings):
    problem, truth, designs = mappings
    legal = [design for design in designs if problem.space.is_legal(design)]
    refused = {
        name for d in designs for name, value in problem.space.violations(d).items() if value > 0
    }
    assert refused >= {"l1_capacity", "l2_capacity"}
    assert ("coverage" in refused) == (problem.encoding.levels > 1)
    assert [problem.space.decode(row) for row in truth.vectors] == legal
    for design, found in zip(legal, truth.evaluate(legal), strict=True):
        alone = problem.evaluate([design])[0]
        assert found.metrics == alone.metrics
        assert found.feasible
        assert alone.feasible


def test_the_front_of_all_mappings_is_that_by_the_definition(mappings):
    problem, truth, designs = mappings
    objective = problem.objective("pareto:cycles,energy_pj")
    rewards = {
        objective.rewards(problem.evaluate([d])[0]) for d in designs if problem.space.is_legal(d)
    }
    expected = [
        a
        for a in sorted(rewards)
        if not any(b != a and all(y >= x for x, y in zip(a, b, strict=True)) for b in rewards)
    ]
    vectors, front = truth.front(objective)
    assert len(expected) > 1
    assert [tuple(row) for row in front.tolist()] == expected
    for vector, reward in zip(vectors, expected, strict=True):
        design = problem.space.decode(vector)
        assert objective.rewards(problem.evaluate([design])[0]) == reward


def test_mappings_looked_up_have_the_violations_of_those_simulated(mappings):
    problem, truth, designs = mappings
    looked_up = MappingProblem(**{**problem.config, "workload": problem.config["workload"]})
    looked_up.evaluator = truth
    for design in designs[:: max(1, len(designs) // 300)]:
        assert looked_up.space.violations(design) == problem.space.violations(design)


def test_a_space_with_conditions_is_measured_design_by_design(tmp_path):
    layer = Layer.matmul(m=1, n=2, k=3)
    problem = MappingProblem(workload=layer, levels=2, min_levels=1, pes=4)
    assert not problem.tabulates
    truth = GroundTruth.load(enumerate_problem(problem, tmp_path / "t.parquet"), problem)
    assert len(truth) == len(list(problem.space.enumerate()))


def test_a_table_without_results_reads_the_same(tmp_path, table, truth):
    packed = pq.read_table(table)
    dense = packed.drop_columns(["result"])
    for i, name in enumerate(dense.column_names):
        if name.startswith("metric."):
            values = truth.metrics[name.removeprefix("metric.")]
            dense = dense.set_column(i, name, [values])
    pq.write_table(dense, tmp_path / "dense.parquet")
    read = GroundTruth.load(tmp_path / "dense.parquet", ToyProblem())
    objective = ToyProblem().objective("pareto:latency_ns,power_mw")
    np.testing.assert_array_equal(read.rewards(objective), truth.rewards(objective))
    np.testing.assert_array_equal(read.front(objective)[0], truth.front(objective)[0])
    assert packed["metric.latency_ns"].null_count > dense["metric.latency_ns"].null_count


def test_a_table_with_results_out_of_order_is_refused(tmp_path, table):
    packed = pq.read_table(table)
    i = packed.column_names.index("result")
    mixed = packed.set_column(i, "result", [packed["result"].to_numpy()[::-1]])
    pq.write_table(mixed, tmp_path / "mixed.parquet")
    with pytest.raises(RecordError, match="not in order"):
        GroundTruth.load(tmp_path / "mixed.parquet", ToyProblem())


@pytest.mark.parametrize("optimum", shipped(), ids=lambda optimum: optimum.name)
def test_a_table_of_the_package_is_what_the_simulator_measures(optimum):
    problem = make_problem(optimum.problem, **optimum.config)
    truth = GroundTruth.load(optimum.name, problem)
    assert truth.is_of(problem)
    assert len(truth) == optimum.designs <= problem.space.size
    assert len(truth) == problem.space.size or not problem.space.size_is_exact
    rng = np.random.default_rng(0)
    designs = [optimum.design, problem.default_design]
    designs += [problem.space.sample(rng) for _ in range(30)]
    for found, measured in zip(truth.evaluate(designs), problem.evaluate(designs), strict=True):
        assert found.metrics == measured.metrics
    reward = problem.objective(optimum.objective).reward(problem.evaluate([optimum.design])[0])
    assert reward == optimum.reward
    front = truth.front(problem.objective(optimum.front.objective))[1]
    assert len(front) == optimum.front.points
    assert tuple(front.max(axis=0)) == tuple(optimum.front.ideal)
    assert tuple(front.min(axis=0)) == tuple(optimum.front.nadir)


def test_the_known_optimum_is_that_of_the_very_problem_and_objective():
    table = "dram-paper-stream-DDR4-2400"
    config = {"workload": "stream", "memory": "DDR4-2400", "space": "paper"}
    problem = make_problem("archgym/DRAM-v0", **config)
    found = known_optimum(problem, problem.objective())
    assert found is not None
    assert found.name == table
    assert known_optimum(problem, problem.objective("product:power_mw")) is None
    other = make_problem("archgym/DRAM-v0", **config, requests=10)
    assert known_optimum(other, other.objective()) is None
