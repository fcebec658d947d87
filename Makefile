# Each target makes what it needs; `make help` lists them.
.PHONY: help demo test unit test-wheel test-systemd test-image check lock bench words screenshots clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

help:  ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/'

$(VENV)/installed: pyproject.toml requirements-dev.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: $(VENV)/installed  ## the whole main job against a local Strava look-alike
	$(BIN)/fitferry demo

check: $(VENV)/installed  ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test: check  ## the checks and every test
	$(BIN)/pytest -n 3 --dist worksteal

unit: $(VENV)/installed  ## the fast tests of each module
	$(BIN)/pytest -q -n 2 --dist worksteal tests/unit tests/test_layers.py

test-wheel: $(VENV)/installed  ## the quick tests against what people install
	rm -rf dist $(VENV)-wheel
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	$(PYTHON) -m venv $(VENV)-wheel
	$(VENV)-wheel/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(VENV)-wheel/bin/python -m pip install --quiet --disable-pip-version-check --no-deps dist/*.whl
	$(VENV)-wheel/bin/pytest -n 3 --dist worksteal -m "not slow"

test-systemd: $(VENV)/installed  ## boot the service in systemd-nspawn (root, opt-in)
	tests/install/boot.sh

test-image: $(VENV)/installed  ## build the image with buildah and use it (root, opt-in)
	PYTHONPATH=tests/support $(BIN)/python tests/install/image.py

lock: $(VENV)/installed  ## resolve the dependencies anew (needs uv)
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --all-extras pyproject.toml -o requirements.lock
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --all-extras --group dev pyproject.toml -o requirements-dev.lock

words: $(VENV)/installed  ## gather every sentence into the catalogues of translations
	PYTHONPATH=tests/support $(BIN)/python tools/catalogue.py

screenshots: $(VENV)/installed  ## the pictures in docs/ (needs Chromium)
	PYTHONPATH=tests/support $(BIN)/python tools/screenshots.py docs

bench: $(VENV)/installed  ## print the figures of speed and footprint
	for bench in bench/*.py; do $(BIN)/python "$$bench" || exit 1; done

clean:  ## forget what was built
	rm -rf $(VENV) $(VENV)-wheel dist build
