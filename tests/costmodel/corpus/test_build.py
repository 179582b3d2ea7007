import hashlib
import json
import shutil
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

pytest.importorskip("mlir.ir")
pytest.importorskip("llvmlite.binding")

from costmodel.corpus import SPLITS, CorpusConfig, _build, build_corpus
from costmodel.corpus._sources import draw_program
from costmodel.targets._sandbox import SampleError
from simulators.errors import InvalidConfigError

TARGETS = ("x86-64-haswell", "analytic")


@pytest.fixture(autouse=True)
def only_kernels(monkeypatch):
    """No front end is loaded: programs are kernels."""
    monkeypatch.setattr(_build, "models", lambda kind: [])
    monkeypatch.setattr(_build, "_CHUNK", 4)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_build, "models", lambda kind: [])
        patch.setattr(_build, "_CHUNK", 4)
        out = tmp_path_factory.mktemp("corpus")
        config = CorpusConfig(size=5, seed=3, targets=TARGETS)
        return config, build_corpus(config, out, workers=2)


def test_rows_have_the_columns_that_models_read(built):
    table = pq.read_table(built[1]).to_pylist()
    assert {"high", "low"} == {row["view"] for row in table}
    for row in table:
        assert row["family"].startswith("kernel-")
        assert row["x86-64-haswell/register_pressure_fp"] >= 1
        assert row["analytic/flops"] > 0
        assert {row[split] for split in SPLITS} <= {"train", "valid", "test"}
        assert isinstance(json.loads(row["schedule"]), list)
    assert sum(row["view"] == "low" for row in table) == 5


def test_both_views_of_a_program_share_the_labels_of_one_compilation(built):
    rows = pq.read_table(built[1]).to_pylist()
    plain = [row for row in rows if row["schedule"] == "[]"]
    for high in (row for row in plain if row["view"] == "high"):
        low = next(
            row for row in plain if row["view"] == "low" and row["program"] == high["program"]
        )
        assert high["x86-64-haswell/spills"] == low["x86-64-haswell/spills"]


def test_equal_seeds_give_equal_files(built, tmp_path):
    again = build_corpus(built[0], tmp_path)
    for name in (again.name, "failures.parquet", "card.md"):
        assert (tmp_path / name).read_bytes() == (built[1].parent / name).read_bytes()


def test_an_interrupted_build_goes_on_and_ends_the_same(built, tmp_path):
    class StopError(Exception):
        pass

    def stop(event):
        if list((tmp_path / "parts").glob("*.jsonl")):
            raise StopError

    with pytest.raises(StopError):
        build_corpus(built[0], tmp_path, watch=stop)
    kept = sorted((tmp_path / "parts").iterdir())
    assert kept
    before = kept[0].stat().st_mtime_ns
    again = build_corpus(built[0], tmp_path)
    assert kept[0].stat().st_mtime_ns == before
    assert again.read_bytes() == built[1].read_bytes()


def test_what_is_labelled_is_published_while_the_corpus_grows(tmp_path):
    path = tmp_path / "programs.parquet"
    published = []

    def look(event):
        if path.is_file():
            published.append([row["id"] for row in pq.read_table(path).to_pylist()])

    config = CorpusConfig(size=16, seed=3, targets=("analytic",), publish_every=1)
    build_corpus(config, tmp_path, watch=look)
    whole = [row["id"] for row in pq.read_table(path).to_pylist()]
    assert 0 < len(published[0]) < len(whole)
    assert all(rows == whole[: len(rows)] for rows in published)


def test_a_larger_corpus_begins_with_the_programs_of_a_smaller_one(built, tmp_path):
    shutil.copytree(built[1].parent, tmp_path / "copy")
    before = pq.read_table(built[1]).to_pylist()
    path = build_corpus(CorpusConfig(size=8, seed=3, targets=TARGETS), tmp_path / "copy")
    after = pq.read_table(path).to_pylist()
    assert [row["id"] for row in after[: len(before)]] == [row["id"] for row in before]
    assert sum(row["view"] == "low" for row in after) == 8


def test_a_folder_of_another_configuration_is_refused(built):
    other = CorpusConfig(size=5, seed=4, targets=TARGETS)
    with pytest.raises(InvalidConfigError, match=r"another seed.*another folder"):
        build_corpus(other, built[1].parent)


def test_loops_are_a_corpus_of_their_own_that_needs_no_front_end(tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(_build, "_CHUNK", 4)
    config = CorpusConfig(kind="loops", size=3, seed=2, targets=("analytic",))
    rows = pq.read_table(build_corpus(config, tmp_path)).to_pylist()
    assert {row["source"] for row in rows} == {"loops"}
    assert all(row["family"].startswith("loop-") for row in rows)
    assert not any((tmp_path / "models").iterdir())
    assert "corpus build --kind loops --size 3 --seed 2 --out" in (tmp_path / "card.md").read_text()
    with pytest.raises(InvalidConfigError, match="another kind"):
        build_corpus(replace(config, kind="tensors"), tmp_path)


@pytest.mark.parametrize(
    ("field", "value"), [("size", 0), ("seed", -1), ("publish_every", -1), ("kind", "loop")]
)
def test_values_that_make_no_corpus_are_refused(field, value):
    with pytest.raises(InvalidConfigError, match=field):
        CorpusConfig(**{"size": 1, "seed": 0, field: value})


def test_an_unknown_target_is_refused():
    with pytest.raises(InvalidConfigError, match="Did you mean 'analytic'"):
        CorpusConfig(size=1, targets=("analitic",))


def test_more_targets_are_added_to_rows_that_exist(built, tmp_path):
    from costmodel.corpus import extend_corpus

    shutil.copytree(built[1].parent, tmp_path / "copy")
    path = extend_corpus(tmp_path / "copy", ["x86-64-skylake-avx512/spills", "amd-gfx90a"])
    rows = pq.read_table(path).to_pylist()
    before = pq.read_table(built[1]).to_pylist()
    assert [row["id"] for row in rows] == [row["id"] for row in before]
    for row in rows:
        assert row["x86-64-skylake-avx512/spills"] >= 0
    plain = {row["program"]: row for row in rows if row["schedule"] == "[]"}
    assert any(row["amd-gfx90a/vgprs"] > 0 for row in plain.values())
    card = (tmp_path / "copy" / "card.md").read_text()
    assert hashlib.sha256(path.read_bytes()).hexdigest() in card
    assert card.count("| amd-gfx90a/vgprs |") == 1
    assert card.index("## Labels") < card.index("## Added labels") < card.index("## Splits")
    log = next((tmp_path / "copy" / "extra").iterdir())
    size = log.stat().st_size
    extend_corpus(tmp_path / "copy", ["x86-64-skylake-avx512/spills", "amd-gfx90a"])
    assert log.stat().st_size == size  # nothing was compiled twice
    assert (tmp_path / "copy" / "card.md").read_text() == card


def test_extending_needs_a_corpus(tmp_path):
    from costmodel.corpus import extend_corpus

    with pytest.raises(InvalidConfigError, match="costmodel corpus build"):
        extend_corpus(tmp_path, ["analytic"])


def test_a_draw_that_fails_is_a_failure_and_no_row(tmp_path, monkeypatch):
    def sometimes(rng, traced, kind):
        if rng.random() < 0.5:
            raise SampleError("a value of type tensor<4xi1>")
        return draw_program(rng, traced, kind)

    monkeypatch.setattr(_build, "draw_program", sometimes)
    path = build_corpus(CorpusConfig(size=2, seed=5, targets=TARGETS[1:]), tmp_path)
    assert pq.read_table(path).num_rows >= 2
    reasons = [row["reason"] for row in pq.read_table(tmp_path / "failures.parquet").to_pylist()]
    assert "SampleError: a value of type tensor<4xi1>" in reasons
