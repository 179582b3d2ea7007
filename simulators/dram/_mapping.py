"""How a byte address selects channel, rank, bank group, bank, row and column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from simulators.dram._dramsys_json import Section, Source, load_section
from simulators.dram._memory import MemorySpec
from simulators.errors import InvalidConfigError, did_you_mean

_KEYS = {
    "channel": "CHANNEL_BIT",
    "rank": "RANK_BIT",
    "bank_group": "BANKGROUP_BIT",
    "bank": "BANK_BIT",
    "row": "ROW_BIT",
    "column": "COLUMN_BIT",
    "byte": "BYTE_BIT",
}
# Bookkeeping of the address-map generator CONGEN, which DRAMSys does not read.
_UNUSED_KEYS = ("ID", "NAME", "COST")


@dataclass(frozen=True, slots=True)
class _Preset:
    description: str
    order: str
    """Fields from the most to the least significant; ``burst`` is the column bits inside a burst,
    ``line`` the two column bits above it, ``column`` the other ones."""
    hash_banks: bool = False


_PRESETS = {
    "row-bank-column": _Preset(
        "consecutive addresses fill a row, then go to the next bank",
        "row rank bank bank_group column line",
    ),
    "bank-row-column": _Preset(
        "each bank holds one contiguous region",
        "rank bank bank_group row column line",
    ),
    "row-column-bank": _Preset(
        "consecutive bursts go to different banks",
        "row column line rank bank bank_group",
    ),
    "minimalist-open-page": _Preset(
        "four consecutive bursts in a row, then the next bank (Kaseridis et al., MICRO 2011)",
        "row column rank bank bank_group line",
    ),
    "bank-group-interleaved": _Preset(
        "row-bank-column with consecutive bursts in different bank groups, to pay tCCD_S only",
        "row rank bank column line bank_group",
    ),
    "row-bank-column-xor": _Preset(
        "row-bank-column with the bank hashed by the low row bits, against row conflicts at "
        "power-of-two strides (Zhang et al., MICRO 2000)",
        "row rank bank bank_group column line",
        hash_banks=True,
    ),
    "rank-row-bank-column": _Preset(
        "row-bank-column inside each rank; each rank holds one contiguous region",
        "rank row bank bank_group column line",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressMapping:
    """Bit positions of the address by field, the first one listed being the least significant.

    Before the fields are gathered, each pair (first, second) of ``xor``, in order, replaces bit
    ``first`` by the exclusive or of both bits.
    """

    channel: tuple[int, ...] = ()
    rank: tuple[int, ...] = ()
    bank_group: tuple[int, ...] = ()
    bank: tuple[int, ...] = ()
    row: tuple[int, ...] = ()
    column: tuple[int, ...] = ()
    byte: tuple[int, ...] = ()
    """Position of a byte on the data bus; DRAM commands do not depend on it."""
    xor: tuple[tuple[int, int], ...] = ()
    name: str = "custom"

    def __post_init__(self) -> None:
        for field, key in _KEYS.items():
            object.__setattr__(
                self, field, Section({key: getattr(self, field)}, self.name).bits(key)
            )
        object.__setattr__(self, "xor", tuple((int(a), int(b)) for a, b in self.xor))
        self._check_bits()

    @classmethod
    def from_dramsys(cls, source: Source) -> "AddressMapping":
        """Read a DRAMSys address map.

        Args:
            source: path of a JSON file, or its content, with or without the outer "CONGEN" key. Of
                several solutions only the first (ID 0) is used, as DRAMSys does.

        Raises:
            InvalidConfigError: unreadable, an unknown key, a bit used twice or in no field.
        """
        section = _first_solution(load_section(source, "CONGEN"))
        if "PSEUDOCHANNEL_BIT" in section.content and "RANK_BIT" not in section.content:
            content = dict(section.content)
            content["RANK_BIT"] = content.pop("PSEUDOCHANNEL_BIT")
            section = Section(content, section.where)
        section.check_keys((*_KEYS.values(), "XOR", *_UNUSED_KEYS))
        name = str(section.content.get("NAME", section.where))
        fields: dict[str, Any] = {field: section.bits(key) for field, key in _KEYS.items()}
        return cls(**fields, xor=tuple(_xor_pairs(section)), name=name)

    @classmethod
    def preset(cls, memory: MemorySpec, name: str) -> "AddressMapping":
        """Return the map called ``name`` for ``memory``; see `AddressMapping.presets`.

        Channel bits lie directly above the burst, so that consecutive bursts alternate between
        channels; the column bits inside a burst and the byte bits are always the lowest.

        Raises:
            InvalidConfigError: no such preset, or the memory's organisation is no power of two.
        """
        if name not in _PRESETS:
            raise InvalidConfigError(
                f"unknown address mapping {name!r}.{did_you_mean(name, _PRESETS)} "
                f"Available: {', '.join(_PRESETS)}; others: AddressMapping.from_dramsys."
            )
        return _from_preset(memory, name)

    @classmethod
    def presets(cls, memory: MemorySpec | None = None) -> list[str]:
        """Return the preset names; with ``memory``, only the first of those that coincide on it."""
        if memory is None:
            return list(_PRESETS)
        seen: dict[tuple[Any, ...], str] = {}
        for name in _PRESETS:
            mapping = cls.preset(memory, name)
            seen.setdefault((mapping._fields(), mapping.xor), name)
        return list(seen.values())

    @staticmethod
    def describe_preset(name: str) -> str:
        """Return what the preset ``name`` does, in one line."""
        return _PRESETS[name].description

    def to_dramsys(self) -> dict[str, Any]:
        """Return the map in DRAMSys form, with the outer "CONGEN" key."""
        content: dict[str, Any] = {
            key: list(getattr(self, field)) for field, key in _KEYS.items() if getattr(self, field)
        }
        if self.xor:
            content["XOR"] = [{"FIRST": first, "SECOND": second} for first, second in self.xor]
        return {"CONGEN": content}

    @property
    def capacity_bytes(self) -> int:
        """Bytes that the mapped bits address."""
        return 1 << sum(len(bits) for bits in self._fields())

    def validate(self, memory: MemorySpec) -> None:
        """Check that every field has exactly the bits that ``memory`` needs.

        Raises:
            InvalidConfigError: a field is too wide or too narrow for the memory, or a burst's bytes
                would not be consecutive.
        """
        for field, bits in _field_widths(memory).items():
            given = getattr(self, field)
            if len(given) != bits:
                raise InvalidConfigError(
                    f"address map {self.name}: {_KEYS[field]} has {len(given)} bits {list(given)}, "
                    f"but memory {memory.name!r} has {1 << bits} x {field} = {bits} bits. "
                    f"Give {_KEYS[field]} {bits} bits, or choose the memory this map was made for."
                )

        low = len(self.byte)
        within_burst = range(low, low + memory.burst_length.bit_length() - 1)
        for bit in (*range(low), *within_burst):
            field = "byte" if bit < low else "column"
            if bit not in getattr(self, field):
                raise InvalidConfigError(
                    f"address map {self.name}: bit {bit} is not in {_KEYS[field]}. The lowest "
                    f"{low} bits must be in BYTE_BIT and the next {len(within_burst)} in "
                    "COLUMN_BIT, since a request is one burst of consecutive bytes."
                )

    def core_config(self, memory: MemorySpec) -> dict[str, Any]:
        """Return the validated map as plain lists for the simulator core.

        Raises:
            InvalidConfigError: the map does not fit the memory (see `validate`).
        """
        return _core_config(self, memory)

    def _fields(self) -> tuple[tuple[int, ...], ...]:
        return tuple(getattr(self, field) for field in _KEYS)

    def _check_bits(self) -> None:
        owner: dict[int, str] = {}
        for field, key in _KEYS.items():
            for bit in getattr(self, field):
                if bit in owner:
                    raise InvalidConfigError(
                        f"address map {self.name}: bit {bit} is used twice, in {owner[bit]} and in "
                        f"{key}. Every address bit belongs to exactly one field."
                    )
                owner[bit] = key
        if missing := sorted(set(range(max(owner, default=-1) + 1)) - set(owner)):
            raise InvalidConfigError(
                f"address map {self.name}: bit {missing[0]} is in no field, but bit {max(owner)} "
                f"({owner[max(owner)]}) is above it. Add bit {missing[0]} to the field it selects."
            )
        for first, second in self.xor:
            if first == second or first not in owner or second not in owner:
                raise InvalidConfigError(
                    f"address map {self.name}: XOR pair FIRST {first}, SECOND {second}. "
                    f"Allowed: two different bits of the map, 0 to {len(owner) - 1}."
                )


def _first_solution(section: Section) -> Section:
    """Unwrap the forms that DRAMSys versions gave an address map."""
    if "addressmapping" in section.content:
        section = section.section("addressmapping")
    if "CONGEN" in section.content:
        section = section.section("CONGEN")
    solutions = section.content.get("SOLUTION")
    if solutions is None:
        return section
    if not isinstance(solutions, list) or not solutions:
        raise InvalidConfigError(f"{section.where}: SOLUTION must be a list of address maps.")
    parts = [Section(each, f"{section.where}, SOLUTION") for each in solutions]
    return next((part for part in parts if part.content.get("ID") == 0), parts[0])


def _xor_pairs(section: Section) -> Iterable[tuple[int, int]]:
    pairs = section.content.get("XOR", [])
    if not isinstance(pairs, list):
        raise InvalidConfigError(f"{section.where}: XOR must be a list of FIRST/SECOND pairs.")
    for pair in pairs:
        item = Section(pair, f"{section.where}, XOR")
        item.check_keys(("FIRST", "SECOND"))
        yield item.integer("FIRST"), item.integer("SECOND")


def _field_widths(memory: MemorySpec) -> Mapping[str, int]:
    counts = {
        "channel": memory.channels,
        "rank": memory.ranks,
        "bank_group": memory.bank_groups,
        "bank": memory.banks // memory.bank_groups,
        "row": memory.rows,
        "column": memory.columns,
        "byte": memory.width_bits * memory.devices // 8,
    }
    for field, count in counts.items():
        if count < 1 or count & (count - 1):
            raise InvalidConfigError(
                f"memory {memory.name!r} has {count} x {field}: not a power of two, so no address "
                "bits can select one. Correct the memory's organisation."
            )
    return {field: count.bit_length() - 1 for field, count in counts.items()}


@lru_cache(maxsize=256)
def _from_preset(memory: MemorySpec, name: str) -> AddressMapping:
    preset = _PRESETS[name]
    widths = dict(_field_widths(memory))
    burst = memory.burst_length.bit_length() - 1
    widths["burst"] = min(burst, widths["column"])
    widths["line"] = min(2, widths["column"] - widths["burst"])
    widths["column"] -= widths["burst"] + widths["line"]
    bits: dict[str, tuple[int, ...]] = {}
    low = 0
    for field in ("byte", "burst", "channel", *reversed(preset.order.split())):
        bits[field] = tuple(range(low, low + widths[field]))
        low += widths[field]
    column = bits.pop("burst") + bits.pop("line") + bits.pop("column")
    xor: tuple[tuple[int, int], ...] = ()
    if preset.hash_banks:
        xor = tuple(zip(bits["bank_group"] + bits["bank"], bits["row"], strict=False))
    return AddressMapping(column=column, **bits, xor=xor, name=name)


@lru_cache(maxsize=256)
def _core_config(mapping: AddressMapping, memory: MemorySpec) -> dict[str, Any]:
    mapping.validate(memory)
    names = {field: "group" if field == "bank_group" else field for field in _KEYS}
    del names["byte"]
    return {
        "fields": {core: list(getattr(mapping, field)) for field, core in names.items()},
        "xor": list(mapping.xor),
    }
