# One target per habit; `make help` lists them. Set-up happens by itself, and only once.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.PHONY: help up release demo-bad-release down test unit test-templates test-app rehearsal workflows bench check format deploy rollback bootstrap plan drift smoke status history logs destroy regional lock sbom setup clean

PYTHON ?= python3
PY := .venv/bin/python
PIPELINE := $(PY) -m pipeline
TEMPLATES := $(wildcard infra/*.yaml)

help: ## What you can ask for
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

up: .venv/local.stamp ## Bring everything up on a local AWS, test it, print its URL
	@$(PIPELINE) local up
	@$(PIPELINE) deploy local

release: up ## Release app/ as it is now to the local AWS: what `make up` does once everything is there

demo-bad-release: up ## Release a version with wrong answers to the local AWS, and watch the gate catch it
	@rm -rf $(BAD) && cp -R app $(BAD)
	@sed 's/quantity=order.quantity,/quantity=order.quantity + 1,/' app/orders/api.py > $(BAD)/orders/api.py
	@if cmp -s app/orders/api.py $(BAD)/orders/api.py; then echo "app/ is no longer the orders it spoils" >&2; exit 2; fi
	@echo "Releasing a version that is healthy and answers every order with one piece too many."
	@$(PIPELINE) deploy local --app $(BAD) --ledger .slipway/bad-release.jsonl && code=0 || code=$$?; \
		if [ $$code != 19 ]; then echo "it ended with exit code $$code; 19 was expected" >&2; exit 1; fi
	@echo "The gate caught it (exit code 19): nobody but the smoke tests ever saw it. Still well:"
	@$(PIPELINE) smoke local
	@echo "What users saw meanwhile: .slipway/bad-release.svg"

down: .venv/local.stamp ## Take the local AWS away: no container, volume, network, process or port stays
	@$(PIPELINE) local down

test: .venv/dev.stamp .venv-taskcat/stamp .venv-checkov/stamp ## Every test, end to end included (starts Docker if it must)
	@$(MAKE) unit
	@$(PY) -m pytest $(IN_GROUPS) -m 'docker or processes'

unit: .venv/dev.stamp ## The tests that need no Docker and start no program: seconds
	@$(QUICKLY) -m 'not docker and not processes' --ignore tests/docker --ignore tests/processes

workflows: .venv/dev.stamp ## Run the GitHub workflows here, on a local AWS; keeps the job summaries
	@rm -f $(SUMMARIES) && mkdir -p $(dir $(SUMMARIES))
	@SLIPWAY_WORKFLOW_SUMMARIES="$(CURDIR)/$(SUMMARIES)" $(PY) -m pytest $(IN_GROUPS) tests/docker/orders/workflows tests/docker/orders/workflow_ci
	@echo "What GitHub would show of each run: $(SUMMARIES)"

test-templates: .venv/dev.stamp ## The tests of the templates
	@$(QUICKLY) tests/unit/templates

test-app: .venv/dev.stamp ## The service's tests, in its image and against a real database
	@$(PY) -m pytest tests/app

rehearsal: .venv/dev.stamp ## What `make unit` and `make test-app` leave, or a part: make rehearsal [GROUP=docker/orders/rollouts]
	@$(PY) -m pytest $(IN_GROUPS) -m 'docker or processes' --ignore tests/app $(GROUP:%=tests/%)

bench: .venv/dev.stamp ## Measure what docs/performance.md says (after make up)
	@$(PY) -m tests.benchmarks.measure

deploy: .venv/local.stamp ## Release to an environment: make deploy ENV=dev [IMAGE=uri@sha256:...] [REPLACE=rds-database/Database]
	@$(PIPELINE) deploy $(call env) $(if $(IMAGE),--image $(IMAGE)) $(if $(STRATEGY),--strategy $(STRATEGY)) $(REPLACE:%=--replace %)

rollback: .venv/local.stamp ## Stop the rollout under way, else release the version before: make rollback ENV=dev
	@$(PIPELINE) rollback $(call env)

plan: .venv/local.stamp ## What a deploy would change: make plan ENV=dev
	@$(PIPELINE) plan $(call env) $(REPLACE:%=--replace %)

drift: .venv/local.stamp ## What was changed past CloudFormation: make drift ENV=dev
	@$(PIPELINE) drift $(call env)

smoke: .venv/local.stamp ## Test the running service at its load balancer: make smoke ENV=dev
	@$(PIPELINE) smoke $(call env)

bootstrap: .venv/local.stamp ## Let GitHub Actions into an account: make bootstrap ENV="dev staging" [REPOSITORY=org/repo]
	@$(PIPELINE) bootstrap $(call env) $(if $(REPOSITORY),--repository $(REPOSITORY)) \
		$(if $(ORG_ID),--owner-id $(ORG_ID)) $(if $(REPO_ID),--repository-id $(REPO_ID)) $(if $(REGIONAL),--regional)

status: .venv/local.stamp ## Stacks, versions, tasks, targets: make status ENV=dev
	@$(PIPELINE) status $(call env)

history: .venv/local.stamp ## The last releases and rollbacks, and how they ended: make history ENV=dev
	@$(PIPELINE) history $(call env)

logs: .venv/local.stamp ## The service's latest log lines: make logs ENV=dev
	@$(PIPELINE) logs $(call env)

destroy: .venv/local.stamp ## Delete an environment: make destroy ENV=dev CONFIRM=dev
	@$(PIPELINE) destroy $(call env) --confirm '$(CONFIRM)'

regional: .venv/pipeline.stamp .venv-taskcat/stamp ## Launch everything in other regions, test it there, delete it: make regional REGIONS="us-east-1"
	@$(PIPELINE) regional $(or $(ENV),dev) $$REGIONS $(if $(IMAGE),--image $(IMAGE))

check: .venv/dev.stamp .venv-checkov/stamp ## Every lint and security gate
	@.ci/check $(TEMPLATES)

format: .venv/dev.stamp ## Put the Python into its format
	@$(PY) -m ruff format . && $(PY) -m ruff check --fix .

# Only names and hashes are kept: a lock file must not say where somebody's mirror is.
COMPILE = ../.venv/bin/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate $(UPGRADE)
lock: .venv/dev.stamp ## Lock the requirements again: make lock [UPGRADE=--upgrade]
	@cd requirements && for app in ../app $(addprefix ../,$(wildcard tests/docker/orders/second_service/app)); do \
		$(COMPILE) $$app/requirements.in -o $$app/requirements.txt; done
	@cd requirements && $(COMPILE) dev.in -o dev.txt
	@cd requirements && for set in pipeline local; do $(COMPILE) -c dev.txt $$set.in -o $$set.txt; done
	@cd requirements && for set in checkov taskcat; do $(COMPILE) $$set.in -o $$set.txt; done

sbom: .venv/dev.stamp ## What the service's image holds of Python, as CycloneDX: make sbom [APP=app]
	@mkdir -p build
	@.venv/bin/cyclonedx-py requirements '$(or $(APP),app)/requirements.txt' -o build/sbom.cdx.json
	@echo "build/sbom.cdx.json"

setup: .venv/pipeline.stamp ## Install what a deploy needs, and nothing else

clean: ## Forget the virtual environments and caches (run `make down` first)
	@rm -rf .venv .venv-checkov .venv-taskcat .mypy_cache .pytest_cache .ruff_cache

# ---------------------------------------------------------------------------------------------------------
export REGIONS ?= eu-west-1 us-east-1 ap-southeast-2
# A worker takes a whole group (tests/support/groups.py), the longest first; three keep two cores busy, for each waits a lot.
IN_GROUPS := --numprocesses 3 --dist loadgroup --no-loadscope-reorder
# Each worker gets whole files, and what a file imports once. Python may keep its bytecode, or else every worker would
# compile every test at every run.
QUICKLY := PYTHONDONTWRITEBYTECODE= $(PY) -m pytest --numprocesses auto --dist loadfile
BAD := .slipway/bad-release
SUMMARIES := build/workflow-summaries.md
env = $(if $(ENV),$(ENV),$(error say which environment: make $@ ENV=dev))

.venv/pipeline.stamp: requirements/pipeline.txt | .venv/bin/pip
	@echo "Installing what a deploy needs into .venv (once)"
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/pipeline.txt
	@touch $@

.venv/local.stamp: requirements/local.txt | .venv/bin/pip
	@echo "Installing the pipeline's packages into .venv (once)"
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/local.txt
	@touch $@

.venv/dev.stamp: requirements/dev.txt .venv/local.stamp
	@echo "Installing the test and lint packages into .venv (once)"
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

.venv-taskcat/stamp: requirements/taskcat.txt | .venv/bin/pip
	@echo "Installing taskcat into .venv-taskcat (once)"
	@$(PYTHON) -m venv .venv-taskcat
	@.venv-taskcat/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/taskcat.txt
	@touch $@

.venv-checkov/stamp: requirements/checkov.txt | .venv/bin/pip
	@echo "Installing checkov into .venv-checkov (once)"
	@$(PYTHON) -m venv .venv-checkov
	@.venv-checkov/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/checkov.txt
	@touch $@

# pip comes last into a virtual environment: one whose making was killed half way is made again.
.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Slipway needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		package=$$($(PYTHON) -c 'import sys; print("python3.%d-venv" % sys.version_info[1])'); \
		{ test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "Installing $$package" && \
		  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y $$package >/dev/null; } || \
		{ echo "Python's venv module is missing. Install it: sudo apt-get install $$package" >&2; exit 2; }; }
	@$(PYTHON) -m venv .venv
