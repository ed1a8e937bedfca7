# What a developer or an administrator builds from a checkout. `make demo` and `make test` do all the set-up there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test test-long plants soak bench lint binary servers clean
.DEFAULT_GOAL := demo

demo: $(STAMP)
	$(BIN)/espomail demo

test: $(STAMP) servers
	$(BIN)/pytest -n 2 -rs $(PYTEST)

test-long: $(STAMP) servers
	$(BIN)/pytest -n 2 -rs -m long $(PYTEST)

# Put each planted fault into a copy of the program and see the tests go red (some minutes).
plants: $(STAMP) servers
	$(BIN)/python -m tests.faults.plant $(PLANT)

# An hour of steady mail with cut connections and kills, and an oracle at the end. MINUTES=2 tries it out.
soak: $(STAMP) servers
	$(BIN)/python -m tests.faults.soak --minutes $(or $(MINUTES),60)

# The parser to compare ours with is installed where there is one for this Python; without it that line is missing.
bench: $(STAMP) servers
	-$(BIN)/python -m pip install --quiet --editable '.[bench]'
	for each in fetch idle start parse parse_growth access; do echo "== $$each"; $(BIN)/python benchmarks/$$each.py || exit 1; done

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict espomail
	$(BIN)/pytest tests/test_house.py
	$(BIN)/python -m tests.faults.plant --fit

# One executable file: dist/espomail. It needs a Python 3.11 to 3.14 on the machine where it runs, and nothing else.
binary: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable '.[binary]'
	mkdir -p dist
	rm -rf build
	$(BIN)/pex . --venv --sh-boot --no-strip-pex-env --console-script espomail --output-file dist/espomail
	ls -l dist/espomail

# Real servers for the tests: Dovecot for IMAP, OpenSMTPD for SMTP; mbsync where it is used. Installed where root and Debian allow.
servers:
	@export PATH="$$PATH:/usr/sbin:/usr/local/sbin"; \
	if command -v dovecot >/dev/null 2>&1 && command -v smtpd >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends dovecot-imapd opensmtpd isync sudo; \
	else echo "Dovecot or OpenSMTPD is missing and can't be installed here: the tests that need it are skipped (install dovecot-imapd, opensmtpd)."; fi

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[test,lint]'
	touch $(STAMP)

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
