# The front door: every target hands over to CMake, ctest or a script. `make help` lists them.

PREFIX ?= /usr/local
DESTDIR ?=
export DESTDIR

.DEFAULT_GOAL := all
.NOTPARALLEL:
.PHONY: all setup test demo debug asan tsan lint format torture fuzz bench install clean \
        distclean help

all: setup ## build build/cauce (fetches or installs first what is missing)
	@scripts/build release cauce

setup: ## install or fetch what is missing
	@scripts/setup

test: ## build and run all tests and checks; with CI=true also clang, sanitizers and lint
	@scripts/test

demo: all ## run the main job on the example
	@CAUCE="$(CURDIR)/build/cauce" bash examples/demo.sh

debug: setup ## build for the debugger in build/debug
	@scripts/build debug

asan: setup ## all tests under the address and undefined-behaviour sanitizers
	@scripts/test asan

tsan: setup ## the tests that use threads, under the thread sanitizer
	@scripts/test tsan

lint: ## formatting, clang-tidy and cppcheck
	@scripts/test lint

format: ## reformat the sources in place
	@scripts/check-format --fix

torture: setup ## the long proofs: every fault at every operation, races, random kills
	@scripts/test torture

fuzz: ## each fuzz target for a minute (FUZZ_SECONDS=60)
	@scripts/test fuzz

bench: all ## measure
	@CAUCE="$(CURDIR)/build/cauce" bench/run
	@scripts/build release bench_source_csv && build/bench/bench_source_csv

install: all ## install below PREFIX (/usr/local), respecting DESTDIR
	@cmake --install build --prefix "$(PREFIX)"

clean: ## remove everything that was built
	@rm -rf build

distclean: clean ## remove what was fetched, too
	@rm -rf third_party

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1|\2/p' Makefile | \
	    while IFS='|' read -r target text; do printf '%-14s %s\n' "$$target" "$$text"; done
