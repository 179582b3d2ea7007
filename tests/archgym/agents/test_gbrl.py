"""The agent on gradient-boosted trees: what its policy learns, and that runs repeat."""

import pytest

torch = pytest.importorskip("torch", reason="the extra 'rl' is not installed")
pytest.importorskip("gbrl", reason="the extra 'rl' is not installed")

import numpy as np  # noqa: E402

from archgym.agents import GBRLAgent  # noqa: E402
from archgym.problem import Evaluation, MetricSpec, Problem  # noqa: E402
from archgym.search import search  # noqa: E402
from archgym.space import Categorical, DesignSpace  # noqa: E402
from archgym.task import Task  # noqa: E402
from archgym.testing import ToyProblem  # noqa: E402


class Matching(Problem):
    """Six choices in pairs; a pair is good if both agree, whatever they are."""

    name = "test/Matching-v0"
    workload = "none"
    default_objective = "cost"
    metrics = {"cost": MetricSpec(name="cost", unit="", direction="min", description="To lower.")}

    def __init__(self):
        self.space = DesignSpace([Categorical(name=n, choices=(0, 1, 2, 3)) for n in "abcdef"])
        self.default_design = self.space.decode([0, 1, 0, 1, 0, 1])

    def simulate(self, designs):
        return [
            Evaluation(metrics={"cost": 4.0 - sum(d[x] == d[y] for x, y in ("ab", "cd", "ef"))})
            for d in designs
        ]


def test_trees_learn_that_choices_belong_together():
    def mean_cost(agent, seed):
        trials = search(Matching(), agent, 192, seed).trials
        return np.mean([trial.metrics["cost"] for trial in trials[-64:]])

    found = {a: np.mean([mean_cost(a, seed) for seed in (0, 1)]) for a in ("gbrl", "random_walk")}
    assert found["gbrl"] < found["random_walk"] - 0.3


def test_the_threads_of_torch_do_not_change_a_run():
    before, runs = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        runs.append([trial.indices for trial in search(ToyProblem(), "gbrl", 60, 3).trials])
    torch.set_num_threads(before)
    assert runs[0] == runs[1]


def test_designs_of_others_are_learnt_from_at_the_next_update():
    problem = ToyProblem()
    task = Task(problem, problem.objective(), 200)
    agent = GBRLAgent(problem.space, budget=200, seed=0)
    best = max(task.evaluate([problem.space.sample(agent.rng) for _ in range(100)]), key=reward)
    agent.observe([best])
    before = log_likelihood(agent, best.indices)
    agent.tell(task.evaluate(agent.ask()))
    assert log_likelihood(agent, best.indices) > before


def reward(trial):
    return trial.reward


def log_likelihood(agent, indices):
    """Return how likely the policy builds a design."""
    total = 0.0
    for features, mask, branch in agent._construction.decisions(np.array(indices)):
        logits = np.where(mask, agent._logits(features[None])[0], -np.inf)
        total += logits[branch] - np.logaddexp.reduce(logits)
    return total
