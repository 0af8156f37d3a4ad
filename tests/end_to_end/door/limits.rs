//! What connections that are not sessions may cost, and what is refused before it costs anything.

use std::{io::Write, process::Command};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use crate::harness::{
    Client, Gateway, Process, Tcp, WebSocket, Who,
    client::{Refused, connect},
    eventually,
    process::BINARY,
    servers::arguments,
    tokens::{secret_flag, token},
};

#[test]
fn what_is_kept_of_unfinished_heads_is_bounded() {
    let gateway = Gateway::start(&[
        "--workers=1",
        "--pending-memory=64KiB",
        "--max-pending=1000",
        "--handshake-timeout=10m",
    ]);
    let head = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}", "x".repeat(10_000));
    let mut sockets: Vec<_> = (0..100)
        .map(|_| {
            let mut socket = connect(gateway.http);
            socket.write_all(head.as_bytes()).unwrap();
            socket
        })
        .collect();
    let given_up = "holdfast_handshakes_total{result=\"given_up_bytes\",transport=\"http\"}";
    let metrics = eventually("all have come, and most are given up", || {
        let metrics = gateway.metrics();
        let come = metrics.get(given_up) + metrics.get("holdfast_handshakes_pending");
        (come == 100.0 && metrics.get(given_up) >= 90.0).then_some(metrics)
    });
    let limit = metrics.get("holdfast_handshakes_pending_bytes_limit");
    assert_eq!(limit, 65_536.0);
    eventually("no more is kept than may be", || {
        let kept = gateway.metrics().get("holdfast_handshakes_pending_bytes");
        (kept > 0.0 && kept <= limit).then_some(())
    });
    // The last ones are still there.
    let mut last = sockets.pop().unwrap();
    last.write_all(b"\r\n\r\n").unwrap();
    assert!(crate::harness::websocket::read_head(&mut last).starts_with("HTTP/1.1 404 "));
    drop(sockets);
    gateway.await_metric("holdfast_handshakes_pending_bytes", 0.0);
}

#[test]
fn what_is_refused_anyhow_costs_no_signature() {
    let gateway = Gateway::start(&[&secret_flag(), "--max-sessions=1"]);
    let who = || Who::Token(token("u"));
    let wrong = || Who::Token("garbage".into());
    let _session = WebSocket::join(&gateway, who());
    // Who it is, is not asked any more.
    assert_eq!(WebSocket::open(&gateway, wrong()).err(), Some(Refused::Status(503)));
    let refused = Tcp::open(&gateway, wrong()).err();
    assert_eq!(refused, Some(Refused::Reason("overloaded".into())));
    let full = "holdfast_handshakes_total{result=\"full\",transport=\"websocket\"}";
    gateway.await_metric(full, 1.0);
}

#[test]
fn a_wrong_token_takes_no_room() {
    let gateway = Gateway::start(&[&secret_flag(), "--max-sessions=1"]);
    for _ in 0..5 {
        let refused = WebSocket::open(&gateway, Who::Token("garbage".into())).err();
        assert_eq!(refused, Some(Refused::Status(401)));
    }
    WebSocket::join(&gateway, Who::Token(token("u"))).expect_alive();
}

#[test]
fn every_result_is_there_from_the_start() {
    let gateway = Gateway::start(&[]);
    let text = gateway.get("/metrics").text;
    for result in ["accepted", "bad_request", "draining", "handshake_timeout", "given_up_places"] {
        for transport in ["http", "tcp", "websocket"] {
            let sample = format!(
                "holdfast_handshakes_total{{result=\"{result}\",transport=\"{transport}\"}} 0"
            );
            assert!(text.contains(&sample), "{sample}");
        }
    }
}

#[test]
fn silent_connections_leave_descriptors_to_operators() {
    let any = "127.0.0.1:0".parse().unwrap();
    let flags = vec!["--handshake-timeout=10m".to_owned()];
    let mut command = Command::new("sh");
    command.arg("-c").arg("ulimit -n 300; exec \"$0\" \"$@\"").arg(BINARY);
    command.args(arguments([any; 3], &flags));
    let gateway = Gateway::listen([any; 3], flags, Process::spawn(command));
    let silent: Vec<_> = (0..400)
        .map(|number| connect(if number % 2 == 0 { gateway.http } else { gateway.tcp }))
        .collect();
    // Each on a connection of its own.
    for _ in 0..10 {
        let fresh = crate::harness::Http::new(gateway.operators);
        assert_eq!(fresh.get("/healthz").status, 200);
    }
    WebSocket::join(&gateway, "u").expect_alive();
    assert_eq!(gateway.metrics().get("holdfast_accept_errors_total"), 0.0);
    drop(silent);
}

#[test]
fn a_gateway_that_cannot_accept_says_so_once_and_is_not_ready() {
    let gateway = Gateway::start(&["--workers=1"]);
    // Its connection stays, whatever happens to others.
    assert_eq!(gateway.get("/readyz").status, 200);
    set_descriptors(&gateway, 20);
    let handshake = Tcp::handshake(&gateway, &Who::user("u"));
    let knock = || {
        let mut socket = connect(gateway.tcp);
        socket.write_all(&handshake).unwrap();
        socket
    };
    let waiting: Vec<_> = (0..20).map(|_| knock()).collect();
    gateway.await_metric("holdfast_accept_blocked", 1.0);
    let ready = gateway.get("/readyz");
    assert!(ready.status == 503 && ready.text.contains("accepted"), "{ready:?}");
    let errors = gateway.metrics().get("holdfast_accept_errors_total{errno=\"EMFILE\"}");
    // It pauses between tries; without, there would be thousands.
    assert!(errors > 0.0 && errors < 500.0, "{errors} failures");
    let hard = getrlimit(Resource::Nofile).maximum.unwrap();
    set_descriptors(&gateway, hard);
    for socket in waiting.into_iter().take(5) {
        Tcp::adopt(socket).unwrap().expect("hello");
    }
    gateway.await_metric("holdfast_accept_blocked", 0.0);
    eventually("ready again", || (gateway.get("/readyz").status == 200).then_some(()));
    eventually("it says so", || {
        (lines_with(&gateway, "accepting connections again") == 1).then_some(())
    });
    assert_eq!(lines_with(&gateway, "cannot accept connections"), 1);
}

fn set_descriptors(gateway: &Gateway, soft: u64) {
    let hard = getrlimit(Resource::Nofile).maximum;
    let pid = Pid::from_raw(gateway.process.pid() as i32);
    prlimit(pid, Resource::Nofile, Rlimit { current: Some(soft), maximum: hard }).unwrap();
}

fn lines_with(gateway: &Gateway, text: &str) -> usize {
    gateway.process.log().iter().filter(|line| line.contains(text)).count()
}
