"""The mapper: exact where it says so, better than Timeloop's, and never without a mapping."""

from math import exp, log
from statistics import mean

import numpy as np
import pytest

from simulators.accelerator import (
    Architecture,
    Compute,
    InvalidMappingError,
    Layer,
    Level,
    LevelConstraints,
    LoopConstraints,
    MappingConstraints,
    MappingSpace,
    evaluate,
    evaluate_batch,
    search_mapping,
)
from simulators.errors import InvalidConfigError

EYERISS = Architecture.preset("eyeriss")
ROW_STATIONARY = MappingConstraints.preset("eyeriss")
OBJECTIVES = ("cycles", "energy", "edp")

# C, M, R = S, P = Q, stride -> EDP in J x cycles of the mapping that timeloop-mapper 3.0.3 finds in
# 4 to 10 s under the same constraints and energies (metrics delay and energy, random-pruned).
TIMELOOP = {
    (3, 96, 11, 55, 4): 613.5,
    (96, 256, 5, 27, 1): 10366,
    (256, 384, 3, 13, 1): 887.48,
    (384, 384, 3, 13, 1): 2451.3,
    (384, 256, 3, 13, 1): 916.85,
    (3, 64, 3, 224, 1): 1840.0,
    (64, 128, 3, 112, 1): 29606,
    (128, 256, 3, 56, 1): 27432,
    (256, 256, 3, 56, 1): 105090,
    (256, 512, 3, 28, 1): 26173,
    (512, 512, 3, 28, 1): 101040,
    (512, 512, 3, 14, 1): 8646.5,
}
ENERGIES_PJ = {
    "mac": {"mac_random": 2.20035},
    "psum_spad": {"read": 0.25083, "write": 0.25083},
    "weights_spad": {"read": 0.72713, "write": 1.08538},
    "ifmap_spad": {"read": 0.23632, "write": 0.23632},
    "DummyBuffer": {"read": 0.20203, "write": 0.20203},
    "shared_glb": {"read": 74.1442, "write": 75.2148},
    "DRAM": {"read": 512, "write": 512},
}


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize(
    "layer",
    [
        Layer.conv(c=6, m=4, r=3, s=1, p=4, q=1, stride=(2, 1)),
        Layer.conv(c=7, m=5, r=1, s=1, p=1, q=3, n=2),
        Layer.depthwise(c=8, r=3, s=3, p=2, q=2),
    ],
    ids=lambda layer: layer.name,
)
def test_a_small_space_is_solved_exactly(layer: Layer, objective: str) -> None:
    arch = Architecture(
        "small",
        (
            Level(name="DRAM", technology="DRAM", read_bandwidth=4),
            Level(name="Buffer", depth=60, read_bandwidth=2, read_energy_pj=6, write_energy_pj=7),
            Level(name="Spad", depth=9, instances=6, mesh_x=3, read_energy_pj=1, write_energy_pj=1),
        ),
        Compute(instances=6, mesh_x=3, energy_pj=2),
    )
    orders = {"DRAM": "RSPQCMN", "Buffer": "CRSPQMN", "Spad": "QPRSCMN"}
    rules = MappingConstraints(
        {
            name: LevelConstraints(
                temporal=LoopConstraints(permutation=tuple(order)),
                keep=frozenset({"Outputs"}),
                bypass=frozenset({"Weights"} if name == "Buffer" else ()),
            )
            for name, order in orders.items()
        }
    )
    column = {"cycles": "cycles", "energy": "energy_pj", "edp": "edp_j_cycle"}[objective]
    values = [
        np.asarray(getattr(evaluate_batch(arch, layer, batch), column), dtype=float)
        for batch in MappingSpace(arch, layer, rules).enumerate()
    ]
    found = search_mapping(arch, layer, objective, constraints=rules)
    assert found.optimal
    assert getattr(found.cost, column) == found.bound
    assert found.bound == pytest.approx(min(each.min() for each in values), rel=1e-12)
    assert found.evaluations <= sum(map(len, values)) < 100_000


def test_eyeriss_layers_are_mapped_better_than_by_timeloop() -> None:
    arch = Architecture.from_timeloop(EYERISS.to_timeloop(), energy_table=ENERGIES_PJ)
    ratios = []
    for (c, m, r, p, stride), edp in TIMELOOP.items():
        layer = Layer.conv(c=c, m=m, r=r, s=r, p=p, q=p, stride=(stride, stride))
        found = search_mapping(arch, layer, constraints=ROW_STATIONARY)
        assert found.optimal
        ratios.append(found.cost.edp_j_cycle / edp)
    assert max(ratios) < 1
    assert exp(mean(map(log, ratios))) < 0.8


@pytest.mark.parametrize("network", ["alexnet", "vgg16", "resnet50", "mobilenetv2", "bert-base"])
def test_every_layer_of_a_network_is_mapped_under_the_row_stationary_dataflow(
    network: str,
) -> None:
    shapes = {(tuple(layer.dims.items()), layer.stride): layer for layer in Layer.network(network)}
    for layer in shapes.values():
        found = search_mapping(EYERISS, layer, budget=300, constraints=ROW_STATIONARY)
        assert found.cost.cycles == evaluate(EYERISS, layer, found.mapping).cycles
        assert found.bound <= found.cost.edp_j_cycle


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_seed_gives_one_result_for_any_number_of_threads(objective: str) -> None:
    layer = Layer.conv(c=24, m=36, r=3, s=3, p=14, q=14)
    found = []
    for seed, threads in ((3, 1), (3, 1), (3, 3), (4, 1)):
        each = search_mapping(EYERISS, layer, objective, budget=9000, seed=seed, threads=threads)
        found.append((each.mapping, each.evaluations, each.optimal, each.bound))
    assert found[0] == found[1] == found[2]
    assert found[0][0] != found[3][0]


@pytest.mark.parametrize("preset", Architecture.presets())
def test_the_search_beats_as_many_random_mappings(preset: str) -> None:
    arch, layer = Architecture.preset(preset), Layer.conv(c=32, m=48, r=3, s=3, p=28, q=28)
    drawn = MappingSpace(arch, layer).sample(4000, np.random.default_rng(0))
    random = evaluate_batch(arch, layer, drawn).edp_j_cycle.min()
    found = search_mapping(arch, layer, budget=4000)
    assert found.evaluations <= 4000
    assert found.cost.edp_j_cycle < 0.9 * random


def test_a_larger_budget_is_never_much_worse_and_usually_better() -> None:
    layer = Layer.conv(c=64, m=96, r=3, s=3, p=28, q=28)
    small, large = (search_mapping(EYERISS, layer, budget=b).cost for b in (500, 40_000))
    assert large.edp_j_cycle < small.edp_j_cycle


@pytest.mark.parametrize(("p", "q", "c"), [(7, 13, 149), (1, 1, 997), (11, 17, 19)])
def test_prime_bounds_are_mapped(p: int, q: int, c: int) -> None:
    layer = Layer.conv(c=c, m=31, r=3, s=3, p=p, q=q)
    for constraints in (None, ROW_STATIONARY):
        assert search_mapping(EYERISS, layer, budget=500, constraints=constraints).cost.cycles > 0


def test_layers_of_any_tensors_are_mapped() -> None:
    layer = Layer.batched_matmul(b=12, m=64, n=64, k=32)
    found = search_mapping(EYERISS, layer, "cycles", budget=4000)
    assert found.cost.utilization == 12 * 8 / 168  # 3 divides one bound only


def test_padding_fills_the_array_where_bounds_are_prime() -> None:
    layer = Layer.conv(c=13, m=37, r=3, s=3, p=13, q=13)
    exact = search_mapping(EYERISS, layer, "cycles", budget=6000)
    padded = search_mapping(EYERISS, layer, "cycles", budget=6000, pad=True)
    assert exact.layer == layer
    assert exact.utilization == exact.cost.utilization
    assert padded.cost.cycles < exact.cost.cycles
    assert all(padded.layer.dims[dim] >= bound for dim, bound in layer.dims.items())
    assert exact.utilization < padded.utilization < padded.cost.utilization
    assert padded.cost.cycles == evaluate(EYERISS, padded.layer, padded.mapping).cycles


def test_padding_changes_nothing_where_perfect_factors_fill_the_array() -> None:
    layer = Layer.conv(c=16, m=24, r=3, s=3, p=14, q=14)
    found = search_mapping(EYERISS, layer, "cycles", budget=6000, pad=True)
    assert found.layer == layer
    assert found.utilization == 1


def test_a_mapping_that_reaches_the_bound_is_optimal() -> None:
    layer = Layer.conv(c=24, m=28, r=3, s=3, p=28, q=28)
    found = search_mapping(EYERISS, layer, "cycles", budget=20_000)
    assert found.optimal
    assert found.cost.cycles == found.bound == layer.macs / 168
    assert found.evaluations < 20_000


def test_no_legal_mapping_is_an_error_that_names_the_level() -> None:
    layer = Layer.conv(c=3, m=4, r=3, s=13, p=8, q=8)
    with pytest.raises(
        InvalidMappingError, match=r"no legal mapping: level DummyBuffer needs .*13"
    ):
        search_mapping(EYERISS, layer, constraints=ROW_STATIONARY)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"objective": "delay"}, "objective is 'delay'"),
        ({"budget": 0}, "budget is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"threads": 0}, "threads is 0"),
        ({"constraints": MappingConstraints({"glb": LevelConstraints()})}, "unknown level 'glb'"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, object], message: str) -> None:
    layer = Layer.conv(c=3, m=4, r=1, s=1, p=8, q=8)
    with pytest.raises(InvalidConfigError, match=message):
        search_mapping(EYERISS, layer, **arguments)  # type: ignore[arg-type]
