"""The conformance suites pass what conforms, and catch what does not."""

import itertools

import numpy as np
import pytest

from archgym.agents import Agent
from archgym.errors import InfeasibleDesignError
from archgym.problem import Evaluation
from archgym.testing import AgentConformance, ProblemConformance, ToyProblem


class Uniform(Agent):
    """The smallest agent there is."""

    name = "uniform"

    def ask(self):
        return [self.space.sample(self.rng)]

    def tell(self, trials):
        pass


class TestTheSmallestAgent(AgentConformance):
    agent = Uniform


class TestRandomWalk(AgentConformance):
    agent = "random_walk"


class TestGenetic(AgentConformance):
    agent = "genetic"


class Lawless(Uniform):
    """Ignores the constraints."""

    def ask(self):
        return [self.space.decode(self.rng.integers(0, self.space.nvec))]


class Unseeded(Uniform):
    """Draws from a generator of its own."""

    generator = np.random.default_rng(0)

    def ask(self):
        return [self.space.sample(self.generator)]


class Fragile(Uniform):
    """Gives up at the first failure."""

    failed = False

    def ask(self):
        return [] if self.failed else super().ask()

    def tell(self, trials):
        self.failed = self.failed or any(trial.error for trial in trials)


@pytest.mark.parametrize(
    ("agent", "check", "error"),
    [
        (Lawless, "test_every_design_it_asks_for_is_legal", InfeasibleDesignError),
        (Unseeded, "test_a_seed_repeats_a_run_exactly", AssertionError),
        (Fragile, "test_it_goes_on_after_designs_that_fail", AssertionError),
    ],
)
def test_the_agent_suite_catches(agent, check, error):
    suite = type("Suite", (AgentConformance,), {"agent": agent})()
    with pytest.raises(error):
        getattr(suite, check)()


class Leaky(ToyProblem):
    """Its result depends on how many designs came before."""

    def _measure_one(self, design):
        measured = super()._measure_one(design)
        drift = {name: value * (1 + self.evaluations) for name, value in measured.metrics.items()}
        return Evaluation(metrics=drift, error=measured.error)


class Random(ToyProblem):
    """Its result depends on the instance."""

    instances = itertools.count(1)

    def __init__(self):
        super().__init__()
        self.factor = next(self.instances)

    def _measure_one(self, design):
        measured = super()._measure_one(design)
        return Evaluation(
            metrics={name: value * self.factor for name, value in measured.metrics.items()},
            error=measured.error,
        )


class Meddling(ToyProblem):
    """Changes the designs of its caller."""

    def evaluate(self, designs):
        evaluations = super().evaluate(designs)
        for design in designs:
            design["buffer"] = 1
        return evaluations


class Tolerant(ToyProblem):
    """Overlooks typos."""

    def evaluate(self, designs):
        known = set(self.space.names)
        return super().evaluate([{name: d[name] for name in d if name in known} for d in designs])


class Silent(ToyProblem):
    """Describes nothing."""

    def describe(self, design, evaluation):
        return "a memory"


class Idle(ToyProblem):
    """Its default design cannot be measured."""

    default_design = {**ToyProblem.default_design, "page_policy": "Closed", "buffer": 1}


@pytest.mark.parametrize(
    ("problem", "check"),
    [
        (Leaky, "test_a_batch_gives_what_its_designs_give_one_by_one"),
        (Random, "test_an_equal_problem_gives_equal_evaluations_and_fingerprint"),
        (Meddling, "test_evaluation_leaves_its_designs_alone"),
        (Tolerant, "test_an_unknown_parameter_is_refused"),
        (Silent, "test_its_description_shows_every_parameter_and_metric"),
        (Idle, "test_the_default_design_is_legal_and_feasible"),
    ],
)
def test_the_problem_suite_catches(problem, check):
    class Suite(ProblemConformance):
        def make_problem(self):
            return problem()

    with pytest.raises((AssertionError, ValueError)):
        getattr(Suite(), check)()
