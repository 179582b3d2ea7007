"""SCALE-Sim need not be installed: a script that reads the same files plays its part.

With ARCHGYM_SCALESIM_PYTHON set to a Python that has it, the real one is compared too.
"""

import json
import os
import stat
import sys

import numpy as np
import pytest

from simulators.accelerator import systolic
from simulators.accelerator._layer import Layer, Tensor
from simulators.accelerator.backends._scalesim import evaluate_scalesim
from simulators.errors import BackendError, InvalidConfigError

COMPUTE = (
    "LayerID, Total Cycles (incl. prefetch), Total Cycles, Stall Cycles, Mapping Efficiency %,\n"
    "0, 2150, 2119, 0, 99.5,\n"
)
ACCESS = "LayerID, SRAM IFMAP Reads, SRAM Filter Reads,\n0, 21420, 1020,\n"
REAL = os.environ.get("ARCHGYM_SCALESIM_PYTHON")


def _python(tmp_path, body):
    path = tmp_path / "python"
    path.write_text(f"#!{sys.executable}\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _writing(compute=COMPUTE, access=ACCESS):
    return (
        "import pathlib\nfolder = pathlib.Path('results/run')\nfolder.mkdir(parents=True)\n"
        f"(folder / 'COMPUTE_REPORT.csv').write_text({compute!r})\n"
        f"(folder / 'DETAILED_ACCESS_REPORT.csv').write_text({access!r})\n"
    )


LAYER = Layer.matmul(m=42, n=20, k=51)


def test_cycles_are_one_more_than_the_last_cycle_that_it_prints(tmp_path):
    cost = evaluate_scalesim(LAYER, (32, 2), python=_python(tmp_path, _writing()))
    assert cost.cycles == 2120
    assert cost.macs == LAYER.macs
    assert cost.utilization == pytest.approx(LAYER.macs / (2120 * 64))
    assert cost.columns["SRAM IFMAP Reads"] == 21420
    assert cost.energy_pj is None


def test_equal_products_are_run_once_and_counted_each(tmp_path):
    layer = Layer.batched_matmul(b=3, m=42, n=20, k=51)
    cost = evaluate_scalesim(layer, (32, 2), python=_python(tmp_path, _writing()))
    assert cost.cycles == 3 * 2120


def test_the_program_finds_array_dataflow_and_product(tmp_path):
    report = tmp_path / "report.json"
    body = (
        "import configparser, json, pathlib\n"
        "config = configparser.ConfigParser()\nconfig.read('scale.cfg')\n"
        f"pathlib.Path({str(report)!r}).write_text(json.dumps([dict(config['architecture_presets'])"
        ", dict(config['run_presets']), pathlib.Path('layers.csv').read_text()]))\n"
    )
    layer = Layer.conv(n=2, c=3, m=8, r=3, s=5, p=10, q=12)
    evaluate_scalesim(layer, (16, 8), "os", python=_python(tmp_path, body + _writing()))
    preset, run, layers = json.loads(report.read_text(encoding="utf-8"))
    assert (preset["arrayheight"], preset["arraywidth"], preset["dataflow"]) == ("16", "8", "os")
    assert run["interfacebandwidth"] == "CALC"
    assert layers.splitlines()[1] == "layer, 240, 8, 45,"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise ModuleNotFoundError(\"No module named 'scalesim'\")", "pip install --no-deps"),
        ("print('ERROR: no such thing')", "wrote no COMPUTE_REPORT.csv.*ERROR: no such thing"),
        (_writing(compute=COMPUTE.splitlines()[0]), "has no layer"),
        (_writing(compute=COMPUTE.replace("Total Cycles,", "Cycles,")), "no 'Total Cycles'"),
        (_writing(compute=COMPUTE.replace("2119", "many")), "no 'Total Cycles'"),
        ("import time\ntime.sleep(60)", "stopped after 0.2 s"),
    ],
)  # fmt: skip
def test_a_run_that_gives_no_cycles_says_why(tmp_path, body, message):
    timeout_s = 0.2 if "sleep" in body else 60
    with pytest.raises(BackendError, match=f"(?s){message}"):
        evaluate_scalesim(LAYER, (4, 4), python=_python(tmp_path, body), timeout_s=timeout_s)


def test_a_missing_python_is_named(tmp_path):
    with pytest.raises(BackendError, match=r"does not exist.*pip install --no-deps scalesim"):
        evaluate_scalesim(LAYER, (4, 4), python=tmp_path / "nowhere")


def test_a_layer_that_is_no_product_is_refused_before_the_run(tmp_path):
    tensors = (
        Tensor("Weights", ((("A", 1),),)),
        Tensor("Inputs", ((("A", 1),), (("B", 1),))),
        Tensor("Outputs", ((("A", 1),),), output=True),
    )
    with pytest.raises(InvalidConfigError, match="belongs to one tensor alone"):
        evaluate_scalesim(Layer.general({"A": 4, "B": 2}, tensors), (4, 4))


@pytest.mark.skipif(REAL is None, reason="ARCHGYM_SCALESIM_PYTHON is not set")
@pytest.mark.parametrize("dataflow", ["ws", "is", "os"])
def test_the_closed_forms_are_those_of_scalesim(dataflow):
    rng = np.random.default_rng(0)
    for _ in range(8):
        m, n, k = (int(size) for size in rng.integers(1, 81, 3))
        rows, columns = (int(size) for size in 2 ** rng.integers(1, 6, 2))
        layer = Layer.matmul(m=m, n=n, k=k)
        ours = systolic.evaluate(layer, (rows, columns), dataflow)
        theirs = evaluate_scalesim(layer, (rows, columns), dataflow, python=REAL)
        assert theirs.cycles == ours.cycles
        assert theirs.columns["Mapping Efficiency %"] == pytest.approx(
            100 * ours.mapping_efficiency
        )
        assert theirs.columns["SRAM IFMAP Reads"] == ours.input_reads
        assert theirs.columns["SRAM Filter Reads"] == ours.weight_reads
        if dataflow != "os":  # there it counts more writes than there are outputs
            assert theirs.columns["SRAM OFMAP Writes"] == ours.output_writes
