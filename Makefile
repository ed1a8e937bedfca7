# make demo | test | test-long | bench | lint | binary     each makes .venv and installs what it needs
PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
CODE := espomail tests benchmarks

.PHONY: demo test test-long bench lint format binary servers clean
.DEFAULT_GOAL := test

.venv/bin/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "espomail needs Python 3.11 or later: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv || { echo "no venv module: apt install python3-venv"; rm -rf .venv; exit 1; }

.venv/.base: pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	touch $@

.venv/.test: pyproject.toml | .venv/.base
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,lint]'
	touch $@

.venv/.binary: pyproject.toml | .venv/.base
	$(BIN)/pip install --quiet --disable-pip-version-check 'pex>=2.33'
	touch $@

demo: .venv/.base
	$(BIN)/espomail demo

test: .venv/.test servers
	$(BIN)/pytest -n $(JOBS) -rs

test-long: .venv/.test servers
	$(BIN)/pytest -n $(JOBS) -rs -m 'long or not long'

# The servers that tests talk to on loopback: installed where we may, else the tests that need them say that they were skipped.
servers:
	@PATH="$$PATH:/usr/sbin"; for pair in dovecot:dovecot-imapd smtpd:opensmtpd; do \
	  command -v $${pair%%:*} >/dev/null && continue; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing $${pair##*:} for the tests"; \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $${pair##*:}; } >/dev/null \
	      || echo "$${pair##*:} could not be installed: the tests that need it are skipped"; \
	  else echo "without $${pair%%:*} (Debian: $${pair##*:}) the tests that need it are skipped"; fi; done

bench: .venv/.test
	@set -e; for file in benchmarks/[!_]*.py; do \
	  grep -q '__main__' $$file || continue; echo "== $$file"; $(BIN)/python $$file; done

lint: .venv/.test
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy --strict espomail

format: .venv/.test
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

# One executable file with all dependencies for the Python and the machine that it is built with.
binary: .venv/.binary
	mkdir -p dist
	$(BIN)/pex . --console-script espomail --venv --sh-boot --output-file dist/espomail
	dist/espomail --version

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
