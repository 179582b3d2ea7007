"""Energies of tiny scenarios, worked out by hand.

DRAMPower 4 charges E(V, cycles, I) = V * cycles * period * I per device. DDR3-1600 here: eight
devices, 1.5 V, period 1.25 ns, so one milliampere for one cycle costs 15 pJ; RAS 28, RC 38, RFC 88,
RP 10, burst 4. The account ends with the last command's tail less one cycle: 14 cycles after a
read (RL + 1 + burst - 1), 23 after a write (WL + burst + WR - 1), 9 after a precharge (RP - 1).
"""

from dataclasses import replace
from typing import Any

import pytest

from simulators.dram import AddressMapping, ControllerConfig, MemorySpec, load_workload, simulate

MA = 1.5 * 1.25 * 8  # pJ per milliampere and cycle
ACTIVATE = 28 * (70 - 45) * MA
PRECHARGE = (38 - 28) * (70 - 45) * MA
READ = 4 * (140 - 45) * MA
WRITE = 4 * (145 - 45) * MA
REFRESH = 88 * (170 - 45) * MA
STANDBY = 45 * MA  # per cycle, rows open or not: idd2n and idd3n are equal in this data sheet
ACTIVE_POWER_DOWN, PRECHARGED_POWER_DOWN, SELF_REFRESH = 35 * MA, 12 * MA, 8 * MA
CLOSED = {"page_policy": "Closed"}
SLEEP = {"power_down_policy": "Staggered"}
ALL_BANK = {"refresh_policy": "AllBank"}
REFI = {"REFI": 1000}

SCENARIOS = {
    # ACT 0, RD 10: rows open for 10 + 14 cycles.
    "one read": ("R0a1", {}, 24, {"activate": ACTIVATE, "read": READ}),
    "one write": ("W0a1", {}, 33, {"activate": ACTIVATE, "write": WRITE}),
    # ACT 0, RD 10, PRE 28, ACT 38, RD 48.
    "row conflict": (
        "R0a1 R0a2",
        {},
        62,
        {"activate": 2 * ACTIVATE, "precharge": PRECHARGE, "read": 2 * READ},
    ),
    # ACT 0, RDA 10, which precharges at max(10 + RTP, RAS) = 28 and is the last entry.
    "auto-precharge": (
        "R0a1",
        CLOSED,
        37,
        {"activate": ACTIVATE, "precharge": PRECHARGE, "read": READ},
    ),
    # ACT 0, WRA 10, which precharges at 10 + burst + WL + WR = 34.
    "write with auto-precharge": (
        "W0a1",
        CLOSED,
        43,
        {"activate": ACTIVATE, "precharge": PRECHARGE, "write": WRITE},
    ),
    # PREA 1000, REFA 1010, ACT 1500, RD 1510: refresh itself is standby on top of REFRESH.
    "refresh": (
        "R0a1 R0a1@1500",
        ALL_BANK,
        1524,
        {"activate": 2 * ACTIVATE, "precharge": PRECHARGE, "read": 2 * READ, "refresh": REFRESH},
    ),
}


def breakdown(scenario: Any, requests: str, controller: dict[str, Any], **options: Any) -> Any:
    metrics = scenario("DDR3", requests, controller, REFI, **options).run()
    parts = {name: value for name, value in metrics.energy_breakdown_pj.items() if value}
    return metrics, parts


@pytest.mark.parametrize("name", SCENARIOS)
def test_commands_and_standby_cost_what_the_data_sheet_says(scenario: Any, name: str) -> None:
    requests, controller, cycles, expected = SCENARIOS[name]
    metrics, parts = breakdown(scenario, requests, controller, compatibility="dramsys40")
    standby = parts.pop("background_active") + parts.pop("background_precharged", 0.0)
    assert parts == pytest.approx(expected)
    assert standby == pytest.approx(cycles * STANDBY)
    assert metrics.power_mw == pytest.approx(metrics.energy_pj / (cycles * 1.25))


def test_standby_is_split_by_whether_a_row_is_open(scenario: Any) -> None:
    # Open until 28 and from 38 to 48 + 14, precharged between.
    _, parts = breakdown(scenario, "R0a1 R0a2", {}, compatibility="dramsys40")
    assert parts["background_active"] == pytest.approx((28 + 24) * STANDBY)
    assert parts["background_precharged"] == pytest.approx(10 * STANDBY)


def test_refresh_counts_as_active_but_for_its_precharge(scenario: Any) -> None:
    controller = ALL_BANK
    _, parts = breakdown(scenario, "R0a1 R0a1@1500", controller, compatibility="dramsys40")
    assert parts["background_active"] == pytest.approx((1000 + 88 - 10 + 24) * STANDBY)
    assert parts["background_precharged"] == pytest.approx((10 + 1500 - 1088) * STANDBY)


def test_power_down_draws_the_power_down_currents(scenario: Any) -> None:
    # PDEP 0, PDXP 100, ACT 106, RD 116, PDEA 131, PDXA 400, RD 406.
    metrics, parts = breakdown(scenario, "R0a1@100 R0a1@400", SLEEP, compatibility="dramsys40")
    down = 100 * PRECHARGED_POWER_DOWN + (400 - 131) * ACTIVE_POWER_DOWN
    assert parts["power_down"] == pytest.approx(down)
    assert parts["background_precharged"] == pytest.approx(6 * STANDBY)
    assert parts["background_active"] == pytest.approx((25 + 20) * STANDBY)
    assert metrics.energy_pj == pytest.approx(down + 51 * STANDBY + ACTIVATE + 2 * READ)


BOTH = {**SLEEP, **ALL_BANK}
# Self-refresh begins with a refresh: RFC - RP = 78 cycles active, RP = 10 precharged; cut short,
# the rest is made up in standby. Both kinds draw idd5 - idd3n = 125 mA on top of their own.
SPANS = {
    "long": ("R0a1@5500", (4494 - 88) * SELF_REFRESH + (78 * (125 + 35) + 10 * (125 + 12)) * MA),
    "cut in the precharge": (
        "R0a1@1090",
        (78 * (125 + 35) + 6 * (125 + 12) + 4 * (125 + 45)) * MA,
    ),
    "cut in the refresh": ("R0a1@1030", (24 * (125 + 35) + 54 * (125 + 45) + 10 * (125 + 45)) * MA),
}


@pytest.mark.parametrize("name", SPANS)
def test_self_refresh_pays_for_its_first_refresh(scenario: Any, name: str) -> None:
    # PDXP 1000, SREFEN 1006, then SREFEX when the request comes.
    requests, expected = SPANS[name]
    _, parts = breakdown(scenario, requests, BOTH, compatibility="dramsys40")
    assert parts["self_refresh"] == pytest.approx(expected)
    assert parts["power_down"] == pytest.approx(1000 * PRECHARGED_POWER_DOWN)


def test_ddr4_pays_activation_from_its_second_supply_too(scenario: Any) -> None:
    # DDR4-2400: 1.2 V and 2.5 V, RAS 39, RC 55, burst 4, eight devices, period 1000/1200 ns.
    memory = scenario("DDR4", "R0a1").memory
    current = dict(memory.currents)
    per_cycle = 1000 / 1200 * 8
    metrics = scenario("DDR4", "R0a1 R0a2", compatibility="dramsys40").run()
    first = 1.2 * (current["idd0"] - current["idd3n"]) + 2.5 * current["idd02"]
    second = 1.2 * (current["idd0"] - current["idd2n"]) + 2.5 * current["idd02"]
    assert metrics.energy_breakdown_pj["activate"] == pytest.approx(2 * 39 * first * per_cycle)
    assert metrics.energy_breakdown_pj["precharge"] == pytest.approx(16 * second * per_cycle)
    read = 1.2 * 4 * (current["idd4r"] - current["idd3n"]) * per_cycle
    assert metrics.energy_breakdown_pj["read"] == pytest.approx(2 * read)


def test_dramsys_multiplies_the_background_of_one_rank_by_all(scenario: Any) -> None:
    options = {"ranks": 2}
    _, quirky = breakdown(scenario, "R0a1", {}, compatibility="dramsys40", **options)
    assert quirky["background_active"] == pytest.approx(2 * 24 * STANDBY)
    _, corrected = breakdown(scenario, "R0a1", {}, compatibility="corrected", **options)
    assert corrected["background_active"] == pytest.approx(24 * STANDBY)
    assert corrected["background_precharged"] == pytest.approx(24 * STANDBY)


def test_the_corrected_account_ends_with_the_simulation(scenario: Any) -> None:
    # One initiator is answered late: Reorder waits tCK per response while commands are long over.
    controller = {"max_active_transactions": 1, "arbiter": "Fifo"}
    requests = "R0a1 R0a1 R0a1 R0a1"
    metrics, _ = breakdown(scenario, requests, controller, compatibility="corrected")
    cycles = round(metrics.time_ns / 1.25)
    last_read = max(each.cycle for each in scenario("DDR3", requests, controller).commands())
    assert metrics.power_mw == pytest.approx(
        metrics.energy_pj / (max(cycles, last_read + 14) * 1.25)
    )


@pytest.mark.parametrize("preset", ["LPDDR4-3200", "HBM2-2000"])
def test_a_standard_without_an_energy_model_says_why(preset: str) -> None:
    memory = MemorySpec.preset(preset)
    mapping = AddressMapping.preset(memory, "row-bank-column")
    trace = load_workload("stream", requests=10)
    metrics = simulate(memory, mapping, ControllerConfig(), trace)
    assert metrics.energy_pj is None
    assert metrics.power_mw is None
    assert metrics.energy_breakdown_pj is None
    assert metrics.energy_reason is not None
    assert memory.standard in metrics.energy_reason


def test_a_memory_without_currents_is_simulated_without_energy() -> None:
    memory = replace(MemorySpec.preset("DDR4-2400"), currents=None)
    mapping = AddressMapping.preset(memory, "row-bank-column")
    metrics = simulate(memory, mapping, ControllerConfig(), load_workload("stream", requests=10))
    assert metrics.energy_pj is None
    assert "mempowerspec" in str(metrics.energy_reason)


@pytest.mark.parametrize("workload", ["stream", "random", "mixed-streams", "bursts"])
@pytest.mark.parametrize("compatibility", ["dramsys40", "corrected"])
def test_the_breakdown_adds_up(workload: str, compatibility: Any) -> None:
    memory = replace(MemorySpec.preset("DDR4-2400"), ranks=2, channels=2)
    mapping = AddressMapping.preset(memory, "row-bank-column")
    controller = ControllerConfig(power_down_policy="Staggered")
    trace = load_workload(workload, requests=500)
    metrics = simulate(memory, mapping, controller, trace, compatibility=compatibility)
    assert metrics.energy_breakdown_pj is not None
    assert sum(metrics.energy_breakdown_pj.values()) == pytest.approx(metrics.energy_pj)
    assert all(value >= 0 for value in metrics.energy_breakdown_pj.values())
