"""What "corrected" mode repairs, one oddity of DRAMSys 4.0 at a time."""

from dataclasses import replace
from typing import Any

import pytest

from simulators.dram import AddressMapping, ControllerConfig, MemorySpec, load_workload, simulate

MODES = ("dramsys40", "corrected")


def both(scenario: Any, *arguments: Any, **options: Any) -> list[list[str]]:
    """Return the command lists of the two modes."""
    return [
        [str(each) for each in scenario(*arguments, compatibility=mode, **options).commands()]
        for mode in MODES
    ]


def test_a_bankwise_buffer_looks_at_the_bank_of_the_arriving_request(scenario: Any) -> None:
    controller = {"scheduler_buffer": "Bankwise", "request_buffer_size": 1}
    quirky, corrected = both(scenario, "DDR3", "R0a1 R0b1", controller)
    # DRAMSys sees bank a full and lets bank b's request in only after bank a's read.
    assert quirky == ["0 ACT 0a", "10 RD 0a", "11 ACT 0b", "21 RD 0b"]
    assert corrected == ["0 ACT 0a", "5 ACT 0b", "10 RD 0a", "15 RD 0b"]


def test_the_command_that_is_ready_first_goes_first(scenario: Any) -> None:
    # Bank b's precharge is legal at 200 + RAS + 2 = 270, the read is there at 269.
    requests = "R0a1 R0b1@200 R0b2@201 R0a1@269"
    quirky, corrected = both(scenario, "LPDDR4", requests)
    # Two cycles of precharge from 270 end before four cycles of read from 269 would.
    assert quirky[4:6] == ["270 PRE 0b", "272 RD 0a"]
    assert corrected[4:6] == ["269 RD 0a", "273 PRE 0b"]


def test_hbm2_starts_at_time_zero(scenario: Any) -> None:
    quirky, corrected = (
        scenario("HBM2", "R0a1", compatibility=mode).run().command_log["time_ps"].tolist()
        for mode in MODES
    )
    assert corrected == [0, 13_000]
    assert quirky == [999, 13_999]


@pytest.mark.parametrize(("arbiter", "missing"), [("Simple", 1), ("Fifo", 0), ("Reorder", 0)])
def test_the_last_request_counts_in_the_bandwidth(
    scenario: Any, arbiter: str, missing: int
) -> None:
    requests = " ".join(["R0a1"] * 10)
    quirky, corrected = (
        scenario("DDR3", requests, {"arbiter": arbiter}, compatibility=mode).run() for mode in MODES
    )
    assert corrected.bandwidth_gb_s == pytest.approx(10 * 64 / corrected.time_ns)
    assert quirky.bandwidth_gb_s == pytest.approx((10 - missing) * 64 / quirky.time_ns)


def test_power_is_energy_per_time(scenario: Any) -> None:
    # The corrected window reaches to the last response, DRAMSys's to the last command's tail.
    requests = "R0a1 R0b1 R0c1 R0d1"
    controller = {"arbiter": "Reorder", "resp_queue": "Reorder"}
    quirky, corrected = (
        scenario("DDR3", requests, controller, compatibility=mode).run() for mode in MODES
    )
    assert corrected.power_mw == pytest.approx(corrected.energy_pj / corrected.time_ns, rel=0.05)
    assert corrected.energy_pj >= quirky.energy_pj


@pytest.mark.parametrize("preset", MemorySpec.presets())
def test_on_an_ordinary_run_the_modes_hardly_differ(preset: str) -> None:
    memory = replace(MemorySpec.preset(preset), ranks=1)
    mapping = AddressMapping.preset(memory, "row-bank-column")
    trace = load_workload("stream", requests=3000)
    controller = ControllerConfig(scheduler_buffer="Shared")
    quirky, corrected = (
        simulate(memory, mapping, controller, trace, compatibility=mode)  # type: ignore[arg-type]
        for mode in MODES
    )
    assert corrected.time_ns == pytest.approx(quirky.time_ns, rel=0.02)
    assert corrected.latency_mean_ns == pytest.approx(quirky.latency_mean_ns, rel=0.05)
