"""The literal model against recorded runs of Timeloop v3.0.3, and against counts made by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from experiments.validation.accelerator_agreement import compare
from experiments.validation.accelerator_figures import literal_figures, rounded_terms, row_figures
from experiments.validation.accelerator_literal import (
    Block,
    Machine,
    Space,
    Storage,
    Unmappable,
    Workload,
    evaluate_literally,
    read_row,
)

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "timeloop" / "rows.jsonl").read_text().splitlines()
]
KEPT_BY_ALL = frozenset({"A", "B", "Z"})


@pytest.mark.parametrize("row", [r for r in ROWS if r["valid"]], ids=lambda row: str(row["id"]))
def test_every_figure_of_a_recorded_run_is_found(row: dict[str, Any]) -> None:
    machine, workload, blocks = read_row(row)
    found = literal_figures(machine, evaluate_literally(machine, workload, blocks))
    result = compare(1, row["id"], "B", found, row_figures(row), rounded_terms(row))
    assert result.differences == ()
    assert sum(result.compared.values()) > 100


def product(a: int, b: int, k: int) -> Workload:
    """Z[a, b] += A[a, k] B[k, b]."""
    axes = {name: ((name, 1),) for name in "abk"}
    return Workload(
        {"a": a, "b": b, "k": k},
        (
            Space("A", (axes["a"], axes["k"])),
            Space("B", (axes["k"], axes["b"])),
            Space("Z", (axes["a"], axes["b"]), written=True),
        ),
    )


def machine(*instances: int, macs: int = 1, rows: int | None = None) -> Machine:
    levels = tuple(
        Storage(
            name=f"L{number}", dram=number == 0, rows=rows if number else None, block_size=1,
            word_bits=16, instances=count, mesh_x=count, read_energy_pj=1.0, write_energy_pj=1.0,
            area_um2=1.0,
        )
        for number, count in enumerate(instances)
    )  # fmt: skip
    return Machine(
        levels=levels, mac_name="mac", mac_instances=macs, mac_mesh_x=macs, mac_energy_pj=1.0,
        mac_area_um2=1.0,
    )  # fmt: skip


def block(level: int, temporal: str = "", spatial: str = "") -> Block:
    """Read "a2 k3" as loops over a and k; spatial ones run along X."""
    loops = [(text[0], int(text[1:])) for text in temporal.split()]
    along_x = [(text[0], int(text[1:]), "X") for text in spatial.split()]
    return Block(f"L{level}", tuple(loops), tuple(along_x), KEPT_BY_ALL)


def test_a_tensor_stays_while_irrelevant_loops_run_inside() -> None:
    blocks = [block(0, "a4 b5"), block(1, "k3")]
    result = evaluate_literally(machine(1, 1, macs=1), product(4, 5, 3), blocks)
    # b moves inside a: A[a, :] stays for all b, B is read again for every a.
    assert result.counts["L0"]["A"].reads == 4 * 3
    assert result.counts["L0"]["B"].reads == 4 * 5 * 3
    assert result.counts["L0"]["Z"].updates == 4 * 5


def test_partial_sums_return_for_every_further_pass() -> None:
    blocks = [block(0, "k3 a4 b5"), block(1)]
    result = evaluate_literally(machine(1, 1), product(4, 5, 3), blocks)
    outputs = result.counts["L0"]["Z"]
    assert (outputs.updates, outputs.reads) == (3 * 20, 2 * 20)
    assert result.counts["L1"]["Z"].fills == 2 * 20


def test_equal_tiles_are_multicast_and_different_ones_scattered() -> None:
    blocks = [block(0, "a4 k3", spatial="b5"), block(1)]
    result = evaluate_literally(machine(1, 5, macs=5), product(4, 5, 3), blocks)
    assert dict(result.deliveries["L0"]["A"].ingress) == {(5, 1): 12}
    assert dict(result.deliveries["L0"]["B"].ingress) == {(1, 5): 60}
    assert result.mac_instances == 5
    assert result.compute_cycles == 12


def test_sums_of_a_spatial_reduction_are_added_on_the_way() -> None:
    blocks = [block(0, "a4 b5", spatial="k3"), block(1)]
    result = evaluate_literally(machine(1, 3, macs=3), product(4, 5, 3), blocks)
    assert result.deliveries["L0"]["Z"].spatial_reductions == 2 * 20


def test_a_sliding_window_fetches_only_its_new_edge() -> None:
    axis = (("r", 1), ("p", 1))
    workload = Workload(
        {"r": 3, "p": 6}, (Space("A", (axis,)), Space("Z", ((("p", 1),),), written=True))
    )
    result = evaluate_literally(machine(1, 1), workload, [block(0, "p6"), block(1, "r3")])
    assert result.counts["L1"]["A"].tile_size == 3
    assert result.counts["L0"]["A"].reads == 3 + 5


def test_a_bypassed_level_hands_requests_on() -> None:
    workload, blocks = product(4, 5, 3), [block(0, "a4"), block(1, "b5"), block(2, "k3")]
    blocks[1] = Block("L1", blocks[1].temporal, (), frozenset({"A", "Z"}))
    result = evaluate_literally(machine(1, 1, 1), workload, blocks)
    assert "B" not in result.counts["L1"]
    # What L2 asks L1 for: B[:, b] for every a and b.
    assert result.counts["L0"]["B"].reads == 4 * 5 * 3


@pytest.mark.parametrize(
    ("change", "reason", "message"),
    [
        ({"blocks": [block(0, "a4 b5"), block(1, "k2")]}, "factors", "k: factors make 2, not 3"),
        ({"blocks": [block(0, "a4 k3", "b5"), block(1)]}, "fanout", "X: expands to 5 of 1"),
        ({"rows": 10}, "capacity", "mapped tile size 23 exceeds buffer capacity 10"),
        (
            {"blocks": [Block("L0", (("a", 4),), (), frozenset("A")), block(1, "b5 k3")]},
            "capacity", "mapped tile size 23 exceeds buffer capacity 20",
        ),
        (
            {"blocks": [Block(f"L{i}", (), (), frozenset("AB")) for i in range(2)]},
            "factors", "a: factors make 1",
        ),
    ],
    ids=["factors", "fanout", "capacity", "capacity-of-what-is-kept", "no-loops"],
)  # fmt: skip
def test_a_mapping_that_does_not_fit_is_refused(
    change: dict[str, Any], reason: str, message: str
) -> None:
    blocks = change.get("blocks", [block(0, "a4"), block(1, "b5 k3")])
    hardware = machine(1, 1, rows=change.get("rows", 20))
    with pytest.raises(Unmappable, match=message) as caught:
        evaluate_literally(hardware, product(4, 5, 3), blocks)
    assert caught.value.reason == reason


def test_a_tensor_kept_nowhere_is_refused() -> None:
    blocks = [Block("L0", (("a", 4), ("b", 5), ("k", 3)), (), frozenset("AB"))]
    with pytest.raises(Unmappable, match="Z is kept nowhere"):
        evaluate_literally(machine(1), product(4, 5, 3), blocks)
