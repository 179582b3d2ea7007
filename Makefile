# make demo         install, then search for a better memory controller (the main job)
# make test         install everything the tests need, then check and test it all
# make dev          install for development: as for the tests, nothing run
# make check        lint, types and tests on what is installed
# make format       format the code, fix what lint can fix
# make constraints  resolve the tested versions anew
# make clean        remove everything that the above made, runs/ excepted
#
# Everything goes into .venv, from the versions in constraints.txt. The install is editable, because
# Python started in a checkout imports the packages of the checkout, whatever is installed; the tests
# build the wheel too and try it in a place of its own. Another Python: make demo PYTHON=python3.13

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --constraint constraints.txt
NATIVE := CMakeLists.txt $(wildcard */native/* simulators/*/native/* simulators/*/*/native/*)

.PHONY: demo test dev check lint types pytest format constraints clean system-packages

demo: $(VENV)/.installed
	$(BIN)/archgym search archgym/DRAM-v0 --workload bzip2 --memory DDR4-2400 \
	    --agents random_walk genetic ant_colony bayesian --seeds 3 --budget 500 \
	    --out runs/demo --jobs 2 --report
	@echo
	@echo "To have archgym on the path: source $(BIN)/activate"

test: dev system-packages
	@$(MAKE) --no-print-directory --keep-going check

dev: $(VENV)/.complete

check: lint types pytest

lint:
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types:
	$(BIN)/mypy

pytest:
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadgroup

format:
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Torch is pinned to a version of which there is a build for CPUs alone; see $(VENV)/.complete.
constraints: $(BIN)/python
	$(PIP) install --quiet uv
	echo "# Tested versions of all that the project and its extras need; \`make constraints\` made it." > constraints.txt
	echo "torch==2.13.0" | $(BIN)/uv pip compile --quiet --universal --all-extras --no-header \
	    --no-annotate --no-emit-index-url --overrides - pyproject.toml >> constraints.txt

clean:
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@command -v $(PYTHON) > /dev/null && \
	    $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "ArchGym needs Python 3.11 or newer; '$(PYTHON)' is not. Try: make demo PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' || { \
	    echo "Python's headers are missing. On Debian or Ubuntu: apt-get install python3-dev"; exit 1; }
	@command -v $(firstword $(CXX)) > /dev/null || { \
	    echo "A C++20 compiler is missing ('$(CXX)'). On Debian or Ubuntu: apt-get install g++"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	    echo "On Debian or Ubuntu, virtual environments need: apt-get install python3-venv"; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt $(NATIVE) | $(BIN)/python
	@echo "Installing ArchGym into $(VENV) and compiling its simulator: about a minute."
	$(INSTALL) --editable .
	@touch $@

# Each of these has a step of its own, since it may be missing for a platform. Torch is pinned:
# otherwise it would be the newest build for GPUs, gigabytes of CUDA.
EXTRAS := proxy rl ray neural dashboard

$(VENV)/.complete: $(VENV)/.installed
	@echo "Installing what the tests need."
	$(INSTALL) 'archgym[dev,optuna,proxy,figures]'
	@for extra in $(EXTRAS); do $(INSTALL) "archgym[$$extra]" || \
	    echo "SKIPPED: tests of the extra '$$extra', which cannot be installed here"; done
	@touch $@

# $(call provide,COMMANDS OF WHICH ONE IS ENOUGH,DEBIAN PACKAGE,WHAT IS SKIPPED WITHOUT IT)
provide = for command in $(1); do command -v $$command > /dev/null && exit; done; { [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && \
    echo "Installing $(2) with apt-get." && apt-get -qq update > /dev/null && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $(2) > /dev/null 2>&1; } || \
    echo "SKIPPED: $(3): $(2) is not installed and cannot be from here (apt-get install $(2))"

system-packages:
	@$(call provide,chromium chromium-browser google-chrome,chromium fonts-liberation,tests of the report in a real browser)
	@$(call provide,valgrind,valgrind,tests of recording programs)
