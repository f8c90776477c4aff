# The two commands of the README, and what serves them.
#   make demo    see the main job at work in about a minute
#   make test    all checks
#   make bench   the benchmarks beside their peers (see bench/README.md)

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test bench vectors clean

demo: $(VENV)/.demo
	$(BIN)/outlast demo

test: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto

bench: $(VENV)/.bench
	$(BIN)/python -m bench

vectors: $(VENV)/.dev
	$(BIN)/python vectors/generate.py

$(VENV)/.demo: EXTRAS := demo
$(VENV)/.dev: EXTRAS := demo,dev
$(VENV)/.bench: EXTRAS := demo,bench

$(VENV)/.demo $(VENV)/.dev $(VENV)/.bench: pyproject.toml setup.py src/outlast/coding/_kernel.c
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "outlast needs Python 3.11 or later; name one with PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	    { echo "On Debian and Ubuntu: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[$(EXTRAS)]'
	@touch $@

clean:
	rm -rf $(VENV) build dist src/*.egg-info src/outlast/coding/*.so
