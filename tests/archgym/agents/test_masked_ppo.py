"""PPO that builds designs: its environment, its masks, and what it leaves alone."""

import pytest

torch = pytest.importorskip("torch", reason="the extra 'rl' is not installed")
pytest.importorskip("sb3_contrib", reason="the extra 'rl' is not installed")

import numpy as np  # noqa: E402

from archgym.agents._sb3 import ConstructionVecEnv  # noqa: E402
from archgym.search import search  # noqa: E402
from archgym.task import Task  # noqa: E402
from archgym.testing import ToyProblem  # noqa: E402


def environment(count=4, budget=40):
    problem = ToyProblem()
    task = Task(problem, problem.objective(), budget)
    return task, ConstructionVecEnv(task, count, np.random.default_rng(0))


def play(task, env):
    """Play one episode at random within the masks; return the rewards of each step."""
    rng, steps = np.random.default_rng(1), []
    for _ in range(env.steps):
        actions = [rng.choice(np.flatnonzero(mask)) for mask in env.env_method("action_masks")]
        steps.append(env.step(np.array(actions)))
    return steps


def test_only_the_last_step_of_an_episode_evaluates_and_is_rewarded():
    task, env = environment()
    steps = play(task, env)
    assert [dones.any() for _, _, dones, _ in steps] == [False] * (env.steps - 1) + [True]
    assert all((rewards == 0).all() for _, rewards, _, _ in steps[:-1])
    assert steps[-1][1].tolist() == pytest.approx([trial.reward for trial in task.trials])


def test_masked_designs_are_legal_and_inactive_parameters_take_no_decision():
    task, env = environment(count=16, budget=200)
    play(task, env)
    assert len(task.trials) == 16
    assert {len(trial.design) for trial in task.trials} == {4, 5}


def test_a_design_that_is_complete_has_one_branch_left():
    _, env = environment(count=1)
    for branch in (0, 0, 0, 0):  # without refresh nothing is postponed: four decisions
        env.step(np.array([branch]))
    assert env.steps == 5
    assert env.env_method("action_masks")[0].tolist() == [True] + [False] * 7


def test_the_threads_of_torch_do_not_change_a_run_and_its_random_state_is_left_alone():
    before, state, runs = torch.get_num_threads(), torch.get_rng_state(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        runs.append([trial.indices for trial in search(ToyProblem(), "masked_ppo", 50, 3).trials])
    torch.set_num_threads(before)
    assert runs[0] == runs[1]
    assert torch.equal(torch.get_rng_state(), state)


def test_it_beats_random_search():
    found = {
        agent: np.mean([search(ToyProblem(), agent, 60, seed).best_reward for seed in range(3)])
        for agent in ("masked_ppo", "random_walk")
    }
    assert found["masked_ppo"] > found["random_walk"]
