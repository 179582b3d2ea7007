"""Tables of labelled programs: what is read, split and refused."""

import numpy as np
import pandas as pd
import pytest

from costmodel._dataset import Dataset
from costmodel.errors import DatasetError
from costmodel.testing import sample_dataset


def frame(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"text": ["a", "b", "c"], "cpu/spills": [1.0, np.nan, 0.0], **columns})


def test_labels_and_columns_are_read(tmp_path):
    table = frame(family=["x", "y", "x"], split_random=["train", "test", "train"], other=[1, 2, 3])
    table.to_parquet(tmp_path / "part-0.parquet")
    table.to_parquet(tmp_path / "part-1.parquet")
    (tmp_path / "failures.parquet").write_bytes(b"")
    dataset = Dataset.read(tmp_path)
    assert (len(dataset), dataset.targets) == (6, ("cpu/spills",))
    assert set(dataset.columns) == {"family", "split_random"}
    assert dataset.split("random", "test").texts == ("b", "b")


@pytest.mark.parametrize("value", [np.inf, -np.inf, -1.0])
def test_labels_that_no_program_has_are_refused(value: float):
    with pytest.raises(DatasetError, match="Label 'cpu/x' of row 1"):
        Dataset.from_frame(frame(**{"cpu/x": [0.0, value, 1.0]}))


def test_labels_and_texts_of_other_types_are_refused():
    with pytest.raises(DatasetError, match="not a column of numbers"):
        Dataset.from_frame(frame(**{"cpu/x": ["1", "two", "3"]}))
    with pytest.raises(DatasetError, match="no text"):
        Dataset.from_frame(pd.DataFrame({"text": ["a", None]}))
    with pytest.raises(DatasetError, match="no column 'text'"):
        Dataset.from_frame(pd.DataFrame({"program": ["a"]}))


def test_files_that_are_no_tables_are_refused(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(DatasetError, match="no Parquet table"):
        Dataset.read(tmp_path / "x.parquet")
    with pytest.raises(DatasetError, match="does not exist"):
        Dataset.read(tmp_path / "y.parquet")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no Parquet file"):
        Dataset.read(tmp_path / "empty")


def test_unknown_splits_and_targets_are_refused():
    dataset = sample_dataset(8)
    with pytest.raises(DatasetError, match="no split 'schedule'"):
        dataset.split("schedule", "test")
    with pytest.raises(DatasetError, match="Did you mean 'test-cpu/spills'"):
        dataset.labels_of(["test-cpu/spill"])


def test_programs_stay_together_when_a_part_is_kept_back():
    dataset = sample_dataset(80)
    kept, back = dataset.halves(0.25, seed=3)
    assert len(kept) + len(back) == 80
    assert not set(kept.groups()) & set(back.groups())
    assert 10 <= len(back) <= 30
    again = dataset.halves(0.25, seed=3)[1]
    assert again.texts == back.texts


def test_a_subset_has_the_size_asked_for():
    dataset = sample_dataset(20)
    assert len(dataset.subset(5, seed=0)) == 5
    assert len(dataset.subset(99, seed=0)) == 20


def test_a_table_without_programs_goes_by_text():
    assert Dataset.from_frame(frame()).groups().tolist() == ["a", "b", "c"]


def test_joined_tables_have_the_labels_of_either():
    one = Dataset.from_frame(frame(family=["x"] * 3))
    other = Dataset.from_frame(frame(family=["y"] * 3, **{"gpu/spills": [1.0, 2.0, 3.0]}))
    joined = one.joined(other)
    assert joined.texts == one.texts + other.texts
    assert joined.columns["family"].tolist() == ["x"] * 3 + ["y"] * 3
    np.testing.assert_array_equal(joined.labels["cpu/spills"], [1, np.nan, 0, 1, np.nan, 0])
    np.testing.assert_array_equal(joined.labels["gpu/spills"], [np.nan] * 3 + [1, 2, 3])
