"""Illegal at one clock less, legal at the clock: each timing, forced to be the binding one.

Every row drives the simulator with a handful of requests so that the second command waits for the
first one and for nothing else, and states the distance as a formula of the data sheet's timings
(worked out by hand, not read from the simulator's tables). Lengthening one of those timings by a
clock must lengthen the distance by the same: so the distance is due to this constraint alone.
"""

from dataclasses import replace
from typing import Any

import pytest

DDR = "DDR3 DDR4"
BURST = {"DDR3": 4, "DDR4": 4, "LPDDR4": 8, "HBM2": 2}
CLOSED = {"page_policy": "Closed"}
CLOSED_ADAPTIVE = {"page_policy": "ClosedAdaptive"}
ALL_BANK = {"refresh_policy": "AllBank"}
PULL_IN = {**ALL_BANK, "refresh_max_pulledin": 2}
PER_BANK = {"refresh_policy": "PerBank"}
POWER_DOWN = {"power_down_policy": "Staggered"}
SLEEP = {**ALL_BANK, **POWER_DOWN}
CLOSED_SLEEP = {**CLOSED, **POWER_DOWN}
# Row hits that come when everything before has settled.
HIT = "R0a1 R0a1@300"

# (standard, requests, controller, changed timings, ranks, first, second, distance, lengthened)
# "RD1" is the second RD of the log.
Row = tuple[str, str, dict[str, Any], dict[str, int], int, str, str, str, str]


def rows(
    standards: str,
    requests: str,
    first: str,
    second: str,
    distance: str,
    lengthened: str,
    controller: dict[str, Any] | None = None,
    timings: dict[str, int] | None = None,
    ranks: int = 1,
) -> list[Any]:
    pair = (first, second, distance, lengthened)
    return [
        pytest.param(
            (name, requests, controller or {}, timings or {}, ranks, *pair),
            id=f"{name}-{first}-{second}-{lengthened}",
        )
        for name in standards.split()
    ]


BANK = [
    *rows(DDR, "R0a1", "ACT0", "RD0", "RCD - AL", "RCD"),
    *rows("LPDDR4", "R0a1", "ACT0", "RD0", "RCD", "RCD"),
    *rows("HBM2", "R0a1", "ACT0", "RD0", "RCDRD + 1", "RCDRD"),
    *rows(DDR, "W0a1", "ACT0", "WR0", "RCD - AL", "RCD"),
    *rows("LPDDR4", "W0a1", "ACT0", "WR0", "RCD", "RCD"),
    *rows("HBM2", "W0a1", "ACT0", "WR0", "RCDWR + 1", "RCDWR"),
    *rows(DDR, "R0a1 R0a2", "ACT0", "PRE0", "RAS", "RAS"),
    *rows("LPDDR4", "R0a1 R0a2", "ACT0", "PRE0", "RAS + 2", "RAS"),
    *rows("HBM2", "R0a1 R0a2", "ACT0", "PRE0", "RAS + 1", "RAS"),
    *rows(DDR, f"{HIT} R0a2", "RD1", "PRE0", "AL + RTP", "RTP"),
    *rows("LPDDR4", f"{HIT} R0a2", "RD1", "PRE0", "RTP + BURST - 6", "RTP"),
    *rows("HBM2", f"{HIT} R0a2", "RD1", "PRE0", "RTP", "RTP"),
    *rows("DDR3 DDR4 HBM2", "W0a1 W0a1@300 W0a2", "WR1", "PRE0", "WL + BURST + WR", "WR"),
    *rows("LPDDR4", "W0a1 W0a1@300 W0a2", "WR1", "PRE0", "WL + BURST + 1 + WR + 2", "WR"),
    *rows(DDR, "R0a1 R0a2@300", "PRE0", "ACT1", "RP", "RP"),
    *rows("LPDDR4", "R0a1 R0a2@300", "PRE0", "ACT1", "RPPB - 2", "RPPB"),
    *rows("HBM2", "R0a1 R0a2@300", "PRE0", "ACT1", "RP - 1", "RP"),
    *rows("DDR3 DDR4 HBM2", "R0a1 R0a2", "ACT0", "ACT1", "RC", "RC", CLOSED),
    *rows("LPDDR4", "R0a1 R0a2", "ACT0", "ACT1", "RCPB", "RCPB", CLOSED),
    *rows(DDR, "R0a1 R0a2", "RDA0", "ACT1", "AL + RTP + RP", "RTP", CLOSED, {"RC": 20}),
    *rows(
        "LPDDR4", "R0a1 R0a2", "RDA0", "ACT1", "RTP + BURST - 8 + RPPB", "RTP", CLOSED, {"RCPB": 50}
    ),
    *rows("HBM2", "R0a1 R0a2", "RDA0", "ACT1", "RTP + RP - 1", "RTP", CLOSED, {"RC": 20}),
    *rows("DDR3", "W0a1 W0a2", "WRA0", "ACT1", "WL + BURST + WR + RP", "WR", CLOSED),
    *rows("DDR4", "W0a1 W0a2", "WRA0", "ACT1", "WL + BURST + WR + RP", "WR", CLOSED, {"RC": 50}),
    *rows(
        "LPDDR4", "W0a1 W0a2", "WRA0", "ACT1", "WL + BURST + 1 + WR + RPPB", "WR", CLOSED,
        {"RCPB": 90},
    ),
    *rows(
        "HBM2", "W0a1 W0a2", "WRA0", "ACT1", "WL + BURST + WR + RP - 1", "WR", CLOSED, {"RC": 20}
    ),
    *rows("DDR3", "W0a1 R0a1", "WR0", "RDA0", "WL + BURST + WR - RTP", "WR", CLOSED_ADAPTIVE,
          {"WR": 20}),
    *rows("DDR4", "W0a1 R0a1", "WR0", "RDA0", "WL + BURST + WR - RTP", "WR", CLOSED_ADAPTIVE,
          {"WR": 30}),
    *rows("LPDDR4", "W0a1 R0a1", "WR0", "RDA0", "WL + BURST + 1 + WR + 2 - (RTP + BURST - 6)",
          "WR", CLOSED_ADAPTIVE, {"WR": 50}),
    *rows("HBM2", "W0a1 R0a1", "WR0", "RDA0", "WL + BURST + WR - RTP", "WR", CLOSED_ADAPTIVE,
          {"WR": 30}),
]  # fmt: skip

# Two open rows in one bank group (a, b) or in two (a, e), then column commands to them.
SAME, OTHER = "R0a1 R0b1", "R0a1 R0e1"
COLUMN = [
    *rows("DDR3", f"{HIT} R0a1", "RD1", "RD2", "CCD", "CCD"),
    *rows("LPDDR4", f"{HIT} R0a1", "RD1", "RD2", "CCD", "CCD"),
    *rows("DDR4", f"{SAME} R0a1@300 R0b1", "RD2", "RD3", "CCD_L", "CCD_L"),
    *rows("DDR4", f"{OTHER} R0a1@300 R0e1", "RD2", "RD3", "CCD_S", "CCD_S"),
    *rows("HBM2", f"{SAME} R0a1@300 R0b1", "RD2", "RD3", "CCDL", "CCDL"),
    *rows("HBM2", f"{OTHER} R0a1@300 R0e1", "RD2", "RD3", "CCDS", "CCDS"),
    *rows("DDR3", f"{SAME} W0a1@300 W0b1", "WR0", "WR1", "CCD", "CCD"),
    *rows("LPDDR4", f"{SAME} W0a1@300 W0b1", "WR0", "WR1", "CCD", "CCD"),
    *rows("DDR4", f"{SAME} W0a1@300 W0b1", "WR0", "WR1", "CCD_L", "CCD_L"),
    *rows("DDR4", f"{OTHER} W0a1@300 W0e1", "WR0", "WR1", "CCD_S", "CCD_S"),
    *rows("HBM2", f"{SAME} W0a1@300 W0b1", "WR0", "WR1", "CCDL", "CCDL"),
    *rows("HBM2", f"{OTHER} W0a1@300 W0e1", "WR0", "WR1", "CCDS", "CCDS"),
    *rows("DDR3", f"{SAME} R0a1@300 W0b1", "RD2", "WR0", "RL + BURST + 2 - WL", "RL"),
    *rows("DDR4", f"{SAME} R0a1@300 W0b1", "RD2", "WR0", "RL + BURST + 1 - WL + WPRE", "RL"),
    *rows("DDR4", f"{OTHER} R0a1@300 W0e1", "RD2", "WR0", "RL + BURST + 1 - WL + WPRE", "WPRE"),
    *rows("LPDDR4", f"{SAME} R0a1@300 W0b1", "RD2", "WR0", "RL + DQSCK + BURST - WL + WPRE + RPST",
          "RPST"),
    *rows("HBM2", f"{SAME} R0a1@300 W0b1", "RD2", "WR0", "RTW", "RTW"),
    *rows("DDR3", f"{SAME} W0a1@300 R0b1", "WR0", "RD2", "WL + BURST + WTR", "WTR"),
    *rows("LPDDR4", f"{SAME} W0a1@300 R0b1", "WR0", "RD2", "WL + 1 + BURST + WTR", "WTR"),
    *rows("DDR4", f"{SAME} W0a1@300 R0b1", "WR0", "RD2", "WL + BURST + WTR_L", "WTR_L"),
    *rows("DDR4", f"{OTHER} W0a1@300 R0e1", "WR0", "RD2", "WL + BURST + WTR_S", "WTR_S"),
    *rows("HBM2", f"{SAME} W0a1@300 R0b1", "WR0", "RD2", "WL + BURST + WTRL", "WTRL"),
    *rows("HBM2", f"{OTHER} W0a1@300 R0e1", "WR0", "RD2", "WL + BURST + WTRS", "WTRS"),
]  # fmt: skip

FIVE = "R0a1 R0e1 R0b1 R0f1 R0c1"
ACTIVATE = [
    *rows("DDR3 LPDDR4", "R0a1 R0b1", "ACT0", "ACT1", "RRD", "RRD"),
    *rows("DDR4", "R0a1 R0b1", "ACT0", "ACT1", "RRD_L", "RRD_L"),
    *rows("DDR4", "R0a1 R0e1", "ACT0", "ACT1", "RRD_S", "RRD_S"),
    *rows("HBM2", "R0a1 R0b1", "ACT0", "ACT1", "RRDL", "RRDL"),
    *rows("HBM2", "R0a1 R0e1", "ACT0", "ACT1", "RRDS", "RRDS"),
    *rows(DDR, FIVE, "ACT0", "ACT4", "FAW", "FAW", None, {"FAW": 40}),
    # An activate counts from its last cycle on the command bus.
    *rows("LPDDR4", FIVE, "ACT0", "ACT4", "3 + FAW - 3", "FAW", None, {"FAW": 90}),
    *rows("HBM2", FIVE, "ACT0", "ACT4", "1 + FAW - 1", "FAW", None, {"FAW": 40}),
    *rows("LPDDR4", "R0a1 R0b1 R0a2@300 R0b2", "PRE0", "PRE1", "PPD", "PPD"),
]

RANKS = "R0a1 R1a1"
OTHER_RANK = [
    *rows("DDR3 DDR4 LPDDR4", f"{RANKS} R0a1@300 R1a1", "RD2", "RD3", "BURST + RTRS", "RTRS",
          ranks=2),
    *rows("DDR3 DDR4 LPDDR4", f"{RANKS} W0a1@300 W1a1", "WR0", "WR1", "BURST + RTRS", "RTRS",
          ranks=2),
    *rows("DDR3 LPDDR4", f"{RANKS} R0a1@300 W1a1", "RD2", "WR0", "RL + BURST + RTRS - WL", "RTRS",
          ranks=2),
    *rows("DDR4", f"{RANKS} R0a1@300 W1a1", "RD2", "WR0", "RL + BURST + RTRS - WL + WPRE", "RTRS",
          ranks=2),
    *rows("DDR3", f"{RANKS} W0a1@300 R1a1", "WR0", "RD2", "WL + BURST + RTRS - RL", "RTRS",
          ranks=2),
    *rows("DDR4", f"{RANKS} W0a1@300 R1a1", "WR0", "RD2", "WL + BURST + RTRS - RL + RPRE", "RPRE",
          ranks=2),
    *rows("LPDDR4", f"{RANKS} W0a1@300 R1a1", "WR0", "RD2", "WL + BURST + RTRS - RL", "RTRS",
          None, {"RTRS": 20}, 2),
]  # fmt: skip

# REFI is 1000 and REFIPB/REFISB 500 below; requests come just before or during a refresh.
REFRESH = [
    *rows(DDR, "R0a1@1001", "REFA0", "ACT0", "RFC", "RFC", ALL_BANK),
    *rows("LPDDR4", "R0a1@1001", "REFA0", "ACT0", "RFCAB - 2", "RFCAB", ALL_BANK),
    *rows("HBM2", "R0a1@1001", "REFA0", "ACT0", "RFC - 1", "RFC", ALL_BANK),
    *rows("DDR3 DDR4 HBM2", "R0a1@1900", "REFA0", "REFA1", "RFC", "RFC", PULL_IN),
    *rows("LPDDR4", "R0a1@1999", "REFA0", "REFA1", "RFCAB", "RFCAB", PULL_IN),
    *rows("DDR3 DDR4 HBM2", "R0a1 R0a1@1900", "PREA0", "REFA0", "RP", "RP", ALL_BANK),
    *rows("LPDDR4", "R0a1 R0a1@1900", "PREA0", "REFA0", "RPAB", "RPAB", ALL_BANK),
    *rows(DDR, "R0a1@998", "ACT0", "PREA0", "RAS", "RAS", ALL_BANK),
    *rows("LPDDR4", "R0a1@998", "ACT0", "PREA0", "RAS + 2", "RAS", ALL_BANK),
    *rows("HBM2", "R0a1@998", "ACT0", "PREA0", "RAS + 1", "RAS", ALL_BANK),
    *rows(DDR, "R0a1 R0a1@999", "RD1", "PREA0", "AL + RTP", "RTP", ALL_BANK),
    *rows("LPDDR4", "R0a1 R0a1@999", "RD1", "PREA0", "RTP + BURST - 6", "RTP", ALL_BANK),
    *rows("HBM2", "R0a1 R0a1@999", "RD1", "PREA0", "RTP", "RTP", ALL_BANK),
    *rows("DDR3 DDR4 HBM2", "W0a1 W0a1@999 W0a1@1900", "WR1", "PREA0", "WL + BURST + WR", "WR",
          ALL_BANK),
    *rows("LPDDR4", "W0a1 W0a1@999 W0a1@1900", "WR1", "PREA0", "WL + BURST + 1 + WR + 2",
          "WR", ALL_BANK),
    *rows(DDR, "R0a1@975 R0b1@1900", "ACT0", "REFA0", "RC", "RC", {**ALL_BANK, **CLOSED}),
    *rows("LPDDR4", "R0a1@960 R0b1@1900", "ACT0", "REFA0", "RCPB + 2", "RCPB",
          {**ALL_BANK, **CLOSED}),
    *rows("HBM2", "R0a1@970 R0b1@1900", "ACT0", "REFA0", "RC + 1", "RC", {**ALL_BANK, **CLOSED}),
    *rows(DDR, "R0a1@980 R0b1@1900", "RDA0", "REFA0", "AL + RTP + RP", "RTP",
          {**ALL_BANK, **CLOSED}, {"RC": 20}),
    *rows("LPDDR4", "R0a1@965 R0b1@1900", "RDA0", "REFA0", "RTP + BURST - 6 + RPPB", "RTP",
          {**ALL_BANK, **CLOSED}, {"RCPB": 50}),
    *rows("HBM2", "R0a1@985 R0b1@1900", "RDA0", "REFA0", "RTP + RP", "RTP",
          {**ALL_BANK, **CLOSED}, {"RC": 20}),
    *rows("DDR3 DDR4 HBM2", "W0a1@980 W0b1@1900", "WRA0", "REFA0", "WL + BURST + WR + RP", "WR",
          {**ALL_BANK, **CLOSED}, {"RC": 20}),
    *rows("LPDDR4", "W0a1@965 W0b1@1900", "WRA0", "REFA0", "WL + BURST + 1 + WR + 2 + RPPB", "WR",
          {**ALL_BANK, **CLOSED}, {"RCPB": 50}),
    *rows("LPDDR4", "R0a1@501", "REFB0", "ACT0", "RFCPB - 2", "RFCPB", PER_BANK),
    *rows("HBM2", "R0a1@501", "REFB0", "ACT0", "RFCSB - 1", "RFCSB", PER_BANK),
    *rows("LPDDR4", "R0b1@501", "REFB0", "ACT0", "RRD - 2", "RRD", PER_BANK),
    *rows("HBM2", "R0b1@501", "REFB0", "ACT0", "RREFD - 1", "RREFD", PER_BANK),
    *rows("LPDDR4", "R0a1@900", "REFB0", "REFB1", "RFCPB", "RFCPB",
          {**PER_BANK, "refresh_max_pulledin": 1}),
    *rows("HBM2", "R0a1@900", "REFB0", "REFB1", "RREFD", "RREFD",
          {**PER_BANK, "refresh_max_pulledin": 1}),
    # The seventeenth refresh begins the second round over the sixteen banks.
    *rows("HBM2", "R0a1@1900", "REFB15", "REFB16", "RFCSB", "RFCSB",
          {**PER_BANK, "refresh_max_pulledin": 3}),
    *rows("LPDDR4", "R0b1 R0a1@300 R0c1@900", "PRE0", "REFB0", "RPPB", "RPPB", PER_BANK),
    *rows("HBM2", "R0b1 R0a1@300 R0c1@900", "PRE0", "REFB0", "RP", "RP", PER_BANK),
    *rows("LPDDR4", "R0b1@499 R0b1@900", "ACT0", "REFB0", "RRD + 2", "RRD", PER_BANK),
    *rows("HBM2", "R0b1@499 R0b1@900", "ACT0", "REFB0", "RRDL + 1", "RRDL", PER_BANK),
    *rows("HBM2", "R0e1@499 R0b1@900", "ACT0", "REFB0", "RRDS + 1", "RRDS", PER_BANK),
]  # fmt: skip

# The rank powers down at cycle 0, before its first request, and whenever it runs empty.
POWER = [
    *rows("DDR3 DDR4 LPDDR4", "R0a1@1", "PDEP0", "PDXP0", "CKE", "CKE", POWER_DOWN),
    *rows("DDR3 DDR4 LPDDR4", "R0a1@90", "PDXP0", "ACT0", "XP", "XP", POWER_DOWN),
    *rows("HBM2", "R0a1@90", "PDXP0", "ACT0", "XP - 1", "XP", POWER_DOWN),
    *rows(DDR, f"{HIT} R0a1@600", "RD0", "PDEA0", "RL + BURST + 1", "RL", POWER_DOWN),
    *rows("LPDDR4", f"{HIT} R0a1@600", "RD0", "PDEA0", "3 + RL + DQSCK + BURST + RPST", "DQSCK",
          POWER_DOWN),
    *rows("HBM2", f"{HIT} R0a1@600", "RD0", "PDEA0", "RL + PL + BURST + 1", "RL", POWER_DOWN),
    *rows(DDR, "W0a1 W0a1@300", "WR0", "PDEA0", "WL + BURST + WR", "WR", POWER_DOWN),
    *rows("LPDDR4", "W0a1 W0a1@300", "WR0", "PDEA0", "3 + WL + DQSS + DQS2DQ + BURST + WR", "WR",
          POWER_DOWN),
    *rows("HBM2", "W0a1 W0a1@300", "WR0", "PDEA0", "WL + PL + BURST + 1 + WR", "WR", POWER_DOWN),
    *rows("DDR3 DDR4 LPDDR4", HIT, "PDXA0", "RD1", "XP", "XP", POWER_DOWN),
    *rows("HBM2", HIT, "PDXA0", "RD1", "XP", "XP", POWER_DOWN),
    *rows("DDR3 DDR4 LPDDR4 HBM2", "R0a1 R0a2@300", "PDXA0", "PRE0", "XP", "XP", POWER_DOWN),
    *rows("DDR3 DDR4 LPDDR4", "R0a1 R0b2@300", "PDXA0", "ACT1", "XP", "XP", POWER_DOWN),
    *rows("HBM2", "R0a1 R0b2@300", "PDXA0", "ACT1", "XP - 1", "XP", POWER_DOWN),
    *rows(DDR, "R0a1 R0a1@300", "RDA0", "PDEP1", "RL + BURST + 1", "RL", CLOSED_SLEEP),
    *rows(DDR, "W0a1 W0a1@300", "WRA0", "PDEP1", "WL + BURST + WR + 1", "WR", CLOSED_SLEEP),
    *rows("LPDDR4", "W0a1 W0a1@300", "WRA0", "PDEP1",
          "3 + WL + DQSS + DQS2DQ + BURST + WR + 2", "WR", CLOSED_SLEEP),
    *rows("HBM2", "W0a1 W0a1@300", "WRA0", "PDEP1", "WL + PL + BURST + 1 + WR", "WR", CLOSED_SLEEP),
    # A refresh that interrupts precharge power-down leads to self-refresh.
    *rows("DDR3 DDR4 LPDDR4 HBM2", "R0a1@1900", "PDXP0", "SREFEN0", "XP", "XP", SLEEP),
    *rows(DDR, "R0a1@1010", "SREFEN0", "SREFEX0", "CKESR", "CKESR", SLEEP, {"CKESR": 50}),
    *rows("LPDDR4", "R0a1@1015", "SREFEN0", "SREFEX0", "SR", "SR", SLEEP),
    *rows("HBM2", "R0a1@1010", "SREFEN0", "SREFEX0", "CKE + 1", "CKE", SLEEP),
    *rows("DDR3 DDR4 HBM2", "R0a1@1900", "SREFEX0", "REFA0", "XS", "XS", SLEEP),
    *rows("LPDDR4", "R0a1@1900", "SREFEX0", "REFA0", "XSR", "XSR", SLEEP),
    *rows(DDR, "R0a1@1900", "SREFEX0", "RD0", "XSDLL", "XSDLL", SLEEP, {"XSDLL": 999}),
    *rows(DDR, "R0a1@974 R0a1@1900", "REFA0", "PDEP1", "REFPDEN", "REFPDEN", SLEEP,
          {"REFPDEN": 4}),
    *rows("LPDDR4", "R0a1@955 R0a1@1900", "REFA0", "PDEP1", "1 + CMDCKE", "CMDCKE", SLEEP),
]  # fmt: skip


def build(scenario: Any, row: Row, **longer: int) -> Any:
    standard, requests, controller, timings, ranks, *_ = row
    intervals = {"REFI": 1000}
    if standard in ("LPDDR4", "HBM2"):
        intervals["REFIPB" if standard == "LPDDR4" else "REFISB"] = 500
    changed = {**intervals, **timings}
    made = scenario(standard, requests, controller, changed, ranks)
    increased = {name: made.memory.timings[name] + more for name, more in longer.items()}
    return replace(made, timings={**changed, **increased})


def distance(made: Any, first: str, second: str) -> int:
    log = made.commands()

    def cycle(label: str) -> int:
        name = label.rstrip("0123456789")
        found = [each.cycle for each in log if each.name == name]
        return found[int(label[len(name) :])]

    return cycle(second) - cycle(first)


@pytest.mark.parametrize("row", [*BANK, *COLUMN, *ACTIVATE, *OTHER_RANK, *REFRESH, *POWER])
def test_a_command_is_issued_at_the_very_clock_it_becomes_legal(scenario: Any, row: Row) -> None:
    *_, first, second, formula, lengthened = row
    for more in (0, 1, 3):
        made = build(scenario, row, **{lengthened: more})
        names = {**made.memory.timings, "BURST": BURST[made.standard]}
        expected = eval(formula, {"__builtins__": {}}, names)
        assert distance(made, first, second) == expected, made.commands()
