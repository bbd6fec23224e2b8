# `make run` starts the whole gateway on this machine; `make test` does what CI does.
# Both install what they need first, under .venv, .tools and tests/node/node_modules.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
export PYTHONPATH := src
export SAM_CLI_TELEMETRY := 0
export AWS_EC2_METADATA_DISABLED := true
export AWS_DEFAULT_REGION ?= us-east-1
# Container images often set it. Without bytecode each of the many processes that `make run` and the
# tests start compiles every package it imports anew: seconds each.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
UV := .tools/uv/bin/uv
SAM := .tools/sam/bin/sam
RESULTS := .cache/results
COVERAGE := $(BIN)/coverage
PYTEST = $(COVERAGE) run -m pytest -q
UNMEASURED = $(BIN)/python -m pytest -q
APART := browser or e2e or conformance or races or property
LOCK := $(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate $(if $(UPGRADE),--upgrade)
# On stderr: what `make run` prints on stdout is one line of JSON, for programs to read.
title = @printf '\n== %s\n' '$(1)' >&2

# ---------------------------------------------------------------- the two commands

.PHONY: help run test
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 22

run: .venv/.installed-run ## start the whole gateway on this machine
	@exec $(BIN)/python -m local_stack

# The tests lint the template too (tests/infra), so `template` is not repeated here.
test: setup ## everything CI runs
	@rm -rf .cache/results .coverage .coverage.*
	@$(MAKE) --no-print-directory -j2 --output-sync=target lint types layers build
	@$(MAKE) --no-print-directory unit cases laws browser e2e conformance races
	@$(MAKE) --no-print-directory coverage threats compat
	$(call title,all passed)

# ---------------------------------------------------------------- set-up

.PHONY: setup system
setup: .venv/.installed-dev .tools/sam/.installed .tools/ms/.installed .tools/checkov/.installed .tools/sigv4/.installed tests/node/node_modules/.installed system ## install everything the tests use

.tools/uv/.installed: locks/uv.txt
	$(call title,uv)
	@python=$$(scripts/find_python.sh) && "$$python" -m venv .tools/uv
	@.tools/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/.made: .tools/uv/.installed
	@$(UV) venv --quiet --allow-existing --python "$$(scripts/find_python.sh)" .venv
	@touch $@

.venv/.installed-run: locks/run.txt .venv/.made
	$(call title,packages to run)
	@$(UV) pip install --quiet --python .venv --require-hashes -r $<
	@touch $@

.venv/.installed-dev: locks/dev.txt .venv/.made
	$(call title,packages to test)
	@$(UV) pip sync --quiet --python .venv --require-hashes $<
	@touch .venv/.installed-run $@

.tools/%/.installed: .tools/uv/.installed
	$(call title,$*)
	@$(UV) venv --quiet --allow-existing --python "$$(scripts/find_python.sh)" .tools/$*
	@$(UV) pip sync --quiet --python .tools/$* --require-hashes $(filter locks/%,$^)
	@touch $@

.tools/checkov/.installed: locks/checkov.txt
.tools/sam/.installed: locks/sam.txt
.tools/ms/.installed: locks/ministack.txt
.tools/peer/.installed: locks/peer.txt
.tools/sigv4/.installed: locks/sigv4.txt

tests/node/node_modules/.installed: tests/node/package-lock.json .venv/.installed-dev
	$(call title,Node packages)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --prefix tests/node --ignore-scripts --no-audit --no-fund --silent
	@touch $@

system:
	@mkdir -p .cache && scripts/system_packages.sh

# ---------------------------------------------------------------- checks

.PHONY: check lint types layers template build
check: lint types layers template ## all checks that run no tests

lint: .venv/.installed-dev ## style and format
	$(call title,lint)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

types: .venv/.installed-dev ## mypy strict over everything
	$(call title,types)
	@$(BIN)/mypy

layers: .venv/.installed-dev ## who may import whom
	$(call title,layers)
	@$(BIN)/lint-imports --no-logo

template: .venv/.installed-dev .tools/sam/.installed .tools/checkov/.installed ## the deployment template
	$(call title,template)
	@$(BIN)/cfn-lint template.yaml
	@$(SAM) validate --lint --template template.yaml
	@.tools/checkov/bin/checkov --config-file .checkov.yaml

# SAM builds with the runtime's own interpreter and its pip, first on the PATH: .tools/uv is one.
# It keeps what it built while the sources stay the same, and does not count our scripts among them.
BUILDERS := $(wildcard scripts/build_*.py) layers/layer.mk src/Makefile
build: .tools/sam/.installed ## what `sam deploy` uploads
	@mkdir -p .cache
	$(call title,build)
	@if [ -x .tools/uv/bin/python3.13 ]; then \
	    [ -z "$$(find $(BUILDERS) -newer .aws-sam/.built 2>&1)" ] || rm -rf .aws-sam/cache; \
	    PATH="$(CURDIR)/.tools/uv/bin:$$PATH" $(SAM) build --cached --parallel >.cache/build.log 2>&1 \
	        || { cat .cache/build.log; exit 1; }; \
	    touch .aws-sam/.built; \
	    echo "built: $$(ls .aws-sam/build | grep -cv yaml) functions and layers"; \
	else echo "skipped: sam build (needs Python 3.13, the functions' runtime)"; fi

# ---------------------------------------------------------------- tests

.PHONY: unit cases laws browser e2e conformance races coverage threats compat docs bench
unit: .venv/.installed-dev .tools/ms/.installed ## all tests that need no processes of their own
	$(call title,tests)
	@$(PYTEST) -n 2 --dist loadfile -m "not ($(APART))" --ignore=tests/threats --junitxml=$(RESULTS)/unit.xml

# From here on without coverage: it is the tests above that must reach every line.
cases: .venv/.installed-dev .tools/ms/.installed ## the threat cases
	$(call title,threats)
	@$(UNMEASURED) -n 2 --dist loadfile -m "not ($(APART))" tests/threats --junitxml=$(RESULTS)/cases.xml

laws: .venv/.installed-dev ## laws that hold for every input and every order of events
	$(call title,laws)
	@$(UNMEASURED) -n 2 --dist worksteal tests/property tests/model --junitxml=$(RESULTS)/laws.xml

# By itself: Playwright keeps an event loop in its process.
browser: .venv/.installed-dev system ## the approvers' pages, in Chromium
	$(call title,pages)
	@$(UNMEASURED) -n 2 --dist loadfile tests/browser --junitxml=$(RESULTS)/browser.xml

e2e: .venv/.installed-dev .tools/sigv4/.installed tests/node/node_modules/.installed ## the whole local gateway
	$(call title,whole gateway)
	@$(UNMEASURED) -n 3 --dist loadfile tests/e2e --junitxml=$(RESULTS)/e2e.xml

conformance: .venv/.installed-dev tests/node/node_modules/.installed ## the public MCP conformance suite and clients
	$(call title,conformance)
	@$(UNMEASURED) tests/conformance --junitxml=$(RESULTS)/conformance.xml

races: .venv/.installed-dev .tools/ms/.installed ## many callers at once, alone on the machine
	$(call title,races)
	@$(PYTEST) tests/races --junitxml=$(RESULTS)/races.xml

coverage: .venv/.installed-dev ## branch coverage of the last `make test`; the core must be complete
	$(call title,coverage)
	@$(COVERAGE) combine --quiet --keep
	@$(COVERAGE) report --format=total | sed 's/^/all of src: /;s/$$/ %/'
	@$(COVERAGE) report --fail-under=100 --include='src/portcullis/approvals/*,src/portcullis/policy/*,src/portcullis/protocol/*,src/portcullis/strictjson.py'
	@$(COVERAGE) report >.cache/coverage.txt || { cat .cache/coverage.txt; exit 1; }

threats: .venv/.installed-dev ## which threat cases the last test run covered
	$(call title,threat cases)
	@$(BIN)/python tests/threats/coverage_report.py $(RESULTS)

# The fast tests again on the machine's own python3, where it is another version.
compat: .tools/uv/.installed ## the fast tests on another Python version
	$(call title,another Python)
	@scripts/compat.sh

docs: .venv/.installed-dev ## write the generated reference pages
	@$(BIN)/python scripts/reference_pages.py

bench: .venv/.installed-dev .tools/ms/.installed .tools/peer/.installed ## measure the gateway beside a peer (docs/benchmark.md)
	@$(BIN)/python -m bench.gateway

# ---------------------------------------------------------------- upkeep

.PHONY: fix locks clean
fix: .venv/.installed-dev ## format and mend what can be mended
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format --quiet .

locks: .tools/uv/.installed ## resolve the locks again (UPGRADE=1 takes newer versions)
	@for lock in $(filter-out locks/dev,$(patsubst %.in,%,$(wildcard locks/*.in))); do \
	    $(LOCK) --python-version 3.11 -o "$$lock.txt" "$$lock.in"; done
	@$(LOCK) --python-version 3.11 -c locks/run.txt -o locks/dev.txt locks/dev.in
	@for lock in $(patsubst %.in,%,$(wildcard layers/*/requirements.in)); do \
	    $(LOCK) --python-version 3.13 -c locks/run.txt -o "$$lock.txt" "$$lock.in"; done

clean: ## remove everything that was installed or built here
	@rm -rf .venv .venv-compat .tools .cache .aws-sam .coverage .coverage.* tests/node/node_modules
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
