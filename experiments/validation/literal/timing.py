"""When may a command be issued? The standard's table read as it stands, by looking back.

The simulator's core turns the table round (issuing pushes times forward). Here nothing is clever:
every question walks the rows of the table over the history of commands.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from simulators.dram import MemorySpec
from simulators.dram._standard import COMMANDS, SCOPES, Standard

INDEX = {name: number for number, name in enumerate(COMMANDS)}
COLUMN_COMMANDS = ("RD", "RDA", "WR", "WRA")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command acts: numbers of one channel, groups and banks counted over all ranks."""

    rank: int
    group: int
    bank: int


@dataclass(frozen=True, slots=True)
class Bound:
    """A lower bound on a command's time, and the row of the table it comes from."""

    time_ps: int
    reason: str


class Table:
    """A memory's table in picoseconds, by command."""

    def __init__(self, memory: MemorySpec) -> None:
        standard = Standard.load(memory.standard)
        resolved = standard.resolve(
            memory.timings, burst_length=memory.burst_length, data_rate=memory.data_rate
        )
        self.tck_ps = round(1e6 / memory.clk_mhz)
        self.banks_per_rank = memory.banks
        self.rows: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        for following, previous, scope, cycles in resolved.constraints:
            row = (COMMANDS[previous], SCOPES[scope], cycles * self.tck_ps)
            self.rows[COMMANDS[following]].append(row)
        self.windows = {COMMANDS[c]: n * self.tck_ps for c, n in resolved.windows.items()}
        self.length_ps = {
            c: standard.command_cycles.get(c, 1) * self.tck_ps for c in standard.commands
        }
        self.activates = standard.activates
        self.split_buses = standard.split_buses
        self.initial_bus_ps = standard.initial_bus_ps
        self.read_strobe_end_ps = resolved.read_strobe_end * self.tck_ps
        self.write_strobe_end_ps = resolved.write_strobe_end * self.tck_ps
        self.refresh_all_bank_ps = resolved.refresh_interval_all_bank * self.tck_ps
        self.refresh_per_bank_ps = resolved.refresh_interval_per_bank * self.tck_ps

    def bus_of(self, command: str) -> int:
        """Return the command bus: 1 for column commands where the standard has two buses."""
        return int(self.split_buses and command in COLUMN_COMMANDS)


class CommandHistory:
    """The commands that one channel has seen so far.

    Args:
        memory: the device.
        initial_bus: whether an unused command bus counts as last used when the table says so.
    """

    def __init__(self, memory: MemorySpec, *, initial_bus: bool = True) -> None:
        self.table = Table(memory)
        self._last: dict[tuple[str, str, int], int] = {}
        self._last_rank: dict[str, int] = {}
        self._activates: dict[int, list[int]] = defaultdict(list)
        self._bank_refreshes: dict[int, int] = defaultdict(int)
        self._bus_free: dict[int, int] = {}
        if initial_bus and (start := self.table.initial_bus_ps) is not None:
            self._bus_free = dict.fromkeys((0, 1), start + self.table.tck_ps)

    def record(self, command: str, place: Place, time_ps: int) -> None:
        """Note that ``command`` was issued."""
        for scope, where in _scopes(place):
            self._last[command, scope, where] = time_ps
        self._last_rank[command] = place.rank
        length = self.table.length_ps[command]
        self._bus_free[self.table.bus_of(command)] = time_ps + length
        if command in self.table.activates:
            self._activates[place.rank].append(time_ps + length - self.table.tck_ps)
        if command == "REFB":
            self._bank_refreshes[place.rank] += 1

    def earliest_ps(self, command: str, place: Place) -> int:
        """Return the time from which ``command`` is legal; 0 if nothing holds it back."""
        return max((bound.time_ps for bound in self.bounds(command, place)), default=0)

    def bounds(self, command: str, place: Place) -> list[Bound]:
        """Return what holds ``command`` back."""
        bounds = [
            Bound(time + delay, f"{command} after {previous} @{scope} + {delay} ps")
            for previous, scope, delay in self.table.rows[command]
            if (time := self._previous(previous, scope, place)) is not None
        ]
        activates = self._activates[place.rank]
        if command in self.table.windows and len(activates) >= 4:
            bounds.append(Bound(activates[-4] + self.table.windows[command], f"{command} @FAW"))
        if (free := self._bus_free.get(self.table.bus_of(command))) is not None:
            bounds.append(Bound(free, f"{command} @command bus"))
        return bounds

    def _previous(self, previous: str, scope: str, place: Place) -> int | None:
        if scope == "other-rank":
            other = self._last_rank.get(previous, place.rank) != place.rank
            return self._last[previous, "channel", 0] if other else None
        if scope in ("rank-within-round", "rank-after-round"):
            round_is_over = self._bank_refreshes[place.rank] % self.table.banks_per_rank == 0
            if round_is_over != (scope == "rank-after-round"):
                return None
            scope = "rank"
        return self._last.get((previous, scope, dict(_scopes(place))[scope]))


def _scopes(place: Place) -> tuple[tuple[str, int], ...]:
    return (("bank", place.bank), ("group", place.group), ("rank", place.rank), ("channel", 0))


def violations(
    memory: MemorySpec, commands: Iterable[tuple[int, str, Place]], *, initial_bus: bool
) -> list[str]:
    """List the commands of one channel, as (time in ps, command, place), that came too early."""
    history = CommandHistory(memory, initial_bus=initial_bus)
    found = []
    for time_ps, command, place in commands:
        found += [
            f"{command} at {time_ps} ps, {place}: {bound.time_ps} ps by {bound.reason}"
            for bound in history.bounds(command, place)
            if time_ps < bound.time_ps
        ]
        history.record(command, place, time_ps)
    return found
