//! The load client against an independent WebSocket server (tungstenite), sessions and all.

mod server;

use std::{fs, process::ExitCode};

use clap::Parser;
use serde_json::Value;
use stress::Settings;

#[derive(Parser)]
enum Command {
    Stress(Settings),
}

/// Runs the client and returns its exit code and report.
fn client(flags: &str) -> (ExitCode, Value) {
    let thread = format!("{:?}", std::thread::current().id());
    let name = format!("stress-{}-{thread}.json", std::process::id());
    let file = std::env::temp_dir().join(name);
    let arguments = ["holdfast", "stress"].into_iter().chain(flags.split_whitespace());
    let mut arguments: Vec<_> = arguments.map(Into::into).collect();
    arguments.extend(["--json".into(), file.clone().into_os_string()]);
    let Command::Stress(settings) = settings::layers::parse(arguments).expect(flags);
    let code = stress::run(settings);
    let report = fs::read_to_string(&file).expect("a report");
    fs::remove_file(&file).expect("the report can be removed");
    (code, serde_json::from_str(&report).expect("JSON"))
}

fn is(code: ExitCode, expected: u8) -> bool {
    code == ExitCode::from(expected)
}

#[test]
fn sessions_are_held_and_messages_counted() {
    let port = server::start(server::Behaviour { messages: 3, ..Default::default() });
    let flags = format!("idle --target ws://127.0.0.1:{port} --sessions 20 --hold 300ms");
    let (code, report) = client(&flags);
    assert!(is(code, 0), "{report:#}");
    assert_eq!(report["sessions"]["held_to_end"], 20);
    assert_eq!(report["sessions"]["processes"], 1);
    assert!(report["sessions"]["connect"]["p50_ms"].as_f64().expect("a number") > 0.0);
    assert_eq!(report["received"]["messages"], 60);
    assert!(report["received"]["latency"]["max_ms"].is_number(), "{report:#}");
    assert_eq!(report["broadcasts"]["count"], 3);
    assert_eq!(report["broadcasts"]["fewest_clients"], 20);
}

#[test]
fn refusals_and_losses_are_counted_by_status_and_code() {
    let behaviour = server::Behaviour { refuse: 5, close: 5, ..Default::default() };
    let port = server::start(behaviour);
    let flags = format!("idle --target ws://127.0.0.1:{port} --sessions 20 --hold 300ms");
    let (code, report) = client(&flags);
    assert!(is(code, 1), "{report:#}");
    assert_eq!(report["sessions"]["held"], 15);
    assert_eq!(report["sessions"]["held_to_end"], 10);
    assert_eq!(report["failures"][0]["what"], "HTTP status 503");
    assert_eq!(report["failures"][0]["count"], 5);
    assert_eq!(report["losses"][0]["what"], "WebSocket close code 1012");
    assert_eq!(report["losses"][0]["count"], 5);
}

#[test]
fn nobody_listening_is_named() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = unused.local_addr().expect("an address").port();
    drop(unused);
    let flags = format!("idle --target tcp://127.0.0.1:{port} --sessions 3 --hold 0s");
    let (code, report) = client(&flags);
    assert!(is(code, 1), "{report:#}");
    assert_eq!(report["failures"][0]["what"], "ECONNREFUSED while connecting");
    assert_eq!(report["failures"][0]["count"], 3);
    assert!(report["failures"][0]["limit"].is_string());
}

#[test]
fn silence_runs_into_the_timeout() {
    let port = server::start(server::Behaviour { silent: true, ..Default::default() });
    let target = format!("--target ws://127.0.0.1:{port} --sessions 3 --hold 0s");
    let (code, report) = client(&format!("idle {target} --connect-timeout 200ms"));
    assert!(is(code, 1), "{report:#}");
    assert_eq!(report["failures"][0]["what"], "timeout while awaiting hello");
    let (code, report) = client(&format!("idle {target} --no-hello"));
    assert!(is(code, 0), "{report:#}");
}

#[test]
fn pushes_are_followed_from_the_api_to_the_clients() {
    let served = server::start_with_api(server::Behaviour::default());
    let common = format!(
        "push --target ws://127.0.0.1:{} --api http://127.0.0.1:{} --sessions 10",
        served.clients, served.api,
    );
    for (flags, messages) in [
        ("--push-total 500 --batch-size 30", 500),
        ("--push-total 50 --push-mode single --push-connections 3", 50),
        ("--push-total 40 --push-rate 2000", 40),
        ("--push-total 3 --push-to all", 30),
    ] {
        let (code, report) = client(&format!("{common} {flags}"));
        assert!(is(code, 0), "{flags}: {report:#}");
        assert_eq!(report["pushes"]["expected"], messages, "{flags}");
        assert_eq!(report["pushes"]["missing"], 0, "{flags}");
        assert_eq!(report["received"]["messages"], messages, "{flags}");
        assert!(report["received"]["share_within_200_ms"].is_number(), "{flags}");
    }
}

#[test]
fn wrong_settings_end_with_2() {
    let wrong = [
        "idle --target gopher://h:1",
        "push --payload 1B",
        "idle --json /nonexistent/x",
        "idle --token-private-key /nonexistent/x",
        "idle --token-private-key Cargo.toml",
        "idle --token-private-key x --token-secret y",
        "idle --topic news",
        "push --push-to topic --token-secret 0123456789abcdef0123456789abcdef",
    ];
    for flags in wrong {
        let arguments = ["holdfast", "stress"].into_iter().chain(flags.split_whitespace());
        let arguments = arguments.map(Into::into).collect();
        let Command::Stress(settings) = settings::layers::parse(arguments).expect(flags);
        assert!(is(stress::run(settings), 2), "{flags}");
    }
}
