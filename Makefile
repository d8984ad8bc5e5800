# Two commands matter: `make demo` and `make test`. Each installs what it needs into .venv, once.

PYTHON ?= python3
BIN := .venv/bin
STYLED := snnlab workers hardware tests tools docs manage.py

.DEFAULT_GOAL := help
.PHONY: help demo up test chaos check style bench lock clean bootstrap

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 8

demo: bootstrap  ## start the lab and train a first network on MNIST (ONCE=1: stop after the result)
	@$(BIN)/snnlab up --demo $(if $(ONCE),--once)

up: bootstrap  ## start the lab
	@$(BIN)/snnlab up

test: bootstrap  ## run all tests (ARGS="-k name" to choose)
	@$(PYTHON) tools/browser.py
	@$(BIN)/python -m pytest $(ARGS)

chaos: bootstrap  ## kill, freeze, cut off and confuse everything (`make test` has a part)
	@$(BIN)/python -m tests.chaos $(ARGS)

check: bootstrap style test  ## all that a change must pass: format, lint, types, layers, tests

style: bootstrap
	@$(BIN)/ruff format --check $(STYLED)
	@$(BIN)/ruff check $(STYLED)
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: bootstrap  ## measure a training step against other libraries (installs them apart)
	@$(BIN)/python -m tests.bench.training

lock:  ## find new versions and write requirements.lock
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/pip install --quiet pip-tools
	@build/lock/bin/pip-compile --upgrade --generate-hashes --strip-extras --allow-unsafe \
		--no-emit-find-links --no-emit-index-url -o requirements.lock requirements-dev.in
	@cat requirements-files.lock >> requirements.lock

clean:  ## remove what can be made again; never the data
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(STYLED) -name __pycache__ -prune -exec rm -rf {} +

bootstrap:
	@$(PYTHON) tools/bootstrap.py
