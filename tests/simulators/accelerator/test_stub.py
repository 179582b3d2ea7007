"""The committed stub of the native core is the one that its bindings give."""

import subprocess
import sys
from pathlib import Path

import pytest

import simulators.accelerator


def test_the_stub_is_what_the_bindings_generate(tmp_path: Path) -> None:
    pytest.importorskip("nanobind", reason="nanobind is not installed: no stub to compare with")
    generated = tmp_path / "_core.pyi"
    command = ["-m", "nanobind.stubgen", "-m", "simulators.accelerator._core", "-o", str(generated)]
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    committed = Path(simulators.accelerator.__file__).with_name("_core.pyi")
    assert committed.read_text(encoding="utf-8") == generated.read_text(encoding="utf-8"), (
        f"the bindings have changed. Run: python {' '.join(command[:-1])} {committed}"
    )
