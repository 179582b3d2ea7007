"""Studies: runs in processes, failures that stay alone, resumption, Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import archgym
from archgym.errors import InvalidConfigError, UnknownNameError
from archgym.record import read_info
from archgym.search import ProgressEvent, search
from archgym.study import run_study
from archgym.testing import ToyProblem
from archgym.trials import load_trials

REPOSITORY = Path(archgym.__file__).parent.parent

PROBLEMS = """
import os, signal, time
from archgym.testing import ToyProblem

class Slow(ToyProblem):
    def simulate(self, designs):
        time.sleep(0.004 * len(designs))
        return super().simulate(designs)

class Deadly(ToyProblem):
    '''Ends its process once, as the kernel does with one that takes too much memory.'''

    def __init__(self, mark=""):
        super().__init__()
        self.mark = mark

    def simulate(self, designs):
        if self.evaluations > 20 and not os.path.exists(self.mark):
            open(self.mark, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().simulate(designs)
"""


@pytest.fixture
def problems(tmp_path, monkeypatch):
    """A module of problems that worker processes can import as well."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "study_problems.py").write_text(PROBLEMS)
    monkeypatch.syspath_prepend(str(folder))
    import importlib

    yield importlib.import_module("study_problems")
    del sys.modules["study_problems"]


def designs(folder: Path) -> dict[str, list[tuple]]:
    """Return the designs of every run below a folder."""
    frame = load_trials(folder)
    columns = [name for name in frame.columns if name.startswith("design.")]
    return {
        run: list(map(tuple, part[columns].astype(str).to_numpy()))
        for run, part in frame.groupby("run")
    }


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_study_runs_every_agent_with_every_seed_as_search_would(jobs, tmp_path):
    agents = ["random_walk", "genetic"]
    result = run_study(ToyProblem, {}, agents, 2, 30, None, tmp_path / "study", jobs)
    assert [o.label for o in result.outcomes] == [f"{a}/seed-{s}" for a in agents for s in (0, 1)]
    assert all((o.status, o.evaluations) == ("complete", 30) for o in result.outcomes)
    for agent in agents:
        for seed in (0, 1):
            search(ToyProblem(), agent, 30, seed, out=tmp_path / "alone" / agent / f"seed-{seed}")
    assert designs(tmp_path / "study") == designs(tmp_path / "alone")
    best = load_trials(tmp_path / "study").query("feasible").groupby("run").reward.max()
    assert {o.label: o.best_reward for o in result.outcomes} == best.to_dict()


def test_the_events_of_all_runs_reach_the_parent(tmp_path):
    events: list[ProgressEvent] = []
    run_study(ToyProblem, {}, ["random_walk"], [3, 5], 20, None, tmp_path, 2, events.append)
    last = {event.label: event for event in events}
    assert set(last) == {"random_walk/seed-3", "random_walk/seed-5"}
    assert all((e.status, e.done, e.budget) == ("complete", 20, 20) for e in last.values())


def test_a_study_can_grow_without_running_anything_again(tmp_path):
    run_study(ToyProblem, {}, ["random_walk"], 1, 20, None, tmp_path)
    written = (tmp_path / "random_walk" / "seed-0" / "trials.parquet").stat().st_mtime_ns
    result = run_study(ToyProblem, {}, ["random_walk", "genetic"], 2, 20, None, tmp_path)
    assert len(result.outcomes) == 4
    assert (tmp_path / "random_walk" / "seed-0" / "trials.parquet").stat().st_mtime_ns == written


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_fails_is_reported_and_the_others_go_on(jobs, tmp_path):
    search(ToyProblem(), "random_walk", 99, 0, out=tmp_path / "random_walk" / "seed-0")
    result = run_study(ToyProblem, {}, ["random_walk"], 3, 20, None, tmp_path, jobs)
    assert [o.status for o in result.outcomes] == ["failed", "complete", "complete"]
    assert [o.label for o in result.failures] == ["random_walk/seed-0"]
    assert "RecordError" in result.failures[0].error
    assert "budget: recorded 99, now 20" in result.failures[0].error


def test_a_process_that_is_killed_takes_only_its_run_along_and_can_go_on(problems, tmp_path):
    arguments = (problems.Deadly, {"mark": str(tmp_path / "mark")}, ["random_walk"], 3, 60)
    result = run_study(*arguments, None, tmp_path / "study", 2)
    assert sorted(o.status for o in result.outcomes) == ["complete", "complete", "failed"]
    assert "signal 9, perhaps out of memory" in result.failures[0].error
    again = run_study(*arguments, None, tmp_path / "study", 2)
    assert [o.status for o in again.outcomes] == ["complete"] * 3
    assert [o.evaluations for o in again.outcomes] == [60] * 3


STUDY = """
import sys
from archgym.study import run_study
from study_problems import Slow

if __name__ == "__main__":
    run_study(Slow, {}, ["random_walk", "genetic"], 2, 300, None, sys.argv[1], int(sys.argv[2]))
"""


def vanishes(group: int) -> bool:
    """Return whether the last process of a group ends within half a minute."""
    for _ in range(300):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def begun(study: Path) -> set[Path]:
    """Return the runs that have written something."""
    return {part.parent for part in study.glob("*/*/parts/*.parquet")}


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_leaves_folders_that_go_on_and_no_process(jobs, problems, tmp_path):
    (tmp_path / "modules" / "main.py").write_text(STUDY)
    study = tmp_path / "study"
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "modules" / "main.py"), str(study), str(jobs)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *sys.path])},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while process.poll() is None and len(begun(study)) < jobs:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the parent and its workers
    _, errors = process.communicate(timeout=60)
    assert b"KeyboardInterrupt" in errors
    assert b"Process SpawnProcess" not in errors, "a worker ended with a traceback"
    states = [read_info(path.parent)["status"] for path in study.glob("*/*/run.json")]
    assert states.count("interrupted") == jobs
    assert vanishes(process.pid)
    result = run_study(problems.Slow, {}, ["random_walk", "genetic"], 2, 300, None, study, 2)
    assert [(o.status, o.evaluations) for o in result.outcomes] == [("complete", 300)] * 4


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"agents": ["genetic", "gentic"]}, UnknownNameError, "Did you mean 'genetic'"),
        ({"agents": []}, InvalidConfigError, "at least one agent"),
        ({"seeds": []}, InvalidConfigError, "one seed"),
        ({"jobs": 0}, InvalidConfigError, "jobs=0"),
        ({"objective": "latency"}, UnknownNameError, "latency"),
        ({"hyperparameters": {"genetic": {"popul": 3}}}, InvalidConfigError, "'population'"),
        ({"hyperparameters": {"tpe": {}}}, InvalidConfigError, "not among the agents"),
        ({"problem": "archgym/DROM-v0"}, UnknownNameError, "archgym/DRAM-v0"),
    ],
)
def test_an_argument_that_is_not_allowed_is_refused_before_anything_is_written(
    change, error, message, tmp_path
):
    arguments = {
        "problem": ToyProblem,
        "problem_config": {},
        "agents": ["genetic"],
        "seeds": 1,
        "budget": 10,
        "out": tmp_path / "study",
        "jobs": 1,
    }
    with pytest.raises(error, match=message):
        run_study(**{**arguments, **change})
    assert not (tmp_path / "study").exists()


def test_hyperparameters_reach_their_agent(tmp_path):
    settings = {"genetic": {"population": 6, "children": 4}}
    run_study(ToyProblem, {}, ["genetic"], 1, 12, None, tmp_path, hyperparameters=settings)
    info = read_info(tmp_path / "genetic" / "seed-0")
    assert info["hyperparameters"]["population"] == 6
