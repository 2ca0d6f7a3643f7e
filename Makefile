# make demo   install what is missing, then run the whole job on the built-in scene
# make test   install what is missing, then run every check
#
# Both work on a bare Debian machine without a display, and on a desktop.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup system kernels demo test lint unit window clean

PYTHON ?= python3
BIN := .venv/bin
TRITON := .venv/triton
export PYTHONUTF8 := 1

# Libraries that Qt and OpenGL load at run time, and a virtual display. GLib comes with
# shared-mime-info, as its own package's name differs between releases.
DEBIAN_PACKAGES := xvfb xauth libgl1 libgl1-mesa-dri libegl1 libdbus-1-3 libfontconfig1 \
  libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 \
  libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1 shared-mime-info fonts-dejavu-core

# A machine without an NVIDIA GPU gets the CPU build, which is a tenth of the size.
TORCH_VERSION := 2.13.0
TORCH_CPU_INDEX := https://download.pytorch.org/whl/cpu

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

setup: system .venv/.installed

# Missing libraries are installed where apt-get is there and may be used; else they are named.
system:
	@if command -v dpkg-query >/dev/null && [ "$$(uname -s)" = Linux ]; then \
	  missing=""; \
	  for package in $(DEBIAN_PACKAGES); do \
	    dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' \
	      || missing="$$missing $$package"; \
	  done; \
	  if [ -n "$$missing" ]; then \
	    if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	      echo "Installing system packages:$$missing"; \
	      apt-get update -qq; \
	      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	    else \
	      echo "Missing system packages; install them with:"; \
	      echo "  sudo apt-get install$$missing"; \
	    fi; \
	  fi; \
	fi

.venv/.installed: pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "napari-ssamamba needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@if [ "$$(uname -s)" = Linux ] && ! nvidia-smi >/dev/null 2>&1; then \
	  echo "No NVIDIA GPU: installing the CPU build of PyTorch"; \
	  $(BIN)/python -c 'import torch' 2>/dev/null \
	    || $(BIN)/pip install -q 'torch==$(TORCH_VERSION)+cpu' 2>/dev/null \
	    || $(BIN)/pip install -q 'torch==$(TORCH_VERSION)' --index-url $(TORCH_CPU_INDEX); \
	fi
	@echo "Installing napari-ssamamba into .venv"
	@$(BIN)/pip install -q -e '.[all,test]'
	@touch $@

demo: setup
	$(BIN)/ssamamba demo --out demo

test: setup lint unit kernels window

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@echo "$(BIN)/mypy, for this system and for Windows"; \
	$(BIN)/mypy --platform win32 --no-warn-unreachable --cache-dir .mypy_cache/windows & \
	$(BIN)/mypy && wait $$!
	$(BIN)/lint-imports
	$(BIN)/npe2 validate napari-ssamamba

# A process a core, each with one thread: several threads of several processes get in each other's way.
# Numba, where it shares OpenMP with PyTorch, gives PyTorch as many threads as it has itself.
PARALLEL := OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/pytest -q -n logical --maxprocesses 8 --dist worksteal

unit: setup
	QT_QPA_PLATFORM=offscreen $(PARALLEL) -m "not window"

# Triton comes with PyTorch's builds for GPUs. Without one, its interpreter tests the kernels. It lies
# apart: in one process with Mesa's software rendering, which brings another LLVM, it crashes.
kernels: setup
	@if ! $(BIN)/python -c 'import triton' 2>/dev/null; then \
	  if test -d $(TRITON) || $(BIN)/pip install -q --no-deps --target $(TRITON) 'triton>=3.6'; then \
	    PYTHONPATH=$(TRITON) $(PARALLEL) tests/model/test_fused_unit.py tests/model/test_fused_kernels.py; \
	  else \
	    echo "Triton cannot be had here: the tests of the kernels for GPUs are skipped"; \
	  fi; \
	fi

# Each process has a virtual display, where there is one to be had: windows on one display take the
# keyboard from each other. Mesa draws with one thread, too.
window: setup
	@if command -v Xvfb >/dev/null; then \
	  export QT_QPA_PLATFORM=xcb; \
	  LP_NUM_THREADS=1 $(PARALLEL) -m "window and not alone"; \
	  $(BIN)/pytest -q -m "window and alone"; \
	else \
	  $(BIN)/pytest -q -m window; \
	fi

clean:
	rm -rf .venv demo dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
