PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# Processes that the tests are shared out to, each with a database and Redis numbers of its own.
TEST_PROCESSES ?= 2
SOURCES := adplatform catalog ads engagement insights tests benchmarks manage.py

.PHONY: run test soak check fix schema bench lock clean install

run: install ## Everything a fresh machine needs, then the site at 127.0.0.1:8000, or PORT=
	$(PY) -m adplatform.launch

test: $(VENV)/.dev node_modules/.done ## The whole test suite on its own PostgreSQL and Redis
	$(PY) -m pytest -n $(TEST_PROCESSES) --dist loadfile $(TESTS)

soak: $(VENV)/.dev node_modules/.done ## The long versions of the same tests
	HYPOTHESIS_PROFILE=soak $(PY) -m pytest -m "" --timeout=3600 $(TESTS)

check: $(VENV)/.dev node_modules/.done ## Linters, types, import contracts, migrations, templates
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy $(SOURCES)
	$(VENV)/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run
	$(VENV)/bin/djlint templates --check --lint --quiet

schema: $(VENV)/.base ## Write docs/openapi.yaml anew; the tests compare it
	$(PY) manage.py spectacular --file docs/openapi.yaml --validate --fail-on-warn

fix: $(VENV)/.dev
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	$(VENV)/bin/djlint templates --reformat --quiet

bench: install ## Every benchmark, one after the other
	$(PY) -m benchmarks

install: $(VENV)/.base node_modules/.done

$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit("Intermission needs Python 3.11 or newer; try: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check uv

$(VENV)/.base: requirements/base.txt | $(VENV)/bin/uv
	$(VENV)/bin/uv pip install --quiet --python $(PY) --require-hashes -r requirements/base.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/bin/uv
	$(VENV)/bin/uv pip install --quiet --python $(PY) --require-hashes -r requirements/dev.txt
	@touch $@

node_modules/.done: package-lock.json | $(VENV)/.base
	$(PY) -m adplatform.npm ci --no-audit --no-fund --loglevel=error
	@touch $@

lock: | $(VENV)/bin/uv ## Resolve both lock files anew, without registry addresses
	$(VENV)/bin/uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --upgrade -o requirements/base.txt
	$(VENV)/bin/uv pip compile pyproject.toml --group dev --constraint requirements/base.txt --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --upgrade -o requirements/dev.txt

clean: ## Remove everything that was installed, built or stored
	rm -rf $(VENV) node_modules var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .schemathesis
