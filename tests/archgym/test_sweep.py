"""Sweeps: what is run, that nothing is lost or run twice, and bad files."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import archgym.sweep
from archgym import make_problem, search
from archgym._pool import run_pool
from archgym.cli import main
from archgym.envs import REGISTRY, ProblemSpec
from archgym.errors import FailedRunsError, InvalidConfigError, RecordError, UnknownNameError
from archgym.ground_truth import enumerate_problem
from archgym.problem import Evaluation
from archgym.sweep import Sweep, SweepConfig, load_sweep, run_sweep
from archgym.sweep._jobs import made_problem, sweep_jobs
from archgym.sweep._journal import Journal
from archgym.sweep._ray import run_on_ray
from archgym.sweep._rows import write_rows
from archgym.sweep._run import _ENGINES, SweepRunner, _optimum
from archgym.testing import ToyProblem

DRAM = {"name": "archgym/DRAM-v0", "label": "dram", "config": {"requests": 50}}


def config(**changes) -> SweepConfig:
    content = {
        "problems": [DRAM],
        "agents": [{"name": "random_walk"}, {"name": "genetic", "settings": 2}],
        "seeds": 2,
        "budgets": [10],
        **changes,
    }
    return SweepConfig.from_dict(content)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("sweep") / "small"
    run_sweep(config(), out)
    return out


def test_a_sweep_runs_every_combination_once(folder):
    runs, _ = load_sweep(folder)
    assert len(runs) == (1 + 3) * 2
    assert runs["run"].is_unique
    assert set(runs["status"]) == {"complete"}
    assert set(runs["evaluations"]) == {10}
    assert sorted(runs[runs["agent"] == "genetic"]["setting"].unique()) == [0, 1, 2]


def test_a_row_says_what_a_search_alone_finds(folder):
    runs, _ = load_sweep(folder)
    row = runs[(runs["agent"] == "genetic") & (runs["setting"] == 2) & (runs["seed"] == 1)].iloc[0]
    hyperparameters = json.loads(row["hyperparameters"])
    problem = make_problem("archgym/DRAM-v0", requests=50)
    alone = search(problem, "genetic", 10, 1, hyperparameters=hyperparameters)
    assert row["best_reward"] == alone.best_reward
    curve = dict(zip(row["curve_evaluations"], row["curve_rewards"], strict=True))
    assert curve[max(curve)] == alone.best_reward
    assert list(row["curve_rewards"]) == sorted(row["curve_rewards"])


def test_searches_made_one_by_one_amount_to_the_sweep(folder):
    swept = Sweep.load(folder)
    problem = make_problem(DRAM["name"], **DRAM["config"])
    results = [
        search(problem, agent, 10, seed, hyperparameters=json.loads(setting))
        for agent, seed, setting in swept.every_run[
            ["agent", "seed", "hyperparameters"]
        ].itertuples(index=False)
    ]
    made = Sweep.of_results({"dram": results}, {"dram": 2.5})
    pd.testing.assert_frame_equal(
        made.every_run.drop(columns=[*WALL, "run", "optimum_reward"]),
        swept.every_run.drop(columns=[*WALL, "run", "optimum_reward"]),
    )
    assert made.goals["dram"].exact
    assert made.goals["dram"].reward == 2.5
    best = max(result.best_reward for result in results)
    assert Sweep.of_results({"dram": results}).goals["dram"].reward == best
    assert made.scores[10].values["genetic"].shape == (1, 3, 2)
    progress = made.progress("dram")
    last = progress[(progress["agent"] == "random_walk") & (progress["evaluation"] == 10)]
    rewards = [r.best_reward for r in results if r.identity["agent"] == "random_walk"]
    assert last["median"].item() == pytest.approx(2.5 - sum(rewards) / 2)
    with pytest.raises(UnknownNameError, match="dram"):
        made.progress("drum")
    with pytest.raises(InvalidConfigError, match="Two results on 'dram'"):
        Sweep.of_results({"dram": results * 2})
    with pytest.raises(InvalidConfigError, match="no results on 'drum'"):
        Sweep.of_results({"dram": results}, {"drum": 1.0})


def test_what_the_tables_of_a_sweep_return_is_public(folder):
    swept = Sweep.load(folder)
    parts = [swept.goals["dram"], swept.scores[10], *swept.agents[10], *swept.lottery[10]]
    names = {type(part).__name__ for part in parts}
    assert names == {"Goal", "Cubes", "AgentRow", "LotteryRow"}
    assert names <= set(archgym.sweep.__all__)


def test_the_same_command_runs_nothing_again(folder):
    before = (folder / "finished.jsonl").read_bytes()
    result = run_sweep(config(), folder)
    assert result.new == 0
    assert result.runs == 8
    assert (folder / "finished.jsonl").read_bytes() == before


def test_a_larger_sweep_adds_to_a_smaller_one(tmp_path):
    run_sweep(config(seeds=1), tmp_path)
    first, _ = load_sweep(tmp_path)
    agents = [{"name": "genetic", "settings": 4}, {"name": "random_walk"}]
    result = run_sweep(config(agents=agents), tmp_path)
    runs, _ = load_sweep(tmp_path)
    assert result.new == (1 + 5) * 2 - len(first)
    assert set(first["run"]) < set(runs["run"])


def test_a_sweep_in_processes_is_the_one_in_a_row(folder, tmp_path):
    run_sweep(config(), tmp_path, jobs=3)
    one, other = (load_sweep(path)[0] for path in (folder, tmp_path))
    pd.testing.assert_frame_equal(one.drop(columns=WALL), other.drop(columns=WALL))


WALL = ["ask_s", "evaluate_s"]


def test_settings_are_the_same_on_every_problem_and_differ_from_each_other():
    problems = [DRAM, {**DRAM, "label": "other", "config": {"requests": 60}}]
    settings = config(problems=problems, agents=[{"name": "genetic", "settings": 8}])
    made = {p.label: made_problem(p, Path()) for p in settings.problems}
    found = {}
    for job in sweep_jobs(settings, made, Path()):
        found.setdefault((job.label, job.setting), set()).add(json.dumps(job.hyperparameters))
    assert all(len(texts) == 1 for texts in found.values())
    assert len({next(iter(texts)) for texts in found.values()}) == 9
    for setting in range(9):
        assert found["dram", setting] == found["other", setting]


def test_an_agent_of_few_settings_has_no_more_than_there_are(tmp_path):
    result = run_sweep(config(agents=[{"name": "sobol", "settings": 50}], seeds=1), tmp_path)
    assert result.runs == 1 + 2


def test_hyperparameters_given_by_hand_have_numbers_below_zero(tmp_path):
    given = [{"population": 9, "children": 6}]
    agents = [{"name": "genetic", "defaults": False, "hyperparameters": given}]
    run_sweep(config(agents=agents, seeds=1), tmp_path)
    runs, _ = load_sweep(tmp_path)
    assert list(runs["setting"]) == [-1]
    assert json.loads(runs["hyperparameters"][0])["population"] == 9


# -------------------------------------------------------------------- problems for tests


class SlowToy(ToyProblem):
    """Takes a while, and notes every evaluation in a file."""

    name = "archgym/SlowToy-v0"

    def __init__(self, log: str = "") -> None:
        super().__init__()
        self._log = log

    @property
    def config(self):
        return {"log": self._log}

    def simulate(self, designs):
        for design in designs:
            time.sleep(0.02)
            with open(self._log, "a") as log:
                log.write(f"{sorted(design.items())}\n")
        return super().simulate(designs)


class SickToy(ToyProblem):
    """Raises, hangs or measures nonsense, as told."""

    name = "archgym/SickToy-v0"

    def __init__(self, illness: str = "raises") -> None:
        super().__init__()
        self._illness = illness

    @property
    def config(self):
        return {"illness": self._illness}

    def simulate(self, designs):
        if designs == [self.default_design]:
            return super().simulate(designs)
        if self._illness == "hangs":
            time.sleep(60)
        if self._illness == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._illness == "raises" and any(d["page_policy"] == "Open" for d in designs):
            raise ValueError("sick")
        if self._illness == "nan":
            return [Evaluation(metrics=dict.fromkeys(self.metrics, float("nan")))] * len(designs)
        return super().simulate(designs)


@pytest.fixture
def registered(monkeypatch):
    for kind in (ToyProblem, SlowToy, SickToy):
        spec = ProblemSpec(id=kind.name, problem=f"{kind.__module__}:{kind.__name__}", summary="")
        monkeypatch.setitem(REGISTRY, spec.id, spec)


def run_job(problem: dict, tmp_path: Path, agent: str = "random_walk"):
    """Run the first job of a sweep in this process."""
    settings = config(problems=[problem], agents=[{"name": agent}], seeds=1)
    made = {
        p.label or p.name.rpartition("/")[2]: made_problem(p, Path()) for p in settings.problems
    }
    (job,) = sweep_jobs(settings, made, tmp_path)
    (tmp_path / "journals").mkdir(exist_ok=True)
    return job, SweepRunner().run(job, lambda event: None)


# -------------------------------------------------------------------- kills

DRIVER = """
import sys
sys.path.insert(0, {tests!r})
from test_sweep import SlowToy
from archgym.envs import ProblemSpec, register
from archgym.sweep import SweepConfig, run_sweep

register(ProblemSpec(id=SlowToy.name, problem="test_sweep:SlowToy", summary=""))

if __name__ == "__main__":
    content = dict(
        problems=[dict(name=SlowToy.name, label="slow", config=dict(log={log!r}))],
        agents=[dict(name="random_walk"), dict(name="genetic")],
        seeds=2,
        budgets=[25],
    )
    run_sweep(SweepConfig.from_dict(content), {out!r}, jobs=2)
"""


def start(tmp_path: Path, out: str) -> subprocess.Popen:
    log = str(tmp_path / f"{out}.log")
    text = DRIVER.format(tests=str(Path(__file__).parent), log=log, out=str(tmp_path / out))
    script = tmp_path / f"{out}.py"
    script.write_text(text)
    return subprocess.Popen([sys.executable, str(script)])


def evaluations(tmp_path: Path, out: str) -> int:
    log = tmp_path / f"{out}.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def wait_for(tmp_path: Path, out: str, count: int) -> None:
    for _ in range(3000):
        if evaluations(tmp_path, out) >= count:
            return
        time.sleep(0.01)
    raise AssertionError("the sweep does not get on")


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def worker_of(pid: int) -> int:
    def is_worker(child: int) -> bool:
        return b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()

    return next(child for child in children(pid) if is_worker(child))


def test_a_killed_worker_or_driver_loses_only_evaluations_in_flight(tmp_path):
    whole = start(tmp_path, "whole")
    assert whole.wait(120) == 0
    expected = evaluations(tmp_path, "whole")

    driver = start(tmp_path, "killed")
    wait_for(tmp_path, "killed", 15)
    os.kill(worker_of(driver.pid), signal.SIGKILL)
    wait_for(tmp_path, "killed", 45)
    driver.kill()
    driver.wait()
    again = start(tmp_path, "killed")
    assert again.wait(120) == 0

    one, other = (load_sweep(tmp_path / name)[0] for name in ("whole", "killed"))
    pd.testing.assert_frame_equal(
        one.drop(columns=[*WALL, "run", "config_hash"]),
        other.drop(columns=[*WALL, "run", "config_hash"]),
    )
    assert other["run"].is_unique
    # Lost: a batch of at most 32 designs per killed worker, and one reference design per process.
    spare = evaluations(tmp_path, "killed") - expected
    assert spare <= 3 * 32 + 5
    assert not list((tmp_path / "killed" / "journals").iterdir())


def test_a_journal_that_was_cut_short_goes_on_where_it_is_whole(tmp_path, registered):
    problem = {"name": "archgym/Toy-v0"}
    job, whole = run_job(problem, tmp_path)
    text = job.journal.read_text()
    job.journal.write_text(text[: len(text) // 2])
    _, again = run_job(problem, tmp_path)
    assert {k: v for k, v in again.items() if k not in WALL} == {
        k: v for k, v in whole.items() if k not in WALL
    }
    assert len(job.journal.read_text().splitlines()) == len(text.splitlines())


def test_the_journal_of_another_run_is_refused(tmp_path):
    with Journal(tmp_path / "j.jsonl", {"run": 1}) as journal:
        journal.load(ToyProblem().space)
    with Journal(tmp_path / "j.jsonl", {"run": 2}) as journal, pytest.raises(RecordError):
        journal.load(ToyProblem().space)


def test_a_line_that_a_kill_cut_short_costs_one_run(folder, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("sweep.json", "finished.jsonl"):
        (copy / name).write_bytes((folder / name).read_bytes())
    text = (copy / "finished.jsonl").read_text()
    (copy / "finished.jsonl").write_text(text[:-40])
    assert run_sweep(config(), copy).new == 1
    assert len(load_sweep(copy)[0]) == 8


def copied(folder, tmp_path) -> Path:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("sweep.json", "finished.jsonl", "runs.parquet"):
        (copy / name).write_bytes((folder / name).read_bytes())
    return copy


def test_a_sweep_that_has_not_ended_gives_its_finished_runs_and_their_number(
    folder, tmp_path, capsys
):
    copy = copied(folder, tmp_path)
    whole = load_sweep(copy)[0]
    (copy / "runs.parquet").unlink()
    text = [line for line in (copy / "finished.jsonl").read_text().splitlines() if line]
    assert len(text) == 8
    (copy / "finished.jsonl").write_text("\n".join(text[:6]) + "\n" + text[6][:-30])
    swept = Sweep.load(copy)
    assert swept.unfinished.startswith("6 of 8 runs are finished")
    ended = whole[whole["run"].isin(swept.every_run["run"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(swept.every_run, ended)
    assert main(["report", str(copy)]) == 0
    assert "6 of 8 runs are finished" in capsys.readouterr().err
    assert "6 of 8 runs are finished" in (copy / "report.html").read_text(encoding="utf-8")
    assert Sweep.load(folder).unfinished == ""


def test_damaged_lines_are_passed_over_and_a_damaged_table_is_written_again(folder, tmp_path):
    copy = copied(folder, tmp_path)
    with (copy / "finished.jsonl").open("ab") as file:
        file.write(b'[1]\n{"run": "x"}\n\xff\xfe\n')
    pq.write_table(pa.table({"x": [1]}), copy / "runs.parquet")
    with pytest.raises(RecordError, match=r"runs\.parquet.*lacks run, problem.*archgym sweep"):
        load_sweep(copy)
    assert run_sweep(config(), copy).new == 0
    assert len(load_sweep(copy)[0]) == 8


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_named_and_the_sweep_goes_on_once_there_is_room(
    folder, tmp_path, monkeypatch
):
    copy = copied(folder, tmp_path)
    lines = (copy / "finished.jsonl").read_bytes()
    monkeypatch.setattr("archgym.sweep._run._read_finished", lambda folder: {})
    (copy / "finished.jsonl").unlink()
    (copy / "finished.jsonl").symlink_to("/dev/full")
    with pytest.raises(RecordError, match=r"finished\.jsonl.*No space left.*same command again"):
        run_sweep(config(), copy)
    (copy / "finished.jsonl").unlink()
    (copy / "finished.jsonl").write_bytes(lines)
    monkeypatch.undo()
    assert run_sweep(config(), copy).new == 0


@pytest.mark.parametrize("content", ['{"config": ', "[]", "{}", '{"config": 3, "optima": {}}'])
def test_a_damaged_description_is_refused_and_left_alone(folder, tmp_path, content):
    copy = copied(folder, tmp_path)
    (copy / "sweep.json").write_text(content)
    with pytest.raises(RecordError, match=r"sweep\.json.*damaged.*another folder"):
        load_sweep(copy)
    with pytest.raises(RecordError, match=r"sweep\.json.*damaged.*another folder"):
        run_sweep(config(), copy)
    assert (copy / "sweep.json").read_text() == content


def test_a_folder_of_another_format_is_refused(folder, tmp_path):
    copy = copied(folder, tmp_path)
    description = json.loads((copy / "sweep.json").read_text())
    (copy / "sweep.json").write_text(json.dumps({**description, "format": 99}))
    with pytest.raises(RecordError, match="has format 99, this release knows 1"):
        load_sweep(copy)


# -------------------------------------------------------------------- sick problems


@pytest.mark.parametrize(("illness", "failed"), [("raises", (1, 9)), ("nan", (10, 10))])
def test_an_evaluation_that_fails_is_recorded(tmp_path, registered, illness, failed):
    problem = {"name": "archgym/SickToy-v0", "config": {"illness": illness}}
    _, row = run_job(problem, tmp_path)
    assert row["status"] == "complete"
    assert failed[0] <= row["failed"] <= failed[1]


def test_a_run_that_hangs_or_dies_is_recorded_as_failed_and_tried_again(tmp_path, registered):
    for illness, cause in (("hangs", "No evaluation ended"), ("dies", "signal 9")):
        lost = []
        run_pool(
            [illness],
            1,
            SickRunner,
            report=lambda event: None,
            done=lambda job, outcome: None,
            lost=lambda job, why, lost=lost: lost.append(why),
            silence_s=5.0,
        )
        assert len(lost) == 1
        assert cause in lost[0]


class SickRunner:
    def run(self, job, report):
        problem = SickToy(job)
        return problem.evaluate([{**problem.default_design, "buffer": 4}])


def test_a_failed_run_is_tried_again_by_the_same_command(tmp_path):
    sick = config(agents=[{"name": "random_walk"}], seeds=1)
    result = run_sweep(sick, tmp_path)
    assert result.failed == 0
    line = json.loads((tmp_path / "finished.jsonl").read_text())
    failed = {k: line[k] for k in ("run", "problem", "agent", "setting", "seed", "budget")}
    failed |= {"status": "failed", "error": "signal 9"}
    (tmp_path / "finished.jsonl").write_text(json.dumps(failed) + "\n")
    assert run_sweep(sick, tmp_path).new == 1
    runs, _ = load_sweep(tmp_path)
    assert list(runs["status"]) == ["complete"]


# -------------------------------------------------------------------- ground truth


def test_a_sweep_of_which_every_run_failed_says_so(tmp_path, monkeypatch, capsys):
    def fail(work, jobs, driver, timeout_s):
        for i, job in enumerate(work):
            driver.lost(job, f"signal {i}")

    monkeypatch.setitem(_ENGINES, "process", fail)
    sick = config(agents=[{"name": "random_walk"}])
    with pytest.raises(FailedRunsError, match=r"All 2 runs failed\. random_walk on dram.*signal 0"):
        run_sweep(sick, tmp_path / "api")
    assert list(load_sweep(tmp_path / "api")[0]["status"]) == ["failed"] * 2
    (tmp_path / "sick.toml").write_text(
        'seeds = 2\n[[problems]]\nname = "archgym/DRAM-v0"\nlabel = "dram"\n'
        'config = { requests = 20 }\n[[agents]]\nname = "random_walk"\n'
    )
    assert main(["sweep", str(tmp_path / "sick.toml"), "--out", str(tmp_path / "cli")]) == 1
    shown = capsys.readouterr()
    assert "All 2 runs failed" in shown.err
    assert "1 other causes" in shown.err
    assert "archgym report" not in shown.out


def test_a_sweep_on_a_table_knows_the_exact_regret(tmp_path, registered):
    enumerate_problem(ToyProblem(), tmp_path / "toy.parquet")
    problem = {"name": "archgym/Toy-v0", "ground_truth": "toy.parquet"}
    made = made_problem(config(problems=[problem]).problems[0], tmp_path)
    best = _optimum(made, None)
    found = search(made, "genetic", budget=2000, seed=0)
    assert found.best_reward == best["reward"]
    quantiles = list(best["quantiles"].values())
    assert quantiles == sorted(quantiles)
    assert quantiles[-1] == best["reward"]
    (tmp_path / "journals").mkdir()
    row = {"problem": "Toy-v0", "agent": "a", "setting": 0, "budget": 1, "seed": 0}
    write_rows(tmp_path / "runs.parquet", [row], {"Toy-v0": best})
    assert pd.read_parquet(tmp_path / "runs.parquet")["optimum_reward"][0] == best["reward"]


def test_a_table_of_another_configuration_is_refused(tmp_path, registered):
    enumerate_problem(ToyProblem(), tmp_path / "toy.parquet")
    problem = config(
        problems=[{"name": "archgym/SickToy-v0", "ground_truth": "toy.parquet"}]
    ).problems[0]
    with pytest.raises(RecordError, match="another configuration"):
        made_problem(problem, tmp_path)


# -------------------------------------------------------------------- Ray


def test_a_sweep_on_ray_is_the_one_in_processes(folder, tmp_path):
    pytest.importorskip("ray")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_sweep(config(), tmp_path, jobs=2, engine="ray")
    one, other = (load_sweep(path)[0] for path in (folder, tmp_path))
    pd.testing.assert_frame_equal(one.drop(columns=WALL), other.drop(columns=WALL))


def test_ray_is_named_when_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"archgym\[ray\]"):
        run_on_ray([], 1, lambda *_: None, lambda *_: None, 1.0)


# -------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"problem": []}, "unknown key 'problem'. Did you mean 'problems'"),
        ({"agents": [{"nam": "genetic"}]}, "unknown key 'nam'. Did you mean 'name'"),
        ({"agents": [{}]}, "lacks 'name'"),
        ({"agents": "genetic"}, r"\[\[agents\]\]"),
        ({"agents": ["genetic"]}, "instead of a table"),
        ({"agents": [{"name": "genetic"}] * 2}, "Two entries have the agent 'genetic'"),
        ({"agents": []}, "at least one entry in 'agents'"),
        ({"seeds": 0}, "seeds=0"),
        ({"seeds": [1, 1]}, "seeds=.*whole number of at least 1"),
        ({"seed": "x"}, "seed='x'"),
        ({"budgets": [10, "many"]}, "'many'"),
        ({"budgets": 20}, "budgets=20.*a list of whole numbers"),
        ({"budgets": []}, "at least one entry in 'budgets'"),
        ({"timeout_s": -1}, "timeout_s"),
        ({"timeout_s": "1 h"}, "timeout_s='1 h'.*seconds"),
        ({"agents": [{"name": 3}]}, r"\[\[agents\]\]: name=3"),
        ({"agents": [{"name": "genetic", "settings": "3"}]}, "settings='3'"),
        ({"agents": [{"name": "genetic", "defaults": "no"}]}, "defaults='no'.*true or false"),
        ({"agents": [{"name": "genetic", "hyperparameters": {"creep": 1}}]}, "list of tables"),
        ({"problems": [{**DRAM, "config": 4}]}, "config=4.*a table"),
        ({"problems": [{**DRAM, "label": 3}]}, "label=3"),
        ({"problems": [{**DRAM, "objective": 3}]}, "objective=3.*a text"),
        ({"problems": [DRAM, DRAM]}, "label 'dram'"),
        ({"problems": [{**DRAM, "label": "a/b"}]}, "slash"),
    ],
)
def test_a_wrong_configuration_is_refused(changes, message):
    with pytest.raises(InvalidConfigError, match=message):
        config(**changes)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"agents": [{"name": "genetc"}]}, UnknownNameError, "Did you mean 'genetic'"),
        (
            {"agents": [{"name": "genetic", "hyperparameters": [{"popsize": 3}]}]},
            InvalidConfigError,
            "popsize",
        ),
        ({"problems": [{"name": "archgym/DRM-v0"}]}, UnknownNameError, "DRAM-v0"),
        ({"problems": [{**DRAM, "objective": "speed"}]}, UnknownNameError, "speed"),
        ({"problems": [{**DRAM, "ground_truth": "no.parquet"}]}, RecordError, "no.parquet"),
    ],
)
def test_a_wrong_name_is_refused_before_anything_runs(tmp_path, changes, error, message):
    with pytest.raises(error, match=message):
        run_sweep(config(**changes), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_toml_is_refused(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text("seeds = = 3")
    with pytest.raises(InvalidConfigError, match=r"sweep\.toml.*line 1"):
        SweepConfig.from_file(path)
    with pytest.raises(InvalidConfigError, match=r"nowhere\.toml"):
        SweepConfig.from_file(tmp_path / "nowhere.toml")


def test_two_sweeps_in_one_folder_at_once_are_refused(folder):
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RecordError, match="Another sweep"):
            run_sweep(config(), folder)


def test_a_folder_of_another_sweep_is_refused(folder):
    with pytest.raises(RecordError, match="label 'dram' is of another problem"):
        run_sweep(config(problems=[{**DRAM, "config": {"requests": 70}}]), folder)
    with pytest.raises(RecordError, match="seed"):
        run_sweep(config(seed=5), folder)


def test_an_unknown_engine_is_refused(tmp_path):
    with pytest.raises(InvalidConfigError, match="Did you mean 'ray'"):
        run_sweep(config(), tmp_path / "out", engine="rey")


def test_a_folder_without_a_sweep_is_refused(tmp_path):
    with pytest.raises(RecordError, match="no finished sweep"):
        load_sweep(tmp_path)
