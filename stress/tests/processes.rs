//! Several worker processes: this test has no harness because the client starts its own program
//! again, with `stress worker`.

mod client;
mod server;

use std::process::ExitCode;

fn main() {
    if client::was_worker() {
        return;
    }
    // `cargo test` filters and `--list` are for other tests.
    let port = server::start(server::Behaviour { messages: 2, ..Default::default() });
    let (code, report) = client::stress(&format!(
        "idle --target ws://127.0.0.1:{port} --sessions 31 --processes 3 --hold 300ms \
         --sources 127.0.0.2-127.0.0.4 --token-secret s"
    ));
    assert_eq!(code, ExitCode::SUCCESS, "{report:#}");
    assert_eq!(report["sessions"]["held_to_end"], 31);
    assert_eq!(report["sessions"]["processes"], 3);
    assert_eq!(report["received"]["messages"], 62);
    assert_eq!(report["broadcasts"]["fewest_clients"], 31);
}
