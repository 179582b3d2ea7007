"""Run a design on an installed DRAMSys 4.0 instead of the built-in simulator, to check the latter.

DRAMSys is called as ``DRAMSys SIMULATION.json RESOURCES``. Every run has a folder of its own with
the resources it reads: ``configs/{memspecs,amconfigs,mcconfigs,simulator}`` and ``traces``.
"""

import json
import math
import os
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulators._program import find_program, last_lines, run_program
from simulators.dram._controller import ControllerConfig
from simulators.dram._mapping import AddressMapping
from simulators.dram._memory import MemorySpec
from simulators.dram._trace import Trace
from simulators.errors import BackendError

_FIX = (
    "Give the path of the program DRAMSys that building DRAMSys 4.0 makes, or use the built-in "
    "simulator."
)
_TO_NS = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0, "ps": 1e-3, "fs": 1e-6}
_TO_PJ = {"pJ": 1.0, "nJ": 1e3, "uJ": 1e6, "mJ": 1e9}
_TO_MW = {"uW": 1e-3, "mW": 1.0, "W": 1e3}
_NUMBER = r"(-?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|nan|inf))"
_SIMULATION = {
    "AddressOffset": 0,
    "CheckTLM2Protocol": False,
    "DatabaseRecording": False,
    "Debug": False,
    "ECCControllerMode": "Disabled",
    "EnableWindowing": False,
    "ErrorCSVFile": "",
    "ErrorChipSeed": 42,
    "SimulationName": "archgym",
    "SimulationProgressBar": False,
    "StoreMode": "NoStorage",
    "ThermalSimulation": False,
    "UseMalloc": False,
    "WindowSize": 1000,
}


def simulate_dramsys(
    executable: str | os.PathLike[str],
    memory: MemorySpec,
    mapping: AddressMapping,
    controller: ControllerConfig,
    trace_or_traces: Trace | Sequence[Trace],
    *,
    timeout_s: float = 600.0,
) -> dict[str, float | None]:
    """Simulate with DRAMSys 4.0.

    Args:
        executable: path of DRAMSys, or its name if it is on the search path.
        memory: the memory device.
        mapping: the address map.
        controller: the memory controller.
        trace_or_traces: one trace per initiator; their clocks must be whole MHz.
        timeout_s: wall time after which the run is stopped.

    Returns:
        ``time_ns``, ``energy_pj`` and ``power_mw`` (None where DRAMSys reports none; summed over
        channels), ``bandwidth_gb_s`` and ``bandwidth_utilization`` (as printed: two decimals, of
        Gb/s and of percent), ``wall_s``.

    Raises:
        BackendError: the executable is missing or not executable, fails, takes too long, or prints
            something else than results.
    """
    program = find_program(executable, "DRAMSys", _FIX)
    traces = [trace_or_traces] if isinstance(trace_or_traces, Trace) else list(trace_or_traces)
    mapping.validate(memory)
    with tempfile.TemporaryDirectory(prefix="archgym-dramsys-") as name:
        folder = Path(name)
        simulation = _write_resources(folder, memory, mapping, controller, traces)
        begin = time.monotonic()
        command = [str(program), str(simulation), str(folder)]
        output = run_program(command, folder, timeout_s, "shorten the trace")
        wall_s = time.monotonic() - begin
    return {**parse_output(output, channels=memory.channels), "wall_s": wall_s}


def parse_output(output: str, *, channels: int = 1) -> dict[str, float | None]:
    """Read the result lines that DRAMSys prints, one of each kind per channel.

    Raises:
        BackendError: a line is missing, repeated or not a finite number.
    """
    times = _quantities(output, "Total Time", _TO_NS)
    energies = _quantities(output, "Total Energy", _TO_PJ)
    powers = _quantities(output, "Average Power", _TO_MW)
    bandwidths = _quantities(output, "AVG BW", {"Gb/s": 1 / 8})
    percents = [float(text) for text in re.findall(rf"AVG BW:.*\|\s*{_NUMBER}\s*%", output)]
    found = {"Total Time": times, "AVG BW": bandwidths, "AVG BW in %": percents}
    for label, values in found.items():
        if len(values) != channels:
            raise _unparsable(output, f"{len(values)} lines '{label}', expected {channels}")
    if len(energies) not in (0, channels) or len(powers) != len(energies):
        raise _unparsable(output, f"{len(energies)} lines 'Total Energy', expected {channels}")
    if not all(map(math.isfinite, (*times, *energies, *powers, *bandwidths, *percents))):
        raise _unparsable(output, "a result that is not a finite number")
    return {
        "time_ns": max(times),
        "energy_pj": sum(energies) if energies else None,
        "power_mw": sum(powers) if powers else None,
        "bandwidth_gb_s": sum(bandwidths),
        "bandwidth_utilization": sum(percents) / 100 / channels,
    }


def _write_resources(
    folder: Path,
    memory: MemorySpec,
    mapping: AddressMapping,
    controller: ControllerConfig,
    traces: Sequence[Trace],
) -> Path:
    """Write everything DRAMSys reads; return the path of the simulation's JSON."""
    memspec = memory.to_dramsys()
    # The key was renamed during the 4.x series; each version reads its own.
    architecture = memspec["memspec"]["memarchitecturespec"]
    architecture["nbrOfDevices"] = architecture["nbrOfDevicesOnDIMM"]
    power = memory.core_config()["energy"] is not None
    contents: dict[str, Any] = {
        "configs/memspecs/memspec.json": memspec,
        "configs/amconfigs/addressmapping.json": mapping.to_dramsys(),
        "configs/mcconfigs/mcconfig.json": controller.to_dramsys(),
        "configs/simulator/simconfig.json": {"simconfig": {**_SIMULATION, "PowerAnalysis": power}},
    }
    initiators = []
    for index, trace in enumerate(traces):
        if trace.clock_mhz != int(trace.clock_mhz):
            raise BackendError(
                f"trace {trace.name!r}: clock_mhz is {trace.clock_mhz}. DRAMSys reads whole MHz "
                "only. Choose a whole number, or use the built-in simulator."
            )
        name = f"trace{index}.{'rstl' if trace.relative else 'stl'}"
        (folder / "traces").mkdir(exist_ok=True)
        trace.to_stl(folder / "traces" / name)
        initiators.append({"clkMhz": int(trace.clock_mhz), "name": name})
    contents["simulation.json"] = {
        "simulation": {
            "addressmapping": "addressmapping.json",
            "mcconfig": "mcconfig.json",
            "memspec": "memspec.json",
            "simconfig": "simconfig.json",
            "simulationid": "archgym",
            "tracesetup": initiators,
        }
    }
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return folder / "simulation.json"


def _quantities(output: str, label: str, units: dict[str, float]) -> list[float]:
    """Return the numbers of all lines ``label: NUMBER UNIT``, converted."""
    pattern = rf"{re.escape(label)}:\s+{_NUMBER}\s*({'|'.join(map(re.escape, units))})\b"
    return [float(number) * units[unit] for number, unit in re.findall(pattern, output)]


def _unparsable(output: str, what: str) -> BackendError:
    return BackendError(
        f"the output of DRAMSys has {what}. Is this DRAMSys 4.0? Its last lines:\n  "
        + last_lines(output)
    )
