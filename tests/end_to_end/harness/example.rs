//! The programs of `examples/` and of `clients/rust/examples/`, as `cargo run --example NAME` runs them.

use std::{path::Path, process::Command};

use super::process::BINARY;

/// The command of one of them.
pub(crate) fn example(name: &str, arguments: &[&str]) -> Command {
    let program = Path::new(BINARY).with_file_name("examples").join(name);
    // `cargo test` has built it, unless it was told which tests.
    if !program.exists() {
        let all = ["build", "--workspace", "--examples"];
        let built = Command::new(env!("CARGO")).args(all).status().unwrap();
        assert!(built.success(), "{name} does not build");
    }
    let mut command = Command::new(program);
    command.args(arguments);
    command
}
