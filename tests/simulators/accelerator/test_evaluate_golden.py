"""Every figure of Timeloop 3.0.3 on ten mappings, to the digits that it prints.

The mappings are Timeloop's own (found by its mapper, or drawn at random and evaluated by its
timeloop-model): bypassed levels, fan-outs in both directions, neighbours that pass words on, partly
shared halos, strides, dilation, bandwidth limits, double buffering, clusters.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from simulators.accelerator import (
    Architecture,
    Cost,
    Layer,
    Mapping,
    MappingBatch,
    evaluate,
    evaluate_batch,
)

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "timeloop_3_0_3.json").read_text(encoding="utf-8")
)
PRINTED = 0.0051
"""Timeloop's statistics have two decimals."""


def read(row: dict[str, Any]) -> tuple[Architecture, Layer, Mapping]:
    return (
        Architecture.from_timeloop(row["architecture"], row["energy_pj"], row["area_um2"]),
        Layer.from_timeloop(row["layer"]),
        Mapping.from_loops(row["loops"], row["keep"]),
    )


@pytest.fixture(scope="module", params=ROWS, ids=lambda row: row["name"])
def case(request: pytest.FixtureRequest) -> tuple[dict[str, Any], Cost]:
    return request.param["cost"], evaluate(*read(request.param))


def same(found: object, expected: object) -> bool:
    if isinstance(expected, float):
        return found == pytest.approx(expected, abs=PRINTED, rel=1e-12)
    return found == expected


def test_totals_are_timeloops(case: tuple[dict[str, Any], Cost]) -> None:
    expected, cost = case
    for name in ("cycles", "compute_cycles", "macs", "compute_energy_pj", "utilization"):
        assert same(getattr(cost, name), expected[name]), name
    assert cost.energy_pj == pytest.approx(expected["energy_pj"], abs=0.1, rel=1e-9)


def test_every_count_of_every_level_is_timeloops(case: tuple[dict[str, Any], Cost]) -> None:
    expected, cost = case
    for level, figures in expected["levels"].items():
        assert cost.level_cycles[level] == figures["cycles"], level
        assert set(cost.levels[level]) == set(figures["tensors"]), level
        for tensor, counts in figures["tensors"].items():
            found = cost.levels[level][tensor]
            wrong = {
                name: (getattr(found, name), value)
                for name, value in counts.items()
                if not same(getattr(found, name), value)
            }
            assert not wrong, (level, tensor)


def test_every_network_is_timeloops(case: tuple[dict[str, Any], Cost]) -> None:
    expected, cost = case
    for network, tensors in expected["networks"].items():
        for tensor, figures in tensors.items():
            found = cost.networks[network][tensor]
            assert [list(entry) for entry in found.ingress] == figures["ingress"]
            for name in ("fanout", "link_transfers", "spatial_reductions", "hops"):
                assert same(getattr(found, name), figures[name]), (network, tensor, name)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_a_batch_gives_the_same_as_one_by_one(row: dict[str, Any]) -> None:
    arch, layer, mapping = read(row)
    batch = MappingBatch.from_mappings(arch, layer, [mapping] * 3)
    costs, cost = evaluate_batch(arch, layer, batch), evaluate(arch, layer, mapping)
    assert costs.valid.all()
    assert set(costs.cycles) == {cost.cycles}
    assert set(costs.energy_pj) == {cost.energy_pj}
    assert set(costs.edp_j_cycle) == {cost.edp_j_cycle}
    assert set(costs.utilization) == {cost.utilization}
