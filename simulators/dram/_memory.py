"""The memory device: organisation, timings and currents, in DRAMSys memspec JSON form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from simulators.dram._dramsys_json import MAX_INTEGER, Section, Source, load_section
from simulators.dram._standard import COMMANDS, ResolvedStandard, Standard
from simulators.errors import InvalidConfigError, did_you_mean

_PRESETS = Path(__file__).parent / "memories"

_ARCHITECTURE = {
    "burst_length": "burstLength",
    "data_rate": "dataRate",
    "ranks": "nbrOfRanks",
    "banks": "nbrOfBanks",
    "rows": "nbrOfRows",
    "columns": "nbrOfColumns",
    "width_bits": "width",
}
_ARCHITECTURE_OPTIONAL = {
    "bank_groups": "nbrOfBankGroups",
    "devices": "nbrOfDevicesOnDIMM",
    "channels": "nbrOfChannels",
}
_SECTIONS = ("memoryId", "memoryType", "memarchitecturespec", "memtimingspec", "mempowerspec")
_CORE_CURRENTS = (
    "vdd", "vdd2", "idd0", "idd2n", "idd2p0", "idd3n", "idd3p0", "idd4r", "idd4w", "idd5", "idd6",
    "idd02", "idd62",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySpec:
    """A DRAM memory: what sits behind one or several identical channels.

    Raises:
        InvalidConfigError: an unknown standard, a missing timing or current, or a value that is
            out of range.
    """

    name: str
    """The memspec's ``memoryId``."""
    standard: str
    """A name of `Standard.names`: "DDR3", "DDR4", "LPDDR4", "HBM2"."""
    burst_length: int
    """Data words per column command."""
    data_rate: int
    """Data words per clock cycle and pin: 2."""
    banks: int
    """Banks per rank, over all bank groups."""
    rows: int
    """Rows per bank."""
    columns: int
    """Columns per row."""
    width_bits: int
    """Data pins per device."""
    clk_mhz: int
    """Clock frequency of the command bus."""
    timings: Mapping[str, int]
    """Clock cycles by memspec name, e.g. ``{"RCD": 16, ...}``."""
    currents: Mapping[str, float] | None = None
    """Currents (mA) and voltages (V) by memspec name; None if unknown: energy is then None."""
    ranks: int = 1
    """Ranks per channel (HBM2: pseudo channels)."""
    bank_groups: int = 1
    """Bank groups per rank."""
    devices: int = 1
    """Devices that operate in lockstep in a rank."""
    channels: int = 1
    """Independent channels, each with its own controller."""
    _core: dict[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "timings", MappingProxyType(dict(self.timings)))
        if self.currents is not None:
            object.__setattr__(self, "currents", MappingProxyType(dict(self.currents)))
        standard = Standard.load(self.standard)
        self._check_organisation()
        self._check_names(standard)
        resolved = standard.resolve(
            self.timings, burst_length=self.burst_length, data_rate=self.data_rate
        )
        object.__setattr__(self, "_core", self._build_core(standard, resolved))

    def __reduce__(self) -> tuple[Any, ...]:
        return MemorySpec.from_dramsys, (self.to_dramsys(),)

    def __hash__(self) -> int:
        return hash((self.name, self.standard, self.clk_mhz, self.ranks, self.rows))

    @classmethod
    def from_dramsys(cls, source: Source) -> "MemorySpec":
        """Read a DRAMSys memspec.

        Args:
            source: path of a JSON file, or its content, with or without the outer "memspec" key.

        Raises:
            InvalidConfigError: unreadable, or a key that is missing, unknown or of a wrong type.
        """
        section = load_section(source, "memspec")
        section.check_keys(_SECTIONS)
        standard = Standard.load(section.text("memoryType"))
        timings = section.section("memtimingspec")
        return cls(
            name=section.text("memoryId"),
            standard=standard.name,
            clk_mhz=timings.integer("clkMhz", low=1),
            timings=_timings(timings, standard),
            currents=_currents(section, standard),
            **_architecture(section.section("memarchitecturespec")),
        )

    @classmethod
    def preset(cls, name: str) -> "MemorySpec":
        """Return a memory shipped with the project; see `MemorySpec.presets`.

        Raises:
            InvalidConfigError: no such preset.
        """
        if name not in cls.presets():
            raise InvalidConfigError(
                f"unknown memory {name!r}.{did_you_mean(name, cls.presets())} "
                f"Available: {', '.join(cls.presets())}; other memories: MemorySpec.from_dramsys."
            )
        return cls.from_dramsys(_PRESETS / f"{name}.json")

    @staticmethod
    def presets() -> list[str]:
        """Return the names of the memories shipped with the project."""
        return sorted(path.stem for path in _PRESETS.glob("*.json"))

    def to_dramsys(self) -> dict[str, Any]:
        """Return the memory as a DRAMSys memspec, with the outer "memspec" key."""
        keys = _ARCHITECTURE | _ARCHITECTURE_OPTIONAL
        content: dict[str, Any] = {
            "memarchitecturespec": {key: getattr(self, name) for name, key in keys.items()},
            "memoryId": self.name,
            "memoryType": self.standard,
            "memtimingspec": {**self.timings, "clkMhz": self.clk_mhz},
        }
        if self.currents is not None:
            content["mempowerspec"] = dict(self.currents)
        return {"memspec": content}

    @property
    def tck_ps(self) -> int:
        """Clock period in picoseconds, rounded half up as DRAMSys does."""
        return (2_000_000 + self.clk_mhz) // (2 * self.clk_mhz)

    @property
    def bytes_per_burst(self) -> int:
        """Bytes moved by one column command, i.e. by one request."""
        return self.burst_length * self.width_bits * self.devices // 8

    @property
    def capacity_bytes(self) -> int:
        """Bytes of all channels together."""
        words = self.channels * self.ranks * self.banks * self.rows * self.columns
        return words * self.width_bits * self.devices // 8

    @property
    def peak_bandwidth_gb_s(self) -> float:
        """Data bus bandwidth of all channels together in 1e9 bytes/s."""
        bits_per_cycle = self.data_rate * self.width_bits * self.devices * self.channels
        return bits_per_cycle / 8 * 1000 / self.tck_ps

    def core_config(self) -> dict[str, Any]:
        """Return the device as plain integers in picoseconds for the simulator core.

        Computed once per memory; treat it as read-only. ``constraints`` is an int64 array of rows
        (next command, previous command, scope, delay): indices of `COMMANDS` and `SCOPES`.
        """
        return self._core

    def _check_organisation(self) -> None:
        for name in (*_ARCHITECTURE, *_ARCHITECTURE_OPTIONAL, "clk_mhz"):
            value = getattr(self, name)
            self._check_integer(name, value, low=1)
        if self.banks % self.bank_groups:
            raise InvalidConfigError(
                f"memory {self.name!r}: {self.banks} banks per rank do not divide into "
                f"{self.bank_groups} bank groups. nbrOfBanks counts the banks of all bank groups."
            )
        if self.burst_length * self.width_bits * self.devices % 8:
            raise InvalidConfigError(
                f"memory {self.name!r}: a burst of {self.burst_length} x {self.width_bits} bits x "
                f"{self.devices} devices is not a whole number of bytes. Correct the width."
            )

    def _check_integer(self, name: str, value: object, low: int) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= MAX_INTEGER:
            raise InvalidConfigError(
                f"memory {self.name!r}: {name} is {value!r}. "
                f"Allowed: an integer from {low} to {MAX_INTEGER}."
            )

    def _check_names(self, standard: Standard) -> None:
        if missing := [name for name in standard.timings if name not in self.timings]:
            extra = [name for name in self.timings if name not in standard.timings]
            raise InvalidConfigError(
                f"memory {self.name!r}: {self.standard} needs the timing {missing[0]!r} "
                f"({standard.timings[missing[0]]}).{did_you_mean(missing[0], extra)} "
                f"Needed: {', '.join(standard.timings)}."
            )
        for name, value in self.timings.items():
            self._check_integer(f"timing {name}", value, low=0)
        if self.currents is None:
            return
        if lacking := [name for name in standard.currents if name not in self.currents]:
            raise InvalidConfigError(
                f"memory {self.name!r}: the {self.standard} energy model needs {lacking[0]!r}."
                f"{did_you_mean(lacking[0], self.currents)} Add it to mempowerspec, or remove "
                "mempowerspec to simulate without energy."
            )

    def _build_core(self, standard: Standard, resolved: ResolvedStandard) -> dict[str, Any]:
        tck_ps = self.tck_ps
        constraints = np.array(resolved.constraints, dtype=np.int64).reshape(-1, 4)
        constraints[:, 3] *= tck_ps
        constraints.flags.writeable = False
        lengths = [standard.command_cycles.get(name, 1) for name in COMMANDS]
        return {
            "tck_ps": tck_ps,
            "ranks": self.ranks,
            "groups_per_rank": self.bank_groups,
            "banks_per_group": self.banks // self.bank_groups,
            "channels": self.channels,
            "bytes_per_burst": self.bytes_per_burst,
            "burst_ps": resolved.burst * tck_ps,
            "commands": list(COMMANDS),
            "command_length_ps": [cycles * tck_ps for cycles in lengths],
            "constraints": constraints,
            "window_ps": [
                resolved.windows[index] * tck_ps if index in resolved.windows else -1
                for index in range(len(COMMANDS))
            ],
            "activate_offset_ps": [
                (cycles - 1) * tck_ps if name in standard.activates else -1
                for name, cycles in zip(COMMANDS, lengths, strict=True)
            ],
            "split_buses": standard.split_buses,
            "initial_bus_ps": standard.initial_bus_ps,
            "read_strobe_end_ps": resolved.read_strobe_end * tck_ps,
            "write_strobe_end_ps": resolved.write_strobe_end * tck_ps,
            "refresh_interval_all_bank_ps": resolved.refresh_interval_all_bank * tck_ps,
            "refresh_interval_per_bank_ps": resolved.refresh_interval_per_bank * tck_ps,
            "energy": self._energy(resolved),
            "energy_reason": self._energy_reason(standard),
        }

    def _energy(self, resolved: ResolvedStandard) -> dict[str, float] | None:
        if self.currents is None or resolved.energy_cycles is None:
            return None
        currents = {name: self.currents.get(name, 0.0) for name in _CORE_CURRENTS}
        operation = {"clk_mhz": self.clk_mhz, "devices": self.devices}
        return {**resolved.energy_cycles, **operation, **currents}

    def _energy_reason(self, standard: Standard) -> str | None:
        if standard.energy_reason is not None:
            return standard.energy_reason
        if self.currents is None:
            return f"memory {self.name!r} has no currents (mempowerspec)"
        return None


def _architecture(section: Section) -> dict[str, int]:
    # Later versions of DRAMSys renamed the number of devices.
    if "nbrOfDevices" in section.content:
        content = dict(section.content)
        devices = content.pop("nbrOfDevices")
        if content.setdefault("nbrOfDevicesOnDIMM", devices) != devices:
            raise InvalidConfigError(
                f"{section.where}: nbrOfDevices and nbrOfDevicesOnDIMM differ. Keep one."
            )
        section = Section(content, section.where)
    section.check_keys([*_ARCHITECTURE.values(), *_ARCHITECTURE_OPTIONAL.values()])
    required = {name: section.integer(key, low=1) for name, key in _ARCHITECTURE.items()}
    optional = {
        name: section.integer(key, low=1, default=1) for name, key in _ARCHITECTURE_OPTIONAL.items()
    }
    return required | optional


def _timings(section: Section, standard: Standard) -> dict[str, int]:
    others = [Standard.load(name) for name in Standard.names()]
    carried = {name for other in others for name in (*other.timings, *other.unused_timings)}
    missing = [name for name in standard.timings if name not in section.content]
    if missing:
        raise InvalidConfigError(
            f"{section.where}: missing timing {missing[0]!r} ({standard.timings[missing[0]]})."
            f"{did_you_mean(missing[0], set(section.content) - set(standard.timings))} "
            f"{standard.name} needs: {', '.join(standard.timings)}."
        )
    section.check_keys({*standard.timings, *carried, "clkMhz"})
    return {name: section.integer(name) for name in section.content if name != "clkMhz"}


def _currents(section: Section, standard: Standard) -> dict[str, float] | None:
    if "mempowerspec" not in section.content:
        return None
    power = section.section("mempowerspec")
    for name in standard.currents:
        power.number(name)
    # Real files carry many more figures (idd2nsq, ipp5b, vddq, ...) than the model reads.
    figures = ("idd", "ipp", "vdd", "vpp")
    carried = [name for name in power.content if str(name).lower().startswith(figures)]
    power.check_keys((*standard.currents, *carried))
    return {name: power.number(name) for name in power.content}
