"""DRAMPower 4's energy of a command list, worked out after the fact (section 13).

The simulator's core keeps the account while it runs; here the commands are listed, auto-precharges
are split off, the list is sorted, and then one pass counts cycles by state.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from experiments.validation.literal.requests import Logged
from simulators.dram import MemorySpec

_ENTRIES = {"PDEA": "active_power_down", "PDEP": "precharged_power_down", "SREFEN": "self_refresh"}
_EXITS = ("PDXA", "PDXP", "SREFEX")


@dataclass(slots=True)
class Cycles:
    """Cycles spent by state, and commands counted."""

    activates: int = 0
    precharges: int = 0
    reads: int = 0
    writes: int = 0
    refreshes: int = 0
    active: int = 0
    precharged: int = 0
    active_power_down: int = 0
    precharged_power_down: int = 0
    self_refresh: int = 0
    refresh_active: int = 0
    refresh_precharged: int = 0
    up_active: int = 0
    up_precharged: int = 0


@dataclass(slots=True)
class _Account:
    """The state machine of one channel's devices."""

    t: Mapping[str, int]
    cycles: Cycles = field(default_factory=Cycles)
    open_banks: set[int] = field(default_factory=set)
    open_at_entry: set[int] = field(default_factory=set)
    first_activate: int = 0
    last_precharge: int = 0
    power_down_at: int = 0
    self_refresh_at: int = 0
    state: str = "up"

    def apply(self, command: str, bank: int, at: int) -> None:
        c = self.cycles
        c.reads += command == "RD"
        c.writes += command == "WR"
        if command == "ACT" and bank not in self.open_banks:
            c.activates += 1
            if not self.open_banks:
                c.precharged += max(0, at - self.last_precharge)
                self.first_activate = at
            self.open_banks.add(bank)
        elif command == "PRE" and bank in self.open_banks:
            self._close({bank}, at)
        elif command == "PREA" and self.open_banks:
            self._close(set(self.open_banks), at)
        elif command == "REFA":
            self._refresh(at)
        elif command in _ENTRIES:
            self._enter(_ENTRIES[command], at)
        elif command in _EXITS:
            self._leave(command, at)

    def _close(self, banks: set[int], at: int) -> None:
        self.cycles.precharges += len(banks)
        self.open_banks -= banks
        if not self.open_banks:
            self.cycles.active += max(0, at - self.first_activate)
            self.last_precharge = at

    def _refresh(self, at: int) -> None:
        busy = self.t["RFC"] - self.t["RP"]
        self.cycles.refreshes += 1
        self.cycles.precharged += max(0, at - self.last_precharge)
        self.cycles.active += busy
        self.first_activate, self.last_precharge = at, at + busy
        self.open_banks.clear()

    def _enter(self, state: str, at: int) -> None:
        if state == "active_power_down":
            self.cycles.active += max(0, at - self.first_activate)
        else:
            self.cycles.precharged += max(0, at - self.last_precharge)
        self.state = state
        if state == "self_refresh":
            self.self_refresh_at = at
        else:
            self.power_down_at, self.open_at_entry = at, set(self.open_banks)

    def _leave(self, command: str, at: int) -> None:
        if command == "SREFEX":
            span = max(0, at - self.self_refresh_at)
            self._spend_in_self_refresh(span)
            self.last_precharge = at + self._finish_refresh(span)
        else:
            # Several ranks share this state machine, so it may be in another state.
            if self.state.endswith("power_down"):
                self._add(self.state, max(0, at - self.power_down_at))
            self.open_banks = set(self.open_at_entry)
            if command == "PDXA":
                self.first_activate = at
            else:
                self.last_precharge = at
        self.state = "up"

    def _spend_in_self_refresh(self, span: int) -> None:
        busy = self.t["RFC"] - self.t["RP"]
        self.cycles.refresh_active += min(span, busy)
        self.cycles.refresh_precharged += min(max(0, span - busy), self.t["RP"])
        self.cycles.self_refresh += max(0, span - self.t["RFC"])

    def _finish_refresh(self, span: int) -> int:
        busy = self.t["RFC"] - self.t["RP"]
        if span >= self.t["RFC"]:
            return 0
        if span >= busy:
            rest = self.t["RFC"] - span
            self.cycles.up_precharged += rest
            return rest
        self.cycles.up_active += busy - span
        self.cycles.up_precharged += self.t["RP"]
        return self.t["RFC"] - span

    def _add(self, state: str, span: int) -> None:
        setattr(self.cycles, state, getattr(self.cycles, state) + span)

    def finish(self, at: int) -> None:
        if self.state == "self_refresh":
            self._spend_in_self_refresh(max(0, at - self.self_refresh_at))
        elif self.state != "up":
            self._add(self.state, max(0, at - self.power_down_at))
        elif self.open_banks:
            self.cycles.active += max(0, at - self.first_activate)
        else:
            self.cycles.precharged += max(0, at - self.last_precharge)


def count_cycles(memory: MemorySpec, commands: Iterable[Logged]) -> Cycles:
    """Count the cycles by state of one channel's commands, up to the last command's end."""
    t = memory.timings
    account = _Account(t)
    entries = _entries(memory, commands)
    for at, command, bank in entries:
        account.apply(command, bank, at)
    if entries:
        at, command, _ = entries[-1]
        burst = memory.burst_length // memory.data_rate
        tail = {
            "RD": t["RL"] + t["DQSCK"] + 1 + burst,
            "WR": t["WL"] + burst + t["WR"],
            "ACT": t["RCD"],
            "PRE": t["RP"],
            "PREA": t["RP"],
        }.get(command, 0)
        account.finish(at + tail - 1)
    return account.cycles


def _entries(memory: MemorySpec, commands: Iterable[Logged]) -> list[tuple[int, str, int]]:
    """List (cycle, command, bank) in DRAMPower's order, auto-precharges split off."""
    t = memory.timings
    tck_ps = round(1e6 / memory.clk_mhz)
    burst = memory.burst_length // memory.data_rate
    to_precharge = {
        "RDA": t["AL"] + (max(t["RTP"], 4) if memory.standard == "DDR3" else t["RTP"]),
        "WRA": burst + t["WL"] + t["WR"],
    }
    entries: list[tuple[int, str, int]] = []
    last_activate: dict[int, int] = {}
    for logged in commands:
        at, bank = int(logged.time_ps / tck_ps + 0.5), logged.place.bank
        if logged.command == "ACT":
            last_activate[bank] = at
        if logged.command in to_precharge:
            closed = max(at + to_precharge[logged.command], last_activate[bank] + t["RAS"])
            entries += [(at, logged.command[:2], bank), (closed, "PRE", bank)]
        else:
            entries.append((at, logged.command, bank))
    return sorted(entries, key=lambda entry: (entry[0], entry[1] != "PRE"))


def energy_and_power(memory: MemorySpec, cycles: Cycles) -> tuple[float, float]:
    """Return energy (pJ) and mean power (mW) of one channel's devices."""
    t, c = memory.timings, cycles
    i = {"vdd2": 0.0, "idd02": 0.0, "idd62": 0.0, **(memory.currents or {})}
    period_ns = 1000.0 / memory.clk_mhz
    burst = memory.burst_length // memory.data_rate
    refreshing = c.refresh_active + c.refresh_precharged + c.up_active + c.up_precharged
    open_cycles, close_cycles = c.activates * t["RAS"], c.precharges * (t["RC"] - t["RAS"])
    commands = i["vdd"] * (
        open_cycles * (i["idd0"] - i["idd3n"])
        + close_cycles * (i["idd0"] - i["idd2n"])
        + c.reads * burst * (i["idd4r"] - i["idd3n"])
        + c.writes * burst * (i["idd4w"] - i["idd3n"])
        + c.refreshes * t["RFC"] * (i["idd5"] - i["idd3n"])
    ) + i["vdd2"] * i["idd02"] * (open_cycles + close_cycles)
    background = (
        i["vdd"]
        * (
            c.active * i["idd3n"]
            + c.precharged * i["idd2n"]
            + c.active_power_down * i["idd3p0"]
            + c.precharged_power_down * i["idd2p0"]
            + c.self_refresh * i["idd6"]
            + refreshing * (i["idd5"] - i["idd3n"])
            + c.refresh_active * i["idd3p0"]
            + c.refresh_precharged * i["idd2p0"]
            + c.up_active * i["idd3n"]
            + c.up_precharged * i["idd2n"]
        )
        + i["vdd2"] * i["idd62"] * c.self_refresh
    )
    energy_pj = (commands + memory.ranks * background) * period_ns * memory.devices
    standby = c.active + c.precharged + c.active_power_down + c.precharged_power_down
    window_ns = (standby + c.self_refresh + refreshing) * period_ns
    return energy_pj, energy_pj / window_ns if window_ns else 0.0
