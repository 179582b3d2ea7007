"""CMA-ES: what is ours around the library's sampler."""

import numpy as np
import pytest

from archgym.agents import AGENTS
from archgym.problem import Evaluation, MetricSpec, Problem
from archgym.search import search
from archgym.space import Categorical, DesignSpace, Integer
from archgym.testing import ToyProblem

pytest.importorskip("cmaes")


class Bowl(Problem):
    """A smooth bowl over two integers."""

    name = "bowl"
    workload = "closed form"
    default_objective = "min:loss_ns"
    used = "xyz"
    default_design = {"x": 0, "y": 0, "z": 0}
    metrics = {
        "loss_ns": MetricSpec(
            name="loss_ns", unit="ns", direction="min", description="Above the floor."
        )
    }

    def __init__(self):
        self.evaluator = None
        self.space = DesignSpace([Integer(name=name, low=0, high=63) for name in "xyz"])

    def simulate(self, designs):
        return [
            Evaluation(
                metrics={"loss_ns": 1.0 + sum((value - 40) ** 2 for value in design.values())}
            )
            for design in designs
        ]


def test_it_finds_the_floor_of_a_bowl_that_random_search_does_not():
    found = {
        name: [search(Bowl(), name, 300, seed).best.metrics["loss_ns"] for seed in range(5)]
        for name in ("cmaes", "random_walk")
    }
    assert np.mean(found["cmaes"]) < 0.2 * np.mean(found["random_walk"])


def test_it_restarts_with_a_doubled_population_once_it_only_repeats_itself():
    sizes = set()

    class Watched(AGENTS["cmaes"]):
        def learn(self, points, losses):
            super().learn(points, losses)
            sizes.add(self.population)

    result = search(ToyProblem(), Watched, 600, 0)
    assert result.cached > 0
    assert {2 * min(sizes), 4 * min(sizes)} <= sizes


@pytest.mark.parametrize("more", [[], [Categorical(name="only", choices=("one",))]])
def test_a_space_of_one_choice_is_searched_at_random(more):
    problem = Bowl()
    problem.space = DesignSpace([Integer(name="x", low=0, high=63), *more])
    problem.default_design = problem.space.decode([0] * (1 + len(more)))
    problem.simulate = lambda designs: [
        Evaluation(metrics={"loss_ns": 1.0 + d["x"]}) for d in designs
    ]
    assert search(problem, "cmaes", 60, 0).evaluations > 30


def test_a_parameter_of_one_value_keeps_it():
    problem = Bowl()
    problem.space = DesignSpace(
        [*problem.space.parameters, Categorical(name="only", choices=("one",))]
    )
    problem.default_design = {**problem.default_design, "only": "one"}
    problem.simulate = lambda designs: [
        Evaluation(metrics={"loss_ns": 1.0 + d["x"]}) for d in designs
    ]
    assert search(problem, "cmaes", 100, 0).best.design["only"] == "one"
