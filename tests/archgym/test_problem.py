"""Problems: what evaluation does around a simulator."""

import math
import pickle

import gymnasium
import pytest

import archgym
from archgym import make_problem
from archgym.envs import REGISTRY, ProblemSpec, register
from archgym.errors import InvalidConfigError, InvalidDesignError, UnknownNameError
from archgym.objective import Target
from archgym.problem import Evaluation, Problem
from archgym.testing import ProblemConformance, ToyProblem
from archgym.vector import ArchGymVectorEnv

HOT = {"page_policy": "Open", "refresh_policy": "NoRefresh", "buffer": 32, "voltage": 1.3}
DEADLOCK = {**ToyProblem.default_design, "page_policy": "Closed", "buffer": 1}


class TestToyProblem(ProblemConformance):
    def make_problem(self):
        return ToyProblem()


class Canned:
    """An evaluator that gives the same answer to every design."""

    def __init__(self, **fields):
        self.answer = Evaluation(**fields)
        self.asked = []

    def evaluate(self, designs):
        self.asked.extend(designs)
        return [self.answer] * len(designs)


GOOD = {"latency_ns": 10.0, "power_mw": 20.0, "hit_rate": 0.0}


def test_a_failed_design_is_data_with_a_reason():
    evaluation = ToyProblem().evaluate([DEADLOCK])[0]
    assert not evaluation.feasible
    assert evaluation.metrics == {}
    assert evaluation.error == "deadlock: a closed page needs two buffered requests"


def test_an_illegal_design_is_refused_without_simulating_it():
    problem = ToyProblem()
    evaluations = problem.evaluate([HOT, problem.default_design, HOT])
    assert problem.evaluations == 1
    assert [e.feasible for e in evaluations] == [False, True, False]
    assert evaluations[0].metrics == {}
    assert evaluations[0].error is None
    assert evaluations[0].violations["thermal"] == pytest.approx(32 * 1.3 - 36)


def test_an_evaluator_replaces_the_simulator():
    canned = Canned(metrics=GOOD)
    problem = ToyProblem(evaluator=canned)
    evaluation = problem.evaluate([problem.default_design, HOT])[0]
    assert evaluation.metrics == GOOD
    assert problem.evaluations == 0
    assert canned.asked == [problem.default_design]
    assert problem.fingerprint() != ToyProblem().fingerprint()


@pytest.mark.parametrize(
    ("metrics", "error"),
    [
        ({}, "no metrics"),
        ({**GOOD, "latency_ns": math.nan}, "latency_ns is nan"),
        ({**GOOD, "latency_ns": math.inf}, "latency_ns is inf"),
        ({**GOOD, "latency_ns": 0.0}, "latency_ns is 0, which is no possible measurement"),
        ({**GOOD, "laten": 1.0}, "unknown metric laten"),
    ],
)
def test_metrics_that_cannot_be_measurements_are_failures(metrics, error):
    evaluation = ToyProblem(evaluator=Canned(metrics=metrics)).evaluate(
        [ToyProblem.default_design]
    )[0]
    assert not evaluation.feasible
    assert evaluation.metrics == {}
    assert error in evaluation.error


def test_violations_found_by_simulation_make_a_design_infeasible_but_keep_its_metrics():
    canned = Canned(metrics=GOOD, violations={"area": 3.0})
    evaluation = ToyProblem(evaluator=canned).evaluate([ToyProblem.default_design])[0]
    assert not evaluation.feasible
    assert evaluation.metrics == GOOD
    assert evaluation.violations["area"] == 3.0
    assert evaluation.violations["thermal"] < 0


def test_a_simulator_that_loses_designs_is_an_error():
    class Losing:
        def evaluate(self, designs):
            return []

    with pytest.raises(RuntimeError, match="0 evaluations came back for 1 designs"):
        ToyProblem(evaluator=Losing()).evaluate([ToyProblem.default_design])


def test_a_design_outside_the_space_raises():
    with pytest.raises(InvalidDesignError, match="Did you mean 'buffer'"):
        ToyProblem().evaluate([{**ToyProblem.default_design, "bufer": 4}])


def test_the_reference_is_evaluated_once():
    problem = ToyProblem()
    for spec in (None, "latency_ns", Target.of(power_mw=100)):
        objective = problem.objective(spec)
        assert math.isfinite(objective.reward(problem.reference))
    assert problem.evaluations == 1
    assert problem.objective().reward(problem.reference) == 0


def test_a_default_design_that_fails_is_an_error_with_its_reason():
    problem = ToyProblem(evaluator=Canned(feasible=False, error="no licence"))
    with pytest.raises(InvalidConfigError, match=r"default design is infeasible.*no licence"):
        problem.objective()


def test_an_unknown_metric_in_an_objective_names_those_allowed():
    with pytest.raises(UnknownNameError, match="Did you mean 'latency_ns'"):
        ToyProblem().objective("latency")


def test_evaluations_and_problems_without_simulator_are_plain_objects():
    evaluation = ToyProblem().reference
    assert pickle.loads(pickle.dumps(evaluation)) == evaluation
    with pytest.raises(NotImplementedError, match="neither simulate nor evaluator"):
        Problem().simulate([])


def test_a_description_shows_failures_and_violations():
    problem = ToyProblem()
    for design, words in ((HOT, ["violated", "thermal"]), (DEADLOCK, ["failed: deadlock"])):
        text = problem.describe(design, problem.evaluate([design])[0])
        for word in [*words, "page_policy", str(design["page_policy"]), "V"]:
            assert word in text


def test_an_unknown_problem_or_argument_is_refused_with_a_hint():
    with pytest.raises(UnknownNameError, match="Did you mean 'archgym/DRAM-v0'"):
        make_problem("archgym/DRAN-v0")
    with pytest.raises(InvalidConfigError, match="Did you mean 'workload'"):
        make_problem("archgym/DRAM-v0", workloud="stream")


@pytest.fixture
def toy_id():
    register(ProblemSpec(id="test/Toy-v1", problem="archgym.testing:ToyProblem", summary="A toy."))
    yield "test/Toy-v1"
    del REGISTRY["test/Toy-v1"]
    del gymnasium.registry["test/Toy-v1"]


def test_a_registered_problem_has_both_environments(toy_id):
    assert isinstance(make_problem(toy_id), ToyProblem)
    env = archgym.make(toy_id, objective="latency_ns", max_episode_steps=3)
    assert isinstance(env.unwrapped.problem, ToyProblem)
    assert env.unwrapped.objective.spec == "latency_ns"
    assert env.spec.max_episode_steps == 3
    envs = gymnasium.make_vec(toy_id, num_envs=2)
    assert isinstance(envs, ArchGymVectorEnv)
    assert isinstance(envs.problem, ToyProblem)


def test_an_id_is_registered_only_once(toy_id):
    with pytest.raises(InvalidConfigError, match="Raise its version"):
        register(REGISTRY[toy_id])
