import copy
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulators.dram import MemorySpec
from simulators.dram._standard import COMMANDS
from simulators.errors import InvalidConfigError

CORE_KEYS = {
    "tck_ps", "ranks", "groups_per_rank", "banks_per_group", "channels", "bytes_per_burst",
    "burst_ps", "commands", "command_length_ps", "constraints", "window_ps", "activate_offset_ps",
    "split_buses", "initial_bus_ps", "read_strobe_end_ps", "write_strobe_end_ps",
    "refresh_interval_all_bank_ps", "refresh_interval_per_bank_ps", "energy", "energy_reason",
}  # fmt: skip


def memspec(preset: str = "DDR4-2400") -> dict[str, Any]:
    return copy.deepcopy(MemorySpec.preset(preset).to_dramsys())


def changed(section: str, key: str, value: object, preset: str = "DDR4-2400") -> dict[str, Any]:
    content = memspec(preset)
    content["memspec"][section][key] = value
    return content


def without(section: str, key: str, preset: str = "DDR4-2400") -> dict[str, Any]:
    content = memspec(preset)
    del content["memspec"][section][key]
    return content


@pytest.mark.parametrize(
    ("preset", "tck_ps", "capacity_gib", "bytes_per_burst", "peak_gb_s"),
    [
        ("DDR3-1600", 1250, 1, 64, 12.8),
        ("DDR4-1866", 1072, 4, 64, 16 / 1.072),
        ("DDR4-2400", 833, 4, 64, 16 / 0.833),
        ("LPDDR4-3200", 625, 1, 32, 6.4),
        ("HBM2-2000", 1000, 1, 32, 16.0),
    ],
)
def test_presets_have_the_organisation_of_their_data_sheets(
    preset: str, tck_ps: int, capacity_gib: int, bytes_per_burst: int, peak_gb_s: float
) -> None:
    memory = MemorySpec.preset(preset)
    assert memory.name == preset
    assert memory.tck_ps == tck_ps
    assert memory.capacity_bytes == capacity_gib << 30
    assert memory.bytes_per_burst == bytes_per_burst
    assert memory.peak_bandwidth_gb_s == pytest.approx(peak_gb_s)


def test_every_preset_is_listed_and_survives_a_round_trip() -> None:
    assert set(MemorySpec.presets()) >= {"DDR3-1600", "DDR4-2400", "LPDDR4-3200", "HBM2-2000"}
    for name in MemorySpec.presets():
        memory = MemorySpec.preset(name)
        assert MemorySpec.from_dramsys(memory.to_dramsys()) == memory
        assert MemorySpec.from_dramsys(memory.to_dramsys()["memspec"]) == memory
        assert pickle.loads(pickle.dumps(memory)) == memory
        assert hash(pickle.loads(pickle.dumps(memory))) == hash(memory)


def test_a_memory_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    path.write_text(json.dumps(memspec()), encoding="utf-8")
    assert MemorySpec.from_dramsys(path) == MemorySpec.preset("DDR4-2400")
    assert MemorySpec.from_dramsys(str(path)) == MemorySpec.preset("DDR4-2400")


@pytest.mark.parametrize("preset", MemorySpec.presets())
def test_the_core_receives_plain_picoseconds(preset: str) -> None:
    memory = MemorySpec.preset(preset)
    core = memory.core_config()
    assert set(core) == CORE_KEYS
    assert core is memory.core_config()
    assert core["commands"] == list(COMMANDS)
    assert core["constraints"].dtype == np.int64
    assert core["constraints"].shape[1] == 4
    assert not core["constraints"].flags.writeable
    assert np.all(core["constraints"][:, 3] % core["tck_ps"] == 0)
    for key in ("command_length_ps", "window_ps", "activate_offset_ps"):
        assert len(core[key]) == len(COMMANDS)
        assert all(type(value) is int for value in core[key])
    assert (core["energy"] is None) == (core["energy_reason"] is not None)


def test_lpddr4_strobes_end_after_the_long_column_command() -> None:
    core = MemorySpec.preset("LPDDR4-3200").core_config()
    assert core["read_strobe_end_ps"] == (28 + 6 + 8 + 3) * 625
    assert core["write_strobe_end_ps"] == (14 + 1 + 2 + 8 + 3) * 625


def test_only_standards_with_per_bank_refresh_have_its_interval() -> None:
    intervals = {
        name: MemorySpec.preset(name).core_config()["refresh_interval_per_bank_ps"]
        for name in MemorySpec.presets()
    }
    assert intervals["DDR3-1600"] == intervals["DDR4-2400"] == 0
    assert intervals["LPDDR4-3200"] == 780 * 625
    assert intervals["HBM2-2000"] == 244 * 1000


def test_the_clock_period_is_rounded_half_up() -> None:
    assert MemorySpec.from_dramsys(changed("memtimingspec", "clkMhz", 128)).tck_ps == 7813


@pytest.mark.parametrize(("mode", "divisor", "rfc"), [(1, 1, 313), (2, 2, 200), (4, 4, 100)])
def test_fine_granularity_refresh_replaces_interval_and_duration(
    mode: int, divisor: int, rfc: int
) -> None:
    content = changed("memtimingspec", "REFM", mode)
    content["memspec"]["memtimingspec"].update(REFI=4681, RFC2=200, RFC4=100)
    core = MemorySpec.from_dramsys(content).core_config()
    assert core["refresh_interval_all_bank_ps"] == 4681 // divisor * 833
    assert core["energy"]["RFC"] == rfc


def test_fine_granularity_refresh_needs_its_duration() -> None:
    with pytest.raises(InvalidConfigError, match="RFC2"):
        MemorySpec.from_dramsys(changed("memtimingspec", "REFM", 2))
    with pytest.raises(InvalidConfigError, match=r"REFM is 3\. Allowed: 1, 2, 4"):
        MemorySpec.from_dramsys(changed("memtimingspec", "REFM", 3))


def test_ddr3_auto_precharge_reads_wait_at_least_four_cycles_in_the_energy_model() -> None:
    short = MemorySpec.from_dramsys(changed("memtimingspec", "RTP", 2, "DDR3-1600"))
    assert short.core_config()["energy"]["RTP_for_RDA"] == 4
    assert MemorySpec.preset("DDR3-1600").core_config()["energy"]["RTP_for_RDA"] == 6
    ddr4 = MemorySpec.from_dramsys(changed("memtimingspec", "RTP", 2))
    assert ddr4.core_config()["energy"]["RTP_for_RDA"] == 2


def test_ddr3_has_no_second_supply() -> None:
    energy = MemorySpec.preset("DDR3-1600").core_config()["energy"]
    assert energy["vdd2"] == energy["idd02"] == energy["idd62"] == 0


def test_a_memory_without_currents_has_no_energy_and_says_why() -> None:
    content = memspec()
    del content["memspec"]["mempowerspec"]
    memory = MemorySpec.from_dramsys(content)
    assert memory.currents is None
    assert memory.core_config()["energy"] is None
    assert "no currents" in memory.core_config()["energy_reason"]


def test_bandwidth_and_capacity_count_all_channels() -> None:
    one = MemorySpec.preset("DDR3-1600")
    two = MemorySpec.from_dramsys(changed("memarchitecturespec", "nbrOfChannels", 2, "DDR3-1600"))
    assert two.capacity_bytes == 2 * one.capacity_bytes
    assert two.peak_bandwidth_gb_s == 2 * one.peak_bandwidth_gb_s


def test_extra_figures_of_real_files_are_accepted() -> None:
    content = changed("mempowerspec", "idd2nsq", 0.75)
    content["memspec"]["memtimingspec"].update(CL=16, XPDLL=325, RCAB=102, ESCKE=3)
    assert MemorySpec.from_dramsys(content).timings["XPDLL"] == 325


def test_the_later_name_of_the_device_count_is_read() -> None:
    content = memspec()
    architecture = content["memspec"]["memarchitecturespec"]
    architecture["nbrOfDevices"] = architecture.pop("nbrOfDevicesOnDIMM")
    assert MemorySpec.from_dramsys(content) == MemorySpec.preset("DDR4-2400")
    architecture["nbrOfDevicesOnDIMM"] = 4
    with pytest.raises(InvalidConfigError, match="nbrOfDevices and nbrOfDevicesOnDIMM differ"):
        MemorySpec.from_dramsys(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (without("memtimingspec", "RCD"), r"memtimingspec: missing timing 'RCD' \(activate to"),
        (without("memtimingspec", "clkMhz"), r"missing key 'clkMhz'"),
        (without("memarchitecturespec", "width"), r"missing key 'width'"),
        (without("mempowerspec", "idd5"), r"mempowerspec: missing key 'idd5'"),
        (changed("memtimingspec", "RCDX", 3), r"unknown key 'RCDX'.*Did you mean 'RCD"),
        (changed("memtimingspec", "RCD", "16"), r"RCD is '16'\. Allowed: an integer"),
        (changed("memtimingspec", "RCD", True), r"RCD is True"),
        (changed("memtimingspec", "RCD", 16.5), r"RCD is 16\.5"),
        (changed("memtimingspec", "RCD", -1), r"RCD is -1"),
        (changed("memtimingspec", "RCD", 10**30), r"RCD is 1000"),
        (changed("memtimingspec", "clkMhz", 0), r"clkMhz is 0\. Allowed: an integer from 1"),
        (changed("memarchitecturespec", "nbrOfRank", 2), r"Did you mean 'nbrOfRanks'"),
        (changed("memarchitecturespec", "nbrOfBanks", 0), r"nbrOfBanks is 0"),
        (changed("memarchitecturespec", "nbrOfBankGroups", 3), r"16 banks .* 3 bank groups"),
        (changed("memarchitecturespec", "dataRate", 3), r"'BL / DR' gives 8/3"),
        (changed("memarchitecturespec", "width", None), r"width is None"),
        (changed("mempowerspec", "vdd", "high"), r"vdd is 'high'\. Allowed: a number"),
        (changed("mempowerspec", "vdd", float("nan")), r"vdd is nan"),
        (changed("mempowerspec", "current0", 1), r"unknown key 'current0'"),
        ({"memspec": 3}, r"expected an object"),
        ({}, r"missing key 'memoryType'"),
        ({"memspec": {**memspec()["memspec"], "memoryType": "DDR5"}}, r"'DDR5'.*Did you mean"),
        ({"memspec": {**memspec()["memspec"], "memoryId": 5}}, r"memoryId is 5"),
        ({"memspec": {**memspec()["memspec"], "colour": 5}}, r"unknown key 'colour'"),
    ],
)
def test_a_wrong_memspec_is_reported_with_field_and_fix(
    content: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        MemorySpec.from_dramsys(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file"),
        (b"  \n", "empty file"),
        (b"{", ":1: not JSON"),
        (b'{\n"memspec": }', ":2: not JSON"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"[]", "expected an object"),
        (b'{"memspec": {"a": 1, "a": 2}}', "'a' appears twice"),
        (b'{"memspec": NaN}', "NaN is not a number"),
        (b"[" * 200_000, "not usable JSON"),
        (b'{"memspec": ' + b"9" * 5000 + b"}", "not usable JSON"),
    ],
)
def test_an_unusable_file_is_reported_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "memory.json"
    path.write_bytes(content)
    with pytest.raises(InvalidConfigError, match=message) as raised:
        MemorySpec.from_dramsys(path)
    assert str(path) in str(raised.value)


def test_a_missing_file_or_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match="does not exist"):
        MemorySpec.from_dramsys(tmp_path / "none.json")
    with pytest.raises(InvalidConfigError, match="not a regular file"):
        MemorySpec.from_dramsys(tmp_path)


def test_an_unknown_preset_is_named_with_the_closest_one() -> None:
    with pytest.raises(InvalidConfigError, match=r"'DDR4-2401'.*Did you mean 'DDR4-2400'"):
        MemorySpec.preset("DDR4-2401")
