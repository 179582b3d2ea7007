"""Describe a trace: size, mix, intensity, and how friendly it is to row buffers."""

from typing import Any

import numpy as np

from simulators.dram._trace import Trace
from simulators.dram._validation import require_int, require_power_of_two

PAGE_BYTES = 4096


def trace_info(
    trace: Trace, *, request_bytes: int = 64, row_bytes: int = 8192, banks: int = 16
) -> dict[str, Any]:
    """Return what can be said of a trace without simulating it.

    Args:
        trace: The trace.
        request_bytes: Bytes that a request moves; 64 on a 64-bit channel.
        row_bytes: Bytes of a DRAM row over all devices of the channel, a power of two.
        banks: Banks of the channel, a power of two.

    Returns:
        ``name``, ``digest``, ``clock_mhz``, ``relative``; ``requests``, ``reads``, ``writes``,
        ``write_ratio``; ``duration_cycles`` and ``duration_ns`` from the first request to the last
        (a lower bound if the stamps are relative); ``mean_gap_cycles`` and ``gap_variation``
        (standard deviation over
        mean: 0 regular, 1 Poisson, above bursty); ``footprint_bytes`` (distinct lines), ``pages``
            (distinct
        4 KiB pages), ``highest_address``; ``demand_gb_s``, the bandwidth asked for;
        ``sequential_ratio``, requests that follow their predecessor's address; ``same_row_ratio``,
        requests in the row of their predecessor; ``open_row_ratio``, requests that find their row
        open when every bank keeps its last row and rows are interleaved over the banks;
        ``reuse_ratio``, requests to a line seen before.
    """
    require_int("request_bytes", request_bytes, 1, 1 << 20)
    require_int("row_bytes", row_bytes, request_bytes, 1 << 30)
    require_power_of_two("row_bytes", row_bytes)
    require_int("banks", banks, 1, 1 << 20)
    requests, writes = len(trace), int(np.count_nonzero(trace.writes))
    lines = trace.addresses // np.uint64(request_bytes)
    distinct = len(np.unique(lines))
    return {
        "name": trace.name,
        "digest": trace.digest,
        "clock_mhz": trace.clock_mhz,
        "relative": trace.relative,
        "requests": requests,
        "reads": requests - writes,
        "writes": writes,
        "write_ratio": writes / requests,
        **_timing(trace, request_bytes),
        "footprint_bytes": distinct * request_bytes,
        "pages": len(np.unique(trace.addresses // np.uint64(PAGE_BYTES))),
        "highest_address": int(trace.addresses.max()),
        "sequential_ratio": _ratio(lines[1:] == lines[:-1] + np.uint64(1)),
        **_rows(trace.addresses // np.uint64(row_bytes), banks),
        "reuse_ratio": 1 - distinct / requests,
    }


def _timing(trace: Trace, request_bytes: int) -> dict[str, float]:
    gaps = trace.times[1:] if trace.relative else np.diff(trace.times)
    duration_cycles = int(gaps.sum())
    duration_ns = duration_cycles * 1e3 / trace.clock_mhz
    mean = float(gaps.mean()) if len(gaps) else 0.0
    return {
        "duration_cycles": duration_cycles,
        "duration_ns": duration_ns,
        "mean_gap_cycles": mean,
        "gap_variation": float(gaps.std()) / mean if mean else 0.0,
        "demand_gb_s": len(trace) * request_bytes / duration_ns if duration_ns else 0.0,
    }


def _rows(rows: "np.ndarray[Any, np.dtype[np.uint64]]", banks: int) -> dict[str, float]:
    order = np.argsort(rows % np.uint64(banks), kind="stable")
    by_bank = rows[order]
    return {
        "same_row_ratio": _ratio(rows[1:] == rows[:-1]),
        # Equal neighbours are always of one bank: the bank is part of the row number.
        "open_row_ratio": int(np.count_nonzero(by_bank[1:] == by_bank[:-1])) / len(rows),
    }


def _ratio(flags: "np.ndarray[Any, np.dtype[np.bool_]]") -> float:
    return float(flags.mean()) if len(flags) else 0.0
