//! TLS between backends and pusher-api.

use std::{
    io::{Read, Write},
    net::SocketAddr,
};

use rustix::process::Signal;
use serde_json::json;

use super::{listener_flags, local};
use crate::harness::{
    Client, Gateway, Http, Process, PusherApi, Tcp, eventually,
    tls::{Changing, certificate, connect},
};

/// Where it listens inside TLS.
pub(super) fn tls_address(pusher: &mut PusherApi) -> SocketAddr {
    pusher.process.find_in_log("pusher-api listens with TLS", |line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let fields = line.get("fields")?;
        let is_it = fields["message"] == "pusher-api listens with TLS";
        is_it.then(|| fields["address"].as_str()?.parse().ok()).flatten()
    })
}

/// A gateway, and a pusher-api that also listens inside TLS.
pub(crate) fn encrypted() -> (Gateway, PusherApi, SocketAddr) {
    let gateway = Gateway::start(&[]);
    let mut pusher =
        PusherApi::start(&[&gateway], &listener_flags().each_ref().map(String::as_str));
    let address = tls_address(&mut pusher);
    (gateway, pusher, address)
}

#[test]
fn backends_say_inside_tls_what_they_say_outside() {
    let (gateway, pusher, address) = encrypted();
    let mut client = Tcp::join(&gateway, "u");
    let backend = Http::inside_tls(address, true);
    for number in 0..3 {
        let receipt = backend.push_with_receipt(&json!({ "to": { "user": "u" }, "data": number }));
        assert_eq!(receipt["complete"], true, "{receipt}");
        assert_eq!(client.expect("push")["data"], number);
    }
    let large = "x".repeat(50_000);
    let line = json!({ "to": { "user": "nobody" }, "data": large }).to_string();
    let lines = vec![line; 100].join("\n");
    assert_eq!(backend.batch(lines.as_bytes())["accepted"], 100);
    assert_eq!(backend.get("/openapi.json").status, 200);
    let ok = r#"holdfast_pusher_tls_handshakes_total{result="ok"}"#;
    assert_eq!(pusher.metrics().get(ok), 1.0, "one connection, kept");
    pusher.client.push(&json!({ "to": { "user": "u" }, "data": "plain" }));
    assert_eq!(client.expect("push")["data"], "plain");
}

#[test]
fn the_end_of_a_connection_is_said() {
    let (_gateway, pusher, address) = encrypted();
    let (mut stream, _) = connect(address);
    stream
        .write_all(b"POST /v1/push HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n")
        .unwrap();
    stream.write_all(b"connection: close\r\ncontent-type: application/json\r\n").unwrap();
    let body = br#"{"to":{"user":"u"},"data":1}"#;
    write!(stream, "content-length: {}\r\n\r\n", body.len()).unwrap();
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    // Without a last word this would be an error.
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");

    // So it is to who waits between requests when the process stops.
    let (mut idle, _) = connect(address);
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    pusher.process.signal(Signal::TERM);
    idle.read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn what_is_not_tls_is_not_taken() {
    let (_gateway, pusher, address) = encrypted();
    let mut plain = std::net::TcpStream::connect(address).unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    let refused = r#"holdfast_pusher_tls_handshakes_total{result="not_tls"}"#;
    // The client is told first.
    eventually("it is counted", || (pusher.metrics().get(refused) == 1.0).then_some(()));
}

#[test]
fn certificates_are_read_again_on_change() {
    let shown = [Changing::new("gateway.pem"), Changing::new("gateway.key.pem")];
    let gateway = Gateway::start(&[]);
    let listen = format!("--tls-listen={}", local());
    let flags = [&listen, &shown[0].flag("tls-cert"), &shown[1].flag("tls-key")];
    let mut pusher = PusherApi::start(&[&gateway], &flags.map(String::as_str));
    let address = tls_address(&mut pusher);
    let (mut there, before) = connect(address);
    assert_eq!(before, certificate("gateway.pem"));
    shown[0].become_file("renewed.pem");
    shown[1].become_file("renewed.key.pem");
    eventually("it shows the new one", || {
        (connect(address).1 == certificate("renewed.pem")).then_some(())
    });
    there.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    there.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200", "who was there stays");
}

#[test]
fn what_others_can_reach_needs_keys_inside_tls_too() {
    let [_, certificate, key] = listener_flags();
    for (flags, named) in [
        (vec!["--tls-listen=0.0.0.0:0", &certificate, &key], "--api-key"),
        (vec!["--tls-listen=127.0.0.1:0", "--development"], "--tls-cert"),
        (vec!["--tls-listen=127.0.0.1:0", "--development", &certificate], "--tls-key"),
    ] {
        let mut arguments = vec!["pusher-api".to_owned()];
        arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let mut process = Process::start(&arguments);
        assert_eq!(process.wait().code(), Some(2), "{arguments:?}");
        let log = process.log();
        assert!(log.iter().any(|line| line.contains(named)), "{arguments:?}: {log:?}");
    }
}
