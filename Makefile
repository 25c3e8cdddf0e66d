# What a person types. Everything is built outside the checkout, in CARGO_TARGET_DIR.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

export CARGO_TARGET_DIR ?= $(HOME)/.cache/pli-target
PLI := $(CARGO_TARGET_DIR)/release/pli
CONFIG ?= pli.toml
TOOLS := $(CARGO_TARGET_DIR)/tools
CALLS := $(CARGO_TARGET_DIR)/calls
FUZZ_SECONDS ?= 600

.PHONY: help
help: ## Show what can be made.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: run
run: web release ## Install what is missing, build everything, start Pli.
	$(PLI) init --config $(CONFIG)
	exec $(PLI) serve --config $(CONFIG)

.PHONY: demo
demo: rust web ## Start Pli with five people, a conversation, a group and messages.
	cargo build --locked -p pli-e2e --bin pli-demo
	exec $(CARGO_TARGET_DIR)/debug/pli-demo

.PHONY: test
test: test-rust test-web test-browser test-js-sdk interop fuzz-a-little ## Install what is missing, run every test.

.PHONY: test-rust
test-rust: rust nginx postgres web e2e/provider/node_modules/.installed
	# What the tests call is noted: docs/compliance.md says so for each operation.
	rm -rf $(CALLS)
	export API_CALLS_DIR=$(CALLS)
	if command -v cargo-nextest >/dev/null; then
	  cargo nextest run --workspace --locked --no-fail-fast
	else
	  cargo test --workspace --locked --no-fail-fast --lib --bins --tests
	fi
	cargo test --workspace --locked --doc --quiet
	cargo xtask compliance --check --from $(CALLS)

.PHONY: compliance
compliance: rust nginx web e2e/provider/node_modules/.installed ## Write docs/compliance.md anew: every operation and the tests that call it.
	cargo xtask compliance

.PHONY: interop
interop: rust python web ## Ask Pli and Synapse the same questions, explain or fix each difference; talk to a bot.
	# As test-rust does: the same features, so that nothing is compiled twice.
	cargo test --workspace --locked --no-run --quiet
	e2e/interop/run.sh
	e2e/interop/run-bot-on-pli.sh

.PHONY: fuzz-api fuzz-a-little
fuzz-api: rust python web ## Look for server errors for ten minutes with all that the API allows.
	# As test-rust does: the same features, so that nothing is compiled twice.
	cargo test --workspace --locked --no-run --quiet
	e2e/fuzz/run.sh $(FUZZ_SECONDS)

fuzz-a-little: FUZZ_SECONDS = 60
fuzz-a-little: fuzz-api

.PHONY: test-web
test-web: web/node_modules/.installed
	npm --prefix web test

.PHONY: test-browser
test-browser: rust chromium web e2e/browser/node_modules/.installed e2e/provider/node_modules/.installed
	# As test-rust does: the same features, so that nothing is compiled twice.
	cargo test --workspace --locked --no-run --quiet
	npm --prefix e2e/browser test

.PHONY: test-js-sdk
test-js-sdk: rust web e2e/js-sdk/node_modules/.installed
	# As test-rust does: the same features, so that nothing is compiled twice.
	cargo test --workspace --locked --no-run --quiet
	npm --prefix e2e/js-sdk test

NODE_MODULES := web/node_modules/.installed e2e/browser/node_modules/.installed \
	e2e/js-sdk/node_modules/.installed

.PHONY: lint
lint: rust $(NODE_MODULES) deny ## Formatting, clippy, biome, types, licences.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	npm --prefix web run lint
	npm --prefix web run typecheck
	npm --prefix e2e/browser run lint
	npm --prefix e2e/js-sdk run lint

.PHONY: deny
deny: $(TOOLS)/bin/cargo-deny
	$(TOOLS)/bin/cargo-deny --offline check --hide-inclusion-graph bans licenses sources

$(TOOLS)/bin/cargo-deny: | rust
	cargo install --locked --quiet --root $(TOOLS) cargo-deny@0.20.2

.PHONY: bench
bench: release ## Measure Pli against the machine's floor; see docs/performance.md.
	cargo run --release --locked -p pli-benches -- run --pli $(PLI) $(BENCH)

.PHONY: release
release: rust web
	cargo build --release --locked -p pli

.PHONY: web
web: web/dist/index.html ## Build the web app.

WEB_SOURCES := $(shell find web/src web/public -type f 2>/dev/null) \
	web/index.html web/package.json web/vite.config.ts web/tsconfig.json

web/dist/index.html: web/node_modules/.installed $(WEB_SOURCES)
	npm --prefix web run build
	touch $@

# The versions of the lock file; not `npm ci`, which refuses one that leaves out the binaries of other
# platforms where a registry doesn't have them.
%/node_modules/.installed: %/package.json %/package-lock.json | node
	npm --prefix $* install --no-save --ignore-scripts --no-audit --no-fund
	touch $@

.PHONY: rust node chromium nginx postgres python
rust: ; @scripts/need.sh rust compiler
node: ; @scripts/need.sh node
chromium nginx postgres python: ; @scripts/need.sh $@
