"""No command of any design comes before the table allows it, and a lone request not after.

The checker looks back over the history of commands, row by row of the standard's table; the
simulator's core works forward. `test_device_timing` checks single rows against the data sheet.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from experiments.validation.literal import CommandHistory, Place, violations
from simulators.dram import AddressMapping, ControllerConfig, MemorySpec, Metrics, Trace, simulate
from simulators.dram._standard import COMMANDS

Cases = Callable[..., st.SearchStrategy[Any]]
Timed = tuple[int, str, Place]


def fuzz(examples: int) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=checks)


def by_channel(memory: MemorySpec, metrics: Metrics) -> list[list[Timed]]:
    log = metrics.command_log
    assert log is not None
    columns = ("time_ps", "command", "channel", "rank", "group", "bank")
    per_group = memory.banks // memory.bank_groups
    listed: list[list[Timed]] = [[] for _ in range(memory.channels)]
    for time, command, channel, rank, group, bank in zip(
        *(log[name].tolist() for name in columns), strict=True
    ):
        group += rank * memory.bank_groups
        place = Place(rank, group, group * per_group + bank)
        listed[channel].append((time, COMMANDS[command], place))
    return listed


@fuzz(250)
@given(data=st.data())
def test_no_command_of_any_design_comes_too_early(data: Any, any_case: Cases) -> None:
    case = data.draw(any_case(channels=(1, 1, 2), initiators=3))
    note(str(case))
    quirks = case.compatibility == "dramsys40"
    for commands in by_channel(case.memory, case.run(log=True)):
        assert violations(case.memory, commands, initial_bus=quirks) == []


@fuzz(60)
@given(data=st.data())
def test_the_checker_finds_a_command_moved_forward_by_a_picosecond(
    data: Any, any_case: Cases
) -> None:
    case = data.draw(any_case(compatibilities=("corrected",)))
    (commands,) = by_channel(case.memory, case.run(log=True))
    history = CommandHistory(case.memory, initial_bus=False)
    for number, (time, command, place) in enumerate(commands):
        if history.earliest_ps(command, place) == time > 0:
            moved = [*commands[:number], (time - 1, command, place)]
            assert violations(case.memory, moved, initial_bus=False) != []
        history.record(command, place, time)


@fuzz(100)
@given(data=st.data())
def test_a_lone_request_is_served_as_soon_as_the_device_allows(data: Any, any_case: Cases) -> None:
    case = data.draw(any_case())
    lone = {
        "arbiter": "Fifo",
        "max_active_transactions": 1,
        "refresh_policy": "NoRefresh",
        "power_down_policy": "NoPowerDown",
    }
    dramsys = case.controller.to_dramsys()["mcconfig"]
    fields = ControllerConfig.from_dramsys(dramsys)
    controller = ControllerConfig(
        **{**{name: getattr(fields, name) for name in fields.__slots__}, **lone}
    )
    quirks = case.compatibility == "dramsys40"
    options: Any = {"compatibility": case.compatibility, "log": True}
    metrics = simulate(case.memory, case.mapping, controller, case.traces, **options)
    assert metrics.command_log is not None
    assert metrics.request_log is not None
    accepted = metrics.request_log[0]["accept_ps"]
    history = CommandHistory(case.memory, initial_bus=quirks)
    (commands,) = by_channel(case.memory, metrics)
    for (time, command, place), request in zip(
        commands, metrics.command_log["request"].tolist(), strict=True
    ):
        assert time == max(history.earliest_ps(command, place), int(accepted[request]))
        history.record(command, place, time)


@pytest.mark.parametrize("preset", MemorySpec.presets())
def test_a_busy_controller_issues_most_commands_as_soon_as_the_table_allows(preset: str) -> None:
    memory = MemorySpec.preset(preset)
    mapping = AddressMapping.preset(memory, "row-bank-column")
    rng = np.random.default_rng(1)
    count = 2000
    addresses = rng.integers(mapping.capacity_bytes // 64, size=count, dtype=np.uint64) * 64
    trace = Trace.from_arrays(
        np.arange(count), addresses, rng.random(count) < 0.5, clock_mhz=memory.clk_mhz
    )
    (commands,) = by_channel(memory, simulate(memory, mapping, ControllerConfig(), trace, log=True))
    history = CommandHistory(memory)
    tight = 0
    for time, command, place in commands:
        tight += history.earliest_ps(command, place) == time
        history.record(command, place, time)
    assert tight > 0.8 * len(commands)
