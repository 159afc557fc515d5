# Two commands matter: make run, make test. Everything else is a part of them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
OFFLINE = { echo "make: the packages could not be installed. Is there a network, and does pip reach its index?" >&2; exit 1; }

.PHONY: help run test teams-playground test-doors check lint types floors house infra infra-types infra-scan bench mutants poisoned teams-private drill drill-long drill-mutants eval-embedded eval-knowledge lock clean

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(VENV)/.runtime ## Start Charter on this machine: no account, no key, no cloud
	@exec $(BIN)/charter serve

test: $(VENV)/.dev check ## Check the house and run every test
	@$(BIN)/python -m tests.chromium
	@$(BIN)/python -m tests.azurite
	@$(BIN)/python -m tests.app_manifest
	$(BIN)/python -m pytest

check: $(VENV)/.dev lint types floors house infra ## Floors, house rules, deployment, lint and types
	@$(BIN)/charter check

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/pyright

floors: $(VENV)/.dev
	$(BIN)/lint-imports

house: $(VENV)/.dev
	$(BIN)/python -m pytest -q tests/test_house.py tests/test_promises.py

infra: $(VENV)/.dev ## Check the deployment's templates, scripts and settings, without Azure
	$(BIN)/python -m pytest -q tests/infra

infra-types: $(VENV)-infra/.types ## Read the Azure types of the templates anew, from Microsoft's own packages
	$(VENV)-infra/bin/python infra/types/generate.py

infra-scan: $(VENV)-infra/.scan ## Scan templates and Dockerfile with checkov and hadolint
	$(VENV)-infra/bin/hadolint infra/Dockerfile
	$(VENV)-infra/bin/python infra/scan.py

test-doors: $(VENV)/.dev ## Knock at every door of a running host with every attack
	$(BIN)/python -m pytest -q tests/doors

teams-playground: $(VENV)/.dev ## Delegate in Microsoft's own client, in a real browser, against a host; pictures in .charter/playground
	@$(BIN)/python -m tests.chromium
	@$(BIN)/python -m tests.playground
	CHARTER_TEST_PLAYGROUND_REQUIRED=1 CHARTER_TEST_PICTURES=$(CURDIR)/.charter/playground $(BIN)/python -m pytest -q tests/journeys/test_playground.py

bench: $(VENV)/.dev ## Compare a governed turn with what else one would use, and large with small, as ratios
	$(BIN)/python -m bench.start
	$(BIN)/python -m bench.turn
	$(BIN)/python -m bench.scale
	$(BIN)/python -m bench.retrieval
	$(BIN)/python -m bench.activities

mutants: $(VENV)/.dev ## Take each guard out; a test must turn red
	$(BIN)/python -m tests.mutants

drill: $(VENV)/.dev ## Kill, freeze and starve real hosts under load; nothing may be lost or done twice
	$(BIN)/python -m tests.drills

drill-long: $(VENV)/.dev ## The same drills, heavier
	$(BIN)/python -m tests.drills --long

drill-mutants: $(VENV)/.dev ## Take each guard of durable runs out; a small drill must turn red
	$(BIN)/python -m tests.drills.mutants

poisoned: $(VENV)/.dev ## A thousand documents with random readers, two thousand questions, in every store
	CHARTER_POISONED=whole $(BIN)/python -m pytest -q tests/knowledge/test_poisoned.py tests/knowledge/test_unspilled.py

teams-private: $(VENV)/.dev ## Five hundred random scenes in Teams; nobody may see what is somebody else's
	CHARTER_TEAMS_PRIVATE=whole $(BIN)/python -m pytest -q tests/teams/test_nobody_elses.py

eval-embedded: $(VENV)/.dev ## Examine the embedded model's levels
	$(BIN)/python -m tests.evals.embedded

eval-knowledge: $(VENV)/.runtime ## Measure how well passages are found, over a public manual that a package ships
	@$(BIN)/charter eval knowledge

lock: $(VENV)/.uv ## Resolve the dependencies anew into the two lock files
	$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate -c requirements.lock --extra dev pyproject.toml -o requirements-dev.lock

clean: ## Remove what make and the host made; the data of .charter too
	rm -rf $(VENV) $(VENV)-infra .charter .pytest_cache .ruff_cache .import_linter_cache *.egg-info

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "make: Charter needs Python 3.11 or newer; none was found. Set PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "make: $(PYTHON) -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 1; }

# uv only to install quickly; pip does the same where uv does not run.
$(VENV)/.uv: requirements-uv.lock | $(VENV)/bin/python
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.lock || $(OFFLINE)
	@touch $@

$(VENV)/.runtime: requirements.lock pyproject.toml $(VENV)/.uv
	@echo "Installing the packages of requirements.lock ..."
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock \
		|| $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock || $(OFFLINE)
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation --offline -e . \
		|| $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements-dev.lock \
		|| $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock || $(OFFLINE)
	@touch $@

# Of their own: what these two need is large, and pins other versions.
$(VENV)-infra/bin/python:
	@$(PYTHON) -m venv $(VENV)-infra

$(VENV)-infra/.types: infra/types/requirements.txt | $(VENV)-infra/bin/python
	@$(VENV)-infra/bin/python -m pip install -q --disable-pip-version-check -r infra/types/requirements.txt || $(OFFLINE)
	@touch $@

$(VENV)-infra/.scan: infra/scan-requirements.txt | $(VENV)-infra/bin/python
	@$(VENV)-infra/bin/python -m pip install -q --disable-pip-version-check -r infra/scan-requirements.txt || $(OFFLINE)
	@touch $@
