"""The real DRAMSys is not needed: a script that reads the same inputs plays its part."""

import json
import stat
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from simulators.dram import AddressMapping, ControllerConfig, MemorySpec, Trace
from simulators.dram._dramsys import parse_output, simulate_dramsys
from simulators.errors import BackendError, InvalidConfigError

DDR4 = MemorySpec.preset("DDR4-2400")
MAPPING = AddressMapping.preset(DDR4, "bank-row-column")
CONTROLLER = ControllerConfig(page_policy="Closed", arbiter="Fifo")
TRACE = Trace.from_arrays([0, 5], [0, 0x40], [False, True], clock_mhz=800)

OUTPUT = """\
DRAMSys.dram0  Total Energy:   85109250.00 pJ
DRAMSys.dram0  Average Power:  1701.33 mW
DRAMSys.controller0  Total Time:     50025 ns
DRAMSys.controller0  AVG BW:         102.35 Gb/s |  12.79 GB/s |  99.95 %
DRAMSys.controller0  AVG BW\\IDLE:    102.40 Gb/s |  12.80 GB/s | 100.00 %
DRAMSys.controller0  MAX BW:         102.40 Gb/s |  12.80 GB/s | 100.00 %
Simulation took 0.1 seconds.
"""

# Follows the paths of the simulation file as DRAMSys does, and reports what it found there.
PLAYER = """
import json, pathlib, sys
simulation, resources = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
content = json.loads(simulation.read_text())["simulation"]
folders = {"addressmapping": "amconfigs", "mcconfig": "mcconfigs", "memspec": "memspecs",
           "simconfig": "simulator"}
seen = {key: json.loads((resources / "configs" / folder / content[key]).read_text())
        for key, folder in folders.items()}
seen["traces"] = [(each["clkMhz"], each["name"], (resources / "traces" / each["name"]).read_text())
                  for each in content["tracesetup"]]
seen["cwd"] = str(pathlib.Path.cwd())
pathlib.Path(REPORT).write_text(json.dumps(seen))
"""


def program(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "DRAMSys"
    path.write_text(f"#!{sys.executable}\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def printing(text: str) -> str:
    return f"print({text!r}, end='')"


def run(executable: Path | str, memory: MemorySpec = DDR4, **options: Any) -> dict[str, Any]:
    trace = options.pop("trace", TRACE)
    return simulate_dramsys(executable, memory, MAPPING, CONTROLLER, trace, **options)


def test_the_program_finds_every_input_where_dramsys_looks_for_it(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    player = PLAYER.replace("REPORT", repr(str(report))) + printing(OUTPUT)
    relative = Trace.from_arrays([3], [0x80], [False], clock_mhz=3200.0, relative=True)
    result = run(program(tmp_path, player), trace=[TRACE, relative])
    assert result.pop("wall_s") > 0
    assert result == {
        "time_ns": 50025.0,
        "energy_pj": 85109250.0,
        "power_mw": 1701.33,
        "bandwidth_gb_s": pytest.approx(102.35 / 8),
        "bandwidth_utilization": pytest.approx(0.9995),
    }
    seen = json.loads(report.read_text(encoding="utf-8"))
    assert MemorySpec.from_dramsys(seen["memspec"]) == DDR4
    assert AddressMapping.from_dramsys(seen["addressmapping"]).row == MAPPING.row
    assert ControllerConfig.from_dramsys(seen["mcconfig"]) == CONTROLLER
    assert seen["simconfig"]["simconfig"]["PowerAnalysis"] is True
    assert seen["simconfig"]["simconfig"]["DatabaseRecording"] is False
    assert seen["traces"] == [
        [800, "trace0.stl", "0:\tread\t0x0\n5:\twrite\t0x40\n"],
        [3200, "trace1.rstl", "3:\tread\t0x80\n"],
    ]
    assert not Path(seen["cwd"]).exists()


def test_energy_is_not_asked_for_where_the_standard_has_none(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    without_energy = "".join(OUTPUT.splitlines(keepends=True)[2:])
    player = PLAYER.replace("REPORT", repr(str(report))) + printing(without_energy)
    memory = MemorySpec.preset("HBM2-2000")
    mapping = AddressMapping.preset(memory, "bank-row-column")
    result = simulate_dramsys(program(tmp_path, player), memory, mapping, CONTROLLER, TRACE)
    assert result["energy_pj"] is result["power_mw"] is None
    seen = json.loads(report.read_text(encoding="utf-8"))
    assert seen["simconfig"]["simconfig"]["PowerAnalysis"] is False


def test_channels_are_added_up() -> None:
    second = OUTPUT.replace("dram0", "dram1").replace("controller0", "controller1")
    result = parse_output(OUTPUT + second.replace("50025 ns", "50025001 ps"), channels=2)
    assert result["time_ns"] == pytest.approx(50025.001)
    assert result["energy_pj"] == 2 * 85109250.0
    assert result["bandwidth_gb_s"] == pytest.approx(2 * 102.35 / 8)
    assert result["bandwidth_utilization"] == pytest.approx(0.9995)


@pytest.mark.parametrize(
    ("text", "time_ns"), [("1 us", 1e3), ("999 ps", 0.999), ("2 ms", 2e6), ("1.5 us", 1500)]
)
def test_times_are_converted_to_nanoseconds(text: str, time_ns: float) -> None:
    result = parse_output(OUTPUT.replace("50025 ns", text))
    assert result["time_ns"] == pytest.approx(time_ns)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("", "0 lines 'Total Time', expected 1"),
        ("hello\n", "hello"),
        (OUTPUT * 2, "2 lines 'Total Time', expected 1"),
        (OUTPUT.replace("Total Time", "Time"), "0 lines 'Total Time'"),
        (OUTPUT.replace("102.35 Gb/s", "lots Gb/s"), "0 lines 'AVG BW'"),
        (OUTPUT.replace("99.95 %", ""), "0 lines 'AVG BW in %'"),
        (OUTPUT.replace("Average Power", "Power"), "1 lines 'Total Energy'"),
        (OUTPUT.replace("102.35", "-nan"), "not a finite number"),
        (OUTPUT.replace("85109250.00", "inf"), "not a finite number"),
    ],
)
def test_other_output_is_reported_with_its_last_lines(
    tmp_path: Path, output: str, message: str
) -> None:
    with pytest.raises(BackendError, match=message):
        run(program(tmp_path, printing(output)))


def test_a_missing_program_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"none' does not exist\. Give the path"):
        run(tmp_path / "none")
    with pytest.raises(BackendError, match="does not exist"):
        run("no-such-program-anywhere")


def test_a_program_that_cannot_be_executed_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "DRAMSys"
    path.write_text("no program", encoding="utf-8")
    with pytest.raises(BackendError, match="is not an executable file"):
        run(path)
    with pytest.raises(BackendError, match="is not an executable file"):
        run(tmp_path)
    path.chmod(0o755)
    with pytest.raises(BackendError, match="cannot be started"):
        run(path)


def test_a_failing_program_is_reported_with_what_it_printed(tmp_path: Path) -> None:
    body = "import sys; print('Fatal: no map', file=sys.stderr); print('bye'); sys.exit(3)"
    with pytest.raises(BackendError, match=r"exit status 3(.|\n)*Fatal: no map"):
        run(program(tmp_path, body))


def test_a_silent_failure_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"exit status -6\. It printed nothing"):
        run(program(tmp_path, "import os; os.abort()"))


def test_a_program_that_hangs_is_stopped_together_with_its_children(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    body = f"""
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path({str(pid_file)!r}).write_text(str(child.pid))
print("started", flush=True)
time.sleep(600)
"""
    with pytest.raises(BackendError, match=r"stopped after 3 s(.|\n)*started"):
        run(program(tmp_path, body), timeout_s=3)
    child = Path("/proc") / pid_file.read_text(encoding="utf-8")
    for _ in range(500):
        if not child.exists() or "\nState:\tZ" in (child / "status").read_text(encoding="utf-8"):
            return
        time.sleep(0.01)
    pytest.fail("the program's child still runs")


def test_a_clock_that_dramsys_cannot_read_is_reported(tmp_path: Path) -> None:
    trace = Trace.from_arrays([0], [0], [False], clock_mhz=933.5)
    with pytest.raises(BackendError, match=r"933\.5.*whole MHz"):
        run(program(tmp_path, printing(OUTPUT)), trace=trace)


def test_a_map_of_another_memory_is_reported_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match="BANKGROUP_BIT has 2 bits"):
        run(program(tmp_path, printing(OUTPUT)), memory=MemorySpec.preset("DDR3-1600"))
