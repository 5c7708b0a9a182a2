# Every target makes its own environment ready first: a second run finds it so at once.
# ARGS=... goes to the program, BRAID_PYTHON=... names the interpreter.

SHELL := /bin/sh
PYTHON3 ?= python3
ARGS ?=
BENCH ?=
BRAID_PYTHON ?=
export BRAID_PYTHON

python := .venv/bin/python
braid := $(python) -m service.cli

.DEFAULT_GOAL := help
.PHONY: help demo serve evaluate peers offline offline-test load bench plan test test-gil faults fuzz test-parallel test-cluster replicas soak console-test stack-test audit check check-deploy docs lock setup clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: setup ## Train on MovieLens, serve on 127.0.0.1:8000 and show slates (ARGS=--once to exit)
	@$(python) -m service.cli demo $(ARGS)

serve: setup ## Serve an artifact (ARGS="--redis redis://... --artifact DIR")
	@$(python) -m service.cli serve $(ARGS)

evaluate: setup ## Measure every stage offline: NDCG, recall, coverage (ARGS=--json)
	@$(python) -m service.cli evaluate $(ARGS)

peers: setup ## Measure Braid beside ALS, BPR, kNN and EASE on one split (ARGS=--json)
	@$(PYTHON3) -m scripts.bootstrap peers
	@$(python) -m service.cli evaluate --peers $(ARGS)

offline: setup ## Features and examples by DuckDB or Spark, then a model (ARGS="--engine spark")
	@$(PYTHON3) -m scripts.bootstrap offline
	@$(python) -m training.offline $(ARGS)

offline-test: setup ## Hold DuckDB to numpy and Spark to DuckDB, on MovieLens 100k
	@$(PYTHON3) -m scripts.bootstrap offline
	@BRAID_SPARK=1 $(python) -m pytest -q tests/training/test_pipeline.py --timeout 1800 -o faulthandler_timeout=1800 $(ARGS)

load: ## A minute of REST load on 127.0.0.1:8000, PASS or FAIL, build/load.html (ARGS="--arrivals 400")
	@$(PYTHON3) -m scripts.bootstrap load
	@mkdir -p build
	@.venv-load/bin/python -m locust -f locustfile.py --headless --users 16 --spawn-rate 16 \
		--run-time 60s --only-summary --html build/load.html $(ARGS)

bench: setup ## Measure Braid beside its peers, write benchmarks/report.md (BENCH=rank for one, ARGS=--short)
	@$(python) -m benchmarks $(BENCH) $(ARGS)

plan: setup ## Simulate fleets of up to 1000 machines from what was measured, write docs/capacity.md
	@$(PYTHON3) -m scripts.bootstrap sim
	@PYTHONPATH=$$(echo .venv-sim/lib/python*/site-packages) $(python) -m benchmarks.plan $(ARGS)

test: setup ## Run the tests (ARGS="-k NAME" for some)
	@$(python) -m pytest $(ARGS)

test-gil: setup ## Run the tests on a Python with the GIL: no gain, but the same answers
	@$(PYTHON3) -m scripts.bootstrap gil
	@.venv-gil/bin/python -m pytest $(ARGS)

faults: setup ## Inject every fault of docs/faults.md, print what came of it (ARGS="-k R3", --full)
	@$(python) -m tests.faults $(ARGS)

fuzz: setup ## Fire made-up requests at a service, Schemathesis' among them (ARGS=100000 of our own)
	@$(PYTHON3) -m scripts.bootstrap fuzz
	@$(python) -m tests.fuzz $(ARGS)

test-parallel: setup ## Run each test that can in eight threads at once (ARGS="-k NAME" for some)
	@$(python) -m pytest -q -p tests.races.parallel --parallel-threads=8 --skip-thread-unsafe=1 $(ARGS)

test-cluster: setup ## Run the tests with a Redis Cluster of six nodes as the store (ARGS="-k NAME" for some)
	@$(python) -m pytest -p tests.on_cluster $(ARGS)

replicas: setup ## Three replicas behind HAProxy: restarted, killed, swapped, what comes of it (ARGS=--full)
	@$(python) -m tests.replicas $(ARGS)

soak: setup ## Everything at once for an hour, every promise checked, memory flat (ARGS="--minutes 10")
	@$(python) -m tests.soak $(ARGS)

console-test: setup ## Drive the console in a real Chromium, screenshots under tests/console/screenshots
	@$(PYTHON3) -m scripts.bootstrap browser
	@cd tests/console && ../../.venv-browser/bin/python -m pytest -c pytest.ini $(ARGS)

stack-test: setup ## Run what compose.yaml runs without Docker: updates, kills, alerts, dashboards
	@$(PYTHON3) -m scripts.bootstrap load
	@$(python) -m pytest -q tests/stack/whole.py $(ARGS)

# From data.lock and bandit.lock files are taken out, and nothing of them runs.
audit: ## Look up known vulnerabilities in all that is pinned; fails also where it cannot look them up
	@$(PYTHON3) -m scripts.bootstrap audit
	@failed=; for lock in $(filter-out %/data.lock %/bandit.lock,$(sort $(wildcard requirements/*.lock))); do \
		echo "$$lock"; \
		.venv-audit/bin/python -m pip_audit --strict --disable-pip --require-hashes \
			--progress-spinner off -r $$lock $(ARGS) || failed="$$failed $$lock"; \
	done; \
	[ -z "$$failed" ] || { echo "make audit: vulnerable, or not looked up:$$failed" >&2; exit 1; }

check-deploy: setup ## Hold every file under deploy/, and the API's document, to its schema or its program
	@$(PYTHON3) -m scripts.bootstrap deploy
	@deploy/check

docs: ## Build the site of docs/ into build/docs, offline, every link checked
	@$(PYTHON3) -m scripts.bootstrap docs
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/python -m mkdocs build --strict --clean -f docs/site/mkdocs.yml $(ARGS)
	@echo "build/docs/index.html"

check: setup ## Lint, format, types, and which room may import which
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy
	$(python) -m mypy --python-version 3.10 scripts docs/site
	$(python) -m pytest -q tests/test_imports.py

lock: setup ## Pin every dependency anew, with hashes
	@sh scripts/lock.sh

setup: ## Only make .venv ready
	@$(PYTHON3) -m scripts.bootstrap environment

clean: ## Remove what was built here (not ~/.cache/braid)
	rm -rf .venv .venv-audit .venv-load .venv-bench .venv-docs .venv-engine .venv-feast .venv-fuzz .venv-gil .venv-kernels .venv-offline .venv-peers .venv-sim .venv-spark build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
