"""The trial table: typed columns, exact round trips, and loading one run or many."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archgym.errors import RecordError
from archgym.problem import Evaluation, MetricSpec, Problem
from archgym.search import search
from archgym.space import Categorical, DesignSpace, Integer, Ordinal, Real
from archgym.testing import ToyProblem
from archgym.trials import (
    METADATA_KEY,
    Trial,
    from_table,
    load_trials,
    read_parquet,
    to_table,
    trial_schema,
)

SPACE = ToyProblem().space
METRICS = tuple(ToyProblem().metrics)

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def trials(draw):
    """Return any trial of the toy space with two objectives."""
    indices = SPACE.sample_indices(np.random.default_rng(draw(st.integers(0, 999))), 1)[0]
    error = draw(st.none() | st.text(max_size=20))
    return Trial(
        index=draw(st.integers(0, 2**40)),
        design=SPACE.decode(indices),
        indices=tuple(indices.tolist()),
        metrics={} if error else draw(st.dictionaries(st.sampled_from(METRICS), FINITE)),
        feasible=draw(st.booleans()),
        violations=draw(st.dictionaries(st.text(max_size=8), FINITE, max_size=2)),
        error=error,
        reward=draw(FINITE),
        rewards=(draw(FINITE), draw(FINITE)),
        cached=draw(st.booleans()),
        ask_s=draw(st.floats(0, 10)),
        wall_s=draw(st.floats(0, 10)),
    )


@given(batch=st.lists(trials(), max_size=5))
@settings(max_examples=60, deadline=None)
def test_trials_survive_parquet_to_the_last_bit(batch, tmp_path_factory):
    schema = trial_schema(SPACE, METRICS, ("latency_ns", "power_mw"), {"seed": 3})
    path = tmp_path_factory.mktemp("trials") / "trials.parquet"
    pq.write_table(to_table(batch, schema), path)
    assert from_table(read_parquet(path), SPACE) == batch


def test_every_kind_of_parameter_has_its_column_type():
    space = DesignSpace(
        [
            Categorical(name="policy", choices=("a", "b")),
            Categorical(name="flag", choices=(False, True)),
            Categorical(name="ways", choices=(8, 2, 4)),
            Categorical(name="mixed", choices=("none", 1)),
            Ordinal(name="sizes", values=(1, 2, 4)),
            Ordinal(name="rates", values=(0.5, 1, 2)),
            Integer(name="count", low=0, high=10**5),
            Real(name="voltage", low=0.9, high=1.2),
        ]
    )
    schema = trial_schema(space, ["latency_ns"], ["latency_ns"])
    kinds = {name.removeprefix("design."): str(schema.field(name).type) for name in schema.names}
    assert {name: kinds[name] for name in space.names} == {
        "policy": "string",
        "flag": "bool",
        "ways": "int64",
        "mixed": "string",
        "sizes": "int64",
        "rates": "double",
        "count": "int64",
        "voltage": "double",
    }
    assert "reward.latency_ns" not in schema.names


def test_the_identity_of_the_run_is_in_the_metadata(tmp_path):
    result = search(ToyProblem(), "random_walk", 5, 2, out=tmp_path / "run")
    metadata = pq.read_schema(tmp_path / "run" / "trials.parquet").metadata
    identity = json.loads(metadata[METADATA_KEY])
    assert identity == json.loads(json.dumps(dict(result.identity)))
    assert {"problem", "agent", "seed", "budget", "objective", "version"} <= set(identity)


# ------------------------------------------------------------------ loading


def test_a_tree_of_runs_is_one_table(tmp_path):
    for agent in ("random_walk", "genetic"):
        for seed in (0, 1):
            search(ToyProblem(), agent, 20, seed, out=tmp_path / "study" / agent / f"seed-{seed}")
    frame = load_trials(tmp_path)
    counts = frame[~frame.cached].groupby(["agent", "seed"]).size()
    assert counts.to_dict() == {
        (agent, seed): 20 for agent in ("random_walk", "genetic") for seed in (0, 1)
    }
    assert set(frame.run) == {
        f"study/{a}/seed-{s}" for a in ("genetic", "random_walk") for s in (0, 1)
    }
    assert frame.groupby("agent").config_hash.nunique().tolist() == [1, 1]
    assert frame.config_hash.nunique() == 2


def test_the_types_of_a_loaded_table_do_not_depend_on_its_content(tmp_path):
    problem = ToyProblem()
    frames = []
    for seed in range(4):
        search(problem, "random_walk", 3, seed, out=tmp_path / str(seed))
        frames.append(load_trials(tmp_path / str(seed)))
    assert len({tuple(frame.dtypes.astype(str)) for frame in frames}) == 1
    types = frames[0].dtypes.astype(str)
    assert types["design.postponed"] == types["design.buffer"] == "Int64"
    assert types["metric.latency_ns"] == types["reward"] == types["design.voltage"] == "float64"
    assert types["cached"] == types["feasible"] == "bool"


def test_a_result_has_the_table_that_its_record_has(tmp_path):
    result = search(ToyProblem(), "genetic", 50, 0, out=tmp_path / "run")
    pd.testing.assert_frame_equal(
        result.to_frame().drop(columns="run"), load_trials(tmp_path).drop(columns="run")
    )
    unrecorded = search(ToyProblem(), "genetic", 50, 0).to_frame()
    timed = ["run", "ask_s", "wall_s"]
    pd.testing.assert_frame_equal(
        unrecorded.drop(columns=timed), load_trials(tmp_path).drop(columns=timed)
    )


def test_a_table_holds_designs_metrics_and_what_is_inactive(tmp_path):
    result = search(ToyProblem(), "random_walk", 40, 0, objective="pareto:latency_ns,power_mw")
    frame = result.to_frame()
    for trial, (_, row) in zip(result.trials, frame.iterrows(), strict=True):
        for name in SPACE.names:
            value = row[f"design.{name}"]
            assert pd.isna(value) if name not in trial.design else value == trial.design[name]
        for name in METRICS:
            value = row[f"metric.{name}"]
            assert pd.isna(value) if trial.error else value == trial.metrics[name]
        assert (row["reward.latency_ns"], row["reward.power_mw"]) == trial.rewards


def test_runs_of_different_problems_load_together(tmp_path):
    class Other(Problem):
        """A problem with a parameter of the same name and another type."""

        name = "test/Other-v0"
        workload = "none"
        default_objective = "cost"
        metrics = {"cost": MetricSpec(name="cost", unit="", direction="min", description="Cost.")}
        space = DesignSpace([Categorical(name="buffer", choices=("small", "large"))])
        default_design = {"buffer": "small"}

        def simulate(self, designs):
            return [Evaluation(metrics={"cost": 1.0}) for _ in designs]

    search(ToyProblem(), "random_walk", 3, 0, out=tmp_path / "a")
    search(Other(), "random_walk", 2, 0, out=tmp_path / "b")
    frame = load_trials(tmp_path)
    frame = frame[~frame.cached]
    assert set(frame["design.buffer"]) & {"small", "large"}
    assert set(frame["design.buffer"]) & {"1", "2", "4", "8", "16", "32"}
    assert frame.groupby("problem")["metric.cost"].count().to_dict() == {
        "archgym/Toy-v0": 0,
        "test/Other-v0": 2,
    }


def test_a_single_file_loads(tmp_path):
    search(ToyProblem(), "random_walk", 5, 0, out=tmp_path)
    assert len(load_trials(tmp_path / "trials.parquet")) >= 5


def test_a_folder_without_runs_says_so(tmp_path):
    with pytest.raises(RecordError, match=r"holds no recorded run.*out="):
        load_trials(tmp_path)
    with pytest.raises(RecordError, match="does not exist"):
        load_trials(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 100, b"\x00" * 64, b"index,reward\n"])
def test_a_file_that_is_no_parquet_is_named(tmp_path, content):
    path = tmp_path / "trials.parquet"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"trials\.parquet.*damaged"):
        load_trials(path)


def test_a_parquet_file_of_something_else_is_named(tmp_path):
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"x": [1]}), path)
    with pytest.raises(RecordError, match=r"lacks ask_s, cached"):
        load_trials(path)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A complete run folder and the content of its trial file."""
    folder = tmp_path_factory.mktemp("recorded")
    search(ToyProblem(), "random_walk", 6, 0, out=folder)
    return folder, (folder / "trials.parquet").read_bytes(), len(load_trials(folder))


@given(place=st.floats(0, 1, exclude_max=True), cut=st.booleans(), bits=st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_damage_is_named_or_harmless(recorded, place, cut, bits):
    folder, content, rows = recorded
    at = int(place * len(content))
    path = folder / "trials.parquet"
    flipped = content[:at] + bytes([content[at] ^ bits]) + content[at + 1 :]
    path.write_bytes(content[:at] if cut else flipped)
    try:
        found = len(load_trials(folder))
    except RecordError as error:
        message = str(error)
    else:
        message = str(path) if found == rows else "rows are missing"
    assert str(path) in message
