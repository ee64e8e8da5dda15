# Two commands: `make demo` and `make test`. Everything else: `make help`.
PYTHON ?= python3
BOOTSTRAP := $(PYTHON) -m demo.bootstrap
BIN := .venv/bin
# Keep compiled modules even if the shell disables them: without them, every start of vLLM
# compiles thousands of modules again.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/var/pycache

.DEFAULT_GOAL := help
.PHONY: help demo test quick mutate chaos bench lint format requirements reset clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Run the whole site on this machine (PORT=, MODEL=, DATABASE_URL=, REDIS_URL=)
	@$(BOOTSTRAP) demo site engine && exec $(BIN)/python -m demo

test: ## Run every test, including those with a browser and a real engine (ARGS= for pytest)
	@$(BOOTSTRAP) dev engine clients old-hub browser && exec $(BIN)/python -m tests.run $(ARGS)

quick: ## Run the tests that take seconds: no engine, no browser, none marked `slow`
	@$(BOOTSTRAP) dev && exec $(BIN)/python -m tests.run quick $(ARGS)

mutate: ## Change the rules line by line, and see that a test fails (ARGS="decide ledger")
	@$(BOOTSTRAP) dev && exec $(BIN)/python -m tests.mutation $(ARGS)

chaos: ## Kill each part during 200 streams from two real engines, and count what is lost
	@$(BOOTSTRAP) dev engine && CHAOS=full exec $(BIN)/python -m pytest -q tests/chaos $(ARGS)

bench: ## Measure the portal against vLLM's own server and LiteLLM's proxy (ARGS="--quick", "--write")
	@$(BOOTSTRAP) dev engine && exec $(BIN)/python -m benchmarks $(ARGS)

lint: ## Check style, types, imports, migrations and production settings
	@$(BOOTSTRAP) dev && exec $(BIN)/python -m tests.lint

format: ## Format Python and templates
	@$(BOOTSTRAP) dev
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .
	@$(BIN)/djlint --reformat --quiet templates || true

requirements: ## Compile requirements/*.in into the pinned *.txt (ARGS="--upgrade-package NAME")
	@$(BOOTSTRAP) dev && exec $(BIN)/python -m demo.compile_requirements $(ARGS)

reset: ## Remove the demo's state in var/ (database, accounts, runs, logs); keep the weights
	@test ! -d var || { $(BOOTSTRAP) site && exec $(BIN)/python -m demo.reset; }

clean: reset ## Also remove the weights and the environments
	@rm -rf var .venv .venv-engine .venv-clients .venv-old-hub staticfiles
