"""Small scenarios and random cases for the simulator's tests."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from simulators.dram import AddressMapping, ControllerConfig, MemorySpec, Metrics, Trace, simulate
from simulators.dram._standard import COMMANDS

PRESET_OF = {
    "DDR3": "DDR3-1600",
    "DDR4": "DDR4-2400",
    "LPDDR4": "LPDDR4-3200",
    "HBM2": "HBM2-2000",
}
_REQUEST = re.compile(r"([RW])(\d)([a-p])(\d+)(?:/(\d+))?(?:@(\d+))?")
# A plain controller: nothing but the banks' own timing decides.
PLAIN: dict[str, Any] = {
    "page_policy": "Open",
    "scheduler": "FrFcfs",
    "scheduler_buffer": "Shared",
    "request_buffer_size": 32,
    "refresh_policy": "NoRefresh",
    "refresh_max_postponed": 0,
    "refresh_max_pulledin": 0,
    "arbiter": "Fifo",
    "max_active_transactions": 128,
}


@dataclass(frozen=True)
class Issued:
    """A command of a scenario's log, in cycles of the memory's clock."""

    cycle: int
    name: str
    bank: str
    """Rank and bank letter ("0a"), the rank alone for commands to a whole rank."""
    request: int

    def __str__(self) -> str:
        return f"{self.cycle} {self.name} {self.bank}"


@dataclass(frozen=True)
class Scenario:
    """Requests written like "R0a7@20": read, rank 0, bank a, row 7, in cycle 20 or when possible.

    Bank letters count through all bank groups; "/3" after the row gives the column in bursts, which
    is the request's number if left out.
    """

    standard: str
    requests: str
    controller: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, int] = field(default_factory=dict)
    ranks: int | None = None
    compatibility: Any = "corrected"

    @property
    def memory(self) -> MemorySpec:
        preset = MemorySpec.preset(PRESET_OF[self.standard])
        changed = {**preset.timings, **self.timings}
        return replace(preset, timings=changed, ranks=self.ranks or preset.ranks)

    def run(self) -> Metrics:
        memory = self.memory
        mapping = AddressMapping.preset(memory, "row-bank-column")
        times, addresses, writes = [], [], []
        for number, text in enumerate(self.requests.split()):
            match = _REQUEST.fullmatch(text)
            assert match, text
            kind, rank, bank, row, column, at = match.groups()
            place = (int(rank), ord(bank) - ord("a"), int(row), int(column or number))
            times.append(int(at) if at else max(times, default=0))
            addresses.append(address_of(memory, mapping, *place))
            writes.append(kind == "W")
        trace = Trace.from_arrays(times, addresses, np.array(writes), clock_mhz=memory.clk_mhz)
        controller = ControllerConfig(**{**PLAIN, **self.controller})
        compatibility = self.compatibility
        return simulate(memory, mapping, controller, trace, compatibility=compatibility, log=True)

    def commands(self) -> list[Issued]:
        return issued(self.memory, self.run())


def address_of(
    memory: MemorySpec, mapping: AddressMapping, rank: int, bank: int, row: int, burst: int
) -> int:
    """Return the byte address of a burst; the map must not hash."""
    per_group = memory.banks // memory.bank_groups
    values = {
        "rank": rank,
        "bank_group": bank // per_group,
        "bank": bank % per_group,
        "row": row,
        "column": burst * memory.burst_length,
    }
    return sum(
        (value >> position & 1) << bit
        for name, value in values.items()
        for position, bit in enumerate(getattr(mapping, name))
    )


def issued(memory: MemorySpec, metrics: Metrics) -> list[Issued]:
    log = metrics.command_log
    assert log is not None
    per_group = memory.banks // memory.bank_groups
    result = []
    for time, command, rank, group, bank, request in zip(
        *(log[c].tolist() for c in ("time_ps", "command", "rank", "group", "bank", "request")),
        strict=True,
    ):
        cycle, rest = divmod(time, memory.tck_ps)
        assert rest == 0
        name = COMMANDS[command]
        of_bank = name in ("RD", "RDA", "WR", "WRA", "ACT", "PRE", "REFB")
        letter = chr(ord("a") + group * per_group + bank) if of_bank else ""
        result.append(Issued(cycle, name, f"{rank}{letter}", request))
    return result


@pytest.fixture(scope="session")
def scenario() -> type[Scenario]:
    return Scenario


@dataclass(frozen=True)
class Case:
    """A random memory, design and workload."""

    memory: MemorySpec
    mapping: AddressMapping
    controller: ControllerConfig
    traces: list[Trace]
    compatibility: Any

    def run(self, **options: Any) -> Metrics:
        return simulate(
            self.memory,
            self.mapping,
            self.controller,
            self.traces,
            compatibility=self.compatibility,
            **options,
        )


@st.composite
def memories(draw: st.DrawFn, presets: tuple[str, ...], channels: tuple[int, ...]) -> MemorySpec:
    """Presets with other clocks, ranks, channels, and refresh intervals short enough to matter."""
    preset = MemorySpec.preset(draw(st.sampled_from(presets)))
    timings = dict(preset.timings)
    for interval, duration in (
        ("REFI", "RFC" if "RFC" in timings else "RFCAB"),
        ("REFIPB", "RFCPB"),
        ("REFISB", "RFCSB"),
    ):
        if interval in timings:
            timings[interval] = 2 * timings[duration] + draw(st.integers(1, 400))
    changed = draw(st.sampled_from(sorted(set(timings) - {"REFM", "REFI", "REFIPB", "REFISB"})))
    timings[changed] += draw(st.integers(0, 5))
    return replace(
        preset,
        timings=timings,
        clk_mhz=draw(st.sampled_from((preset.clk_mhz, 333, 1066))),
        ranks=draw(st.sampled_from((preset.ranks, 1, 2, 4))),
        channels=draw(st.sampled_from(channels)),
    )


@st.composite
def controllers(draw: st.DrawFn, per_bank_refresh: bool) -> ControllerConfig:
    """Every combination of policies; orders that can wait for themselves are left out."""
    strict = draw(st.sampled_from(("Oldest", "Oldest", "Strict")))
    refresh = ("NoRefresh", "AllBank", "PerBank") if per_bank_refresh else ("NoRefresh", "AllBank")
    sizes = st.sampled_from((1, 2, 3, 8, 128))
    return ControllerConfig(
        page_policy=draw(st.sampled_from(("Open", "OpenAdaptive", "Closed", "ClosedAdaptive"))),
        scheduler=draw(
            st.just("Fifo")
            if strict == "Strict"
            else st.sampled_from(("Fifo", "FrFcfs", "FrFcfsGrp"))
        ),
        scheduler_buffer=draw(st.sampled_from(("Bankwise", "ReadWrite", "Shared"))),
        request_buffer_size=draw(sizes),
        cmd_mux=strict,
        resp_queue=draw(st.sampled_from(("Fifo", "Reorder"))),
        refresh_policy=draw(st.sampled_from(refresh)),
        refresh_max_postponed=draw(st.integers(0, 3)),
        refresh_max_pulledin=draw(st.integers(0, 3)),
        power_down_policy=draw(st.sampled_from(("NoPowerDown", "Staggered"))),
        arbiter=draw(st.sampled_from(("Simple", "Fifo", "Reorder"))),
        max_active_transactions=draw(sizes),
    )


@st.composite
def traces(draw: st.DrawFn, memory: MemorySpec, mapping: AddressMapping) -> Trace:
    """Few banks and rows, so that hits and conflicts abound; bursts and idle gaps."""
    count = draw(st.integers(1, 30))
    gap = draw(st.sampled_from((0, 1, 2, 40)))
    capacity = mapping.capacity_bytes
    places = draw(st.sampled_from((2, 8, 1 << 20)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    unit = memory.bytes_per_burst
    high = rng.integers(places, size=count) * (capacity // places // unit * unit)
    low = rng.integers(draw(st.sampled_from((1, 2, 64))), size=count) * unit
    delays = rng.integers(0, gap + 1, size=count)
    delays[rng.random(count) < 0.1] += draw(st.sampled_from((0, 0, 300, 4000)))
    relative = draw(st.booleans())
    return Trace.from_arrays(
        delays if relative else np.cumsum(delays),
        ((high + low) % capacity).astype(np.uint64),
        rng.random(count) < draw(st.sampled_from((0.0, 0.5, 1.0))),
        clock_mhz=draw(st.sampled_from((memory.clk_mhz, 200, 777, 3200))),
        relative=relative,
    )


@st.composite
def cases(
    draw: st.DrawFn,
    presets: tuple[str, ...] = (*PRESET_OF.values(), "DDR4-1866"),
    channels: tuple[int, ...] = (1,),
    initiators: int = 1,
    compatibilities: tuple[str, ...] = ("dramsys40", "corrected"),
) -> Case:
    memory = draw(memories(presets, channels))
    mapping = AddressMapping.preset(memory, draw(st.sampled_from(AddressMapping.presets(memory))))
    count = draw(st.integers(1, initiators))
    return Case(
        memory,
        mapping,
        draw(controllers(memory.standard in ("LPDDR4", "HBM2"))),
        [draw(traces(memory, mapping)) for _ in range(count)],
        draw(st.sampled_from(compatibilities)),
    )


@pytest.fixture(scope="session")
def any_case() -> Callable[..., st.SearchStrategy[Case]]:
    return cases
