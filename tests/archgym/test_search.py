"""Search: counting, caching, failures, stops, progress, and what a result says."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archgym.agents import Agent, GeneticConfig, RandomWalkAgent
from archgym.errors import (
    BackendError,
    InfeasibleDesignError,
    InvalidConfigError,
    InvalidDesignError,
    UnknownNameError,
)
from archgym.pareto import crowding_distance, nondominated_order, pareto_mask
from archgym.search import ProgressEvent, search
from archgym.stats import best_at
from archgym.task import MAX_ASKS_PER_BUDGET, BudgetExhausted, Task
from archgym.testing import ToyProblem

RNG = np.random.default_rng(0)
DESIGNS = [ToyProblem().space.sample(RNG) for _ in range(12)]


class Scripted(Agent):
    """Asks for the batches it was given, over and over."""

    name = "scripted"
    batches = [DESIGNS[:4]]

    def ask(self):
        self.asked = getattr(self, "asked", -1) + 1
        return self.batches[self.asked % len(self.batches)]

    def tell(self, trials):
        self.told = [*getattr(self, "told", []), list(trials)]


def scripted(*batches):
    """Return an agent class that asks for these batches."""
    return type("Scripted", (Scripted,), {"batches": list(batches)})


def task(budget=5, problem=None, **options):
    """Return a task on the toy problem."""
    problem = problem or ToyProblem()
    return Task(problem, problem.objective(), budget, **options)


# ------------------------------------------------------------------ counting and caching


def test_a_repeated_design_is_answered_from_the_cache_and_not_charged():
    problem = ToyProblem()
    result = search(problem, scripted(DESIGNS[:2], [DESIGNS[0], DESIGNS[2]]), 3, 0)
    assert [t.cached for t in result.trials] == [False, False, True, False]
    assert [t.index for t in result.trials] == [0, 1, 2, 3]
    assert (result.evaluations, result.cached) == (3, 1)
    assert problem.evaluations == 3 + 1  # and the default design
    first, again = result.trials[0], result.trials[2]
    assert (again.metrics, again.reward) == (first.metrics, first.reward)
    assert again.wall_s == 0.0


def test_a_repeat_within_a_batch_is_evaluated_once():
    problem = ToyProblem()
    trials = task(problem=problem).evaluate([DESIGNS[0], DESIGNS[1], DESIGNS[0]])
    assert [t.cached for t in trials] == [False, False, True]
    assert problem.evaluations == 2 + 1


def test_a_batch_is_one_call_of_the_simulator():
    sizes = []

    class Counting(ToyProblem):
        def simulate(self, designs):
            sizes.append(len(designs))
            return super().simulate(designs)

    search(Counting(), scripted(DESIGNS[:5], DESIGNS[3:9]), 9, 0)
    assert sizes == [1, 5, 4]


def test_a_batch_is_cut_where_the_budget_ends():
    result = search(ToyProblem(), scripted(DESIGNS[:3], DESIGNS[3:9]), 5, 0)
    assert result.evaluations == len(result.trials) == 5
    assert result.stop == "budget"


def test_a_task_refuses_to_go_on_without_budget():
    spent = task(budget=1)
    spent.evaluate(DESIGNS[:1])
    assert spent.done
    with pytest.raises(BudgetExhausted, match="budget of 1"):
        spent.evaluate(DESIGNS[:1])


def test_a_task_refuses_an_empty_batch():
    with pytest.raises(InvalidDesignError, match="at least one"):
        task().evaluate([])


def test_a_task_refuses_an_illegal_design_before_anything_is_evaluated():
    problem = ToyProblem()
    hot = {"page_policy": "Open", "refresh_policy": "NoRefresh", "buffer": 32, "voltage": 1.3}
    with pytest.raises(InfeasibleDesignError, match="thermal"):
        task(problem=problem).evaluate([DESIGNS[0], hot])
    assert problem.evaluations == 1


@given(
    order=st.lists(st.integers(0, len(DESIGNS) - 1), min_size=1, max_size=40),
    budget=st.integers(1, 14),
    batch=st.integers(1, 7),
)
@settings(max_examples=60, deadline=None)
def test_spent_and_remaining_budget_always_add_up(order, budget, batch):
    work = task(budget=budget)
    for start in range(0, len(order), batch):
        if work.done:
            break
        work.evaluate([DESIGNS[i] for i in order[start : start + batch]])
    new = [t for t in work.trials if not t.cached]
    assert len(new) == len({t.indices for t in new}) == budget - work.remaining
    assert all(t.indices in {n.indices for n in new} for t in work.trials)
    assert [t.index for t in work.trials] == list(range(len(work.trials)))


# ------------------------------------------------------------------ stops


def test_an_agent_that_only_repeats_itself_is_stopped():
    result = search(ToyProblem(), scripted(DESIGNS[:4]), 6, 0)
    assert result.stop == "repeats"
    assert result.evaluations == 4
    assert len(result.trials) == MAX_ASKS_PER_BUDGET * 6


def test_a_search_ends_when_the_whole_space_is_evaluated():
    problem = ToyProblem()
    result = search(problem, "random_walk", 100_000, 0)
    assert result.stop == "space"
    assert result.evaluations == problem.space.size


def test_an_agent_ends_a_search_by_asking_for_nothing():
    result = search(ToyProblem(), scripted(DESIGNS[:4], []), 9, 0)
    assert (result.stop, result.evaluations) == ("agent", 4)


# ------------------------------------------------------------------ failures


class Raising(ToyProblem):
    """Raises for every design of the policy "Adaptive", like a simulator that crashes."""

    error: Exception = ValueError("no such page")

    def simulate(self, designs):
        if any(design["page_policy"] == "Adaptive" for design in designs):
            raise self.error
        return super().simulate(designs)


def test_an_evaluation_that_raises_fails_alone_and_the_search_goes_on():
    result = search(Raising(), "random_walk", 60, 1)
    raised = [t for t in result.trials if t.design["page_policy"] == "Adaptive"]
    assert result.evaluations == 60
    assert raised
    assert all(t.error == "ValueError: no such page" for t in raised)
    assert not any("no such page" in (t.error or "") for t in result.trials if t not in raised)
    assert result.failed == sum(t.error is not None and not t.cached for t in result.trials)


def test_a_failed_evaluation_is_infeasible_with_the_worst_reward():
    problem = Raising()
    result = search(problem, "random_walk", 30, 1)
    failed = next(t for t in result.trials if t.error)
    assert not failed.feasible
    assert failed.metrics == {}
    assert failed.reward == problem.objective().failure
    assert math.isfinite(failed.reward)


def test_a_design_that_a_simulator_calls_infeasible_keeps_its_violations():
    class Infeasible(Raising):
        error = InfeasibleDesignError("too large", {"area": 2.0})

    result = search(Infeasible(), "random_walk", 30, 1)
    trial = next(t for t in result.trials if t.error == "too large")
    assert trial.violations == {"area": 2.0}


def test_a_simulator_that_never_works_is_reported_at_once():
    class Broken(ToyProblem):
        def simulate(self, designs):
            if self.evaluations:
                raise TypeError("bug")
            return super().simulate(designs)

    with pytest.raises(TypeError, match="bug"):
        search(Broken(), "random_walk", 500, 0)


def test_a_missing_simulator_is_no_failed_design():
    class Missing(ToyProblem):
        def simulate(self, designs):
            if self.evaluations > 20:
                raise BackendError("no executable")
            return super().simulate(designs)

    with pytest.raises(BackendError, match="no executable"):
        search(Missing(), "random_walk", 500, 0)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_metric_that_is_not_finite_is_a_recorded_failure(value):
    class NotFinite(ToyProblem):
        def simulate(self, designs):
            from dataclasses import replace

            return [
                replace(e, metrics={**e.metrics, "latency_ns": value})
                if d["page_policy"] == "Adaptive" and e.metrics
                else e
                for d, e in zip(designs, super().simulate(designs), strict=True)
            ]

    result = search(NotFinite(), "random_walk", 40, 0)
    assert any("latency_ns" in (t.error or "") for t in result.trials)
    assert all(math.isfinite(v) for t in result.trials for v in t.metrics.values())


# ------------------------------------------------------------------ arguments


def test_a_factory_makes_the_agent():
    def careful(space, **arguments):
        return RandomWalkAgent(space, **arguments)

    result = search(ToyProblem(), careful, 5, 0)
    assert result.identity["agent"] == "careful"
    assert result.evaluations == 5


def test_hyperparameters_reach_the_agent_and_the_identity():
    result = search(ToyProblem(), "genetic", 5, 0, hyperparameters={"population": 4, "children": 3})
    assert result.identity["hyperparameters"]["population"] == 4
    same = search(
        ToyProblem(), "genetic", 5, 0, hyperparameters=GeneticConfig(population=4, children=3)
    )
    assert same.identity == result.identity
    assert [t.indices for t in same.trials] == [t.indices for t in result.trials]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"budget": 0}, InvalidConfigError, "budget=0 .*at least 1"),
        ({"budget": 2.5}, InvalidConfigError, "budget=2.5"),
        ({"budget": True}, InvalidConfigError, "budget=True"),
        ({"seed": -1}, InvalidConfigError, "seed=-1 .*at least 0"),
        ({"agent": "gentic"}, UnknownNameError, "Did you mean 'genetic'"),
        ({"problem": "archgym/DROM-v0"}, UnknownNameError, "archgym/DRAM-v0"),
        ({"objective": "latency"}, UnknownNameError, "latency_ns"),
        ({"hyperparameters": {"stp": 1}}, InvalidConfigError, "Did you mean 'step'"),
        (
            {"agent": lambda space, **rest: None, "hyperparameters": {"step": 1}},
            InvalidConfigError,
            "factory",
        ),
    ],
)
def test_an_argument_that_is_not_allowed_is_refused(arguments, error, message):
    given_arguments = {"problem": ToyProblem(), "agent": "random_walk", "budget": 5, "seed": 0}
    with pytest.raises(error, match=message):
        search(**{**given_arguments, **arguments})


def test_numpy_integers_are_whole_numbers():
    assert search(ToyProblem(), "random_walk", np.int64(4), np.int32(1)).evaluations == 4


# ------------------------------------------------------------------ progress and result


def test_progress_ends_with_the_totals_of_the_result():
    events: list[ProgressEvent] = []
    result = search(Raising(), "random_walk", 50, 1, progress=events.append)
    last = events[-1]
    assert (last.status, last.label) == ("complete", "random_walk/seed-1")
    assert (last.done, last.budget) == (50, 50)
    assert (last.cached, last.failed) == (result.cached, result.failed)
    assert last.best_reward == result.best_reward
    assert [e.done for e in events] == sorted(e.done for e in events)


def test_progress_is_not_reported_for_every_batch():
    events: list[ProgressEvent] = []
    search(
        ToyProblem(), "random_walk", 400, 0, hyperparameters={"batch": 1}, progress=events.append
    )
    assert len(events) < 100


def test_the_best_trial_is_feasible_and_the_first_of_equals():
    result = search(ToyProblem(), scripted(DESIGNS[:8], DESIGNS[:8], []), 8, 0)
    feasible = [t for t in result.trials if t.feasible]
    assert result.best is not None
    assert result.best.reward == max(t.reward for t in feasible)
    assert not result.best.cached
    assert result.best_design == result.best.design
    assert result.best_evaluation is not None
    assert result.best_evaluation.metrics == result.best.metrics


def test_the_curve_is_every_improvement_counted_in_evaluations():
    result = search(ToyProblem(), scripted(DESIGNS[:3], DESIGNS[:2], DESIGNS[3:]), 12, 0)
    when, rewards = result.curve()
    assert (np.diff(rewards) > 0).all()
    assert rewards[-1] == result.best_reward
    paid = [trial for trial in result.trials if not trial.cached]
    for at in range(1, 13):
        fair = [trial.reward for trial in paid[:at] if trial.feasible]
        np.testing.assert_equal(best_at(when, rewards, at), max(fair, default=math.nan))


def test_without_a_feasible_trial_there_is_no_best():
    class Never(ToyProblem):
        def simulate(self, designs):
            from archgym.problem import Evaluation

            if self.evaluations:
                return [Evaluation.failed("never") for _ in designs]
            return super().simulate(designs)

    result = search(Never(), "random_walk", 12, 0)
    assert result.best is result.best_design is result.best_reward is None
    assert result.best_evaluation is None
    assert result.pareto() == []


def test_the_scalar_reward_of_several_objectives_is_their_mean():
    result = search(ToyProblem(), "random_walk", 20, 0, objective="pareto:latency_ns,power_mw")
    for trial in result.trials:
        assert trial.reward == pytest.approx(np.mean(trial.rewards))


def test_time_is_split_between_agent_and_simulator():
    result = search(ToyProblem(), "genetic", 40, 0)
    assert result.ask_seconds > 0
    assert result.evaluate_seconds > 0


# ------------------------------------------------------------------ Pareto


POINTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=25
)


@given(points=POINTS)
def test_the_front_is_what_no_point_dominates(points):
    def dominates(a, b):
        return all(x >= y for x, y in zip(a, b, strict=True)) and a != b

    expected = [not any(dominates(other, point) for other in points) for point in points]
    assert pareto_mask(points).tolist() == expected


@given(points=POINTS)
def test_the_order_is_a_permutation_that_never_puts_a_dominated_point_first(points):
    order = nondominated_order(points)
    assert sorted(order.tolist()) == list(range(len(points)))
    array = np.array(points)
    for position, i in enumerate(order):
        later = array[order[position + 1 :]]
        assert not ((later >= array[i]).all(axis=1) & (later > array[i]).any(axis=1)).any()


def test_one_objective_is_sorted_by_reward_and_equals_keep_their_order():
    assert nondominated_order([[1.0], [3.0], [2.0], [3.0]]).tolist() == [1, 3, 2, 0]


def test_crowding_distance_is_the_normalised_perimeter_of_the_neighbours():
    distance = crowding_distance([[0.0, 4.0], [1.0, 3.0], [3.0, 1.0], [4.0, 0.0]])
    assert distance.tolist() == [np.inf, 3 / 4 + 3 / 4, 3 / 4 + 3 / 4, np.inf]
