"""The PPO agent: repeatable, on one thread, and without a trace in global state."""

import pytest

torch = pytest.importorskip("torch", reason="the extra 'rl' is not installed")
pytest.importorskip("stable_baselines3", reason="the extra 'rl' is not installed")

import random  # noqa: E402
from contextlib import suppress  # noqa: E402

import numpy as np  # noqa: E402

from archgym.agents import PPOConfig  # noqa: E402
from archgym.agents._sb3 import TaskVecEnv  # noqa: E402
from archgym.errors import InvalidConfigError  # noqa: E402
from archgym.search import search  # noqa: E402
from archgym.space import Categorical, DesignSpace, Ordinal  # noqa: E402
from archgym.task import BudgetExhausted, Task  # noqa: E402
from archgym.testing import ToyProblem  # noqa: E402


def test_the_threads_of_torch_do_not_change_a_run():
    runs = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        runs.append([t.indices for t in search(ToyProblem(), "ppo", 80, 3).trials])
        assert torch.get_num_threads() == threads
    assert runs[0] == runs[1]


def test_global_random_states_are_left_alone():
    before = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    search(ToyProblem(), "ppo", 20, 3)
    assert random.getstate() == before[0]
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[2])
    assert not torch.are_deterministic_algorithms_enabled()


def test_an_illegal_action_costs_nothing_and_has_the_worst_reward():
    problem = ToyProblem()
    task = Task(problem, problem.objective(), 10)
    environment = TaskVecEnv(task, 2, np.random.default_rng(0))
    legal, hot = np.zeros(5, dtype=int), np.array([0, 0, 0, 5, 6])
    assert not problem.space.is_legal(problem.space.decode(hot))
    _, rewards, dones, _ = environment.step(np.stack([legal, hot]))
    assert task.remaining == 9
    assert rewards[1] == min(0.0, rewards[0])
    assert dones.all()


def test_a_batch_of_illegal_actions_spends_budget_so_that_training_ends():
    problem = ToyProblem()
    task = Task(problem, problem.objective(), 3)
    environment = TaskVecEnv(task, 2, np.random.default_rng(0))
    hot = np.array([[0, 0, 0, 5, 6]] * 2)
    with suppress(BudgetExhausted):
        for _ in range(50):
            environment.step(hot)
    assert task.remaining == 0


def test_updates_of_a_single_design_are_refused():
    with pytest.raises(InvalidConfigError, match="environments=1 and steps=1"):
        PPOConfig(environments=1, steps=1)


def test_a_space_of_one_choice_is_learnt():
    problem = ToyProblem()
    problem.space = DesignSpace(
        [
            Categorical(name="page_policy", choices=("Closed", "Open")),
            Ordinal(name="buffer", values=(4,)),
            Ordinal(name="voltage", values=(1.0, 1.1, 1.2)),
        ]
    )
    problem.default_design = {"page_policy": "Closed", "buffer": 4, "voltage": 1.0}
    assert search(problem, "ppo", 6, 0).stop in ("budget", "space")
