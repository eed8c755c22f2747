# Needs python3 (3.11 or newer), pip and make; uses uv instead of pip where it is on PATH.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(wildcard crm seeds reports tests)
# Whole files stay with one process as long as both have work, so that what a file shares is made once.
PYTEST := $(BIN)/pytest -n 2 --dist worksteal

# Nothing here asks uv for an interpreter of its own: the machine's python3 is used by both.
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := true
export UV_CUSTOM_COMPILE_COMMAND := make lock
export PIP_DISABLE_PIP_VERSION_CHECK := 1

ifneq ($(shell command -v uv 2>/dev/null),)
INSTALL := uv pip install --quiet --python $(BIN)/python
WHEEL := uv build --quiet --wheel --python $(BIN)/python --out-dir dist
else
# Debian's venv cannot bring pip along and its pip refuses to install outside one: the machine's pip installs inside.
INSTALL := $(PYTHON) -m pip --python $(BIN)/python install --quiet
WHEEL := $(PYTHON) -m pip --python $(BIN)/python wheel --quiet --no-deps --wheel-dir dist
endif

COMPILE := pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help run install install-dev test test-watch coverage browser bench torture outages lint lint-fix format check build lock clean

help: ## say what each target does
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F '|' '{ printf "%-20s %s\n", $$1, $$2 }'

run: install ## install what is missing, then start everything (stop with Ctrl-C)
	@exec $(BIN)/crm dev

install: $(VENV)/.installed ## install the program into .venv

install-dev: $(VENV)/.installed-dev ## install the program and its tests and checks into .venv

test: install-dev ## run the tests, on SQLite and on PostgreSQL
	$(PYTEST)

test-watch: install-dev ## run the tests again whenever a file changes
	$(BIN)/watchfiles --filter python '$(BIN)/pytest -x -q' $(SOURCES)

coverage: install-dev ## run the tests and show the lines that none of them reaches
	$(PYTEST) --cov --cov-report=term-missing:skip-covered

browser: install-dev ## run the tests that need a browser
	$(PYTEST) tests/browser

bench: install-dev ## measure requests and jobs per second
	$(BIN)/python -m tests.load

torture: install-dev ## win 1,000 deals while everything is killed; count lost and doubled mail (N=100 for fewer)
	$(BIN)/python -m tests.torture --deals $(or $(N),1000)

outages: install-dev ## stop, freeze and restart everything under load; back up and restore 50 times
	$(BIN)/python -m tests.outages

lint: install-dev ## ruff only
	$(BIN)/ruff check

lint-fix: install-dev ## let ruff mend what it can
	$(BIN)/ruff check --fix

format: install-dev ## format the code
	$(BIN)/ruff format

check: install-dev ## style, types, order of imports, dependencies
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict $(SOURCES)
	$(BIN)/lint-imports
	$(BIN)/deptry .

build: install ## make a wheel in dist/ and see that it starts
	rm -rf dist
	$(WHEEL) .
	rm -rf build && mkdir build
	$(BIN)/python -m zipfile -e dist/crm-*.whl build/wheel
	cd build && PYTHONPATH=wheel ../$(BIN)/python -c 'import crm; assert "/build/wheel/" in crm.__file__, crm.__file__'
	cd build && PYTHONPATH=wheel ../$(BIN)/python -m crm.cli --help >/dev/null
	rm -rf build
	@ls dist/*.whl

lock: ## choose versions anew for both lock files (UPGRADE=--upgrade takes the newest)
	@if command -v uv >/dev/null; then uv=uv; else \
		tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && \
		$(PYTHON) -m venv --without-pip "$$tools" && \
		$(PYTHON) -m pip --python "$$tools/bin/python" install --quiet uv && uv="$$tools/bin/uv"; fi && \
	"$$uv" $(COMPILE) $(UPGRADE) --output-file requirements.lock && \
	"$$uv" $(COMPILE) $(UPGRADE) --output-file requirements-dev.lock --group dev --constraint requirements.lock

clean: ## remove what these targets made, never DATA_DIR
	rm -rf $(VENV) dist build *.egg-info htmlcov .coverage .coverage.* test-results
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis
	find crm seeds reports tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv --without-pip $(VENV)

# The stamps make a later start cost nothing, and an interrupted install begin again.
$(VENV)/.installed: $(BIN)/python requirements.lock pyproject.toml
	$(INSTALL) -r requirements.lock
	$(INSTALL) --no-deps -e .
	@touch $@

$(VENV)/.installed-dev: $(BIN)/python requirements-dev.lock pyproject.toml
	$(INSTALL) -r requirements-dev.lock
	$(INSTALL) --no-deps -e .
	@touch $@ $(VENV)/.installed
