# Two commands do everything on a fresh Debian machine: `make demo` and `make test`.
# Each installs what it needs first: Debian's packages with root or sudo, Python's into .venv.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3.11
PORT ?= 8000
SERVE ?= 1
# Processes that run the tests; each may take a gigabyte.
PROCESSES ?= 2
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

RUN_PACKAGES := ffmpeg util-linux
TEST_PACKAGES := $(RUN_PACKAGES) redis-server postgresql nginx-light chromium

.PHONY: setup demo test check bench evaluate evaluate-full screenshots clean
.DEFAULT_GOAL := demo

setup: .venv/tests.stamp

.venv/run.stamp: pyproject.toml
	@$(call debian,$(RUN_PACKAGES))
	@$(PYTHON) -c "import ensurepip" 2>/dev/null || { $(call debian,python3.11-venv); }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing Python packages into .venv (a minute or two) ..."
	@$(BIN)/pip install --quiet "torch==2.13.*"
	@$(BIN)/pip install --quiet --editable .
	@touch $@

.venv/evaluate.stamp: .venv/run.stamp
	@$(BIN)/pip install --quiet --editable ".[evaluate]"
	@touch $@

.venv/tests.stamp: .venv/run.stamp
	@$(call debian,$(TEST_PACKAGES))
	@$(BIN)/pip install --quiet --editable ".[dev,evaluate]"
	@touch $@

# Installs those of the packages that are missing; asks for root only then.
define debian
missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
if [ -n "$$missing" ]; then \
	echo "Installing" $$missing "..."; \
	$(SUDO) apt-get update -qq; \
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
fi
endef

demo: .venv/run.stamp
	@exec $(BIN)/python manage.py demo --port $(PORT) $(if $(FILE),--file "$(FILE)") $(if $(filter 0,$(SERVE)),--no-serve)

test: .venv/tests.stamp
	@$(BIN)/python -m pytest -n $(PROCESSES)

check: .venv/tests.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --check --quiet
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/python manage.py makemigrations --check --dry-run
	REPRISE_HTTPS=1 REPRISE_HOSTS=reprise.example $(BIN)/python manage.py check --deploy --fail-level WARNING

bench: .venv/tests.stamp
	@$(BIN)/python -m tests.benchmarks

evaluate: .venv/evaluate.stamp
	@exec $(BIN)/python manage.py evaluate $(if $(SOUNDS),--sounds "$(SOUNDS)") $(if $(MEDIA),--media "$(MEDIA)")

evaluate-full: .venv/evaluate.stamp
	@exec $(BIN)/python manage.py evaluate --profile full $(if $(SOUNDS),--sounds "$(SOUNDS)") $(if $(MEDIA),--media "$(MEDIA)")

screenshots: .venv/tests.stamp
	@$(BIN)/python docs/screenshots.py "$(or $(URL),http://127.0.0.1:$(PORT))" --password "$(PASSWORD)"

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache
