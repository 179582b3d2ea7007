"""Arguments that no simulation can run with, and designs that wait for themselves."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

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
from simulators.errors import InvalidConfigError, SimulationStalledError, TraceFormatError

MEMORY = MemorySpec.preset("DDR4-2400")
MAPPING = AddressMapping.preset(MEMORY, "row-bank-column")
CONTROLLER = ControllerConfig()
TRACE = load_workload("stream", requests=20)


def test_a_misspelt_compatibility_is_answered_with_the_right_one() -> None:
    wrong: Any = "dramsys4"
    with pytest.raises(
        InvalidConfigError, match=r"'dramsys4'.*Did you mean 'dramsys40'.*corrected"
    ):
        simulate(MEMORY, MAPPING, CONTROLLER, TRACE, compatibility=wrong)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", None])
def test_threads_must_be_a_positive_whole_number(threads: Any) -> None:
    with pytest.raises(InvalidConfigError, match=r"threads is .* at least 1"):
        simulate_batch(MEMORY, MAPPING, [CONTROLLER], TRACE, threads=threads)


def test_no_trace_is_an_error() -> None:
    with pytest.raises(InvalidConfigError, match="0 traces"):
        simulate(MEMORY, MAPPING, CONTROLLER, [])


def test_no_controller_gives_no_result() -> None:
    assert simulate_batch(MEMORY, MAPPING, [], TRACE) == []


def test_maps_and_controllers_must_be_as_many() -> None:
    with pytest.raises(InvalidConfigError, match="2 address maps for 1 controllers"):
        simulate_batch(MEMORY, [MAPPING, MAPPING], [CONTROLLER], TRACE)


def test_one_map_per_controller_is_used_for_that_controller() -> None:
    other = AddressMapping.preset(MEMORY, "row-column-bank")
    batch = simulate_batch(MEMORY, [MAPPING, other], [CONTROLLER] * 2, TRACE, threads=2)
    alone = [simulate(MEMORY, each, CONTROLLER, TRACE) for each in (MAPPING, other)]
    assert batch == alone
    assert alone[0] != alone[1]


def test_a_map_for_another_memory_is_refused_with_both_named() -> None:
    other = AddressMapping.preset(MemorySpec.preset("DDR3-1600"), "row-bank-column")
    with pytest.raises(InvalidConfigError, match="DDR4-2400"):
        simulate(MEMORY, other, CONTROLLER, TRACE)


@pytest.mark.parametrize("preset", ["DDR3-1600", "DDR4-1866", "DDR4-2400"])
def test_per_bank_refresh_needs_a_standard_that_has_it(preset: str) -> None:
    memory = MemorySpec.preset(preset)
    mapping = AddressMapping.preset(memory, "row-bank-column")
    controller = ControllerConfig(refresh_policy="PerBank")
    with pytest.raises(InvalidConfigError, match=r"PerBank.*" + memory.standard):
        simulate(memory, mapping, controller, TRACE)
    with pytest.raises(InvalidConfigError, match=r"PerBank.*" + memory.standard):
        simulate_batch(memory, mapping, [CONTROLLER, controller], TRACE)


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"ranks": 64}, "ranks"), ({"channels": 128}, "channels"), ({"banks": 128}, "banks")],
)
def test_a_memory_beyond_the_cores_limits_is_refused(changes: dict[str, int], word: str) -> None:
    memory = replace(MEMORY, **changes)  # type: ignore[arg-type]
    mapping = AddressMapping.preset(memory, "row-bank-column")
    with pytest.raises(InvalidConfigError, match=rf"{word}.* up to"):
        simulate(memory, mapping, CONTROLLER, TRACE)


def beyond(count: int) -> Trace:
    """Requests of which all but the first lie beyond the memory, at the first one's bits."""
    addresses = np.arange(count, dtype=np.uint64) * np.uint64(MAPPING.capacity_bytes)
    return Trace.from_arrays(range(count), addresses, np.zeros(count, bool), clock_mhz=1200)


def test_addresses_beyond_the_memory_are_wrapped_as_dramsys_does() -> None:
    metrics = simulate(MEMORY, MAPPING, CONTROLLER, beyond(5), log=True)
    assert metrics.wrapped_requests == 4
    assert metrics.commands == {"ACT": 1, "RD": 5}
    same = Trace.from_arrays(range(5), [0] * 5, np.zeros(5, bool), clock_mhz=1200)
    assert replace(metrics, wrapped_requests=0) == simulate(MEMORY, MAPPING, CONTROLLER, same)


def test_addresses_beyond_the_memory_are_an_error_when_corrected() -> None:
    with pytest.raises(TraceFormatError, match=r"request 1 .*DDR4-2400.*wrap_addresses=True"):
        simulate(MEMORY, MAPPING, CONTROLLER, beyond(5), compatibility="corrected")


def test_wrapping_can_be_asked_for_or_forbidden() -> None:
    with pytest.raises(TraceFormatError):
        simulate(MEMORY, MAPPING, CONTROLLER, beyond(2), wrap_addresses=False)
    metrics = simulate(
        MEMORY, MAPPING, CONTROLLER, beyond(2), compatibility="corrected", wrap_addresses=True
    )
    assert metrics.wrapped_requests == 1
    # The decision is not remembered from the call before.
    with pytest.raises(TraceFormatError):
        simulate(MEMORY, MAPPING, CONTROLLER, beyond(2), wrap_addresses=False)


# Column commands strictly in order of acceptance, but the bank prefers the younger row hit: each
# waits for the other.
STALLING = {"cmd_mux": "Strict", "scheduler": "FrFcfs", "refresh_policy": "NoRefresh"}


@pytest.mark.parametrize("scheduler", ["FrFcfs", "FrFcfsGrp"])
def test_a_design_that_waits_for_itself_is_reported(scenario: Any, scheduler: str) -> None:
    changed = {**STALLING, "scheduler": scheduler}
    with pytest.raises(
        SimulationStalledError, match=r"waits for itself.*\d+ of 3 requests.*needs scheduler Fifo"
    ):
        scenario("DDR3", "R0a1 R0a2 R0a1", changed).run()


def test_a_refresh_that_closes_the_row_ends_the_wait(scenario: Any) -> None:
    changed = {**STALLING, "refresh_policy": "AllBank"}
    metrics = scenario("DDR3", "R0a1 R0a2 R0a1", changed, {"REFI": 1000}).run()
    assert metrics.time_ns > 1000 * 1.25
    assert metrics.requests == 3


def test_a_stall_is_reported_although_refresh_goes_on_for_ever(scenario: Any) -> None:
    # Per-bank refresh may be postponed for so long that it never closes the waiting row.
    changed = {**STALLING, "refresh_policy": "PerBank", "refresh_max_postponed": 10**6}
    with pytest.raises(SimulationStalledError, match="waits for itself"):
        scenario("LPDDR4", "R0a1 R0a2 R0a1", changed).run()


def test_a_stalling_design_costs_the_rest_of_a_batch_nothing() -> None:
    memory = MemorySpec.preset("DDR3-1600")
    mapping = AddressMapping.preset(memory, "bank-row-column")
    rows = np.array([0, 1, 0, 1, 0]) * 8192
    trace = Trace.from_arrays(range(5), rows, np.zeros(5, bool), clock_mhz=800)
    stalling = ControllerConfig(**STALLING)  # type: ignore[arg-type]
    results = simulate_batch(memory, mapping, [CONTROLLER, stalling, CONTROLLER], trace, threads=2)
    assert isinstance(results[1], SimulationStalledError)
    assert isinstance(results[0], Metrics)
    assert results[0] == results[2]


def test_reordered_responses_do_not_wait_for_a_request_that_cannot_enter() -> None:
    """In-order responses with a single slot: the oldest request is always the one admitted."""
    controller = ControllerConfig(
        arbiter="Reorder", resp_queue="Reorder", request_buffer_size=1, max_active_transactions=1
    )
    metrics = simulate(MEMORY, MAPPING, controller, load_workload("random", requests=300))
    assert metrics.requests == 300


def test_a_long_idle_gap_is_no_stall() -> None:
    # Ten milliseconds between two requests: much longer than what is taken for a stall.
    trace = Trace.from_arrays([0, 12_000_000], [0, 64], np.zeros(2, bool), clock_mhz=1200)
    for power_down in ("NoPowerDown", "Staggered"):
        controller = ControllerConfig(power_down_policy=power_down, refresh_max_pulledin=0)
        metrics = simulate(MEMORY, MAPPING, controller, trace)
        assert metrics.requests == 2
        assert metrics.time_ns > 9.9e6
