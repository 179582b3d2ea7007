"""Optimisers of other libraries as agents: the examples in the docstrings run and conform."""

import doctest
import re
from importlib.util import find_spec

import numpy as np
import pytest

import archgym
from archgym.agents import OptunaAgent, PointsAgent
from archgym.testing import AgentConformance, ToyProblem


class DriftAgent(PointsAgent):
    """Samples around the best point of the last batch."""

    name = "drift"
    batches = 0

    def start(self):
        self.centre = np.full(len(self.space), 0.5)

    def propose(self):
        around = self.centre + self.rng.normal(0, 0.3, size=(8, len(self.space)))
        return list(around)

    def learn(self, points, losses):
        assert len(points) == len(losses) == 8
        self.centre = points[int(np.argmin(losses))]


class TestConformance(AgentConformance):
    agent = DriftAgent


def test_illegal_points_are_told_the_worst_loss_and_not_evaluated():
    told = []

    class Told(DriftAgent):
        def learn(self, points, losses):
            told.append((points, losses))
            super().learn(points, losses)

    problem = ToyProblem()
    archgym.search(problem, Told, 40, 0)
    illegal = 0
    worst = 0.0
    for points, losses in told:
        worst = max(worst, *losses)
        for point, loss in zip(points, losses, strict=True):
            if not problem.space.is_legal(problem.space.from_unit(point)):
                illegal += 1
                assert loss == worst
    assert illegal > 0


@pytest.mark.parametrize("cls", [PointsAgent, OptunaAgent])
def test_the_example_of_a_base_class_runs_in_few_lines(cls):
    cmaes, optuna = (pytest.importorskip(name) for name in ("cmaes", "optuna"))
    names = {"archgym": archgym, "cmaes": cmaes, "np": np, "optuna": optuna, cls.__name__: cls}
    found = doctest.DocTestFinder(recurse=False).find(cls, cls.__name__, globs=names)
    assert sum(len(test.examples) for test in found) > 0
    for test in found:
        assert doctest.DocTestRunner().run(test, clear_globs=False).failed == 0
    body = re.findall(r"^        (?:>>>|\.\.\.)(.*\S)", cls.__doc__ or "", re.MULTILINE)
    assert len(body) <= 12


@pytest.mark.skipif(find_spec("cmaes") is None, reason="the extra 'optuna' is not installed")
def test_a_wrapped_cma_beats_random_search():
    import cmaes

    class CMA(PointsAgent):
        name = "my_cma"

        def start(self):
            bounds = np.array([[0, 1]] * len(self.space))
            self.cma = cmaes.CMA(np.full(len(self.space), 0.5), 0.3, bounds, seed=self.seed)

        def propose(self):
            return [self.cma.ask() for _ in range(self.cma.population_size)]

        def learn(self, points, losses):
            self.cma.tell(list(zip(points, losses, strict=True)))

    found = {
        agent: np.mean([archgym.search(ToyProblem(), agent, 80, s).best_reward for s in range(5)])
        for agent in (CMA, "random_walk")
    }
    assert found[CMA] > found["random_walk"]
