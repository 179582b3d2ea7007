"""Worker processes and the program that starts them: scripts without a guard, names, modules."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import archgym
from archgym._program import Program, end_script_of_worker
from archgym.agents import AGENTS, RandomWalkAgent
from archgym.envs import REGISTRY, ProblemSpec
from archgym.errors import FailedRunsError, InvalidConfigError
from archgym.study import run_study
from archgym.sweep import load_sweep
from archgym.testing import ToyProblem

REPOSITORY = Path(archgym.__file__).parent.parent

# No script here has a guard.
HEAD = """
import sys
from pathlib import Path
from archgym.agents import AGENTS, RandomWalkAgent
from archgym.envs import ProblemSpec, register
from archgym.errors import InvalidConfigError
from archgym.study import run_study
from archgym.sweep import SweepConfig, run_sweep
from archgym.testing import ToyProblem

folder = Path(sys.argv[1])
with (folder / "log").open("a") as log:
    log.write("started\\n")

def sweep(problem, agent, **config):
    problems = [{"name": problem, "config": config}]
    content = {"problems": problems, "agents": [{"name": agent}], "seeds": 1, "budgets": [5]}
    return run_sweep(SweepConfig.from_dict(content), folder / "sweep")
"""

OWN = """
class Mine(RandomWalkAgent):
    name = "mine"

class Toy(ToyProblem):
    name = "my/Toy-v0"

AGENTS["mine"] = Mine
"""

ALL_DEFINED_BEFORE_THE_CALL = f"""{HEAD}{OWN}
register(ProblemSpec(id=Toy.name, problem="__main__:Toy", summary=""))
print(sweep("my/Toy-v0", "mine").failed)
"""

DEFINED_BETWEEN_TWO_CALLS = f"""{HEAD}
print(sweep("archgym/DRAM-v0", "random_walk", requests=20).failed)
print(len((folder / "log").read_text().splitlines()))
{OWN}
try:
    run_study(Toy, {{}}, ["mine"], 2, 5, None, folder / "study", jobs=2)
except InvalidConfigError as error:
    print(error)
"""


def run(text: str, folder: Path) -> list[str]:
    script = folder / "script.py"
    script.write_text(text)
    done = subprocess.run(
        [sys.executable, str(script), str(folder)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_a_script_without_a_guard_sweeps_its_own_agent_on_its_own_problem(tmp_path):
    assert run(ALL_DEFINED_BEFORE_THE_CALL, tmp_path) == ["0"]
    runs, _ = load_sweep(tmp_path / "sweep")
    assert list(runs["agent"]) == ["mine"]
    assert list(runs["evaluations"]) == [5]


def test_a_script_is_not_run_again_for_what_the_package_has_and_a_missing_name_is_explained(
    tmp_path,
):
    failed, started, message = run(DEFINED_BETWEEN_TWO_CALLS, tmp_path)
    assert (failed, started) == ("0", "1")
    assert "Mine" in message
    assert 'below `if __name__ == "__main__":`' in message


def test_an_agent_of_an_interactive_session_is_refused_with_a_reason(monkeypatch):
    session = ModuleType("__main__")
    session.Mine = type("Mine", (RandomWalkAgent,), {"__module__": "__main__", "name": "mine"})
    monkeypatch.setitem(sys.modules, "__main__", session)
    assert Program.of([1, 2]).script is None
    monkeypatch.setitem(AGENTS, "mine", session.Mine)
    with pytest.raises(InvalidConfigError, match="interactive session"):
        Program.of([])


def test_an_agent_without_a_place_is_refused_by_name(monkeypatch):
    class Local(RandomWalkAgent):
        name = "local"

    monkeypatch.setitem(AGENTS, "local", Local)
    with pytest.raises(InvalidConfigError, match=r"Local.*top level"):
        Program.of([])


def test_what_is_registered_here_is_registered_there(monkeypatch):
    spec = ProblemSpec(id="test/Toy-v9", problem=f"{__name__}:ToyProblem", summary="")
    monkeypatch.setitem(REGISTRY, spec.id, spec)
    monkeypatch.setitem(AGENTS, "other", Other)
    program = Program.of([])
    assert (program.script, program.module) == (None, None)
    del REGISTRY[spec.id], AGENTS["other"]
    program.load()
    assert AGENTS["other"] is Other
    assert REGISTRY[spec.id] == spec


class Other(RandomWalkAgent):
    name = "other"


def test_a_module_that_is_run_is_run_up_to_the_call(tmp_path, monkeypatch):
    (tmp_path / "run_as_module.py").write_text(
        "from archgym._program import end_script_of_worker\n"
        "here = (__name__, __package__, __file__)\n"
        "end_script_of_worker()\n"
        "raise AssertionError\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("__main__", "__mp_main__"):
        monkeypatch.setitem(sys.modules, name, sys.modules["__main__"])
    Program(None, "run_as_module", Program.of([]).registered).load()
    assert sys.modules["__main__"].here == ("__mp_main__", "", str(tmp_path / "run_as_module.py"))
    end_script_of_worker()  # outside of a script it does nothing


def test_a_study_of_which_every_run_failed_says_so(tmp_path):
    (tmp_path / "random_walk").write_text("in the way")
    with pytest.raises(FailedRunsError, match=r"All 2 runs failed\. random_walk/seed-0") as caught:
        run_study(ToyProblem, {}, ["random_walk"], 2, 5, None, tmp_path)
    assert len(caught.value.result.failures) == 2
