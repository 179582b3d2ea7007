"""What a simulation measures."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.dram import _core
from simulators.dram._chrome_trace import write_chrome_trace
from simulators.dram._memory import MemorySpec
from simulators.dram._standard import COMMANDS
from simulators.errors import InvalidConfigError

_PS_PER_NS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The outcome of one simulation, over all channels and initiators together."""

    time_ns: float
    """Time at which the last response reaches its initiator."""
    energy_pj: float | None
    """Energy of all DRAM devices (DRAMPower 4's model); None: see ``energy_reason``."""
    power_mw: float | None
    """Mean power of all DRAM devices. In "dramsys40" mode over DRAMPower's own time window, which
    ends with the last command, not over ``time_ns``."""
    bandwidth_gb_s: float
    """Bytes of the served requests per time, in 1e9 bytes/s. In "dramsys40" mode with arbiter
    Simple the last request does not count, as in DRAMSys."""
    bandwidth_utilization: float
    """``bandwidth_gb_s`` as a share of the peak bandwidth, 0 to 1."""
    latency_mean_ns: float
    """Mean time from sending a request (after back-pressure) to its response."""
    latency_p50_ns: float
    """Median latency; a q-quantile is the element of rank floor(q n) of n, from 0."""
    latency_p95_ns: float
    latency_p99_ns: float
    latency_max_ns: float
    stall_mean_ns: float
    """Mean time from sending a request to its acceptance."""
    row_hit_rate: float
    """Share of column commands that needed no activate of their own, 0 to 1."""
    requests: int
    commands: dict[str, int]
    """How often each command was issued; commands never issued are left out."""
    energy_breakdown_pj: dict[str, float] | None
    """Energy by kind; the values add up to ``energy_pj``."""
    energy_reason: str | None = None
    """Why there is no energy."""
    wrapped_requests: int = 0
    """Requests beyond the memory's size, whose high address bits were ignored."""
    command_log: Mapping[str, NDArray[Any]] | None = field(default=None, repr=False, compare=False)
    """With ``log=True``: columns time_ps, command (index into `COMMANDS`), channel, rank, group,
    bank, row, column, initiator and request (index in its trace; -1: none), in order of time."""
    request_log: Sequence[Mapping[str, NDArray[Any]]] | None = field(
        default=None, repr=False, compare=False
    )
    """With ``log=True``: per initiator the columns write, address, trace_time_ps, send_ps,
    accept_ps, response_ps, in order of the trace."""
    _memory: MemorySpec | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the logs, JSON-compatible."""
        skip = {"command_log", "request_log", "_memory"}
        return {name: getattr(self, name) for name in self.__slots__ if name not in skip}

    def to_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write commands and requests for a trace viewer (Perfetto, chrome://tracing).

        Raises:
            InvalidConfigError: the simulation ran without ``log=True``.
            OSError: the file cannot be written.
        """
        if self.command_log is None or self.request_log is None or self._memory is None:
            raise InvalidConfigError("these metrics carry no log. Simulate with log=True.")
        write_chrome_trace(path, self._memory, self.command_log, self.request_log)


def make_metrics(
    result: _core.Result,
    memory: MemorySpec,
    *,
    wrapped_requests: int,
    logs: tuple[Mapping[str, NDArray[Any]], Sequence[Mapping[str, NDArray[Any]]]] | None,
) -> Metrics:
    """Turn the core's integers into metrics with units."""
    counts = result.commands
    columns = counts[0] + counts[1] + counts[2] + counts[3]
    activates = counts[COMMANDS.index("ACT")]
    bandwidth = result.served * memory.bytes_per_burst * _PS_PER_NS / result.time_ps
    energy = result.energy if memory.core_config()["energy"] is not None else None
    n = result.requests
    return Metrics(
        time_ns=result.time_ps / _PS_PER_NS,
        energy_pj=energy.total if energy else None,
        power_mw=result.power_mw if energy else None,
        energy_reason=memory.core_config()["energy_reason"],
        bandwidth_gb_s=bandwidth,
        bandwidth_utilization=bandwidth / memory.peak_bandwidth_gb_s,
        latency_mean_ns=result.latency_sum_ps / n / _PS_PER_NS,
        latency_p50_ns=result.latency_p50_ps / _PS_PER_NS,
        latency_p95_ns=result.latency_p95_ps / _PS_PER_NS,
        latency_p99_ns=result.latency_p99_ps / _PS_PER_NS,
        latency_max_ns=result.latency_max_ps / _PS_PER_NS,
        stall_mean_ns=result.stall_sum_ps / n / _PS_PER_NS,
        row_hit_rate=max(0.0, 1.0 - activates / columns),
        requests=n,
        commands={name: count for name, count in zip(COMMANDS, counts, strict=True) if count},
        energy_breakdown_pj=_breakdown(energy) if energy else None,
        wrapped_requests=wrapped_requests,
        command_log=logs[0] if logs else None,
        request_log=logs[1] if logs else None,
        _memory=memory,
    )


def _breakdown(energy: _core.Energy) -> dict[str, float]:
    return {
        "activate": energy.activate,
        "precharge": energy.precharge,
        "read": energy.read,
        "write": energy.write,
        "refresh": energy.refresh,
        "background_active": energy.background_active,
        "background_precharged": energy.background_precharged,
        "power_down": energy.power_down,
        "self_refresh": energy.self_refresh,
    }


def column_of_requests(
    command_log: Mapping[str, NDArray[Any]], columns: Sequence[NDArray[np.int32]]
) -> NDArray[np.int32]:
    """Return the column address of each logged command; -1 where there is none."""
    result = np.full(len(command_log["time_ps"]), -1, dtype=np.int32)
    is_column_command = command_log["command"] < COMMANDS.index("ACT")
    for initiator, values in enumerate(columns):
        rows = is_column_command & (command_log["initiator"] == initiator)
        result[rows] = values[command_log["request"][rows]]
    return result
