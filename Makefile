# make demo    the main job: tune a model of a table for one minute
# make test    everything the tests need, then the tests
# make check   format, lint, types, imports
# make bench   the benchmarks, written to benchmarks/results
# make docs    the documentation as a site, in site
# make clean   remove environments, caches and the site; never runs or results

PYTHON ?= python3
VENV   ?= .venv

# The tests compare with this PyTorch. It is installed first, so that nothing below brings another build of it.
TORCH  := torch==2.13.0

BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# What is installed depends on these, and nothing else.
RECIPE  := pyproject.toml Makefile

RESULTS := $(patsubst benchmarks/%.py,benchmarks/results/%.md,$(wildcard benchmarks/[a-z]*.py))

.PHONY: demo test check bench docs clean $(RESULTS)
.NOTPARALLEL:

demo: $(VENV)/base.stamp
	$(BIN)/thalweg tune examples/data/housing.csv --target median_house_value --seconds 60

test: $(VENV)/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

bench: $(RESULTS)

$(RESULTS): benchmarks/results/%.md: benchmarks/%.py $(VENV)/bench.stamp
	@mkdir -p $(@D)
	$(BIN)/python $< > $@.new
	@mv $@.new $@

docs: $(VENV)/docs.stamp
	$(BIN)/sphinx-build --quiet --fresh-env --fail-on-warning --keep-going docs site
	@echo "site/index.html"

clean:
	rm -rf $(VENV) .venv-ci site dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests benchmarks docs -name __pycache__ -type d -exec rm -rf {} +

$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/base.stamp: $(RECIPE) | $(VENV)/bin/pip
	@echo "Installing Thalweg into $(VENV) ..."
	$(PIP) --editable .
	@touch $@

$(VENV)/dev.stamp: $(RECIPE) | $(VENV)/bin/pip
	@echo "Installing Thalweg and everything its tests need into $(VENV) ..."
	$(PIP) "$(TORCH)"
	$(PIP) --editable ".[all,dev]"
	@touch $@ $(VENV)/base.stamp

$(VENV)/bench.stamp: $(VENV)/dev.stamp
	$(PIP) --editable ".[all,dev,bench]"
	@touch $@

$(VENV)/docs.stamp: $(VENV)/dev.stamp
	$(PIP) --editable ".[docs]"
	@touch $@
