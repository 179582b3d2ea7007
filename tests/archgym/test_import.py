"""What importing the package does, and does not do."""

import subprocess
import sys

import pytest

import archgym

# `import archgym` has 0.3 s in all; each of these takes much of that, or more.
HEAVY = (
    "matplotlib",
    "optuna",
    "pandas",
    "plotly",
    "pyarrow",
    "scipy",
    "stable_baselines3",
    "torch",
)


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["archgym", "archgym.env", "archgym.vector", "archgym.envs"])
def test_importing_brings_no_heavy_library(module):
    loaded = run(f"import sys, {module}; print(*sys.modules)").split()
    assert "gymnasium" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_importing_simulators_does_not_import_the_gym():
    loaded = run("import sys, simulators.dram; print(*sys.modules)").split()
    assert "archgym" not in loaded
    assert "gymnasium" not in loaded


def test_importing_registers_the_environments_and_prints_nothing():
    printed = run(
        "import archgym, gymnasium, archgym.envs as e\n"
        "assert set(e.REGISTRY) <= set(gymnasium.registry)"
    )
    assert printed == ""


def test_every_public_name_exists():
    assert sorted(archgym.__all__) == archgym.__all__
    for name in archgym.__all__:
        assert getattr(archgym, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = archgym.no_such_name


def test_search_is_the_function_even_after_its_module_was_imported():
    code = "import archgym.search, archgym; print(callable(archgym.search))"
    assert run(code) == "True"
