"""Optuna's samplers as agents ask for what Optuna itself would."""

import pytest

optuna = pytest.importorskip("optuna", reason="the extra 'optuna' is not installed")

from archgym.agents import OptunaAgent  # noqa: E402
from archgym.problem import Evaluation, MetricSpec, Problem  # noqa: E402
from archgym.search import search  # noqa: E402
from archgym.space import Categorical, Condition, Constraint, DesignSpace, Integer  # noqa: E402
from archgym.testing import ToyProblem  # noqa: E402

BUDGET = 40


class Unconstrained(Problem):
    """Two metrics that pull a large space in two directions."""

    name = "test/Unconstrained-v0"
    workload = "none"
    default_objective = "cost"
    metrics = {
        name: MetricSpec(name=name, unit="", direction="min", description="To minimise.")
        for name in ("cost", "area")
    }

    def __init__(self) -> None:
        self.space = DesignSpace(
            [
                Categorical(name="policy", choices=("a", "b", "c")),
                Integer(name="depth", low=1, high=1000),
                Integer(name="width", low=1, high=1000),
                Integer(name="delay", low=1, high=50, when=Condition("policy", ("b", "c"))),
            ]
        )
        self.default_design = {"policy": "a", "depth": 1, "width": 1}

    def simulate(self, designs):
        return [self.measured(design) for design in designs]

    def measured(self, design):
        """Return cost, least at depth 300 and width 700, and area, least at 1 and 1."""
        cost = 1 + abs(design["depth"] - 300) + abs(design["width"] - 700) + design.get("delay", 25)
        return Evaluation(metrics={"cost": cost, "area": design["depth"] * design["width"]})


def designs_of_optuna(sampler, objective):
    """Return the designs that Optuna's own loop evaluates."""
    problem = Unconstrained()
    bound = problem.objective(objective)
    keys = []

    def evaluate(trial):
        design = problem.space.suggest(trial)
        keys.append(problem.space.key(design))
        return bound.rewards(problem.evaluate([design])[0])

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=sampler, directions=["maximize"] * len(bound.names))
    study.optimize(evaluate, n_trials=BUDGET)
    return keys


CASES = [
    ("tpe", lambda: optuna.samplers.TPESampler(seed=5), None),
    ("tpe", lambda: optuna.samplers.TPESampler(seed=5), "pareto:cost,area"),
    ("nsga2", lambda: optuna.samplers.NSGAIISampler(population_size=10, seed=5), None),
    (
        "nsga2",
        lambda: optuna.samplers.NSGAIISampler(population_size=10, seed=5),
        "pareto:cost,area",
    ),
]
HYPERPARAMETERS = {"tpe": {}, "nsga2": {"population": 10, "batch": 1}}


@pytest.mark.parametrize(("agent", "sampler", "objective"), CASES)
def test_an_agent_asks_for_the_designs_that_optuna_itself_evaluates(agent, sampler, objective):
    result = search(
        Unconstrained(),
        agent,
        BUDGET,
        5,
        objective=objective,
        hyperparameters=HYPERPARAMETERS[agent],
    )
    ours = [trial.indices for trial in result.trials]
    assert ours[:BUDGET] == designs_of_optuna(sampler(), objective)[: len(ours)]


def test_any_sampler_is_an_agent_in_a_few_lines():
    class UniformAgent(OptunaAgent):
        """Draws designs at random."""

        name = "uniform"

        def sampler(self):
            return optuna.samplers.RandomSampler(seed=self.seed)

    result = search(ToyProblem(), UniformAgent, 30, 0)
    assert result.evaluations == 30
    assert result.identity["agent"] == "uniform"


def test_a_sampler_that_proposes_illegal_designs_only_is_helped_out():
    problem = ToyProblem()
    problem.space = DesignSpace(
        [Integer(name="buffer", low=1, high=1000)],
        [Constraint("rare", lambda d: 0.0 if d["buffer"] % 100 == 7 else 1.0)],
    )
    agent = search_agent("tpe", problem.space)
    for _ in range(5):
        for design in agent.ask():
            assert design["buffer"] % 100 == 7


def search_agent(name, space):
    """Return an agent over a space."""
    from archgym.agents import AGENTS

    return AGENTS[name](space, budget=10, seed=0)


def test_making_an_agent_leaves_optunas_logging_alone():
    optuna.logging.set_verbosity(optuna.logging.INFO)
    search_agent("tpe", ToyProblem().space)
    assert optuna.logging.get_verbosity() == optuna.logging.INFO
