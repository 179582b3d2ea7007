"""Tuning of hyperparameters with Optuna: pruning, resuming, and what is reported."""

import pytest

optuna = pytest.importorskip("optuna")

from archgym.envs import make_problem  # noqa: E402 - needs optuna
from archgym.testing import ToyProblem  # noqa: E402
from experiments.sweeps.tune import (  # noqa: E402
    HELD_OUT_SEED,
    TUNING_SEED,
    Searches,
    gain,
    main,
    tune,
)


@pytest.fixture
def searches(monkeypatch) -> Searches:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    problem = ToyProblem()
    return Searches(
        problem=problem, agent="simulated_annealing", budget=15, objective=problem.objective(None)
    )


def test_a_study_goes_on_where_it_stopped(searches, tmp_path):
    journal = tmp_path / "deep" / "tuning.journal"
    before = [trial.params for trial in tune(searches, journal, 4, 2).trials]
    assert len(before) == 4
    second = tune(searches, journal, 6, 2)
    assert [trial.params for trial in second.trials[:4]] == before
    assert len(second.trials) == 6
    assert len(tune(searches, journal, 6, 2).trials) == 6


def test_a_value_is_the_mean_over_the_tuning_seeds(searches, tmp_path):
    study = tune(searches, tmp_path / "tuning.journal", 3, 2)
    best = study.best_trial
    setting = searches.ranges.from_optuna(best.params)
    rewards = [searches.best(setting, TUNING_SEED + i) for i in range(2)]
    assert best.value == pytest.approx(sum(rewards) / 2)
    assert best.intermediate_values == pytest.approx({1: rewards[0], 2: sum(rewards) / 2})


def test_settings_below_the_median_are_pruned_before_their_last_seed(
    searches, tmp_path, monkeypatch
):
    scores = iter(range(100, 0, -1))
    values: dict[str, float] = {}

    def worse_every_time(self, setting, seed):
        return values.setdefault(str(setting), float(next(scores)))

    monkeypatch.setattr(Searches, "best", worse_every_time)
    study = tune(searches, tmp_path / "tuning.journal", 12, 4)
    pruned = [t for t in study.trials if t.state == optuna.trial.TrialState.PRUNED]
    assert len(pruned) >= 4
    assert all(len(trial.intermediate_values) < 4 for trial in pruned)


def test_the_gain_of_the_defaults_over_themselves_is_nothing(searches):
    found = gain(searches, {}, range(HELD_OUT_SEED, HELD_OUT_SEED + 3))
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_studies_of_other_problems_do_not_mix(searches):
    other = make_problem("archgym/DRAM-v0", requests=30)
    there = Searches(
        problem=other, agent=searches.agent, budget=15, objective=other.objective(None)
    )
    assert there.name != searches.name


def test_the_command_reports_the_gain_on_other_seeds(tmp_path, monkeypatch, capsys):
    journal = str(tmp_path / "tuning.journal")
    command = ["tune", "archgym/DRAM-v0", "--requests", "30", "--agent", "simulated_annealing"]
    command += ["--trials", "2", "--budget", "8", "--seeds", "2", "--held-out", "2"]
    monkeypatch.setattr("sys.argv", [*command, "--journal", journal])
    assert main() == 0
    assert "against the defaults on 2 other seeds" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", [*command, "--journal", journal, "--agent", "genetik"])
    assert main() == 2
    assert "genetic" in capsys.readouterr().err
