"""What the parts of the literal model exchange."""

from dataclasses import dataclass

from experiments.validation.literal.timing import Place


@dataclass(slots=True, eq=False)
class Request:
    """One request on its way; the times are as in `Metrics.request_log`."""

    initiator: int
    index: int
    write: bool
    address: int
    channel: int
    place: Place
    row: int
    trace_time_ps: int
    send_ps: int
    accept_ps: int = -1
    response_ps: int = -1
    thread_id: int = 0
    channel_id: int = 0


@dataclass(slots=True)
class Logged:
    """One issued command."""

    time_ps: int
    command: str
    channel: int
    place: Place
    row: int
    initiator: int
    request: int
