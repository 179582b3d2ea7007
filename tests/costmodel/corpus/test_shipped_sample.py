"""The data set that is shipped: what its card promises."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import costmodel
from costmodel.corpus import SPLITS
from costmodel.corpus._program import dialects_of, text_id
from costmodel.corpus._splits import assign_splits
from costmodel.targets import TARGETS

FOLDER = Path(costmodel.__file__).parent / "data" / "corpus"


@pytest.fixture(scope="module")
def rows():
    return pq.read_table(FOLDER / "programs.parquet").to_pylist()


def test_it_is_small_enough_to_ship():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 4 << 20


def test_its_card_names_its_checksum_and_command():
    card = (FOLDER / "card.md").read_text()
    assert hashlib.sha256((FOLDER / "programs.parquet").read_bytes()).hexdigest() in card
    assert "costmodel corpus build --size" in card


def test_every_row_is_a_different_text_named_by_its_hash(rows):
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(row["id"] == text_id(row["text"]) for row in rows)
    assert all(row["dialects"] == dialects_of(row["text"]) for row in rows)


def test_the_splits_are_those_that_the_code_assigns(rows):
    for row, parts in zip(rows, assign_splits(rows), strict=True):
        assert {name: row[name] for name in SPLITS} == parts


def test_every_part_of_every_split_has_programs(rows):
    for split in SPLITS:
        assert {row[split] for row in rows} == {"train", "valid", "test"}


def test_labels_are_finite_and_not_negative_or_missing(rows):
    names = [name for name in rows[0] if name in TARGETS]
    assert {TARGETS[name].device for name in names} >= {"x86-64-znver4", "analytic", "xpu-eyeriss"}
    for name in names:
        values = np.array([row[name] for row in rows], float)
        assert np.all(np.isnan(values) | (np.isfinite(values) & (values >= 0))), name
        assert np.isfinite(values).any(), name


def test_shares_are_shares(rows):
    for name in (name for name in rows[0] if name in TARGETS):
        if TARGETS[name].unit == "1":
            values = np.array([row[name] for row in rows], float)
            assert np.nanmax(values) <= 1 + 1e-9, name


def test_there_are_at_least_forty_families_and_every_source(rows):
    assert len({row["family"] for row in rows}) >= 40
    assert {row["source"] for row in rows} == {"jax", "torch", "generator", "kernel"}
