# Two commands matter: `make demo` and `make test`. Everything that is missing is set up first, once.

PYTHON ?= python3
CKSSD := .venv/bin/ckssd
SETUP := .ck/setup.stamp
DEV := .ck/dev.stamp

.DEFAULT_GOAL := help

# The stamp holds the place that was set up: a checkout that was moved, or lost a part, is set up again.
WHOLE := $(and $(wildcard .venv/bin/ckssd),$(wildcard .ck/repos))
PLACE := $(shell cat $(SETUP) 2>/dev/null)
ifneq ($(if $(WHOLE),x$(PLACE)),x$(CURDIR))
.PHONY: $(SETUP)
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(SETUP) ## set up what is missing: .venv (locked), the CK home in .ck
	@cat .ck/next-steps.txt

$(SETUP): tools/setup.py tools/checkout.py tools/uv-bootstrap.txt pyproject.toml uv.lock
	@command -v "$(PYTHON)" >/dev/null || { echo "setup: no Python is called $(PYTHON)" >&2; \
	    echo "       Name one: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" tools/setup.py

$(DEV): $(SETUP)
	@"$(PYTHON)" tools/setup.py --dev

.PHONY: demo
demo: $(SETUP) ## install, convert and measure the built-in model; print the table
	@$(CKSSD) demo

.PHONY: bench
bench: $(SETUP) ## measure speed against the bound and plain loops; results in bench/results
	@.venv/bin/python -m bench.run

# Processes that share the tests: one more than cores, because CK sleeps now and then.
WORKERS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN); echo $$((cores < 8 ? cores + 1 : 8)))
PYTEST := .venv/bin/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: check
check: lint ## lint, then the tests that install nothing: under a minute
	@$(PYTEST) --hypothesis-profile=quick -m "not slow and not full"

.PHONY: test
test: lint ## lint, then every promise: unit, real ck commands, end to end: under 8 minutes
	@$(PYTEST) -m "not full"

.PHONY: test-full
test-full: lint ## the same over the whole matrix of versions and models
	@$(PYTEST) --hypothesis-profile=full

.PHONY: coverage
coverage: $(DEV) ## branch coverage of src/ckssd by the tests of `make test`, with what is left
	@rm -rf .ck/coverage && mkdir -p .ck/coverage
	@.venv/bin/coverage run -m $(notdir $(PYTEST)) -m "not full"
	@.venv/bin/coverage combine --quiet
	@.venv/bin/coverage report

# One module takes minutes, a room hours: make mutants MUTANTS='ckssd.detect.nms*'
MUTANTS ?= ckssd.detect.nms* ckssd.detect.boxes* ckssd.graph.match* ckssd.fetch.decide* ckssd.fetch.partfile*
.PHONY: mutants
mutants: $(DEV) ## change the code a bit at a time (MUTANTS) and list the changes that no unit test notices
	@.venv/bin/uv run --quiet --isolated --frozen --group mutation mutmut run $(foreach one,$(MUTANTS),'$(one)')
	@.venv/bin/uv run --quiet --isolated --frozen --group mutation mutmut results

# The pages with figures of bench/results, which cog puts there.
FIGURES := .venv/bin/python -m cogapp -p 'from bench.figures import data, measured, results' --verbosity 1
FIGURE_PAGES := README.md docs/cluster.md docs/mlperf.md docs/report.md docs/speed.md docs/your-own-data.md

.PHONY: figures
figures: $(DEV) ## put the figures of bench/results into the docs
	@$(FIGURES) -r $(FIGURE_PAGES)

.PHONY: lint
lint: $(DEV) ## check format, style, types and layers
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@if .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then .venv/bin/mypy; \
	    else echo "types: not checked with Python 3.10, for which NumPy 2.2 is the last: it declares other types"; fi
	@.venv/bin/lint-imports
	@.venv/bin/python tools/architecture.py --check
	@$(FIGURES) --check --diff $(FIGURE_PAGES)

.PHONY: format
format: $(DEV) ## rewrite the sources in the project's format
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .
	@.venv/bin/python tools/architecture.py

.PHONY: docs
docs: $(SETUP) ## build the documentation in site/
	@NO_MKDOCS_2_WARNING=1 .venv/bin/uv run --quiet --isolated --frozen --no-dev --group docs mkdocs build --quiet
	@echo "site/index.html"

.PHONY: clean
clean: ## remove what setup, demo and test made in this checkout
	rm -rf .venv .ck mutants .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache demo site
