//! The load client as a program of the test's own: it starts itself again for its workers.

use std::{ffi::OsString, fs, process::ExitCode};

use clap::Parser;
use serde_json::Value;
use stress::Settings;

#[derive(Parser)]
enum Command {
    Stress(Settings),
}

/// Does a worker's work if this process was started as one; whether it was.
pub(crate) fn was_worker() -> bool {
    let arguments: Vec<_> = std::env::args_os().collect();
    let worker = arguments.get(1).is_some_and(|first| first == "stress");
    if worker {
        assert_eq!(run(arguments), ExitCode::SUCCESS);
    }
    worker
}

/// Runs `stress` with these flags: how it ended, and its report.
pub(crate) fn stress(flags: &str) -> (ExitCode, Value) {
    let file = std::env::temp_dir().join(format!("stress-{}.json", std::process::id()));
    let arguments = format!("holdfast stress {flags} --json {}", file.display());
    let code = run(arguments.split(' ').map(Into::into).collect());
    let report = fs::read(&file).expect("a report");
    fs::remove_file(&file).expect("the report can be removed");
    (code, serde_json::from_slice(&report).expect("JSON"))
}

fn run(arguments: Vec<OsString>) -> ExitCode {
    let Command::Stress(settings) = settings::layers::parse(arguments).expect("legal flags");
    stress::run(settings)
}
