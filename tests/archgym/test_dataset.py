"""Data sets: what is gathered, that it is the same bytes, and what is refused."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from archgym.cli import main
from archgym.dataset import DataSet, merge_dataset
from archgym.envs import make_problem
from archgym.errors import InvalidConfigError, RecordError, UnknownNameError
from archgym.ground_truth import enumerate_problem
from archgym.search import search
from archgym.space import Categorical, DesignSpace
from archgym.testing import ToyProblem
from archgym.trials import load_trials

PROBLEMS = {ToyProblem.name: ToyProblem()}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    for agent in ("random_walk", "genetic"):
        for seed in range(2):
            search(ToyProblem(), agent, 120, seed, out=root / agent / f"seed-{seed}")
    search(
        ToyProblem(),
        "random_walk",
        40,
        7,
        objective="pareto:latency_ns,power_mw",
        out=root / "pareto",
    )
    return root


@pytest.fixture(scope="module")
def merged(runs, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "toy.parquet"
    merge_dataset([runs], path, problems=PROBLEMS)
    return path


def test_every_trial_of_every_run_is_there_once(runs, merged):
    dataset, trials = DataSet.load(merged), load_trials(runs)
    assert len(dataset) == len(trials) > 4 * 120 + 40 - 1
    assert sorted(dataset.to_frame()["metric.latency_ns"].dropna()) == sorted(
        trials["metric.latency_ns"].dropna()
    )


def test_columns_are_typed_and_say_where_rows_come_from(merged):
    schema = pq.read_schema(merged)
    assert str(schema.field("design.postponed").type) == "int64"
    assert str(schema.field("design.page_policy").type) == "string"
    assert str(schema.field("agent").type) == "dictionary<values=string, indices=int32, ordered=0>"
    frame = DataSet.load(merged).to_frame()
    one = frame[(frame["agent"] == "genetic") & (frame["seed"] == 1)]
    assert one["run"].nunique() == 1
    assert list(one["index"]) == list(range(len(one)))
    assert json.loads(one["hyperparameters"].iloc[0])["population"] > 1
    assert (one["wall_s"] >= 0).all()


def test_the_same_runs_give_the_same_bytes_in_any_order_and_under_any_name(runs, merged, tmp_path):
    folders = [runs / "pareto", runs / "genetic", runs / "random_walk"]
    moved = tmp_path / "moved"
    moved.symlink_to(runs / "genetic")
    merge_dataset(folders, tmp_path / "a.parquet", problems=PROBLEMS)
    merge_dataset(
        [runs / "random_walk", moved, runs / "pareto"], tmp_path / "b.parquet", problems=PROBLEMS
    )
    assert (tmp_path / "a.parquet").read_bytes() == merged.read_bytes()
    assert (tmp_path / "b.parquet").read_bytes() == merged.read_bytes()


def test_a_run_given_twice_counts_once_and_data_sets_merge_again(runs, merged, tmp_path):
    half = tmp_path / "half.parquet"
    merge_dataset([runs / "genetic"], half, problems=PROBLEMS)
    merge_dataset(
        [half, runs, runs / "genetic", merged], tmp_path / "again.parquet", problems=PROBLEMS
    )
    assert (tmp_path / "again.parquet").read_bytes() == merged.read_bytes()


def test_a_summary_counts_designs_agents_failures_and_repeats(merged):
    dataset = DataSet.load(merged)
    frame, summary = dataset.to_frame(), dataset.summary()
    designs = {tuple(row) for row in dataset.vectors.tolist()}
    assert summary.designs == len(designs)
    assert summary.failed == frame["error"].notna().sum() > 0
    assert summary.repeated == frame["cached"].sum()
    assert summary.conflicts == 0
    assert [row["agent"] for row in summary.agents] == ["genetic", "random_walk"]
    assert [row["runs"] for row in summary.agents] == [2, 3]
    own = [row["own_designs"] for row in summary.agents]
    both = summary.agents[0]["designs"] - own[0]
    assert sum(own) + both == len(designs)


def test_a_design_measured_twice_differently_is_a_conflict(merged):
    dataset = DataSet.load(merged)
    column = dataset.table.column_names.index("metric.power_mw")
    values = dataset.values("power_mw").copy()
    _, counts = np.unique(dataset.keys(), return_counts=True)
    repeated = np.flatnonzero(np.isin(dataset.keys(), np.unique(dataset.keys())[counts > 1]))
    known = repeated[np.isfinite(values[repeated])]
    values[known[0]] += 1.0
    changed = dataset.table.set_column(column, "metric.power_mw", [values])
    assert DataSet(changed, dataset.metadata).summary().conflicts == 1


def test_a_table_of_every_design_becomes_rows_with_rewards(tmp_path):
    truth = enumerate_problem(ToyProblem(), tmp_path / "truth.parquet")
    dataset = merge_dataset([truth], tmp_path / "all.parquet", problems=PROBLEMS)
    frame = dataset.to_frame()
    assert len(frame) == ToyProblem().space.size
    assert set(frame["agent"]) == {"enumeration"}
    problem = ToyProblem()
    objective = problem.objective()
    for row in (0, 77, len(frame) - 1):
        design = problem.space.decode(dataset.vectors[row])
        shown = {name: frame[f"design.{name}"][row] for name in design}
        assert shown == design
        evaluation = problem.evaluate([design])[0]
        assert frame["reward"][row] == pytest.approx(objective.reward(evaluation), abs=1e-12)


def test_the_card_counts_and_names_what_the_file_holds(merged):
    text = merged.with_suffix(".md").read_text()
    summary = DataSet.load(merged).summary()
    for part in (f"{summary.rows:,} trials", "| genetic | 2 |", "`metric.power_mw`", "Time per"):
        assert part in text


def test_csv_holds_the_same_rows(merged, tmp_path):
    dataset = DataSet.load(merged)
    frame = pd.read_csv(dataset.export(tmp_path / "rows.csv"))
    assert len(frame) == len(dataset)
    np.testing.assert_array_equal(
        frame["metric.latency_ns"].to_numpy(), dataset.values("latency_ns")
    )
    last = frame[frame["objective"].str.startswith("pareto")].iloc[-1]
    assert np.mean([float(x) for x in last["rewards"].split()]) == pytest.approx(last["reward"])


def test_minari_is_refused_with_the_reason(merged, tmp_path):
    with pytest.raises(InvalidConfigError, match="episodes of a decision process"):
        DataSet.load(merged).export(tmp_path / "x", "minari")


def test_damaged_and_foreign_files_are_refused_by_name(runs, merged, tmp_path):
    damaged = tmp_path / "damaged.parquet"
    content = bytearray(merged.read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged.write_bytes(content)
    with pytest.raises(RecordError, match=r"damaged\.parquet"):
        DataSet.load(damaged)
    damaged.write_bytes(merged.read_bytes()[:1000])
    with pytest.raises(RecordError, match="no Parquet file"):
        DataSet.load(damaged)
    part = next((runs / "genetic").rglob("trials.parquet"))
    with pytest.raises(RecordError, match="is no data set"):
        DataSet.load(part)
    with pytest.raises(RecordError, match="does not exist"):
        merge_dataset([tmp_path / "none"], tmp_path / "o.parquet")
    assert not (tmp_path / "o.parquet").exists()


def test_runs_of_another_design_space_are_not_mixed_in(runs, tmp_path):
    class Other(ToyProblem):
        name = "archgym/Other-v0"

    other = Other()
    other.space = DesignSpace([*other.space.parameters, Categorical(name="x", choices=("a", "b"))])
    other.default_design = {**other.default_design, "x": "a"}
    search(other, "random_walk", 20, 0, out=tmp_path / "other")
    with pytest.raises(RecordError, match="another problem"):
        merge_dataset(
            [runs, tmp_path / "other"],
            tmp_path / "o.parquet",
            problems={**PROBLEMS, other.name: other},
        )


def test_two_copies_of_a_run_that_contradict_each_other_are_refused(runs, tmp_path):
    folder = runs / "genetic" / "seed-0"
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "run.json").write_bytes((folder / "run.json").read_bytes())
    table = pq.read_table(folder / "trials.parquet")
    changed = table.set_column(
        table.column_names.index("reward"), table.schema.field("reward"), [np.zeros(len(table))]
    )
    pq.write_table(changed, copy / "trials.parquet")
    with pytest.raises(RecordError, match="other trials"):
        merge_dataset([folder, copy], tmp_path / "o.parquet", problems=PROBLEMS)


def test_a_problem_that_no_registry_knows_is_asked_for(runs, tmp_path):
    with pytest.raises(RecordError, match="problems="):
        merge_dataset([runs], tmp_path / "o.parquet")


def test_unknown_metrics_and_workloads_are_named(merged):
    dataset = DataSet.load(merged)
    with pytest.raises(UnknownNameError, match="latency_ns"):
        dataset.values("latncy_ns")
    with pytest.raises(InvalidConfigError, match="closed form"):
        dataset.only("stream")
    assert len(dataset.only("closed form")) == len(dataset)


def test_the_commands_gather_describe_and_convert(tmp_path, capsys):
    config = {"workload": "stream", "space": "paper", "requests": 50}
    for seed in range(2):
        search(
            make_problem("archgym/DRAM-v0", **config),
            "random_walk",
            25,
            seed,
            out=tmp_path / f"r{seed}",
        )
    out = tmp_path / "d.parquet"
    assert main(["dataset", "merge", str(out), str(tmp_path / "r0"), str(tmp_path / "r1")]) == 0
    assert main(["dataset", "info", str(out), "--json"]) == 0
    text = capsys.readouterr().out
    info = json.loads(text[text.index("{") :])
    assert info["runs"] == 2
    assert info["rows"] >= 50
    assert main(["dataset", "export", str(out), str(tmp_path / "d.csv")]) == 0
    assert len(pd.read_csv(tmp_path / "d.csv")) == info["rows"]
    assert main(["dataset", "info", str(tmp_path / "d.csv")]) == 2
    assert "no Parquet file" in capsys.readouterr().err
    assert main(["dataset", "export", str(out), str(tmp_path / "e"), "--format", "minari"]) == 2
