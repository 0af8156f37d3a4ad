//! A pusher-api that is asked to stop, also while it starts.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
};

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{
    Client, Gateway, Http, Process, PusherApi, Tcp, client::connect, eventually,
    files::TestDirectory, metrics::Metrics, websocket::read_head,
};

const PUSH: &str = r#"{"to":{"user":"u"},"data":1}"#;

/// A connection on which half of a push has been sent, and the other half.
fn half_a_push(address: SocketAddr) -> (TcpStream, &'static str) {
    let (first, rest) = PUSH.split_at(10);
    let mut socket = connect(address);
    let head = "POST /v1/push HTTP/1.1\r\nhost: h\r\ncontent-length:";
    socket.write_all(format!("{head} {}\r\n\r\n{first}", PUSH.len()).as_bytes()).unwrap();
    (socket, rest)
}

fn await_unready(pusher: &PusherApi) {
    eventually("not ready", || (pusher.client.get("/readyz").status == 503).then_some(()));
}

fn await_closed(pusher: &PusherApi) {
    eventually("nobody is let in", || TcpStream::connect(pusher.address).err());
}

#[test]
fn requests_are_taken_while_load_balancers_find_out() {
    let gateway = Gateway::start(&[]);
    let mut pusher = PusherApi::start(&[&gateway], &["--drain-wait=3s"]);
    let mut client = Tcp::join(&gateway, "u");
    pusher.process.signal(Signal::TERM);
    await_unready(&pusher);
    let metrics = Metrics::parse(&pusher.client.get("/metrics").text);
    assert_eq!(metrics.get("holdfast_pusher_ready"), 0.0);
    assert_eq!(metrics.get(r#"holdfast_pusher_not_ready{reason="draining"}"#), 1.0);
    assert_eq!(pusher.client.get("/healthz").status, 200);
    for backend in [&pusher.client, &Http::new(pusher.address)] {
        backend.push(&json!({ "to": { "user": "u" }, "data": 1 }));
        client.expect("push");
    }
    let (mut socket, rest) = half_a_push(pusher.address);
    await_closed(&pusher);
    socket.write_all(rest.as_bytes()).unwrap();
    let answer = read_head(&mut socket).to_lowercase();
    assert!(answer.starts_with("http/1.1 202") && answer.contains("connection: close"), "{answer}");
    drop(socket);
    client.expect("push");
    assert_eq!(pusher.process.wait().code(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let gateway = Gateway::start(&[]);
    // While it waits for load balancers, and while a request is in progress; both would go on for longer
    // than the test waits.
    let mut waiting = PusherApi::start(&[&gateway], &["--drain-wait=1h"]);
    waiting.process.signal(Signal::TERM);
    await_unready(&waiting);
    let mut busy = PusherApi::start(&[&gateway], &[]);
    let (_request, _) = half_a_push(busy.address);
    eventually("the request is in progress", || {
        let metrics = Metrics::parse(&busy.client.get("/metrics").text);
        (metrics.get("holdfast_pusher_connections") >= 2.0).then_some(())
    });
    busy.process.signal(Signal::TERM);
    await_closed(&busy);
    for pusher in [&mut waiting, &mut busy] {
        pusher.process.signal(Signal::TERM);
        assert_eq!(pusher.process.wait().code(), Some(0));
        let said = |line: &String| line.contains("stopping at once");
        assert!(pusher.process.log().iter().any(said));
    }
}

/// Whether a process handles a signal, as /proc tells (proc(5), `SigCgt`).
fn catches(process: &Process, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() & (1 << (signal.as_raw() - 1)) != 0
}

#[test]
fn a_signal_during_the_start_is_one_to_stop_in_order() {
    for number in 0..10 {
        let data = TestDirectory::new("starting");
        let flags = ["pusher-api", "--insecure", "--listen=127.0.0.1:0", &data.flag("data")];
        let arguments = flags.map(str::to_owned).to_vec();
        let gateways =
            ["gateway", "--insecure", "--listen=127.0.0.1:0", "--listen-tcp=127.0.0.1:0"];
        let of_gateway = gateways.map(str::to_owned).into_iter();
        let of_gateway = of_gateway.chain(["--listen-operators=127.0.0.1:0".to_owned()]);
        let mut process = match number % 2 {
            0 => Process::start(&arguments),
            _ => Process::start(&of_gateway.collect::<Vec<_>>()),
        };
        // As early as it can hear: before that it is not one of ours yet.
        eventually("it hears", || catches(&process, Signal::TERM).then_some(()));
        process.signal(Signal::TERM);
        assert_eq!(process.wait().code(), Some(0), "{:?}", process.log());
    }
}
