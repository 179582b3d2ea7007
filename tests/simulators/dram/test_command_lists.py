"""Exact command lists of small scenarios, each worked out by hand from the timings.

DDR3-1600: RCD 10, RP 10, RAS 28, RC 38, RRD 5, RTP 6, CCD 4, RL 10, WL 8, burst 4, RFC 88, XP 6; a
read to write takes 8 cycles, a write to read 18. REFI is shortened to 1000 cycles.
"""

from typing import Any

import pytest

REFI = {"REFI": 1000}
PER_BANK = {"refresh_policy": "PerBank"}


def commands(
    scenario: Any,
    standard: str,
    requests: str,
    controller: dict[str, Any],
    ranks: int = 1,
    compatibility: str = "corrected",
) -> list[str]:
    short = {"LPDDR4": {"REFIPB": 500}, "HBM2": {"REFISB": 500}}.get(standard, {})
    made = scenario(standard, requests, controller, {**REFI, **short}, ranks, compatibility)
    return [str(each) for each in made.commands()]


def listed(text: str) -> list[str]:
    """Split "0 ACT 0a, 10 RD 0a"."""
    return [part.strip() for part in text.split(",")]


PAGE_POLICIES = {
    # Two hits (1 row), then a conflict: the row stays open until the conflict.
    "Open": "0 ACT 0a, 10 RD 0a, 14 RD 0a, 28 PRE 0a, 38 ACT 0a, 48 RD 0a",
    # The second hit sees a queued request to another row: it closes the row itself.
    "OpenAdaptive": "0 ACT 0a, 10 RD 0a, 14 RDA 0a, 38 ACT 0a, 48 RD 0a",
    # Every access closes the row: activates are RC apart.
    "Closed": "0 ACT 0a, 10 RDA 0a, 38 ACT 0a, 48 RDA 0a, 76 ACT 0a, 86 RDA 0a",
    # Open only while a queued request hits the row: the last request closes it too.
    "ClosedAdaptive": "0 ACT 0a, 10 RD 0a, 14 RDA 0a, 38 ACT 0a, 48 RDA 0a",
}


@pytest.mark.parametrize("policy", PAGE_POLICIES)
def test_page_policies_close_the_row_when_they_should(scenario: Any, policy: str) -> None:
    controller = {"page_policy": policy, "scheduler": "Fifo"}
    got = commands(scenario, "DDR3", "R0a1 R0a1 R0a2", controller)
    assert got == listed(PAGE_POLICIES[policy])


# Each request comes before the last one has left, so that the queue shows the further hit.
@pytest.mark.parametrize(
    ("policy", "scheduler", "expected"),
    [
        # Fifo looks at the second element only, and that is the conflict.
        ("OpenAdaptive", "Fifo", "0 ACT 0a, 10 RDA 0a, 38 ACT 0a, 48 RDA 0a, 76 ACT 0a, 86 RD 0a"),
        # FR-FCFS counts all queued hits, so the row stays open for the third request.
        ("OpenAdaptive", "FrFcfs", "0 ACT 0a, 10 RD 0a, 14 RDA 0a, 38 ACT 0a, 48 RD 0a"),
        ("ClosedAdaptive", "Fifo",
         "0 ACT 0a, 10 RDA 0a, 38 ACT 0a, 48 RDA 0a, 76 ACT 0a, 86 RDA 0a"),
        ("ClosedAdaptive", "FrFcfs", "0 ACT 0a, 10 RD 0a, 14 RDA 0a, 38 ACT 0a, 48 RDA 0a"),
        ("Open", "Fifo",
         "0 ACT 0a, 10 RD 0a, 28 PRE 0a, 38 ACT 0a, 48 RD 0a, 66 PRE 0a, 76 ACT 0a, 86 RD 0a"),
        ("Open", "FrFcfs", "0 ACT 0a, 10 RD 0a, 14 RD 0a, 28 PRE 0a, 38 ACT 0a, 48 RD 0a"),
    ],
)  # fmt: skip
def test_adaptive_policies_see_what_the_scheduler_sees(
    scenario: Any, policy: str, scheduler: str, expected: str
) -> None:
    controller = {"page_policy": policy, "scheduler": scheduler}
    assert commands(scenario, "DDR3", "R0a1 R0a2 R0a1", controller) == listed(expected)


def served(scenario: Any, requests: str, controller: dict[str, Any]) -> list[int]:
    """Requests in the order of their column commands."""
    log = scenario("DDR3", requests, controller).commands()
    return [each.request for each in log if each.name in ("RD", "RDA", "WR", "WRA")]


@pytest.mark.parametrize(
    ("scheduler", "order"),
    [("Fifo", [0, 1, 2, 3]), ("FrFcfs", [0, 2, 3, 1]), ("FrFcfsGrp", [0, 2, 3, 1])],
)
def test_fr_fcfs_serves_row_hits_first(scenario: Any, scheduler: str, order: list[int]) -> None:
    assert served(scenario, "R0a1 R0a2 R0a1 R0a1", {"scheduler": scheduler}) == order


def test_fr_fcfs_alternates_directions_as_requests_come(scenario: Any) -> None:
    got = commands(scenario, "DDR3", "R0a1 W0a1 R0a1 W0a1", {"scheduler": "FrFcfs"})
    assert got == listed("0 ACT 0a, 10 RD 0a, 18 WR 0a, 36 RD 0a, 44 WR 0a")


def test_fr_fcfs_grp_serves_hits_of_one_direction_together(scenario: Any) -> None:
    got = commands(scenario, "DDR3", "R0a1 W0a1 R0a1 W0a1", {"scheduler": "FrFcfsGrp"})
    assert got == listed("0 ACT 0a, 10 RD 0a, 14 RD 0a, 22 WR 0a, 26 WR 0a")


def test_fr_fcfs_grp_never_reads_past_an_older_write_to_the_same_address(scenario: Any) -> None:
    requests = "R0a1/0 W0a1/5 R0a1/5 W0a1/7 R0a1/8"
    assert served(scenario, requests, {"scheduler": "FrFcfsGrp"}) == [0, 4, 1, 3, 2]


def test_fr_fcfs_grp_takes_the_direction_from_the_whole_channel(scenario: Any) -> None:
    # The write to bank b turns bank a's preference to its write, which is younger than its read.
    requests = "W0b1@0 R0a1/1@0 W0a1/2@0"
    assert served(scenario, requests, {"scheduler": "FrFcfsGrp"}) == [0, 2, 1]
    assert served(scenario, requests, {"scheduler": "FrFcfs"}) == [0, 1, 2]


def test_the_oldest_ready_command_goes_first(scenario: Any) -> None:
    got = commands(scenario, "DDR3", "R0a1 R0a2 R0b1", {"scheduler": "Fifo"})
    assert got == listed(
        "0 ACT 0a, 5 ACT 0b, 10 RD 0a, 15 RD 0b, 28 PRE 0a, 38 ACT 0a, 48 RD 0a"
    )  # fmt: skip


def test_strict_holds_column_commands_in_order_of_acceptance(scenario: Any) -> None:
    controller = {"scheduler": "Fifo", "cmd_mux": "Strict"}
    got = commands(scenario, "DDR3", "R0a1 R0a2 R0b1", controller)
    assert got == listed(
        "0 ACT 0a, 5 ACT 0b, 10 RD 0a, 28 PRE 0a, 38 ACT 0a, 48 RD 0a, 52 RD 0b"
    )  # fmt: skip


def test_hbm2_issues_on_its_row_and_column_bus_at_once(scenario: Any) -> None:
    # RCDRD + 1 = 13 after the first activate; at 13 bank c's activate shares the instant.
    got = commands(scenario, "HBM2", "R0a1 R0e1 R0b1@13", {}, ranks=1)
    assert got == listed(
        "0 ACT 0a, 4 ACT 0e, 13 RD 0a, 13 ACT 0b, 17 RD 0e, 26 RD 0b"
    )  # fmt: skip


def test_a_forced_refresh_blocks_the_banks_after_the_command_under_way(scenario: Any) -> None:
    # Due at 1000: the read that is ready then still goes; RAS holds PREA until 990 + 28.
    got = commands(scenario, "DDR3", "R0a1@990 R0a1@995 R0a1@1500", {"refresh_policy": "AllBank"})
    assert got == listed(
        "990 ACT 0a, 1000 RD 0a, 1018 PREA 0, 1028 REFA 0, 1116 ACT 0a, 1126 RD 0a, 1500 RD 0a"
    )


def test_a_postponed_refresh_is_paid_back_when_the_rank_is_idle(scenario: Any) -> None:
    controller = {"refresh_policy": "AllBank", "refresh_max_postponed": 1}
    got = commands(scenario, "DDR3", "R0a1@975 R0a2@996 R0a2@2500", controller)
    assert got == listed(
        "975 ACT 0a, 985 RD 0a, 1003 PRE 0a, 1013 ACT 0a, 1023 RD 0a,"
        "2000 PREA 0, 2010 REFA 0, 2098 REFA 0, 2500 ACT 0a, 2510 RD 0a"
    )


def test_a_precharge_for_a_refresh_is_dropped_if_a_request_comes(scenario: Any) -> None:
    # The request meets the PREA that RAS delays to 1003, and the refresh is postponed.
    controller = {"refresh_policy": "AllBank", "refresh_max_postponed": 1}
    got = commands(scenario, "DDR3", "R0a1@975 R0b1@1001 R0a2@2500", controller)
    assert got[:4] == listed("975 ACT 0a, 985 RD 0a, 1001 ACT 0b, 1011 RD 0b")
    assert got[4:7] == listed("2000 PREA 0, 2010 REFA 0, 2098 REFA 0")


def test_an_idle_rank_pulls_refreshes_in(scenario: Any) -> None:
    controller = {"refresh_policy": "AllBank", "refresh_max_pulledin": 2}
    got = commands(scenario, "DDR3", "R0a1@3500", controller)
    assert got == listed(
        "1000 REFA 0, 1088 REFA 0, 1176 REFA 0, 2000 REFA 0, 3000 REFA 0, 3500 ACT 0a, 3510 RD 0a"
    )


def test_a_request_stops_pulling_refreshes_in(scenario: Any) -> None:
    controller = {"refresh_policy": "AllBank", "refresh_max_pulledin": 2}
    got = commands(scenario, "DDR3", "R0a1@1100 R0a1@2500", controller)
    assert got == listed(
        "1000 REFA 0, 1088 REFA 0, 1176 ACT 0a, 1186 RD 0a,"
        "2000 PREA 0, 2010 REFA 0, 2098 REFA 0, 2500 ACT 0a, 2510 RD 0a"
    )


def test_ranks_are_refreshed_in_turn_in_bit_reversed_order(scenario: Any) -> None:
    got = commands(scenario, "DDR3", "R0a1@1100", {"refresh_policy": "AllBank"}, ranks=4)
    assert got[:4] == listed("250 REFA 3, 500 REFA 1, 750 REFA 2, 1000 REFA 0")


def test_refreshing_one_rank_leaves_the_other_one_alone(scenario: Any) -> None:
    # Rank 1 is refreshed from 500 to 588; rank 0's row stays open meanwhile.
    got = commands(scenario, "DDR3", "R0a1@450 R0a1@520", {"refresh_policy": "AllBank"}, ranks=2)
    assert got == listed("450 ACT 0a, 460 RD 0a, 500 REFA 1, 520 RD 0a")


def test_per_bank_refresh_takes_banks_in_turn_and_precharges_an_open_one(scenario: Any) -> None:
    got = commands(scenario, "LPDDR4", "R0b1 R0b1@1200 R0a1@2100", PER_BANK)
    # REFB closes bank b at 1000 (precharge RPPB 29) and keeps it for RFCPB - 2 = 222.
    assert got == listed(
        "0 ACT 0b, 29 RD 0b, 500 REFB 0a, 1000 PRE 0b, 1029 REFB 0b, 1251 ACT 0b, 1280 RD 0b,"
        "1500 REFB 0c, 2000 REFB 0d, 2100 ACT 0a, 2129 RD 0a"
    )


def test_per_bank_refresh_leaves_the_other_banks_working(scenario: Any) -> None:
    got = commands(scenario, "HBM2", "R0b1 R0a1@1200 R0c1@2100", PER_BANK)
    assert got == listed(
        "0 ACT 0b, 13 RD 0b, 500 REFB 0a, 1000 PRE 0b, 1014 REFB 0b, 1200 ACT 0a, 1213 RD 0a,"
        "1500 REFB 0c, 2000 REFB 0d, 2100 ACT 0c, 2113 RD 0c"
    )


def test_per_bank_refresh_prefers_an_idle_bank(scenario: Any) -> None:
    # Bank a is busy at 500 (its second request waits for RAS), so bank b is refreshed instead.
    got = commands(scenario, "LPDDR4", "R0a1@460 R0a2@461 R0c1@1400", PER_BANK)
    assert [each for each in got if "REFB" in each] == listed("500 REFB 0b, 1029 REFB 0a")


def test_per_bank_refresh_pulls_in_through_all_banks(scenario: Any) -> None:
    got = commands(scenario, "LPDDR4", "R0b1@1200", {**PER_BANK, "refresh_max_pulledin": 1})
    assert got == listed(
        "500 REFB 0a, 724 REFB 0b, 948 REFB 0c, 1172 REFB 0d, 1200 ACT 0b, 1229 RD 0b"
    )


STAGGERED = {"power_down_policy": "Staggered"}


def test_an_idle_rank_powers_down_and_wakes_for_a_request(scenario: Any) -> None:
    got = commands(scenario, "DDR3", "R0a1@100 R0a2@400", STAGGERED)
    # Active power-down RL + burst + 1 after the read; the row is still open afterwards.
    assert got == listed(
        "0 PDEP 0, 100 PDXP 0, 106 ACT 0a, 116 RD 0a, 131 PDEA 0,"
        "400 PDXA 0, 406 PRE 0a, 416 ACT 0a, 426 RD 0a"
    )


@pytest.mark.parametrize(
    ("compatibility", "down", "up"), [("dramsys40", "PDEA", "PDXA"), ("corrected", "PDEP", "PDXP")]
)
def test_after_auto_precharge_dramsys_takes_the_wrong_power_down(
    scenario: Any, compatibility: str, down: str, up: str
) -> None:
    controller = {**STAGGERED, "page_policy": "Closed"}
    got = commands(scenario, "DDR3", "R0a1@100 R0a2@400", controller, 1, compatibility)
    assert got == listed(
        f"0 PDEP 0, 100 PDXP 0, 106 ACT 0a, 116 RDA 0a, 131 {down} 0, 400 {up} 0, 406 ACT 0a,"
        "416 RDA 0a"
    )


def test_a_refresh_turns_precharge_power_down_into_self_refresh(scenario: Any) -> None:
    got = commands(scenario, "DDR3", "R0a1@5500", {**STAGGERED, "refresh_policy": "AllBank"})
    # XS 96 to the refresh that ends self-refresh, RFC 88 to ACT, XSDLL 512 to the read.
    assert got == listed(
        "0 PDEP 0, 1000 PDXP 0, 1006 SREFEN 0, 5500 SREFEX 0, 5596 REFA 0, 5684 ACT 0a, 6012 RD 0a"
    )


def test_a_refresh_interrupts_active_power_down_and_goes_back_to_sleep(scenario: Any) -> None:
    controller = {**STAGGERED, "refresh_policy": "AllBank"}
    got = commands(scenario, "DDR3", "R0a1@500 R0a1@2500", controller)
    assert got == listed(
        "0 PDEP 0, 500 PDXP 0, 506 ACT 0a, 516 RD 0a, 531 PDEA 0, 1000 PDXA 0, 1006 PREA 0,"
        "1016 REFA 0, 1017 PDEP 0, 2000 PDXP 0, 2006 SREFEN 0, 2500 SREFEX 0, 2596 REFA 0,"
        "2684 ACT 0a, 3012 RD 0a"
    )


def test_each_rank_sleeps_on_its_own(scenario: Any) -> None:
    got = commands(scenario, "DDR3", "R0a1@100", STAGGERED, ranks=2)
    assert got == listed("0 PDEP 0, 1 PDEP 1, 100 PDXP 0, 106 ACT 0a, 116 RD 0a")


def test_ranks_share_the_data_bus(scenario: Any) -> None:
    # RRD is a rank's own; reads of two ranks are burst + RTRS = 5 apart.
    got = commands(scenario, "DDR3", "R0a1 R1a1 R1a1", {}, ranks=2)
    assert got == listed("0 ACT 0a, 1 ACT 1a, 10 RD 0a, 15 RD 1a, 19 RD 1a")
