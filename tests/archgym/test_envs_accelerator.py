"""Accelerator-v0: what its space can express, and that designs cost what their parts cost."""

import json
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from archgym.envs import make_problem
from archgym.envs._accelerator_space import mapping_constraints
from archgym.envs.accelerator import AcceleratorEnv, AcceleratorProblem
from archgym.errors import InvalidConfigError, InvalidDesignError
from archgym.problem import Evaluation
from archgym.testing import ProblemConformance
from simulators.accelerator import Architecture, InvalidMappingError, Layer, search_mapping

ID = "archgym:archgym/Accelerator-v0"
SMALL = Layer.conv(c=8, m=16, r=3, s=3, p=14, q=14, name="small")
PRODUCT = Layer.matmul(m=32, n=64, k=48, name="product")


def small(**config):
    return AcceleratorProblem(**{"workload": SMALL, "mapping_budget": 60, **config})


class TestAcceleratorProblem(ProblemConformance):
    samples = 5

    def make_problem(self):
        return small()


class TestFlexibleDataflowWithAnAreaLimit(ProblemConformance):
    samples = 5

    def make_problem(self):
        return small(workload=[SMALL, PRODUCT], dataflow="flexible", max_area_mm2=4.0, threads=1)


def uniform_designs(problem, n, seed=0):
    """Designs of index vectors drawn without looking at constraints."""
    rng = np.random.default_rng(seed)
    vectors = rng.integers(0, problem.space.nvec, size=(n, len(problem.space)))
    return [problem.space.decode(vector) for vector in vectors]


@pytest.mark.parametrize("workload", ["alexnet", "bert-base", "mobilenetv2", "vit-b16"])
def test_every_design_that_can_be_written_can_be_built(workload):
    problem = AcceleratorProblem(workload=workload)
    assert len(problem.space) == 25
    for design in uniform_designs(problem, 60):
        assert problem.space.is_legal(design)
        chip = problem.architecture(design)
        assert chip.compute.instances == design["mesh_x"] * design["mesh_y"]
        assert 0.05 < chip.area_um2 / 1e6 < 200


def test_every_sampled_design_has_a_mapping():
    problem = small(workload=[SMALL, PRODUCT], mapping_budget=40)
    evaluations = problem.evaluate(uniform_designs(problem, 15))
    assert all(evaluation.feasible for evaluation in evaluations)


def test_every_choice_changes_the_hardware_or_what_mappings_may_do():
    problem = small()
    rng = np.random.default_rng(1)

    def built(design):
        return problem.architecture(design), mapping_constraints(design, problem.dataflow)

    for design in (problem.default_design, problem.space.sample(rng), problem.space.sample(rng)):
        neighbours = problem.space.neighbours(design)
        assert len(neighbours) > 20
        for neighbour in neighbours:
            assert built(neighbour) != built(design)


def test_the_default_design_is_eyeriss():
    chip = small().architecture(small().default_design)
    eyeriss = Architecture.preset("eyeriss")
    for name in ("shared_glb", "ifmap_spad", "weights_spad", "psum_spad"):
        ours, theirs = chip.level(name), eyeriss.level(name)
        assert (ours.size_words, ours.instances) == (theirs.size_words, theirs.instances)
    assert chip.level("weights_spad").access_energy_pj == pytest.approx(
        eyeriss.level("weights_spad").access_energy_pj
    )
    assert chip.compute.energy_pj == eyeriss.compute.energy_pj


def test_bandwidth_is_what_rows_banks_and_ports_supply():
    problem = small()
    base = {**problem.default_design, "glb_block_size": 8, "glb_banks": 4}
    one = problem.architecture({**base, "glb_ports": 1}).level("shared_glb")
    two = problem.architecture({**base, "glb_ports": 2}).level("shared_glb")
    assert (one.shared_bandwidth, one.read_bandwidth) == (32, None)
    assert (two.shared_bandwidth, two.read_bandwidth, two.write_bandwidth) == (None, 32, 32)
    assert one.area_um2 < two.area_um2
    assert one.access_energy_pj < two.access_energy_pj


def test_more_storage_is_never_free():
    problem = small()
    area = problem.architecture(problem.default_design).area_um2
    for name, larger in (("psum_words", 24), ("weights_bank_words", 256), ("glb_kib", 192)):
        design = {**problem.default_design, name: larger}
        assert problem.architecture(design).area_um2 > area * 1.005


def test_sizes_too_small_for_the_filter_do_not_exist():
    wide = AcceleratorProblem(workload="alexnet/1")
    assert min(wide.space["mesh_y"].values) == 12
    assert min(wide.space["ifmap_words"].values) == 12
    assert wide.default_design["mesh_y"] == 12
    flexible = AcceleratorProblem(workload="alexnet/1", dataflow="flexible")
    assert min(flexible.space["mesh_y"].values) == 2
    with pytest.raises(InvalidConfigError, match="mesh_y of 64"):
        small(workload=Layer.conv(c=1, m=1, r=1, s=64, p=4, q=4))


def test_a_design_above_the_area_limit_is_refused_unmapped():
    limited = small(max_area_mm2=1.0, evaluator=None)
    design = limited.default_design if limited.space.is_legal(limited.default_design) else None
    assert design is None
    evaluation = limited.evaluate([limited.default_design])[0]
    assert not evaluation.feasible
    assert evaluation.violations["area"] > 0
    assert not evaluation.metrics
    rng = np.random.default_rng(0)
    assert limited.architecture(limited.space.sample(rng)).area_um2 <= 1e6


def test_metrics_add_up_over_layers_and_repetitions():
    problem = small(workload=[SMALL, replace(PRODUCT, count=3), SMALL])
    assert [layer.count for layer in problem.layers] == [2, 3]
    design = problem.default_design
    metrics = problem.evaluate([design])[0].metrics
    chip = problem.architecture(design)
    rules = mapping_constraints(design, problem.dataflow)
    found = [search_mapping(chip, layer, "edp", 60, 0, rules) for layer in (SMALL, PRODUCT)]
    cycles = 2 * found[0].cost.cycles + 3 * found[1].cost.cycles
    energy = 2 * found[0].cost.energy_pj + 3 * found[1].cost.energy_pj
    macs = 2 * SMALL.macs + 3 * PRODUCT.macs
    assert metrics["cycles"] == cycles
    assert metrics["energy_pj"] == pytest.approx(energy)
    assert metrics["area_mm2"] == pytest.approx(chip.area_um2 / 1e6)
    assert metrics["edp_j_cycle"] == pytest.approx(cycles * energy * 1e-12)
    assert metrics["utilization"] == pytest.approx(macs / cycles / chip.compute.instances)


def test_threads_do_not_change_results():
    designs = uniform_designs(small(), 4)
    one = small(workload=[SMALL, PRODUCT], threads=1).evaluate(designs)
    assert one == small(workload=[SMALL, PRODUCT], threads=4).evaluate(designs)


def test_a_larger_budget_finds_mappings_that_are_no_worse():
    quick, long = small(mapping_budget=20), small(mapping_budget=2000)
    few, many = (p.reference.metrics["edp_j_cycle"] for p in (quick, long))
    assert many <= few


def test_slow_memory_costs_cycles():
    fast = small(dram_bandwidth=None).reference.metrics["cycles"]
    assert small(dram_bandwidth=0.25).reference.metrics["cycles"] > 2 * fast


def test_a_smaller_node_costs_less_energy_and_area():
    at_45, at_16 = (
        small(technology_nm=node, mapping_budget=2000).reference.metrics for node in (45, 16)
    )
    assert at_16["area_mm2"] == pytest.approx(0.19 * at_45["area_mm2"])
    assert at_16["energy_pj"] < at_45["energy_pj"]


def test_the_explanation_says_what_costs_energy_and_what_limits_each_layer():
    problem = small(workload=[SMALL, PRODUCT])
    text = problem.explain(problem.default_design)
    for word in ("shared_glb", "psum_spad", "mac", "small", "product", "limited by", "DRAM"):
        assert word in text
    parts = problem.breakdown(problem.default_design)
    energy = sum(parts["energy (µJ)"].values())
    assert energy == pytest.approx(problem.reference.metrics["energy_pj"] / 1e6)
    assert sum(parts["cycles"].values()) == problem.reference.metrics["cycles"]
    assert sum(parts["area (mm²)"].values()) == pytest.approx(problem.reference.metrics["area_mm2"])


def test_the_charts_show_every_layer_below_the_roof():
    problem = small(workload=[SMALL, replace(PRODUCT, count=3)], dram_bandwidth=2)
    energy, cycles, roofline = problem.charts(problem.default_design)
    metrics = problem.reference.metrics
    total = sum(sum(parts.values()) for parts in energy.bars.values())
    assert total == pytest.approx(metrics["energy_pj"] / 1e6)
    assert sum(sum(parts.values()) for parts in cycles.bars.values()) == metrics["cycles"]
    assert set(roofline.points) == {"small", "product"}
    for point in roofline.points.values():
        # Cycles are rounded up, words are averages.
        roof = min(roofline.peak, roofline.bandwidth * point.intensity)
        assert point.performance <= roof * 1.01


def test_a_layer_without_mapping_makes_the_design_infeasible(monkeypatch):
    def found_nothing(architecture, layer, **arguments):
        if layer.name == "product":
            raise InvalidMappingError("nothing fits", "capacity")
        return search_mapping(architecture, layer, **arguments)

    monkeypatch.setattr("archgym.envs._accelerator_measure.search_mapping", found_nothing)
    problem = small(workload=[SMALL, PRODUCT])
    evaluation = problem.evaluate([problem.default_design])[0]
    assert not evaluation.feasible
    assert "no mapping of layer product: nothing fits" in evaluation.error
    assert problem.breakdown(problem.default_design) == {}
    assert problem.charts(problem.default_design) == []
    assert "nothing fits" in problem.explain(problem.default_design)


def test_a_stand_in_for_the_cost_model_has_nothing_to_explain():
    class Model:
        def evaluate(self, designs):
            return [Evaluation(metrics={"cycles": 5.0}) for _ in designs]

    problem = small(evaluator=Model())
    assert problem.reference.metrics == {"cycles": 5.0}
    assert problem.breakdown(problem.default_design) == {}
    assert problem.charts(problem.default_design) == []
    assert problem.explain(problem.default_design) == ""


def test_a_network_is_its_distinct_layers_counted():
    problem = AcceleratorProblem(workload="resnet18")
    assert sum(layer.count for layer in problem.layers) == 21
    assert len(problem.layers) == 12
    batched = AcceleratorProblem(workload="resnet18", batch=4)
    assert batched.layers[0].macs == 4 * problem.layers[0].macs


def test_a_layer_of_a_network_is_found_by_number_and_by_name():
    by_number = AcceleratorProblem(workload="alexnet/3")
    assert by_number.layers == AcceleratorProblem(workload="alexnet/conv3").layers
    with pytest.raises(InvalidConfigError, match="Did you mean 'conv3'"):
        AcceleratorProblem(workload="alexnet/conf3")


def test_files_are_workloads(tmp_path):
    topology = tmp_path / "net.csv"
    topology.write_text("h,\nfc, 20, 12, 30,\nfc again, 20, 12, 30,\n")
    assert [layer.count for layer in AcceleratorProblem(workload=topology).layers] == [2]
    module = tmp_path / "net.mlir"
    module.write_text(
        "func.func @f(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>, %c: tensor<4x16xf32>) "
        "-> tensor<4x16xf32> {\n"
        "  %0 = linalg.matmul ins(%a, %b : tensor<4x8xf32>, tensor<8x16xf32>) "
        "outs(%c : tensor<4x16xf32>) -> tensor<4x16xf32>\n"
        "  return %0 : tensor<4x16xf32>\n}\n"
    )
    assert AcceleratorProblem(workload=str(module)).layers[0].macs == 4 * 8 * 16
    (tmp_path / "empty.mlir").write_text("module {\n}\n")
    with pytest.raises(InvalidConfigError, match="no layer"):
        AcceleratorProblem(workload=tmp_path / "empty.mlir")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"workload": "resnet5"}, "resnet50"),
        ({"workload": 5}, "is a int"),
        ({"dataflow": "flexibel"}, "Did you mean 'flexible'"),
        ({"mapping_objective": "area"}, "edp, cycles, energy"),
        ({"mapping_budget": 0}, "at least 1"),
        ({"threads": 1.5}, "at least 1"),
        ({"dram": "DDR9"}, "DDR3"),
        ({"dram_bandwidth": -1}, "above 0"),
        ({"technology_nm": 3}, "7 to 180"),
        ({"max_area_mm2": 0}, "above 0"),
    ],
)
def test_an_argument_that_is_not_allowed_is_refused(config, words):
    with pytest.raises(InvalidConfigError) as error:
        small(**config)
    assert words in str(error.value)


def test_an_impossible_combination_cannot_be_written():
    problem = small()
    with pytest.raises(InvalidDesignError, match="psum_banks is not active"):
        problem.evaluate([{**problem.default_design, "psum_banks": 4}])


def test_its_configuration_is_json_and_names_the_workload():
    problem = AcceleratorProblem(workload="alexnet/5", mapping_budget=40)
    config = json.loads(json.dumps(problem.config))
    assert config["workload"] == "alexnet/5"
    assert make_problem(problem.name, **config).fingerprint() == problem.fingerprint()
    other = AcceleratorProblem(workload="alexnet/4", mapping_budget=40)
    assert other.fingerprint() != problem.fingerprint()


def test_threads_do_not_make_it_another_problem():
    assert small(threads=1).fingerprint() == small(threads=2).fingerprint()


def test_the_environment_passes_gymnasiums_checker():
    env = gymnasium.make(ID, workload=SMALL, mapping_budget=20)
    assert isinstance(env.unwrapped, AcceleratorEnv)
    check_env(env.unwrapped, skip_render_check=True)


def test_a_step_with_the_default_design_is_worth_zero():
    env = gymnasium.make(ID, workload=SMALL, mapping_budget=20)
    env.reset(seed=0)
    problem = env.unwrapped.problem
    _, reward, _, _, info = env.step(problem.space.encode(problem.default_design))
    assert reward == 0
    assert info["feasible"]
