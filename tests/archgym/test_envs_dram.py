"""DRAM-v0: its spaces, its metrics, and that the environment simulates what it says."""

import json

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import archgym
from archgym.env import ArchGymEnv
from archgym.envs import REGISTRY, make_problem
from archgym.envs.dram import DRAMEnv, DRAMProblem
from archgym.errors import ArchGymError, InvalidConfigError
from archgym.objective import Target
from archgym.testing import ProblemConformance
from archgym.vector import ArchGymVectorEnv
from simulators.dram import AddressMapping, ControllerConfig, MemorySpec, load_workload, simulate

ID = "archgym:archgym/DRAM-v0"
CHEAP = {
    "archgym/Accelerator-v0": {"workload": "alexnet/5", "mapping_budget": 40},
    "archgym/DRAM-v0": {"requests": 300},
}
WITH_ENERGY = ["DDR3-1600", "DDR4-1866", "DDR4-2400"]
ENERGY = {"energy_pj", "power_mw"}


class TestEveryRegisteredProblem(ProblemConformance):
    @pytest.fixture(autouse=True, params=sorted(REGISTRY))
    def _choose(self, request):
        self.name = request.param

    def make_problem(self):
        return make_problem(self.name, **CHEAP.get(self.name, {}))


class TestPaperSpace(ProblemConformance):
    def make_problem(self):
        return DRAMProblem(space="paper", workload="random", requests=300, memory="DDR3-1600")


class TestMemoryWithoutEnergyModel(ProblemConformance):
    def make_problem(self):
        return DRAMProblem(memory="HBM2-2000", workload="mixed-streams", requests=300)


def small(**config):
    return DRAMProblem(**{"requests": 200, **config})


def test_the_paper_spaces_have_exactly_the_papers_sizes():
    assert small(space="paper").space.size == 442_368
    assert small(space="paper-dense").space.size == 1_769_472


@pytest.mark.parametrize("space", ["paper", "paper-dense"])
def test_the_paper_spaces_have_its_ten_parameters_without_conditions(space):
    parameters = small(space=space).space.parameters
    assert [p.cardinality for p in parameters] == (
        [4, 3, 3, 8, 2, 2, 4, 4, 3, 8] if space == "paper" else [4, 3, 3, 8, 2, 2, 8, 8, 3, 8]
    )
    assert all(p.when is None for p in parameters)
    assert not small(space=space).space.constraints


@pytest.mark.parametrize("memory", MemorySpec.presets())
def test_the_full_space_covers_the_paper_and_counts_conditional_designs_once(memory):
    space = small(memory=memory).space
    dense = small(space="paper-dense").space
    for paper in (*small(space="paper").space.parameters, *dense.parameters):
        assert set(paper.values) <= set(space[paper.name].values)
    mappings = len(AddressMapping.presets(MemorySpec.preset(memory)))
    policies = 2 if memory in ("LPDDR4-3200", "HBM2-2000") else 1
    schedulers = 2 + 1 + 1  # Fifo with either command multiplexer, FrFcfs, FrFcfsGrp
    assert len(space) == 13
    assert space.size == (
        4 * schedulers * 3 * 12 * 2 * (policies * 8 * 8) * (1 + 2 * 128) * mappings * 2
    )


@pytest.mark.parametrize("memory", MemorySpec.presets())
def test_every_memory_has_its_metrics_and_a_default_objective_from_them(memory):
    problem = small(memory=memory)
    has_energy = memory in WITH_ENERGY
    assert ENERGY.isdisjoint(problem.metrics) != has_energy
    energy = "*energy_pj" if has_energy else ""
    assert problem.default_objective == f"product:latency_mean_ns{energy}*time_ns"
    assert problem.objective().reward(problem.reference) == 0
    assert set(problem.reference.metrics) == set(problem.metrics)


def test_an_evaluation_is_what_the_simulator_measures():
    problem = small(workload="random", seed=3)
    rng = np.random.default_rng(0)
    trace = load_workload("random", requests=200, seed=3)
    memory = MemorySpec.preset("DDR4-2400")
    for design in [problem.space.sample(rng) for _ in range(20)]:
        evaluation = problem.evaluate([design])[0]
        rest = {name: value for name, value in design.items() if name != "address_mapping"}
        mapping = AddressMapping.preset(memory, design["address_mapping"])
        measured = simulate(memory, mapping, ControllerConfig(**rest), trace)
        assert evaluation.feasible
        assert evaluation.metrics == {name: getattr(measured, name) for name in problem.metrics}


def test_threads_and_batches_change_nothing_but_the_time():
    one, two = small(threads=1), small(threads=2)
    rng = np.random.default_rng(0)
    designs = [one.space.sample(rng) for _ in range(16)]
    assert one.evaluate(designs) == two.evaluate(designs)
    assert one.fingerprint() == two.fingerprint()


def test_a_design_without_refresh_is_measured_but_infeasible_in_the_full_space_only():
    full, paper = small(), small(space="paper")
    lossy = {
        name: value
        for name, value in full.default_design.items()
        if not name.startswith("refresh_max")
    } | {"refresh_policy": "NoRefresh"}
    evaluation = full.evaluate([lossy])[0]
    assert not evaluation.feasible
    assert evaluation.violations == {"retention": 1.0}
    assert set(evaluation.metrics) == set(full.metrics)
    assert full.objective().reward(evaluation) == full.objective().failure
    rng = np.random.default_rng(0)
    assert all(full.space.sample(rng)["refresh_policy"] != "NoRefresh" for _ in range(50))
    assert paper.evaluate([{**paper.default_design, "refresh_policy": "NoRefresh"}])[0].feasible


@pytest.mark.parametrize("workload", ["stream", "random", "zipf-embedding", "mixed-streams"])
@pytest.mark.parametrize("memory", ["DDR4-2400", "HBM2-2000"])
def test_the_default_objective_does_not_reward_a_throttled_memory(workload, memory):
    problem = small(workload=workload, memory=memory, requests=3000)
    serial = {"arbiter": "Fifo", "max_active_transactions": 1}
    evaluation = problem.evaluate([{**problem.default_design, **serial}])[0]
    assert evaluation.metrics["time_ns"] > 1.5 * problem.reference.metrics["time_ns"]
    assert problem.objective().reward(evaluation) < 0
    if workload == "stream" and memory == "DDR4-2400":
        # What the default objective avoids: three times slower, and scored as better.
        assert problem.objective("product:latency_mean_ns*power_mw").reward(evaluation) > 0


class Stalling(DRAMProblem):
    """Takes every controller for one whose strict multiplexer starves behind its scheduler."""

    def hardware(self, design):
        mapping, _ = super().hardware(design)
        stalls = design["page_policy"] == "Open"
        return mapping, ControllerConfig(
            scheduler="FrFcfs",
            cmd_mux="Strict" if stalls else "Oldest",
            refresh_policy="NoRefresh",
            request_buffer_size=16,
        )


def test_a_design_that_deadlocks_is_a_failure_with_a_reason_and_spares_its_batch():
    problem = Stalling(workload="random", requests=2000)
    stalling = problem.default_design
    other = {**stalling, "page_policy": "Closed"}
    evaluations = problem.evaluate([other, stalling, other])
    assert [e.feasible for e in evaluations] == [True, False, True]
    assert evaluations[0] == evaluations[2]
    assert evaluations[1].metrics == {}
    assert evaluations[1].error


def test_fingerprints_follow_what_determines_results():
    base = small()
    assert small().fingerprint() == base.fingerprint()
    for changed in (
        {"workload": "random"},
        {"requests": 201},
        {"memory": "DDR4-1866"},
        {"space": "paper"},
        {"compatibility": "corrected"},
    ):
        assert small(**changed).fingerprint() != base.fingerprint()
    assert small(workload="random", seed=1).fingerprint() != (
        small(workload="random", seed=2).fingerprint()
    )


def test_files_and_objects_name_the_same_problem_as_names(tmp_path):
    trace, memory = load_workload("stream", requests=200), MemorySpec.preset("DDR4-2400")
    (tmp_path / "memory.json").write_text(json.dumps(memory.to_dramsys()))
    trace.to_stl(tmp_path / "short.stl")
    base = small()
    for config in (
        {"workload": trace, "requests": None},
        {"memory": memory},
        {"memory": memory.to_dramsys()},
        {"memory": tmp_path / "memory.json"},
        {"memory": str(tmp_path / "memory.json")},
    ):
        assert small(**config).evaluate([base.default_design]) == [base.reference]
    from_file = small(workload=tmp_path / "short.stl", memory=tmp_path / "memory.json")
    again = make_problem("archgym/DRAM-v0", **json.loads(json.dumps(from_file.config)))
    assert again.fingerprint() == from_file.fingerprint()


def test_a_problem_on_a_trace_object_says_that_it_cannot_be_made_again():
    problem = DRAMProblem(workload=load_workload("stream", requests=50))
    config = json.loads(json.dumps(problem.config))
    with pytest.raises(InvalidConfigError, match="path of a trace file"):
        make_problem("archgym/DRAM-v0", **config)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"workload": "straem"}, "Did you mean 'stream'"),
        ({"workload": 7}, "workload=7 is a int"),
        ({"workload": "no/such/file.stl"}, "no/such/file.stl"),
        ({"memory": "DDR4-2401"}, "Did you mean 'DDR4-2400'"),
        ({"memory": "no/such/file.json"}, "no/such/file.json"),
        ({"space": "papr"}, "Did you mean 'paper'"),
        ({"threads": 0}, "threads=0"),
        ({"threads": "2"}, "threads='2'"),
        ({"requests": 0}, "requests"),
        ({"requests": -5}, "requests"),
        ({"compatibility": "dramsys5"}, "dramsys40"),
        ({"objective": "latency"}, "latency_mean_ns"),
        ({"objective": "targt:time_ns=1"}, "Did you mean 'target'"),
    ],
)
def test_a_wrong_argument_is_refused_with_what_is_allowed(config, words):
    with pytest.raises(ArchGymError, match=words):
        archgym.make("archgym/DRAM-v0", **{"requests": 50, **config})


def test_requests_cannot_cut_a_trace_object():
    with pytest.raises(InvalidConfigError, match="requests=10 with a Trace"):
        DRAMProblem(workload=load_workload("stream", requests=50), requests=10)


@pytest.mark.parametrize(
    "config", [{}, {"space": "paper"}, {"memory": "LPDDR4-3200"}, {"action_space": "dict"}]
)
def test_the_gymnasium_checker_passes_without_a_warning(config):
    check_env(gymnasium.make(ID, requests=50, **config).unwrapped)


@pytest.mark.parametrize("config", [{}, {"space": "paper"}, {"memory": "LPDDR4-3200"}])
def test_the_stable_baselines_checker_passes_without_a_warning(config):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(gymnasium.make(ID, requests=50, render_mode="ansi", **config))


def test_make_is_gymnasiums_make_with_a_documented_class():
    for env in (archgym.make("archgym/DRAM-v0", requests=50), gymnasium.make(ID, requests=50)):
        assert isinstance(env.unwrapped, DRAMEnv)
        assert env.spec.id == "archgym/DRAM-v0"
        assert env.spec.max_episode_steps == 100
        assert env.action_space == gymnasium.spaces.MultiDiscrete(env.unwrapped.problem.space.nvec)


@pytest.mark.parametrize("documented", [ArchGymEnv, DRAMEnv])
def test_environment_classes_document_every_heading(documented):
    for heading in (
        "Description",
        "Action Space",
        "Observation Space",
        "Reward",
        "Starting State",
        "Episode End",
        "Metrics",
        "Arguments",
        "Version History",
    ):
        assert f"    ## {heading}\n" in documented.__doc__


def test_the_documentation_names_every_parameter_and_metric():
    problem = small()
    for name in [*problem.space.names, *problem.metrics]:
        assert name in DRAMEnv.__doc__


def test_make_vec_gives_the_batched_environment_and_evaluates_every_action():
    envs = gymnasium.make_vec(ID, num_envs=8, requests=50, max_episode_steps=1, objective="time_ns")
    assert isinstance(envs, ArchGymVectorEnv)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    envs.reset(seed=0)
    actions = envs.problem.space.sample_indices(np.random.default_rng(0), 16).reshape(2, 8, -1)
    for batch in actions:
        _, rewards, _, truncations, infos = envs.step(batch)
        assert truncations.all()
        expected = envs.problem.evaluate([envs.problem.space.decode(row) for row in batch])
        assert rewards.tolist() == [envs.objective.reward(e) for e in expected]
        times = [e.metrics["time_ns"] for e in expected]
        assert infos["final_info"]["metrics"]["time_ns"].tolist() == times


def test_objects_are_accepted_as_objectives():
    env = gymnasium.make(ID, requests=50, objective=Target.of(latency_mean_ns=1e6))
    env.reset(seed=0)
    design = env.unwrapped.problem.default_design
    assert env.step(env.unwrapped.problem.space.encode(design))[1] == 1.0


def test_rendering_shows_where_time_and_energy_go():
    env = gymnasium.make(ID, requests=200, render_mode="ansi")
    env.reset(seed=0)
    env.step(env.unwrapped.problem.space.encode(env.unwrapped.problem.default_design))
    text = env.render()
    for word in ("page_policy", "OpenAdaptive"[:4], "latency_mean_ns", "p99", "commands", "ACT"):
        assert word in text
    energy = text.split("\nenergy\n")[1].split("\n\n")[0]
    shares = [float(line.split("%")[0].split()[-1]) for line in energy.splitlines()]
    assert sum(shares) == pytest.approx(100, abs=0.5)
    assert "#" in energy


def test_rendering_without_energy_model_says_why():
    problem = small(memory="LPDDR4-3200")
    assert "energy: none, " in problem.describe(problem.default_design, problem.reference)


def test_an_evaluator_replaces_the_simulator_and_its_breakdown():
    class Proxy:
        def evaluate(self, designs):
            return [reference] * len(designs)

        def fingerprint(self):
            return "proxy-1"

    reference = small().reference
    problem = small(evaluator=Proxy())
    assert problem.reference == reference
    assert problem.fingerprint() != small().fingerprint()
    assert "commands" not in problem.describe(problem.default_design, reference)


def test_its_choices_are_arguments_that_it_accepts():
    choices = DRAMProblem.choices()
    assert set(choices) == {"workload", "memory", "space"}
    for argument, names in choices.items():
        for name, line in names.items():
            assert line
            assert "\n" not in line
            if argument != "workload":
                assert small(**{argument: name}).reference.feasible
    assert {"stream", "random"} <= set(choices["workload"])


def test_the_breakdown_adds_up():
    problem = small()
    parts = problem.breakdown(problem.default_design)
    assert sum(parts["energy (nJ)"].values()) == pytest.approx(
        problem.reference.metrics["energy_pj"] / 1e3
    )
    assert parts["commands"]["ACT"] > 0
    assert "energy (nJ)" not in small(memory="HBM2-2000").breakdown(problem.default_design)
