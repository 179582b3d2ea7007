"""The core agrees with a slow model that caches, skips and precomputes nothing.

``ARCHGYM_FUZZ_EXAMPLES=10000 pytest tests/simulators/dram/test_simulate_literal.py`` tries more
cases than the few that a usual run tries.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from experiments.validation.literal import (
    Outcome,
    count_cycles,
    energy_and_power,
    simulate_literally,
)
from simulators.dram import Metrics
from simulators.dram._standard import COMMANDS

EXAMPLES = int(os.environ.get("ARCHGYM_FUZZ_EXAMPLES", "150"))
fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
Cases = Callable[..., st.SearchStrategy[Any]]


def literal(case: Any) -> Outcome:
    outcome = simulate_literally(
        case.memory,
        case.mapping,
        case.controller,
        case.traces,
        quirks=case.compatibility == "dramsys40",
    )
    assert outcome is not None
    return outcome


def core_commands(metrics: Metrics) -> list[tuple[Any, ...]]:
    log = metrics.command_log
    assert log is not None
    columns = ("time_ps", "command", "channel", "rank", "row", "initiator", "request")
    rows = zip(*(log[name].tolist() for name in columns), strict=True)
    return [(time, COMMANDS[command], *rest) for time, command, *rest in rows]


def literal_commands(outcome: Outcome) -> list[tuple[Any, ...]]:
    return [
        (c.time_ps, c.command, c.channel, c.place.rank, c.row, c.initiator, c.request)
        for c in outcome.commands
    ]


def assert_same_run(case: Any) -> None:
    metrics, outcome = case.run(log=True), literal(case)
    note(str(case))
    assert core_commands(metrics) == literal_commands(outcome)
    assert metrics.request_log is not None
    for log, requests in zip(metrics.request_log, outcome.requests, strict=True):
        for name in ("trace_time_ps", "send_ps", "accept_ps", "response_ps"):
            assert log[name].tolist() == [getattr(request, name) for request in requests], name
    assert metrics.time_ns == outcome.time_ps / 1000
    served_bytes = outcome.served * case.memory.bytes_per_burst
    assert metrics.bandwidth_gb_s == pytest.approx(served_bytes * 1000 / outcome.time_ps)


@fuzz
@given(data=st.data())
def test_one_initiator_sees_the_same_commands_and_times(data: Any, any_case: Cases) -> None:
    assert_same_run(data.draw(any_case()))


@fuzz
@given(data=st.data())
def test_several_initiators_see_the_same_commands_and_times(data: Any, any_case: Cases) -> None:
    assert_same_run(data.draw(any_case(initiators=3)))


@fuzz
@given(data=st.data())
def test_several_channels_see_the_same_commands_and_times(data: Any, any_case: Cases) -> None:
    assert_same_run(data.draw(any_case(channels=(2, 4))))


@fuzz
@given(data=st.data())
def test_energy_and_power_are_those_of_the_command_list(data: Any, any_case: Cases) -> None:
    presets = ("DDR3-1600", "DDR4-2400", "DDR4-1866")
    case = data.draw(any_case(presets, channels=(1, 2), compatibilities=("dramsys40",)))
    metrics, commands = case.run(log=True), literal(case).commands
    sums = [0.0, 0.0]
    for channel in range(case.memory.channels):
        cycles = count_cycles(case.memory, [c for c in commands if c.channel == channel])
        for index, value in enumerate(energy_and_power(case.memory, cycles)):
            sums[index] += value
    assert metrics.energy_pj == pytest.approx(sums[0], rel=1e-12)
    assert metrics.power_mw == pytest.approx(sums[1], rel=1e-12)
