"""The environment and its batched form, on a problem in closed form."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import archgym
from archgym.env import ArchGymEnv
from archgym.errors import InvalidConfigError, InvalidDesignError, UnknownNameError
from archgym.objective import LIMIT
from archgym.problem import Evaluation
from archgym.testing import ToyProblem
from archgym.vector import ArchGymVectorEnv

HOT = [0, 0, 0, 5, 6]
DEADLOCK = [2, 0, 0, 0, 0]


class Toy(ArchGymEnv):
    """An environment whose constructor takes only what `gymnasium.make` can pass on."""

    def __init__(self, **arguments):
        super().__init__(ToyProblem(), **arguments)


@pytest.fixture
def registered():
    gymnasium.register(id="test/Toy-v0", entry_point=Toy, max_episode_steps=5)
    yield "test/Toy-v0"
    del gymnasium.registry["test/Toy-v0"]


@pytest.mark.parametrize("action_space", ["multi_discrete", "dict"])
@pytest.mark.parametrize("objective", [None, "pareto:latency_ns,power_mw", "target:power_mw=300"])
def test_the_gymnasium_checker_passes_without_a_warning(registered, action_space, objective):
    env = gymnasium.make(registered, action_space=action_space, objective=objective)
    check_env(env.unwrapped)


def test_the_passive_checker_and_other_wrappers_pass_without_a_warning(registered):
    env = gymnasium.wrappers.RecordEpisodeStatistics(gymnasium.make(registered))
    env.action_space.seed(0)
    env.reset(seed=0)
    for step in range(1, 6):
        *_, terminated, truncated, info = env.step(env.action_space.sample())
        assert not terminated
        assert truncated == (step == 5)
    assert info["episode"]["l"] == 5


@pytest.mark.parametrize("algorithm_action_space", ["multi_discrete"])
def test_the_stable_baselines_checker_passes_without_a_warning(algorithm_action_space):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(
        ArchGymEnv(ToyProblem(), action_space=algorithm_action_space, render_mode="ansi")
    )


@pytest.mark.parametrize("max_episode_steps", [1, 3, None])
def test_every_step_of_either_environment_is_one_evaluation(max_episode_steps):
    single, vector = ToyProblem(), ToyProblem()
    env = ArchGymEnv(single)
    envs = ArchGymVectorEnv(4, vector, max_episode_steps=max_episode_steps)
    legal = single.space.sample_indices(np.random.default_rng(0), 4)
    env.reset(seed=0)
    envs.reset(seed=0)
    assert single.evaluations == vector.evaluations == 1  # the default design, once
    for _ in range(7):
        env.step(legal[0])
        envs.step(legal)
    assert single.evaluations == 1 + 7
    assert vector.evaluations == 1 + 7 * 4


@pytest.mark.parametrize("max_episode_steps", [1, 3, 100])
@pytest.mark.parametrize("action_space", ["multi_discrete", "dict"])
def test_the_batched_environment_gives_what_single_ones_give(max_episode_steps, action_space):
    def one():
        env = ArchGymEnv(ToyProblem(), action_space=action_space, render_mode="ansi")
        return gymnasium.wrappers.TimeLimit(env, max_episode_steps)

    expected = SyncVectorEnv([one] * 4, autoreset_mode=AutoresetMode.SAME_STEP)
    actual = ArchGymVectorEnv(
        4,
        ToyProblem(),
        action_space=action_space,
        max_episode_steps=max_episode_steps,
        render_mode="ansi",
    )
    assert actual.observation_space == expected.observation_space
    assert actual.action_space == expected.action_space
    assert actual.metadata["autoreset_mode"] is expected.metadata["autoreset_mode"]
    expected.action_space.seed(0)
    assert_same(actual.reset(seed=0), expected.reset(seed=0))
    for _ in range(8):
        actions = expected.action_space.sample()
        assert_same(actual.step(actions), expected.step(actions))
    assert len(actual.render()) == 4
    partly = {"reset_mask": np.array([True, False, False, True])}
    assert_same(actual.reset(options=dict(partly)), expected.reset(options=dict(partly)))
    assert actual.render()[0] == expected.render()[0]


def assert_same(actual, expected):
    assert type(actual) is type(expected)
    if isinstance(actual, dict):
        assert actual.keys() == expected.keys()
        for key in actual:
            assert_same(actual[key], expected[key])
    elif isinstance(actual, tuple):
        for a, b in zip(actual, expected, strict=True):
            assert_same(a, b)
    elif isinstance(actual, np.ndarray):
        assert actual.dtype == expected.dtype
        assert actual.shape == expected.shape
        for a, b in zip(actual.flat, expected.flat, strict=True):
            assert_same(a, b)
    else:
        assert actual == expected


def test_vector_statistics_of_gymnasium_count_every_one_step_episode():
    envs = gymnasium.wrappers.vector.RecordEpisodeStatistics(
        ArchGymVectorEnv(3, ToyProblem(), max_episode_steps=1)
    )
    envs.action_space.seed(0)
    envs.reset(seed=0)
    for _ in range(4):
        _, rewards, _, truncations, infos = envs.step(envs.action_space.sample())
        assert truncations.all()
        assert np.allclose(infos["episode"]["r"], rewards)
    assert envs.episode_count == 12


def test_a_disabled_autoreset_leaves_resetting_to_the_caller():
    envs = ArchGymVectorEnv(2, ToyProblem(), max_episode_steps=1, autoreset_mode="Disabled")
    envs.reset(seed=0)
    observations, _, _, truncations, infos = envs.step(np.zeros((2, 5), dtype=int))
    assert truncations.all()
    assert "final_obs" not in infos
    assert observations[:, -1].tolist() == [1, 1]


def test_next_step_autoreset_is_refused_because_it_discards_actions():
    with pytest.raises(InvalidConfigError, match="discard the action"):
        ArchGymVectorEnv(2, ToyProblem(), autoreset_mode="NextStep")


def test_observations_are_improvements_over_the_default_design_and_zeros_after_reset():
    problem = ToyProblem()
    env = ArchGymEnv(problem)
    observation, info = env.reset(seed=1)
    assert observation.tolist() == [0, 0, 0, 0]
    assert info == {}
    observation, reward, *_ = env.step(problem.space.encode(problem.default_design))
    assert observation.tolist() == [0, 0, 0, 1]
    assert reward == 0
    changed = {**problem.default_design, "buffer": 32, "voltage": 1.0}
    observation, reward, _, _, info = env.step(problem.space.encode(changed))
    ratios = [
        problem.reference.metrics["latency_ns"] / info["metrics"]["latency_ns"],
        problem.reference.metrics["power_mw"] / info["metrics"]["power_mw"],
        info["metrics"]["hit_rate"] / problem.reference.metrics["hit_rate"],
    ]
    assert observation[:3] == pytest.approx(np.log2(ratios), rel=1e-6)
    assert reward == pytest.approx(np.log2(ratios[0] * ratios[1]))


@pytest.mark.parametrize("action", [HOT, DEADLOCK])
def test_a_design_without_metrics_gives_the_lowest_observation_and_reward(action):
    env = ArchGymEnv(ToyProblem())
    env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step(action)
    assert observation.tolist() == [-LIMIT] * 3 + [-1]
    assert reward == env.objective.failure
    assert not terminated
    assert not truncated
    assert not info["feasible"]
    assert info["metrics"] == {}
    assert (info["error"] is None) == (action == HOT)
    assert (info["violations"]["thermal"] > 0) == (action == HOT)


def test_info_holds_the_design_metrics_and_one_reward_per_objective():
    env = ArchGymEnv(ToyProblem(), objective="pareto:latency_ns,power_mw")
    env.reset(seed=0)
    *_, info = env.step([1, 0, 7, 3, 2])
    assert list(info["design"].items()) == [
        ("page_policy", "Adaptive"),
        ("refresh_policy", "NoRefresh"),
        ("buffer", 8),
        ("voltage", 1.1),
    ]
    evaluation = Evaluation(metrics=info["metrics"], violations=info["violations"])
    assert info["rewards"].tolist() == list(env.objective.rewards(evaluation))
    assert set(info["metrics"]) == set(env.problem.metrics)


def test_an_action_that_is_no_design_raises():
    env = ArchGymEnv(ToyProblem())
    env.reset(seed=0)
    with pytest.raises(InvalidDesignError, match="outside the space"):
        env.step([3, 0, 0, 0, 0])
    env = ArchGymEnv(ToyProblem(), action_space="dict")
    env.reset(seed=0)
    with pytest.raises(InvalidDesignError, match="outside the space"):
        env.step({"page_policy": 0})


def test_rendering_shows_the_last_design_its_metrics_and_reward():
    env = ArchGymEnv(ToyProblem(), render_mode="ansi")
    env.reset(seed=0)
    assert "no design evaluated yet" in env.render()
    env.step([0, 1, 7, 3, 4])
    for word in ("page_policy", "Open", "latency_ns", "ns", "reward", env.objective.spec):
        assert word in env.render()
    env.reset()
    assert "no design evaluated yet" in env.render()
    assert ArchGymEnv(ToyProblem()).render() is None
    assert ArchGymVectorEnv(1, ToyProblem()).render() is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"render_mode": "human"}, "render_mode='human'"),
        ({"action_space": "box"}, "action_space='box'"),
        ({"workload": "stream"}, "no further arguments: workload"),
        ({"objective": "targt:latency_ns=1"}, "Did you mean 'target'"),
    ],
)
def test_a_wrong_argument_is_refused_by_both_environments(arguments, words):
    with pytest.raises(InvalidConfigError, match=words):
        ArchGymEnv(ToyProblem(), **arguments)
    with pytest.raises(InvalidConfigError, match=words):
        ArchGymVectorEnv(2, ToyProblem(), **arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"num_envs": 0}, "num_envs=0"), ({"max_episode_steps": 0}, "max_episode_steps=0")],
)
def test_a_wrong_number_of_copies_or_steps_is_refused(arguments, words):
    with pytest.raises(InvalidConfigError, match=words):
        ArchGymVectorEnv(**{"num_envs": 2, "problem": ToyProblem(), **arguments})


@pytest.mark.parametrize("mask", [[True, False], np.array([1, 0]), np.zeros(2, dtype=bool)])
def test_a_reset_mask_of_the_wrong_kind_is_refused(mask):
    envs = ArchGymVectorEnv(2, ToyProblem())
    envs.reset(seed=0)
    if isinstance(mask, list):
        mask = np.array([*mask, True])
    with pytest.raises(InvalidConfigError, match="reset_mask"):
        envs.reset(options={"reset_mask": mask})


def test_an_unknown_environment_is_refused_with_a_hint():
    with pytest.raises(UnknownNameError, match="Did you mean 'archgym/DRAM-v0'"):
        archgym.make("archgym/DRAM-v1")


def test_an_evaluator_may_measure_fewer_metrics():
    class OnlyLatency:
        def evaluate(self, designs):
            return [Evaluation(metrics={"latency_ns": 5.0}) for _ in designs]

    problem = ToyProblem(evaluator=OnlyLatency())
    env = ArchGymEnv(problem, objective="latency_ns")
    assert env.observation_space.shape == (2,)
    env.reset(seed=0)
    assert env.step([0, 0, 0, 3, 0])[1] == 0
    with pytest.raises(UnknownNameError, match=r"Unknown metric 'power_mw'.*Allowed: latency_ns"):
        ArchGymEnv(problem, objective="power_mw")
