# make run: the demo company, running.  make test: everything that must hold.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
TESTS  ?= tests

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run test test-all lint types check lock install clean

help:            ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

install: $(READY)  ## the environment, exactly as requirements.lock says

# torch comes first, with what its build needs; the rest without dependencies: the lock file is complete, and a resolver
# left to itself would add several GB of CUDA packages.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Countersign needs Python 3.11 or later")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint requirements.lock $$(grep -E "^torch==" requirements.lock)
	$(BIN)/python -m pip install --quiet --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

run: $(READY)    ## countersign up --demo: everything on this machine; Ctrl-C stops it
	$(BIN)/countersign up --demo

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

check: lint types  ## ruff and mypy

# The console's tests drive Debian's Chromium; where it may not be installed they skip, and say so.
.PHONY: browser
browser:
	@if ! command -v chromium >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	  else echo "no chromium here and no right to install it: the browser tests will skip"; fi; fi

test: check browser      ## lint, types and the tests in their everyday size
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(TESTS)

test-all: check browser  ## the same with every count at full size
	COUNTERSIGN_EXAMPLES=new $(BIN)/python -m pytest -n 2 --dist loadfile $(TESTS)

lock:  ## write requirements.lock from what is installed
	$(BIN)/python -m pip freeze --exclude-editable | sed "s/+cpu$$//" | LC_ALL=C sort -f > requirements.lock

clean:           ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
