"""ZigZag need not be installed: a script that reads the same files plays its part.

With ARCHGYM_ZIGZAG_PYTHON set to a Python that has it, the real one is compared too.
"""

import json
import os
import stat
import sys

import pytest

from simulators.accelerator._architecture import Architecture, Compute, Level
from simulators.accelerator._evaluate import evaluate
from simulators.accelerator._layer import Layer, Tensor
from simulators.accelerator._mapping import Mapping
from simulators.accelerator.backends._zigzag import evaluate_zigzag
from simulators.accelerator.backends._zigzag_inputs import (
    accelerator_input,
    mapping_input,
    temporal_input,
    workload_input,
)
from simulators.errors import BackendError, InvalidConfigError

REAL = os.environ.get("ARCHGYM_ZIGZAG_PYTHON")
ALL = ["Weights", "Inputs", "Outputs"]
ARCHITECTURE = Architecture(
    name="small",
    levels=(
        Level(
            name="DRAM", technology="DRAM", block_size=4,
            read_energy_pj=512.0, write_energy_pj=500.0,
        ),
        Level(
            name="GLB", depth=1024, block_size=2, read_energy_pj=6.0, write_energy_pj=7.0,
            read_bandwidth=4, write_bandwidth=2,
        ),
        Level(
            name="spad", depth=32, instances=12, mesh_x=4, read_energy_pj=0.5, write_energy_pj=0.6,
            shared_bandwidth=3,
        ),
    ),
    compute=Compute(instances=12, mesh_x=4, energy_pj=2.0),
)  # fmt: skip
LAYER = Layer.conv(c=8, m=12, r=3, s=1, p=4, q=2, stride=(2, 1))
MAPPING = Mapping.from_loops(
    [
        {"level": "DRAM", "temporal": [["C", 2], ["M", 1]], "spatial": []},
        {"level": "GLB", "temporal": [["Q", 2], ["P", 4]],
         "spatial": [["M", 4, "X"], ["M", 3, "Y"]]},
        {"level": "spad", "temporal": [["C", 4], ["R", 3]], "spatial": []},
    ],
    {"DRAM": ALL, "GLB": ["Inputs", "Outputs"], "spad": ["Weights", "Outputs"]},
)  # fmt: skip
KEEP = {block.level: block.keep for block in MAPPING.blocks}

RESULT = {
    "ideal_cycle": 150.0,
    "ideal_temporal_cycle": 192.0,
    "mac_spatial_utilization": 0.8,
    "latency_total0": 200.0,
    "latency_total1": 210.0,
    "latency_total2": 225.0,
    "energy_total": 1234.5,
    "mac_energy": 1000.0,
    "spatial_mapping": "{D1: {K: 4}}",
    "temporal_mapping": {"W": [[["C", 4.0]]]},
    "memories": [
        {"memory": "spad", "operand": "W", "energy": 30.0, "accesses": {"rd_out_to_low": 60.0}},
        {"memory": "spad", "operand": "O", "energy": 12.0, "accesses": {"wr_in_by_low": 20.0}},
    ],
}


def _python(tmp_path, body):
    path = tmp_path / "python"
    path.write_text(f"#!{sys.executable}\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _writing(result):
    return f"import pathlib, sys\npathlib.Path(sys.argv[-1]).write_text({json.dumps(result)!r})\n"


def test_figures_are_read_by_level_and_tensor(tmp_path):
    python = _python(tmp_path, _writing(RESULT))
    cost = evaluate_zigzag(ARCHITECTURE, LAYER, MAPPING, python=python)
    assert (cost.cycles, cost.energy_pj, cost.macs) == (225.0, 1234.5, LAYER.macs)
    assert cost.utilization == 150 / 225
    assert cost.level_energy_pj == {"mac": 1000.0, "spad": 42.0}
    assert cost.levels["spad"]["Weights"] == {"energy_pj": 30.0, "row_rd_out_to_low": 60.0}
    assert cost.columns["latency_total0"] == 200.0


def test_the_same_request_is_run_once(tmp_path):
    counter = tmp_path / "counter"
    body = f"with open({str(counter)!r}, 'a') as file:\n    file.write('x')\n"
    python = _python(tmp_path, body + _writing(RESULT))
    for _ in range(3):
        evaluate_zigzag(ARCHITECTURE, LAYER, MAPPING, python=python)
    assert counter.read_text() == "x"
    evaluate_zigzag(ARCHITECTURE, LAYER, None, keep=KEEP, python=python)
    assert counter.read_text() == "xx"


def test_a_cache_folder_spares_the_run_in_another_process(tmp_path):
    python = _python(tmp_path, _writing(RESULT))
    folder = tmp_path / "cache"
    first = evaluate_zigzag(ARCHITECTURE, LAYER, MAPPING, python=python, cache_folder=folder)
    assert len(list(folder.iterdir())) == 1
    # Another Python: as in a new process, only the folder knows the result.
    second = evaluate_zigzag(
        ARCHITECTURE, LAYER, MAPPING, python=tmp_path / "none", cache_folder=folder
    )
    assert second.energy_pj == first.energy_pj
    assert second.wall_s == 0.0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise ModuleNotFoundError(\"No module named 'zigzag'\")", "pip install zigzag-dse six"),
        ("raise SystemExit('no mapping fits')", "exit status 1.*no mapping fits"),
        ("pass", "wrote no result"),
        ("import time\ntime.sleep(60)", "stopped after 0.2 s.*lower lpf_limit"),
    ],
)
def test_a_run_without_a_result_says_why(tmp_path, body, message):
    timeout_s = 0.2 if "sleep" in body else 60
    with pytest.raises(BackendError, match=f"(?s){message}"):
        evaluate_zigzag(
            ARCHITECTURE, LAYER, MAPPING, python=_python(tmp_path, body), timeout_s=timeout_s
        )


def test_the_layer_is_an_equation_with_sliding_axes():
    (entry,) = workload_input(LAYER, 16)
    assert entry["equation"] == "O[b][k][oy][ox] += W[c][k][fx][fy] * I[b][c][ix][iy]"
    assert entry["dimension_relations"] == ["ix = 1*fx + 2*ox", "iy = 1*fy + 1*oy"]
    sizes = dict(zip(entry["loop_dims"], entry["loop_sizes"], strict=True))
    assert sizes == {"FX": 3, "FY": 1, "OX": 4, "OY": 2, "C": 8, "K": 12, "B": 1}


def test_memories_are_listed_inside_out_and_serve_the_array_below_them():
    accelerator = accelerator_input(ARCHITECTURE, KEEP, "energy")
    memories = accelerator["memories"]
    assert list(memories) == ["spad", "GLB", "DRAM"]
    assert accelerator["operational_array"]["dimensions"] == ["D1", "D2"]
    assert accelerator["operational_array"]["sizes"] == [4, 3]
    assert memories["spad"]["served_dimensions"] == []
    assert memories["GLB"]["served_dimensions"] == memories["DRAM"]["served_dimensions"]
    assert memories["GLB"]["served_dimensions"] == ["D1", "D2"]
    assert memories["spad"]["size"] == 32 * 16
    assert memories["GLB"]["operands"] == ["I1", "O"]
    assert [port["type"] for port in memories["spad"]["ports"]] == ["read_write"]


def test_an_access_costs_the_same_per_word_in_both_grains():
    words = {}
    for grain in ("energy", "cycles"):
        memory = accelerator_input(ARCHITECTURE, KEEP, grain)["memories"]["GLB"]
        port_words = [port["bandwidth_max"] / 16 for port in memory["ports"]]
        words[grain] = (memory["r_cost"] / port_words[0], memory["w_cost"] / port_words[1])
    assert words["energy"] == pytest.approx(words["cycles"])
    assert words["energy"] == pytest.approx((6.0 / 2, 7.0 / 2))
    cycles = accelerator_input(ARCHITECTURE, KEEP, "cycles")["memories"]["GLB"]
    assert [port["bandwidth_max"] for port in cycles["ports"]] == [64, 32]


def test_loops_of_a_level_that_a_tensor_passes_by_belong_to_the_next_memory():
    loops = temporal_input(MAPPING)
    inner = [["FX", 3], ["C", 4]]
    middle = [["OX", 4], ["OY", 2]]
    assert loops["W"] == [inner, [*middle, ["C", 2]]]
    assert loops["I"] == [[*inner, *middle], [["C", 2]]]
    assert loops["O"] == [inner, middle, [["C", 2]]]


def test_spatial_loops_lie_along_the_axis_of_their_fan_out():
    (entry,) = mapping_input(ARCHITECTURE, MAPPING)
    assert entry["spatial_mapping"] == {"D1": ["K, 4"], "D2": ["K, 3"]}
    (entry,) = mapping_input(ARCHITECTURE, None)
    assert "spatial_mapping" not in entry


def test_what_zigzag_cannot_be_given_is_refused():
    tensors = (
        Tensor("Weights", ((("A", 1),),)),
        Tensor("Inputs", ((("A", 1),),)),
        Tensor("Outputs", ((("B", 1),),), output=True),
    )
    with pytest.raises(InvalidConfigError, match="dimensions A, B"):
        evaluate_zigzag(ARCHITECTURE, Layer.general({"A": 2, "B": 2}, tensors))
    with pytest.raises(InvalidConfigError, match="Did you mean 'energy'"):
        evaluate_zigzag(ARCHITECTURE, LAYER, keep=KEEP, objective="energi")
    levels = [Level(name="L0", instances=1)]
    for at in range(1, 4):
        levels.append(Level(name=f"L{at}", instances=4**at, mesh_x=2**at))
    deep = Architecture("deep", tuple(levels), Compute(instances=64, mesh_x=8))
    with pytest.raises(InvalidConfigError, match="fans out along 6 axes"):
        accelerator_input(deep, {level.name: ALL for level in levels}, "energy")


@pytest.mark.skipif(REAL is None, reason="ARCHGYM_ZIGZAG_PYTHON is not set")
def test_zigzag_counts_what_we_count_where_nothing_slides():
    layer = Layer.matmul(m=16, n=12, k=32)
    mapping = Mapping.from_loops(
        [
            {"level": "DRAM", "temporal": [["C", 2]], "spatial": []},
            {"level": "GLB", "temporal": [["N", 16]], "spatial": [["M", 4, "X"], ["M", 3, "Y"]]},
            {"level": "spad", "temporal": [["C", 16]], "spatial": []},
        ],
        {"DRAM": ALL, "GLB": ["Inputs", "Outputs"], "spad": ["Weights", "Outputs"]},
    )
    ours = evaluate(ARCHITECTURE, layer, mapping)
    theirs = evaluate_zigzag(ARCHITECTURE, layer, mapping, python=REAL)
    assert theirs.columns["ideal_temporal_cycle"] == ours.compute_cycles
    for level, tensor in (
        ("DRAM", "Weights"), ("DRAM", "Inputs"), ("GLB", "Inputs"), ("spad", "Weights"),
    ):  # fmt: skip
        found = theirs.levels[level][tensor]["energy_pj"]
        assert found == pytest.approx(ours.levels[level][tensor].energy_pj), (level, tensor)
    # The first read of a partial sum, which is zero, costs nothing in our model.
    assert ours.energy_pj <= theirs.energy_pj <= 1.05 * ours.energy_pj
