"""What holds for every memory, design and workload."""

import itertools
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.dram import (
    AddressMapping,
    ControllerConfig,
    MemorySpec,
    Metrics,
    Trace,
    load_workload,
    simulate,
    simulate_batch,
)
from simulators.dram._controller import CHOICES
from simulators.dram._standard import COMMANDS

Cases = Callable[..., st.SearchStrategy[Any]]
COLUMN_COMMANDS = ("RD", "RDA", "WR", "WRA")


def fuzz(examples: int) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=checks)


@fuzz(150)
@given(data=st.data())
def test_every_request_is_answered_once_by_one_column_command(data: Any, any_case: Cases) -> None:
    case = data.draw(any_case(channels=(1, 2, 4), initiators=3))
    metrics = case.run(log=True)
    log = metrics.command_log
    column = log["command"] < 4
    served = sorted(zip(log["initiator"][column], log["request"][column], strict=True))
    expected = [(i, n) for i, trace in enumerate(case.traces) for n in range(len(trace))]
    assert served == expected
    writes = np.isin(log["command"][column], (2, 3))
    for initiator, request, write in zip(
        log["initiator"][column], log["request"][column], writes, strict=True
    ):
        assert write == case.traces[initiator].writes[request]
    for log in metrics.request_log:
        assert (log["send_ps"] <= log["accept_ps"]).all()
        assert (log["accept_ps"] < log["response_ps"]).all()
        assert (np.diff(log["send_ps"]) > 0).all()


@fuzz(100)
@given(data=st.data())
def test_the_figures_are_those_of_the_logs(data: Any, any_case: Cases) -> None:
    case = data.draw(any_case(channels=(1, 2), initiators=2))
    metrics = case.run(log=True)
    names, counts = np.unique(metrics.command_log["command"], return_counts=True)
    listed = {COMMANDS[name]: count for name, count in zip(names, counts, strict=True)}
    assert metrics.commands == listed
    logs = metrics.request_log
    latency = np.sort(np.concatenate([log["response_ps"] - log["send_ps"] for log in logs]))
    stall = np.concatenate([log["accept_ps"] - log["send_ps"] for log in logs])
    n = len(latency)
    assert metrics.requests == n
    assert metrics.latency_mean_ns == pytest.approx(latency.mean() / 1000)
    assert metrics.latency_max_ns == latency[-1] / 1000
    for share, figure in (
        (50, metrics.latency_p50_ns), (95, metrics.latency_p95_ns), (99, metrics.latency_p99_ns),
    ):  # fmt: skip
        assert figure == latency[n * share // 100] / 1000
    assert metrics.stall_mean_ns == pytest.approx(stall.mean() / 1000)
    assert metrics.time_ns == max(log["response_ps"].max() for log in logs) / 1000
    columns = sum(metrics.commands.get(name, 0) for name in COLUMN_COMMANDS)
    hits = max(0, columns - metrics.commands["ACT"])
    assert metrics.row_hit_rate == pytest.approx(hits / columns)


@fuzz(60)
@given(data=st.data())
def test_rows_are_opened_before_they_are_used_and_closed_before_they_are_opened(
    data: Any, any_case: Cases
) -> None:
    case = data.draw(any_case(channels=(1, 2), initiators=2))
    log = case.run(log=True).command_log
    keys = ("command", "channel", "rank", "group", "bank", "row", "initiator", "request")
    open_row: dict[tuple[int, ...], int] = {}
    for command, channel, rank, group, bank, row, *_ in zip(
        *(log[key].tolist() for key in keys), strict=True
    ):
        name, place = COMMANDS[command], (channel, rank, group, bank)
        if name == "ACT":
            assert place not in open_row
            open_row[place] = row
        elif name in COLUMN_COMMANDS:
            assert open_row[place] == row
        if name in ("RDA", "WRA", "PRE"):
            del open_row[place]
        of_rank = {key for key in open_row if key[:2] == (channel, rank)}
        if name == "PREA":
            for key in of_rank:
                del open_row[key]
        elif name in ("REFA", "PDEP", "SREFEN"):
            assert not of_rank
        elif name == "REFB":
            assert place not in open_row


@fuzz(60)
@given(data=st.data())
def test_the_same_run_gives_the_same_result_alone_or_in_any_batch(
    data: Any, any_case: Cases
) -> None:
    case = data.draw(any_case(channels=(1, 2), initiators=2))
    other = ControllerConfig(page_policy="Closed", scheduler="Fifo")
    order = data.draw(st.permutations([case.controller, other, case.controller]))
    alone = {c: simulate(case.memory, case.mapping, c, case.traces,
                         compatibility=case.compatibility) for c in order}  # fmt: skip
    batch = simulate_batch(
        case.memory, case.mapping, order, case.traces,
        threads=data.draw(st.integers(1, 4)), compatibility=case.compatibility,
    )  # fmt: skip
    assert batch == [alone[c] for c in order]
    assert case.run() == case.run()


@fuzz(60)
@given(data=st.data())
def test_logging_changes_nothing(data: Any, any_case: Cases) -> None:
    case = data.draw(any_case(channels=(1, 2), initiators=2))
    assert case.run(log=True) == case.run()


@fuzz(100)
@given(data=st.data())
def test_with_one_request_at_a_time_no_longer_timing_saves_time(data: Any, any_case: Cases) -> None:
    """True for one request at a time only: a scheduler may do better by accident of timing."""
    case = data.draw(any_case(compatibilities=("corrected",)))
    fields = case.controller.to_dramsys()["mcconfig"]
    fields |= {
        "Arbiter": "Fifo", "MaxActiveTransactions": 1, "RefreshPolicy": "NoRefresh",
        "PowerDownPolicy": "NoPowerDown", "RespQueue": "Fifo", "CmdMux": "Oldest",
    }  # fmt: skip
    controller = ControllerConfig(**fields)
    name = data.draw(st.sampled_from(sorted(set(case.memory.timings) - {"REFM"})))
    longer = {**case.memory.timings, name: case.memory.timings[name] + data.draw(st.integers(1, 9))}
    # A timing that is subtracted somewhere (write latency in the turnaround) may shorten others.
    if name in ("WL", "RL", "AL", "RTP", "BURST"):
        return
    slower = replace(case.memory, timings=longer)
    before = simulate(case.memory, case.mapping, controller, case.traces)
    after = simulate(slower, case.mapping, controller, case.traces)
    assert after.time_ns >= before.time_ns
    assert after.latency_mean_ns >= before.latency_mean_ns


@pytest.mark.parametrize("preset", MemorySpec.presets())
def test_every_combination_of_policies_finishes(preset: str) -> None:
    """All 2304 combinations of the choices, less the orders that wait for themselves."""
    memory = MemorySpec.preset(preset)
    mapping = AddressMapping.preset(memory, "row-bank-column")
    trace = load_workload("mixed-streams", requests=60)
    per_bank = memory.standard in ("LPDDR4", "HBM2")
    designs = []
    for values in itertools.product(*CHOICES.values()):
        fields = dict(zip(CHOICES, values, strict=True))
        strict_order = fields["cmd_mux"] == "Strict" and fields["scheduler"] != "Fifo"
        if strict_order or (fields["refresh_policy"] == "PerBank" and not per_bank):
            continue
        designs.append(ControllerConfig(request_buffer_size=2, **fields))
    results = simulate_batch(memory, mapping, designs, trace, threads=2, wrap_addresses=True)
    assert all(isinstance(result, Metrics) for result in results)
    assert {result.requests for result in results} == {60}


EXTREMES = {
    "one of everything": {
        "request_buffer_size": 1,
        "max_active_transactions": 1,
        "refresh_max_postponed": 0,
        "refresh_max_pulledin": 0,
    },
    "huge": {
        "request_buffer_size": 10**6,
        "max_active_transactions": 10**6,
        "refresh_max_postponed": 10**6,
        "refresh_max_pulledin": 10**6,
    },
}


@pytest.mark.parametrize("preset", MemorySpec.presets())
@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize("arbiter", CHOICES["arbiter"])
def test_extreme_sizes_work(preset: str, extreme: str, arbiter: str) -> None:
    memory = MemorySpec.preset(preset)
    mapping = AddressMapping.preset(memory, "row-bank-column")
    controller = ControllerConfig(arbiter=arbiter, **EXTREMES[extreme])  # type: ignore[arg-type]
    trace = load_workload("random", requests=3000)
    metrics = simulate(memory, mapping, controller, trace, wrap_addresses=True)
    assert metrics.requests == 3000


def test_requests_at_the_same_time_stamp_go_one_per_clock() -> None:
    memory = MemorySpec.preset("DDR3-1600")
    mapping = AddressMapping.preset(memory, "row-bank-column")
    trace = Trace.from_arrays([7] * 5, range(0, 320, 64), np.zeros(5, bool), clock_mhz=800)
    metrics = simulate(memory, mapping, ControllerConfig(arbiter="Fifo"), trace, log=True)
    assert metrics.request_log is not None
    (log,) = metrics.request_log
    assert log["trace_time_ps"].tolist() == [7 * 1250] * 5
    assert log["send_ps"].tolist() == [1250 * cycle for cycle in range(7, 12)]


def test_relative_times_count_from_the_acceptance_of_the_request_before() -> None:
    memory = MemorySpec.preset("DDR3-1600")
    mapping = AddressMapping.preset(memory, "row-bank-column")
    delays = [3, 0, 10]
    trace = Trace.from_arrays(
        delays, [0, 64, 128], np.zeros(3, bool), clock_mhz=800, relative=True
    )  # fmt: skip
    metrics = simulate(memory, mapping, ControllerConfig(arbiter="Fifo"), trace, log=True)
    assert metrics.request_log is not None
    # Each is sent its delay after the first clock edge after the acceptance of the one before.
    assert metrics.request_log[0]["send_ps"].tolist() == [3 * 1250, 4 * 1250, 15 * 1250]
    assert metrics.request_log[0]["trace_time_ps"].tolist() == [3 * 1250, 3 * 1250, 13 * 1250]


def test_a_full_buffer_stalls_the_initiator_of_a_simple_arbiter() -> None:
    memory = MemorySpec.preset("DDR3-1600")
    mapping = AddressMapping.preset(memory, "bank-row-column")
    conflicts = np.arange(50) * 8192  # a new row of the same bank each time
    trace = Trace.from_arrays(np.arange(50), conflicts, np.zeros(50, bool), clock_mhz=800)
    small = ControllerConfig(request_buffer_size=1, scheduler_buffer="Shared", scheduler="Fifo")
    large = replace_field(small, request_buffer_size=64)
    stalled = simulate(memory, mapping, small, trace)
    free = simulate(memory, mapping, large, trace)
    assert stalled.stall_mean_ns > 30
    assert free.stall_mean_ns == 0
    assert stalled.time_ns == free.time_ns  # the bank is the bottleneck either way


def replace_field(controller: ControllerConfig, **changes: Any) -> ControllerConfig:
    fields = {name: getattr(controller, name) for name in ControllerConfig.__slots__}
    return ControllerConfig(**{**fields, **changes})


@pytest.mark.parametrize("preset", MemorySpec.presets())
def test_a_real_log_becomes_a_chrome_trace_of_sane_spans(preset: str, tmp_path: Path) -> None:
    memory = replace(MemorySpec.preset(preset), channels=2)
    mapping = AddressMapping.preset(memory, "row-bank-column")
    trace = load_workload("mixed-streams", requests=200)
    controller = ControllerConfig(power_down_policy="Staggered")
    metrics = simulate(memory, mapping, controller, trace, log=True, wrap_addresses=True)
    metrics.to_chrome_trace(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    spans = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            assert event["dur"] >= 0
            spans[event["pid"], event["tid"], event["name"]].append(event["ts"])
    assert sum(map(len, spans.values())) >= len(trace)
    for starts in spans.values():
        assert starts == sorted(starts)
