"""Comparison of one run with its reference, and the tables that sum up many."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.validation.reference import Log, Run
from simulators.dram import MemorySpec, Metrics
from simulators.dram._standard import COMMANDS

COMMAND_TIMES, REQUEST_TIMES = "command times (log)", "request times (log)"
_COLUMN_COMMANDS = ("RD", "RDA", "WR", "WRA")
_BANK_COMMANDS = (*_COLUMN_COMMANDS, "ACT", "PRE", "REFB")


@dataclass(frozen=True, slots=True)
class Quantity:
    """One compared figure: a column of the reference, printed there with so many decimals."""

    name: str
    column: str
    decimals: int
    value: Callable[[Metrics], float | None]

    def equal(self, ours: float | None, reference: float | None) -> bool:
        """Whether ``ours`` rounds to ``reference`` at the decimals that the reference prints."""
        if ours is None or reference is None:
            return ours is reference
        # The last term admits what double precision does to figures of many digits.
        half_a_unit = 0.5 * 10.0**-self.decimals * (1 + 1e-6)
        return abs(ours - reference) <= half_a_unit + 1e-14 * abs(reference)


def _count(command: str) -> Callable[[Metrics], float | None]:
    return lambda metrics: metrics.commands.get(command, 0)


QUANTITIES = (
    Quantity("total time", "time_ns", 3, lambda m: m.time_ns),
    Quantity("energy", "energy_pJ", 2, lambda m: m.energy_pj),
    Quantity("power", "power_mW", 2, lambda m: m.power_mw),
    Quantity("average bandwidth", "bw_avg_Gbps", 2, lambda m: m.bandwidth_gb_s * 8),
    Quantity("latency mean", "lat_mean_ns", 3, lambda m: m.latency_mean_ns),
    Quantity("latency p50", "lat_p50_ns", 3, lambda m: m.latency_p50_ns),
    Quantity("latency p95", "lat_p95_ns", 3, lambda m: m.latency_p95_ns),
    Quantity("latency p99", "lat_p99_ns", 3, lambda m: m.latency_p99_ns),
    Quantity("latency max", "lat_max_ns", 3, lambda m: m.latency_max_ns),
    Quantity("stall mean", "stall_mean_ns", 3, lambda m: m.stall_mean_ns),
    Quantity("requests", "requests", 0, lambda m: m.requests),
    *(Quantity(f"{command} count", f"n_{command}", 0, _count(command)) for command in COMMANDS),
)
COLUMNS = tuple(quantity.column for quantity in QUANTITIES)
GROUPS = ("memspec", "Arbiter", "RefreshPolicy", "PowerDownPolicy")
"""Columns by whose value the rows are broken down."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One quantity of one run; both None where neither side has it."""

    quantity: str
    ours: float | None
    reference: float | None
    equal: bool

    @property
    def relative_error(self) -> float:
        """Difference as a share of the reference; 1 where only one side has a value."""
        if self.ours is None or self.reference is None:
            return 0.0 if self.ours is self.reference else 1.0
        if self.ours == self.reference:
            return 0.0
        return abs(self.ours - self.reference) / (abs(self.reference) or 1.0)


@dataclass(frozen=True, slots=True)
class RowResult:
    """Everything compared of one run."""

    run: Run
    compared: tuple[Compared, ...]

    @property
    def differences(self) -> list[Compared]:
        """The quantities that differ."""
        return [each for each in self.compared if not each.equal]


def compare(run: Run, metrics: Metrics, log: Log | None) -> RowResult:
    """Compare ``metrics`` with the figures of ``run``, and the logs where there is one."""
    compared = []
    for quantity in QUANTITIES:
        reference, ours = run.figures[quantity.column], quantity.value(metrics)
        compared.append(Compared(quantity.name, ours, reference, quantity.equal(ours, reference)))
    if log is not None:
        compared += [
            _share_equal(COMMAND_TIMES, _our_commands(metrics, run.memory), _commands(log)),
            _share_equal(REQUEST_TIMES, _our_requests(metrics), _requests(log)),
        ]
    return RowResult(run, tuple(compared))


def _share_equal(
    name: str, ours: Sequence[NDArray[Any]], reference: Sequence[NDArray[Any]]
) -> Compared:
    """Compare two logs entry by entry; the values are the numbers of equal and of all entries."""
    total, common = len(reference[0]), min(len(ours[0]), len(reference[0]))
    same = np.ones(common, dtype=bool)
    for left, right in zip(ours, reference, strict=True):
        same &= left[:common] == right[:common]
    equal = len(ours[0]) == total and bool(same.all())
    return Compared(name, float(same.sum()), float(total), equal)


def _our_commands(metrics: Metrics, memory: MemorySpec) -> list[NDArray[Any]]:
    log = metrics.command_log or {}
    names = np.array(COMMANDS)[log["command"]]
    group = log["rank"] * memory.bank_groups + log["group"]
    bank = group * (memory.banks // memory.bank_groups) + log["bank"]
    return _comparable(names, log["time_ps"], log["rank"], bank, log["row"], log["column"])


def _commands(log: Log) -> list[NDArray[Any]]:
    columns = log.commands
    names = columns["command"]
    # A command of the refresh or power-down manager has no request, hence no row.
    serves = np.isin(names, _BANK_COMMANDS) & (columns["payload_id"] > 0)
    row = np.where(serves, columns["row"], -1)
    return _comparable(
        names, columns["time_ps"], columns["rank"], columns["bank"], row, columns["col"]
    )


def _comparable(
    names: NDArray[Any],
    time_ps: NDArray[Any],
    rank: NDArray[Any],
    bank: NDArray[Any],
    row: NDArray[Any],
    column: NDArray[Any],
) -> list[NDArray[Any]]:
    """Blank what has no meaning for a command: the bank of rank commands, most columns."""
    bank = np.where(np.isin(names, _BANK_COMMANDS), bank, -1)
    column = np.where(np.isin(names, _COLUMN_COMMANDS), column, -1)
    return [time_ps, names, rank, bank, row, column]


def _our_requests(metrics: Metrics) -> list[NDArray[Any]]:
    (log,) = metrics.request_log or ({},)
    times = ("trace_time_ps", "send_ps", "accept_ps", "response_ps")
    kinds = np.where(log["write"], "W", "R")
    return [kinds, log["address"], *(log[name] for name in times)]


def _requests(log: Log) -> list[NDArray[Any]]:
    """Return the reference's requests, which it logs in order of response, in order of the trace.

    A player sends at most one request at a time, so that is the order of sending.
    """
    order = np.argsort(log.requests["send_ps"], kind="stable")
    names = ("rw", "addr_hex", "trace_time_ps", "send_ps", "end_req_ps", "begin_resp_ps")
    return [log.requests[name][order] for name in names]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many rows agree, and the worst disagreement."""

    name: str
    equal: int
    total: int
    worst_relative_error: float = 0.0

    @property
    def percent(self) -> float:
        """Share of equal rows in percent."""
        return 100.0 * self.equal / self.total


def by_quantity(results: Iterable[RowResult]) -> list[Agreement]:
    """Sum up by quantity; rows where neither side has a value do not count."""
    found: dict[str, list[Compared]] = defaultdict(list)
    for result in results:
        for each in result.compared:
            if each.ours is not None or each.reference is not None:
                found[each.quantity].append(each)
    return [
        Agreement(
            name,
            sum(each.equal for each in compared),
            len(compared),
            max((each.relative_error for each in compared if not each.equal), default=0.0),
        )
        for name, compared in found.items()
    ]


def by_column(results: Iterable[RowResult], column: str) -> list[Agreement]:
    """Sum up whole rows by the value of a column of the reference."""
    found: dict[str, list[bool]] = defaultdict(list)
    for result in results:
        found[result.run.settings[column]].append(not result.differences)
    return [Agreement(name, sum(equal), len(equal)) for name, equal in sorted(found.items())]


def to_json(results: Sequence[RowResult]) -> dict[str, Any]:
    """Return the summary and every difference in types that JSON has."""

    def plain(rows: Iterable[Agreement]) -> Mapping[str, Any]:
        return {
            row.name: {
                "equal": row.equal,
                "total": row.total,
                "worst_relative_error": row.worst_relative_error,
            }
            for row in rows
        }

    return {
        "rows": len(results),
        "rows_equal": sum(not result.differences for result in results),
        "by_quantity": plain(by_quantity(results)),
        "by": {column: plain(by_column(results, column)) for column in GROUPS},
        "differences": [
            {
                "row": result.run.number,
                "quantity": each.quantity,
                "ours": each.ours,
                "reference": each.reference,
            }
            for result in results
            for each in result.differences
        ],
    }
