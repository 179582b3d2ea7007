"""The random forest agent: its mean and variance, its share of random designs, and looking on."""

import pytest

pytest.importorskip("sklearn", reason="the extra 'proxy' is not installed")

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from archgym.agents import RandomForestAgent, RandomForestConfig
from archgym.agents._acquisition import log_expected_improvement
from archgym.agents._random_forest import _Forest
from archgym.search import search
from archgym.task import Task
from archgym.testing import ToyProblem


def test_mean_and_variance_are_those_of_a_tree_drawn_at_random():
    rng = np.random.default_rng(0)
    points = rng.random((40, 3)).astype(np.float32)
    targets = points.sum(axis=1)
    model = RandomForestRegressor(4, min_samples_leaf=5, bootstrap=False, random_state=0)
    model.fit(points, targets)
    # The trials in the point's leaf of every tree, each as likely as the others.
    draws = []
    for tree in model.estimators_:
        together = tree.apply(points) == tree.apply(points[:1])
        draws.append(rng.choice(targets[together], size=100_000))
    mixed = np.concatenate(draws)
    expected = log_expected_improvement(mixed.mean(), mixed.std(), 2.0)
    assert _Forest(model, 2.0).score(points[:1])[0] == pytest.approx(float(expected), rel=0.02)


def test_the_forest_prefers_what_the_trials_say_is_good():
    problem = ToyProblem()
    task = Task(problem, problem.objective(), 200)
    agent = RandomForestAgent(
        problem.space, budget=200, seed=0, config=RandomForestConfig(random=0.0)
    )
    agent.tell(task.evaluate(agent.ask()))
    asked = [t.reward for t in (task.evaluate(agent.ask()))]
    random = [t.reward for t in task.trials[:20]]
    assert min(asked) > np.median(random)


def test_without_faith_in_the_forest_every_design_is_random_and_new():
    config = RandomForestConfig(random=1.0)
    result = search(ToyProblem(), "random_forest", 60, 1, hyperparameters=config)
    assert result.cached == 0
    assert result.evaluations == 60


def test_trials_of_others_spare_the_first_designs():
    problem = ToyProblem()
    task = Task(problem, problem.objective(), 200)
    rng = np.random.default_rng(0)
    agent = RandomForestAgent(problem.space, budget=200, seed=0)
    assert len(agent.ask()) == agent.config.initial
    agent.observe(task.evaluate([problem.space.sample(rng) for _ in range(40)]))
    assert len(agent.ask()) == agent.config.batch


def test_it_beats_random_search():
    found = {
        agent: np.mean([search(ToyProblem(), agent, 50, seed).best_reward for seed in range(3)])
        for agent in ("random_forest", "random_walk")
    }
    assert found["random_forest"] > found["random_walk"]
