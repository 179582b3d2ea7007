"""Measure how fast `simulators.dram` simulates.

    python -m experiments.benchmarks.dram_speed [--requests 1000000] [--repeats 5] [--json]
    python -m experiments.benchmarks.dram_speed --reference-executable PATH-OF-DRAMSYS
    python -m experiments.benchmarks.dram_speed --callgrind

DDR3-1600 with the default controller, rows over banks over columns, one request per clock cycle.
Three traces: ``stream`` reads consecutive bursts, ``random`` reads uniformly random bursts, and
``mixed`` accesses uniformly random bursts, three in ten of them writes.
"""

import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import tyro

from experiments.benchmarks.callgrind import instructions_per_request
from simulators.dram import (
    AddressMapping,
    ControllerConfig,
    MemorySpec,
    Trace,
    simulate,
    simulate_batch,
)
from simulators.dram._dramsys import simulate_dramsys
from simulators.dram._simulate import _decode
from simulators.errors import ArchGymError, BackendError

MEMORY = MemorySpec.preset("DDR3-1600")
MAPPING = AddressMapping.preset(MEMORY, "row-bank-column")
CONTROLLER = ControllerConfig()
TRACES = ("stream", "random", "mixed")
DRAMSYS_REQUESTS_PER_S: Mapping[str, float] = {"stream": 0.5e6, "random": 0.18e6, "mixed": 0.21e6}
"""What DRAMSys 4.0 did on 1M-request traces of these kinds, measured on a machine of the kind this
project was developed on; measure your own with --reference-executable."""

_WRITE_SHARE = 0.3
_BATCH = 4
_CALLGRIND_REQUESTS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """One trace's figures; None: not measured."""

    requests_per_s: float
    """Of the fastest repeat on one core."""
    median_requests_per_s: float
    batch_speedup: float
    """Time of a batch of designs on one thread, as a multiple of that on two."""
    decode_ns_per_request: float
    reference_requests_per_s: float
    """DRAMSys: measured here if its executable was given, otherwise the published figure."""

    @property
    def times_reference(self) -> float:
        """Our speed as a multiple of the reference's."""
        return self.requests_per_s / self.reference_requests_per_s


def make_trace(name: str, requests: int) -> Trace:
    """Make one of `TRACES`."""
    rng = np.random.default_rng(0)
    bursts = MAPPING.capacity_bytes // MEMORY.bytes_per_burst
    order = np.arange(requests, dtype=np.int64)
    targets = order % bursts if name == "stream" else rng.integers(bursts, size=requests)
    writes = rng.random(requests) < (_WRITE_SHARE if name == "mixed" else 0.0)
    addresses = targets * MEMORY.bytes_per_burst
    return Trace.from_arrays(order, addresses, writes, clock_mhz=MEMORY.clk_mhz, name=name)


def seconds(action: Callable[[], object]) -> float:
    """Return the wall time of ``action``."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def measure(requests: int, repeats: int, executable: Path | None) -> dict[str, Speed]:
    """Measure every trace, the repeats taking turns so that a slow spell hits all alike."""
    traces = {name: make_trace(name, requests) for name in TRACES}
    decode = {name: _decode_seconds(trace) for name, trace in traces.items()}
    single: dict[str, list[float]] = {name: [] for name in TRACES}
    batch: dict[tuple[str, int], list[float]] = {(n, k): [] for n in TRACES for k in (1, 2)}
    for _ in range(repeats):
        for name, trace in traces.items():
            single[name].append(seconds(lambda trace=trace: _simulate(trace)))  # type: ignore[misc]
            for threads in (1, 2):
                batch[name, threads].append(_batch_seconds(trace, threads))
    return {
        name: Speed(
            requests_per_s=requests / min(single[name]),
            median_requests_per_s=requests / median(single[name]),
            batch_speedup=min(batch[name, 1]) / min(batch[name, 2]),
            decode_ns_per_request=decode[name] * 1e9 / requests,
            reference_requests_per_s=_reference_speed(trace, executable),
        )
        for name, trace in traces.items()
    }


def _simulate(trace: Trace) -> object:
    return simulate(MEMORY, MAPPING, CONTROLLER, trace)


def _batch_seconds(trace: Trace, threads: int) -> float:
    designs = [CONTROLLER] * _BATCH
    return seconds(lambda: simulate_batch(MEMORY, MAPPING, designs, trace, threads=threads))


def _decode_seconds(trace: Trace) -> float:
    return seconds(lambda: _decode(trace, MAPPING, MEMORY, wrap=True))


def _reference_speed(trace: Trace, executable: Path | None) -> float:
    if executable is None:
        return DRAMSYS_REQUESTS_PER_S[trace.name]
    # DRAMSys's own start-up counts; it is small against a million requests.
    result = simulate_dramsys(executable, MEMORY, MAPPING, CONTROLLER, trace, timeout_s=3600)
    return len(trace) / (result["wall_s"] or math.nan)


def start_up_us(calls: int = 2000, repeats: int = 5) -> float:
    """Return the time of a call with a single request, its trace decoded before."""
    trace = make_trace("stream", 1)
    _simulate(trace)

    def many() -> None:
        for _ in range(calls):
            _simulate(trace)

    return min(seconds(many) for _ in range(repeats)) / calls * 1e6


def processor() -> str:
    """Name the CPU, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} logical CPUs"


def report(speeds: Mapping[str, Speed], start_us: float, requests: int, measured: bool) -> str:
    """Return the tables as text."""
    source = (
        "DRAMSys: measured here with the given executable."
        if measured
        else "DRAMSys: figures published with this project, measured on a machine of this kind "
        "but not now; --reference-executable measures yours."
    )
    lines = [
        processor(),
        f"DDR3-1600, default controller, {requests} requests; the fastest repeat on one core.",
        source,
        "",
        f"{'trace':<8}{'M requests/s':>14}{'median':>9}{'DRAMSys':>9}{'times':>7}"
        f"{'2 threads':>11}{'decode ns':>11}",
    ]
    for name, speed in speeds.items():
        lines.append(
            f"{name:<8}{speed.requests_per_s / 1e6:>14.2f}{speed.median_requests_per_s / 1e6:>9.2f}"
            f"{speed.reference_requests_per_s / 1e6:>9.2f}{speed.times_reference:>7.1f}"
            f"{speed.batch_speedup:>10.2f}x{speed.decode_ns_per_request:>11.1f}"
        )
    lines += ["", f"start-up per call: {start_us:.1f} us"]
    return "\n".join(lines)


def main(
    requests: int = 1_000_000,
    repeats: int = 5,
    reference_executable: Path | None = None,
    callgrind: bool = False,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> int:
    """Measure how fast the DRAM simulator is.

    Args:
        requests: length of the traces.
        repeats: times that each measurement is repeated; the best counts.
        reference_executable: a DRAMSys 4.0 executable, to be timed on the same traces.
        callgrind: count instructions per request under valgrind instead of measuring time.
        json_output: print one JSON object instead of tables.
    """
    if requests < 1 or repeats < 1:
        print("error: requests and repeats must be at least 1.", file=sys.stderr)
        return 2
    try:
        if callgrind:
            counts = {name: instructions_per_request(name, _CALLGRIND_REQUESTS) for name in TRACES}
            lines = [
                f"{name:<8}{count:>10.0f} instructions/request" for name, count in counts.items()
            ]
            print(
                json.dumps({"instructions_per_request": counts})
                if json_output
                else "\n".join(lines)
            )
            return 0
        speeds = measure(requests, repeats, reference_executable)
    except (ArchGymError, BackendError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    start_us = start_up_us()
    if json_output:
        traces = {
            name: asdict(s) | {"times_reference": s.times_reference} for name, s in speeds.items()
        }
        print(json.dumps({"cpu": processor(), "traces": traces, "start_up_us": start_us}, indent=2))
    else:
        print(report(speeds, start_us, requests, reference_executable is not None))
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
