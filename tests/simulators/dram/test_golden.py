"""Figures of whole runs that must not change.

``golden/dramsys40_stream.json`` holds what DRAMSys 4.0 (with DRAMPower 4) printed for 10,000 reads,
one per clock cycle of the trace, 64 bytes apart from address 0. ``golden/own.json`` holds this
simulator's own figures on its own workloads, which other tests check against a literal model;
``ARCHGYM_UPDATE_GOLDEN=1 pytest tests/simulators/dram/test_golden.py`` writes it anew.
"""

import json
import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.validation.agreement import QUANTITIES
from simulators.dram import (
    AddressMapping,
    ControllerConfig,
    MemorySpec,
    Trace,
    load_workload,
    simulate,
)

GOLDEN = Path(__file__).parent / "golden"
DRAMSYS = json.loads((GOLDEN / "dramsys40_stream.json").read_text(encoding="utf-8"))
OWN = json.loads((GOLDEN / "own.json").read_text(encoding="utf-8"))
UPDATE = "ARCHGYM_UPDATE_GOLDEN" in os.environ


def mapping_of(memory: MemorySpec, name: str) -> AddressMapping:
    if name != "hbm2":
        return AddressMapping.preset(memory, name)
    bits = tuple(range(30))
    return AddressMapping(
        byte=bits[:3],
        column=bits[3:10],
        row=bits[10:25],
        bank=bits[25:27],
        bank_group=bits[27:29],
        rank=bits[29:],
    )


@cache
def stream(clock_mhz: int) -> Trace:
    count = np.arange(10_000)
    reads = np.zeros(len(count), dtype=bool)
    return Trace.from_arrays(count, 64 * count, reads, clock_mhz=clock_mhz)


def test_the_rows_of_dramsys_cover_every_policy_and_standard() -> None:
    seen = {value for row in DRAMSYS for value in row["controller"].values()}
    policies = (
        "Open OpenAdaptive Closed ClosedAdaptive Fifo FrFcfs FrFcfsGrp Bankwise ReadWrite Shared "
        "Oldest Strict Reorder NoRefresh AllBank PerBank NoPowerDown Staggered Simple"
    )
    assert seen >= set(policies.split())
    assert {row["memory"] for row in DRAMSYS} == set(MemorySpec.presets())


@pytest.mark.parametrize("row", DRAMSYS, ids=[f"{n}-{r['memory']}" for n, r in enumerate(DRAMSYS)])
def test_figures_are_those_that_dramsys_printed(row: dict[str, Any]) -> None:
    memory = replace(MemorySpec.preset(row["memory"]), ranks=row["ranks"])
    mapping = mapping_of(memory, row["mapping"])
    controller = ControllerConfig(**row["controller"])
    metrics = simulate(memory, mapping, controller, stream(row["clock_mhz"]))
    assert metrics.commands == row["commands"]
    printed = {quantity.column: quantity for quantity in QUANTITIES}
    for column, expected in row["figures"].items():
        ours = printed[column].value(metrics)
        assert printed[column].equal(ours, expected), (column, ours, expected)


def own_figures(row: dict[str, Any]) -> dict[str, Any]:
    preset = MemorySpec.preset(row["memory"])
    memory = replace(preset, ranks=row["ranks"], channels=row["channels"])
    mapping = AddressMapping.preset(memory, row["mapping"])
    traces = [load_workload(name, requests=1500, seed=3) for name in row["workloads"]]
    metrics = simulate(
        memory,
        mapping,
        ControllerConfig(**row["controller"]),
        traces,
        compatibility=row["compatibility"],
        wrap_addresses=True,
    )
    return {"digests": [trace.digest[:16] for trace in traces], **metrics.to_dict()}


@pytest.mark.parametrize("number", range(len(OWN)))
def test_own_figures_have_not_changed(number: int) -> None:
    row = OWN[number]
    got = json.loads(json.dumps(own_figures(row)))
    if UPDATE:
        OWN[number]["figures"] = got
        lines = ",\n".join(" " + json.dumps(each) for each in OWN)
        (GOLDEN / "own.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    assert got["digests"] == OWN[number]["figures"]["digests"], "the workload itself has changed"
    ours, expected = flat(got), flat(OWN[number]["figures"])
    assert set(ours) == set(expected)
    for name, value in expected.items():
        tolerant = pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
        assert ours[name] == tolerant, name


def flat(figures: dict[str, Any]) -> dict[str, Any]:
    """Name the figures inside ``commands`` and ``energy_breakdown_pj`` by their path."""
    result = {}
    for name, value in figures.items():
        if isinstance(value, dict):
            result |= {f"{name}.{inner}": each for inner, each in value.items()}
        elif name != "digests":
            result[name] = value
    return result
