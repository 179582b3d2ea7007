"""Designs of the accelerator environments measured by a user's timeloop-model or maestro."""

import os
from collections.abc import Mapping
from pathlib import Path

from archgym.envs._accelerator_measure import Measurement
from simulators.accelerator import backends
from simulators.accelerator.maestro import Hardware, MaestroLayer

__all__ = ["MAESTRO", "TIMELOOP", "measure_maestro", "measure_timeloop"]

TIMELOOP = "timeloop-model of Timeloop 3, once for every layer, with the mappings found here"
MAESTRO = "MAESTRO, whose energy lacks that of L1 for mappings with clusters"


def measure_timeloop(measured: Measurement, executable: Path | None) -> Mapping[str, float | None]:
    """Return the metrics of Accelerator-v0 as timeloop-model computes them, and ``wall_s``.

    Raises:
        BackendError: the program is missing or failed.
        InvalidConfigError: a mapping that Timeloop's directives cannot say.
    """
    cycles = energy_pj = macs = wall_s = area_um2 = 0.0
    for each in measured.layers:
        cost: backends.BackendCost = backends.evaluate(
            "timeloop",
            measured.architecture,
            each.layer,
            each.mapping,
            executable=_program(executable, "timeloop-model"),
        )
        cycles += each.layer.count * cost.cycles
        energy_pj += each.layer.count * (cost.energy_pj or 0.0)
        macs += each.layer.count * each.layer.macs
        area_um2 = cost.area_um2 or 0.0
        wall_s += cost.wall_s
    return {
        "cycles": cycles,
        "energy_pj": energy_pj,
        "area_mm2": area_um2 / 1e6,
        "utilization": macs / (cycles * measured.architecture.compute.instances),
        "edp_j_cycle": energy_pj * 1e-12 * cycles,
        "wall_s": wall_s,
    }


def measure_maestro(
    layer: MaestroLayer, mapping: str, hardware: Hardware, executable: Path | None
) -> Mapping[str, float | None]:
    """Return the metrics of Mapping-v0 as MAESTRO computes them, and ``wall_s``.

    Raises:
        BackendError: the program is missing or failed.
    """
    cost: backends.BackendCost = backends.evaluate(
        "maestro", layer, mapping, hardware, executable=_program(executable, "maestro")
    )

    def column(name: str) -> float | None:
        value = cost.columns.get(name)
        return value if isinstance(value, float) else None

    busy = column("Avg number of utilized PEs")
    return {
        "cycles": cost.cycles,
        "energy_pj": cost.energy_pj,
        "throughput_macs_per_cycle": column("Throughput (MACs/Cycle)"),
        "utilization": None if busy is None else busy / hardware.pes,
        "l1_bytes": column("L1 SRAM Size Req (Bytes)"),
        "l2_bytes": column("L2 SRAM Size Req (Bytes)"),
        "area_mm2": None if cost.area_um2 is None else cost.area_um2 / 1e6,
        "wall_s": cost.wall_s,
    }


def _program(executable: Path | None, name: str) -> str | os.PathLike[str]:
    return name if executable is None else executable
