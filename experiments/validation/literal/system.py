"""Trace players and arbiter around the controllers (sections 2 to 4)."""

from dataclasses import dataclass, field

from experiments.validation.literal.controller import Controller
from experiments.validation.literal.kernel import NEVER, Kernel, Mailbox
from experiments.validation.literal.requests import Logged, Request
from experiments.validation.literal.timing import Place
from simulators.dram import AddressMapping, ControllerConfig, MemorySpec, Trace

_Note = tuple[str, Request]
_STALLED_ROUNDS = 200_000
"""Rounds without an answer after which the design is taken to wait for itself."""


@dataclass(slots=True)
class Outcome:
    """What a literal simulation saw."""

    time_ps: int
    served: int
    commands: list[Logged]
    requests: list[list[Request]]
    """By initiator, in order of the trace."""


def simulate_literally(
    memory: MemorySpec,
    mapping: AddressMapping,
    config: ControllerConfig,
    traces: list[Trace],
    *,
    quirks: bool = True,
) -> Outcome | None:
    """Simulate slowly and plainly; None if the design waits for itself.

    A transcription of the documented behaviour, kept apart from the simulator's core so that each
    can show the other's mistakes: nothing is cached, skipped or precomputed.
    """
    return _System(memory, mapping, config, traces, quirks).run()


class _System:
    def __init__(
        self,
        memory: MemorySpec,
        mapping: AddressMapping,
        config: ControllerConfig,
        traces: list[Trace],
        quirks: bool,
    ) -> None:
        self.kernel = Kernel()
        self.arbiter = _Arbiter(config, round(1e6 / memory.clk_mhz), self.kernel)
        send = self.arbiter.mailbox.send
        self.controllers = [
            Controller(memory, config, channel, self.kernel, send, quirks=quirks)
            for channel in range(memory.channels)
        ]
        self.players = [
            _Player(number, trace, memory, mapping, self.arbiter, self.kernel)
            for number, trace in enumerate(traces)
        ]
        self.arbiter.controllers = self.controllers
        self.arbiter.initiators = [_Initiator(player.mailbox) for player in self.players]
        self.quirks = quirks

    def run(self) -> Outcome | None:
        for controller in self.controllers:
            controller.run()
        for player in self.players:
            player.send_next()
        total = sum(len(player.trace) for player in self.players)
        answered, quiet = 0, 0
        while (count := sum(player.answered for player in self.players)) < total:
            quiet = quiet + 1 if count == answered else 0
            answered = count
            if quiet > _STALLED_ROUNDS or not self.kernel.step():
                return None
        log = [entry for controller in self.controllers for entry in controller.log]
        served = sum(controller.served for controller in self.controllers)
        return Outcome(
            time_ps=self.kernel.now_ps,
            served=served if self.quirks else total,
            commands=sorted(log, key=lambda entry: entry.time_ps),
            requests=[player.sent for player in self.players],
        )


class _Player:
    """Sends one trace; at most one request is unaccepted."""

    def __init__(
        self,
        number: int,
        trace: Trace,
        memory: MemorySpec,
        mapping: AddressMapping,
        arbiter: "_Arbiter",
        kernel: Kernel,
    ) -> None:
        self.number, self.trace, self.arbiter, self.kernel = number, trace, arbiter, kernel
        self.memory, self.mapping = memory, mapping
        self.mailbox: Mailbox[_Note] = Mailbox(kernel, self.receive)
        self.clock_ps = int(1e6 / trace.clock_mhz + 0.5)
        self.trace_time_ps = 0
        self.sent: list[Request] = []
        self.answered = 0

    def receive(self, note: _Note) -> None:
        phase, request = note
        if phase == "END_REQ":
            request.accept_ps = self.kernel.now_ps
            self.send_next()
        else:
            request.response_ps = self.kernel.now_ps
            self.answered += 1
            self.arbiter.mailbox.send(("END_RESP", request), self._edge(self.kernel.now_ps))

    def _edge(self, time_ps: int) -> int:
        tck = self.arbiter.tck_ps
        return -(-time_ps // tck) * tck

    def send_next(self) -> None:
        index, now = len(self.sent), self.kernel.now_ps
        if index == len(self.trace):
            return
        due = int(self.trace.times[index]) * self.clock_ps
        edge = now + self.clock_ps - now % self.clock_ps if index else 0
        if self.trace.relative:
            self.trace_time_ps += due
            send = edge + due
        else:
            self.trace_time_ps = due
            send = max(edge, due)
        request = self._request(index, send)
        self.sent.append(request)
        self.arbiter.mailbox.send(("BEGIN_REQ", request), self._edge(send))

    def _request(self, index: int, send_ps: int) -> Request:
        address = hashed = int(self.trace.addresses[index])
        for first, second in self.mapping.xor:
            hashed ^= (hashed >> second & 1) << first

        def gather(bits: tuple[int, ...]) -> int:
            return sum((hashed >> bit & 1) << position for position, bit in enumerate(bits))

        rank = gather(self.mapping.rank)
        group = gather(self.mapping.bank_group) + rank * self.memory.bank_groups
        per_group = self.memory.banks // self.memory.bank_groups
        bank = gather(self.mapping.bank) + group * per_group
        return Request(
            initiator=self.number,
            index=index,
            write=bool(self.trace.writes[index]),
            address=address,
            channel=gather(self.mapping.channel),
            place=Place(rank, group, bank),
            row=gather(self.mapping.row),
            trace_time_ps=self.trace_time_ps,
            send_ps=send_ps,
        )


@dataclass(slots=True)
class _Initiator:
    mailbox: Mailbox[_Note]
    busy: bool = False
    active: int = 0
    held: Request | None = None
    last_end_resp_ps: int = -1
    next_id: int = 1
    next_response: int = 1
    waiting: list[Request] = field(default_factory=list)


@dataclass(slots=True)
class _Channel:
    busy: bool = False
    last_end_req_ps: int = -1
    next_id: int = 1
    waiting: list[Request] = field(default_factory=list)


class _Arbiter:
    controllers: list[Controller]
    initiators: list[_Initiator]

    def __init__(self, config: ControllerConfig, tck_ps: int, kernel: Kernel) -> None:
        self.config, self.tck_ps, self.kernel = config, tck_ps, kernel
        self.mailbox: Mailbox[_Note] = Mailbox(kernel, self.receive)
        self.channels: dict[int, _Channel] = {}

    @property
    def simple(self) -> bool:
        return self.config.arbiter == "Simple"

    def receive(self, note: _Note) -> None:
        phase, request = note
        {
            "BEGIN_REQ": self._begin_request,
            "END_REQ": self._end_request,
            "BEGIN_RESP": self._begin_response,
            "END_RESP": self._end_response,
        }[phase](request)

    def _begin_request(self, request: Request) -> None:
        initiator = self.initiators[request.initiator]
        if self.simple:
            self._number(request)
            self._forward(request)
        elif initiator.active < self.config.max_active_transactions:
            initiator.active += 1
            self._admit(request)
        else:
            initiator.held = request

    def _admit(self, request: Request) -> None:
        self._number(request)
        self._tell("END_REQ", request, self.kernel.now_ps)
        self._forward(request)

    def _number(self, request: Request) -> None:
        initiator = self.initiators[request.initiator]
        channel = self.channels.setdefault(request.channel, _Channel())
        request.thread_id, request.channel_id = initiator.next_id, channel.next_id
        initiator.next_id += 1
        channel.next_id += 1

    def _forward(self, request: Request) -> None:
        channel, now = self.channels[request.channel], self.kernel.now_ps
        if channel.busy:
            channel.waiting.append(request)
            return
        channel.busy = True
        delayed = not self.simple and channel.last_end_req_ps == now
        self.controllers[request.channel].offer(request, now + self.tck_ps * delayed)

    def _end_request(self, request: Request) -> None:
        channel, now = self.channels[request.channel], self.kernel.now_ps
        channel.last_end_req_ps = now
        if self.simple:
            self._tell("END_REQ", request, now)
        if channel.waiting:
            self.controllers[request.channel].offer(channel.waiting.pop(0), now + self.tck_ps)
        else:
            channel.busy = False

    def _begin_response(self, request: Request) -> None:
        initiator, now = self.initiators[request.initiator], self.kernel.now_ps
        if not self.simple:
            self.controllers[request.channel].acknowledge()
        initiator.waiting.append(request)
        if not initiator.busy and (following := self._take_response(initiator)):
            delayed = not self.simple and initiator.last_end_resp_ps == now
            initiator.busy = True
            self._tell("BEGIN_RESP", following, now + self.tck_ps * delayed)

    def _end_response(self, request: Request) -> None:
        initiator, now = self.initiators[request.initiator], self.kernel.now_ps
        initiator.last_end_resp_ps = now
        if self.simple:
            self.controllers[request.channel].acknowledge()
        elif initiator.held is not None:
            held, initiator.held = initiator.held, None
            self._admit(held)
        else:
            initiator.active -= 1
        following = self._take_response(initiator)
        initiator.busy = following is not None
        if following is not None:
            self._tell("BEGIN_RESP", following, now + self.tck_ps)

    def _take_response(self, initiator: _Initiator) -> Request | None:
        for request in initiator.waiting:
            if self.config.arbiter != "Reorder" or request.thread_id == initiator.next_response:
                initiator.waiting.remove(request)
                initiator.next_response += 1
                return request
        return None

    def _tell(self, phase: str, request: Request, when_ps: int) -> None:
        self.initiators[request.initiator].mailbox.send((phase, request), when_ps)


__all__ = ["NEVER", "Outcome", "simulate_literally"]
