//! The closing handshake (RFC 6455 section 7).

use std::io::Read;

use serde_json::json;
use tungstenite::Message;

use crate::harness::{Client, Gateway, WebSocket, client::connect, websocket::frame};

#[test]
fn a_close_is_answered_with_its_code() {
    let gateway = Gateway::start(&[]);
    for code in [1000_u16, 1001, 1011, 3000, 4999] {
        let mut client = WebSocket::join(&gateway, "u");
        client.write_frame(0x88, &[&code.to_be_bytes()[..], b"over"].concat());
        match client.message().unwrap() {
            Message::Close(Some(close)) => assert_eq!(u16::from(close.code), code),
            other => panic!("{code}: {other:?}"),
        }
    }
    gateway.await_metric("holdfast_sessions", 0.0);
}

#[test]
fn a_close_without_a_code_is_answered_without_one_and_the_server_closes_first() {
    let gateway = Gateway::start(&[]);
    let mut client = WebSocket::join(&gateway, "u");
    client.write_frame(0x88, b"");
    let mut rest = Vec::new();
    let mut socket = client.socket().try_clone().unwrap();
    socket.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"\x88\x00");
}

#[test]
fn what_comes_behind_a_close_is_passed_over() {
    let gateway = Gateway::start(&[]);
    let mut client = WebSocket::join(&gateway, "u");
    let ping = json!({ "type": "ping" }).to_string();
    let close = frame(0x88, &1000_u16.to_be_bytes());
    client.write(&[close, frame(0x81, ping.as_bytes()), vec![0xff; 100]].concat());
    assert!(matches!(client.message().unwrap(), Message::Close(Some(_))));
    gateway.await_metric("holdfast_sessions", 0.0);
}

#[test]
fn a_client_that_does_not_answer_the_close_is_let_go() {
    let gateway = Gateway::start(&["--close-timeout=200ms", "--workers=1"]);
    let socket = connect(gateway.http);
    std::io::Write::write_all(&mut &socket, &WebSocket::handshake(&gateway, &"u".into())).unwrap();
    let mut client = WebSocket::adopt(socket).unwrap();
    client.expect("hello");
    let before = gateway.metrics().get("holdfast_fds_open") - 1.0;
    client.write(&frame(0x81, b"no json"));
    // The descriptor is free again although this end never closes.
    gateway.await_metric("holdfast_fds_open", before);
}
