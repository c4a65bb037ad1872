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

# The console's tests drive Debian's Chromium, and pictures are read by Tesseract; where these may not be installed, the
# tests that need them skip, and say so.
.PHONY: debian
debian:
	@wanted=""; \
	command -v chromium >/dev/null || wanted="chromium"; \
	for language in eng deu fra spa ita nld; do \
	  tesseract --list-langs 2>/dev/null | grep -qx $$language || wanted="$$wanted tesseract-ocr tesseract-ocr-$$language"; done; \
	if [ -n "$$wanted" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$wanted >/dev/null; \
	  else echo "not here, and no right to install it, so some tests will skip: $$wanted"; fi; fi

test: check debian      ## lint, types and the tests in their everyday size
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(TESTS)

test-all: check debian  ## the same with every count at full size
	COUNTERSIGN_EXAMPLES=new $(BIN)/python -m pytest -n 2 --dist loadfile $(TESTS)

lock:  ## write requirements.lock from what is installed
	$(BIN)/python -m pip freeze --exclude-editable | sed "s/+cpu$$//" | LC_ALL=C sort -f > requirements.lock

clean:           ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
