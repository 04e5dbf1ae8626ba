# The one entrance. Everything runs from .venv, made from requirements.lock with plain pip.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test install check format compat bench docs lock fuzz soak assurance clean
SOURCES := src tests examples bench docs

install: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.X")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

demo: install
	$(BIN)/onread demo

SIDE_BY_SIDE := -n 2 --dist loadfile
# Without what opens databases and starts processes, for the sake of who waits: `make test` runs all.
QUICK := tests/unit $(foreach package,control functions metadata stores,--ignore tests/unit/$(package))

test: install
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

check: install
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q $(QUICK) -m "not slow" $(SIDE_BY_SIDE)

format: install
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

# Environments are made once below build/compat; the table is written of a failed run, too. A client's test has
# as long as a slow machine needs; the stores are looked at side by side.
COMPAT_PROCESSES ?= 4

compat: install
	$(BIN)/python -m tests.matrix.environments
	rm -f build/compat/*.jsonl
	status=0; $(BIN)/python -m pytest tests/matrix -m matrix --timeout 900 \
		-n $(COMPAT_PROCESSES) --dist loadgroup || status=$$?; \
	$(BIN)/python -m tests.matrix.table && exit $$status

bench: install
	$(BIN)/python -m bench

docs: install
	$(BIN)/python -m docs.generate

# Newest versions of everything, in an environment that is thrown away; the index in use is not written down.
lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check pip-tools
	build/lock/bin/python -m piptools compile --quiet --upgrade --strip-extras --no-annotate --no-header \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--extra test --extra dev --output-file build/lock/requirements.lock pyproject.toml
	mv build/lock/requirements.lock requirements.lock
	rm -rf build/lock

# Seconds for each target; without atheris (no wheel for this machine) it says so and skips.
FUZZ_SECONDS ?= 60

# A mixed load with faults: does anything grow? Seconds; an hour once a week is what it is made for.
SOAK_SECONDS ?= 3600

soak: install
	$(BIN)/python -m bench.soak $(SOAK_SECONDS)

fuzz: install
	$(BIN)/python -c "import atheris" 2>/dev/null || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[fuzz]" || true
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

# The evaluator of policies against a second, naive one, over so many generated (policies, request) pairs.
ASSURANCE_PAIRS ?= 200000

assurance: install
	ASSURANCE_PAIRS=$(ASSURANCE_PAIRS) $(BIN)/python -m pytest -q tests/unit/policy/test_oracle.py

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache dist build
