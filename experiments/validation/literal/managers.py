"""Refresh and power-down of one rank."""

from dataclasses import dataclass, field

from experiments.validation.literal.banks import Bank
from experiments.validation.literal.kernel import NEVER
from experiments.validation.literal.timing import CommandHistory, Place
from simulators.dram import ControllerConfig, MemorySpec


@dataclass(slots=True)
class PowerDown:
    """Power-down policy "Staggered" (semantics, section 10)."""

    config: ControllerConfig
    history: CommandHistory
    place: Place
    quirks: bool
    state: str = "Idle"
    controller_idle: bool = False
    entry: bool = False
    exit: bool = False
    enter_self_refresh: bool = False
    open_banks: int = 0
    command: str | None = None
    ready_ps: int = NEVER

    def __post_init__(self) -> None:
        self.controller_idle = self.entry = self._enabled

    @property
    def _enabled(self) -> bool:
        return self.config.power_down_policy == "Staggered"

    def signal_entry(self) -> None:
        """Note that the rank ran empty."""
        if self._enabled:
            self.controller_idle = True
            self.entry = self.entry or self.state == "Idle"

    def signal_exit(self) -> None:
        """Note the first request to the empty rank."""
        if self._enabled:
            self.controller_idle = self.enter_self_refresh = self.entry = False
            self.exit = self.exit or self.state != "Idle"

    def interrupt(self) -> None:
        """Note that a refresh is due."""
        if self._enabled:
            self.entry = False
            self.exit = self.exit or self.state != "Idle"

    def evaluate(self, now_ps: int) -> int:
        """Decide the wanted command; return its time."""
        self.command, self.ready_ps = None, NEVER
        if self.exit:
            self.command = {
                "ActivePD": "PDXA", "PrechargePD": "PDXP",
                "SelfRefresh": "SREFEX", "ExtraRefresh": "REFA",
            }[self.state]  # fmt: skip
        elif self.entry:
            self.command = "PDEA" if self.open_banks else "PDEP"
        elif self.enter_self_refresh:
            self.command = "SREFEN"
        if self.command:
            self.ready_ps = max(now_ps, self.history.earliest_ps(self.command, self.place))
        return self.ready_ps

    def issued(self, command: str) -> None:
        """Follow a command on the rank."""
        if not self._enabled:
            return
        closes = ("PRE",) if self.quirks else ("PRE", "RDA", "WRA")
        self.open_banks += (command == "ACT") - (command in closes)
        if command == "PREA":
            self.open_banks = 0
        entries = {"PDEA": "ActivePD", "PDEP": "PrechargePD", "SREFEN": "SelfRefresh"}
        if command in entries:
            self.state, self.entry = entries[command], False
            if command == "SREFEN":
                self.enter_self_refresh = False
        elif command in ("PDXA", "PDXP"):
            self.state, self.exit = "Idle", False
            if command == "PDXP" and self.controller_idle:
                self.enter_self_refresh = True
        elif command == "SREFEX":
            self.state = "ExtraRefresh"
        elif command == "REFA" and self.state == "ExtraRefresh":
            self.state, self.exit = "Idle", False
        elif command in ("REFA", "REFB") and self.controller_idle:
            self.entry = True


@dataclass(slots=True)
class Refresh:
    """Refresh of one rank, all banks at once or one by one (section 9)."""

    memory: MemorySpec
    config: ControllerConfig
    history: CommandHistory
    banks: list[Bank]
    power_down: PowerDown
    due_ps: int = NEVER
    interval_ps: int = 0
    flexibility: int = 0
    pulled_in: bool = False
    asleep: bool = False
    open_banks: int = 0
    command: str | None = None
    place: Place = field(init=False)
    ready_ps: int = NEVER
    chosen: Bank = field(init=False)
    forced_bank: bool = False
    remaining: list[Bank] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chosen = self.banks[0]
        self.place = self.chosen.place
        if self.config.refresh_policy == "NoRefresh":
            return
        table = self.history.table
        self.interval_ps = (
            table.refresh_per_bank_ps if self._per_bank else table.refresh_all_bank_ps
        )
        rank, bits = self.place.rank, (self.memory.ranks - 1).bit_length()
        reversed_rank = int(f"{rank:0{bits}b}"[::-1], 2) if bits else 0
        share = int(self.interval_ps / self.memory.ranks + 0.5)
        due = self.interval_ps - reversed_rank * share
        self.due_ps = -(-due // table.tck_ps) * table.tck_ps
        self.remaining = list(self.banks)

    @property
    def _per_bank(self) -> bool:
        return self.config.refresh_policy == "PerBank"

    def _scaled(self, limit: int) -> int:
        return limit * (self.memory.banks if self._per_bank else 1)

    def evaluate(self, now_ps: int) -> int:
        """Decide the wanted command; return its time, or when to ask again."""
        self.command, self.ready_ps = None, NEVER
        if now_ps < self.due_ps:
            return self.due_ps
        self.power_down.interrupt()
        if self.asleep:
            return NEVER
        if now_ps >= self.due_ps + self.interval_ps:
            self.due_ps += self.interval_ps
            self.pulled_in = False
        self._evaluate_per_bank() if self._per_bank else self._evaluate_all_bank()
        if self.command is None:
            return self.due_ps
        self.ready_ps = max(now_ps, self.history.earliest_ps(self.command, self.place))
        return self.ready_ps

    def _evaluate_all_bank(self) -> None:
        busy = not all(bank.idle for bank in self.banks)
        if self.pulled_in:
            if busy:
                return self._back_to_regular()
            self.command = "REFA"
            return None
        if self.flexibility == self._scaled(self.config.refresh_max_postponed):
            for bank in self.banks:
                bank.blocked = True
        elif busy:
            return self._postpone()
        self.command = "PREA" if self.open_banks else "REFA"
        return None

    def _evaluate_per_bank(self) -> None:
        forced = not self.pulled_in and self.flexibility == self._scaled(
            self.config.refresh_max_postponed
        )
        if not self.forced_bank:
            idle = [bank for bank in self.remaining if bank.idle]
            if not idle and not forced:
                return self._back_to_regular() if self.pulled_in else self._postpone()
            self.chosen = (idle or self.remaining)[0]
        self.place = self.chosen.place
        if self.chosen.open_row is not None:
            self.command = "PRE"
            return None
        self.command = "REFB"
        if forced:
            self.chosen.blocked = self.forced_bank = True
        return None

    def _postpone(self) -> None:
        self.flexibility += 1
        self.due_ps += self.interval_ps

    def _back_to_regular(self) -> None:
        self.pulled_in = False
        self.due_ps += self.interval_ps

    def issued(self, command: str, now_ps: int) -> None:
        """Follow a command on the rank."""
        self.open_banks += (command == "ACT") - (command in ("PRE", "RDA", "WRA"))
        if command == "PREA":
            self.open_banks = 0
        elif command == "REFA" and self.asleep:
            self.due_ps = now_ps + self.interval_ps if self.interval_ps else NEVER
            self.pulled_in = self.asleep = False
        elif command in ("REFA", "REFB"):
            self._refreshed(command)
        elif command in ("PDEA", "PDEP"):
            self.asleep = True
        elif command == "SREFEN":
            self.asleep, self.due_ps = True, NEVER
        elif command in ("PDXA", "PDXP"):
            self.asleep = False

    def _refreshed(self, command: str) -> None:
        if command == "REFB":
            self.forced_bank = False
            self.remaining.remove(self.chosen)
            self.remaining = self.remaining or list(self.banks)
        if self.pulled_in:
            self.flexibility -= 1
        else:
            self.pulled_in = True
        if self.flexibility == -self._scaled(self.config.refresh_max_pulledin):
            self._back_to_regular()
