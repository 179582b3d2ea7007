"""Run the simulator core: one design, or a batch of designs on threads."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from simulators.dram import _core
from simulators.dram._controller import ControllerConfig
from simulators.dram._mapping import AddressMapping
from simulators.dram._memory import MemorySpec
from simulators.dram._metrics import Metrics, column_of_requests, make_metrics
from simulators.dram._trace import Trace, check_addresses
from simulators.errors import InvalidConfigError, SimulationStalledError, did_you_mean

Compatibility: TypeAlias = Literal["dramsys40", "corrected"]
COMPATIBILITIES: tuple[Compatibility, ...] = ("dramsys40", "corrected")

# What the core's bit masks and counters hold.
_MAX_BANKS_PER_RANK = 64
_MAX_RANKS = 32
_MAX_CHANNELS = 127
_MAX_ROWS = 1 << 31
_MAX_INITIATORS = 1024
_MAX_DELAY_PS = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A trace seen through one address map of one memory."""

    native: _core.DecodedTrace
    wrapped_requests: int


_decoded: WeakKeyDictionary[Trace, dict[tuple[AddressMapping, MemorySpec], _Decoded]] = (
    WeakKeyDictionary()
)


def simulate(
    memory: MemorySpec,
    mapping: AddressMapping,
    controller: ControllerConfig,
    trace: Trace | Sequence[Trace],
    *,
    compatibility: Compatibility = "dramsys40",
    wrap_addresses: bool | None = None,
    log: bool = False,
) -> Metrics:
    """Simulate memory controllers and DRAM devices command by command.

    Args:
        memory: the device: standard, organisation, timings, currents.
        mapping: how addresses select channel, rank, bank, row and column.
        controller: the design; every channel has one such controller.
        trace: the requests of one initiator, or a list of traces: one initiator each.
        compatibility: "dramsys40" reproduces DRAMSys 4.0 to the picosecond, oddities included;
            "corrected" repairs them (see the README's list).
        wrap_addresses: whether a request beyond the memory's size is wrapped round, its high
            address bits ignored (counted in ``wrapped_requests``), or an error. None: wrapped in
            "dramsys40" mode, as DRAMSys does, and an error in "corrected" mode.
        log: also return every command and every request's times.

    Raises:
        InvalidConfigError: map and memory do not fit together, or an argument is not allowed.
        TraceFormatError: a request lies beyond the memory and ``wrap_addresses`` forbids it.
        SimulationStalledError: the design waits for itself and would never finish.
    """
    (result,) = _run(memory, [mapping], [controller], trace, 1, compatibility, wrap_addresses, log)
    if isinstance(result, SimulationStalledError):
        raise result
    return result


def simulate_batch(
    memory: MemorySpec,
    mapping: AddressMapping | Sequence[AddressMapping],
    controllers: Sequence[ControllerConfig],
    trace: Trace | Sequence[Trace],
    *,
    threads: int = 1,
    compatibility: Compatibility = "dramsys40",
    wrap_addresses: bool | None = None,
) -> list[Metrics | SimulationStalledError]:
    """Simulate many controllers on the same requests; see `simulate`.

    Args:
        memory: the device.
        mapping: one address map for all, or one per controller.
        controllers: the designs.
        trace: one trace, or a list: one initiator each.
        threads: designs simulated at the same time, at least 1. The GIL is released; the number
            of threads changes nothing but the time it takes.
        compatibility: see `simulate`.
        wrap_addresses: see `simulate`.

    Returns:
        The outcomes in the order of ``controllers``. A design that can never finish gives a
        `SimulationStalledError` in its place, so that it costs the others nothing.

    Raises:
        InvalidConfigError: map and memory do not fit together, or an argument is not allowed.
        TraceFormatError: a request lies beyond the memory and ``wrap_addresses`` forbids it.
    """
    if not isinstance(threads, int) or threads < 1:
        raise InvalidConfigError(f"threads is {threads!r}. Use a whole number of at least 1.")
    if isinstance(mapping, AddressMapping):
        mapping = [mapping] * len(controllers)
    if len(mapping) != len(controllers):
        raise InvalidConfigError(
            f"{len(mapping)} address maps for {len(controllers)} controllers. Pass one map, or as "
            "many as controllers."
        )
    return _run(memory, mapping, controllers, trace, threads, compatibility, wrap_addresses, False)


def _run(
    memory: MemorySpec,
    mappings: Sequence[AddressMapping],
    controllers: Sequence[ControllerConfig],
    trace: Trace | Sequence[Trace],
    threads: int,
    compatibility: Compatibility,
    wrap_addresses: bool | None,
    log: bool,
) -> list[Metrics | SimulationStalledError]:
    if compatibility not in COMPATIBILITIES:
        raise InvalidConfigError(
            f"compatibility is {compatibility!r}.{did_you_mean(compatibility, COMPATIBILITIES)} "
            f"Allowed: {', '.join(COMPATIBILITIES)}."
        )
    traces = [trace] if isinstance(trace, Trace) else list(trace)
    if not 1 <= len(traces) <= _MAX_INITIATORS:
        raise InvalidConfigError(f"{len(traces)} traces. Pass 1 to {_MAX_INITIATORS}.")
    for controller in controllers:
        _check_refresh(controller, memory)
    quirks = compatibility == "dramsys40"
    wrap = quirks if wrap_addresses is None else wrap_addresses
    players = [[_decode(each, mapping, memory, wrap) for each in traces] for mapping in mappings]
    results = _core.run_batch(
        _native(memory),
        [controller.core_config() for controller in controllers],
        [[each.native for each in part] for part in players],
        threads,
        quirks,
        log,
    )
    return [
        _outcome(result, memory, controller, traces, part, log)
        for result, controller, part in zip(results, controllers, players, strict=True)
    ]


def _check_refresh(controller: ControllerConfig, memory: MemorySpec) -> None:
    per_bank = controller.refresh_policy == "PerBank"
    if per_bank and not memory.core_config()["refresh_interval_per_bank_ps"]:
        raise InvalidConfigError(
            f"refresh_policy is 'PerBank', but {memory.standard} (memory {memory.name!r}) has no "
            "per-bank refresh. Use 'AllBank' or 'NoRefresh'."
        )


def _outcome(
    result: _core.Result,
    memory: MemorySpec,
    controller: ControllerConfig,
    traces: Sequence[Trace],
    decoded: Sequence[_Decoded],
    log: bool,
) -> Metrics | SimulationStalledError:
    if result.stalled:
        return SimulationStalledError(
            f"the design waits for itself: {result.outstanding} of {sum(map(len, traces))} "
            f"requests are unanswered at {result.stalled_at_ps / 1000:.0f} ns and no command can "
            f"be issued any more (scheduler {controller.scheduler}, cmd_mux {controller.cmd_mux}, "
            f"resp_queue {controller.resp_queue}). Strict order needs scheduler Fifo."
        )
    logs = None
    if log:
        commands = result.command_log(_native(memory))
        commands["column"] = column_of_requests(commands, [d.native.columns for d in decoded])
        requests = [
            {"write": trace.writes, "address": trace.addresses, **times}
            for trace, times in zip(traces, result.request_log(), strict=True)
        ]
        logs = (commands, requests)
    wrapped = sum(each.wrapped_requests for each in decoded)
    return make_metrics(result, memory, wrapped_requests=wrapped, logs=logs)


def _decode(trace: Trace, mapping: AddressMapping, memory: MemorySpec, wrap: bool) -> _Decoded:
    known = _decoded.setdefault(trace, {})
    decoded = known.get((mapping, memory))
    if decoded is None:
        native = _core.decode(
            _native(memory),
            mapping.core_config(memory),
            trace.times,
            trace.addresses,
            trace.writes,
            trace.clock_ps,
            trace.relative,
        )
        beyond = int(np.count_nonzero(trace.addresses >= np.uint64(mapping.capacity_bytes)))
        decoded = known[mapping, memory] = _Decoded(native, beyond)
    if decoded.wrapped_requests and not wrap:
        check_addresses(trace, memory, mapping)
    return decoded


@lru_cache(maxsize=256)
def _native(memory: MemorySpec) -> _core.Memory:
    core = memory.core_config()
    delay_ps = max(int(core["constraints"][:, 3].max()), *core["window_ps"])
    limits = {
        "ps in its longest timing constraint": (delay_ps, _MAX_DELAY_PS),
        "banks": (memory.banks, _MAX_BANKS_PER_RANK),
        "ranks": (memory.ranks, _MAX_RANKS),
        "channels": (memory.channels, _MAX_CHANNELS),
        "rows": (memory.rows, _MAX_ROWS),
    }
    for name, (value, limit) in limits.items():
        if value > limit:
            raise InvalidConfigError(
                f"memory {memory.name!r} has {value} {name}. The simulator takes up to {limit}."
            )
    return _core.Memory(core)
