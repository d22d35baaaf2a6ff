# make up     set up and run          make test   set up and run every test
# Nothing is installed twice: the stamps in .venv remember what was installed.

PYTHON ?= python3
ARGS   ?=

venv      := .venv
bin       := $(venv)/bin
runtime   := $(venv)/.runtime-installed
dev       := $(venv)/.dev-installed
spark     := $(venv)/.spark-installed
# Plugins that no test is written with are not loaded into each process; nbval and schemathesis run in their own.
several   := --dist=loadfile -p no:nbval -p no:schemathesis
# Three at a time on two cores, file by file: while some wait for what was killed, others compute. Four were no quicker.
everything := $(several) --numprocesses=3 --no-loadscope-reorder
node      := tests/e2e/npm/node_modules/.installed
# What draws widgets in pages without a kernel.
widgets   := docs/_build/jupyter-widgets-html-manager-1.0.15.tgz
widgets_hash := 2b9d65cb7913e1c7d671757a10008b32c9c2448d4429513371e55c07d6107638
pip       := $(bin)/python -m pip install --quiet --disable-pip-version-check
# On all cores, which pip does on one. Some packages have files for other versions of Python: these are left, as by pip.
compiled  := $(bin)/python -m compileall -qq --workers 0 $(venv)/lib || true
# uv knows no index but its user's, and writes none down.
compile   := $(bin)/uv pip compile --quiet --python $(bin)/python --custom-compile-command "make lock" --generate-hashes \
             --annotation-style line --no-emit-package financeops --upgrade

# Prints nothing when the interpreter can make the .venv, else what is missing.
missing    = $(shell $(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or print("FinanceOps needs Python 3.11 or newer, $(PYTHON) is", sys.version.split()[0] + "; name another one: make PYTHON=python3.12 $(MAKECMDGOALS)") or sys.exit(); import importlib.util as u; (u.find_spec("venv") and u.find_spec("ensurepip")) or print("$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv")' 2>/dev/null || echo "FinanceOps needs Python 3.11 or newer, $(PYTHON) is none; name another one: make PYTHON=python3.12 $(MAKECMDGOALS)")

# Where it is set, each of a hundred servers and commands that the tests start would compile the code anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help up install install-dev tools test test-quick test-spark test-long coverage check docs format messages bench lock clean
.DELETE_ON_ERROR:

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  %-17s %s\n' "$$name" "$$text"; done

up: $(runtime) ## set up and run everything: database, server, dashboard, JupyterLab (ARGS="--port 3002")
	@exec $(bin)/financeops up $(ARGS)

install: $(runtime) ## only make .venv with what running needs

install-dev: $(dev) ## the same with what tests and checks need

test: tools ## set up and run every test (ARGS="tests/core -k refund")
	$(bin)/pytest $(everything) $(ARGS)

coverage: tools ## the same, and which lines ran in all processes of the tests but killed ones and viewers' kernels
	@$(bin)/coverage erase
	$(bin)/coverage run -m pytest $(everything) $(ARGS)
	@$(bin)/coverage combine --quiet
	$(bin)/coverage report

# What tests need beside .venv.
tools: $(dev)
	@.ci/ensure-browser
	@.ci/ensure-node
	@$(MAKE) --no-print-directory $(node) $(widgets)

# Values and functions, what widgets show without a browser, and the most used route on a real server.
quick     := tests/core tests/plots tests/dashboard tests/frames tests/client/test_sequence.py tests/server/test_payments.py
# Kernels and servers; statistics that draw for seconds until they are sure; what is odd about each library of frames.
not_quick := $(patsubst %,tests/dashboard/test_%.py,kernels live serve) \
             $(patsubst %,tests/frames/test_%.py,anomalies behaviour clock compare equality equality_api forecast native retries)

test-quick: $(dev) ## some of them, for while one works: no browser, one server
	$(bin)/pytest $(several) --numprocesses=2 --hypothesis-profile=quick $(quick) $(addprefix --ignore=,$(not_quick)) $(ARGS)

test-spark: $(dev) $(spark) ## the tests and the notebook with PySpark (450 MB, needs Java), which `make test` leaves out
	@.ci/ensure-java
	FINANCEOPS_TEST_SPARK=1 $(bin)/pytest -p no:nbval -p no:schemathesis --numprocesses=2 --dist=worksteal -m spark $(ARGS)

long      := tests/test_docs.py tests/e2e/test_cdnow.py tests/e2e/test_soak.py

test-long: tools ## the tests that take minutes by themselves, which `make test` leaves out: a long day, all of CDNOW, the documentation
	@# Each with a database of its own: with all of CDNOW in it the embedded one is too slow for a dashboard.
	@for file in $(long); do FINANCEOPS_TEST_LONG=1 $(bin)/pytest -p no:nbval -p no:schemathesis -m long $(ARGS) $$file || exit 1; done

check: $(dev) ## lint, format, types, import rules, spelling, workflows, notebooks without outputs
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/lint-imports
	$(bin)/codespell
	$(bin)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(bin)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(bin)/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[0-9]*.yml
	$(bin)/python .ci/notebooks-without-outputs

docs: $(dev) $(widgets) ## build reference, terms, decisions, and tutorials as they run: docs/_build/html/index.html
	$(bin)/python docs/build.py $(ARGS)

format: $(dev) ## let ruff format the code and repair what it can
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

messages: $(dev) ## find new words of the dashboard for its translators
	$(bin)/pybabel extract --no-default-keywords -k Text -k Plural:1,2 --no-location --no-wrap -o messages.pot financeops/dashboard/language/texts.py
	$(bin)/pybabel update --no-fuzzy-matching --ignore-obsolete --no-wrap -D financeops -i messages.pot -d financeops/dashboard/language/locale

bench: $(dev) ## run the benchmarks
	$(bin)/python -m benchmarks $(ARGS)

lock: $(dev) ## compile the lock files again, with the newest versions that fit
	$(compile) --extra all --output-file requirements.lock pyproject.toml
	$(compile) --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

clean: ## remove .venv, caches and what tests left behind
	rm -rf $(venv) docs/_build docs/tutorials .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis artifacts dist tests/e2e/npm/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(venv)/bin/python:
	$(if $(missing),$(error $(missing)))
	@echo "Making $(venv) …"
	@$(PYTHON) -m venv $(venv) || { rm -rf $(venv); exit 1; }

# A lock file that did not change does not cost a second installation; --no-deps: the lock files hold the dependencies, each
# with the hashes of its files.
$(runtime): requirements.lock pyproject.toml | $(venv)/bin/python
	@echo "Installing what running needs (a minute or two) …"
	@$(pip) --no-compile --requirement requirements.lock
	@$(pip) --no-deps --editable .
	@$(compiled)
	@touch $@

$(dev): requirements-dev.lock pyproject.toml | $(venv)/bin/python
	@echo "Installing what running, tests and checks need (a minute or two) …"
	@$(pip) --no-compile --requirement requirements-dev.lock
	@$(pip) --no-deps --editable .
	@$(compiled)
	@touch $(runtime) $@

$(spark): pyproject.toml | $(dev)
	@echo "Installing PySpark …"
	@# Where pip is shown hashes, it wants one of this folder too.
	@sed -n 's/^\([^ #]*==[^ ]*\).*/\1/p' requirements-dev.lock > $(venv)/versions
	@$(pip) --constraint $(venv)/versions --editable '.[spark]'
	@touch $@

$(widgets):
	@.ci/ensure-node
	@mkdir -p $(@D)
	@npm pack --silent @jupyter-widgets/html-manager@1.0.15 --pack-destination $(@D) >/dev/null
	@$(PYTHON) -c 'import hashlib, sys; sys.exit(hashlib.sha256(open("$@", "rb").read()).hexdigest() != "$(widgets_hash)")'

$(node): tests/e2e/npm/package.json tests/e2e/npm/package-lock.json
	npm ci --prefix tests/e2e/npm --no-audit --no-fund --loglevel=error
	@touch $@
