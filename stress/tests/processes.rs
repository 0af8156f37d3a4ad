//! Several worker processes: this test has no harness because the client starts its own program
//! again, with `stress worker`.

mod server;

use std::process::ExitCode;

use clap::Parser;
use stress::Settings;

#[derive(Parser)]
enum Command {
    Stress(Settings),
}

fn main() {
    let arguments: Vec<_> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == "stress") {
        assert_eq!(run(arguments), ExitCode::SUCCESS);
        return;
    }
    // `cargo test` filters and `--list` are for other tests.
    let port = server::start(server::Behaviour { messages: 2, ..Default::default() });
    let file = std::env::temp_dir().join(format!("stress-processes-{}.json", std::process::id()));
    let flags = format!(
        "holdfast stress idle --target ws://127.0.0.1:{port} --sessions 31 --processes 3 --hold \
         300ms --sources 127.0.0.2-127.0.0.4 --token-secret s --json {}",
        file.display(),
    );
    assert_eq!(run(flags.split(' ').map(Into::into).collect()), ExitCode::SUCCESS);
    let report = std::fs::read_to_string(&file).expect("a report");
    std::fs::remove_file(&file).expect("the report can be removed");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["sessions"]["held_to_end"], 31);
    assert_eq!(report["sessions"]["processes"], 3);
    assert_eq!(report["received"]["messages"], 62);
    assert_eq!(report["broadcasts"]["fewest_clients"], 31);
}

fn run(arguments: Vec<std::ffi::OsString>) -> ExitCode {
    let Command::Stress(settings) = settings::layers::parse(arguments).expect("legal flags");
    stress::run(settings)
}
