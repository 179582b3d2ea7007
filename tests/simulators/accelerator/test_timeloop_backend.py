"""The real timeloop-model is not needed: a script that reads the same files plays its part."""

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulators.accelerator import (
    Architecture,
    Block,
    Compute,
    Layer,
    Level,
    Mapping,
    backends,
    evaluate,
)
from simulators.accelerator.backends._timeloop import area_table, energy_table, evaluate_timeloop
from simulators.accelerator.backends._timeloop_stats import parse_stats
from simulators.errors import BackendError, InvalidConfigError

ARCHITECTURE = Architecture(
    "system",
    (
        Level(
            name="DRAM", technology="DRAM", block_size=4, read_energy_pj=512.0,
            write_energy_pj=512.0,
        ),
        Level(
            name="L1", depth=64, instances=4, read_energy_pj=0.5, write_energy_pj=0.75,
            area_um2=100.0, component="SRAM",
        ),
    ),
    Compute(name="mac", instances=4, energy_pj=2.25, area_um2=1000.0, component="intmac"),
)  # fmt: skip
LAYER = Layer.conv(c=2, m=4, r=3, s=1, p=6, q=1)
KEEP = frozenset({"Weights", "Inputs", "Outputs"})
MAPPING = Mapping(
    (
        Block("DRAM", (("P", 6), ("C", 2)), (("M", 4, "X"),), KEEP),
        Block("L1", (("R", 3),), (), KEEP),
    )
)

# As version 3 writes them; the levels from the innermost, energies with two decimals.
STATS = """\
Buffer and Arithmetic Levels
----------------------------
Level 0
-------
=== mac ===

    SPECS
    -----
    Word bits             : 16
    Instances             : 4 (4*1)
    Compute energy        : 2.25 pJ

    STATS
    -----
    Utilized instances      : 4
    Computes (total)        : 144
    Cycles                  : 36
    Energy (total)          : 324.00 pJ
    Area (total)            : 4000.00 um^2

Level 1
-------
=== L1 ===

    SPECS
    -----
        Technology                      : SRAM
        Size                            : 64
        Word bits                       : 16
        Instances                       : 4 (4*1)
        Shared bandwidth                : -
        Vector access energy source     : ERT
        Area                            : 100.00 um^2

    MAPPING
    -------
    Loop nest:
      for R in [0:3)

    STATS
    -----
    Cycles               : 36
    Bandwidth throttling : 1.00
    Weights:
        Partition size                           : 6
        Utilized capacity                        : 3
        Utilized instances (max)                 : 4
        Utilized clusters (max)                  : 4
        Scalar reads (per-instance)              : 36
        Scalar updates (per-instance)            : 0
        Scalar fills (per-instance)              : 36
        Temporal reductions (per-instance)       : 0
        Address generations (per-cluster)        : 72
        Energy (per-scalar-access)               : 0.63 pJ
        Energy (per-instance)                    : 45.00 pJ
        Energy (total)                           : 180.00 pJ
        Read Bandwidth (per-instance)            : 1.00 words/cycle

Level 2
-------
=== DRAM ===

    SPECS
    -----
        Technology                      : DRAM
        Size                            : -
        Instances                       : 1 (1*1)
        Area                            : 0.00 um^2

    MAPPING
    -------
    Loop nest:
      for P in [0:6)
        for C in [0:2)
          for M in [0:4) (Spatial-X)

    STATS
    -----
    Cycles               : 48
    Bandwidth throttling : 0.75
    Weights:
        Partition size                           : 24
        Utilized capacity                        : 24
        Scalar reads (per-instance)              : 144
        Scalar updates (per-instance)            : 0
        Scalar fills (per-instance)              : 0
        Energy (total)                           : 18432.00 pJ

Networks
--------
Network 0
---------
DRAM <==> L1

    SPECS
    -----
        Type            : Legacy

    STATS
    -----
    Weights:
        Fanout                                  : 4
        Ingresses                               : 144.00
            @multicast 1 @scatter 4: 144.00
        Energy (total)                          : 99.00 pJ

Operational Intensity Stats
---------------------------
    Total elementwise ops                                   : 144

Summary Stats
-------------
GFLOPs (@1GHz): 6.00
Utilization: 75.00%
Cycles: 48
Energy: 0.02 uJ
EDP(J*cycle): 9.09e-07
Area: 0.00 mm^2

Computes = 144
fJ/Compute
    mac                       = 2250.00
    L1                        = 1250.00
    Total                     = 131500.00
"""


def program(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "timeloop-model"
    path.write_text(f"#!{sys.executable}\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def writing(text: str) -> str:
    return f"import pathlib\npathlib.Path('timeloop-model.stats.txt').write_text({text!r})"


def run(executable: Path, **options: Any) -> backends.BackendCost:
    mapping = options.pop("mapping", MAPPING)
    return evaluate_timeloop(ARCHITECTURE, LAYER, mapping, executable=executable, **options)


def test_the_program_finds_what_we_evaluate_in_its_own_format(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    body = f"""
import json, pathlib, sys
files = {{name: pathlib.Path(name).read_text() for name in sys.argv[1:]}}
pathlib.Path({str(report)!r}).write_text(json.dumps([str(pathlib.Path.cwd()), files]))
"""
    cost = run(program(tmp_path, body + writing(STATS)))
    assert cost.wall_s > 0
    folder, files = json.loads(report.read_text(encoding="utf-8"))
    assert not Path(folder).exists()
    contents = [yaml.safe_load(text) for text in files.values()]
    merged = {key: value for content in contents for key, value in content.items()}
    assert set(merged) == {"architecture", "problem", "mapping", "ERT", "ART"}
    energies = {
        "DRAM": {"read": 512.0, "write": 512.0},
        "L1": {"read": 0.5, "write": 0.75},
        "mac": {"compute": 2.25},
    }
    areas = {"DRAM": 0.0, "L1": 100.0, "mac": 1000.0}
    read = Architecture.from_timeloop({"architecture": merged["architecture"]}, energies, areas)
    for ours, theirs in zip(ARCHITECTURE.levels, read.levels, strict=True):
        for name in ("name", "depth", "block_size", "instances", "mesh_x", "read_energy_pj"):
            assert getattr(ours, name) == getattr(theirs, name)
    layer = Layer.from_timeloop({"problem": merged["problem"]})
    assert (layer.dims, layer.tensors) == (LAYER.dims, LAYER.tensors)
    assert Mapping.from_timeloop({"mapping": merged["mapping"]}) == MAPPING


def test_figures_are_read_in_our_names_and_units() -> None:
    cost = parse_stats(STATS)
    assert (cost.cycles, cost.macs, cost.utilization) == (48, 144, 0.75)
    assert cost.energy_pj == 324.0 + 180.0 + 18432.0
    assert cost.area_um2 == 4000.0 + 4 * 100.0
    assert cost.level_energy_pj == {"mac": 324.0, "L1": 180.0, "DRAM": 18432.0}
    assert cost.level_cycles == {"L1": 36, "DRAM": 48}
    assert cost.edp_j_cycle == pytest.approx(18936e-12 * 48)
    weights = cost.levels["L1"]["Weights"]
    assert weights["reads"] == weights["fills"] == 36
    assert (weights["tile_size"], weights["partition_size"], weights["instances"]) == (3, 6, 4)
    assert set(cost.levels["L1"]) == {"Weights"}


def test_the_names_of_sparse_aware_versions_are_read_too() -> None:
    text = STATS.replace("Scalar reads", "Actual scalar reads").replace(
        "Utilized capacity       ", "Max utilized data storage capacity"
    )
    text = text.replace("Computes = 144", "Actual Computes = 144").replace("75.00%", "0.75")
    cost = parse_stats(text)
    assert cost.levels["DRAM"]["Weights"]["reads"] == 144
    assert cost.levels["DRAM"]["Weights"]["tile_size"] == 24
    assert (cost.macs, cost.utilization) == (144, 0.75)


def test_energy_and_area_tables_name_every_component() -> None:
    tables = energy_table(ARCHITECTURE)["ERT"]["tables"]
    assert [table["name"] for table in tables] == [
        "system.DRAM",
        "system.L1[0..3]",
        "system.mac[0..3]",
    ]
    actions = {action["name"]: action["energy"] for action in tables[1]["actions"]}
    assert (actions["read"], actions["write"]) == (0.5, 0.75)
    areas = area_table(ARCHITECTURE)["ART"]["tables"]
    assert areas[2] == {"name": "system.mac[0..3]", "area": 1000.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "hold no levels"),
        (STATS.replace("Cycles: 48", ""), "no 'Cycles'"),
        (STATS.replace("180.00 pJ", "nan pJ"), r"Energy \(total\) = nan"),
    ],
    ids=["empty", "no-cycles", "not-finite"],
)
def test_other_statistics_are_reported(text: str, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        parse_stats(text)


def test_a_refused_mapping_is_reported_with_what_the_tool_said(tmp_path: Path) -> None:
    said = "ERROR: couldn't map level L1: mapped tile size 315 exceeds buffer capacity 256"
    with pytest.raises(BackendError, match=r"wrote no timeloop-model\.stats\.txt(.|\n)*size 315"):
        run(program(tmp_path, f"import sys; print({said!r}, file=sys.stderr)"))
    with pytest.raises(BackendError, match=r"exit status 1(.|\n)*size 315"):
        run(program(tmp_path, f"import sys; sys.exit({said!r})"))


def test_a_hanging_program_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"stopped after 0\.5 s.*smaller layer"):
        run(program(tmp_path, "import time; time.sleep(600)"), timeout_s=0.5)


def test_a_missing_program_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"timeloop-model .*none' does not exist"):
        run(tmp_path / "none")


def test_a_mapping_that_directives_cannot_say_is_refused_before_anything_runs(
    tmp_path: Path,
) -> None:
    twice = Mapping(
        (
            Block("DRAM", (("P", 2), ("C", 2), ("P", 3)), (("M", 4, "X"),), KEEP),
            Block("L1", (("R", 3),), (), KEEP),
        )
    )
    with pytest.raises(InvalidConfigError, match="two temporal loops"):
        run(program(tmp_path, "raise SystemExit(9)"), mapping=twice)


def test_a_backend_is_chosen_by_name(tmp_path: Path) -> None:
    executable = program(tmp_path, writing(STATS))
    cost = backends.evaluate("timeloop", ARCHITECTURE, LAYER, MAPPING, executable=executable)
    assert (cost.backend, cost.cycles) == ("timeloop", 48)
    with pytest.raises(InvalidConfigError, match="Did you mean 'timeloop'"):
        backends.evaluate("timelop", ARCHITECTURE, LAYER, MAPPING)


def test_every_backend_can_be_loaded() -> None:
    for backend in backends.BACKENDS.values():
        assert callable(backend.load())
        assert backend.summary.startswith("(")


def test_figures_of_both_are_set_side_by_side() -> None:
    ours = evaluate(ARCHITECTURE, LAYER, MAPPING)
    found = {each.name: each for each in backends.compare(ours, parse_stats(STATS))}
    assert found["macs"].ours == found["macs"].theirs == 144
    assert found["macs"].relative_difference == 0
    cycles = found["cycles"]
    assert (cycles.ours, cycles.theirs) == (36, 48)
    assert cycles.relative_difference == pytest.approx(-0.25)
    reads = found["L1 Weights reads"]
    assert (reads.ours, reads.theirs) == (36, 36)
    assert "L1 Inputs reads" not in found
