# SPDX-License-Identifier: Apache-2.0
# A thin front of CMake, Ninja and CTest. `make help` says what there is.
jobs := $(shell nproc)
# A terminal gets Ninja's one moving line, a log only what matters.
calm := $(shell test -t 1 || echo --quiet)

.PHONY: build run test check-models lanes format install clean help
build: build/build.ninja
	@ninja -C build $(calm)

build/build.ninja:
	@tools/setup
	@cmake -G Ninja -B build $(CMAKE_FLAGS) >/dev/null

run: build
	@$(if $(ARGS),build/infuse $(ARGS),tools/first_run)

test: build
	@ctest --test-dir build -j $(jobs) --output-on-failure --no-label-summary

check-models: build
	@build/tests/tests_models_test

lanes:
	@tools/lanes

format:
	@tools/format

install: build
	@cmake --install build

clean:
	@rm -rf build build-*

help:
	@echo 'make          build into build/ (installs missing Debian packages when run by root)'
	@echo 'make run      show what infuse does, on models of this repository; ARGS="..." runs build/infuse instead'
	@echo 'make test     build and run all tests'
	@echo 'make check-models  the shipped checkpoints against their references (part of make test)'
	@echo 'make lanes    every other check: clang, sanitizers, valgrind, fuzzing, format, aarch64'
	@echo 'make format   put all C files into the form of .clang-format'
	@echo 'make install  install what was built (DESTDIR is honoured)'
	@echo 'make clean    remove build/ and build-*/'
