"""The packages fit together, what is written about them holds, and the wheel is complete."""

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import archgym

ROOT = Path(__file__).parents[1]
PACKAGES = ("simulators", "archgym", "costmodel", "experiments")

# Whom each package may import of the others; itself always.
MAY_IMPORT = {
    "simulators": set(),
    "archgym": {"simulators"},
    "costmodel": {"simulators"},
    "experiments": {"simulators", "archgym", "costmodel"},
}


def sources(package):
    return sorted((ROOT / package).rglob("*.py"))


def imported(path):
    """Return the top-level names that a file imports, in functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def normalized(name):
    """Return a distribution's name as indexes spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared():
    """Return the distributions that the project and its extras require."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return {
        normalized(re.match(r"[\w.-]+", requirement)[0])
        for group in groups
        for requirement in group
    }


def run(*command, cwd=None, **environment):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def blocks(document, language):
    """Return the code blocks of a document of the project."""
    text = (ROOT / document).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_between_packages_run_one_way(package):
    files = sources(package)
    assert files
    forbidden = set(PACKAGES) - MAY_IMPORT[package] - {package}
    assert {f: imported(f) & forbidden for f in files if imported(f) & forbidden} == {}


def test_simulators_do_not_know_the_gym():
    assert [f for f in sources("simulators") if "gymnasium" in imported(f)] == []


def test_every_library_that_is_imported_is_a_declared_requirement():
    """In a fresh environment it may be there only by the grace of another library."""
    known = set(sys.stdlib_module_names) | set(PACKAGES)
    imports = {name for package in PACKAGES for path in sources(package) for name in imported(path)}
    distributions = importlib.metadata.packages_distributions()
    needed = {distributions.get(name, [name])[0] for name in imports - known}
    assert {normalized(name) for name in needed} - declared() == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed_and_says_what_it_is(package):
    assert (ROOT / package / "py.typed").is_file()
    for init in (ROOT / package).rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(init.read_text())), init


def test_the_version_is_written_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" not in project
    assert importlib.metadata.version("archgym") == archgym.__version__
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert newest[1] == archgym.__version__


def test_the_constraints_cover_every_requirement():
    constraints = (ROOT / "constraints.txt").read_text()
    pinned = re.findall(r"^([a-z0-9-]+)==", constraints, re.MULTILINE)
    assert declared() - set(pinned) - {"archgym"} == set()
    assert "://" not in constraints


def test_the_readme_s_python_runs_as_it_stands(tmp_path):
    examples = blocks("README.md", "python")
    assert examples
    for example in examples:
        code, output = run(sys.executable, "-W", "error", "-c", example, cwd=tmp_path)
        assert code == 0, output


def test_the_readme_s_commands_run_as_they_stand(tmp_path):
    """In one empty folder, from top to bottom; `make` and other programs' commands excepted."""
    lines = "".join(blocks("README.md", "sh")).replace("\\\n", "").splitlines()
    commands = [line for line in lines if line.startswith("archgym ")]
    assert len(commands) >= 6
    for example in blocks("README.md", "toml"):
        (tmp_path / example.split()[1]).write_text(example)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in commands:
        if "trace record" in command and shutil.which("valgrind") is None:
            pytest.skip(f"valgrind is not installed: {command}")
        code, output = run("sh", "-c", command, cwd=tmp_path, PATH=path)
        assert code == 0, f"{command}\n{output}"


def test_what_the_documents_point_at_exists():
    for document in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        for target in re.findall(r"\]\(([^)#]+)", (ROOT / document).read_text()):
            assert target.startswith("https://") or (ROOT / target).exists(), target


def test_the_examples_for_contributors_pass_their_own_tests(tmp_path):
    examples = blocks("CONTRIBUTING.md", "python")
    names = [re.match(r"# (\w+\.py)\n", example)[1] for example in examples]
    for name, example in zip(names, examples, strict=True):
        (tmp_path / name).write_text(example)
    tests = [name for name in names if name.startswith("test_")]
    assert len(tests) == len(names) / 2
    pytest_options = ("-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:xdist")
    code, output = run(
        sys.executable, "-m", "pytest", *pytest_options, *tests, cwd=tmp_path, PYTHONPATH=tmp_path
    )
    assert code == 0, output


def test_the_examples_for_contributors_keep_the_project_s_style(tmp_path):
    examples = blocks("CONTRIBUTING.md", "python")
    for example in examples:
        name = re.match(r"# (\w+\.py)\n", example)[1]
        (tmp_path / name).write_text(example)
    typed = [p for p in tmp_path.glob("*.py") if not p.name.startswith("test_")]
    ruff = (sys.executable, "-m", "ruff")
    config, cache = ROOT / "pyproject.toml", ROOT / ".mypy_cache"
    for command in (
        (*ruff, "check", "--no-cache", "--config", config, *typed),
        (*ruff, "format", "--no-cache", "--check", "--config", config, tmp_path),
        (sys.executable, "-m", "mypy", "--config-file", config, "--cache-dir", cache, *typed),
    ):
        code, output = run(*command, cwd=tmp_path)
        assert code == 0, output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("PYTHON=no-such-python",), "ArchGym needs Python 3.11 or newer"),
        (("PYTHON=false",), "ArchGym needs Python 3.11 or newer"),
        (("CXX=no-such-compiler",), "A C++20 compiler is missing"),
    ],
)
def test_make_says_what_a_machine_lacks(tmp_path, arguments, message):
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "CMakeLists.txt"):
        shutil.copy(ROOT / name, tmp_path)
    code, output = run("make", *arguments, "demo", cwd=tmp_path, MAKEFLAGS="", MAKELEVEL="")
    assert code == 2
    assert message in output
    assert not (tmp_path / ".venv").exists()


# One process of pytest-xdist makes it.
once = pytest.mark.xdist_group("built")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The source distribution, and the wheel made of nothing else."""
    pytest.importorskip("scikit_build_core", reason="the build tools are not installed")
    folder = tmp_path_factory.mktemp("built")
    build = "import sys; from scikit_build_core.build import build_sdist; build_sdist(sys.argv[1])"
    code, output = run(sys.executable, "-c", build, folder, cwd=ROOT)
    assert code == 0, output
    (sdist,) = folder.glob("*.tar.gz")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps")
    code, output = run(*pip, "--no-build-isolation", "--wheel-dir", folder, sdist, cwd=folder)
    assert code == 0, output
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


@once
def test_the_wheel_holds_what_runs_and_nothing_else(built):
    _, wheel = built
    assert wheel.stat().st_size < 12_000_000
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".so"
    }
    native = {name for name in tracked if "/native/" in name}
    assert native
    assert names >= tracked - native
    assert names & native == set()
    beyond = {n for n in names - tracked if not n.startswith("archgym-")}
    cores = {str(Path(name).parent.parent / "_core") for name in native}
    assert {name.partition(".")[0] for name in beyond} == cores
    assert len(beyond) == len(cores) == 4


@once
def test_the_source_distribution_leaves_out_what_only_a_checkout_needs(built):
    sdist, _ = built
    with tarfile.open(sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert tops >= {"pyproject.toml", "CMakeLists.txt", "LICENSE", "README.md", *PACKAGES}
    assert tops & {".git", ".venv", "build", "runs"} == set()


@once
def test_the_wheel_works_by_itself(built, tmp_path):
    """Not the checkout beside it: the editable install's finder is taken away."""
    zipfile.ZipFile(built[1]).extractall(tmp_path / "site")
    program = """
import sys
sys.meta_path[:] = [f for f in sys.meta_path if "ScikitBuild" not in type(f).__name__]
sys.path.insert(0, sys.argv[1])
import archgym
assert archgym.__file__.startswith(sys.argv[1]), archgym.__file__
problem = archgym.make_problem("archgym/DRAM-v0", requests=1000)
assert archgym.search(problem, "genetic", budget=20, seed=0).evaluations == 20
from simulators.dram import load_workload, workloads
assert all(len(load_workload(name)) for name in workloads())
"""
    code, output = run(
        sys.executable, "-W", "error", "-c", program, tmp_path / "site", cwd=tmp_path
    )
    assert code == 0, output
