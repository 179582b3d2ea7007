"""Record the traces that ship with `simulators.dram`, and write their manifest.

Usage: python -m experiments.traces.record [NAME ...] [--out FOLDER]

Without names all are recorded, which takes some ten minutes, most of them for the database and the
compiler; the entries of the others are kept. Needs valgrind and the programs of Debian packages
bzip2, coreutils, sqlite3, gcc and g++.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments.traces.make_inputs import write_inputs
from simulators.dram._cache import CacheConfig, CacheHierarchy
from simulators.dram._lackey import LackeyProcess
from simulators.dram._recorder import record
from simulators.dram._recording import RecordingConfig, RecordingReport

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "simulators" / "dram" / "traces"
REQUESTS = 10_000

# A small core's caches: what a program of a few megabytes does to them, a larger program does to
# larger ones. Recording is ~500 times slower than running, so the programs are kept small instead.
CACHES = CacheHierarchy(
    l1i=CacheConfig(size_bytes=16 * 1024, ways=4),
    l1d=CacheConfig(size_bytes=16 * 1024, ways=4),
    l2=CacheConfig(size_bytes=128 * 1024, ways=8),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A program and the window of it that is recorded."""

    description: str
    """One line for the list of workloads."""
    command: tuple[str, ...]
    """Run in a folder with the inputs and the files of `programs/`."""
    skip_instructions: int
    """Where the window opens."""
    phase: str
    """What the program is doing in the window."""
    ipc: float = 2.0
    """Instructions per cycle of a 3.2 GHz core: 2, or less where the phase asks for more data than
    a memory channel can deliver."""
    version: tuple[str, ...] = ()
    """Command whose first line of output is the version; the program with --version by default."""


BUILD = ("gcc", "-O2", "-std=c11", "-D_GNU_SOURCE")
GCC = (BUILD[0], "--version")

RECORDINGS = {
    "sort": Recording(
        description="GNU sort of 40,000 lines: merge passes over line pointers and text",
        command=("sort", "--parallel=1", "-S", "32M", "lines.txt"),
        skip_instructions=20_500_000,
        phase="merging runs in memory",
        ipc=1.0,
    ),
    "bzip2": Recording(
        description="bzip2 of 420 kB of text: block sorting, scattered reads and writes",
        command=("bzip2", "-9", "-k", "-c", "text.txt"),
        skip_instructions=62_500_000,
        phase="Burrows-Wheeler block sorting",
    ),
    "sqlite": Recording(
        description="SQLite grouping 20,000 rows through an index: B-tree look-ups",
        command=("sqlite3", "-init", "aggregate.sql", ":memory:", ".quit"),
        skip_instructions=190_000_000,
        phase="SELECT ... GROUP BY over the index",
    ),
    "compiler": Recording(
        description="g++ -O2 compiling a small C++ file: pointers all over the heap",
        command=(
            "/usr/lib/gcc/x86_64-linux-gnu/12/cc1plus",
            "-quiet",
            "-imultiarch",
            "x86_64-linux-gnu",
            "-D_GNU_SOURCE",
            "-O2",
            "-o",
            "/dev/null",
            "positions.cpp",
        ),
        skip_instructions=300_000_000,
        phase="parsing and instantiating templates",
        version=("g++", "--version"),
    ),
    "fft": Recording(
        description="in-place FFT of 65,536 complex samples: butterflies at growing strides",
        command=("./fft", "1"),
        skip_instructions=12_000_000,
        phase="butterflies",
        ipc=0.5,
        version=GCC,
    ),
    "spmv": Recording(
        description="sparse matrix-vector products: streaming values, gathering the vector",
        command=("./spmv", "2"),
        skip_instructions=7_000_000,
        phase="power iteration",
        ipc=0.5,
        version=GCC,
    ),
    "mlp": Recording(
        description="inference of a three-layer perceptron: streaming 0.7 million weights",
        command=("./mlp", "2"),
        skip_instructions=8_200_000,
        phase="the layers' matrix-vector products",
        version=GCC,
    ),
    "bfs": Recording(
        description="breadth-first search over 120,000 nodes: a queue, and look-ups anywhere",
        command=("./bfs", "1"),
        skip_instructions=11_000_000,
        phase="search",
        ipc=0.5,
        version=GCC,
    ),
}


def environment() -> dict[str, str]:
    """Return a fixed environment."""
    return dict.fromkeys(LackeyProcess.KEPT_VARIABLES, "") | {"PATH": "/usr/bin:/bin"}


def program_version(recording: Recording) -> str:
    """Return the first line of the program's version."""
    command = recording.version or (recording.command[0], "--version")
    path = environment()["PATH"]
    done = subprocess.run(  # noqa: S603  (commands of the table above)
        [shutil.which(command[0], path=path) or command[0], *command[1:]],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return (done.stdout or done.stderr).strip().splitlines()[0]


def record_one(name: str, folder: Path, out: Path) -> dict[str, Any]:
    """Record one trace and return its manifest entry."""
    recording = RECORDINGS[name]
    config = RecordingConfig(
        caches=CACHES,
        ipc=recording.ipc,
        skip_instructions=recording.skip_instructions,
        max_requests=REQUESTS,
        env=environment(),
        cwd=str(folder),
    )
    file = f"{name}.stl.gz"
    report = record(recording.command, out=out / file, config=config)
    print(f"{name}: {report.requests} requests, {report.wall_s:.0f} s", flush=True)
    return manifest_entry(name, file, recording, config, report)


def manifest_entry(
    name: str, file: str, recording: Recording, config: RecordingConfig, report: RecordingReport
) -> dict[str, Any]:
    """Return what is needed to record the trace again, and to check that it is the same."""
    options = asdict(config)
    return {
        "name": name,
        "description": recording.description,
        "file": file,
        "clock_mhz": config.clock_mhz,
        "requests": report.requests,
        "digest": report.digest,
        "build": build_command(name) if recording.version == GCC else None,
        "command": list(recording.command),
        "program_version": program_version(recording),
        "valgrind_version": report.valgrind,
        "phase": recording.phase,
        "recording": {
            key: options[key]
            for key in (
                "caches", "cpu_mhz", "ipc", "skip_instructions", "max_requests", "device_bytes",
                "page_bytes", "page_allocation",
            )
        },
        "window_instructions": report.instructions - config.skip_instructions,
    }  # fmt: skip


def compile_programs(folder: Path) -> None:
    """Compile the C programs of the folder."""
    for source in sorted(folder.glob("*.c")):
        subprocess.run(build_command(source.stem), cwd=folder, check=True)  # noqa: S603


def build_command(program: str) -> list[str]:
    """Return the command that compiles a program of `programs/`."""
    return [*BUILD, "-o", program, f"{program}.c", "-lm"]


def main() -> None:
    """Record the named traces and write the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(RECORDINGS))
    parser.add_argument("--out", type=Path, default=SHIPPED)
    options = parser.parse_args()
    if unknown := set(options.names) - set(RECORDINGS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(RECORDINGS)}")
    manifest = options.out / "manifest.json"
    entries = {}
    if manifest.exists():
        kept = json.loads(manifest.read_text(encoding="utf-8"))["traces"]
        entries = {entry["name"]: entry for entry in kept}
    # A fixed name: programs see their folder, so a random one would give a random trace.
    folder = Path(tempfile.gettempdir()) / "archgym-recording"
    shutil.copytree(HERE / "programs", folder)
    try:
        write_inputs(folder)
        compile_programs(folder)
        for name in options.names or RECORDINGS:
            entries[name] = record_one(name, folder, options.out)
            ordered = [entries[each] for each in RECORDINGS if each in entries]
            manifest.write_text(json.dumps({"traces": ordered}, indent=1) + "\n", encoding="utf-8")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
