# Everything a reader or a contributor does, in one word each. `make help` lists the words.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python

# The environment is made again when what it is made from has changed, and only then: the stamp bears its hash.
PINS := requirements.txt constraints.txt pyproject.toml
STAMP := $(VENV)/installed-$(shell cat $(PINS) | cksum | cut -d ' ' -f 1)
TORCH := $(shell sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements.txt)
PIP := $(PY) -m pip --disable-pip-version-check install -qq

.PHONY: help book pdf test nightly lab notebooks install clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null \
		|| sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1: \2/p' Makefile

book: $(STAMP) ## execute what has changed and write the book: open _build/html/index.html
	@$(PY) tools/build.py

pdf: $(STAMP) ## the whole book on paper: _build/book.pdf
	@$(PY) tools/pdf.py

test: $(STAMP) ## lint, types, every section, the built book in a browser, all tests
	@$(PY) tools/run_tests.py

nightly: $(STAMP) ## every section with three other seeds: _build/nightly.md says which claims break
	@$(PY) tools/nightly.py

lab: $(STAMP) ## read and run the sections in JupyterLab
	@JUPYTER_CONFIG_PATH="$(CURDIR)/tools/jupyter" $(VENV)/bin/jupyter lab --notebook-dir=chapters

notebooks: $(STAMP) ## write the student editions, notebooks/
	@$(PY) tools/student.py

install: $(STAMP) ## make the environment, .venv

clean: ## remove what was built; the environment stays
	rm -rf _build

$(STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
		"The book needs Python 3.11 or newer; $(PYTHON) is %d.%d. Name another: make PYTHON=python3.12 ..." \
		% sys.version_info[:2])'
	@echo "making the environment $(VENV) (minutes, once)"
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "[1/3] $(TORCH)"
	@$(PIP) "$(TORCH)" -c constraints.txt
	@echo "[2/3] requirements.txt"
	@$(PIP) -r requirements.txt -c constraints.txt
	@echo "[3/3] course_lib"
	@$(PIP) --no-deps -e .
	@rm -f $(VENV)/installed-*
	@touch $@
