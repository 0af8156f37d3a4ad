//! The load client without the `holdfast` command: `cargo run --example client -- stress idle …`.

use std::process::ExitCode;

use clap::Parser;
use stress::Settings;

#[derive(Parser)]
enum Command {
    /// The load client
    Stress(Settings),
}

fn main() -> ExitCode {
    match settings::layers::parse(std::env::args_os().collect()) {
        Ok(Command::Stress(settings)) => stress::run(settings),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
