"""Workloads by name: seeded generators and recorded traces of real programs."""

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import as_file, files
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from simulators.dram._generators import (
    Bursts,
    MixedStreams,
    PointerChase,
    Stream,
    Strided,
    UniformRandom,
)
from simulators.dram._generators_models import GemmTiles, KvCache, ZipfEmbedding
from simulators.dram._pattern import Pattern
from simulators.dram._trace import Trace
from simulators.dram._trace_info import trace_info
from simulators.dram._validation import require_int, require_number
from simulators.errors import InvalidConfigError, did_you_mean

__all__ = [
    "GENERATORS",
    "Bursts",
    "GemmTiles",
    "KvCache",
    "MixedStreams",
    "Pattern",
    "PointerChase",
    "Stream",
    "Strided",
    "UniformRandom",
    "ZipfEmbedding",
    "load_workload",
    "recordings",
    "trace_info",
    "workloads",
]

DEFAULT_REQUESTS = 10_000
"""Length of a generated workload unless ``requests`` says otherwise."""

DEFAULT_CLOCK_MHZ = 800.0
"""Clock of trace files, which do not carry their own."""

GENERATORS: dict[str, type[Pattern]] = {
    pattern.name: pattern
    for pattern in (
        Stream,
        Strided,
        UniformRandom,
        PointerChase,
        ZipfEmbedding,
        GemmTiles,
        KvCache,
        MixedStreams,
        Bursts,
    )
}
"""Generators by name; `load_workload` uses each with its defaults."""

_SUFFIXES = (".stl", ".rstl", ".stl.gz", ".rstl.gz")
_TRACES = files(__package__) / "traces"


@cache
def recordings() -> Mapping[str, dict[str, Any]]:
    """Return the manifest of the recorded traces by name: command, versions, caches, window."""
    manifest = json.loads((_TRACES / "manifest.json").read_text(encoding="utf-8"))
    return {entry["name"]: entry for entry in manifest["traces"]}


def workloads() -> dict[str, str]:
    """Return every workload name with a one-line description, generators first."""
    generated = {name: pattern.summary for name, pattern in GENERATORS.items()}
    recorded = {name: str(entry["description"]) for name, entry in recordings().items()}
    return generated | recorded


def load_workload(
    name_or_path: str | PathLike[str],
    *,
    requests: int | None = None,
    seed: int = 0,
    clock_mhz: float = DEFAULT_CLOCK_MHZ,
) -> Trace:
    """Return a workload as a trace.

    Args:
        name_or_path: A name of `workloads`, or the path of a ``.stl`` or ``.rstl`` file, gzip too.
        requests: Length of a generated trace (10,000 if None); a recorded trace or a file is cut
            after so many requests (whole if None or if it is shorter).
        seed: Seed of a generator; recorded traces ignore it.
        clock_mhz: Clock of a file's time stamps; generators and recorded traces have their own.

    Raises:
        InvalidConfigError: An unknown name, a missing file, or a number out of range.
        TraceFormatError: A file that is not a valid trace.
    """
    if requests is not None:
        require_int("requests", requests, 1, 100_000_000)
    name = fspath(name_or_path)
    if name in GENERATORS:
        return GENERATORS[name]().generate(requests or DEFAULT_REQUESTS, seed)
    if name in recordings():
        return _truncated(_recorded(name), requests)
    path = Path(name)
    if name.endswith(_SUFFIXES) or path.exists():
        require_number("clock_mhz", clock_mhz, 1, 100_000)
        if not path.is_file():
            raise InvalidConfigError(f"The trace file {name!r} does not exist or is not a file.")
        return _truncated(Trace.from_stl(path, clock_mhz=clock_mhz), requests)
    known = workloads()
    raise InvalidConfigError(
        f"Unknown workload {name!r}.{did_you_mean(name, known)} Known: {', '.join(known)}; "
        f"or the path of a file ending in {', '.join(_SUFFIXES)}."
    )


@lru_cache(maxsize=16)
def _recorded(name: str) -> Trace:
    entry = recordings()[name]
    with as_file(_TRACES / entry["file"]) as path:
        return Trace.from_stl(path, clock_mhz=entry["clock_mhz"], name=name)


def _truncated(trace: Trace, requests: int | None) -> Trace:
    if requests is None or requests >= len(trace):
        return trace
    return Trace.from_arrays(
        trace.times[:requests],
        trace.addresses[:requests],
        trace.writes[:requests],
        clock_mhz=trace.clock_mhz,
        relative=trace.relative,
        allow_decreasing=True,  # the whole trace was checked when it was read
        name=trace.name,
    )
