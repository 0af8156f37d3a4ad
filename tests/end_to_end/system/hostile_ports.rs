//! Crowds that hold on to the HTTP ports of operators and backends and want nothing. Whoever does
//! want something gets it, and the process stays small.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::harness::{
    Client, Gateway, Http, Process, PusherApi, Tcp, http::Answer, metrics::Metrics,
    process::BINARY, wait::LIMIT,
};

/// Peers of each kind.
const CROWD: usize = 400;
/// What a crowd may cost, in KiB; a dispatcher's buffers for each would be several times that.
const GROWTH_KIB: u64 = 40 << 10;

/// What each peer of a crowd says, and no more; answers are not read.
fn kinds() -> Vec<(&'static str, String)> {
    let small = "GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n";
    vec![
        ("silent", String::new()),
        ("kept and idle", small.to_owned()),
        ("half a head", "GET /healthz HTTP/1.1\r\nhost: h\r\nx: ".to_owned()),
        ("a head without end", format!("GET / HTTP/1.1\r\nhost: h\r\nx: {}", "y".repeat(100_000))),
        ("a line without end", format!("GET /{}", "y".repeat(100_000))),
        ("pipelines nobody reads", small.repeat(2_000)),
        ("metrics nobody reads", small.replace("healthz", "metrics").repeat(50)),
        (
            "half a body",
            format!(
                "POST /v1/push HTTP/1.1\r\nhost: h\r\ncontent-length: 60000\r\n\r\n{}",
                "x".repeat(30_000)
            ),
        ),
    ]
}

/// Says something as far as the other side takes it at once.
fn knock(address: SocketAddr, text: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_nonblocking(true).unwrap();
    // What does not go out is not wanted; the connection may even be closed again.
    let _ = socket.write(text.as_bytes());
    socket
}

/// Holds everything that a crowd has opened, while `check` finds out that others are served.
fn besiege(address: SocketAddr, process: &Process, mut check: impl FnMut(&str)) {
    // The processes of the tests take their share.
    rlimit::increase_nofile_limit(1 << 16).unwrap();
    check("nobody");
    let before = process.resident_kib();
    let mut crowd = Vec::new();
    for (kind, text) in kinds() {
        for number in 0..CROWD {
            crowd.push(knock(address, &text));
            if number % 100 == 99 {
                check(kind);
            }
        }
        check(kind);
        let grown = process.resident_kib().saturating_sub(before);
        assert!(grown < GROWTH_KIB, "{kind}: grown by {grown} KiB");
    }
}

/// A newcomer is answered, sooner than anything of the crowd could run into its deadline.
fn get(address: SocketAddr, path: &str, kind: &str) -> Answer {
    let begun = Instant::now();
    let answer = Http::new(address).get(path);
    assert_eq!(answer.status, 200, "{kind}: {answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(4).min(LIMIT), "{kind}: {:?}", begun.elapsed());
    answer
}

fn assert_bounded(metrics: &Metrics, prefix: &str) {
    let value = |name: &str| metrics.get(&format!("{prefix}_{name}"));
    let limit = value("connections_limit");
    assert!(limit > 0.0 && value("connections") <= limit + 64.0, "{}", value("connections"));
    assert!(value("request_bytes") <= value("request_bytes_limit"));
    let given_up = format!("{prefix}_connections_given_up_total{{reason=\"room\"}}");
    assert!(metrics.get(&given_up) > 0.0, "nobody had to go");
}

#[test]
fn backends_are_served_whoever_else_is_there() {
    let gateway = Gateway::start(&[]);
    let flags = ["--max-connections=100", "--request-memory=8MiB", "--workers=2"];
    let pusher = PusherApi::start(&[&gateway], &flags);
    let mut client = Tcp::join(&gateway, "u");
    let mut number = 0;
    besiege(pusher.address, &pusher.process, |kind| {
        get(pusher.address, "/healthz", kind);
        number += 1;
        Http::new(pusher.address).push(&json!({ "to": { "user": "u" }, "data": number }));
        assert_eq!(client.expect("push")["data"], number, "{kind}");
    });
    let metrics = Metrics::parse(&get(pusher.address, "/metrics", "in the end").text);
    assert_bounded(&metrics, "holdfast_pusher");
}

#[test]
fn backends_are_served_when_no_descriptor_is_left() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 100; exec \"$0\" \"$@\"", BINARY, "pusher-api"]);
    command.args(["--development", "--log-format=json", "--max-connections=1000", "--workers=2"]);
    command.args(["--listen=127.0.0.1:0", "--gateway=http://127.0.0.1:1"]);
    let pusher = PusherApi::take(Process::spawn(command), Vec::new());
    let address = pusher.address;
    rlimit::increase_nofile_limit(1 << 16).unwrap();
    let mut crowd = Vec::new();
    for number in 0..400 {
        crowd.push(knock(address, ""));
        if number % 100 == 99 {
            get(address, "/healthz", "silent without descriptors");
        }
    }
    let metrics = Metrics::parse(&get(address, "/metrics", "in the end").text);
    assert!(metrics.get("holdfast_pusher_accept_errors_total{errno=\"EMFILE\"}") > 0.0);
}

#[test]
fn operators_and_links_are_served_whoever_else_is_there() {
    let gateway = Gateway::start(&[]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let mut client = Tcp::join(&gateway, "u");
    let mut number = 0;
    besiege(gateway.operators, &gateway.process, |kind| {
        get(gateway.operators, "/healthz", kind);
        number += 1;
        pusher.client.push(&json!({ "to": { "user": "u" }, "data": number }));
        assert_eq!(client.expect("push")["data"], number, "{kind}");
    });
    let metrics = Metrics::parse(&get(gateway.operators, "/metrics", "in the end").text);
    assert_bounded(&metrics, "holdfast_operators");
    assert_eq!(metrics.get("holdfast_links"), 1.0);
    let lost = Metrics::parse(&pusher.client.get("/metrics").text);
    assert_eq!(lost.get("holdfast_pusher_link_losses_total"), 0.0, "the link stood all the time");
}
