# One command for each chore. `make` alone lists them.
# The environment is .venv, filled from requirements/*.txt (exact versions with hashes).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8080
SAMPLE := var/demo.lookalike
WORKERS ?= 1
NODES ?= 1
VERSION ?= 3.6.0
OPENSEARCH_PORT ?= 9200
GLUON_PYTHON ?= $(shell command -v python3.11 || echo $(PYTHON))
GLUON := .venv-gluon

.DEFAULT_GOAL := help
.PHONY: help run test opensearch stack-local gluon check bench docs fmt lock browser clean

help:  ## list the chores
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 18

# Stamps: an environment is rebuilt when its lock changes, and only then.
$(VENV)/.run-stamp: requirements/run.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --quiet --require-hashes -r requirements/run.txt
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev-stamp: requirements/dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.run-stamp

# Where PYTHONDONTWRITEBYTECODE is set, every start compiles all of Python anew: that doubles its work (docs/decisions/0046).
run: $(VENV)/.run-stamp  ## the sample shop on http://127.0.0.1:8080 (PORT, HOST)
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/lookalike demo --index $(SAMPLE) --host $(HOST) --port $(PORT)

browser:  ## Chromium for the page's tests, where apt can install it
	@command -v chromium >/dev/null || { apt-get -qq update && apt-get -qq install -y chromium; } || echo "No chromium: the tests that drive a browser will say that they are skipped."

test: $(VENV)/.dev-stamp  ## every test that this machine can run; says what it left out and why
	@$(BIN)/python -m pytest --cov --cov-report=term:skip-covered $(TEST)
	@if command -v node >/dev/null; then node --test frontend/; else echo "left out: the page's state tests need node"; fi

opensearch: $(VENV)/.dev-stamp  ## a real OpenSearch on http://127.0.0.1:9200 until Ctrl-C (VERSION, NODES, OPENSEARCH_PORT); needs Java and Maven
	@$(BIN)/python -m stack.opensearch --version $(VERSION) --nodes $(NODES) --port $(OPENSEARCH_PORT)

stack-local: $(VENV)/.dev-stamp  ## docker-compose.yml without containers: Redis, OpenSearch, workers and API as processes until Ctrl-C (PORT, WORKERS, VERSION, NODES)
	@$(BIN)/python -m stack --port $(PORT) --workers $(WORKERS) --version $(VERSION) --nodes $(NODES)

# --no-deps: the lock is whole, and leaves out what requirements/gluon-overrides.txt tells.
$(GLUON)/.stamp: requirements/gluon.txt pyproject.toml
	@$(GLUON_PYTHON) -c 'import sys; sys.exit(0 if sys.version_info[:2] == (3, 11) else "MXNet and its numpy 1.23.5 need Python 3.11, this is " + sys.version.split()[0] + ". Say where one is: make gluon GLUON_PYTHON=…")'
	@test -x $(GLUON)/bin/python || $(GLUON_PYTHON) -m venv $(GLUON)
	$(GLUON)/bin/pip install --disable-pip-version-check --quiet --require-hashes --no-deps -r requirements/gluon.txt
	$(GLUON)/bin/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@

gluon: $(GLUON)/.stamp  ## an environment of its own with MXNet and GluonCV (Python 3.11): .venv-gluon/bin/lookalike, docs/gluon.md
	@$(GLUON)/bin/python -W ignore -c 'import mxnet, numpy, lookalike; print("$(GLUON): MXNet", mxnet.__version__, "numpy", numpy.__version__, "Lookalike", lookalike.__version__)'

check: $(VENV)/.dev-stamp  ## format, lint, types, import plan, rules of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/house.py

bench: $(VENV)/.dev-stamp  ## ratios against peers, each in one run; writes docs/benchmarks.md (BENCH="api start" only those)
	$(BIN)/python -m benchmarks $(BENCH)

docs: $(VENV)/.dev-stamp  ## write the lists in docs/ that come from the code: commands, settings, decisions
	$(BIN)/python tests/docs/tables.py

fmt: $(VENV)/.dev-stamp  ## format and sort imports
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .

lock: $(VENV)/.dev-stamp  ## resolve pyproject.toml into requirements/*.txt: exact versions, hashes, no addresses
	$(BIN)/pip install --disable-pip-version-check --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml requirements/build.in -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev pyproject.toml requirements/build.in -c requirements/run.txt -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra opensearch --extra celery pyproject.toml requirements/build.in -c requirements/dev.txt -o requirements/stack.txt
	$(BIN)/uv pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_28 --generate-hashes --no-emit-index-url --no-annotate --no-header requirements/gpu.in -c requirements/stack.txt -o requirements/gpu.txt
	$(BIN)/uv pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_28 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra gluon --extra celery --override requirements/gluon-overrides.txt pyproject.toml requirements/build.in requirements/gluon.in -o requirements/gluon.txt

clean:  ## remove what was made here, the environment and the sample index included
	rm -rf $(VENV) $(GLUON) var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
