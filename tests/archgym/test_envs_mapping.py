"""Mapping-v0: its problem, encoding and environments."""

import math

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archgym  # noqa: F401  # registers the environments
from archgym.envs import make_problem
from archgym.envs._mapping_space import MappingEncoding
from archgym.envs.mapping import MappingProblem
from archgym.errors import InvalidConfigError
from archgym.search import search
from archgym.space import Permutation
from archgym.testing import ProblemConformance
from simulators.accelerator import Layer
from simulators.accelerator.maestro import Cluster, MaestroLayer, evaluate

LAYER = Layer.conv(c=8, m=12, r=3, s=3, p=6, q=5, stride=(1, 2), name="small")


class TestConformance(ProblemConformance):
    """The suite, on the default problem."""

    def make_problem(self) -> MappingProblem:
        return MappingProblem(workload="resnet18/4")


class TestConformanceOfAllOptions(ProblemConformance):
    """The suite, with a number of levels and of PEs to be found, and a layer that is an object."""

    def make_problem(self) -> MappingProblem:
        return MappingProblem(workload=LAYER, levels=3, min_levels=1, search_pes=True, pes=24)


def designs(problem: MappingProblem, n: int, seed: int = 0) -> list[dict]:
    rng = np.random.default_rng(seed)
    return [problem.space.sample(rng) for _ in range(n)]


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_every_index_vector_is_a_different_mapping(levels: int) -> None:
    problem = MappingProblem(workload=LAYER, levels=levels, pes=24)
    rng = np.random.default_rng(levels)
    vectors = np.unique(rng.integers(problem.space.nvec, size=(400, len(problem.space))), axis=0)
    texts = {problem.mapping_text(problem.space.decode(vector)) for vector in vectors}
    assert len(texts) == len(vectors)


def test_every_mapping_is_one_that_maestro_accepts_and_that_computes_the_layer() -> None:
    problem = MappingProblem(workload=LAYER, levels=2, pes=24, l1_size=10**6, l2_size=10**7)
    rng = np.random.default_rng(0)
    for vector in rng.integers(problem.space.nvec, size=(300, len(problem.space))):
        design = problem.space.decode(vector)
        cost = evaluate(LAYER, problem.mapping_text(design), problem.hardware)
        assert cost == problem.measure(design)
        assert (cost.macs >= LAYER.macs) == (problem.space.violations(design)["coverage"] <= 0)


@pytest.mark.parametrize("options", [{}, {"levels": 3, "noc_bandwidth": 2}, {"search_pes": True}])
def test_every_gene_matters(options: dict) -> None:
    problem = MappingProblem(workload="resnet18/4", **options)
    rng = np.random.default_rng(3)
    live = np.zeros(len(problem.space), dtype=bool)
    for _ in range(60):
        base = problem.space.sample_indices(rng, 1)[0]
        for i in np.flatnonzero(~live):
            changed = base.copy()
            changed[i] = rng.integers(problem.space.nvec[i])
            first, second = problem.evaluate([problem.space.decode(v) for v in (base, changed)])
            live[i] = bool(second.metrics) and first.metrics != second.metrics
    assert live.all(), np.array(problem.space.names)[~live]


@settings(max_examples=40)
@given(st.integers(1, 300), st.integers(1, 3))
def test_tiles_nest_and_differ_in_their_iterations(size: int, levels: int) -> None:
    layer = MaestroLayer(dims={"K": size, "C": 1, "R": 1, "S": 1, "Y": 1, "X": 1})
    encoding = MappingEncoding(layer=layer, pes=4, levels=levels, min_levels=levels)
    if size == 1:
        assert encoding.extents == {"C": 1}
        return
    tiles = next(p for p in encoding.parameters() if p.name == "tiles_K")
    iterations = set()
    for row in tiles.rows:
        counts, above = [], size
        for tile in row:
            assert tile <= above
            counts.append(math.ceil(above / tile))
            assert tile == math.ceil(above / counts[-1])  # the smallest with so many iterations
            above = tile
        iterations.add(tuple(counts))
    assert len(iterations) == len(tiles.rows)


@settings(max_examples=40)
@given(st.integers(1, 300))
def test_clusters_fit_and_differ_in_their_number(pes: int) -> None:
    encoding = MappingEncoding(layer=MaestroLayer.from_layer(LAYER), pes=pes, levels=2)
    array = next(p for p in encoding.parameters() if p.name == "array")
    sizes = [row[0] for row in array.rows]
    assert {pes // size for size in sizes} == {pes // n for n in range(1, pes + 1)}
    assert all(pes // (size + 1) < pes // size for size in sizes)


def test_arrays_of_every_depth_and_size_fit() -> None:
    for levels in (1, 2, 3, 4):
        encoding = MappingEncoding(
            layer=MaestroLayer.from_layer(LAYER),
            pes=48,
            levels=levels,
            min_levels=levels,
            search_pes=True,
        )
        array = next(p for p in encoding.parameters() if p.name == "array")
        assert array.width == levels
        assert all(math.prod(row[1:]) <= row[0] <= 48 for row in array.rows)
        assert {row[0] for row in array.rows} == {1, 2, 4, 8, 16, 32, 48}


def test_rows_and_columns_are_counted_in_outputs_whatever_the_stride() -> None:
    problem = MappingProblem(workload=LAYER, pes=24)
    design = {**problem.default_design, "tiles_Y": "3/2", "tiles_X": "5/1"}
    sizes = {
        (d.dim, d.size, d.offset)
        for d in problem.encoding.mapping(design).directives
        if not isinstance(d, Cluster) and d.dim in "YX"
    }
    # R=3, stride 1 along Y; S=3, stride 2 along X.
    assert sizes == {("Y", 5, 3), ("Y", 4, 2), ("X", 11, 10), ("X", 3, 2)}


def test_a_mapping_of_a_known_kind_is_spelled_as_maestro_does() -> None:
    problem = MappingProblem(workload="resnet18/4")
    assert problem.mapping_text(problem.default_design) == (
        "SpatialMap(1,1) K;\nTemporalMap(16,16) C;\nTemporalMap(6,4) Y;\nTemporalMap(6,4) X;\n"
        "Cluster(16,P);\n"
        "TemporalMap(1,1) K;\nSpatialMap(1,1) C;\nTemporalMap(6,4) Y;\nTemporalMap(6,4) X;\n"
    )


@pytest.mark.parametrize("layer", ["resnet18/1", "mobilenetv2/5", "bert-base/1", "dlrm/1", LAYER])
def test_l1_needs_are_maestros(layer: object) -> None:
    problem = MappingProblem(workload=layer, l1_size=10**6, l2_size=10**8)
    for design in designs(problem, 30):
        assert problem.encoding.l1_bytes(design) == problem.measure(design).l1_size_bytes


def test_too_small_buffers_are_refused_before_the_evaluation() -> None:
    problem = MappingProblem(workload=LAYER, pes=24, l1_size=200, l2_size=2000)
    rng = np.random.default_rng(0)
    drawn = problem.space.decode
    vectors = rng.integers(problem.space.nvec, size=(300, len(problem.space)))
    seen = set()
    for design in map(drawn, vectors):
        cost = problem.measure(design)
        evaluation = problem.evaluate([design])[0]
        assert evaluation.violations["l1_capacity"] == cost.l1_size_bytes - 200
        assert evaluation.violations["l2_capacity"] == cost.l2_size_bytes - 2000
        fits = cost.l1_size_bytes <= 200 and cost.l2_size_bytes <= 2000
        assert evaluation.feasible == (fits and cost.macs >= LAYER.macs)
        assert bool(evaluation.metrics) == evaluation.feasible
        seen.add(evaluation.feasible)
    assert seen == {True, False}


def test_metrics_are_the_cost_models() -> None:
    problem = MappingProblem(workload=LAYER, pes=24, search_pes=True)
    for design in designs(problem, 20):
        metrics = problem.evaluate([design])[0].metrics
        cost = problem.measure(design)
        assert metrics["cycles"] == cost.cycles
        assert metrics["energy_pj"] == pytest.approx(1e3 * cost.energy_nj)
        assert metrics["utilization"] == pytest.approx(cost.utilization)
        assert metrics["area_mm2"] == pytest.approx(cost.area_um2 / 1e6)
        assert cost.hardware.pes == problem.encoding.array(design)[0] <= 24
        assert metrics["throughput_macs_per_cycle"] <= 24


def test_the_tools_energy_differs_by_the_l1_of_clustered_mappings() -> None:
    ours = MappingProblem(workload=LAYER, pes=24)
    theirs = MappingProblem(workload=LAYER, pes=24, compatibility="maestro")
    design = ours.default_design
    l1 = sum(v for name, v in ours.breakdown(design)["energy (nJ)"].items() if "L1" in name)
    gap = ours.reference.metrics["energy_pj"] - theirs.reference.metrics["energy_pj"]
    assert gap == pytest.approx(1e3 * l1)
    assert ours.reference.metrics["cycles"] == theirs.reference.metrics["cycles"]


def test_texts_show_the_mapping_and_what_bounds_it() -> None:
    problem = MappingProblem(workload=LAYER, pes=24)
    text = problem.describe(problem.default_design, problem.reference)
    assert "SpatialMap(1,1) K;" in text
    explained = problem.explain(problem.default_design)
    assert "is bound by" in explained
    assert f"of {problem.hardware.l1_size:,} bytes" in explained
    energy = problem.breakdown(problem.default_design)["energy (nJ)"]
    assert sum(energy.values()) == pytest.approx(problem.reference.metrics["energy_pj"] / 1e3)


def test_layers_are_named_numbered_or_given() -> None:
    named = MappingProblem(workload=f"resnet18/{Layer.network('resnet18')[3].name}")
    assert named.layer == MappingProblem(workload="resnet18/4").layer
    given = MappingProblem(workload=LAYER.to_timeloop(), pes=24)
    assert dict(given.layer.dims) == dict(MappingProblem(workload=LAYER, pes=24).layer.dims)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workload": "resnet18/99"}, "a number from 1 to 21"),
        ({"workload": "resnet18"}, "different layers.*'resnet18/1'"),
        ({"workload": "resnet81/1"}, "resnet"),
        ({"workload": 3}, "is a int"),
        ({"levels": 5}, "levels <= 4"),
        ({"levels": 2, "min_levels": 3}, "min_levels=3"),
        ({"pes": 0}, "pes is 0"),
        ({"compatibility": "maestr"}, "Did you mean 'maestro'"),
        ({"nocs": 2}, "Did you mean 'noc"),
    ],
)
def test_arguments_are_checked(arguments: dict, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        make_problem("archgym/Mapping-v0", **arguments)


def test_hardware_that_holds_no_mapping_is_said_to() -> None:
    problem = MappingProblem(workload=LAYER, l1_size=8)
    with pytest.raises(InvalidConfigError, match="l1_capacity"):
        problem.reference  # noqa: B018 - made on first use


def test_a_layer_of_one_mac_has_a_mapping() -> None:
    problem = MappingProblem(workload=Layer.matmul(m=1, n=1, k=1), pes=1)
    assert problem.reference.metrics["cycles"] > 0
    assert isinstance(problem.space["order_1"], Permutation)


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize(
    "layer",
    [LAYER, Layer.grouped(g=2, c=3, m=4, r=3, s=2, p=5, q=4), Layer.matmul(m=6, n=9, k=10)],
    ids=["conv", "grouped", "matmul"],
)
def test_many_vectors_at_once_measure_what_each_does(layer: Layer, levels: int) -> None:
    problem = MappingProblem(workload=layer, levels=levels, pes=24, l1_size=200, l2_size=900)
    rng = np.random.default_rng(levels)
    vectors = rng.integers(problem.space.nvec, size=(400, len(problem.space)))
    legal, metrics = problem.tabulate(vectors)
    evaluations = problem.evaluate([problem.space.decode(vector) for vector in vectors])
    assert 0 < legal.sum() < len(vectors)
    assert legal.tolist() == [evaluation.feasible for evaluation in evaluations]
    measured = [evaluation.metrics for evaluation in evaluations if evaluation.feasible]
    for name, values in metrics.items():
        assert values.tolist() == [each[name] for each in measured]


def test_environments_step() -> None:
    env = gymnasium.make("archgym:archgym/Mapping-v0", workload="resnet18/4")
    env.reset(seed=1)
    env.action_space.seed(1)
    steps = [env.step(env.action_space.sample()) for _ in range(20)]
    assert any(info["feasible"] for *_, info in steps)
    assert all(np.isfinite(reward) for _, reward, *_ in steps)
    many = gymnasium.make_vec("archgym:archgym/Mapping-v0", num_envs=3, workload="resnet18/4")
    many.reset(seed=1)
    _, rewards, *_ = many.step(many.action_space.sample())
    assert rewards.shape == (3,)


def test_a_search_finds_better_mappings_than_the_default() -> None:
    result = search(MappingProblem(workload="resnet18/4"), "genetic", 150, seed=0)
    assert max(trial.reward for trial in result.trials) > 0
