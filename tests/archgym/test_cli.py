"""The command line: its verbs, its JSON, its exit codes and what it says of bad input."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archgym import make_problem
from archgym.cli import main
from archgym.envs import REGISTRY, ProblemSpec

SMALL = ["--requests", "300"]
SEARCH = ["search", "archgym/DRAM-v0", *SMALL, "--agents", "random_walk", "genetic"]
SEARCH += ["--seeds", "2", "--budget", "30", "--jobs", "1"]
VERBS = ("envs", "evaluate", "search", "replay", "report", "trace")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study, searched on the command line."""
    out = tmp_path_factory.mktemp("cli") / "study"
    assert main([*SEARCH, "--out", str(out)]) == 0
    return out


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run the command line; return exit code, standard output and standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        written = capsys.readouterr()
        return code, written.out, written.err

    return call


@pytest.fixture
def run_json(run):
    """Run with ``--json``; return the parsed standard output of a command that must succeed."""

    def call(*arguments: object) -> dict[str, object]:
        code, out, err = run(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    return call


# ------------------------------------------------------------------------------- verbs


@pytest.mark.parametrize("verb", [(), *((verb,) for verb in VERBS), ("trace", "record")])
def test_every_verb_has_help(run, verb: tuple[str, ...]):
    code, out, _ = run(*verb, "--help")
    assert code == 0
    assert f"usage: archgym {' '.join(verb)}".strip() in out


def test_version_is_printed(run):
    code, out, _ = run("--version")
    assert (code, out.split()[0]) == (0, "archgym")


def test_help_loads_no_heavy_library():
    code = "import sys; from archgym.cli import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"pandas", "plotly", "pyarrow", "optuna", "torch", "sklearn", "matplotlib"}


def test_envs_lists_every_problem(run):
    from archgym.envs import REGISTRY

    code, out, _ = run("envs")
    assert code == 0
    assert all(name in out for name in REGISTRY)


def test_envs_shows_one_problem_in_full(run):
    problem = make_problem("archgym/DRAM-v0")
    _, out, _ = run("envs", "archgym/DRAM-v0")
    for name in (*problem.space.names, *problem.metrics, "stream", "DDR4-2400", "LPDDR4-3200"):
        assert name in out


def test_envs_json_describes_parameters_and_metrics(run_json):
    (found,) = run_json("envs", "archgym/DRAM-v0")["environments"]
    problem = make_problem("archgym/DRAM-v0")
    assert found["designs"] == problem.space.size
    assert [p["name"] for p in found["parameters"]] == list(problem.space.names)
    assert [m["name"] for m in found["metrics"]] == list(problem.metrics)
    assert found["default_design"] == problem.default_design


def test_evaluate_measures_the_default_design(run_json):
    found = run_json("evaluate", *SMALL)
    problem = make_problem("archgym/DRAM-v0", requests=300)
    assert found["design"] == problem.default_design
    assert found["metrics"] == problem.reference.metrics
    assert found["reward"] == 0
    assert found["feasible"] is True
    assert found["units"]["latency_mean_ns"] == "ns"
    assert set(found["breakdown"]) == set(problem.breakdown(problem.default_design))


def test_evaluate_applies_the_given_parameters(run_json):
    given = ("arbiter=Reorder", "request_buffer_size=16")
    found = run_json("evaluate", *SMALL, "--design", *given, "--workload", "random")
    design = found["design"]
    assert design["arbiter"] == "Reorder"
    assert design["request_buffer_size"] == 16
    # Switched on by the arbiter, and not given: its first value.
    assert design["max_active_transactions"] == 1
    problem = make_problem("archgym/DRAM-v0", requests=300, workload="random")
    assert found["metrics"] == problem.evaluate([design])[0].metrics


def test_evaluate_shows_metrics_units_and_where_time_goes(run):
    code, out, _ = run("evaluate", *SMALL)
    assert code == 0
    for word in ("latency_mean_ns", " ns", "power_mw", " mW", "commands", "energy", "reward 0"):
        assert word in out


def test_evaluate_tells_an_infeasible_design(run_json):
    found = run_json("evaluate", *SMALL, "--design", "refresh_policy=NoRefresh")
    assert found["feasible"] is False
    assert any(value > 0 for value in found["violations"].values())


def test_evaluate_writes_a_chrome_trace(run, tmp_path: Path):
    file = tmp_path / "log.json"
    code, out, _ = run("evaluate", *SMALL, "--chrome-trace", file)
    assert code == 0
    assert str(file) in out
    assert len(json.loads(file.read_text())["traceEvents"]) > 300


FAKE_DRAMSYS = """#!/bin/sh
echo ' controller0  Total Time:     10000 ns'
echo ' controller0  AVG BW:         16.00 Gb/s |  2.00 GB/s | 10.42 %'
echo ' controller0  Total Energy:   5000.00 pJ'
echo ' controller0  Average Power:  0.50 mW'
"""


@pytest.fixture
def dramsys(tmp_path: Path) -> Path:
    """A program that prints what DRAMSys prints."""
    program = tmp_path / "DRAMSys"
    program.write_text(FAKE_DRAMSYS)
    program.chmod(0o755)
    return program


def test_compare_shows_both_simulators_side_by_side(run, run_json, dramsys: Path):
    code, out, err = run("evaluate", *SMALL, "--compare", "--executable", dramsys)
    assert code == 0, err
    assert "archgym" in out
    assert "10,000" in out
    found = run_json("evaluate", *SMALL, "--compare", "--executable", dramsys)["backends"]
    assert found["dramsys"]["time_ns"] == 10000
    ours = make_problem("archgym/DRAM-v0", requests=300).reference.metrics
    assert found["archgym"]["time_ns"] == ours["time_ns"]


def test_backend_dramsys_shows_its_numbers_alone(run_json, dramsys: Path):
    found = run_json("evaluate", *SMALL, "--backend", "dramsys", "--executable", dramsys)
    assert found["metrics"]["energy_pj"] == 5000


def test_set_gives_any_argument_of_the_problem(run_json):
    plain = run_json("evaluate", *SMALL)
    corrected = run_json("evaluate", *SMALL, "--set", "compatibility=corrected", "threads=1")
    assert plain["config"]["compatibility"] == "dramsys40"
    assert corrected["config"]["compatibility"] == "corrected"
    assert corrected["config"]["threads"] == 1


def test_envs_lists_the_arguments_of_a_problem(run, run_json):
    _, out, _ = run("envs", "archgym/DRAM-v0")
    assert "compatibility" in out
    (found,) = run_json("envs", "archgym/DRAM-v0")["environments"]
    assert found["arguments"]["compatibility"]["default"] == "dramsys40"
    assert all(argument["description"] for argument in found["arguments"].values())


def test_search_writes_a_table_and_what_to_do_next(run, tmp_path: Path):
    code, out, err = run(*SEARCH, "--out", tmp_path / "study", "--report")
    assert code == 0
    for word in ("random_walk", "genetic", "requests/s", "latency", "power", "to 95 %", "replay"):
        assert word in out
    assert "4 of 4 runs, 120 of 120 evaluations" in err
    assert (tmp_path / "study/report.html").stat().st_size > 1_000_000


def test_search_json_agrees_with_the_record(run_json, study: Path):
    from archgym import load_trials

    found = run_json(*SEARCH, "--out", study)
    trials = load_trials(study)
    best = trials[trials["feasible"]]["reward"].max()
    assert found["best"]["reward"] == best
    assert {agent["agent"] for agent in found["agents"]} == {"random_walk", "genetic"}
    assert all(agent["evaluations"] == 60 for agent in found["agents"])
    assert all(agent["requests_per_s"] > 0 for agent in found["agents"])
    problem = make_problem("archgym/DRAM-v0", requests=300)
    assert found["best"]["design"] == problem.space.validate(found["best"]["design"])
    assert found["default"]["metrics"] == problem.reference.metrics


def test_search_passes_hyperparameters_on(run_json, tmp_path: Path):
    given = ("--hyperparameter", "genetic.population=80", "--out", tmp_path)
    run_json(*SEARCH, *given)
    info = json.loads((tmp_path / "genetic/seed-0/run.json").read_text())
    assert info["hyperparameters"]["population"] == 80


def test_search_chooses_a_folder_by_itself(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert run(*SEARCH)[0] == 0
    assert (tmp_path / "runs/dram-v0-stream-ddr4-2400/genetic/seed-1/trials.parquet").exists()


def test_json_stands_alone_on_standard_output(run, tmp_path: Path):
    code, out, err = run(*SEARCH, "--out", tmp_path, "--json")
    assert code == 0
    json.loads(out)
    assert "evaluations" in err


@pytest.mark.parametrize("trial", ["best", "7"])
def test_replay_finds_every_number_the_same(run, study: Path, trial: str):
    code, out, _ = run("replay", study / "genetic/seed-1", "--trial", trial)
    assert code == 0
    assert "Every number is the same" in out


def test_replay_of_a_whole_study_takes_its_best_trial(run_json, study: Path):
    best = run_json(*SEARCH, "--out", study)["best"]
    found = run_json("replay", study)
    assert found["run"] == f"{best['agent']}/seed-{best['seed']}"
    assert found["trial"] == best["trial"]
    assert found["numbers"]["reward"]["again"] == best["reward"]


def test_replay_notices_a_number_that_differs(run, study: Path, tmp_path: Path):
    import pyarrow.parquet as pq

    folder = tmp_path / "run"
    shutil.copytree(study / "genetic/seed-0", folder)
    table = pq.read_table(folder / "trials.parquet")
    position = table.column_names.index("metric.latency_mean_ns")
    changed = table.column(position).to_pylist()
    changed[0] += 1e-9
    pq.write_table(
        table.set_column(position, table.schema.field(position), [changed]),
        folder / "trials.parquet",
    )
    code, out, _ = run("replay", folder, "--trial", "0", "--json")
    found = json.loads(out)
    assert code == 1
    assert found["different"] == ["latency_mean_ns"]
    assert run("replay", folder, "--trial", "1")[0] == 0


def test_report_is_written_where_asked(run, run_json, study: Path, tmp_path: Path):
    page = tmp_path / "page.html"
    code, out, _ = run("report", study, "--out", page)
    assert code == 0
    assert str(page) in out
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    found = run_json("report", study / "genetic")
    assert found["report"] == str(study / "genetic/report.html")


def test_trace_info_describes_a_workload(run, run_json):
    found = run_json("trace", "info", "stream", "--requests", "100")
    assert found["requests"] == found["reads"] + found["writes"] == 100
    code, out, _ = run("trace", "info", "stream")
    assert code == 0
    assert "open_row_ratio" in out


def test_trace_list_has_every_workload(run, run_json):
    from simulators.dram import workloads

    assert run_json("trace", "list")["workloads"] == workloads()
    assert all(name in run("trace", "list")[1] for name in workloads())


def test_trace_convert_reads_other_simulators(run, run_json, tmp_path: Path):
    theirs = tmp_path / "ramulator.trace"
    theirs.write_text("0x40 R\n0x80 W\n")
    ours = tmp_path / "ours.stl"
    found = run_json("trace", "convert", theirs, ours, "--from", "ramulator")
    assert found["requests"] == 2
    assert run_json("trace", "info", ours)["writes"] == 1


needs_valgrind = pytest.mark.skipif(shutil.which("valgrind") is None, reason="no valgrind found")


@needs_valgrind
def test_trace_record_takes_a_command_with_options_of_its_own(run, tmp_path: Path):
    file = tmp_path / "ls.stl.gz"
    caches = ("--l1d", "4KiB:2", "--l2", "16KiB:4")
    code, out, err = run(
        "trace", "record", "--out", file, *caches, "--json", "--", "ls", "-l", "--all", "/"
    )
    assert code == 0, err
    found = json.loads(out)
    assert found["command"] == ["ls", "-l", "--all", "/"]
    assert file.exists()
    assert run("trace", "info", file)[0] == 0


# ------------------------------------------------------------------------------- bad input

BAD = {
    "no verb": ([], ["envs", "evaluate"]),
    "unknown option": (["envs", "--jsno"], ["--jsno", "--json"]),
    "unknown environment": (["envs", "archgym/DRM-v0"], ["Did you mean 'archgym/DRAM-v0'"]),
    "unknown verb": (["evalute"], ["Did you mean 'evaluate'", "search"]),
    "unknown argument": (["evaluate", "--set", "memry=DDR4-2400"], ["Did you mean 'memory'"]),
    "argument twice": (["evaluate", "--workload", "x", "--set", "workload=y"], ["--set"]),
    "argument of no value": (["evaluate", "--set", "compatibility=correct"], ["'corrected'"]),
    "unknown backend": (["evaluate", "--backend", "dramsis"], ["Did you mean 'dramsys'"]),
    "explained backend": (["evaluate", "--explain", "--compare"], ["--explain"]),
    "unknown workload": (["evaluate", "--workload", "strem"], ["Did you mean 'stream'"]),
    "unknown memory": (["evaluate", "--memory", "DDR4-2401"], ["Did you mean 'DDR4-2400'"]),
    "unknown space": (["evaluate", "--space", "papr"], ["Did you mean 'paper'"]),
    "unknown metric": (
        ["evaluate", "--objective", "latncy_mean_ns"],
        ["Did you mean 'latency_mean_ns'"],
    ),
    "unknown objective": (["evaluate", "--objective", "prod:time_ns"], ["Did you mean 'product'"]),
    "unknown parameter": (["evaluate", "--design", "pagepolicy=Open"], ["'page_policy'"]),
    "unknown value": (["evaluate", "--design", "page_policy=Opn"], ["Did you mean 'Open'"]),
    "no assignment": (["evaluate", "--design", "page_policy"], ["name=value"]),
    "parameter twice": (["evaluate", "--design", "arbiter=Fifo", "arbiter=Simple"], ["twice"]),
    "inactive parameter": (["evaluate", "--design", "max_active_transactions=4"], ["arbiter"]),
    "missing trace": (["evaluate", "--workload", "nowhere.stl"], ["nowhere.stl", "not exist"]),
    "no DRAMSys path": (["evaluate", "--compare"], ["--executable"]),
    "idle DRAMSys path": (["evaluate", "--executable", "/bin/true"], ["--compare"]),
    "missing DRAMSys": (
        ["evaluate", "--compare", "--executable", "/nowhere/DRAMSys"],
        ["/nowhere/DRAMSys", "not exist"],
    ),
    "unknown agent": (["search", "--agents", "genetc"], ["Did you mean 'genetic'"]),
    "budget 0": (["search", "--budget", "0"], ["--budget 0", "at least 1"]),
    "budget below 0": (["search", "--budget", "-5"], ["--budget -5", "at least 1"]),
    "budget no number": (["search", "--budget", "many"], ["many", "--budget"]),
    "no seeds": (["search", "--seeds", "0"], ["--seeds 0", "at least 1"]),
    "no jobs": (["search", "--jobs", "0"], ["--jobs 0", "at least 1"]),
    "unknown hyperparameter": (
        ["search", "--hyperparameter", "genetic.popsize=3"],
        ["popsize", "population"],
    ),
    "hyperparameter of none": (["search", "--hyperparameter", "population=3"], ["AGENT.NAME"]),
    "hyperparameter of an absent agent": (
        ["search", "--agents", "genetic", "--hyperparameter", "tpe.startup=3"],
        ["tpe"],
    ),
    "hyperparameter of wrong type": (
        ["search", "--hyperparameter", "genetic.population=abc"],
        ["population", "abc"],
    ),
    "report of nothing": (["report", "nowhere"], ["nowhere", "not exist"]),
    "replay of nothing": (["replay", "nowhere"], ["nowhere", "not exist"]),
    "info of nothing": (["trace", "info", "nowhere.stl"], ["nowhere.stl"]),
    "record without command": (["trace", "record", "--out", "x.stl"], ["after --"]),
    "record without out": (["trace", "record", "--", "ls"], ["--out"]),
    "record of nothing": (
        ["trace", "record", "--out", "x.stl", "--", "no-such-program"],
        ["no-such-program"],
    ),
    "record with a bad cache": (
        ["trace", "record", "--out", "x.stl", "--l2", "5x:3", "--", "ls"],
        ["SIZE:WAYS"],
    ),
    "convert to nowhere": (["trace", "convert", "stream", "nowhere/x.stl"], ["nowhere"]),
    "command for another verb": (["evaluate", "--", "ls"], ["trace record"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_one_clear_message(
    run, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    arguments, words = BAD[case]
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert "Traceback" not in err
    for word in words:
        assert word in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe" * 50, b"12: read 0x40\n13: raed 0x80\n"])
def test_a_damaged_trace_is_refused_by_name(run, tmp_path: Path, content: bytes):
    file = tmp_path / "damaged.stl"
    file.write_bytes(content)
    code, _, err = run("evaluate", "--workload", file)
    assert code == 2
    assert "damaged.stl" in err
    assert ("damaged.stl:2" in err) == (b"raed" in content)


def test_a_folder_that_cannot_be_made_is_refused(run, tmp_path: Path):
    (tmp_path / "file").write_text("")
    code, _, err = run(*SEARCH, "--out", tmp_path / "file")
    assert code == 2
    assert str(tmp_path / "file") in err


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser can write everywhere")
def test_an_unwritable_folder_is_refused(run, tmp_path: Path):
    tmp_path.chmod(0o555)
    assert run(*SEARCH, "--out", tmp_path)[0] == 2


def test_a_folder_of_another_search_is_refused_and_left_alone(run, study: Path):
    before = {path: path.read_bytes() for path in study.rglob("*.parquet")}
    code, out, err = run(*SEARCH, "--out", study, "--budget", "31")
    assert code == 2
    assert "recorded 30, now 31" in err
    assert out == ""
    assert {path: path.read_bytes() for path in study.rglob("*.parquet")} == before


def test_a_study_is_shown_although_a_stranger_in_its_folder_is_damaged(
    run, study: Path, tmp_path: Path
):
    folder = tmp_path / "study"
    shutil.copytree(study, folder)
    (folder / "stranger").mkdir()
    (folder / "stranger/run.json").write_text("{")
    assert run(*SEARCH, "--out", folder)[0] == 0
    code, _, err = run("report", folder)
    assert code == 2
    assert "stranger" in err


@pytest.mark.parametrize("file", ["run.json", "trials.parquet"])
def test_a_damaged_run_is_refused_by_name(run, study: Path, tmp_path: Path, file: str):
    folder = tmp_path / "run"
    shutil.copytree(study / "genetic/seed-0", folder)
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: len(content) // 2])
    for verb in ("report", "replay"):
        code, _, err = run(verb, folder)
        assert code == 2
        assert file in err
        assert "Traceback" not in err
    assert not (folder / "report.html").exists()


def test_a_trial_that_is_not_there_is_refused(run, study: Path):
    code, _, err = run("replay", study / "genetic/seed-0", "--trial", "999")
    assert code == 2
    assert "0 to" in err
    code, _, err = run("replay", study, "--trial", "3")
    assert code == 2
    assert "genetic/seed-0" in err


def test_a_report_of_an_empty_folder_is_refused(run, tmp_path: Path):
    code, _, err = run("report", tmp_path)
    assert code == 2
    assert "holds no recorded run" in err
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_cannot_be_written_is_refused(run, study: Path, tmp_path: Path):
    code, _, err = run("report", study, "--out", tmp_path / "missing" / "page.html")
    assert code == 2
    assert "page.html" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_a_failure_without_traceback(run, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        with open("/dev/full", "w") as stream:
            stream.write("x" * 100_000)

    monkeypatch.setattr("archgym.report._report.build_report", full)
    monkeypatch.setattr("archgym.report._report.load_sections", lambda path: [])
    code, _, err = run("report", "anywhere")
    assert code == 1
    assert "No space left" in err


# ------------------------------------------------------------------------------- processes


def started(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "archgym.cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(what: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a file matching the path's pattern exists, for two minutes at most."""
    for _ in range(2400):
        if any(what.parent.glob(what.name)):
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail(f"{what} did not appear")


def interrupted(process: subprocess.Popen[str]) -> str:
    """Send Ctrl-C to a search as a terminal would; return what it wrote on standard error."""
    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stdout == ""
    assert "Traceback" not in stderr
    return stderr


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_stops_at_once_and_the_same_command_goes_on(tmp_path: Path, jobs: int):
    from archgym import load_trials

    out = tmp_path / "study"
    folder = out / "random_walk/seed-0"
    command = ["search", "--requests", "2000", "--agents", "random_walk", "--seeds", "2"]
    command += ["--budget", "1000000", "--jobs", jobs, "--out", out]
    process = started(*command)
    wait_for(folder / "parts/*.parquet", process)
    assert "the same command goes on" in interrupted(process)
    first = json.loads((folder / "run.json").read_text())
    assert first["status"] == "interrupted"
    process = started(*command)
    wait_for(folder / f"parts/{first['totals']['evaluations']:06d}-*.parquet", process)
    interrupted(process)
    second = json.loads((folder / "run.json").read_text())
    assert second["totals"]["evaluations"] > first["totals"]["evaluations"] > 0
    indices = load_trials(folder)["index"].tolist()
    assert indices == list(range(len(indices)))


def test_two_searches_in_one_folder_do_not_mix(tmp_path: Path, run):
    out = tmp_path / "study"
    command = ["search", "--requests", "2000", "--agents", "random_walk", "--seeds", "1"]
    command += ["--budget", "1000000", "--jobs", "1", "--out", out]
    process = started(*command)
    try:
        wait_for(out / "random_walk/seed-0/parts/*.parquet", process)
        code, _, err = run(*command)
        assert code == 2
        assert "Another process is writing" in err
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def test_a_reader_that_closes_early_is_no_error():
    code = f"{sys.executable} -m archgym.cli envs archgym/DRAM-v0 | head -n 1"
    done = subprocess.run(["sh", "-c", code], capture_output=True, text=True, check=True)
    assert "archgym/DRAM-v0" in done.stdout
    assert done.stderr == ""


@pytest.fixture
def toy(monkeypatch):
    """A registered problem that is small enough to enumerate."""
    spec = ProblemSpec(id="archgym/Toy-v0", problem="archgym.testing:ToyProblem", summary="Toy.")
    monkeypatch.setitem(REGISTRY, spec.id, spec)
    return spec.id


def test_enumerate_measures_every_design_and_shows_the_best(run, run_json, tmp_path: Path, toy):
    table = tmp_path / "new" / "toy.parquet"
    code, out, err = run("enumerate", toy, "--out", table)
    assert code == 0, err
    assert "feasible" in out
    assert str(table) in out
    found = run_json("enumerate", toy, "--out", table)
    assert found["designs"] == make_problem(toy).space.size
    assert found["best"]["reward"] > 0


def test_enumerate_refuses_a_space_that_is_too_large(run, tmp_path: Path):
    code, _, err = run("enumerate", *SMALL, "--out", tmp_path / "all.parquet")
    assert code == 2
    assert "smaller space" in err
    assert not list(tmp_path.iterdir())
