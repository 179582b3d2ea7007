# ruff: noqa: S101 - assertions are what these suites are made of
"""Conformance suites that a third party subclasses for a problem or an agent, and a toy problem.

    from archgym.testing import ProblemConformance

    class TestMyProblem(ProblemConformance):
        def make_problem(self):
            return MyProblem()

pytest collects the inherited tests; importing this module needs no pytest.
"""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from archgym.agents import Agent
from archgym.envs import REGISTRY, make_problem
from archgym.errors import InvalidDesignError
from archgym.problem import Evaluation, MetricSpec, Problem
from archgym.search import SearchResult, search
from archgym.space import (
    Categorical,
    Condition,
    Constraint,
    Design,
    DesignSpace,
    Integer,
    Ordinal,
    Real,
)

__all__ = ["AgentConformance", "ProblemConformance", "ToyProblem"]


class ToyProblem(Problem):
    """A made-up memory in closed form, with a condition, a constraint and designs that fail.

    Every kind of parameter occurs. A buffer of one request with the policy "Closed" cannot be
    measured. ``evaluations`` counts the designs that were.
    """

    name = "archgym/Toy-v0"
    workload = "closed form"
    default_objective = "product:latency_ns*power_mw"
    default_design: Design = {
        "page_policy": "Open",
        "refresh_policy": "AllBank",
        "postponed": 8,
        "buffer": 8,
        "voltage": 1.2,
    }
    metrics = {
        "latency_ns": MetricSpec(
            name="latency_ns", unit="ns", direction="min", description="Time per request."
        ),
        "power_mw": MetricSpec(
            name="power_mw", unit="mW", direction="min", description="Power drawn."
        ),
        "hit_rate": MetricSpec(
            name="hit_rate",
            unit="",
            direction="max",
            description="Share of row hits.",
            can_be_zero=True,
        ),
    }

    def __init__(self, evaluator: Any = None) -> None:
        self.evaluator = evaluator
        self.evaluations = 0
        self.space = DesignSpace(
            [
                Categorical(name="page_policy", choices=("Open", "Adaptive", "Closed")),
                Categorical(name="refresh_policy", choices=("NoRefresh", "AllBank")),
                Integer(
                    name="postponed", low=1, high=8, when=Condition("refresh_policy", ("AllBank",))
                ),
                Ordinal(name="buffer", values=(1, 2, 4, 8, 16, 32), unit="requests"),
                Real(name="voltage", low=1.0, high=1.3, steps=7, unit="V"),
            ],
            [
                Constraint(
                    "thermal",
                    lambda d: float(d["buffer"]) * float(d["voltage"]) - 36.0,
                    "A large buffer at a high voltage is too hot.",
                    ("buffer", "voltage"),
                )
            ],
        )

    def simulate(self, designs: Sequence[Design]) -> list[Evaluation]:
        """Measure ``designs`` by the closed form."""
        self.evaluations += len(designs)
        return [self._measure_one(design) for design in designs]

    def _measure_one(self, design: Design) -> Evaluation:
        if design["page_policy"] == "Closed" and design["buffer"] == 1:
            return Evaluation.failed("deadlock: a closed page needs two buffered requests")
        policy = {"Open": 1.0, "Adaptive": 0.9, "Closed": 1.6}[str(design["page_policy"])]
        postponed = float(design.get("postponed", 16))
        buffer, voltage = float(design["buffer"]), float(design["voltage"])
        return Evaluation(
            metrics={
                "latency_ns": 100 * policy * (1 + 1 / buffer + 0.2 / postponed) / voltage,
                "power_mw": 300 * voltage**2 * (1 + buffer / 64 + 0.05 * postponed / 8),
                "hit_rate": 0.0 if design["page_policy"] == "Closed" else 1 - 1 / buffer,
            }
        )


class ProblemConformance:
    """What every problem fulfils. Subclass it in a test file and define `make_problem`."""

    samples: ClassVar[int] = 12
    """Random designs that are evaluated."""

    def make_problem(self) -> Problem:
        """Return a new, equal problem at every call; cheap to evaluate."""
        raise NotImplementedError

    def _designs(self, problem: Problem) -> list[Design]:
        rng = np.random.default_rng(0)
        return [problem.space.sample(rng) for _ in range(self.samples)]

    def test_the_default_design_is_legal_and_feasible(self) -> None:
        """Rewards are relative to it."""
        problem = self.make_problem()
        assert problem.space.validate(problem.default_design) == problem.default_design
        assert problem.space.is_legal(problem.default_design)
        assert problem.reference.feasible
        assert list(problem.reference.metrics) == list(problem.metrics)

    def test_every_evaluation_has_finite_declared_metrics_or_a_reason(self) -> None:
        """Agents rely on one of the two."""
        problem = self.make_problem()
        for evaluation in problem.evaluate(self._designs(problem)):
            assert set(evaluation.metrics) <= set(problem.metrics)
            assert all(math.isfinite(value) for value in evaluation.metrics.values())
            assert all(math.isfinite(value) for value in evaluation.violations.values())
            violated = any(value > 0 for value in evaluation.violations.values())
            assert evaluation.feasible == (evaluation.error is None and not violated)
            assert bool(evaluation.metrics) or not evaluation.feasible

    def test_metrics_say_what_they_mean(self) -> None:
        """Names are keys of tables, units labels of axes."""
        for name, spec in self.make_problem().metrics.items():
            assert name == spec.name
            assert name.isidentifier()
            assert spec.direction in ("min", "max")
            assert spec.description

    def test_a_batch_gives_what_its_designs_give_one_by_one(self) -> None:
        """In the same order; this also catches state that leaks between designs."""
        problem = self.make_problem()
        designs = self._designs(problem)
        assert problem.evaluate(designs) == [problem.evaluate([d])[0] for d in designs]
        assert problem.evaluate(designs[::-1]) == problem.evaluate(designs)[::-1]
        assert problem.evaluate([]) == []

    def test_an_equal_problem_gives_equal_evaluations_and_fingerprint(self) -> None:
        """A recorded run can be resumed and replayed elsewhere."""
        one, other = self.make_problem(), self.make_problem()
        designs = self._designs(one)
        assert one.fingerprint() == other.fingerprint()
        assert one.evaluate(designs) == other.evaluate(designs)

    def test_evaluation_leaves_its_designs_alone(self) -> None:
        """The caller keeps them."""
        problem = self.make_problem()
        designs = self._designs(problem)
        copies = [dict(design) for design in designs]
        problem.evaluate(designs)
        assert designs == copies

    def test_an_unknown_parameter_is_refused(self) -> None:
        """A typo is no design that fails."""
        problem = self.make_problem()
        message = "no error"
        try:
            problem.evaluate([{**problem.default_design, "no_such_parameter": 1}])
        except InvalidDesignError as error:
            message = str(error)
        assert "no_such_parameter" in message

    def test_a_design_that_violates_a_constraint_is_infeasible(self) -> None:
        """Breaking a constraint is data, not an exception."""
        problem = self.make_problem()
        rng = np.random.default_rng(0)
        vectors = rng.integers(0, problem.space.nvec, size=(200, len(problem.space)))
        drawn = [problem.space.decode(vector) for vector in vectors]
        illegal = [design for design in drawn if not problem.space.is_legal(design)][:5]
        for design, evaluation in zip(illegal, problem.evaluate(illegal), strict=True):
            assert not evaluation.feasible
            assert problem.measures_illegal or not evaluation.metrics
            assert dict(evaluation.violations) == problem.space.violations(design)

    def test_the_default_objective_gives_finite_rewards(self) -> None:
        """And no design is rewarded less than a failure."""
        problem = self.make_problem()
        objective = problem.objective()
        for evaluation in problem.evaluate(self._designs(problem)):
            assert math.isfinite(objective.reward(evaluation))
            assert objective.reward(evaluation) >= objective.failure
            assert len(objective.rewards(evaluation)) == len(objective.names)

    def test_its_configuration_makes_it_again(self) -> None:
        """`run.json` holds nothing else."""
        problem = self.make_problem()
        config = json.loads(json.dumps(problem.config))
        if problem.name in REGISTRY:
            assert make_problem(problem.name, **config).fingerprint() == problem.fingerprint()

    def test_its_description_shows_every_parameter_and_metric(self) -> None:
        """`render` and `archgym evaluate` print it."""
        problem = self.make_problem()
        design = problem.default_design
        text = problem.describe(design, problem.reference)
        for name in [*design, *problem.metrics]:
            assert name in text


class AgentConformance:
    """What every agent fulfils. Subclass it in a test file and define ``agent``."""

    agent: ClassVar[str | type[Agent] | Callable[..., Agent]]
    """Name, class or factory of the agent."""

    hyperparameters: ClassVar[dict[str, Any] | None] = None
    """Those to test with; None: the agent's own."""

    budget: ClassVar[int] = 40
    """Evaluations per search."""

    def run(self, problem: Problem, seed: int = 0, objective: str | None = None) -> SearchResult:
        """Search ``problem`` once."""
        return search(
            problem,
            self.agent,
            self.budget,
            seed,
            objective=objective,
            hyperparameters=self.hyperparameters,
        )

    def test_every_design_it_asks_for_is_legal(self) -> None:
        """Constraints are known to the agent before it asks."""
        problem = ToyProblem()
        for trial in self.run(problem).trials:
            assert problem.space.is_legal(trial.design)
            assert problem.space.key(trial.design) == trial.indices

    def test_it_spends_its_budget_and_no_more(self) -> None:
        """Counted in designs that were simulated; one more is the default design."""
        problem = ToyProblem()
        result = self.run(problem)
        assert result.evaluations <= self.budget
        assert problem.evaluations == result.evaluations + 1
        if result.stop == "budget":
            assert result.evaluations == self.budget

    def test_a_seed_repeats_a_run_exactly(self) -> None:
        """Resuming relies on it."""
        one, other = (self.run(ToyProblem(), seed=3).trials for _ in range(2))
        assert [t.indices for t in one] == [t.indices for t in other]
        assert [t.reward for t in one] == [t.reward for t in other]

    def test_it_goes_on_after_designs_that_fail(self) -> None:
        """A failure is a low reward, not the end."""
        result = self.run(_MostlyFailing())
        assert any(trial.error for trial in result.trials)
        assert result.evaluations > self.budget // 2

    def test_it_searches_several_objectives(self) -> None:
        """By the vector of rewards, or by their scalarisation."""
        result = self.run(ToyProblem(), objective="pareto:latency_ns,power_mw")
        assert all(len(trial.rewards) == 2 for trial in result.trials)

    def test_it_searches_a_space_of_one_design(self) -> None:
        """The smallest space there is."""
        result = self.run(_OneDesign())
        assert result.evaluations == 1


class _MostlyFailing(ToyProblem):
    """Two policies of three fail, as in spaces full of designs that cannot be mapped."""

    def _measure_one(self, design: Design) -> Evaluation:
        if design["page_policy"] != "Open":
            return Evaluation.failed("only an open page works")
        return super()._measure_one(design)


class _OneDesign(ToyProblem):
    """A space without any choice."""

    default_design: Design = {"page_policy": "Open", "buffer": 4, "voltage": 1.0}

    def __init__(self) -> None:
        super().__init__()
        self.space = DesignSpace(
            [
                Categorical(name="page_policy", choices=("Open",)),
                Ordinal(name="buffer", values=(4,)),
                Ordinal(name="voltage", values=(1.0,)),
            ]
        )
