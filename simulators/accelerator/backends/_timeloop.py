"""Evaluate with a user's ``timeloop-model`` instead of the built-in model, to check the latter.

Architecture, problem, mapping, energy and area tables are written as Timeloop's version 0.3; with
both tables given it does not call Accelergy. Every run has a folder of its own.
"""

import dataclasses
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from simulators._program import find_program, printed, run_program
from simulators.accelerator._architecture import Architecture, Compute, Level
from simulators.accelerator._layer import Layer
from simulators.accelerator._mapping import Mapping
from simulators.accelerator.backends._result import BackendCost
from simulators.accelerator.backends._timeloop_stats import parse_stats
from simulators.errors import BackendError

STATS = "timeloop-model.stats.txt"
_FIX = (
    "Give the path of timeloop-model (github.com/NVlabs/timeloop, version 3), or use the built-in "
    "model."
)


def evaluate_timeloop(
    architecture: Architecture,
    layer: Layer,
    mapping: Mapping,
    *,
    executable: str | os.PathLike[str] = "timeloop-model",
    timeout_s: float = 600.0,
) -> BackendCost:
    """Evaluate with timeloop-model.

    Args:
        architecture: its energies and areas go along as tables.
        layer: the problem, written with its own shape.
        mapping: one that Timeloop's directives can say.
        executable: path of timeloop-model, or its name if it is on the search path.
        timeout_s: wall time after which the run is stopped.

    Raises:
        BackendError: the executable is missing or not executable, fails, takes too long, refuses
            the mapping, or writes something else than statistics.
        InvalidConfigError: the mapping cannot be written as Timeloop's directives.
    """
    program = find_program(executable, "timeloop-model", _FIX)
    contents = {
        "arch.yaml": architecture.to_timeloop(),
        "problem.yaml": layer.to_timeloop(),
        "mapping.yaml": mapping.to_timeloop([tensor.name for tensor in layer.tensors]),
        "ERT.yaml": energy_table(architecture),
        "ART.yaml": area_table(architecture),
    }
    with tempfile.TemporaryDirectory(prefix="archgym-timeloop-") as name:
        folder = Path(name)
        for file, content in contents.items():
            text = yaml.safe_dump(content, sort_keys=False)
            (folder / file).write_text(text, encoding="utf-8")
        begin = time.monotonic()
        run_program([str(program), *contents], folder, timeout_s, "choose a smaller layer")
        wall_s = time.monotonic() - begin
        path = folder / STATS
        if not path.is_file():
            # It refuses a mapping with exit status 0 in some versions.
            raise BackendError(f"{program} wrote no {STATS}. {printed(folder)}")
        cost = parse_stats(path.read_text(encoding="utf-8", errors="replace"))
    return dataclasses.replace(cost, wall_s=wall_s)


def energy_table(architecture: Architecture) -> dict[str, Any]:
    """Return an Accelergy energy reference table (ERT) of version 0.3, pJ per access."""
    tables = []
    for level in architecture.levels:
        read_pj, write_pj = level.access_energy_pj
        actions = {"read": read_pj, "write": write_pj, "update": write_pj, "idle": 0.0}
        tables.append(_actions(_path(architecture, level.name, level.instances), actions))
    compute = architecture.compute
    energies = {"mac_random": compute.energy_pj, "compute": compute.energy_pj, "idle": 0.0}
    tables.append(_actions(_path(architecture, compute.name, compute.instances), energies))
    return {"ERT": {"version": 0.3, "tables": tables}}


def area_table(architecture: Architecture) -> dict[str, Any]:
    """Return an Accelergy area reference table (ART) of version 0.3, um2 per instance."""
    parts: tuple[Level | Compute, ...] = (*architecture.levels, architecture.compute)
    tables = [
        {"name": _path(architecture, part.name, part.instances), "area": float(part.area_um2)}
        for part in parts
    ]
    return {"ART": {"version": 0.3, "tables": tables}}


def _path(architecture: Architecture, name: str, instances: int) -> str:
    suffix = "" if instances == 1 else f"[0..{instances - 1}]"
    return f"{architecture.name}.{name}{suffix}"


def _actions(name: str, energies: dict[str, float]) -> dict[str, Any]:
    actions = [
        {"name": action, "arguments": None, "energy": float(energy)}
        for action, energy in energies.items()
    ]
    return {"name": name, "actions": actions}
