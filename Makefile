# The main jobs are run and test; the README's first screen names them.

CARGO ?= cargo
PORT ?= 8443
METRICS_PORT ?= 9999
NAMES ?= pod-identity-webhook.eks.svc
HELM ?= helm
KUBECTL ?= kubectl
PYTHON ?= python3
CHART_TESTS = charts/pod-identity-webhook/tests

# Cargo features of tests, documentation and image; FEATURES= for none. The lints look at both.
FEATURES ?= eks-api

# Where the end-to-end tests get their cluster: node (this machine, Linux and root), kind, existing.
CLUSTER ?= node

.PHONY: help run quick test lint deny bench bench-agent load sdks corpus certs chart chart-docs chart-server image e2e cluster cluster-down cluster-deps

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: ## a server on the examples, a pod posted to it; no cluster needed
	@$(CARGO) run --locked --example run -- $(PORT) $(METRICS_PORT)

quick: ## formatting, lints, unit tests and golden cases: while you write
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --quiet --features "$(FEATURES)" --lib --bins --tests -- -D warnings
	$(CARGO) test --locked --features "$(FEATURES)" --lib --test golden -- --quiet

# Many tests wait, for a poll or a limit: more of them at the same time than there are cores.
test: export RUST_TEST_THREADS ?= 8
test: lint ## formatting, lints, documentation and all tests that need only Rust
	$(CARGO) test --locked --features "$(FEATURES)"

lint: ## formatting, lints and documentation
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --quiet --workspace --all-targets --features "$(FEATURES)" -- -D warnings
	$(CARGO) clippy --locked --quiet --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --quiet --no-deps --document-private-items --features "$(FEATURES)"

deny: ## licences, bans and sources of the dependencies; needs cargo-deny
	$(CARGO) deny check licenses bans sources

bench: ## time against skipping the same bytes and in a large cluster, and allocations
	$(CARGO) bench --locked --bench admission
	$(CARGO) bench --locked --bench identities
	$(CARGO) bench --locked --bench allocations

# A copy, for cargo replaces the program when it builds a benchmark, by one with what tests need.
bench-agent: export AGENT = $(or $(CARGO_TARGET_DIR),target)/bench-agent/eks-pod-identity-agent
bench-agent: ## the node's agent on one core: answers, memory, 1,000 pods at once; REFERENCE_AGENT=PATH of another
	$(CARGO) build --locked --release --quiet --features eks-api --bin pod-identity-webhook
	@mkdir -p $(dir $(AGENT))
	@cp $(or $(CARGO_TARGET_DIR),target)/release/pod-identity-webhook $(AGENT)
	@AGENT=$(abspath $(AGENT)) $(CARGO) bench --locked --quiet --bench agent

load: ## reviews a second over TLS; needs wrk
	@benches/load.sh

certs: ## development certificates in certs/, for NAMES="..." too
	@$(CARGO) run --quiet --locked --example certs -- certs $(NAMES)

corpus: export BINARY ?= $(or $(CARGO_TARGET_DIR),target)/debug/pod-identity-webhook
corpus: ## inject on 400 real manifests, judged by the reference; BINARY=PATH of another build; needs helm, go, npm, apt
ifeq ($(origin BINARY),undefined)
	$(CARGO) build --locked --quiet
endif
	@$(PYTHON) -B tests/corpus/run $(FILTER)

chart: ## lints and renders the chart, tests manifests and alerts; needs helm, python3-yaml, promtool
	@HELM=$(HELM) $(PYTHON) -B -m unittest discover -s $(CHART_TESTS)

chart-docs: ## writes what is made of other files: the dashboard, and the table of values in the chart's README
	@$(PYTHON) -B $(CHART_TESTS)/dashboard.py
	@$(PYTHON) -B $(CHART_TESTS)/values_table.py

chart-server: ## has the API server of the current context check the chart, and installs it there
	@HELM=$(HELM) KUBECTL=$(KUBECTL) $(PYTHON) -B $(CHART_TESTS)/against_a_server.py

image: ## the container image, for ARCH=amd64 or arm64; FEATURES= for one without AWS's SDK; needs buildah or docker
	@ARCH=$(ARCH) FEATURES="$(FEATURES)" .ci/image

e2e: ## the end-to-end suite on a real Kubernetes; FILTER=WORD of test names
	@tests/e2e/run

sdks: ## which credentials AWS SDKs choose in a pod, against docs/sdks.md; UPDATE=1 rewrites it; needs Go, Node, Python
	@tests/sdks/run

cluster: ## a real Kubernetes, CLUSTER=node|kind|existing; prints its KUBECONFIG
	@tests/e2e/cluster/$(CLUSTER) up

cluster-down: ## end it; nothing is left behind
	@tests/e2e/cluster/$(CLUSTER) down

cluster-deps: ## install the host packages that a node needs, on Debian
	@tests/e2e/cluster/node.d/packages install
