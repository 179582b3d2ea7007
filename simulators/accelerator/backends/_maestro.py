"""Evaluate with a user's ``maestro`` instead of the built-in model, to check the latter.

The layer and its mapping are written as a network of one layer; MAESTRO writes a CSV file beside
it. Every run has a folder of its own.
"""

import csv
import math
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from simulators._program import find_program, printed, run_program
from simulators.accelerator._layer import Layer
from simulators.accelerator.backends._result import BackendCost
from simulators.accelerator.maestro import Hardware, MaestroLayer, MaestroMapping
from simulators.errors import BackendError

CYCLES, ENERGY_NJ = "Runtime (Cycles)", "Activity count-based Energy (nJ)"
_NAME = "archgym"
_FIX = (
    "Give the path of the program maestro (github.com/maestro-project/maestro), or use the "
    "built-in model."
)


def evaluate_maestro(
    layer: Layer | MaestroLayer,
    mapping: MaestroMapping | str,
    hardware: Hardware,
    *,
    executable: str | os.PathLike[str] = "maestro",
    timeout_s: float = 600.0,
) -> BackendCost:
    """Evaluate with MAESTRO.

    Args:
        layer: one that MAESTRO's layer types can say.
        mapping: directives, or their text.
        hardware: resources of the accelerator.
        executable: path of maestro, or its name if it is on the search path.
        timeout_s: wall time after which the run is stopped.

    Raises:
        BackendError: the executable is missing or not executable, fails, takes too long, or writes
            something else than one line of results.
        InvalidConfigError: a layer or mapping that MAESTRO's format cannot say.
    """
    program = find_program(executable, "maestro", _FIX)
    if isinstance(mapping, str):
        mapping = MaestroMapping.from_text(mapping)
    text = network_text(MaestroLayer.from_layer(layer), mapping)
    with tempfile.TemporaryDirectory(prefix="archgym-maestro-") as name:
        folder = Path(name)
        (folder / f"{_NAME}.m").write_text(text, encoding="utf-8")
        begin = time.monotonic()
        command = [str(program), *_arguments(hardware)]
        run_program(command, folder, timeout_s, "choose a smaller layer")
        wall_s = time.monotonic() - begin
        path = folder / f"{_NAME}.csv"
        if not path.is_file():
            raise BackendError(f"{program} wrote no {path.name}. {printed(folder)}")
        columns = read_columns(path)
    return _cost(columns, wall_s)


def network_text(layer: MaestroLayer, mapping: MaestroMapping) -> str:
    """Return a MAESTRO network (``.m`` file) of one layer."""
    sizes = ", ".join(f"{dim}: {size}" for dim, size in layer.dims.items())
    stride = f"    Stride {{ X: {layer.stride[1]}, Y: {layer.stride[0]} }}\n"
    directives = "".join(f"      {line}\n" for line in mapping.to_text().splitlines())
    return (
        f"Network {_NAME} {{\n"
        "  Layer LAYER {\n"
        f"    Type: {layer.kind}\n"
        f"{'' if layer.kind == 'GEMM' else stride}"
        f"    Dimensions {{ {sizes} }}\n"
        f"    Dataflow {{\n{directives}    }}\n"
        "  }\n}\n"
    )


def _arguments(hardware: Hardware) -> list[str]:
    return [
        f"--Mapping_file={_NAME}.m",
        "--full_buffer=false",
        f"--noc_bw_cstr={hardware.noc_bandwidth}",
        f"--noc_hops={hardware.noc_hops}",
        f"--noc_hop_latency={hardware.noc_hop_latency}",
        f"--offchip_bw_cstr={hardware.offchip_bandwidth}",
        "--noc_mc_support=true",
        f"--num_pes={hardware.pes}",
        f"--num_simd_lanes={hardware.simd}",
        f"--l1_size_cstr={hardware.l1_size}",
        f"--l2_size_cstr={hardware.l2_size}",
        "--print_res=false",
        "--print_res_csv_file=true",
        "--print_log_file=false",
        "--print_design_space=false",
        "--msg_print_lv=0",
    ]


def read_columns(path: Path) -> dict[str, float | str]:
    """Read the one line of results: numbers where they are numbers.

    Raises:
        BackendError: not one line, or none of the columns that are needed.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(row)]
    if len(rows) != 2 or not {CYCLES, ENERGY_NJ} <= set(rows[0]):
        raise BackendError(
            f"MAESTRO's {path.name} holds {max(0, len(rows) - 1)} lines of results under the "
            f"columns {', '.join(rows[0]) if rows else '(none)'}; expected one line with "
            f"{CYCLES!r} and {ENERGY_NJ!r}."
        )
    return {name: _value(text) for name, text in zip(*rows, strict=False) if name}


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _cost(columns: Mapping[str, float | str], wall_s: float) -> BackendCost:
    def number(name: str) -> float | None:
        value = columns.get(name)
        return value if isinstance(value, float) and math.isfinite(value) else None

    cycles, energy_nj, macs = number(CYCLES), number(ENERGY_NJ), number("Num MACs")
    if cycles is None or energy_nj is None:
        raise BackendError(
            f"MAESTRO's results hold {CYCLES} = {columns[CYCLES]} and {ENERGY_NJ} = "
            f"{columns[ENERGY_NJ]}; finite numbers were expected."
        )
    return BackendCost(
        backend="maestro",
        cycles=cycles,
        energy_pj=energy_nj * 1e3,
        area_um2=number("Area"),
        macs=None if macs is None else int(macs),
        columns=columns,
        wall_s=wall_s,
    )
