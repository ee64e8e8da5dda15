# Two commands: `make demo` and `make test`. Everything else: `make help`.
PYTHON ?= python3
BOOTSTRAP := $(PYTHON) -m demo.bootstrap
BIN := .venv/bin
# Compiled modules are kept even where the shell says not to: without them every start of vLLM
# compiles thousands anew.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/var/pycache

.DEFAULT_GOAL := help
.PHONY: help demo test chaos bench lint format requirements reset clean

help: ## Show what can be asked for
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Start the whole site on this machine (PORT=, MODEL=, DATABASE_URL=, REDIS_URL=)
	@$(BOOTSTRAP) demo site engine && exec $(BIN)/python -m demo

test: ## Run every test, the browser's and the real engine's included (ARGS= for pytest)
	@$(BOOTSTRAP) dev engine clients browser && exec $(BIN)/python -m tests.run $(ARGS)

chaos: ## Kill every part amid 200 streams of two real engines, and count what is lost
	@$(BOOTSTRAP) dev engine && CHAOS=full exec $(BIN)/python -m pytest -q tests/chaos $(ARGS)

bench: ## Measure the portal beside vLLM's own server and LiteLLM's proxy (ARGS="--quick", "--write")
	@$(BOOTSTRAP) dev engine && exec $(BIN)/python -m benchmarks $(ARGS)

lint: ## Check style, types, imports, migrations and production settings
	@$(BOOTSTRAP) dev && exec $(BIN)/python -m tests.lint

format: ## Put Python and templates into shape
	@$(BOOTSTRAP) dev
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .
	@$(BIN)/djlint --reformat --quiet templates || true

requirements: ## Compile requirements/*.in into the pinned *.txt (ARGS="--upgrade-package NAME")
	@$(BOOTSTRAP) dev && exec $(BIN)/python -m demo.compile_requirements $(ARGS)

reset: ## Remove the demo's state in var/ (database, accounts, runs, logs); keep the weights
	@test ! -d var || { $(BOOTSTRAP) site && exec $(BIN)/python -m demo.reset; }

clean: reset ## Remove the weights and both environments too
	@rm -rf var .venv .venv-engine .venv-clients staticfiles
