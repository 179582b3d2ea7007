"""Events, rounds and message queues, in the order in which SystemC 2.3 would take them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

NEVER = 1 << 62
_NEXT_ROUND = -1

Message = TypeVar("Message")


@dataclass(slots=True)
class Event:
    """At most one pending notification; it makes ``process`` run."""

    process: Callable[[], None]
    pending_ps: int = NEVER
    ticket: int = 0


@dataclass(slots=True)
class Kernel:
    """Runs processes in rounds; time advances when a round finds nothing left to do."""

    now_ps: int = 0
    round: int = 0
    _next_round: list[Event] = field(default_factory=list)
    _heap: list[tuple[int, int, Event]] = field(default_factory=list)
    _tickets: int = 0

    def notify(self, event: Event, when_ps: int) -> None:
        """Ask for ``event`` at ``when_ps``, in the next round if that is now."""
        if event.pending_ps == _NEXT_ROUND or (
            when_ps > self.now_ps and event.pending_ps <= when_ps
        ):
            return
        if when_ps <= self.now_ps:
            event.pending_ps = _NEXT_ROUND
            self._next_round.append(event)
            return
        self._tickets += 1
        event.pending_ps, event.ticket = when_ps, self._tickets
        self._push((when_ps, self._tickets, event))

    def step(self) -> bool:
        """Run one round. False: nothing is pending any more."""
        self.round += 1
        triggered = list(reversed(self._next_round))
        self._next_round.clear()
        while not triggered:
            if not self._heap:
                return False
            self.now_ps = self._heap[0][0]
            triggered = self._expired()
        processes: list[Callable[[], None]] = []
        for event in triggered:
            event.pending_ps = NEVER
            if event.process not in processes:
                processes.append(event.process)
        for process in processes:
            process()
        return True

    def _expired(self) -> list[Event]:
        events = []
        while self._heap and self._heap[0][0] == self.now_ps:
            when, ticket, event = self._pop()
            if event.ticket == ticket and event.pending_ps == when:
                events.append(event)
        return events

    def _push(self, entry: tuple[int, int, Event]) -> None:
        heap = self._heap
        heap.append(entry)
        child = len(heap)
        while child > 1 and heap[child // 2 - 1][0] > entry[0]:
            heap[child - 1] = heap[child // 2 - 1]
            child //= 2
        heap[child - 1] = entry

    def _pop(self) -> tuple[int, int, Event]:
        heap = self._heap
        top, last = heap[0], heap.pop()
        if not heap:
            return top
        node = 1
        while True:
            best, best_when = node, last[0]
            for child in (2 * node, 2 * node + 1):
                if child <= len(heap) and heap[child - 1][0] < best_when:
                    best, best_when = child, heap[child - 1][0]
            if best == node:
                break
            heap[node - 1] = heap[best - 1]
            node = best
        heap[node - 1] = last
        return top


class Mailbox(Generic[Message]):
    """Messages to a process: those without delay wait for the next round."""

    def __init__(self, kernel: Kernel, handle: Callable[[Message], None]) -> None:
        self._kernel = kernel
        self._handle = handle
        self._event = Event(self._run)
        self._next_round: list[tuple[int, Message]] = []
        self._timed: list[tuple[int, Message]] = []

    def send(self, message: Message, when_ps: int) -> None:
        """Deliver ``message`` at ``when_ps``, equal times first come first served."""
        if when_ps <= self._kernel.now_ps:
            self._next_round.append((self._kernel.round, message))
        else:
            self._timed.append((when_ps, message))
            self._timed.sort(key=lambda entry: entry[0])
        self._kernel.notify(self._event, when_ps)

    def _run(self) -> None:
        ready = [m for sent, m in self._next_round if sent < self._kernel.round]
        self._next_round = [e for e in self._next_round if e[0] == self._kernel.round]
        for message in ready:
            self._handle(message)
        while self._timed and self._timed[0][0] <= self._kernel.now_ps:
            self._handle(self._timed.pop(0)[1])
        if self._timed:
            self._kernel.notify(self._event, self._timed[0][0])
