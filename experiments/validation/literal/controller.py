"""The memory controller of one channel: every wake-up evaluates everything (section 5)."""

from collections.abc import Callable
from dataclasses import dataclass

from experiments.validation.literal.banks import Bank, LastColumn
from experiments.validation.literal.kernel import NEVER, Event, Kernel
from experiments.validation.literal.managers import PowerDown, Refresh
from experiments.validation.literal.requests import Logged, Request
from experiments.validation.literal.timing import COLUMN_COMMANDS, CommandHistory, Place
from simulators.dram import ControllerConfig, MemorySpec

_REFRESH_AGE, _POWER_DOWN_AGE = 0, 1 << 62
_ON_RANK = ("PREA", "REFA", "PDEA", "PDXA", "PDEP", "PDXP", "SREFEN", "SREFEX")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A command that somebody wants to issue."""

    command: str
    place: Place
    ready_ps: int
    age: int
    request: Request | None = None


class Controller:
    """One channel's controller."""

    def __init__(
        self,
        memory: MemorySpec,
        config: ControllerConfig,
        channel: int,
        kernel: Kernel,
        reply: Callable[[tuple[str, Request], int], None],
        *,
        quirks: bool,
    ) -> None:
        self._memory, self._config, self._channel = memory, config, channel
        self._kernel, self._reply, self._quirks = kernel, reply, quirks
        self._history = CommandHistory(memory, initial_bus=quirks)
        self._last_column = LastColumn()
        per_group = memory.banks // memory.bank_groups
        self._banks = [
            Bank(
                Place(b // memory.banks, b // per_group, b),
                config,
                self._history,
                self._last_column,
            )
            for b in range(memory.banks * memory.ranks)
        ]
        self._power_down: list[PowerDown] = []
        self._refresh: list[Refresh] = []
        for rank in range(memory.ranks):
            banks = self._of_rank(rank)
            power_down = PowerDown(config, self._history, banks[0].place, quirks)
            self._power_down.append(power_down)
            self._refresh.append(Refresh(memory, config, self._history, banks, power_down))
        names = ("request", "response", "timer", "data")
        self._events = {name: Event(self.run) for name in names}
        self._last_stored = 0
        self._offered: Request | None = None
        self._offered_at_ps = NEVER
        self._delivering: Request | None = None
        self._acknowledged_at_ps = NEVER
        self._responses: list[tuple[Request, int]] = []
        self._in_system, self._next_column, self._next_response = 0, 1, 1
        self._unserved = [0] * memory.ranks
        self.served = 0
        self.log: list[Logged] = []

    def offer(self, request: Request, when_ps: int) -> None:
        """Take the arbiter's request into the mailbox."""
        self._offered, self._offered_at_ps = request, when_ps
        self._kernel.notify(self._events["request"], when_ps)

    def acknowledge(self) -> None:
        """Take the arbiter's END_RESP into the mailbox."""
        self._acknowledged_at_ps = self._kernel.now_ps
        self._kernel.notify(self._events["response"], self._kernel.now_ps)

    def run(self) -> None:
        """Wake up."""
        now = self._kernel.now_ps
        self._respond(now)
        self._take_request(now)
        for refresh in self._refresh:
            refresh.evaluate(now)
        for power_down in self._power_down:
            power_down.evaluate(now)
        candidates = self._candidates(now)
        winner = self._select(candidates)
        held_back = False
        if winner is not None and winner.ready_ps == now:
            self._issue(winner, now)
        else:
            held_back = bool(candidates)
        self._arm(now, held_back)

    def _of_rank(self, rank: int) -> list[Bank]:
        return [bank for bank in self._banks if bank.place.rank == rank]

    def _respond(self, now: int) -> None:
        if self._delivering is not None:
            if self._acknowledged_at_ps != now:
                return
            self._delivering = None
            self.served += 1
            self._in_system -= 1
            if self._in_system == 0:
                return
        head = self._head_response()
        if head is None:
            return
        request, ready = head
        if ready > now:
            return self._kernel.notify(self._events["data"], ready)
        self._responses.remove(head)
        self._next_response += 1
        just_ended = self._acknowledged_at_ps == now
        self._reply(("BEGIN_RESP", request), now + self._history.table.tck_ps * just_ended)
        self._delivering, self._acknowledged_at_ps = request, NEVER

    def _head_response(self) -> tuple[Request, int] | None:
        if self._config.resp_queue == "Fifo":
            return self._responses[0] if self._responses else None
        due = [r for r in self._responses if r[0].channel_id == self._next_response]
        return due[0] if due else None

    def _has_room(self, arriving: Request) -> bool:
        size = self._config.request_buffer_size
        waiting = [request for bank in self._banks for request in bank.queue]
        if self._config.scheduler_buffer == "Bankwise":
            bank = self._last_stored if self._quirks else arriving.place.bank
            return len(self._banks[bank].queue) < size
        if self._config.scheduler_buffer == "Shared":
            return len(waiting) < size
        writes = sum(request.write for request in waiting)
        return writes < size and len(waiting) - writes < size

    def _take_request(self, now: int) -> None:
        request = self._offered
        if request is None or self._offered_at_ps > now or not self._has_room(request):
            return
        self._offered = None
        self._in_system += 1
        rank = request.place.rank
        if self._unserved[rank] == 0:
            self._power_down[rank].signal_exit()
        self._unserved[rank] += 1
        bank = self._banks[request.place.bank]
        bank.queue.append(request)
        self._last_stored = request.place.bank
        bank.evaluate(now)
        self._reply(("END_REQ", request), now)

    def _candidates(self, now: int) -> list[Candidate]:
        found = []
        for rank, (refresh, power_down) in enumerate(
            zip(self._refresh, self._power_down, strict=True)
        ):
            if power_down.command:
                place = power_down.place
                found.append(
                    Candidate(power_down.command, place, power_down.ready_ps, _POWER_DOWN_AGE)
                )
                continue
            if refresh.command:
                found.append(
                    Candidate(refresh.command, refresh.place, refresh.ready_ps, _REFRESH_AGE)
                )
            for bank in self._of_rank(rank):
                if bank.command:
                    request, ready = bank.serving, max(bank.ready_ps, now)
                    age = request.channel_id
                    found.append(Candidate(bank.command, bank.place, ready, age, request))
        return found

    def _select(self, candidates: list[Candidate]) -> Candidate | None:
        if self._config.cmd_mux == "Strict":
            candidates = [
                k
                for k in candidates
                if k.command not in COLUMN_COMMANDS or k.age == self._next_column
            ]
        winners = []
        for bus in (0, 1):
            of_bus = [k for k in candidates if self._history.table.bus_of(k.command) == bus]
            if of_bus:
                winners.append(min(of_bus, key=lambda k: (self._end_of(k), k.age)))
        return min(winners, key=lambda k: (k.ready_ps, k.age), default=None)

    def _end_of(self, k: Candidate) -> int:
        return k.ready_ps + (self._history.table.length_ps[k.command] if self._quirks else 0)

    def _issue(self, k: Candidate, now: int) -> None:
        rank = k.place.rank
        row, initiator, index = -1, -1, -1
        if k.request is not None:
            row, initiator, index = k.request.row, k.request.initiator, k.request.index
        self.log.append(Logged(now, k.command, self._channel, k.place, row, initiator, index))
        on_rank = k.command in _ON_RANK
        for bank in self._of_rank(rank) if on_rank else [self._banks[k.place.bank]]:
            bank.issued(k.command)
        self._refresh[rank].issued(k.command, now)
        self._power_down[rank].issued(k.command)
        self._history.record(k.command, k.place, now)
        if k.request is not None and k.command in COLUMN_COMMANDS:
            self._serve(k.request, rank, now)
        if self._unserved[rank] == 0:
            self._power_down[rank].signal_entry()

    def _serve(self, request: Request, rank: int, now: int) -> None:
        table = self._history.table
        self._last_column.write = request.write
        self._unserved[rank] -= 1
        self._next_column += 1
        self._take_request(now)
        strobe = table.write_strobe_end_ps if request.write else table.read_strobe_end_ps
        self._responses.append((request, now + strobe))
        if (head := self._head_response()) is not None:
            self._kernel.notify(self._events["data"], head[1])

    def _arm(self, now: int, held_back: bool) -> None:
        times = [bank.evaluate(now) for bank in self._banks]
        times += [refresh.evaluate(now) for refresh in self._refresh]
        times += [power_down.evaluate(now) for power_down in self._power_down]
        later = [time for time in times if not (held_back and time == now)]
        if (soonest := min(later, default=NEVER)) != NEVER:
            self._kernel.notify(self._events["timer"], soonest)
