# SPDX-License-Identifier: Apache-2.0
# A thin front of CMake, Ninja and CTest. `make help` says what there is.
jobs := $(shell nproc)

.PHONY: build run test check-models check-accuracy lanes format install uninstall clean help
build: build/build.ninja
	$(if $(CMAKE_FLAGS),@cmake -B build $(CMAKE_FLAGS) >/dev/null)
	@tools/build

build/build.ninja:
	@tools/setup
	@cmake -G Ninja -B build $(CMAKE_FLAGS) >/dev/null

run: build/build.ninja
	@tools/build infuse
	@$(if $(ARGS),build/infuse $(ARGS),tools/first_run)

test: build
	@ctest --test-dir build -j $(jobs) --output-on-failure --no-label-summary

check-models: build
	@build/tests/tests_models_test

check-accuracy: build
	@tools/check_accuracy $(ARGS)

lanes:
	@tools/lanes

format:
	@tools/format

# PREFIX may differ from that of an earlier install; without it, it is that of the configuration (/usr/local).
prefix_flag = $(if $(PREFIX),--prefix "$(abspath $(PREFIX))")
install: build
	@cmake --install build $(prefix_flag) >/dev/null
	@echo 'installed; a system library is found after: ldconfig'

uninstall: build
	@tools/uninstall build $(prefix_flag)

clean:
	@rm -rf build build-*

help:
	@echo 'make          build into build/ (run by root it installs missing Debian packages, else it names them);'
	@echo '              CMAKE_FLAGS="-DCMAKE_BUILD_TYPE=Release" and the like are passed on'
	@echo 'make run      show what infuse does, on models of this repository; ARGS="..." runs build/infuse instead'
	@echo 'make test     build and run all tests'
	@echo 'make check-models  the shipped checkpoints against their references (part of make test)'
	@echo 'make check-accuracy  fusions, kernels and ranks against the references on eval/, in about five minutes (ARGS=--full)'
	@echo 'make lanes    every other check: clang, release, sanitizers, valgrind, fuzzing, format, aarch64'
	@echo 'make format   put all C files into the form of .clang-format'
	@echo 'make install  install what was built below PREFIX (/usr/local); DESTDIR is honoured'
	@echo 'make uninstall  remove it again, with the same PREFIX and DESTDIR'
	@echo 'make clean    remove build/ and build-*/'
