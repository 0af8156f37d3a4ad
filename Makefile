# `make run` does the main job, `make test` passes the tests; each does its own set-up.
.PHONY: run test setup lint lint-rust lint-python lint-shell lint-spelling deny autobahn openapi page browser clients-js \
  clients-python examples faults k8s binaries mutants bench figures million-native side-by-side programs held-requests \
  kept-bench rollout reconnects million limits-lab docker-test package package-test release

APT_INSTALL := $(shell command -v sudo) apt-get install -y -qq --no-install-recommends
APT_UPDATE := $(shell command -v sudo) apt-get update -qq
LINTERS := target/linters
HAS_VENV := python3 -c 'import ensurepip' 2>/dev/null || { $(APT_UPDATE) && $(APT_INSTALL) python3-venv; }

# A C compiler for the allocator, git for cargo, nothing else beyond the Rust toolchain.
setup:
	@command -v cc >/dev/null || { $(APT_UPDATE) && $(APT_INSTALL) gcc libc6-dev; }
	@command -v cargo >/dev/null || { echo "install Rust first: cargo is missing" >&2; exit 1; }

# Gateway and pusher-api in one process on loopback; prints what to do next. Not optimised, without the
# load client, doctor and the allocator, without debug information, and nothing is kept for building again
# after a change: it is for seeing a push arrive soon after cloning. For anything else: cargo build --release.
run: setup
	CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=false cargo run --bin holdfast --no-default-features

# Formatting, lints and links in the documentation of all Rust; Python, shell scripts, spelling.
lint: lint-rust lint-python lint-shell lint-spelling

lint-rust: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --package holdfast --no-default-features -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --quiet --workspace --no-deps --document-private-items

lint-python: $(LINTERS)/ready
	$(LINTERS)/bin/ruff check --quiet

# Those of sh and bash, known by their first line or their ending.
lint-shell: $(LINTERS)/ready
	{ grep -rlIE --exclude-dir=.git --exclude-dir=target '^#!.*[ /](sh|bash)$$' .; \
	  find . -name '*.sh' -not -path './target/*'; } | xargs $(LINTERS)/bin/shellcheck

lint-spelling: $(LINTERS)/ready
	$(LINTERS)/bin/typos

# Apart from the system's Python, which Debian keeps for itself; anew when a version changes.
$(LINTERS)/ready: .ci/requirements.txt
	@$(HAS_VENV)
	python3 -m venv --clear $(LINTERS)
	$(LINTERS)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# Licences, duplicates and origins of all crates (deny.toml). Not in `make lint`: where cargo-deny is
# missing it is compiled first, which takes some minutes. Not optimised: it runs for a second.
deny: setup
	@cargo deny --version >/dev/null 2>&1 || cargo install --locked --debug cargo-deny@0.20.2
	cargo deny check bans licenses sources

# Tests of what Redis Cluster can keep start servers of their own. Most tests wait for most of their time, so there
# are more of them at a time than processors.
test: lint
	@command -v redis-server >/dev/null || { $(APT_UPDATE) && $(APT_INSTALL) redis-server; }
	RUST_TEST_THREADS=$$((2 * $$(nproc))) cargo test --workspace

# What the tests of a crate do not notice: each module below is broken in one place after the other, in a
# copy of the tree, and the crate's own tests have to fail. MUTANTS names one module's files instead of all, as
# in `make mutants MUTANTS='protocol protocol/src/problem.rs'`. What lived is in target/mutants.
MUTANTS ?=
mutants: setup
	@cargo mutants --version >/dev/null 2>&1 || cargo install --locked --debug cargo-mutants@27.1.0
	tests/mutants $(MUTANTS)

# The WebSocket cases of the Autobahn test suite against a gateway (tests/autobahn). Needs Python 2.7.
autobahn: setup
	cargo build
	tests/autobahn/run

# A running pusher-api held against its description, by schemathesis (tests/openapi). Takes about a
# minute, with the binary that the tests have built.
openapi: setup
	cargo build
	tests/openapi/run

# The live page of running processes in a real browser (tests/page). Takes about a minute.
page: setup
	@$(HAS_VENV)
	@command -v chromium >/dev/null || { $(APT_UPDATE) && $(APT_INSTALL) chromium; }
	cargo build
	tests/page/run

# The transports as a page of another origin meets them, in a real browser, with proxies in between
# (tests/browser). Takes about a minute.
browser: setup
	@$(HAS_VENV)
	@command -v chromium >/dev/null && command -v haproxy >/dev/null && [ -x /usr/sbin/nginx ] || \
	  { $(APT_UPDATE) && $(APT_INSTALL) chromium haproxy nginx-light; }
	cargo build
	tests/browser/run

# The Python client: the wheel in target/clients-python/dist, its types, and its tests against running processes
# (clients/python). Takes about a minute.
clients-python: setup
	@$(HAS_VENV)
	cargo build
	clients/python/check

# Every example of docs/examples against running processes (tests/examples). Installs the languages that it can.
examples: setup
	@$(HAS_VENV)
	@command -v curl >/dev/null && command -v node >/dev/null && command -v php >/dev/null && command -v java >/dev/null && \
	  command -v go >/dev/null && command -v ruby >/dev/null && command -v chromium >/dev/null || \
	  { $(APT_UPDATE) && $(APT_INSTALL) chromium curl default-jdk-headless golang-go nodejs php-cli ruby; }
	cargo build
	tests/examples/run

# holdfast.js: its size and types, it in Node, and in a real browser (tests/holdfast_js). Takes some two minutes.
clients-js: setup
	@$(HAS_VENV)
	@command -v chromium >/dev/null && command -v node >/dev/null && command -v tsc >/dev/null || \
	  { $(APT_UPDATE) && $(APT_INSTALL) chromium nodejs node-typescript; }
	cargo build
	clients/js/check
	tests/holdfast_js/run

# The manifests of k8s/ against Kubernetes' schemas, against what is said of them, and, as root, against the
# running binary (tests/k8s). Takes about a minute. Debian 13 has a kubectl that is new enough.
k8s: setup
	@$(HAS_VENV)
	@command -v kubectl >/dev/null || { $(APT_UPDATE) && $(APT_INSTALL) kubernetes-client; }
	@command -v promtool >/dev/null || { $(APT_UPDATE) && $(APT_INSTALL) prometheus; }
	cargo build
	tests/k8s/run

# Kept messages while processes are killed, and what may happen to their store (tests/faults): 100 kills with
# 4,000 sessions take some five minutes. FAULTS says otherwise, as in `make faults FAULTS='--kills 10 --seed 7'`.
FAULTS ?=
faults: setup
	cargo build
	tests/faults/stores
	tests/faults/run $(FAULTS)

# Every limit hit for real, as root: also those that are the whole machine's, for some seconds each.
limits-lab: setup
	LIMITS_LAB=machine cargo test --test limits_lab

binaries: setup
	cargo build --release -p holdfast -p floor

# The standard runs with 20,000 sessions: a table of this commit in target/bench, to be compared
# with another commit's by `python3 -m benches.standard.compare`. Takes about a quarter of an hour.
bench: binaries
	python3 -m benches.standard

# The figures of docs/figures.md: the same with 100,000 sessions.
figures: binaries
	python3 -m benches.standard --sessions 100000

# The same with a million: 24 GiB of memory, 54 gateways, each of fewer than 20,000 descriptors.
million-native: binaries
	python3 -m benches.standard --sessions 1000000 --gateways 54 --hold 600

# The table of docs/side-by-side.md. Needs Debian's nginx, libnginx-mod-nchan, nats-server and wrk.
side-by-side: setup
	cargo build --release -p holdfast
	python3 -m benches.side_by_side --page docs/side-by-side.md

# The programs of old reports, one after another: a table in docs/million.md.
programs: setup
	cargo build --release -p holdfast
	python3 -m benches.programs --page docs/million.md

# What a held HTTP request costs: the table of docs/held-requests.md. 100,000 at a time, in 6 gateways.
held-requests: setup
	cargo build --release -p holdfast
	python3 -m benches.held_requests --page docs/held-requests.md

# What kept pushes cost, beside the disk's own fdatasync: the table of docs/kept-figures.md. Needs wrk.
kept-bench: setup
	cargo build --release -p holdfast
	python3 -m benches.kept --page docs/kept-figures.md

# How clients that run holdfast.js come back after a drain: the table of docs/holdfast-js.md. Needs Node.
reconnects: setup
	cargo build --release -p holdfast
	python3 -m benches.reconnects --page docs/holdfast-js.md

# Four gateways restarted one after another under 40,000 sessions: the table of docs/rollouts.md.
rollout: setup
	cargo build --release -p holdfast
	python3 -m benches.rollout --page docs/rollouts.md

# A million sessions in one gateway process, in a virtual machine of its own (docs/guest.md). Wants
# 15 GiB of free memory; emulated, where KVM is missing, it takes the better part of an hour.
million: setup
	cargo build --release -p holdfast
	python3 -m benches.guest

# The image and the lab of docker/, for real; needs docker and compose. Not part of `make test`.
docker-test:
	docker/tests/run

# The Debian package of the binary that is built here, in target/package.
package: setup
	@command -v dh >/dev/null || { $(APT_UPDATE) && $(APT_INSTALL) debhelper; }
	cargo build --release
	package/build target/release/holdfast target/package

# The package in a container with Debian's systemd: installed, upgraded under load, removed (tests/package). As
# root, with docker. The binary comes as `cargo install` makes it. Takes some minutes, more the first time.
package-test: setup
	@command -v debootstrap >/dev/null && command -v dh >/dev/null && command -v lintian >/dev/null || \
	  { $(APT_UPDATE) && $(APT_INSTALL) debootstrap debhelper lintian; }
	cargo install --quiet --locked --debug --path . --root target/installed --target-dir target --no-track --force
	tests/package/run --binary target/installed/bin/holdfast

# All files of a release in target/dist (docs/releasing.md).
release: setup
	release/build
