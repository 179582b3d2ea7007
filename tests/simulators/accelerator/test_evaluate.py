"""The cost of mappings: closed forms by hand, refusals, and laws that hold for every mapping."""

import json
import pickle
from dataclasses import replace
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.accelerator import (
    REASONS,
    Architecture,
    Block,
    Compute,
    Cost,
    Layer,
    Level,
    Mapping,
    MappingBatch,
    evaluate,
    evaluate_batch,
    maestro,
)
from simulators.errors import InvalidConfigError, InvalidMappingError

ALL = frozenset({"Weights", "Inputs", "Outputs"})
LAYER = Layer.conv(c=4, m=6, r=3, s=1, p=8, q=2)
ARCH = Architecture(
    "small",
    (
        Level(
            name="DRAM",
            technology="DRAM",
            block_size=4,
            read_energy_pj=100.0,
            write_energy_pj=120.0,
        ),
        Level(name="GLB", depth=4096, block_size=2, read_energy_pj=7.0, write_energy_pj=8.0),
        Level(
            name="RF",
            depth=64,
            instances=8,
            mesh_x=4,
            read_energy_pj=0.5,
            write_energy_pj=0.75,
            area_um2=3.0,
        ),
    ),
    Compute(name="mac", instances=8, mesh_x=4, energy_pj=2.0, area_um2=10.0),
)


def mapping(*blocks: Block) -> Mapping:
    return Mapping(blocks)


def nest(dram: Any = (), glb: Any = (), spatial: Any = (), rf: Any = ()) -> Mapping:
    """Return a mapping in which every level keeps everything."""
    return mapping(
        Block("DRAM", dram, (), ALL), Block("GLB", glb, spatial, ALL), Block("RF", rf, (), ALL)
    )


SIMPLE = nest(
    dram=(("M", 3),),
    glb=(("C", 2), ("P", 4)),
    spatial=(("M", 2, "Y"), ("C", 2, "X")),
    rf=(("P", 2), ("Q", 2), ("R", 3)),
)


def test_compute_cycles_are_the_temporal_bounds() -> None:
    cost = evaluate(ARCH, LAYER, SIMPLE)
    assert cost.compute_cycles == 3 * 2 * 4 * 2 * 2 * 3
    assert cost.cycles == cost.compute_cycles
    assert cost.limiting_level == "compute"
    assert cost.utilization == 4 / 8
    assert cost.area_um2 == 8 * 3 + 8 * 10


def test_the_innermost_level_serves_every_operation() -> None:
    cost = evaluate(ARCH, LAYER, SIMPLE)
    assert cost.levels["RF"]["Weights"].reads == cost.compute_cycles
    assert cost.levels["RF"]["Inputs"].reads == cost.compute_cycles
    assert cost.levels["RF"]["Outputs"].updates == cost.compute_cycles


def test_loops_that_a_tensor_ignores_fetch_nothing() -> None:
    # P is the innermost loop above the tile, the weights stay; C and M replace them.
    weights = evaluate(ARCH, LAYER, SIMPLE).levels["RF"]["Weights"]
    assert weights.tile_size == 3
    assert weights.fills == 3 * (2 * 3)


def test_a_sliding_window_fetches_what_it_uncovers() -> None:
    # A tile of 2 outputs reads 4 inputs; each step of P by 2 uncovers 2 (times 2 rows of Q).
    inputs = evaluate(ARCH, LAYER, SIMPLE).levels["RF"]["Inputs"]
    assert inputs.tile_size == 4 * 2
    assert inputs.fills == (3 * 2) * (4 + 3 * 2) * 2


def test_a_loop_in_between_destroys_the_overlap() -> None:
    other = nest(
        dram=(("M", 3),),
        glb=(("P", 4), ("C", 2)),
        spatial=(("M", 2, "Y"), ("C", 2, "X")),
        rf=(("P", 2), ("Q", 2), ("R", 3)),
    )
    assert evaluate(ARCH, LAYER, other).levels["RF"]["Inputs"].fills == (3 * 4 * 2) * 8


def test_equal_words_are_multicast() -> None:
    network = evaluate(ARCH, LAYER, SIMPLE).networks["GLB <==> RF"]
    assert [(m, s) for m, s, _ in network["Weights"].ingress] == [(1, 4)]
    assert [(m, s) for m, s, _ in network["Inputs"].ingress] == [(2, 2)]
    assert [(m, s) for m, s, _ in network["Outputs"].ingress] == [(2, 2)]
    assert network["Outputs"].spatial_reductions == network["Outputs"].ingresses


def test_first_partial_sums_are_not_read() -> None:
    outputs = evaluate(ARCH, LAYER, SIMPLE).levels["DRAM"]["Outputs"]
    size = LAYER.tensor_size("Outputs")
    assert (outputs.updates, outputs.reads, outputs.fills) == (size, 0, 0)
    split = nest(
        dram=(("C", 2), ("M", 6)),
        glb=(("P", 4),),
        spatial=(("C", 2, "X"),),
        rf=(("P", 2), ("Q", 2), ("R", 3)),
    )
    outputs = evaluate(ARCH, LAYER, split).levels["DRAM"]["Outputs"]
    assert (outputs.updates, outputs.reads) == (2 * size, size)
    assert evaluate(ARCH, LAYER, split).levels["GLB"]["Outputs"].fills == size


def test_releases_of_2022_also_fill_first_partial_sums() -> None:
    new = evaluate(ARCH, LAYER, SIMPLE)
    old = evaluate(ARCH, LAYER, SIMPLE, compatibility="timeloop2022")
    for level in ("GLB", "RF"):
        found, correct = old.levels[level]["Outputs"], new.levels[level]["Outputs"]
        assert found.fills == correct.fills + correct.partition_size
        assert found.reads == correct.reads
        assert old.levels[level]["Inputs"] == new.levels[level]["Inputs"]
    assert old.levels["DRAM"]["Outputs"] == new.levels["DRAM"]["Outputs"]


def test_rows_are_charged_whole() -> None:
    cost = evaluate(ARCH, LAYER, SIMPLE)
    inputs = cost.levels["DRAM"]["Inputs"]
    assert inputs.energy_pj == -(-inputs.reads // 4) * 100.0
    rf = cost.levels["RF"]["Outputs"]
    assert rf.energy_pj == (rf.reads * 0.5 + (rf.fills + rf.updates) * 0.75) * 4


def test_a_bypassed_level_moves_its_accesses_outward() -> None:
    bypassed = replace(SIMPLE.blocks[1], keep=frozenset({"Inputs", "Outputs"}))
    cost = evaluate(ARCH, LAYER, mapping(SIMPLE.blocks[0], bypassed, SIMPLE.blocks[2]))
    plain = evaluate(ARCH, LAYER, SIMPLE)
    assert "Weights" not in cost.levels["GLB"]
    assert cost.levels["DRAM"]["Weights"].reads == plain.levels["GLB"]["Weights"].reads
    assert cost.levels["RF"]["Weights"] == plain.levels["RF"]["Weights"]


def test_a_level_above_the_outermost_keeper_is_idle() -> None:
    top = replace(SIMPLE.blocks[0], keep=frozenset({"Weights", "Outputs"}))
    cost = evaluate(ARCH, LAYER, mapping(top, *SIMPLE.blocks[1:]))
    assert "Inputs" not in cost.levels["DRAM"]
    assert cost.levels["GLB"]["Inputs"].fills == 0
    assert cost.networks["DRAM <==> GLB"]["Inputs"].ingress == ()


def test_the_slowest_level_sets_the_cycles() -> None:
    plain = evaluate(ARCH, LAYER, SIMPLE)
    entries = plain.levels["GLB"].values()
    reads = sum(entry.reads for entry in entries)
    writes = sum(entry.updates + entry.fills for entry in entries)
    for limits, cycles in (
        ({"read_bandwidth": 0.25}, 4 * reads),
        ({"write_bandwidth": 0.25}, 4 * writes),
        ({"shared_bandwidth": 0.5}, 2 * (reads + writes)),
    ):
        levels = (ARCH.levels[0], replace(ARCH.levels[1], **limits), ARCH.levels[2])
        cost = evaluate(replace(ARCH, levels=levels), LAYER, SIMPLE)
        # Timeloop divides by two quotients and rounds up: sometimes one cycle more.
        assert 0 <= cost.cycles - cycles <= 1
        assert cycles > cost.compute_cycles
        assert cost.level_cycles["GLB"] == cost.cycles
        assert cost.limiting_level == "GLB"
        assert cost.energy_pj == plain.energy_pj
        assert cost.edp_j_cycle == cost.energy_pj * 1e-12 * cost.cycles


def test_a_matrix_product_runs_on_the_same_architecture() -> None:
    layer = Layer.matmul(m=6, n=4, k=8)
    one = nest(dram=(("N", 6),), glb=(("M", 4),), rf=(("C", 8),))
    cost = evaluate(ARCH, layer, one)
    assert cost.macs == 192
    assert cost.levels["DRAM"]["Weights"].reads == 32
    assert cost.levels["GLB"]["Weights"].reads == 6 * 32
    assert cost.levels["DRAM"]["Inputs"].reads == 48
    assert cost.levels["DRAM"]["Outputs"].updates == 24


REST = (("M", 6), ("P", 8), ("Q", 2), ("R", 3))
OTHER_TOP = replace(SIMPLE.blocks[0], keep=frozenset({"Wieghts"}))
REFUSALS: list[tuple[str, str | None, str, Mapping]] = [
    (
        "capacity",
        "RF",
        # 4 weights, 4 x 8 x 2 inputs, 8 x 2 outputs
        "couldn't map level RF: mapped tile size 84 exceeds buffer capacity 64",
        nest(dram=(("M", 6), ("R", 3)), rf=(("C", 4), ("P", 8), ("Q", 2))),
    ),
    (
        "fanout",
        "GLB",
        "reach 6 instances of RF along X; its mesh has 4",
        nest(dram=(("C", 4), *REST[1:]), spatial=(("M", 6, "X"),)),
    ),
    ("factors", None, "loops over C multiply to 2, .* has C=4", nest(dram=(("C", 2), *REST))),
    (
        "factors",
        None,
        "loops over C multiply to 8 or more, .* has C=4",
        nest(dram=(("C", 4), *REST), glb=(("C", 2),)),
    ),
    ("unknown_dimension", "DRAM", "unknown dimension 'K'", nest(dram=(("K", 4),))),
    (
        "unknown_level",
        "L2",
        "level 'L2', which the architecture 'small' lacks",
        mapping(*SIMPLE.blocks[:2], replace(SIMPLE.blocks[2], level="L2")),
    ),
    ("unknown_level", "RF", "no block for level 'RF'", mapping(*SIMPLE.blocks[:2])),
    (
        "keep",
        None,
        "Weights is kept at no level",
        mapping(*(replace(block, keep=block.keep - {"Weights"}) for block in SIMPLE.blocks)),
    ),
    (
        "keep",
        "DRAM",
        "unknown tensor 'Wieghts'. Did you mean 'Weights'",
        mapping(OTHER_TOP, *SIMPLE.blocks[1:]),
    ),
]


@pytest.mark.parametrize(("reason", "level", "message", "faulty"), REFUSALS)
def test_what_cannot_run_is_refused_with_the_reason(
    reason: str, level: str | None, message: str, faulty: Mapping
) -> None:
    with pytest.raises(InvalidMappingError, match=message) as error:
        evaluate(ARCH, LAYER, faulty)
    assert (error.value.reason, error.value.level) == (reason, level)
    costs = evaluate_batch(ARCH, LAYER, [SIMPLE, faulty, SIMPLE])
    assert costs.valid.tolist() == [True, False, True]
    assert costs.reasons[costs.reason_codes[1]] == reason
    assert costs.reason(1) == error.value.message
    assert costs.reason(0) == ""
    assert np.isinf(costs.edp_j_cycle[1])
    again = pickle.loads(pickle.dumps(error.value))
    assert (again.reason, again.level, str(again)) == (reason, level, str(error.value))


def test_every_reason_a_mapping_can_have_is_listed() -> None:
    assert {reason for reason, *_ in REFUSALS} <= set(REASONS)


def test_options_that_are_unknown_are_refused() -> None:
    with pytest.raises(InvalidConfigError, match=r"'timelop3'. Did you mean 'timeloop3'"):
        evaluate(ARCH, LAYER, SIMPLE, compatibility="timelop3")
    with pytest.raises(InvalidConfigError, match=r"a maestro\.Hardware for 'maestro'"):
        evaluate(ARCH, LAYER, SIMPLE, semantics="maestro")
    with pytest.raises(InvalidConfigError, match=r"Did you mean 'timeloop'"):
        evaluate(ARCH, LAYER, SIMPLE, semantics="timelop")
    for option in ({"chunk": 0}, {"threads": 0}, {"threads": 1.5}):
        with pytest.raises(InvalidConfigError, match="integer of 1 or more"):
            evaluate_batch(ARCH, LAYER, [], **option)  # type: ignore[arg-type]


def test_the_hardware_decides_the_semantics() -> None:
    hardware = maestro.Hardware(pes=16, noc_bandwidth=8)
    text = "SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(3,3) R; TemporalMap(3,3) S; "
    text += "TemporalMap(3,1) Y; TemporalMap(3,1) X;"
    layer = Layer.conv(c=4, m=8, r=3, s=3, p=6, q=6)
    assert evaluate(hardware, layer, text) == maestro.evaluate(layer, text, hardware)
    assert evaluate(ARCH, LAYER, SIMPLE) == evaluate(ARCH, LAYER, SIMPLE, semantics="timeloop")
    with pytest.raises(InvalidConfigError, match="the hardware is a Hardware"):
        evaluate(hardware, layer, text, semantics="timeloop")


def test_counts_are_found_by_name() -> None:
    costs = evaluate_batch(ARCH, LAYER, [SIMPLE], levels=True)
    cost = evaluate(ARCH, LAYER, SIMPLE)
    for level, row in cost.levels.items():
        for tensor, entry in row.items():
            for name in ("reads", "updates", "fills", "tile_size", "partition_size", "energy_pj"):
                assert costs.count(level, tensor, name).tolist() == [getattr(entry, name)]
    with pytest.raises(InvalidConfigError, match=r"'GLBs'. Did you mean 'GLB'"):
        costs.count("GLBs", "Inputs", "reads")
    with pytest.raises(InvalidConfigError, match="levels=True"):
        evaluate_batch(ARCH, LAYER, [SIMPLE]).count("GLB", "Inputs", "reads")


def test_an_empty_batch_costs_nothing() -> None:
    assert len(evaluate_batch(ARCH, LAYER, [])) == 0


def test_rows_out_of_nest_order_are_refused() -> None:
    batch = MappingBatch.from_mappings(ARCH, LAYER, [SIMPLE] * 2)
    levels = batch.levels.copy()
    levels[1] = levels[1, ::-1]
    wrong = MappingBatch(batch.bounds, batch.dims, levels, batch.kinds, batch.keep)
    with pytest.raises(InvalidConfigError, match="mapping 1 are not in nest order"):
        evaluate_batch(ARCH, LAYER, wrong)
    short = MappingBatch(batch.bounds, batch.dims, batch.levels, batch.kinds, batch.keep[:, :2])
    with pytest.raises(InvalidConfigError, match="3 levels and 3 tensors"):
        evaluate_batch(ARCH, LAYER, short)


def test_a_cost_is_a_value_and_plain_data() -> None:
    cost, again = evaluate(ARCH, LAYER, SIMPLE), evaluate(ARCH, LAYER, SIMPLE)
    assert cost == again
    assert hash(cost) == hash(again)
    assert pickle.loads(pickle.dumps(cost)) == cost
    plain = json.loads(json.dumps(cost.to_dict()))
    assert plain["levels"]["RF"]["Weights"]["reads"] == cost.levels["RF"]["Weights"].reads
    assert plain["networks"]["RF <==> mac"]["Inputs"]["fanout"] == 1
    assert plain["level_energy_pj"]["GLB"] == cost.level_energy_pj["GLB"]


def test_a_cost_explains_itself() -> None:
    levels = (replace(ARCH.levels[0], read_bandwidth=0.5), *ARCH.levels[1:])
    text = str(evaluate(replace(ARCH, levels=levels), LAYER, SIMPLE))
    assert "limited by DRAM" in text
    rows = [line.split() for line in text.splitlines()]
    assert any(row[:2] == ["GLB", "Weights"] for row in rows)
    shares = [float(row[-1].rstrip("%")) for row in rows if row and row[-1].endswith("%")]
    assert sum(shares) == pytest.approx(200 - shares[-1], abs=1)  # each level, and all together


# Laws over random mappings


def primes(number: int) -> list[int]:
    found, divisor = [], 2
    while number > 1:
        while number % divisor == 0:
            found.append(divisor)
            number //= divisor
        divisor += 1
    return found


ROOMY = Architecture(
    "roomy",
    (
        ARCH.levels[0],
        replace(ARCH.levels[1], depth=None, shared_bandwidth=3.0),
        replace(ARCH.levels[2], depth=None, instances=48, mesh_x=8),
        replace(ARCH.levels[2], name="L0", depth=None, instances=48 * 24, mesh_x=8 * 6),
    ),
    Compute(instances=48 * 24 * 4, mesh_x=8 * 6 * 4, energy_pj=2.0),
)
FANOUTS = ((1, 1), (8, 6), (6, 4), (4, 1))


def random_layer(rng: np.random.Generator) -> Layer:
    c, m, p, q = (int(size) for size in rng.choice([1, 2, 3, 4, 6, 8, 9], 4))
    return Layer.conv(
        n=int(rng.integers(1, 3)),
        c=c,
        m=m,
        r=int(rng.choice([1, 3])),
        s=int(rng.choice([1, 2, 5])),
        p=p,
        q=q,
        stride=(int(rng.integers(1, 3)), int(rng.choice([1, 3]))),
        dilation=(int(rng.integers(1, 3)), 1),
    )


def random_case(seed: int) -> tuple[Layer, Mapping]:
    """Return a layer and a mapping that fits `ROOMY`; DRAM keeps everything."""
    rng = np.random.default_rng(seed)
    layer = random_layer(rng)
    temporal: list[list[tuple[str, int]]] = [[] for _ in FANOUTS]
    spatial: list[list[tuple[str, int, str]]] = [[] for _ in FANOUTS]
    left = [list(fanout) for fanout in FANOUTS]
    for dim, factor in ((d, f) for d, bound in layer.dims.items() for f in primes(bound)):
        level, axis = int(rng.integers(4)), int(rng.integers(4))
        if axis < 2 and left[level][axis] >= factor:
            left[level][axis] //= factor
            spatial[level].append((dim, factor, "XY"[axis]))
        else:
            temporal[level].append((dim, factor))
    blocks = []
    for number, level in enumerate(ROOMY.levels):
        keep = ALL if number == 0 else frozenset(t for t in sorted(ALL) if rng.random() < 0.7)
        order = rng.permutation(len(temporal[number]))
        loops = tuple(temporal[number][i] for i in order)
        blocks.append(Block(level.name, loops, tuple(spatial[number]), keep))
    return layer, Mapping(tuple(blocks))


def cases() -> st.SearchStrategy[tuple[Layer, Mapping]]:
    return st.integers(0, 2**32 - 1).map(random_case)


few = settings(max_examples=60, deadline=None)


def try_out(layer: Layer, candidate: Mapping) -> Cost:
    return evaluate(ROOMY, layer, candidate)


@few
@given(cases())
def test_energy_is_the_sum_of_its_parts(case: tuple[Layer, Mapping]) -> None:
    cost = try_out(*case)
    parts = [entry.energy_pj for row in cost.levels.values() for entry in row.values()]
    assert cost.energy_pj == pytest.approx(sum(parts) + cost.compute_energy_pj, rel=1e-12)
    assert sum(cost.level_energy_pj.values()) == pytest.approx(sum(parts), rel=1e-12)
    assert cost.compute_energy_pj == 2.0 * cost.macs


@few
@given(cases())
def test_every_operation_is_executed_once(case: tuple[Layer, Mapping]) -> None:
    layer, candidate = case
    cost = try_out(layer, candidate)
    used = prod(bound for block in candidate.blocks for _, bound, _ in block.spatial)
    assert cost.macs == prod(layer.dims.values()) == cost.compute_cycles * used
    assert cost.cycles == max(cost.compute_cycles, *cost.level_cycles.values())


@few
@given(cases())
def test_no_tensor_is_read_less_than_once_from_its_outermost_level(
    case: tuple[Layer, Mapping],
) -> None:
    layer, candidate = case
    cost = try_out(layer, candidate)
    # (Not the inputs: their box has holes where the stride is larger than the filter.)
    assert cost.levels["DRAM"]["Weights"].reads >= layer.tensor_size("Weights")
    assert cost.levels["DRAM"]["Outputs"].updates >= layer.tensor_size("Outputs")
    assert cost.levels["DRAM"]["Outputs"].fills == 0


@few
@given(cases())
def test_words_that_leave_a_level_arrive_at_the_next(case: tuple[Layer, Mapping]) -> None:
    layer, candidate = case
    everything = Mapping(tuple(replace(block, keep=ALL) for block in candidate.blocks))
    cost = try_out(layer, everything)
    names = [level.name for level in ROOMY.levels]
    for outer, inner in pairwise(names):
        for tensor in ("Weights", "Inputs"):
            network = cost.networks[f"{outer} <==> {inner}"][tensor]
            sent = sum(m * words for m, _, words in network.ingress)
            received = cost.levels[inner][tensor]
            arrived = sent / network.fanout + network.link_transfers / received.instances
            assert received.fills == int(arrived + 1e-9)


@few
@given(cases(), st.data())
def test_loops_of_bound_1_change_nothing(case: tuple[Layer, Mapping], data: st.DataObject) -> None:
    layer, candidate = case
    blocks = []
    for block in candidate.blocks:
        temporal = list(block.temporal)
        temporal.insert(data.draw(st.integers(0, len(temporal))), ("M", 1))
        blocks.append(
            replace(block, temporal=tuple(temporal), spatial=(("C", 1, "X"), *block.spatial))
        )
    assert try_out(layer, Mapping(tuple(blocks))) == try_out(layer, candidate)


@few
@given(cases())
def test_the_outermost_loops_that_a_tensor_ignores_may_be_swapped(
    case: tuple[Layer, Mapping],
) -> None:
    layer, candidate = case
    top = candidate.blocks[0]
    ignored = [loop for loop in top.temporal if loop[0] in "NPQ"]
    others = [loop for loop in top.temporal if loop[0] not in "NPQ"]
    costs = [
        try_out(
            layer,
            Mapping((replace(top, temporal=(*order, *others)), *candidate.blocks[1:])),
        )
        for order in (ignored, ignored[::-1])
    ]
    for level in ROOMY.levels:
        first, second = (cost.levels[level.name].get("Weights") for cost in costs)
        if first is not None and second is not None:
            assert (first.reads, first.fills) == (second.reads, second.fills)


@few
@given(st.lists(cases().map(lambda case: case[1]), min_size=1, max_size=9), cases())
def test_batches_are_the_same_for_every_chunk_and_thread_count(
    others: list[Mapping], case: tuple[Layer, Mapping]
) -> None:
    layer, candidate = case
    mappings = [*others, candidate]  # most of the others belong to other layers: invalid here
    costs = evaluate_batch(ROOMY, layer, mappings, levels=True)
    packed = MappingBatch.from_mappings(ROOMY, layer, mappings)
    for other in (
        evaluate_batch(ROOMY, layer, mappings, chunk=2, threads=2, levels=True),
        evaluate_batch(ROOMY, layer, packed, levels=True),
        evaluate_batch(ROOMY, layer, packed, threads=3, levels=True),
    ):
        assert other.edp_j_cycle.tobytes() == costs.edp_j_cycle.tobytes()
        assert other.reason_codes.tobytes() == costs.reason_codes.tobytes()
        assert costs.counts is not None
        assert other.counts is not None
        assert other.counts.tobytes() == costs.counts.tobytes()
    single = try_out(layer, candidate)
    assert costs.edp_j_cycle[-1] == single.edp_j_cycle
    assert costs.count("DRAM", "Inputs", "reads")[-1] == single.levels["DRAM"]["Inputs"].reads


def test_threads_share_a_large_batch_without_a_difference() -> None:
    packed = MappingBatch.from_mappings(ARCH, LAYER, [SIMPLE, nest(dram=(("C", 4),))] * 1000)
    one, three = (evaluate_batch(ARCH, LAYER, packed, threads=t) for t in (1, 3))
    assert one.energy_pj.tobytes() == three.energy_pj.tobytes()
    assert one.reason_codes.tolist() == [0, 3] * 1000
    assert three.reason_codes.tolist() == [0, 3] * 1000
