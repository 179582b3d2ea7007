"""The committed stub of the native core is the one that its bindings give."""

import subprocess
import sys
from pathlib import Path

import pytest

import costmodel


def test_the_stub_is_what_the_bindings_generate(tmp_path: Path) -> None:
    pytest.importorskip("nanobind", reason="nanobind is not installed: no stub to compare with")
    generated = tmp_path / "_core.pyi"
    command = ["-m", "nanobind.stubgen", "-m", "costmodel._core", "-o", str(generated)]
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    committed = Path(costmodel.__file__).with_name("_core.pyi")
    assert generated.read_text() == committed.read_text()
