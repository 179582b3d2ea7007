"""What importing the package does, and does not do."""

import subprocess
import sys

import pytest

import costmodel

HEAVY = ("pandas", "pyarrow", "plotly", "torch", "sklearn", "lightgbm", "transformers", "archgym")


@pytest.mark.parametrize(
    "module", ["costmodel", "costmodel.predict", "costmodel.models", "costmodel.tokenizers"]
)
def test_importing_brings_no_heavy_library(module: str):
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert module in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_every_public_name_exists():
    assert sorted(costmodel.__all__) == costmodel.__all__
    for name in costmodel.__all__:
        assert getattr(costmodel, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = costmodel.no_such_name
