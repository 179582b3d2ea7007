"""Instructions per simulated request, counted by valgrind: a figure that no noise touches.

The same program runs twice under callgrind, simulating a trace once and three times; half the
difference is one simulation alone, without the interpreter's start or the decoding of the trace.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from simulators.errors import BackendError

_PROGRAM = """
from experiments.benchmarks.dram_speed import _simulate, make_trace
trace = make_trace({name!r}, {requests})
for _ in range({times}):
    _simulate(trace)
"""
_TOTAL = re.compile(r"^(?:summary|totals): (\d+)", re.MULTILINE)
_LIMIT_S = 1800


def instructions_per_request(name: str, requests: int) -> float:
    """Count the instructions that simulating a request of the trace ``name`` takes.

    Raises:
        BackendError: valgrind is missing or fails.
    """
    once, thrice = (_count(name, requests, times) for times in (1, 3))
    return (thrice - once) / 2 / requests


def _count(name: str, requests: int, times: int) -> int:
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise BackendError("valgrind is not installed. Install it to count instructions.")
    with tempfile.TemporaryDirectory(prefix="archgym-callgrind-") as folder:
        output = Path(folder) / "out"
        tool = [valgrind, "--tool=callgrind", f"--callgrind-out-file={output}", "--quiet"]
        program = _PROGRAM.format(name=name, requests=requests, times=times)
        command = [*tool, sys.executable, "-c", program]
        # Hashing without a random seed makes the interpreter's part the same in both runs.
        result = subprocess.run(  # noqa: S603 (no shell; our own program)
            command,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
        if result.returncode != 0 or not output.exists():
            raise BackendError(f"valgrind failed: {result.stderr.strip()[-500:]}")
        match = _TOTAL.search(output.read_text(encoding="utf-8"))
    if match is None:
        raise BackendError("callgrind wrote no total. Is this valgrind's callgrind?")
    return int(match[1])
