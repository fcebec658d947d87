# Each target makes what it needs; `make help` lists them.
.PHONY: help demo test unit proofs check style types needs needs-image dist test-dist deb test-deb test-arm64 test-systemd \
	image push-image test-image sbom audit docs lock bench translations settings coverage mutants screenshots \
	release-check release-prepare release-notes clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := -m pip --quiet --disable-pip-version-check
# Tests start many processes: none of them is to compile everything anew.
unexport PYTHONDONTWRITEBYTECODE
# The time in everything that is built: that of the last commit, so that two builds of one commit are the same.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || date +%s)

help:  ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/'

$(VENV)/installed: pyproject.toml requirements-dev.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) install --require-hashes -r requirements-dev.lock
	$(BIN)/python $(PIP) install --no-deps --editable .
	@touch $@

# What users have and no more: no linters, no browsers, and no wheel has to be built. Byte code is made as it is needed.
$(VENV)-demo/installed: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)-demo
	$(VENV)-demo/bin/python $(PIP) install --no-compile --require-hashes -r requirements.lock
	echo "$(CURDIR)/daemon" > "$$($(VENV)-demo/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/fitferry.pth"
	@touch $@

demo: $(VENV)-demo/installed  ## the whole main job against a local Strava look-alike
	@$(VENV)-demo/bin/python tools/compile_translations.py
	$(VENV)-demo/bin/python -m fitferry demo

check: style types  ## formatting, lint, spelling, types

style: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

types: $(VENV)/installed  ## types alone
	$(BIN)/mypy

# Types are checked beside the tests, and what they found is told after them.
test: style  ## the checks and every test
	@$(BIN)/mypy >$(VENV)/types 2>&1 & $(BIN)/pytest -n 4 --dist worksteal; tests=$$?; \
		wait $$!; types=$$?; cat $(VENV)/types; exit $$((tests | types))

unit: $(VENV)/installed  ## the fast tests of each module
	$(BIN)/pytest -q -n 3 --dist worksteal -p no:hypothesispytest -m "not slow" tests/unit tests/test_layers.py

coverage: $(VENV)/installed  ## what the quick tests take in core, uploads, storage and auth: 97 % in all, 95 % of the branches in each
	$(BIN)/pytest -q -n 2 --dist worksteal --cov --cov-report=term --cov-report=json:$(VENV)/coverage.json tests/unit
	$(BIN)/python tools/branches.py $(VENV)/coverage.json

mutants: $(VENV)/installed  ## change the code in small ways, and see whether tests notice (half an hour; MUTANTS="--sample 300")
	$(BIN)/python tools/mutants.py $(MUTANTS)

proofs: $(VENV)/installed  ## the whole program, faults, installation
	$(BIN)/pytest -n 2 --dist worksteal tests/daemon tests/proofs tests/install

needs:  ## what some tests need from Debian, where it is missing (root)
	tools/needs.sh

dist: $(VENV)/installed  ## sdist and wheel, the same bytes from the same commit
	rm -rf dist/*.whl dist/*.tar.gz
	$(BIN)/python -m hatchling build -d dist

test-dist: dist  ## sdist and wheel: built twice alike; the sdist's own quick tests against what people install
	tools/test_dist.sh $(VENV)-dist

DEB_RELEASE ?= own
DEB_ARCH ?= own
deb: $(VENV)/installed  ## Debian packages: DEB_RELEASE=bookworm|trixie|all DEB_ARCH=amd64|arm64|all
	$(BIN)/python tools/debian_package.py $(DEB_RELEASE:%=--release=%) $(DEB_ARCH:%=--arch=%)

test-deb: $(VENV)/installed  ## install, use, upgrade and remove the package in a booted Debian (root, opt-in)
	tests/install/deb.sh bookworm
	tests/install/deb.sh trixie

test-arm64: $(VENV)/installed  ## the package's demo and the quick tests on arm64, by qemu (root, opt-in)
	PYTHONPATH=tools $(BIN)/python tests/install/arm64.py

test-systemd: $(VENV)/installed  ## boot the service in systemd-nspawn (root, opt-in)
	tests/install/boot.sh

needs-image:  ## what building the image for another architecture needs from Debian (root)
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends buildah qemu-user-static >/dev/null
	tests/install/qemu.sh

IMAGE_ARCH ?= $(shell dpkg --print-architecture)
image:  ## the image, with buildah: IMAGE_ARCH="amd64 arm64"
	tools/image.sh $(IMAGE_ARCH)

VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' daemon/fitferry/__init__.py)
DESTINATION ?= docker://$(REGISTRY)/$(OWNER)/fitferry
DIGEST ?= dist/image.digest
push-image:  ## what `make image` built, to REGISTRY and OWNER, under its version and as latest
	@mkdir -p $(dir $(DIGEST))
ifneq ($(filter docker://%,$(DESTINATION)),)
	buildah manifest push --all --digestfile $(DIGEST) localhost/fitferry:$(VERSION) $(DESTINATION):$(VERSION)
	buildah manifest push --all localhost/fitferry:$(VERSION) $(DESTINATION):latest
else
	buildah manifest push --all --digestfile $(DIGEST) localhost/fitferry:$(VERSION) $(DESTINATION)
endif

TEST_IMAGE_ARCH ?= amd64 arm64
test-image: $(VENV)/installed  ## build the image with buildah and use it, both architectures (root, opt-in)
	tests/install/qemu.sh
	PYTHONPATH=tests/support $(BIN)/python tests/install/image.py $(TEST_IMAGE_ARCH)

docs: $(VENV)/installed  ## what repeats something else: man page, completions, the READMEs' help and settings, the figures
	LC_ALL=C $(BIN)/python tools/reference.py
	$(BIN)/python tools/settings_papers.py

sbom: $(VENV)/installed  ## the bill of materials of what people install, as CycloneDX
	$(BIN)/python tools/sbom.py dist

audit: $(VENV)/installed  ## what the index knows against what people install; of what it does not know it says so
	$(BIN)/pip-audit --require-hashes --disable-pip --requirement requirements.lock

# OWNER: the account that publishes; REGISTRY: the host of the image; CONTACT: a mail address; BASE_DIGEST: of the Dockerfile's BASE.
release-prepare: $(VENV)/installed  ## fill in owner, registry, contact; pin actions and base image
	$(BIN)/python tools/release.py prepare --owner "$(OWNER)" --registry "$(REGISTRY)" --contact "$(CONTACT)" \
		--base-digest "$(BASE_DIGEST)"

TAG ?=
release-check: $(VENV)/installed  ## refuse a tree that cannot be released: TAG=v1.2.3
	$(BIN)/python tools/release.py check $(if $(TAG),--tag "$(TAG)")

release-notes: $(VENV)/installed
	@mkdir -p dist
	$(BIN)/python tools/release.py notes > dist/release-notes.md

lock: $(VENV)/installed  ## resolve the dependencies anew (needs uv)
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --all-extras pyproject.toml -o requirements.lock
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --all-extras --group dev pyproject.toml -o requirements-dev.lock

translations: $(VENV)/installed  ## bring the catalogues up to date with the messages, and compile them
	$(BIN)/python tools/translations.py

settings: $(VENV)/installed  ## what is written of the settings, from their schema
	$(BIN)/python tools/settings_papers.py

screenshots: $(VENV)/installed  ## the pictures in docs/pictures (needs Chromium and pngquant)
	PYTHONPATH=tests/support $(BIN)/python tools/screenshots.py docs/pictures

bench: $(VENV)/installed  ## speed and footprint on this machine, in some minutes; docs/benchmarks.md has the longer ones
	$(BIN)/python bench/latency.py 10 2
	$(BIN)/python bench/floor.py --pairs 8
	$(BIN)/python bench/upload_cost.py 10
	$(BIN)/python bench/rest.py 30
	$(BIN)/python bench/fit_inspect.py

clean:  ## forget what was built
	rm -rf $(VENV) $(VENV)-demo $(VENV)-dist dist build
