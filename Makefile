# Each target makes .venv and installs what it needs first; stamp files make the second run instant.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP_FLAGS ?=
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
export GRAPHAD_CACHE_DIR ?= $(CURDIR)/build/cache

MINUTES ?= 10
.PHONY: demo test check fuzz bench clean
.DELETE_ON_ERROR:

demo: $(VENV)/.stamp-data,plot
	$(BIN)/graphad train lenet5 --data digits --out demo

test: $(VENV)/.stamp-test
	$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_FLAGS)

# Damaged files, random programs, wrong calls; again: make fuzz FUZZ_FLAGS="--part idx --seed 17 --cases 1"
fuzz: $(VENV)/.stamp-test
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(FUZZ_FLAGS)

# mypy and import-linter read the tree that is shipped: they do not see through the folders' mapping.
check: $(VENV)/.stamp-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build/site build/lib build/bdist.*
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --target build/site .
	cd build/site && ../../$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../mypy -p graphad
	cd build/site && ../../$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../mypy ../../tests/typing/user.py
	cd build/site && PYTHONPATH=. ../../$(BIN)/lint-imports --config ../../pyproject.toml --cache-dir ../import_linter

bench: $(VENV)/.stamp-bench
	$(BIN)/python -m benchmarks.startup
	$(BIN)/graphad bench --json build/bench.json --plot build/roofline.png $(BENCH_FLAGS)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "graphad needs Python 3.11 or later: make PYTHON=/path/to/python ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# $(VENV)/.stamp-EXTRA: graphad, editable, with that extra
$(VENV)/.stamp-%: pyproject.toml setup.py | $(BIN)/python
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -e '.[$*]'
	@touch $@

clean:
	rm -rf build dist demo graphad.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find graphad compiler runtime tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
