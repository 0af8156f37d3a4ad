//! Sessions over TLS, beyond what all transports promise.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use rustls::{ClientConnection, StreamOwned};
use serde_json::{Value, json};

use super::handshakes::{ports, start};
use crate::harness::{
    Gateway, PusherApi, eventually,
    files::TestFile,
    tunnel::{certificate_file, client_config, client_connection},
};

pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A session of the TCP transport over TLS.
pub(crate) fn join(gateway: &Gateway, user: &str) -> Stream {
    let [_, socket] = ports(gateway);
    let mut stream = StreamOwned::new(client_connection(&client_config()), socket);
    let connect = json!({ "type": "connect", "user": user });
    stream.write_all(format!("{connect}\n").as_bytes()).unwrap();
    assert_eq!(line(&mut stream)["type"], "hello");
    stream
}

/// The next line; `null` at an end that was announced.
pub(crate) fn line(stream: &mut Stream) -> Value {
    let (mut text, mut byte) = (Vec::new(), [0]);
    loop {
        match stream.read(&mut byte).unwrap() {
            0 => return Value::Null,
            _ if byte == *b"\n" => return serde_json::from_slice(&text).unwrap(),
            _ => text.push(byte[0]),
        }
    }
}

#[test]
fn sessions_live_on_when_certificates_are_renewed() {
    let text = |name| std::fs::read_to_string(certificate_file(name)).unwrap();
    let cert = TestFile::new("cert", &text("localhost.pem"));
    let key = TestFile::new("key", &text("localhost.key.pem"));
    let listen = "--tls-listen-tcp=127.0.0.1:0";
    let gateway = Gateway::start(&[listen, &cert.flag("tls-cert"), &key.flag("tls-key")]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let mut stream = join(&gateway, "u");
    gateway.await_metric("holdfast_tls_sessions", 1.0);
    let done = "holdfast_key_reloads_total{result=\"ok\",source=\"certificates\"}";
    cert.write(&text("renewed.pem"));
    key.write(&text("renewed.key.pem"));
    eventually("read again", || (gateway.metrics().get(done) > 0.0).then_some(()));
    pusher.client.push(&json!({ "to": { "user": "u" }, "data": 1 }));
    assert_eq!(line(&mut stream)["data"], 1);
    drop(stream);
    gateway.await_metric("holdfast_tls_sessions", 0.0);
}

#[test]
fn an_end_is_announced_and_understood() {
    let gateway = start(&[]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let mut stream = join(&gateway, "u");
    pusher.client.delete("/v1/users/u/sessions");
    assert_eq!(line(&mut stream)["type"], "bye");
    // Without close_notify reading would fail.
    assert_eq!(line(&mut stream), Value::Null);
    let mut stream = join(&gateway, "u");
    stream.conn.send_close_notify();
    stream.flush().unwrap();
    gateway.await_metric("holdfast_sessions_closed_total{reason=\"client_left\"}", 1.0);
    assert_eq!(line(&mut stream), Value::Null);
}

#[test]
fn records_that_say_nothing_count_as_frames() {
    let gateway = start(&["--frame-rate=20"]);
    let mut stream = join(&gateway, "u");
    let end = (0..200).find_map(|_| {
        stream.conn.refresh_traffic_keys().ok()?;
        // One that has gone cannot be written to.
        stream.write_all(b" ").and_then(|()| stream.flush()).err()
    });
    drop(end);
    gateway.await_metric("holdfast_sessions_closed_total{reason=\"too_many_frames\"}", 1.0);
}

#[test]
fn a_record_that_does_not_come_whole_has_its_time() {
    let gateway = start(&["--frame-timeout=500ms"]);
    let mut stream = join(&gateway, "u");
    stream.conn.writer().write_all(b"{\"type\":\"ping\"}\n").unwrap();
    let mut record = Vec::new();
    stream.conn.write_tls(&mut record).unwrap();
    stream.sock.write_all(&record[..record.len() - 1]).unwrap();
    let bye = line(&mut stream);
    assert_eq!((&bye["type"], &bye["reason"]), (&json!("bye"), &json!("too_slow")));
}

#[test]
fn what_is_broken_ends_the_session_and_no_other() {
    let gateway = start(&[]);
    let [mut broken, mut other] = ["u", "v"].map(|user| join(&gateway, user));
    broken.sock.write_all(&[&[23, 3, 3, 0, 40][..], &[1; 40]].concat()).unwrap();
    let error = broken.read(&mut [0]).unwrap_err();
    assert!(error.to_string().contains("BadRecordMac"), "{error}");
    gateway.await_metric("holdfast_sessions_closed_total{reason=\"protocol_error\"}", 1.0);
    other.write_all(b"{\"type\":\"ping\"}\n").unwrap();
    assert_eq!(line(&mut other)["type"], "pong");
}
