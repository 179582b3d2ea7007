"""The run folder: resumption after a kill, refusals, locks, and nothing half-written."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import archgym
from archgym import record as record_module
from archgym.errors import RecordError
from archgym.record import MERGE_PARTS, RunRecord, read_info
from archgym.search import search
from archgym.testing import ToyProblem
from archgym.trials import WALL_TIME_COLUMNS, Trial, load_trials, trial_schema

REPOSITORY = Path(archgym.__file__).parent.parent

SLOW_SEARCH = """
import sys, time
from archgym.search import search
from archgym.testing import ToyProblem
from archgym import record

record.FLUSH_SECONDS = 0.02

class Slow(ToyProblem):
    def simulate(self, designs):
        time.sleep(0.002 * len(designs))
        return super().simulate(designs)

search(Slow(), sys.argv[1], int(sys.argv[2]), 4, out=sys.argv[3])
print("complete", flush=True)
"""


def start(agent: str, budget: int, folder: Path) -> subprocess.Popen:
    """Start a recorded search of the toy problem, slowed down, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", SLOW_SEARCH, agent, str(budget), str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_for_parts(process: subprocess.Popen, folder: Path, count: int) -> None:
    """Return once ``count`` part files have been written."""
    while process.poll() is None and len(list(folder.glob("parts/*.parquet"))) < count:
        time.sleep(0.002)


def table(folder: Path):
    """Return the trials of a complete run without their wall times."""
    return pq.read_table(folder / "trials.parquet").drop_columns(list(WALL_TIME_COLUMNS))


@pytest.mark.parametrize("agent", ["random_walk", "genetic", "bayesian"])
def test_a_killed_run_goes_on_to_the_file_of_an_undisturbed_one(agent, tmp_path):
    budget = 120
    process = start(agent, budget, tmp_path / "killed")
    wait_for_parts(process, tmp_path / "killed", 3)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it ended before it could be killed"
    info = read_info(tmp_path / "killed")
    assert info["status"] == "running"
    before = len(load_trials(tmp_path / "killed"))
    assert 0 < before < budget

    problem = ToyProblem()
    resumed = search(problem, agent, budget, 4, out=tmp_path / "killed")
    search(ToyProblem(), agent, budget, 4, out=tmp_path / "whole")
    assert table(tmp_path / "killed").equals(table(tmp_path / "whole"))
    assert table(tmp_path / "killed").schema.equals(
        table(tmp_path / "whole").schema, check_metadata=True
    )
    assert resumed.evaluations == budget
    assert problem.evaluations < budget, "recorded designs were evaluated again"
    assert sorted(p.name for p in (tmp_path / "killed").iterdir()) == [
        ".lock",
        "run.json",
        "trials.parquet",
    ]


def test_ctrl_c_writes_what_is_done_and_leaves_a_run_that_can_go_on(tmp_path):
    process = start("genetic", 200, tmp_path / "run")
    wait_for_parts(process, tmp_path / "run", 2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode != 0
    assert b"KeyboardInterrupt" in errors
    info = read_info(tmp_path / "run")
    assert info["status"] == "interrupted"
    assert info["totals"]["evaluations"] == int((~load_trials(tmp_path / "run").cached).sum())
    assert search(ToyProblem(), "genetic", 200, 4, out=tmp_path / "run").evaluations == 200
    assert read_info(tmp_path / "run")["status"] == "complete"


def test_a_complete_run_is_read_and_not_run_again(tmp_path):
    first = search(ToyProblem(), "genetic", 40, 0, out=tmp_path)
    problem = ToyProblem()
    again = search(problem, "genetic", 40, 0, out=tmp_path)
    assert again.trials == first.trials
    assert again.stop == first.stop
    assert problem.evaluations <= 1  # the default design


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 1}, "seed: recorded 0, now 1"),
        ({"budget": 30}, "budget: recorded 20, now 30"),
        ({"agent": "genetic"}, "agent: recorded 'random_walk', now 'genetic'"),
        ({"objective": "power_mw"}, "objective: recorded"),
        ({"hyperparameters": {"step": 3}}, "hyperparameters: recorded"),
    ],
)
def test_a_folder_of_another_run_is_refused(change, named, tmp_path):
    arguments = {"problem": ToyProblem(), "agent": "random_walk", "budget": 20, "seed": 0}
    search(**arguments, out=tmp_path)
    kept = (tmp_path / "trials.parquet").read_bytes()
    with pytest.raises(RecordError, match="different run") as caught:
        search(**{**arguments, **change}, out=tmp_path)
    assert named in str(caught.value)
    assert "another folder" in str(caught.value)
    assert (tmp_path / "trials.parquet").read_bytes() == kept


@pytest.mark.parametrize("name", ["fingerprint", "version", "workload"])
def test_a_folder_of_another_problem_or_version_is_refused(name, tmp_path):
    search(ToyProblem(), "random_walk", 10, 0, out=tmp_path)
    info = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**info, name: "other"}))
    with pytest.raises(RecordError, match=f"{name}: recorded 'other'"):
        search(ToyProblem(), "random_walk", 10, 0, out=tmp_path)


def test_a_record_of_an_agent_that_behaves_differently_now_is_refused(tmp_path):
    interrupted(tmp_path)
    record = next((tmp_path / "parts").glob("*.parquet"))
    changed = pq.read_table(record)
    rows = changed.to_pylist()
    rows[0]["indices"] = [1, 0, 0, 1, 1] if rows[0]["indices"] != [1, 0, 0, 1, 1] else [0] * 5
    import pyarrow as pa

    pq.write_table(pa.Table.from_pylist(rows, schema=changed.schema), record)
    with pytest.raises(RecordError, match="another design than recorded at trial 0"):
        search(ToyProblem(), "random_walk", 60, 0, out=tmp_path)


def interrupted(folder: Path) -> None:
    """Record the first half of a run of 60 evaluations."""

    class Stopping(ToyProblem):
        def simulate(self, designs):
            if self.evaluations > 30:
                raise KeyboardInterrupt
            return super().simulate(designs)

    with pytest.raises(KeyboardInterrupt):
        search(Stopping(), "random_walk", 60, 0, out=folder)


def test_a_damaged_part_is_named_with_what_to_do(tmp_path):
    interrupted(tmp_path)
    part = next((tmp_path / "parts").glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(RecordError, match="delete it and run") as caught:
        search(ToyProblem(), "random_walk", 60, 0, out=tmp_path)
    assert str(part) in str(caught.value)
    part.unlink()
    assert search(ToyProblem(), "random_walk", 60, 0, out=tmp_path).evaluations == 60


def test_a_gap_between_parts_is_named(tmp_path):
    with_parts(tmp_path, [3, 4, 5])
    (tmp_path / "parts" / "000003-000006.parquet").unlink()
    with pytest.raises(RecordError, match=r"Trials 3 to 6 are missing before .*000007-000011"):
        load_trials(tmp_path)


def test_trials_without_run_json_are_not_taken_over(tmp_path):
    search(ToyProblem(), "random_walk", 5, 0, out=tmp_path)
    (tmp_path / "run.json").unlink()
    with pytest.raises(RecordError, match=r"no run\.json"):
        search(ToyProblem(), "random_walk", 5, 0, out=tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"seed": 1}'])
def test_a_damaged_run_json_is_named(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RecordError, match=r"run\.json"):
        search(ToyProblem(), "random_walk", 5, 0, out=tmp_path)


def test_two_writers_of_one_folder_are_refused(tmp_path):
    process = start("random_walk", 5000, tmp_path)
    wait_for_parts(process, tmp_path, 1)
    try:
        with pytest.raises(RecordError, match="Another process is writing"):
            search(ToyProblem(), "random_walk", 5000, 4, out=tmp_path)
    finally:
        process.kill()
        process.communicate()
    # The lock of a killed process is gone with it.
    assert search(ToyProblem(), "random_walk", 5000, 4, out=tmp_path).stop == "space"


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not stop the superuser")
def test_a_folder_without_permission_is_named(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(RecordError, match=r"Cannot write .*closed"):
        search(ToyProblem(), "random_walk", 5, 0, out=tmp_path / "closed" / "run")


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match=r"Cannot write .*file"):
        search(ToyProblem(), "random_walk", 5, 0, out=tmp_path / "file")


def test_a_full_disk_leaves_nothing_half_written_and_a_run_that_can_go_on(tmp_path, monkeypatch):
    full = []

    def fsync(descriptor):
        if full:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(record_module.os, "fsync", fsync)
    monkeypatch.setattr(record_module, "FLUSH_SECONDS", 0.0)

    class Filling(ToyProblem):
        def simulate(self, designs):
            if self.evaluations > 40:
                full.append(True)
            return super().simulate(designs)

    with pytest.raises(RecordError, match=r"No space left on device.*Free space"):
        search(Filling(), "random_walk", 100, 0, out=tmp_path)
    assert not list(tmp_path.rglob("*.tmp"))
    recorded = len(load_trials(tmp_path))
    assert recorded > 0
    full.clear()
    assert search(ToyProblem(), "random_walk", 100, 0, out=tmp_path).evaluations == 100


def test_a_failed_run_says_why_and_can_go_on(tmp_path):
    class Failing(ToyProblem):
        def simulate(self, designs):
            if self.evaluations > 20:
                raise archgym.BackendError("no executable")
            return super().simulate(designs)

    with pytest.raises(archgym.BackendError):
        search(Failing(), "random_walk", 60, 0, out=tmp_path)
    info = read_info(tmp_path)
    assert (info["status"], info["error"]) == ("failed", "BackendError: no executable")
    assert search(ToyProblem(), "random_walk", 60, 0, out=tmp_path).evaluations == 60
    assert read_info(tmp_path)["error"] == ""


# ------------------------------------------------------------------ parts


def with_parts(folder: Path, sizes: list[int]) -> None:
    """Write a running record with a flush after each of these numbers of trials."""
    problem = ToyProblem()
    schema = trial_schema(problem.space, problem.metrics, ["reward"], {"seed": 0})
    indices = problem.space.key(problem.default_design)
    with RunRecord(folder, {"seed": 0}, {}, schema) as record:
        record.load(problem.space)
        index = 0
        for size in sizes:
            batch = [
                Trial(
                    index=index + i,
                    design=problem.default_design,
                    indices=indices,
                    metrics={},
                    feasible=True,
                    violations={},
                    reward=float(index + i),
                    rewards=(0.0,),
                )
                for i in range(size)
            ]
            record.append(batch)
            record.flush()
            index += size


@pytest.mark.parametrize("sizes", [[1] * 100, [7, 1, 30, 2] * 10, list(range(1, 40))])
def test_however_many_flushes_there_are_few_parts_and_every_trial_is_there_once(sizes, tmp_path):
    with_parts(tmp_path, sizes)
    assert len(list((tmp_path / "parts").iterdir())) <= MERGE_PARTS
    assert load_trials(tmp_path)["index"].tolist() == list(range(sum(sizes)))


def test_parts_that_were_merged_when_the_process_died_do_not_count_twice(tmp_path):
    with_parts(tmp_path, [3, 4, 5])
    merged = record_module._concatenated(sorted((tmp_path / "parts").iterdir())[:2])
    pq.write_table(merged, tmp_path / "parts" / "000000-000006.parquet")
    assert load_trials(tmp_path)["index"].tolist() == list(range(12))
    (tmp_path / "parts" / ".000012-000020.parquet.tmp").write_bytes(b"half")
    assert load_trials(tmp_path)["index"].tolist() == list(range(12))


def test_a_run_without_trials_yet_says_so(tmp_path):
    with_parts(tmp_path, [])
    with pytest.raises(RecordError, match="holds no trials yet"):
        load_trials(tmp_path)


def test_a_run_of_another_format_is_not_read(tmp_path):
    search(ToyProblem(), "genetic", 20, 0, out=tmp_path)
    info = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**info, "format": 99}))
    with pytest.raises(RecordError, match="has format 99, this release knows 1"):
        read_info(tmp_path)


def test_a_small_run_is_two_files_and_a_lock(tmp_path):
    search(ToyProblem(), "genetic", 200, 0, out=tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "run.json", "trials.parquet"]
