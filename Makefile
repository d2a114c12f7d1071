.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3

# Everything that is installed or made while running lives in these two, both ignored by git.
VENV  := .venv
STATE := .harena
BIN   := $(VENV)/bin
UV    := $(STATE)/bin/uv
HELM  := $(STATE)/bin/helm
PROMTOOL := $(STATE)/bin/promtool

MEMBERS := $(sort $(patsubst %/pyproject.toml,%,$(wildcard libs/*/pyproject.toml services/*/pyproject.toml)))
# By their first line, which names a shell, or by their name: a part that others read has no such line.
SCRIPTS  = $(sort $(shell git ls-files '*.sh'; git grep -nIE '^.!/.*[/ ](ba|da)?sh' | sed -n 's/:1:.*//p'))

.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[36m%-15s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(UV): tools/bootstrap.sh requirements/uv.txt
	@PYTHON=$(PYTHON) tools/bootstrap.sh $(STATE)

$(HELM): tools/helm.sh requirements/helm.txt | $(UV)
	@PYTHON=$(PYTHON) tools/helm.sh $(UV) $(STATE)/bin

$(PROMTOOL): tools/prometheus.sh
	@tools/prometheus.sh $(STATE)/bin

# Two stamps, so that `make up` on a fresh machine downloads only what running needs.
$(VENV)/.run: $(UV) requirements/run.txt $(addsuffix /pyproject.toml,$(MEMBERS))
	@tools/install.sh $(UV) $(VENV) requirements/run.txt $(MEMBERS)
	@touch $@

$(VENV)/.dev: $(UV) requirements/run.txt requirements/dev.txt $(addsuffix /pyproject.toml,$(MEMBERS))
	@tools/install.sh $(UV) $(VENV) requirements/dev.txt $(MEMBERS)
	@touch $@ $(VENV)/.run

.PHONY: install
install: $(VENV)/.dev ## Install every member of the workspace, with the tools

.PHONY: up
up: $(VENV)/.run ## Start the whole platform with demo data on http://localhost:8080 (MONITORING=1: Prometheus too)
	@$(BIN)/harena up $(if $(MONITORING),--monitoring)

.PHONY: down
down: $(VENV)/.run ## Stop it; the data stays
	@$(BIN)/harena down

.PHONY: status
status: $(VENV)/.run ## Show every process, its address, state and memory
	@$(BIN)/harena status

.PHONY: lint
lint: $(VENV)/.dev $(HELM) ## Check format, lint, types, layers, shell scripts and the chart
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/shellcheck $(SCRIPTS)
	@$(BIN)/python tools/generate_schema.py --check
	@for values in charts/harena/values.yaml charts/harena/ci/*.yaml; do \
	  $(HELM) lint --strict --quiet charts/harena -f $$values 2> >(grep -v 'symbolic link' >&2) || exit; \
	done

.PHONY: format
format: $(VENV)/.dev ## Format the code and apply the safe fixes
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: unit
unit: $(VENV)/.dev $(HELM) ## Run the tests, without the lint
	@$(BIN)/pytest -n 2 --dist loadfile

.PHONY: test
test: lint unit ## Run every check, and every test that needs nothing but Python

.PHONY: test-browser
test-browser: $(VENV)/.dev ## Run the tests of the pages in Debian's Chromium, installed where missing (root)
	@tools/need.sh chromium
	@$(BIN)/pytest -m browser tests/browser --durations=5

.PHONY: test-dockerfile
test-dockerfile: $(VENV)/.dev ## Build an image with the Dockerfile, by Debian's buildah, and compare it (root, Debian 12)
	@tools/need.sh buildah
	@$(BIN)/pytest -m dockerfile tests/dockerfile --durations=5

.PHONY: test-cluster
test-cluster: $(VENV)/.dev ## Run the tests on a real Kubernetes, built and started here (root, Debian 12, Go)
	@tests/cluster/run.sh $(BIN)/python

.PHONY: drill
drill: $(VENV)/.dev $(HELM) ## Fire the alerts by real causes on the cluster that KEEP=1 make test-cluster left (half an hour)
	@tools/cluster/cluster.sh outside $(BIN)/python -m tests.cluster.drill $(if $(ONLY),--only $(ONLY))

.PHONY: test-monitoring
test-monitoring: $(VENV)/.dev $(PROMTOOL) ## Test the rules and alerts with promtool, a real Prometheus and real exporters (Debian)
	@$(BIN)/pytest -m monitoring

.PHONY: bench
bench: $(VENV)/.dev ## Measure the services beside their baselines
	@$(BIN)/python -m tests.bench

.PHONY: docs
docs: $(VENV)/.dev ## Write what the docs say of the code: settings, edge, logins
	@$(BIN)/python tools/document.py

.PHONY: chart
chart: $(VENV)/.dev ## Write the chart's JSON schema and its table of values
	@$(BIN)/python tools/generate_schema.py

.PHONY: dashboards
dashboards: $(VENV)/.dev ## Write the Grafana dashboards
	@$(BIN)/python -m tools.dashboards

.PHONY: lock
lock: $(UV) ## Resolve the dependencies again and write the hashed locks
	@tools/lock.sh $(UV) $(MEMBERS)

.PHONY: clean
clean: ## Remove what was installed; the data under .harena stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
