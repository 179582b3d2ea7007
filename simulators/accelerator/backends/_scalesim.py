"""Evaluate with the real SCALE-Sim instead of `systolic`'s closed forms, to check the latter.

SCALE-Sim 3 (``pip install --no-deps scalesim "numpy<2.4"``, and absl-py, pandas, tqdm) stays in an
environment of its own, whose Python is given; it is started with the files that it reads, in the
interface mode CALC, in which memories keep up. Every run has a folder of its own.
"""

import csv
import os
import tempfile
import time
from configparser import ConfigParser
from pathlib import Path

from simulators._program import find_program, printed, run_program
from simulators.accelerator import systolic
from simulators.accelerator._layer import Layer
from simulators.accelerator.backends._result import BackendCost
from simulators.errors import BackendError

_FIX = (
    "Give the Python of an environment with SCALE-Sim (pip install --no-deps scalesim 'numpy<2.4'; "
    "pip install absl-py pandas tqdm), or use simulators.accelerator.systolic."
)
# Its command line always saves traces, which takes far longer than the run: ask the class not to.
_RUN = (
    "from scalesim.scale_sim import scalesim\n"
    "scalesim(save_disk_space=True, verbose=False, config='scale.cfg', topology='layers.csv', "
    "layout='layouts.csv', input_type_gemm=True).run_scale(top_path='results')\n"
)
_RUN_NAME = "run"
_LAYOUT_COLUMNS = 20
_REPORTS = ("COMPUTE_REPORT.csv", "DETAILED_ACCESS_REPORT.csv")


def evaluate_scalesim(
    layer: Layer,
    array: tuple[int, int],
    dataflow: systolic.Dataflow = "ws",
    *,
    python: str | os.PathLike[str] = "python3",
    timeout_s: float = 600.0,
) -> BackendCost:
    """Evaluate with SCALE-Sim, which walks through every cycle.

    Args:
        layer: any product of two tensors; it is given as its matrix product, once if it consists of
            several equal ones.
        array: rows and columns of PEs.
        dataflow: "ws", "is" or "os".
        python: path of a Python that can import ``scalesim``.
        timeout_s: wall time after which the run is stopped.

    Returns:
        Cycles as `systolic.evaluate` counts them, one more than SCALE-Sim prints; ``columns`` holds
        its compute and access reports for one product.

    Raises:
        BackendError: Python or SCALE-Sim is missing, fails, takes too long, or reports no cycles.
        InvalidConfigError: the layer is no matrix product.
    """
    product = systolic.gemm(layer)
    program = find_program(python, "Python", _FIX)
    with tempfile.TemporaryDirectory(prefix="archgym-scalesim-") as name:
        folder = Path(name)
        _write_inputs(folder, product, array, dataflow)
        begin = time.monotonic()
        try:
            run_program([str(program), "-c", _RUN], folder, timeout_s, "choose a smaller layer")
        except BackendError as error:
            missing = "No module named 'scalesim'" in str(error)
            raise BackendError(f"{error} {_FIX}" if missing else str(error)) from None
        wall_s = time.monotonic() - begin
        columns = _read_reports(folder)
    cycles = product.batch * (int(columns["Total Cycles"]) + 1)
    return BackendCost(
        backend="scalesim",
        cycles=cycles,
        energy_pj=None,
        utilization=layer.macs / (cycles * array[0] * array[1]),
        macs=layer.macs,
        columns=columns,
        wall_s=wall_s,
    )


def _write_inputs(
    folder: Path, product: systolic.Gemm, array: tuple[int, int], dataflow: systolic.Dataflow
) -> None:
    config = ConfigParser()
    config.read_dict(_config(array, dataflow))
    with (folder / "scale.cfg").open("w", encoding="utf-8") as file:
        config.write(file)
    sizes = f"layer, {product.m}, {product.n}, {product.k},"
    (folder / "layers.csv").write_text(f"Layer, M, N, K,\n{sizes}\n", encoding="utf-8")
    ones = ", ".join(["1"] * _LAYOUT_COLUMNS)
    (folder / "layouts.csv").write_text(f"Layer, factors\nlayer, {ones},\n", encoding="utf-8")


def _config(array: tuple[int, int], dataflow: systolic.Dataflow) -> dict[str, dict[str, str]]:
    memory = {f"{operand}SramSzkB": "1024" for operand in ("Ifmap", "Filter", "Ofmap")}
    # Three address ranges that no layer of a run makes overlap.
    offsets = {"IfmapOffset": "0", "FilterOffset": "1000000000", "OfmapOffset": "2000000000"}
    banks = {
        f"{operand}SRAMBank{what}": "10"
        for operand in ("Ifmap", "Filter")
        for what in ("Bandwidth", "Num", "Port")
    }
    return {
        "general": {"run_name": _RUN_NAME},
        "architecture_presets": {
            "ArrayHeight": str(array[0]),
            "ArrayWidth": str(array[1]),
            **memory,
            **offsets,
            "Bandwidth": "10",
            "Dataflow": dataflow,
            "ReadRequestBuffer": "32",
            "WriteRequestBuffer": "32",
        },
        "layout": {"IfmapCustomLayout": "False", "FilterCustomLayout": "False", **banks},
        "sparsity": {"SparsitySupport": "false"},
        "run_presets": {"InterfaceBandwidth": "CALC", "UseRamulatorTrace": "False"},
    }


def _read_reports(folder: Path) -> dict[str, float | str]:
    """Return the reports' columns of the one layer.

    Raises:
        BackendError: there is none, or no number of cycles in it.
    """
    columns: dict[str, float | str] = {}
    for report in _REPORTS:
        path = folder / "results" / _RUN_NAME / report
        if not path.is_file():
            # It ends with exit status 0 when it does not like its input.
            raise BackendError(f"SCALE-Sim wrote no {report}. {printed(folder)}")
        with path.open(encoding="utf-8", newline="") as file:
            rows = [[field.strip() for field in row] for row in csv.reader(file)]
        if len(rows) < 2:
            raise BackendError(f"SCALE-Sim's {report} has no layer. {printed(folder)}")
        columns.update(
            (name, _number(value)) for name, value in zip(rows[0], rows[1], strict=False) if name
        )
    if not isinstance(columns.get("Total Cycles"), float):
        raise BackendError(f"SCALE-Sim reports no 'Total Cycles', only {', '.join(columns)}.")
    return columns


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
