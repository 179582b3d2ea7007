"""Recorded runs as Optuna studies: what they hold, and that the dashboard shows them."""

import re
import shutil
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from archgym import search
from archgym.agents._agent import MissingExtraError
from archgym.cli import main
from archgym.envs import make_problem
from archgym.errors import RecordError

optuna = pytest.importorskip("optuna")

from archgym._dashboard import add_studies, open_storage  # noqa: E402 - needs optuna

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    problem = make_problem("archgym/DRAM-v0", requests=50)
    search(problem, "genetic", 20, 0, out=folder / "genetic")
    search(problem, "local_search", 15, 1, out=folder / "both", objective=PARETO)
    return folder


PARETO = "pareto:latency_mean_ns,energy_pj"


def study_of(folder: Path) -> "optuna.Study":
    storage = open_storage()
    (name,) = add_studies(folder, storage)
    return optuna.load_study(study_name=name, storage=storage)


def test_a_sweep_is_refused_with_what_to_do_instead(tmp_path):
    (tmp_path / "sweep.json").write_text("{}")
    with pytest.raises(RecordError, match=r"keeps no trials.*archgym report .*archgym search"):
        add_studies(tmp_path, open_storage())


def test_a_study_holds_every_evaluation_with_its_own_values(runs):
    study = study_of(runs / "genetic")
    problem = make_problem("archgym/DRAM-v0", requests=50)
    again = search(problem, "genetic", 20, 0)
    paid = [trial for trial in again.trials if not trial.cached]
    assert len(study.trials) == len(paid) == 20
    for trial, expected in zip(study.trials, paid, strict=True):
        assert trial.params == expected.design
        assert trial.user_attrs["latency_mean_ns"] == expected.metrics["latency_mean_ns"]
        if expected.feasible:
            assert trial.value == expected.reward
        else:
            assert trial.state.name == "FAIL"
    assert study.best_value == again.best_reward
    assert study.user_attrs["agent"] == "genetic"


def test_ranges_are_those_of_the_problem_not_of_what_was_seen(runs):
    trial = study_of(runs / "genetic").trials[0]
    space = make_problem("archgym/DRAM-v0", requests=50).space
    buffer = trial.distributions["request_buffer_size"]
    assert (buffer.low, buffer.high) == (1, max(space["request_buffer_size"].values))
    assert trial.distributions["page_policy"].choices == space["page_policy"].values


def test_several_objectives_stay_several(runs):
    study = study_of(runs / "both")
    assert study.metric_names == ["latency_mean_ns", "energy_pj"]
    assert len(study.directions) == 2
    assert len(study.best_trials) >= 1


def test_a_folder_of_runs_gives_a_study_each(runs):
    storage = open_storage()
    names = add_studies(runs, storage)
    assert len(names) == len(set(names)) == 2
    assert {len(optuna.load_study(study_name=n, storage=storage).trials) for n in names} == {20, 15}


def test_studies_can_be_kept_in_a_file_that_is_never_overwritten(runs, tmp_path, capsys):
    path = tmp_path / "studies.journal"
    command = ["dashboard", str(runs / "genetic"), "--journal", str(path)]
    assert main(command) == 0
    assert "Wrote 1 studies" in capsys.readouterr().out
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    (name,) = optuna.get_all_study_names(storage)
    assert len(optuna.load_study(study_name=name, storage=storage).trials) == 20
    assert main(command) == 2
    assert "exists already" in capsys.readouterr().err


def test_nothing_recorded_is_refused(tmp_path):
    with pytest.raises(RecordError, match="holds no recorded run"):
        add_studies(tmp_path, open_storage())


def test_a_missing_library_is_named_with_the_remedy(runs, monkeypatch, capsys):
    monkeypatch.setattr("archgym._dashboard.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="dashboard"):
        add_studies(runs, open_storage())
    assert main(["dashboard", str(runs)]) == 2
    assert "archgym[dashboard]" in capsys.readouterr().err


def test_a_port_in_use_is_refused_with_the_remedy(runs, capsys):
    pytest.importorskip("optuna_dashboard")
    with make_server("127.0.0.1", 0, lambda environ, start: []) as server:
        port = str(server.server_port)
        assert main(["dashboard", str(runs / "genetic"), "--port", port]) == 2
    assert "--port" in capsys.readouterr().err


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome found")
def test_a_browser_shows_the_study(runs, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dashboard = pytest.importorskip("optuna_dashboard")
        storage = open_storage()
        (name,) = add_studies(runs / "genetic", storage)
        app = dashboard.wsgi(storage)
    with make_server("127.0.0.1", 0, app, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=15000"]
        url = f"http://127.0.0.1:{server.server_port}/dashboard/"
        done = subprocess.run([*command, url], capture_output=True, text=True, timeout=110)
        server.shutdown()
        thread.join()
    shown = re.sub(r"<[^>]+>", " ", done.stdout)
    assert name.split(",")[0] in shown, (done.stderr[-500:], sys.version)
