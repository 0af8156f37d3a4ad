# `make run` does the main job, `make test` passes the tests; each does its own set-up.
.PHONY: run test setup lint figures

# A C compiler for the allocator, git for cargo, nothing else beyond the Rust toolchain.
setup:
	@command -v cc >/dev/null || { \
	  SUDO=$$(command -v sudo || true); \
	  $$SUDO apt-get update -qq && $$SUDO apt-get install -y -qq --no-install-recommends gcc libc6-dev; }
	@command -v cargo >/dev/null || { echo "install Rust first: cargo is missing" >&2; exit 1; }

# Gateway and pusher-api in one process on loopback; prints what to do next. Not optimised: it is
# for seeing a push arrive soon after cloning. For anything else: cargo build --release.
run: setup
	cargo run --bin holdfast

lint: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

test: lint
	cargo test --workspace

# The figures of docs/figures.md, on this machine. Takes about half an hour.
figures: setup
	cargo build --release -p holdfast -p floor
	benches/figures.py
