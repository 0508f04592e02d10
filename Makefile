# make run · make test · make test-browser · make lint · make screenshots · make bench · make bench-peers · make quality
# Everything is installed into .venv by the first command that needs it; a second time costs nothing.

SUPPORTED = import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python3.10 python,\
            $(shell $(name) -c '$(SUPPORTED)' >/dev/null 2>&1 && echo $(name))))
BIN = .venv/bin
PEERS = benchmarks/peers/.venv

.PHONY: run setup setup-dev test test-browser lint format screenshots bench bench-peers quality

run: setup
	@$(BIN)/python app.py

setup: .venv/.installed

setup-dev: .venv/.installed-dev

.venv/.installed: requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.10 to 3.13 is needed and was not found. Install one of them, or name it: make run PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || { echo "Setting up .venv with $(PYTHON)"; $(PYTHON) -m venv .venv; } || { rm -rf .venv; echo "Python's venv module is missing; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing what the playground needs; the first time this takes some minutes."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

test: setup-dev
	@$(BIN)/python -m pytest --ignore tests/browser

# Every page in a real Chromium, with the real small model; about ten minutes on two cores.
test-browser: setup-dev
	@$(BIN)/python -m pytest tests/browser

lint: setup-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/ty check

format: setup-dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# The pictures of the README, drawn anew by the browser tests with the model that visitors get.
screenshots: setup-dev
	@PLAYGROUND_TEST_MODEL=qwen2.5-coder-0.5b-instruct PLAYGROUND_TEST_SCREENSHOTS=assets/screenshots $(BIN)/python -m pytest tests/browser/test_pictures.py

# All figures of docs/performance.md, about 25 minutes; the machine should have nothing else to do.
bench: setup-dev
	@$(BIN)/python -m benchmarks.report

# All tables of docs/quality.md: make quality DATA=a-folder-with-the-sets; without one, small texts of our own.
quality: setup-dev
	@$(BIN)/python -m benchmarks.quality $(if $(DATA),--data $(DATA))

# What we are compared with, in a venv of its own: llama.cpp, built for this very processor, about ten minutes.
# The flags: GCC 12 takes the stores that fill the AMX tile configuration for dead, and llama.cpp crashes on such a processor.
bench-peers: $(PEERS)/.installed $(PEERS)/bertviz/.installed

# BertViz in a folder beside it, and the scripts that its pages would load from elsewhere; without npm only its files are measured.
$(PEERS)/bertviz/.installed: benchmarks/peers/requirements-bertviz.txt | .venv/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target $(PEERS)/bertviz ipython
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target $(PEERS)/bertviz --no-deps -r benchmarks/peers/requirements-bertviz.txt
	@mkdir -p $(PEERS)/bertviz/packed $(PEERS)/bertviz/scripts
	-@cd $(PEERS)/bertviz/packed && npm pack --silent d3@5.7.0 jquery@2.1.1 requirejs@2.3.6 >/dev/null && tar xzOf d3-5.7.0.tgz package/dist/d3.min.js > ../scripts/d3.min.js && tar xzOf jquery-2.1.1.tgz package/dist/jquery.min.js > ../scripts/jquery.min.js && tar xzOf requirejs-2.3.6.tgz package/require.js > ../scripts/require.min.js
	@touch $@

$(PEERS)/.installed: benchmarks/peers/requirements.txt | .venv/.installed
	@test -x $(PEERS)/bin/python || $(BIN)/python -m venv $(PEERS) || { rm -rf $(PEERS); exit 1; }
	@echo "Building llama.cpp from source; this takes about ten minutes and needs a C++ compiler."
	@CFLAGS="-fno-tree-dse -fno-dse" CXXFLAGS="-fno-tree-dse -fno-dse" $(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-binary llama-cpp-python -r benchmarks/peers/requirements.txt
	@touch $@
