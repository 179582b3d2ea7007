"""The speed benchmark measures what it says; its figures themselves are not tested."""

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from experiments.benchmarks import dram_speed
from experiments.benchmarks.callgrind import instructions_per_request
from simulators.errors import BackendError


def test_the_traces_are_those_described() -> None:
    stream, random, mixed = (dram_speed.make_trace(name, 5000) for name in dram_speed.TRACES)
    assert stream.addresses.tolist() == list(range(0, 64 * 5000, 64))
    assert not stream.writes.any()
    assert not random.writes.any()
    assert len(set(random.addresses.tolist())) > 4900
    assert 0.28 < mixed.writes.mean() < 0.32
    capacity = dram_speed.MAPPING.capacity_bytes
    assert random.addresses.max() > 0.99 * capacity
    assert all(trace.times.tolist() == list(range(5000)) for trace in (stream, random, mixed))
    assert random.digest == dram_speed.make_trace("random", 5000).digest


def test_the_report_names_cpu_traces_and_reference(capsys: Any) -> None:
    assert dram_speed.main(requests=300, repeats=1) == 0
    text = capsys.readouterr().out
    assert "logical CPUs" in text
    assert "default controller, 300 requests" in text
    assert "measured on a machine of this kind but not now" in text
    for name, published in (("stream", "0.50"), ("random", "0.18"), ("mixed", "0.21")):
        (line,) = [line for line in text.splitlines() if line.startswith(name)]
        assert line.split()[3] == published
    assert "start-up per call" in text


def test_json_holds_the_figures(capsys: Any) -> None:
    assert dram_speed.main(requests=300, repeats=1, json_output=True) == 0
    result = json.loads(capsys.readouterr().out)
    for figures in result["traces"].values():
        speed, reference = figures["requests_per_s"], figures["reference_requests_per_s"]
        assert figures["times_reference"] == pytest.approx(speed / reference)
        assert 0 < figures["median_requests_per_s"] <= speed
        assert figures["decode_ns_per_request"] > 0
    assert result["start_up_us"] > 0


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_given_dramsys_is_timed_instead(tmp_path: Path, capsys: Any) -> None:
    lines = ["Total Time: 1 us", "AVG BW: 8.00 Gb/s | 1.00 GB/s | 50.00 %"]
    lines += ["Total Energy: 1 pJ", "Average Power: 1 mW"]
    fake = program(tmp_path / "DRAMSys", f"print({chr(10).join(lines)!r})")
    assert dram_speed.main(requests=50, repeats=1, reference_executable=fake) == 0
    text = capsys.readouterr().out
    assert "measured here with the given executable" in text
    (line,) = [line for line in text.splitlines() if line.startswith("stream")]
    assert line.split()[3] != "0.50"


def test_a_missing_dramsys_is_explained(tmp_path: Path, capsys: Any) -> None:
    missing = tmp_path / "DRAMSys"
    assert dram_speed.main(requests=50, repeats=1, reference_executable=missing) == 2
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("options", [{"requests": 0}, {"repeats": 0}])
def test_nothing_to_measure_is_an_error(options: dict[str, int], capsys: Any) -> None:
    assert dram_speed.main(**options) == 2  # type: ignore[arg-type]
    assert "at least 1" in capsys.readouterr().err


FAKE_VALGRIND = """
import sys
(out,) = [a.partition("=")[2] for a in sys.argv if a.startswith("--callgrind-out-file=")]
times = int(sys.argv[-1].split("range(")[1].split(")")[0])
open(out, "w").write(f"summary: {1_000_000 + times * 700_000}\\n")
"""


def test_instructions_are_those_of_one_simulation(tmp_path: Path, monkeypatch: Any) -> None:
    program(tmp_path / "valgrind", FAKE_VALGRIND)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert instructions_per_request("stream", 1000) == 700.0


def test_a_missing_valgrind_is_explained(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackendError, match="valgrind is not installed"):
        instructions_per_request("stream", 10)


def test_a_failing_valgrind_is_explained(tmp_path: Path, monkeypatch: Any) -> None:
    program(tmp_path / "valgrind", "raise SystemExit('unsupported instruction')")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(BackendError, match="unsupported instruction"):
        instructions_per_request("stream", 10)
