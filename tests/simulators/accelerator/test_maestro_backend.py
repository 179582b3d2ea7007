"""The real MAESTRO is not needed: a script that reads the same file plays its part."""

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from simulators.accelerator import Layer, backends, maestro
from simulators.accelerator.backends._maestro import evaluate_maestro, network_text
from simulators.errors import BackendError, InvalidConfigError

LAYER = maestro.MaestroLayer(
    dims={"K": 4, "C": 6, "R": 3, "S": 3, "Y": 8, "X": 8}, stride=(2, 1), name="conv1"
)
MAPPING = """
SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(Sz(R),Sz(R)) R; TemporalMap(Sz(S),Sz(S)) S;
TemporalMap(Sz(R),1) Y; TemporalMap(Sz(S),1) X; Cluster(2,P); SpatialMap(1,1) C;
"""
HARDWARE = maestro.Hardware(pes=8, noc_bandwidth=64, offchip_bandwidth=32, l1_size=512)

# The first columns that MAESTRO writes, with its blanks.
CSV = """\
Layer Number, NumPEs, Runtime (Cycles), Activity count-based Energy (nJ), Area, Num MACs, Notes,
LAYER, 8, 1945, 12.5, 4.72635e+04, 7776, none,
"""


def program(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "maestro"
    path.write_text(f"#!{sys.executable}\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def writing(text: str) -> str:
    return f"import pathlib\npathlib.Path('archgym.csv').write_text({text!r})"


def run(executable: Path, layer: Any = LAYER, **options: Any) -> backends.BackendCost:
    return evaluate_maestro(layer, MAPPING, HARDWARE, executable=executable, **options)


def test_the_program_finds_layer_mapping_and_hardware(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    body = f"""
import json, pathlib, sys
options = dict(argument.removeprefix("--").split("=") for argument in sys.argv[1:])
text = pathlib.Path(options["Mapping_file"]).read_text()
pathlib.Path({str(report)!r}).write_text(json.dumps([str(pathlib.Path.cwd()), options, text]))
"""
    run(program(tmp_path, body + writing(CSV)))
    folder, options, text = json.loads(report.read_text(encoding="utf-8"))
    assert not Path(folder).exists()
    assert options["num_pes"] == "8"
    assert (options["noc_bw_cstr"], options["offchip_bw_cstr"]) == ("64", "32")
    assert (options["l1_size_cstr"], options["print_res_csv_file"]) == ("512", "true")
    ((layer, mapping),) = maestro.parse_network(text)
    assert (layer.kind, dict(layer.dims), layer.stride) == ("CONV", dict(LAYER.dims), (2, 1))
    assert mapping == maestro.MaestroMapping.from_text(MAPPING)


def test_figures_are_read_in_our_units(tmp_path: Path) -> None:
    cost = run(program(tmp_path, writing(CSV)))
    assert (cost.cycles, cost.energy_pj, cost.area_um2, cost.macs) == (1945, 12500.0, 47263.5, 7776)
    assert cost.columns["NumPEs"] == 8
    assert cost.columns["Notes"] == "none"
    assert cost.wall_s > 0


def test_a_layer_of_ours_is_written_as_maestro_describes_it() -> None:
    layer = Layer.conv(c=3, m=8, r=3, s=3, p=10, q=12, stride=(2, 1))
    ((read, _),) = maestro.parse_network(
        network_text(
            maestro.MaestroLayer.from_layer(layer), maestro.MaestroMapping.from_text(MAPPING)
        )
    )
    assert (read.dims["K"], read.dims["Y"], read.dims["X"]) == (8, 21, 14)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"holds 0 lines of results under the columns \(none\)"),
        (CSV.splitlines()[0], "holds 0 lines"),
        (CSV + CSV.splitlines()[1], "holds 2 lines"),
        (CSV.replace("Runtime (Cycles)", "Runtime"), "expected one line with 'Runtime"),
        (CSV.replace("1945", "nan"), r"Runtime \(Cycles\) = nan"),
    ],
    ids=["empty", "no-line", "two-lines", "other-columns", "not-finite"],
)
def test_other_results_are_reported(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        run(program(tmp_path, writing(text)))


def test_a_crash_is_reported_with_what_the_tool_said(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"exit status 3(.|\n)*R and S must be"):
        run(program(tmp_path, "import sys; print('R and S must be whole'); sys.exit(3)"))
    with pytest.raises(BackendError, match=r"wrote no archgym\.csv"):
        run(program(tmp_path, ""))


def test_a_layer_that_maestro_does_not_know_is_refused_before_anything_runs(tmp_path: Path) -> None:
    layer = Layer.conv(c=3, m=8, r=3, s=3, p=10, q=12, dilation=(2, 2))
    with pytest.raises(InvalidConfigError, match="dilation"):
        run(program(tmp_path, "raise SystemExit(9)"), layer)
    with pytest.raises(BackendError, match=r"maestro .*none' does not exist"):
        run(tmp_path / "none")


def test_a_backend_is_chosen_by_name(tmp_path: Path) -> None:
    executable = program(tmp_path, writing(CSV))
    cost = backends.evaluate("maestro", LAYER, MAPPING, HARDWARE, executable=executable)
    assert (cost.backend, cost.cycles) == ("maestro", 1945)


def test_the_columns_of_both_are_set_side_by_side(tmp_path: Path) -> None:
    theirs = run(program(tmp_path, writing(CSV)))
    ours = maestro.evaluate(LAYER, MAPPING, HARDWARE, compatibility="maestro")
    found = {each.name: each for each in backends.compare(ours, theirs)}
    assert found["Runtime (Cycles)"].theirs == 1945
    assert found["Runtime (Cycles)"].ours == ours.cycles
    assert set(found) == {
        "NumPEs", "Runtime (Cycles)", "Activity count-based Energy (nJ)", "Area", "Num MACs",
    }  # fmt: skip
