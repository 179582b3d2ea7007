import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest

import simulators.dram
from simulators.dram import MemorySpec
from simulators.dram._standard import COMMANDS, SCOPES, Standard
from simulators.errors import InvalidConfigError

FOLDER = Path(simulators.dram.__file__).parent / "standards"
PRESET_OF = {
    "DDR3": "DDR3-1600",
    "DDR4": "DDR4-2400",
    "LPDDR4": "LPDDR4-3200",
    "HBM2": "HBM2-2000",
}


def table(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def delays(name: str) -> dict[tuple[str, str, str], int]:
    """Delays in cycles of a preset's constraints by (next, previous, scope)."""
    core = MemorySpec.preset(PRESET_OF[name]).core_config()
    return {
        (COMMANDS[first], COMMANDS[second], SCOPES[scope]): delay // core["tck_ps"]
        for first, second, scope, delay in core["constraints"].tolist()
    }


def test_the_four_standards_are_available() -> None:
    assert set(Standard.names()) >= {"DDR3", "DDR4", "LPDDR4", "HBM2"}


def test_an_unknown_standard_is_named_with_the_closest_one() -> None:
    with pytest.raises(InvalidConfigError, match=r"'LPDDR5'.*Did you mean 'LPDDR4'"):
        Standard.load("LPDDR5")


@pytest.mark.parametrize("name", Standard.names())
def test_every_declared_timing_is_read_and_every_read_one_declared(name: str) -> None:
    standard = Standard.load(name)
    formulas = [
        *(formula for *_, formula in standard.constraints),
        *(formula for _, formula in standard.windows),
        *standard.derived.values(),
        *standard.figures.values(),
        *standard.energy_cycles.values(),
    ]
    read = set().union(*(formula.names() for formula in formulas)) - {"BL", "DR"}
    assert set(standard.derived) <= read
    assert read - set(standard.derived) | set(standard.modes) == set(standard.timings)


@pytest.mark.parametrize("name", Standard.names())
def test_no_constraint_appears_twice(name: str) -> None:
    core = MemorySpec.preset(PRESET_OF[name]).core_config()
    rows = [tuple(row[:3]) for row in core["constraints"].tolist()]
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize("name", Standard.names())
def test_every_command_but_the_first_use_of_a_bank_waits_for_something(name: str) -> None:
    standard = Standard.load(name)
    constrained = {command for nexts, *_ in standard.constraints for command in nexts}
    assert constrained == set(standard.commands)


# Values worked out by hand from the data sheets' timings, in cycles.
@pytest.mark.parametrize(
    ("standard", "constraint", "expected"),
    [
        ("DDR3", ("RD", "ACT", "bank"), 10),
        ("DDR3", ("WR", "RD", "rank"), 10 + 4 + 2 - 8),
        ("DDR3", ("RD", "WR", "rank"), 8 + 4 + 6),
        ("DDR3", ("RDA", "WR", "bank"), 8 + 4 + 12 - 6),
        ("DDR3", ("RD", "RD", "other-rank"), 4 + 1),
        ("DDR3", ("ACT", "PREA", "rank"), 10),
        ("DDR3", ("SREFEN", "WRA", "rank"), max(8 + 4 + 12 + 1, 8 + 4 + 12 + 10)),
        ("DDR3", ("SREFEX", "SREFEN", "rank"), 4),
        ("DDR4", ("RD", "RD", "group"), 6),
        ("DDR4", ("RD", "RD", "rank"), 4),
        ("DDR4", ("WR", "RD", "rank"), 16 + 4 + 1 - 16 + 1),
        ("DDR4", ("RD", "WR", "group"), 16 + 4 + 9),
        ("DDR4", ("ACT", "WRA", "bank"), 16 + 4 + 18 + 16),
        ("DDR4", ("PDXP", "PDEP", "rank"), 6),
        ("LPDDR4", ("RD", "WR", "rank"), 14 + 1 + 8 + 16),
        ("LPDDR4", ("WR", "RD", "rank"), 28 + 6 + 8 - 14 + 2 + 0),
        ("LPDDR4", ("ACT", "PRE", "bank"), 29 - 2),
        ("LPDDR4", ("ACT", "RDA", "bank"), 12 + 8 - 8 + 29),
        ("LPDDR4", ("PDEA", "WRA", "rank"), 3 + 14 + 1 + 2 + 8 + 29 + 2),
        ("LPDDR4", ("REFB", "REFB", "rank"), 224),
        ("HBM2", ("RD", "ACT", "bank"), 12 + 1),
        ("HBM2", ("WR", "ACT", "bank"), 6 + 1),
        ("HBM2", ("RD", "WR", "group"), 7 + 2 + 9),
        ("HBM2", ("REFB", "REFB", "rank-within-round"), 8),
        ("HBM2", ("REFB", "REFB", "rank-after-round"), 96),
        ("HBM2", ("SREFEX", "SREFEN", "channel"), 8 + 1),
        ("HBM2", ("PDEP", "WRA", "channel"), 7 + 0 + 2 + 1 + 14),
    ],
)
def test_delays_are_those_worked_out_by_hand(
    standard: str, constraint: tuple[str, str, str], expected: int
) -> None:
    assert delays(standard)[constraint] == expected


@pytest.mark.parametrize(
    ("standard", "expected"),
    [
        ("DDR3", {"ACT": (24, 0)}),
        ("DDR4", {"ACT": (26, 0)}),
        ("LPDDR4", {"ACT": (64 - 3, 3), "REFB": (64 - 1, 1)}),
        ("HBM2", {"ACT": (16 - 1, 1), "REFB": (16, 0)}),
    ],
)
def test_the_four_activate_window_starts_at_an_activates_last_bus_cycle(
    standard: str, expected: dict[str, tuple[int, int]]
) -> None:
    core = MemorySpec.preset(PRESET_OF[standard]).core_config()
    found = {
        command: (core["window_ps"][index], core["activate_offset_ps"][index])
        for index, command in enumerate(COMMANDS)
        if core["window_ps"][index] != -1 or core["activate_offset_ps"][index] != -1
    }
    tck_ps = core["tck_ps"]
    assert found == {name: (a * tck_ps, b * tck_ps) for name, (a, b) in expected.items()}


def test_only_hbm2_has_two_command_buses_and_their_odd_first_use() -> None:
    for name, preset in PRESET_OF.items():
        core = MemorySpec.preset(preset).core_config()
        hbm2 = name == "HBM2"
        assert core["split_buses"] is hbm2
        assert core["initial_bus_ps"] == (-1 if hbm2 else None)


def test_a_further_standard_is_a_table() -> None:
    content = table("DDR4")
    content["name"] = "DDR4X"
    content["derived"]["WRRD_L"] = "WL + BURST + WTR_L + 1"
    memory = MemorySpec.preset("DDR4-2400")
    for_memory = {"burst_length": 8, "data_rate": 2}
    longer = Standard.from_table(content, "test").resolve(memory.timings, **for_memory)
    usual = Standard.load("DDR4").resolve(memory.timings, **for_memory)
    changed = [(a, b) for a, b in zip(longer.constraints, usual.constraints, strict=True) if a != b]
    assert changed
    assert all(a[3] == b[3] + 1 for a, b in changed)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("buses",), "twin", r"buses: unknown 'twin'.*Allowed: shared, split"),
        (("colour",), 1, r"unknown key 'colour'"),
        (("activates",), ["ACTT"], r"activates: unknown 'ACTT'.*Did you mean 'ACT'"),
        (("activates",), "ACT", r"'ACT' is not a list"),
        (("constraints", 0, "scope"), "ranks", r"constraint 1, scope: .*Did you mean 'rank'"),
        (("constraints", 0, "delay"), "RCD -", r"constraint 1 \(RD/RDA after ACT, bank\)"),
        (("constraints", 0, "delays"), "1", r"constraint 1: unknown key 'delays'"),
        (("windows", 0, "next"), ["FOO"], r"window 1, next: unknown 'FOO'"),
        (("command_cycles",), {"NOP": 2}, r"command_cycles: unknown 'NOP'"),
        (("energy",), {"model": "cacti", "currents": [], "cycles": {}}, r"energy.model: unknown"),
        (("energy",), {"model": "drampower"}, r"energy: missing key 'currents'"),
    ],
)
def test_a_malformed_table_is_reported_with_its_place(
    path: tuple[Any, ...], value: object, message: str
) -> None:
    content = copy.deepcopy(table("DDR4"))
    part: Any = content
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(InvalidConfigError, match=rf"^test.*{message}"):
        Standard.from_table(content, "test")


def test_a_missing_key_is_reported() -> None:
    content = table("DDR4")
    del content["windows"]
    with pytest.raises(InvalidConfigError, match="test: missing key 'windows'"):
        Standard.from_table(content, "test")


def test_an_unknown_timing_names_standard_and_row() -> None:
    content = table("DDR4")
    content["constraints"][2]["delay"] = "CCD_X"
    standard = Standard.from_table(content, "test")
    with pytest.raises(InvalidConfigError, match=r"test, constraint 3 .*'CCD_X'.*Did you mean"):
        standard.resolve(MemorySpec.preset("DDR4-2400").timings, burst_length=8, data_rate=2)
