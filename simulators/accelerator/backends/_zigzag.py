"""Evaluate with ZigZag, an independently built cost model, to check energy and cycles.

ZigZag (``pip install zigzag-dse six``; it does not name `six` among its dependencies) gets the same
layer and an equivalent architecture: the memories of every level that keeps a tensor, with our
energies per access and our bandwidths, and one dimension of its array for each axis of each
fan-out. With a mapping it evaluates exactly that one; without, it searches its own.

Where its model differs from Timeloop's, and so from ours:

- a tile that slides over its predecessor is fetched whole where its filter loop is further out;
- the first partial sum is read although it is zero, and instances that need the same overlapping
  inputs share one access;
- a memory more than half full cannot be refilled behind the computation, which then waits, and
  loading the first tiles and storing the last takes time.

Mei et al., "ZigZag: Enlarging Joint Architecture-Mapping Design Space Exploration for DNN
Accelerators", IEEE Trans. Computers 70(8), 2021.
"""

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

from simulators._program import find_program, printed, run_program
from simulators.accelerator._architecture import Architecture
from simulators.accelerator._layer import Layer
from simulators.accelerator._mapping import Mapping as LoopMapping
from simulators.accelerator.backends._result import BackendCost
from simulators.accelerator.backends._zigzag_inputs import (
    OPERANDS,
    accelerator_input,
    mapping_input,
    temporal_input,
    workload_input,
)
from simulators.errors import BackendError, InvalidConfigError, did_you_mean

Objective = Literal["edp", "energy", "cycles"]

_RUNNER = Path(__file__).with_name("_zigzag_runner.py")
_FIX = "Give the Python of an environment with ZigZag (pip install zigzag-dse six)."
_REDUCE = {
    "edp": "MinimalEDPStage",
    "energy": "MinimalEnergyStage",
    "cycles": "MinimalLatencyStage",
}
_TENSORS = {operand: tensor for tensor, operand in OPERANDS.items()}
_CACHED = 1024


def evaluate_zigzag(
    architecture: Architecture,
    layer: Layer,
    mapping: LoopMapping | None = None,
    *,
    keep: Mapping[str, Collection[str]] | None = None,
    objective: Objective = "edp",
    python: str | os.PathLike[str] = sys.executable,
    cache_folder: str | os.PathLike[str] | None = None,
    lpf_limit: int = 5,
    spatial_mappings: int = 3,
    timeout_s: float = 600.0,
) -> BackendCost:
    """Evaluate with ZigZag; the same request is run once and remembered.

    Args:
        architecture: its energies and bandwidths go along; areas, too.
        layer: a convolution or matrix product.
        mapping: what to evaluate; None: the best that ZigZag finds.
        keep: tensors that each level keeps, if no mapping says so; None: every level keeps all.
        objective: what the search minimises.
        python: path of a Python that can import ``zigzag``.
        cache_folder: where results are kept between processes; None: only in this one.
        lpf_limit: prime factors that a temporal search permutes; more are slower.
        spatial_mappings: spatial mappings that a search tries.
        timeout_s: wall time after which the run is stopped.

    Returns:
        ``cycles`` is ZigZag's total latency; ``columns`` also has its latency without the first
        loading and last unloading (``latency_total0``), which is what our model counts, and without
        any stall (``ideal_temporal_cycle``), and the mapping. ``levels`` counts row accesses.

    Raises:
        BackendError: Python or ZigZag is missing, fails, takes too long, or finds no mapping.
        InvalidConfigError: nothing that ZigZag can be given.
    """
    kept = _kept(architecture, mapping, keep)
    request = {
        "reduce": _reduce(objective),
        "lpf_limit": lpf_limit,
        "spatial_mappings": spatial_mappings,
        "temporal": None if mapping is None else temporal_input(mapping),
        "workload": workload_input(layer, architecture.compute.word_bits),
        "mapping": mapping_input(architecture, mapping),
        "cycles": accelerator_input(architecture, kept, "cycles"),
        "energy": accelerator_input(architecture, kept, "energy"),
    }
    text = json.dumps(request)
    folder = None if cache_folder is None else os.fspath(cache_folder)
    result, wall_s = _remembered(text, os.fspath(python), folder, timeout_s)
    return _cost(json.loads(result), layer, wall_s)


def _kept(
    architecture: Architecture,
    mapping: LoopMapping | None,
    keep: Mapping[str, Collection[str]] | None,
) -> dict[str, Collection[str]]:
    if mapping is not None:
        return {block.level: block.keep for block in mapping.blocks}
    given = {level.name: tuple(OPERANDS) for level in architecture.levels}
    return dict(given if keep is None else keep)


def _reduce(objective: str) -> str:
    if objective not in _REDUCE:
        raise InvalidConfigError(
            f"objective={objective!r}.{did_you_mean(objective, _REDUCE)} "
            f"Allowed: {', '.join(_REDUCE)}. Give one of these."
        )
    return _REDUCE[objective]


@lru_cache(maxsize=_CACHED)
def _remembered(
    request: str, python: str, cache_folder: str | None, timeout_s: float
) -> tuple[str, float]:
    if cache_folder is None:
        return _run(request, python, timeout_s)
    digest = hashlib.sha256(request.encode()).hexdigest()
    path = Path(cache_folder) / f"zigzag-{digest[:32]}.json"
    if path.is_file():
        return path.read_text(encoding="utf-8"), 0.0
    result, wall_s = _run(request, python, timeout_s)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.part")
    draft.write_text(result, encoding="utf-8")
    draft.replace(path)
    return result, wall_s


def _run(request: str, python: str, timeout_s: float) -> tuple[str, float]:
    program = find_program(python, "Python", _FIX)
    content = json.loads(request)
    with tempfile.TemporaryDirectory(prefix="archgym-zigzag-") as name:
        folder = Path(name)
        for part in ("workload", "mapping", "cycles", "energy"):
            text = yaml.safe_dump(content.pop(part), sort_keys=False)
            (folder / f"{part}.yaml").write_text(text, encoding="utf-8")
        (folder / "request.json").write_text(json.dumps(content), encoding="utf-8")
        command = [str(program), str(_RUNNER), "request.json", "result.json"]
        begin = time.monotonic()
        try:
            run_program(command, folder, timeout_s, "lower lpf_limit or spatial_mappings")
        except BackendError as error:
            missing = "No module named" in str(error)
            raise BackendError(f"{error} {_FIX}" if missing else str(error)) from None
        wall_s = time.monotonic() - begin
        path = folder / "result.json"
        if not path.is_file():
            raise BackendError(f"ZigZag wrote no result. {printed(folder)}")
        return path.read_text(encoding="utf-8"), wall_s


def _cost(result: dict[str, Any], layer: Layer, wall_s: float) -> BackendCost:
    level_energy_pj: dict[str, float] = {"mac": result["mac_energy"]}
    levels: dict[str, dict[str, dict[str, float]]] = {}
    for entry in result["memories"]:
        level, tensor = entry["memory"], _TENSORS[entry["operand"]]
        level_energy_pj[level] = level_energy_pj.get(level, 0.0) + entry["energy"]
        counts = {f"row_{name}": value for name, value in entry["accesses"].items()}
        levels.setdefault(level, {})[tensor] = {"energy_pj": entry["energy"], **counts}
    names = ("latency_total0", "latency_total1", "ideal_temporal_cycle", "spatial_mapping")
    columns = {name: result[name] for name in names}
    columns["temporal_mapping"] = json.dumps(result["temporal_mapping"])
    return BackendCost(
        backend="zigzag",
        cycles=result["latency_total2"],
        energy_pj=result["energy_total"],
        utilization=result["ideal_cycle"] / result["latency_total2"],
        macs=layer.macs,
        level_energy_pj=level_energy_pj,
        levels=levels,
        columns=columns,
        wall_s=wall_s,
    )
