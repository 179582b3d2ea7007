import pandas as pd
import pytest

from costmodel.corpus import repeatability

TARGET = "x86-64-znver4/latency"


def test_two_runs_are_compared_where_both_have_a_label(tmp_path):
    for name, values in {"a": [100.0, 200.0, None, 5.0], "b": [110.0, 200.0, 7.0, None]}.items():
        rows = pd.DataFrame({"id": list("wxyz"), TARGET: values})
        rows.to_parquet(tmp_path / name)  # what is missing is written as a null, not as NaN
    found = repeatability(tmp_path / "a", tmp_path / "b", TARGET)
    assert found["programs"] == 2
    assert found["median"] == pytest.approx(0.05)
    assert found["p90"] == pytest.approx(0.09)


def test_runs_without_a_common_label_have_no_repeatability(tmp_path):
    for name, one in {"a": "x", "b": "y"}.items():
        pd.DataFrame({"id": [one], TARGET: [1.0]}).to_parquet(tmp_path / name)
    assert repeatability(tmp_path / "a", tmp_path / "b", TARGET)["programs"] == 0
