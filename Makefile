# Two targets do all the set-up: `make run` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STANCE := $(BIN)/stance

.DEFAULT_GOAL := help
.PHONY: help setup run test test-fast lint format check-data ui bench clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

# The stamp is newer than the lock file exactly when the environment holds what the lock file says.
$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed, this is " + sys.version'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

models/embedded/encoder.sha256: | $(VENV)/.installed
	$(STANCE) encoder build

setup: $(VENV)/.installed models/embedded/encoder.sha256 ## Install the pinned dependencies and build the embedded encoder

run: setup ## Train, evaluate beside the baselines, log to MLflow, score the sample articles, print the result
	$(STANCE) data check
	$(STANCE) experiment experiments/main.yaml --register
	$(STANCE) score data/articles --out out --show $(SHOW)

SHOW ?= cantine-corbelin

test: setup ## Run all tests, the data check included
	$(BIN)/python -m pytest

test-fast: setup ## Run all tests but the slow ones
	$(BIN)/python -m pytest -m "not slow"

lint: $(VENV)/.installed ## Lint, format check, type check, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check-data: $(VENV)/.installed ## Validate the labelled corpus
	$(STANCE) data check

ui: $(VENV)/.installed ## Open the MLflow UI on the local store (http://127.0.0.1:5000)
	$(BIN)/mlflow ui --backend-store-uri sqlite:///runs/mlflow.db --host 127.0.0.1 --port 5000

clean: ## Remove everything that was built, the runs included
	rm -rf $(VENV) models runs out build *.egg-info
