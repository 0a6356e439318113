# xledger-spend: every command a person needs. `make` alone lists them.
MAKEFLAGS += --warn-undefined-variables --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help sync check audit status schedule docs docs-serve explore report export query sandbox test lint format bench clean requirements

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TARGET ?=
# The packages of an engine other than DuckDB are installed when it is chosen.
ENGINE := $(if $(filter-out duckdb runtime explore dev,$(TARGET)),$(if $(wildcard requirements/$(TARGET).txt),$(VENV)/.engine-$(TARGET)))
RUN := PYTHONPATH=. $(BIN)/python
PORT ?= 8080
TABLE ?=
COMPANY ?=
FORMAT ?=
SQL ?=
LINES ?=
SAFT ?=
ARGS ?=
PYTEST_ARGS ?=

help: ## list the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

sync: $(VENV)/.runtime $(ENGINE) ## read Xledger (without a token: the sandbox), build, test and publish DATA_DIR/spend.duckdb
	@$(RUN) -m pipelines.sync $(ARGS)

check: $(VENV)/.runtime ## only look: token, permissions, what the API offers, limits left
	@$(RUN) -m pipelines.check

audit: $(VENV)/.runtime ## report what was asked, left out as payroll and received; also as DATA_DIR/audit/index.html
	@$(RUN) -m pipelines.audit

status: $(VENV)/.runtime ## the last runs, how old the data are, what the last run changed, the next run
	@$(RUN) -m pipelines.status $(ARGS)

schedule: $(VENV)/.runtime ## run by itself every third day: installs a systemd timer, or prints lines for cron (ARGS=--print)
	@$(RUN) -m pipelines.schedule $(ARGS)

docs: $(VENV)/.runtime $(ENGINE) ## make the docs site in DATA_DIR/docs
	@$(RUN) -m pipelines.docs

docs-serve: docs ## serve the docs site on this machine (PORT=8080)
	@$(RUN) -m pipelines.docs --serve $(PORT)

explore: $(VENV)/.explore ## look at the published spend in a browser on this machine (PORT=8080)
	@$(RUN) -m pipelines.explore --port $(PORT)

report: $(VENV)/.explore ## the overview as one HTML file in DATA_DIR/report, to send to someone
	@$(RUN) -m pipelines.report

export: $(VENV)/.explore ## write a table to DATA_DIR/export (TABLE=fct_spend or all, FORMAT=xlsx, csv, parquet or open-data)
	@$(RUN) -m pipelines.export $(if $(TABLE),--table '$(TABLE)') $(if $(FORMAT),--format '$(FORMAT)')

query: $(VENV)/.explore ## a SQL shell on the published file, read-only (SQL='from example_1' answers and ends)
	@$(RUN) -m pipelines.query $(if $(SQL),--sql "$$SQL")

sandbox: $(VENV)/.runtime ## a local Xledger in the foreground (LINES=20000, SAFT=file.xml)
	@$(RUN) -m pipelines.sandbox $(if $(LINES),--lines $(LINES)) $(if $(SAFT),--saft '$(SAFT)') $(ARGS)

test: ## run every test
	@$(MAKE) --jobs=2 $(VENV)/.dev $(VENV)/.dialects
	@PYTHONDONTWRITEBYTECODE= $(RUN) -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(VENV)/.dev ## ruff, mypy and sqlfluff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@cd dbt_project && DBT_LOG_PATH=$${TMPDIR:-/tmp} DBT_TARGET_PATH=$$(mktemp -d) ../$(BIN)/sqlfluff lint --disable-progress-bar .

format: $(VENV)/.dev ## let ruff and sqlfluff lay out the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev ## measure (LINES=1000000)
	@$(RUN) -m bench $(if $(LINES),--lines $(LINES)) $(ARGS)

clean: ## remove the environment and caches; data and settings stay
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

requirements: ## compile the pinned requirements from pyproject.toml (needs uv)
	@uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	  --no-emit-index-url --no-emit-find-links --no-header -q -o requirements/runtime.txt
	@uv pip compile pyproject.toml --extra explore --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	  --no-emit-index-url --no-emit-find-links --no-header -q -c requirements/runtime.txt -o requirements/explore.txt
	@for target in postgres ducklake spark motherduck; do uv pip compile pyproject.toml --extra $$target --universal --python-version 3.11 \
	  --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-header -q \
	  -c requirements/runtime.txt -o requirements/$$target.txt; done
	@# Adapters of these hold packages back that the others do not: their files stand by themselves.
	@for target in snowflake bigquery databricks; do uv pip compile pyproject.toml --extra $$target --universal --python-version 3.11 \
	  --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-header -q -o requirements/$$target.txt; done
	@uv pip compile --group dialects --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	  --no-emit-index-url --no-emit-find-links --no-header -q -o requirements/dialects.txt
	@uv pip compile pyproject.toml --group dev --extra explore --extra postgres --extra ducklake --extra spark --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	  --no-emit-index-url --no-emit-find-links --no-header -q -c requirements/explore.txt -o requirements/dev.txt
	@# pip before 23.3 does not take a pin with an extra (dbt-colibri asks for sqlglot[c]) for one without (dlt asks for sqlglot).
	@for file in requirements/*.txt; do awk '/^sqlglot\[c\]==/ {block = $$0; sub(/\[c\]/, "", block); print block; copy = 1; kept = $$0; next} \
	  copy && /--hash/ {print; kept = kept "\n" $$0; next} copy {print kept; copy = 0} {print}' $$file > $$file.new && mv $$file.new $$file; done

# The requirements name every package, so pip has nothing to resolve.
$(VENV)/.runtime: requirements/runtime.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=python3.11" >&2; exit 2; }
	@echo "Setting up the environment in $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements/runtime.txt
	@touch $@

$(VENV)/.explore: requirements/explore.txt $(VENV)/.runtime
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements/explore.txt
	@touch $@

# Spark is packaged as source.
$(VENV)/.engine-%: requirements/%.txt $(VENV)/.runtime
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/$*.txt
	@touch $@

# Of what the tests need, Python compiles what they load.
$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-compile -r requirements/dev.txt
	@touch $@

# The adapters of engines that cannot run here hold packages back that the rest does not, so they have a folder of their own.
$(VENV)/.dialects: requirements/dialects.txt $(VENV)/.runtime
	@test -x $(VENV)/dialects/bin/python || $(PYTHON) -m venv $(VENV)/dialects
	@$(VENV)/dialects/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-compile -r requirements/dialects.txt
	@touch $@
