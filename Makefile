# Everything runs in .venv, made and filled on first use; a stamp named after the content of pyproject.toml
# makes the second time quick. Where another Python is wanted: make PYTHON=/path/to/python3.12 run

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PYTHONS := $(PYTHON) python3.11 python3.12 python3.13 python3
KEY := $(shell cksum < pyproject.toml | cut -d' ' -f1)
APP := $(VENV)/.app-$(KEY)
TEST := $(VENV)/.test-$(KEY)
REASONING := $(VENV)/.reasoning-$(KEY)
# Byte code is made on first import: compiling all of it at once costs more than it saves. The pip of a new
# environment is as old as its Python and takes twice as long, so it is renewed first.
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-compile --quiet

.DEFAULT_GOAL := help
N ?= 10000
.PHONY: help run test browser llama bench fuzz format reasoning clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

run: $(APP) ## set up what the app needs and start it
	$(BIN)/streamlit run app.py

test: $(TEST) browser llama ## set up what the tests need, check style, types and imports, and run them all
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

bench: $(TEST) ## measure speed, side by side with a description of this machine
	$(BIN)/python -m benchmarks.latency
	$(BIN)/python -m benchmarks.reading
	$(BIN)/python -m benchmarks.explain
	$(BIN)/python -m benchmarks.reason
	$(BIN)/python -m benchmarks.whatif

fuzz: $(TEST) ## read N damaged files (make fuzz N=10000) and fail unless each gives a raster or a sentence
	$(BIN)/python -m benchmarks.fuzz --count $(N)

format: $(TEST) ## format the code and apply the safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

reasoning: $(REASONING) ## add the local language model; compiles for some minutes

clean: ## remove caches; the environment stays (rm -r .venv)
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

browser:
	@if command -v chromium chromium-browser google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium for the browser tests."; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core; } >/dev/null \
			|| echo "Chromium could not be installed: the browser tests are skipped."; \
	else \
		echo "There is no Chromium and no right to install it: the browser tests are skipped."; \
	fi

llama: $(TEST)
	@$(MAKE) --no-print-directory reasoning || echo "llama-cpp-python could not be compiled: the tests that need it are skipped."

$(BIN)/python:
	@for python in $(PYTHONS); do \
		if "$$python" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then \
			echo "Making $(VENV) with $$($$python --version)."; \
			"$$python" -m venv $(VENV) && exec $(INSTALL) --upgrade pip; \
		fi; \
	done; echo "CLAIRE needs Python 3.11, 3.12 or 3.13 with its venv module; none was found." >&2; exit 1

$(APP): | $(BIN)/python
	@echo "Installing CLAIRE and its app; a few minutes on a fresh machine."
	@$(INSTALL) --editable '.[app]'
	@rm -f $(VENV)/.app-* && touch $@

$(TEST): | $(BIN)/python
	@echo "Installing what the tests need; a few minutes on a fresh machine."
	@$(INSTALL) --editable '.[app,train,scale,dev]'
	@rm -f $(VENV)/.app-* $(VENV)/.test-* && touch $@ $(APP)

$(REASONING): | $(BIN)/python
	@echo "Compiling llama.cpp; some minutes."
	@$(INSTALL) --editable '.[app,reasoning]'
	@rm -f $(VENV)/.app-* $(VENV)/.reasoning-* && touch $@ $(APP)
