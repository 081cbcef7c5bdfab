# Flow Dedupe. `make demo` shows what it does, `make test` checks that it works; `make help` lists the rest.
# Everything is installed into .venv and written into .run, both inside this folder.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

python := .venv/bin/python
runtime := requirements.txt include/flow_server/requirements.txt include/demo/requirements.txt
training := include/detector/training/requirements.txt
unreachable = { echo "If the package registry is out of reach: behind a proxy set HTTPS_PROXY," \
	"with a mirror PIP_INDEX_URL and UV_DEFAULT_INDEX." >&2; exit 1; }
# Airflow starts in half the time when its modules are compiled once.
install := UV_CACHE_DIR=.venv/cache $(python) -m uv pip install --quiet --compile-bytecode --constraints constraints.txt

export AIRFLOW_HOME := $(CURDIR)/.run/airflow
export PYTHONPATH := $(CURDIR)
export IMAGES COLLECTION
# What is started hundreds of times is compiled once, also where an image's environment forbids it.
export PYTHONDONTWRITEBYTECODE :=

help:  ## List the targets
	@awk -F ':.*## *' '/^[a-z][a-z -]*:.*##/ { printf "%s\n    %s\n", $$1, $$2 }' Makefile

demo: .venv/runtime  ## Dedupe the demo collection with a real Airflow run (IMAGES=/folder: your own pictures)
	@$(python) -m include.demo $(if $(IMAGES),--images "$$IMAGES") $(if $(PORT),--port $(PORT))

up: .venv/runtime  ## Start the demo's server and Airflow; Ctrl-C stops both (IMAGES=/folder; PORT=8080 for the page)
	@$(python) -m include.demo.up $(if $(IMAGES),--images "$$IMAGES") $(if $(PORT),--port $(PORT))

run: .venv/runtime  ## Run one collection's DAG once, without a scheduler (COLLECTION=name ARGS="--from 2026-04-01")
	@test -n "$$COLLECTION" || { echo "Name a collection, as in: make run COLLECTION=photos" >&2; exit 2; }
	@$(python) -m include.orchestration.run_once "$$COLLECTION" $(ARGS)

calibrate: .venv/runtime  ## Measure which thresholds are right for a collection (COLLECTION=name ARGS="--flow URL"); writes nothing to it
	@test -n "$$COLLECTION" || { echo "Name a collection, as in: make calibrate COLLECTION=demo" >&2; exit 2; }
	@$(python) -m include.dedupe calibrate "$$COLLECTION" $(ARGS)

test: .venv/test lint  ## Run all checks and tests
	@$(python) -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

test-distributed: .venv/distributed  ## Test a run on Celery, Postgres, Redis and an S3 store (redis-server has to be there; takes minutes)
	@$(python) -m pytest tests/distributed

lint: .venv/test  ## Check style, types, imports between packages, and generated documents
	@$(python) -m ruff check .
	@$(python) -m ruff format --check --quiet .
	@$(python) -m mypy
	@.venv/bin/lint-imports --no-cache
	@$(python) -m include.tools.documents --check

bench-detection: .venv/training
bench-detection bench-real bench-scan bench-cluster bench-server bench-gate bench-last_look bench-review: bench-%: .venv/test  ## Measure (ARGS="--help" for what can be set)
	@$(python) -m include.tools.bench_$* $(ARGS)

bench-review-s3: .venv/test  ## Measure the review page from an S3 store, each answer of which takes 20 ms (ARGS=CLUSTERS)
	@$(python) -m include.tools.bench_review --store 20 $(ARGS)

bench-solr: .venv/test  ## Measure a SolrCloud as the store, one that it starts itself: needs Java 17 and Maven (ARGS="--sizes 1000")
	@$(python) -m tests.contract.solr.with_solr include.tools.bench_solr $(ARGS)

documents: .venv/runtime  ## Write the documents that are generated from the code
	@$(python) -m include.tools.documents

lock: .venv/uv  ## Resolve all requirements into constraints.txt
	@UV_CACHE_DIR=.venv/cache $(python) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--no-annotate --no-header --output-file constraints.txt \
		$(runtime) tests/requirements.txt tests/distributed/requirements.txt $(training)

clean:  ## Remove what was installed and written
	rm -rf .venv .run

.venv/uv:
	@set -e; for candidate in $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python); do \
		if $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
		then found=$$candidate; break; fi; done; \
	if [ -z "$$found" ]; then \
		echo "Python 3.11, 3.12 or 3.13 is needed, but $(or $(PYTHON),python3) is none of them." \
			"Install one, or name it: make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python3.12" >&2; exit 1; fi; \
	echo "Installing into .venv (once, takes a minute) ..."; \
	$$found -m venv --clear .venv || { \
		echo "The venv module of $$found does not work; on Debian: apt install python3-venv" >&2; exit 1; }; \
	$(python) -m pip install --quiet --no-cache-dir --disable-pip-version-check uv || $(unreachable)
	@touch $@

.venv/runtime: .venv/uv $(runtime) constraints.txt
	@$(install) $(addprefix --requirement ,$(runtime)) || $(unreachable)
	@touch $@

.venv/test: .venv/runtime tests/requirements.txt
	@$(install) --requirement tests/requirements.txt || $(unreachable)
	@touch $@

.venv/distributed: .venv/test tests/distributed/requirements.txt
	@$(install) --requirement tests/distributed/requirements.txt || $(unreachable)
	@touch $@

.venv/training: .venv/runtime $(training)
	@$(install) --requirement $(training) || $(unreachable)
	@touch $@

.PHONY: help demo up run calibrate test test-distributed lint documents lock clean bench-detection bench-real bench-scan bench-cluster bench-server \
	bench-gate bench-last_look bench-review bench-review-s3 bench-solr
