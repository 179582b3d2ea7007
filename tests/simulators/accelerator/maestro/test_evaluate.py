"""Costs: MAESTRO's own figures, closed forms, and the mappings that are refused."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from simulators.accelerator import Layer
from simulators.accelerator.maestro import (
    REASONS,
    Cluster,
    Hardware,
    MaestroLayer,
    MaestroMapping,
    SpatialMap,
    TemporalMap,
    evaluate,
    evaluate_batch,
    evaluate_network,
)
from simulators.errors import InvalidConfigError, InvalidMappingError

# Runs of MAESTRO (commit of its public repository that reports bandwidth requirements) over
# mappings of ResNet-50, VGG-16 and MobileNetV2 layers that ship with it, and random ones.
GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text())

LAYER = MaestroLayer(dims={"K": 4, "C": 6, "R": 3, "S": 3, "Y": 10, "X": 10})
HARDWARE = Hardware(pes=16)
FILTER = "TemporalMap(Sz(R),Sz(R)) R; TemporalMap(Sz(S),Sz(S)) S;"


@pytest.mark.parametrize("row", GOLDEN, ids=range(len(GOLDEN)))
def test_every_column_is_maestros(row: dict) -> None:
    layer = MaestroLayer(kind=row["kind"], dims=row["dims"], stride=row["stride"])
    hardware = Hardware(**row["hardware"])
    cost = evaluate(layer, row["mapping"], hardware, compatibility="maestro").to_row()
    for column, expected in row["columns"].items():
        if expected is None:
            assert not math.isfinite(cost[column]), column
        else:  # MAESTRO prints six digits
            assert cost[column] == pytest.approx(expected, rel=6e-6), column


def test_unbounded_bandwidth_leaves_the_time_of_computing() -> None:
    mapping = f"TemporalMap(2,2) C; SpatialMap(1,1) K; {FILTER} TemporalMap(1,1) Y'; " + (
        "TemporalMap(2,2) X';"
    )
    cost = evaluate(LAYER, mapping, Hardware(pes=4))
    iterations, per_tile = 3 * 8 * 4, 2 * 2 * 9
    assert cost.cycles == iterations * per_tile + 1  # + latency of the first tile, 1 hop
    assert cost.utilization == 1.0
    assert cost.macs == LAYER.macs
    four_lanes = evaluate(LAYER, mapping, Hardware(pes=4, simd=4))
    assert four_lanes.cycles == iterations * per_tile // 4 + 1


def test_a_narrow_network_bounds_every_iteration_by_its_traffic() -> None:
    # A 1x1 product held whole by one iteration per input channel: 5 inputs + 4 weights each.
    layer = MaestroLayer.from_layer(Layer.matmul(m=5, n=4, k=3))
    mapping = "TemporalMap(1,1) C; SpatialMap(1,1) K; TemporalMap(5,5) Y; TemporalMap(1,1) X;"
    cost = evaluate(layer, mapping, Hardware(pes=4, noc_bandwidth=1, noc_hop_latency=7))
    first = 5 + (7 + 9 - 1)
    each = max(5, 7 + 9 - 1, 7 + 20 - 1)  # compute, inputs in, 20 outputs out
    assert cost.cycles == first + 2 * each
    assert (cost.input.l2_reads, cost.filter.l2_reads, cost.output.l2_writes) == (15, 12, 60)


def test_a_slow_memory_bounds_every_iteration() -> None:
    mapping = f"SpatialMap(1,1) K; TemporalMap(3,3) C; {FILTER}"
    layer_size = 3 * 100 + 3 * 9 * 4
    cost = evaluate(LAYER, mapping, Hardware(pes=4, offchip_bandwidth=1))
    assert cost.input.l2_size_bytes + cost.filter.l2_size_bytes == 2 * layer_size
    compute = 64 * 9 * 3
    assert cost.cycles == compute + 1 + compute  # memory: 408 cycles, less than computing
    slower = evaluate(LAYER, mapping, Hardware(pes=4, simd=64, offchip_bandwidth=1))
    assert slower.cycles == 2 * layer_size


def test_l1_energy_of_clusters_is_the_layers_own_unless_the_tool_is_asked_for() -> None:
    clustered = f"SpatialMap(1,1) K; {FILTER} Cluster(2,P); SpatialMap(1,1) C; {FILTER}"
    flat = f"SpatialMap(1,1) K; {FILTER}"
    other = MaestroLayer(dims={**LAYER.dims, "K": 8})

    def l1_energy(cost) -> float:
        accesses = sum(t.l1_reads + t.l1_writes for t in (cost.input, cost.filter, cost.output))
        return 0.00023 * 1.68 * accesses

    ours = evaluate_network([LAYER, other], clustered, HARDWARE)
    theirs = evaluate_network([LAYER, other], clustered, HARDWARE, compatibility="maestro")
    assert theirs[0].energy_nj == pytest.approx(ours[0].energy_nj - l1_energy(ours[0]))
    assert theirs[1].energy_nj == pytest.approx(
        ours[1].energy_nj - l1_energy(ours[1]) + l1_energy(ours[0])
    )
    mixed = evaluate_network([LAYER, other], [flat, clustered], HARDWARE, compatibility="maestro")
    assert mixed[0] == evaluate(LAYER, flat, HARDWARE)
    assert mixed[1].energy_nj == pytest.approx(
        ours[1].energy_nj - l1_energy(ours[1]) + l1_energy(mixed[0])
    )
    assert evaluate(other, clustered, HARDWARE, compatibility="maestro") != ours[1]
    assert evaluate(other, clustered, HARDWARE) == ours[1]


def test_grouped_convolutions_sum_over_input_channels_unless_the_tool_is_asked_for() -> None:
    layer = MaestroLayer(
        kind="NGCONV", dims={"G": 2, "K": 3, "C": 4, "R": 1, "S": 1, "Y": 5, "X": 5}
    )
    mapping = "SpatialMap(1,1) G; TemporalMap(1,1) Y;"
    ours = evaluate(layer, mapping, Hardware(pes=2))
    theirs = evaluate(layer, mapping, Hardware(pes=2), compatibility="maestro")
    assert ours.macs == theirs.macs == layer.macs
    assert theirs.output.l2_writes == 4 * ours.output.l2_writes == 4 * 2 * 3 * 25


def test_a_gemm_is_the_1x1_convolution_that_it_is() -> None:
    gemm = MaestroLayer(kind="GEMM", dims={"M": 6, "N": 8, "K": 10})
    product = MaestroLayer.from_layer(Layer.matmul(m=6, n=8, k=10))
    hardware = Hardware(pes=8, noc_bandwidth=4)
    one = evaluate(gemm, "TemporalMap(3,3) M; SpatialMap(1,1) N; TemporalMap(5,5) K;", hardware)
    two = evaluate(product, "TemporalMap(3,3) Y; SpatialMap(1,1) K; TemporalMap(5,5) C;", hardware)
    assert (one.cycles, one.energy_nj, one.l2_size_bytes) == (
        two.cycles,
        two.energy_nj,
        two.l2_size_bytes,
    )


def test_buffers_are_compared_but_change_no_cost() -> None:
    mapping = f"SpatialMap(1,1) K; {FILTER}"
    large = evaluate(LAYER, mapping, Hardware(pes=4))
    small = evaluate(LAYER, mapping, Hardware(pes=4, l1_size=large.l1_size_bytes - 1))
    assert large.fits
    assert not small.fits
    assert small.cycles == large.cycles
    exact = Hardware(pes=4, l1_size=large.l1_size_bytes, l2_size=large.l2_size_bytes)
    assert evaluate(LAYER, mapping, exact).fits


@pytest.mark.parametrize(
    ("mapping", "pes", "reason", "message"),
    [
        ("SpatialMap(1,1) K;\nTemporalMap(1,1) G;", 4, "unknown_dimension", "line 2: .*no such"),
        ("SpatialMap(1,1) K;\nTemporalMap(Sz(G),1) C;", 4, "unknown_dimension", "line 2: .* of G"),
        ("SpatialMap(1,1) K;\nTemporalMap(1,1) K;", 4, "repeated_dimension", "line 2: "),
        ("SpatialMap(1,1) Y;\nTemporalMap(1,1) Y';", 4, "repeated_dimension", "line 2: "),
        ("TemporalMap(1,1) K;", 4, "no_spatial_map", "line 1: .*no SpatialMap"),
        ("SpatialMap(1,1) K; Cluster(2,P);", 4, "no_spatial_map", "no SpatialMap"),
        (
            "SpatialMap(1,1) K;SpatialMap(1,1) C;\nSpatialMap(1,1) X;",
            4,
            "many_spatial_maps",
            "line 2: ",
        ),
        ("SpatialMap(1,1) K;\nTemporalMap(1,1) R;", 4, "partial_filter", r"line 2: .*Sz\(R\)"),
        ("SpatialMap(3,3) S;", 4, "partial_filter", r"Sz\(S\)"),
        (
            "SpatialMap(1,1)K;Cluster(2,P);SpatialMap(1,1)C;Cluster(3,P);SpatialMap(1,1)Y;",
            5,
            "fanout",
            "need 6 processing elements and the hardware has 5",
        ),
        ("SpatialMap(1,1) K; TemporalMap(2,2) Y;", 4, "no_work", "smaller than the filter"),
        ("SpatialMap(1,1)K;" + "Cluster(1,P);SpatialMap(1,1)K;" * 4, 4, "many_levels", "more than"),
    ],
)
def test_a_mapping_that_cannot_run_says_where_and_why(
    mapping: str, pes: int, reason: str, message: str
) -> None:
    with pytest.raises(InvalidMappingError, match=message) as refused:
        evaluate(LAYER, mapping, Hardware(pes=pes))
    assert refused.value.reason == reason
    assert reason in REASONS


def test_a_batch_gives_each_mapping_its_own_cost_or_reason() -> None:
    mappings = [
        f"SpatialMap(1,1) K; {FILTER}",
        "TemporalMap(1,1) K;",
        f"SpatialMap(2,2) C; {FILTER} Cluster(2,P); SpatialMap(1,1) K; {FILTER}",
    ]
    batch = evaluate_batch(LAYER, mappings, HARDWARE)
    assert len(batch) == 3
    assert batch.valid.tolist() == [True, False, True]
    assert [batch.reason(i) for i in range(3)] == ["", "no_spatial_map", ""]
    for i in (0, 2):
        cost = evaluate(LAYER, mappings[i], HARDWARE)
        assert batch.cost(i) == cost
        assert batch.cycles[i] == cost.cycles
        assert batch.energy_nj[i] == cost.energy_nj
        assert batch.area_um2[i] == cost.area_um2
        assert batch.power_mw[i] == pytest.approx(cost.power_mw, rel=1e-15)
        assert batch.column("input_l2_reads")[i] == cost.input.l2_reads
        assert batch.column("utilized_pes")[i] == cost.utilized_pes
    assert batch.cycles[1] == batch.energy_nj[1] == batch.area_um2[1] == 0
    theirs = evaluate_batch(LAYER, mappings, HARDWARE, compatibility="maestro")
    for i in (0, 2):
        assert theirs.cost(i) == evaluate(LAYER, mappings[i], HARDWARE, compatibility="maestro")


def test_a_batch_takes_hardware_per_mapping_and_packed_directives() -> None:
    mapping = MaestroMapping.from_text(f"SpatialMap(1,1) K; {FILTER}")
    machines = [Hardware(pes=pes, noc_bandwidth=8) for pes in (1, 2, 4)]
    table = np.repeat(np.array([mapping.packed(LAYER)], dtype=np.int64), 3, axis=0)
    batch = evaluate_batch(LAYER, table, machines)
    assert [batch.cost(i) for i in range(3)] == [evaluate(LAYER, mapping, h) for h in machines]
    with pytest.raises(InvalidConfigError, match="2 hardware descriptions for 3 mappings"):
        evaluate_batch(LAYER, table, machines[:2])
    table[1, 0, 1] = 11
    with pytest.raises(ValueError, match="out of range"):
        evaluate_batch(LAYER, table, machines)


def test_an_empty_batch_is_no_error() -> None:
    assert len(evaluate_batch(LAYER, [], HARDWARE)) == 0


def test_arguments_are_checked() -> None:
    with pytest.raises(InvalidConfigError, match="Did you mean 'maestro'"):
        evaluate(LAYER, "SpatialMap(1,1) K;", HARDWARE, compatibility="maestr")  # type: ignore[arg-type]
    with pytest.raises(InvalidConfigError, match="1 mappings for 2 layers"):
        evaluate_network([LAYER, LAYER], ["SpatialMap(1,1) K;"], HARDWARE)
    with pytest.raises(InvalidConfigError, match="is no directive"):
        MaestroMapping(("SpatialMap(1,1) K",))  # type: ignore[arg-type]
    with pytest.raises(InvalidConfigError, match="the size of K is 'Sz"):
        SpatialMap("Sz(Q)", 1, "K")
    with pytest.raises(InvalidConfigError, match="pes is True"):
        Hardware(pes=True)


def test_levels_are_cut_at_clusters() -> None:
    mapping = MaestroMapping(
        (SpatialMap(1, 1, "K"), Cluster(2), TemporalMap(1, 1, "C"), SpatialMap(1, 1, "Y"))
    )
    assert mapping.levels == (
        (SpatialMap(1, 1, "K"),),
        (TemporalMap(1, 1, "C"), SpatialMap(1, 1, "Y")),
    )
