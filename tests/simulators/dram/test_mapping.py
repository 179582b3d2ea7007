import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from simulators.dram import AddressMapping, MemorySpec
from simulators.errors import InvalidConfigError

DDR3 = MemorySpec.preset("DDR3-1600")
DDR4 = MemorySpec.preset("DDR4-2400")
HBM2 = MemorySpec.preset("HBM2-2000")


def many_channels(preset: str = "DDR4-2400", channels: int = 4, ranks: int = 2) -> MemorySpec:
    content = MemorySpec.preset(preset).to_dramsys()
    content["memspec"]["memarchitecturespec"].update(nbrOfChannels=channels, nbrOfRanks=ranks)
    return MemorySpec.from_dramsys(content)


def congen(**changes: Any) -> dict[str, Any]:
    content = AddressMapping.preset(DDR3, "row-bank-column").to_dramsys()["CONGEN"]
    return {key: value for key, value in {**content, **changes}.items() if value is not None}


def decode(mapping: AddressMapping, address: int) -> dict[str, int]:
    for first, second in mapping.xor:
        address ^= (address >> second & 1) << first
    fields = ("channel", "rank", "bank_group", "bank", "row", "column")
    return {
        field: sum(
            (address >> bit & 1) << index for index, bit in enumerate(getattr(mapping, field))
        )
        for field in fields
    }


@pytest.mark.parametrize("name", AddressMapping.presets())
@pytest.mark.parametrize(
    "memory",
    [*map(MemorySpec.preset, MemorySpec.presets()), many_channels(), many_channels("HBM2-2000")],
    ids=lambda memory: f"{memory.name}x{memory.channels}",
)
def test_every_preset_fits_every_memory_and_survives_a_round_trip(
    memory: MemorySpec, name: str
) -> None:
    mapping = AddressMapping.preset(memory, name)
    mapping.validate(memory)
    assert mapping.capacity_bytes == memory.capacity_bytes
    assert AddressMapping.from_dramsys(mapping.to_dramsys()).core_config(memory) == (
        mapping.core_config(memory)
    )
    assert pickle.loads(pickle.dumps(mapping)) == mapping
    assert AddressMapping.describe_preset(name)


def test_consecutive_bursts_stay_in_the_row_or_spread_as_the_preset_says() -> None:
    def visited(name: str, memory: MemorySpec = DDR4, bursts: int = 16) -> list[dict[str, int]]:
        mapping = AddressMapping.preset(memory, name)
        return [decode(mapping, index * memory.bytes_per_burst) for index in range(bursts)]

    def distinct(places: list[dict[str, int]], *fields: str) -> int:
        return len({tuple(place[field] for field in fields) for place in places})

    bank = ("bank_group", "bank")
    assert distinct(visited("row-bank-column"), *bank, "row") == 1
    assert distinct(visited("bank-row-column"), *bank, "row") == 1
    assert distinct(visited("row-column-bank"), *bank) == 16
    assert distinct(visited("minimalist-open-page"), *bank) == 4
    assert distinct(visited("bank-group-interleaved"), "bank_group") == 4
    assert distinct(visited("bank-group-interleaved"), "bank") == 1
    assert distinct(visited("row-bank-column", many_channels()), "channel") == 4


def test_row_bank_column_leaves_a_row_for_the_next_bank_and_bank_row_column_for_the_next_row() -> (
    None
):
    row_bytes = 8 * 1024
    after_row = decode(AddressMapping.preset(DDR3, "row-bank-column"), row_bytes)
    assert (after_row["bank"], after_row["row"]) == (1, 0)
    after_row = decode(AddressMapping.preset(DDR3, "bank-row-column"), row_bytes)
    assert (after_row["bank"], after_row["row"]) == (0, 1)


def test_the_hashed_preset_spreads_a_stride_of_one_row_index_over_all_banks() -> None:
    stride = 1 << AddressMapping.preset(DDR4, "row-bank-column").row[0]
    plain = AddressMapping.preset(DDR4, "row-bank-column")
    hashed = AddressMapping.preset(DDR4, "row-bank-column-xor")

    def banks(mapping: AddressMapping) -> set[tuple[int, int]]:
        places = [decode(mapping, index * stride) for index in range(16)]
        return {(place["bank_group"], place["bank"]) for place in places}

    assert len(banks(plain)) == 1
    assert len(banks(hashed)) == 16


def test_presets_that_coincide_on_a_memory_are_listed_once() -> None:
    assert "bank-group-interleaved" in AddressMapping.presets(DDR4)
    assert "bank-group-interleaved" not in AddressMapping.presets(DDR3)
    assert "rank-row-bank-column" in AddressMapping.presets(HBM2)
    assert "rank-row-bank-column" not in AddressMapping.presets(DDR4)


def test_an_unknown_preset_is_named_with_the_closest_one() -> None:
    with pytest.raises(InvalidConfigError, match=r"Did you mean 'row-bank-column'"):
        AddressMapping.preset(DDR4, "row-bank-colum")


def test_the_core_receives_every_field() -> None:
    core = AddressMapping.preset(HBM2, "bank-row-column").core_config(HBM2)
    assert core == {
        "fields": {
            "channel": [],
            "rank": [29],
            "group": [25, 26],
            "bank": [27, 28],
            "row": list(range(10, 25)),
            "column": list(range(3, 10)),
        },
        "xor": [],
    }


def test_a_map_is_read_from_all_forms_dramsys_gave_it(tmp_path: Path) -> None:
    fields = congen()
    path = tmp_path / "map.json"
    path.write_text(json.dumps({"CONGEN": fields}), encoding="utf-8")
    first_of_two = {"SOLUTION": [congen(ID=1, BANK_BIT=[0]), congen(ID=0, NAME="best", COST=3)]}
    expected = AddressMapping.preset(DDR3, "row-bank-column").core_config(DDR3)
    for source in (
        path,
        {"CONGEN": fields},
        fields,
        {"addressmapping": {"CONGEN": fields}},
        {"CONGEN": first_of_two},
    ):
        assert AddressMapping.from_dramsys(source).core_config(DDR3) == expected


def test_pseudo_channels_are_ranks() -> None:
    content = AddressMapping.preset(HBM2, "bank-row-column").to_dramsys()["CONGEN"]
    content["PSEUDOCHANNEL_BIT"] = content.pop("RANK_BIT")
    assert AddressMapping.from_dramsys(content).rank == (29,)


def test_xor_pairs_are_read_in_order() -> None:
    pairs = [{"FIRST": 13, "SECOND": 16}, {"FIRST": 14, "SECOND": 17}]
    mapping = AddressMapping.from_dramsys(congen(XOR=pairs))
    assert mapping.xor == ((13, 16), (14, 17))
    assert mapping.to_dramsys()["CONGEN"]["XOR"] == pairs


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (congen(BANK_BIT=[13, 14, 16]), r"bit 16 is used twice, in BANK_BIT and in ROW_BIT"),
        (congen(BANK_BIT=[13, 13, 15]), r"bit 13 is used twice"),
        (congen(BANK_BIT=[14, 15, 30]), r"bit 13 is in no field, but bit 30 \(BANK_BIT\)"),
        (congen(BANK_BIT=["13"]), r"BANK_BIT is \['13'\]\. Allowed: a list of bit positions"),
        (congen(BANK_BIT=[13, 14, 64]), r"from 0 to 63"),
        (congen(BANK_BIT=[True]), r"BANK_BIT is \[True\]"),
        (congen(BANKS_BIT=[1]), r"unknown key 'BANKS_BIT'.*Did you mean 'BANK_BIT'"),
        (congen(XOR=3), r"XOR must be a list"),
        (congen(XOR=[3]), r"XOR: expected an object"),
        (congen(XOR=[{"FIRST": 1}]), r"missing key 'SECOND'"),
        (congen(XOR=[{"FIRST": 13, "SECOND": 13}]), r"XOR pair FIRST 13, SECOND 13.*two different"),
        (congen(XOR=[{"FIRST": 13, "SECOND": 40}]), r"SECOND 40.*bits of the map, 0 to 29"),
        ({"CONGEN": {"SOLUTION": []}}, r"SOLUTION must be a list"),
        ({"CONGEN": []}, r"expected an object"),
    ],
)
def test_an_inconsistent_map_is_reported_with_field_and_bits(
    content: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        AddressMapping.from_dramsys(content)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ROW_BIT": list(range(16, 29))}, r"ROW_BIT has 13 bits .* 16384 x row = 14 bits"),
        ({"ROW_BIT": list(range(16, 31))}, r"ROW_BIT has 15 bits"),
        ({"CHANNEL_BIT": [30]}, r"CHANNEL_BIT has 1 bits \[30\]"),
        (
            {"BYTE_BIT": [0, 1, 13], "BANK_BIT": [2, 14, 15]},
            r"bit 2 is not in BYTE_BIT.*The lowest 3 bits",
        ),
        (
            {"COLUMN_BIT": [*range(6, 16)], "BANK_BIT": [3, 4, 5]},
            r"bit 3 is not in COLUMN_BIT.*next 3 in COLUMN_BIT",
        ),
    ],
)
def test_a_map_of_another_geometry_is_reported(changes: dict[str, Any], message: str) -> None:
    mapping = AddressMapping.from_dramsys(congen(**changes))
    with pytest.raises(InvalidConfigError, match=message):
        mapping.core_config(DDR3)


def test_a_memory_without_a_power_of_two_rows_cannot_be_mapped() -> None:
    content = DDR3.to_dramsys()
    content["memspec"]["memarchitecturespec"]["nbrOfRows"] = 12288
    with pytest.raises(InvalidConfigError, match="12288 x row: not a power of two"):
        AddressMapping.preset(MemorySpec.from_dramsys(content), "row-bank-column")
