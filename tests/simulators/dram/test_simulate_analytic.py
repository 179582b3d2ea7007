"""Unloaded latency and peak bandwidth by formula."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulators.dram import AddressMapping, ControllerConfig, MemorySpec, Metrics, Trace, simulate

BURST = {"DDR3": 4, "DDR4": 4, "LPDDR4": 8, "HBM2": 2}
# Activate to column command, column command to the end of its data, and precharge, in cycles.
FIRST = {"DDR3": "RCD - AL", "DDR4": "RCD - AL", "LPDDR4": "RCD", "HBM2": "RCDRD + 1"}
FIRST_WRITE = {**FIRST, "HBM2": "RCDWR + 1"}
READ = {
    "DDR3": "RL + BURST",
    "DDR4": "RL + BURST",
    "LPDDR4": "RL + DQSCK + BURST + 3",
    "HBM2": "RL + DQSCK + BURST",
}
WRITE = {
    "DDR3": "WL + BURST",
    "DDR4": "WL + BURST",
    "LPDDR4": "WL + DQSS + DQS2DQ + BURST + 3",
    "HBM2": "WL + BURST",
}
PRECHARGE = {"DDR3": "RP", "DDR4": "RP", "LPDDR4": "RPPB - 2", "HBM2": "RP - 1"}
STANDARDS = sorted(BURST)
ARBITERS = ("Simple", "Fifo", "Reorder")


def cycles(scenario: Any, formula: str) -> int:
    names = {**scenario.memory.timings, "BURST": BURST[scenario.standard]}
    return int(eval(formula, {"__builtins__": {}}, names))


def last_latency_cycles(metrics: Metrics, memory: MemorySpec) -> int:
    assert metrics.request_log is not None
    log = metrics.request_log[0]
    latency, rest = divmod(int(log["response_ps"][-1] - log["send_ps"][-1]), memory.tck_ps)
    assert rest == 0
    return latency


@pytest.mark.parametrize("arbiter", ARBITERS)
@pytest.mark.parametrize("standard", STANDARDS)
@pytest.mark.parametrize(
    ("requests", "parts"),
    [
        ("R0a1", (FIRST, READ)),
        ("W0a1", (FIRST_WRITE, WRITE)),
        ("R0a1 R0a1@999", (READ,)),
        ("W0a1 W0a1@999", (WRITE,)),
        ("R0a1 R0a2@999", (PRECHARGE, FIRST, READ)),
        ("W0a1 W0a2@999", (PRECHARGE, FIRST_WRITE, WRITE)),
    ],
    ids=["read", "write", "read-hit", "write-hit", "read-conflict", "write-conflict"],
)
def test_unloaded_latency_is_the_sum_of_its_parts(
    scenario: Any, standard: str, arbiter: str, requests: str, parts: tuple[dict[str, str], ...]
) -> None:
    made = scenario(standard, requests, {"arbiter": arbiter})
    expected = sum(cycles(made, part[standard]) for part in parts)
    assert last_latency_cycles(made.run(), made.memory) == expected


@pytest.mark.parametrize("standard", STANDARDS)
def test_a_stopped_trace_ends_with_the_last_response(scenario: Any, standard: str) -> None:
    made = scenario(standard, "R0a1")
    metrics = made.run()
    assert metrics.time_ns == metrics.latency_max_ns == metrics.latency_mean_ns


def test_hbm2_starts_a_picosecond_before_its_first_clock_as_dramsys_does(scenario: Any) -> None:
    quirky = scenario("HBM2", "R0a1", compatibility="dramsys40").run()
    corrected = scenario("HBM2", "R0a1", compatibility="corrected").run()
    assert quirky.time_ns == pytest.approx(corrected.time_ns + 0.999)


def stream(
    memory: MemorySpec,
    mapping_name: str,
    count: int = 4000,
    *,
    write: bool = False,
    wrap: int = 1 << 40,
    **controller: Any,
) -> Metrics:
    """Requests to consecutive bursts, modulo ``wrap``, faster than the memory can serve them."""
    mapping = AddressMapping.preset(memory, mapping_name)
    trace = Trace.from_arrays(
        np.zeros(count, dtype=np.int64),
        np.arange(count) * memory.bytes_per_burst % wrap,
        np.full(count, write),
        clock_mhz=10_000,
    )
    config = {
        "refresh_policy": "NoRefresh",
        "arbiter": "Fifo",
        "scheduler_buffer": "Shared",
        "request_buffer_size": 64,
    }
    return simulate(memory, mapping, ControllerConfig(**{**config, **controller}), trace)


def one_rank(standard: str, **timings: int) -> MemorySpec:
    preset = {"DDR3": "DDR3-1600", "DDR4": "DDR4-2400", "LPDDR4": "LPDDR4-3200"}
    memory = MemorySpec.preset(preset.get(standard, "HBM2-2000"))
    return replace(memory, ranks=1, timings={**memory.timings, **timings})


@pytest.mark.parametrize("write", [False, True], ids=["reads", "writes"])
@pytest.mark.parametrize("standard", STANDARDS)
def test_a_stream_of_row_hits_fills_the_data_bus(standard: str, write: bool) -> None:
    mapping = "bank-group-interleaved" if standard in ("DDR4", "HBM2") else "row-bank-column"
    metrics = stream(one_rank(standard), mapping, write=write)
    assert 0.97 < metrics.bandwidth_utilization <= 1.0


@pytest.mark.parametrize(("standard", "name"), [("DDR4", "CCD_L"), ("HBM2", "CCDL")])
def test_a_stream_in_one_bank_group_is_bound_by_the_long_column_delay(
    standard: str, name: str
) -> None:
    memory = one_rank(standard)
    bound = BURST[standard] / memory.timings[name]
    row_bytes = memory.columns * memory.bytes_per_burst // memory.burst_length
    metrics = stream(memory, "bank-row-column", wrap=row_bytes)
    assert metrics.bandwidth_utilization == pytest.approx(bound, rel=0.01)


def bursts_per_cycle(memory: MemorySpec, metrics: Metrics) -> float:
    return metrics.requests * memory.tck_ps / 1000 / metrics.time_ns


@pytest.mark.parametrize(
    ("standard", "name"), [("DDR3", "RC"), ("DDR4", "RC"), ("LPDDR4", "RCPB"), ("HBM2", "RC")]
)
def test_closed_pages_in_one_bank_are_bound_by_the_row_cycle(standard: str, name: str) -> None:
    memory = one_rank(standard)
    metrics = stream(memory, "bank-row-column", 500, page_policy="Closed")
    assert metrics.row_hit_rate == 0.0
    assert 1 / bursts_per_cycle(memory, metrics) == pytest.approx(memory.timings[name], rel=0.02)


@pytest.mark.parametrize(
    ("standard", "per_activate"),
    [
        ("DDR3", "max(RRD, FAW / 4)"),
        ("DDR4", "max(RRD_S, FAW / 4)"),
        ("LPDDR4", "max(RRD, FAW / 4)"),
        ("HBM2", "max(RRDS, FAW / 4)"),
    ],
)
@pytest.mark.parametrize("longer", [0, 60])
def test_closed_pages_over_all_banks_are_bound_by_the_activate_window(
    standard: str, per_activate: str, longer: int
) -> None:
    memory = one_rank(standard)
    memory = one_rank(standard, FAW=memory.timings["FAW"] + longer)
    metrics = stream(memory, "row-column-bank", 2000, page_policy="Closed")
    names = {**memory.timings, "max": max}
    expected = eval(per_activate, {"__builtins__": {}}, names)
    # Column commands that share the bus may push an activate back by a cycle or two.
    per_burst = 1 / bursts_per_cycle(memory, metrics)
    assert 0.995 * expected <= per_burst <= 1.04 * expected


def test_all_bank_refresh_costs_its_share_of_the_time() -> None:
    memory = one_rank("DDR3", REFI=1000)
    free = stream(memory, "row-bank-column", 20_000)
    refreshed = stream(
        memory, "row-bank-column", 20_000, refresh_policy="AllBank",
        refresh_max_postponed=0, refresh_max_pulledin=0,
    )  # fmt: skip
    # Each refresh also drains and reopens: RTP + RP before it, RCD after it.
    lost = (88 + 6 + 10 + 10) / 1000
    assert free.time_ns / refreshed.time_ns == pytest.approx(1 - lost, rel=0.01)


def test_alternating_reads_and_writes_pay_both_turnarounds() -> None:
    memory = one_rank("DDR3")
    mapping = AddressMapping.preset(memory, "row-bank-column")
    count = 2000
    trace = Trace.from_arrays(
        np.zeros(count, dtype=np.int64),
        np.arange(count) * 64 % 8192,
        np.arange(count) % 2 == 1,
        clock_mhz=800,
    )
    config = ControllerConfig(scheduler="Fifo", refresh_policy="NoRefresh", arbiter="Fifo")
    metrics = simulate(memory, mapping, config, trace)
    # Read to write RL + burst + 2 - WL = 8, write to read WL + burst + WTR = 18.
    assert 1 / bursts_per_cycle(memory, metrics) == pytest.approx((8 + 18) / 2, rel=0.01)


def test_one_request_at_a_time_takes_the_unloaded_latency_each() -> None:
    memory = one_rank("DDR3")
    metrics = stream(memory, "row-bank-column", 100, max_active_transactions=1)
    # All in one row: 14 cycles each, ten more for the first.
    assert metrics.time_ns == pytest.approx((100 * 14 + 10) * 1.25)


def test_channels_multiply_the_bandwidth() -> None:
    memory = one_rank("DDR3")
    one = stream(memory, "row-bank-column", 8000)
    two = stream(replace(memory, channels=2), "row-bank-column", 8000)
    # One initiator sends a request per cycle, so two channels of a burst in four are no limit.
    assert two.bandwidth_gb_s == pytest.approx(2 * one.bandwidth_gb_s, rel=0.02)
    assert two.bandwidth_utilization == pytest.approx(one.bandwidth_utilization, rel=0.02)
