"""Accelerator-v0 and Mapping-v0 measured by other tools, played by scripts that read their files.

The scripts evaluate what they read with the built-in models: the figures come back equal only if
the files say the same as the design.
"""

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from archgym.cli import main
from archgym.envs.accelerator import AcceleratorProblem
from archgym.envs.mapping import MappingProblem
from archgym.errors import BackendError, InvalidConfigError

TIMELOOP = """
import sys, yaml
from simulators.accelerator import Architecture, Layer, Mapping, evaluate
files = {}
for name in sys.argv[1:]:
    files |= yaml.safe_load(open(name))
arch = Architecture.from_timeloop(
    {"architecture": files["architecture"]}, {"ERT": files["ERT"]}, {"ART": files["ART"]})
layer = Layer.from_timeloop({"problem": files["problem"]})
tensors = [tensor.name for tensor in layer.tensors]
cost = evaluate(arch, layer, Mapping.from_timeloop({"mapping": files["mapping"]}, tensors))
out = [f"=== {arch.compute.name} ===", f"    Energy (total) : {cost.compute_energy_pj!r} pJ",
       f"    Area (total) : {arch.compute.instances * arch.compute.area_um2!r} um^2"]
for level in arch.levels:
    out += [f"=== {level.name} ===", f"    Instances : {level.instances}",
            f"    Area : {level.area_um2!r} um^2", f"    Cycles : {cost.level_cycles[level.name]}"]
    for tensor, counts in cost.levels[level.name].items():
        out += [f"    {tensor}:", f"        Energy (total) : {counts.energy_pj!r} pJ",
                f"        Scalar reads (per-instance) : {counts.reads}"]
out += ["Summary Stats", f"Cycles: {cost.cycles}", f"Computes = {cost.macs}"]
open("timeloop-model.stats.txt", "w").write("\\n".join(out))
"""

MAESTRO = """
import csv, sys
from simulators.accelerator import maestro
given = dict(argument.removeprefix("--").split("=") for argument in sys.argv[1:])
((layer, mapping),) = maestro.parse_network(open(given["Mapping_file"]).read())
hardware = maestro.Hardware(
    pes=int(given["num_pes"]), noc_bandwidth=int(given["noc_bw_cstr"]),
    noc_hops=int(given["noc_hops"]), noc_hop_latency=int(given["noc_hop_latency"]),
    offchip_bandwidth=int(given["offchip_bw_cstr"]), simd=int(given["num_simd_lanes"]))
row = maestro.evaluate(layer, mapping, hardware).to_row()
with open(given["Mapping_file"].replace(".m", ".csv"), "w", newline="") as file:
    csv.writer(file).writerows([[" " + name for name in row], [repr(v) for v in row.values()]])
"""


def program(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "tool"
    path.write_text(f"#!{sys.executable}\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def check(ours: Any, theirs: Any) -> None:
    measured = {name: value for name, value in theirs.items() if name != "wall_s"}
    assert set(measured) == set(ours)
    assert measured == pytest.approx(ours, rel=1e-9)
    assert theirs["wall_s"] > 0


def test_timeloop_is_given_the_design_and_its_mappings(tmp_path: Path) -> None:
    problem = AcceleratorProblem(workload="alexnet/3", mapping_budget=200)
    (evaluation,) = problem.evaluate([problem.default_design])
    tool = program(tmp_path, TIMELOOP)
    theirs = problem.measure_with("timeloop", problem.default_design, tool)
    check(evaluation.metrics, theirs)


def test_maestro_is_given_the_design(tmp_path: Path) -> None:
    problem = MappingProblem(workload="alexnet/4", pes=64)
    (evaluation,) = problem.evaluate([problem.default_design])
    theirs = problem.measure_with("maestro", problem.default_design, program(tmp_path, MAESTRO))
    check(evaluation.metrics, theirs)


def test_the_command_sets_timeloop_beside_the_built_in_model(tmp_path: Path, capsys: Any) -> None:
    arguments = [
        "evaluate", "archgym/Accelerator-v0", "--workload", "alexnet/5", "--compare",
        "--executable", str(program(tmp_path, TIMELOOP)), "--json",
    ]  # fmt: skip
    assert main(arguments) == 0
    figures = json.loads(capsys.readouterr().out)["backends"]
    assert figures["timeloop"]["cycles"] == figures["archgym"]["cycles"] > 0
    assert figures["timeloop"]["energy_pj"] == pytest.approx(figures["archgym"]["energy_pj"])


def test_missing_programs_and_other_backends_are_explained(tmp_path: Path) -> None:
    accelerators = AcceleratorProblem(workload="alexnet/5", mapping_budget=50)
    with pytest.raises(BackendError, match=r"timeloop-model .*none' does not exist"):
        accelerators.measure_with("timeloop", accelerators.default_design, tmp_path / "none")
    with pytest.raises(InvalidConfigError, match=r"no backend 'maestro'.*Allowed: timeloop"):
        accelerators.measure_with("maestro", accelerators.default_design, None)
    mappings = MappingProblem(workload="alexnet/4")
    with pytest.raises(BackendError, match=r"maestro .*none' does not exist"):
        mappings.measure_with("maestro", mappings.default_design, tmp_path / "none")
