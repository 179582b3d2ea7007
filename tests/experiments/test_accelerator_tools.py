"""The comparison with other tools, whose part scripts play."""

import json
import stat
import sys

from experiments.validation import accelerator_tools

# What `systolic` computes, as SCALE-Sim's reports; `OFFSET` makes it wrong.
SCALESIM = """
import configparser, math, pathlib
config = configparser.ConfigParser()
config.read("scale.cfg")
preset = config["architecture_presets"]
rows, columns, flow = int(preset["arrayheight"]), int(preset["arraywidth"]), preset["dataflow"]
m, n, k = map(int, pathlib.Path("layers.csv").read_text().splitlines()[1].split(",")[1:4])
across, down, cycles = {
    "ws": (k, n, 2 * rows + columns + m - 2),
    "is": (k, m, 2 * rows + columns + n - 2),
    "os": (m, n, rows + columns + k - 2),
}[flow]
a, b = math.ceil(across / rows), math.ceil(down / columns)
inputs = m * k * (1 if flow == "is" else b)
weights = k * n * {"ws": 1, "is": b, "os": a}[flow]
held = 100 * across * down / (a * rows * b * columns)
folder = pathlib.Path("results/run")
folder.mkdir(parents=True)
(folder / "COMPUTE_REPORT.csv").write_text(
    f"LayerID, Total Cycles, Mapping Efficiency %,\\n0, {a * b * cycles - 1 + OFFSET}, {held!r},\\n"
)
(folder / "DETAILED_ACCESS_REPORT.csv").write_text(
    f"LayerID, SRAM IFMAP Reads, SRAM Filter Reads,\\n0, {inputs}, {weights},\\n"
)
"""


def _python(tmp_path, body):
    path = tmp_path / "python"
    path.write_text(f"#!{sys.executable}\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_equal_products_give_exit_code_0(tmp_path, capsys):
    python = _python(tmp_path, "OFFSET = 0\n" + SCALESIM)
    assert accelerator_tools.main(scalesim_python=python, count=3) == 0
    assert capsys.readouterr().out == "SCALE-Sim: 3 of 3 matrix products equal\n"


def test_a_difference_is_shown_and_gives_exit_code_1(tmp_path, capsys):
    python = _python(tmp_path, "OFFSET = 1\n" + SCALESIM)
    assert accelerator_tools.main(scalesim_python=python, count=1) == 1
    assert accelerator_tools.main(scalesim_python=python, count=1, json_output=True) == 1
    first, *others = capsys.readouterr().out.splitlines()
    assert first == "SCALE-Sim: 0 of 1 matrix products equal"
    (product,) = json.loads(others[-1])["scalesim"]
    assert product["scalesim_cycles"] == product["cycles"] + 1


def test_a_missing_tool_gives_exit_code_2(tmp_path, capsys):
    assert accelerator_tools.main(scalesim_python=str(tmp_path / "none")) == 2
    assert "does not exist" in capsys.readouterr().err


def test_zigzag_figures_are_summarised_for_each_architecture(tmp_path, capsys):
    # As many compute cycles as its loops say; energy and cycles that are ours times two.
    body = """
import json, math, pathlib, sys
loops = json.loads(pathlib.Path("request.json").read_text())["temporal"]["W"]
ideal = math.prod(size for memory in loops for _, size in memory)
result = {
    "ideal_cycle": 1.0, "ideal_temporal_cycle": float(ideal), "mac_spatial_utilization": 1.0,
    "latency_total0": float(ideal), "latency_total1": float(ideal),
    "latency_total2": 2.0 * ideal, "energy_total": 1e6, "mac_energy": 1.0,
    "spatial_mapping": "", "temporal_mapping": {}, "memories": [],
}
pathlib.Path(sys.argv[-1]).write_text(json.dumps(result))
"""
    assert accelerator_tools.main(zigzag_python=_python(tmp_path, body), budget=20) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ZigZag: compute cycles of ")
    assert "  eyeriss, 9 layers" in lines
    assert sum("cycles without loading" in line for line in lines) >= 4
