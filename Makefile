# Everything a newcomer needs: `make run` shows the whole subnet, `make test` passes the tests.
# What they need is installed once, with progress, into ignored folders of this checkout.

SHELL   := /bin/bash
PY      ?= python3
TORCH   := 2.11.0
LT      := third_party/libtorch-$(TORCH)
FETCH   := $(PY) scripts/fetch.py
SDKS    := third_party/sdk-10.5.0 third_party/sdk-7.4.0 third_party/sdk-cli-9.23.2
ARGS    ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: run
run: setup ## Run a whole subnet on this machine (ARGS="--duration 180s" to end by itself)
	cargo run --profile demo --bin sn1 -- localnet $(ARGS)

# With cargo-nextest where it is installed, else with cargo's own runner. The second round builds and
# runs only what can meet a model or libtorch itself: the units of both packages, of the core those that
# stand on libtorch, the local net and the installation. Everything else is the same program in both
# rounds.
NEXTEST     := $(shell cargo nextest --version 2>/dev/null)
RUN_TESTS   := $(if $(NEXTEST),nextest run,test)
WITH_MODELS := --lib --test localnet --test install
MODELS      := llm|embedding
ONLY_MODELS := $(if $(NEXTEST),--no-tests pass $(if $(ARGS),,-E 'not package(sn1) or test(/^($(MODELS))::/)'))

.PHONY: test
test: setup sdk ## Run every test, with libtorch and without
	cargo $(RUN_TESTS) --workspace --no-default-features $(ARGS)
	cargo $(RUN_TESTS) --workspace $(WITH_MODELS) $(ONLY_MODELS) $(ARGS)
	@$(PY) scripts/sdk.py report $(SDKS)
	@command -v promtool >/dev/null || echo "skipped: checks by promtool, which is not installed (apt-get install prometheus)"

# Below PREFIX; DESTDIR goes before it, for packagers. With SUDO=sudo only the copying is root's.
PREFIX ?= /usr/local

.PHONY: install
install: libtorch ## Install the binary with its libraries, units and sample settings (PREFIX=/usr/local)
	cargo build --release --bin sn1
	$(SUDO) env PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) scripts/install.sh target/release/sn1

.PHONY: uninstall
uninstall: ## Remove what `make install` has installed
	$(SUDO) env PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) scripts/install.sh --remove

.PHONY: generate
generate: ## Write what is generated: settings files, pages of settings, metrics and the command line
	SN1_UPDATE=1 cargo test -p sn1-actors --no-default-features --lib --bins generated
	SN1_UPDATE=1 cargo test -p sn1 --no-default-features --test dashboards the_page_of_metrics

.PHONY: lint
lint: setup ## Formatting, clippy for all targets and features, docs, licences
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo clippy --workspace --all-targets --no-default-features -- -D warnings
	@if cargo deny --version >/dev/null 2>&1; then cargo deny --offline check licenses bans sources; \
	    else echo "skipped: cargo deny is not installed (cargo install cargo-deny)"; fi

FUZZ_SECONDS ?= 600
FUZZ_TARGETS := request_head request_body python_repr reply_bytes reply_head keyfiles scale_answers \
    rpc_frames signed_extrinsics

.PHONY: fuzz
fuzz: ## Fuzz what strangers may send, FUZZ_SECONDS for each target (needs cargo-fuzz)
	cargo test --manifest-path fuzz/Cargo.toml --target-dir target --lib
	@for target in $(FUZZ_TARGETS); do mkdir -p fuzz/corpus/$$target; \
	    cargo fuzz run --sanitizer none $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
	        -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -timeout=10 || exit 1; done

# `forty` for a minute of it.
CHAOS ?= a_thousand

.PHONY: chaos
chaos: ## A thousand tempos of weights under kills, cut sockets, refusals and upgrades: ten minutes each way
	cargo test --release -p sn1-actors --no-default-features --test chaos -- \
	    --include-ignored $(CHAOS) --nocapture --test-threads 1 $(ARGS)

.PHONY: bench
bench: setup ## Measure model, rewards, axon and node (see BENCHMARKS.md)
	bench/all.sh

.PHONY: setup
setup: libtorch models ## Install libtorch and the models

.PHONY: libtorch
libtorch: $(LT)/.done ## Install libtorch for this machine
$(LT)/.done: scripts/fetch.py
	$(FETCH) libtorch $(LT)

.PHONY: models
models: models/.done ## Install the language model and the sentence encoder
models/.done: scripts/fetch.py
	$(FETCH) models models

.PHONY: sdk
sdk: $(SDKS:%=%/.done) ## Install the Python SDKs and the CLI for the interop tests, where they can be
third_party/sdk-%/.done: tests/interop/bittensor-%.txt
	@$(PY) scripts/sdk.py install $* third_party/sdk-$*

.PHONY: hooks
hooks: ## Have git check formatting, documents and commit messages of this checkout
	git config core.hooksPath scripts/hooks

.PHONY: clean
clean: ## Remove what was built (not what was downloaded)
	cargo clean
