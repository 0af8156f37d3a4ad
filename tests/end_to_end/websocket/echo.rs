//! `/v1/echo` returns what it gets.

use std::io::Write;

use serde_json::json;
use tungstenite::{Bytes, Message};

use crate::harness::{
    Client, Gateway, WebSocket,
    client::Refused,
    client::connect,
    tokens::{self, secret_flag},
    websocket::{frame, request},
};

fn open(gateway: &Gateway) -> Result<WebSocket, Refused> {
    open_at(gateway, "/v1/echo")
}

fn open_at(gateway: &Gateway, target: &str) -> Result<WebSocket, Refused> {
    let mut socket = connect(gateway.http);
    socket.write_all(&request(gateway, target, "")).unwrap();
    WebSocket::adopt(socket)
}

#[test]
fn text_and_binary_come_back() {
    let gateway = Gateway::start(&["--echo"]);
    let mut client = open(&gateway).unwrap();
    for length in [0, 1, 125, 126, 60_000] {
        let text = "x".repeat(length);
        client.write_frame(0x81, text.as_bytes());
        assert_eq!(client.message().unwrap(), Message::Text(text.clone().into()));
        client.write_frame(0x82, text.as_bytes());
        assert_eq!(client.message().unwrap(), Message::Binary(Bytes::from(text)));
    }
}

#[test]
fn large_messages_come_back_while_others_are_written() {
    let gateway = Gateway::start(&["--echo", "--max-frame=16MiB", "--outbound-limit=20MiB"]);
    let mut client = open(&gateway).unwrap();
    let payload = vec![0xa5; 8 << 20];
    let mut writing = client.socket().try_clone().unwrap();
    let wire = frame(0x82, &payload);
    let writer = std::thread::spawn(move || writing.write_all(&wire).unwrap());
    client.set_unlimited();
    assert_eq!(client.message().unwrap(), Message::Binary(Bytes::from(payload)));
    writer.join().unwrap();
}

#[test]
fn rules_hold_for_echo_sessions_and_they_close_without_a_bye() {
    let gateway = Gateway::start(&["--echo"]);
    let mut client = open(&gateway).unwrap();
    client.write_frame(0xc1, b"");
    match client.message().unwrap() {
        Message::Close(Some(close)) => assert_eq!(u16::from(close.code), 1002),
        other => panic!("{other:?}"),
    }
}

#[test]
fn where_there_are_keys_an_echo_needs_a_token_and_ends_with_it() {
    let gateway = Gateway::start(&["--echo", &secret_flag()]);
    for target in ["/v1/echo", "/v1/echo?user=u", "/v1/echo?token=x"] {
        assert_eq!(open_at(&gateway, target).err(), Some(Refused::Status(401)), "{target}");
    }
    let claims = json!({ "sub": "u", "exp": tokens::in_seconds(3) });
    let target = format!("/v1/echo?token={}", tokens::sign(&claims, tokens::SECRET));
    let mut client = open_at(&gateway, &target).unwrap();
    client.write_frame(0x81, b"x");
    assert_eq!(client.message().unwrap(), Message::Text("x".into()));
    match client.message().unwrap() {
        Message::Close(Some(close)) => assert_eq!(u16::from(close.code), 4401),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_frame_rate_holds_for_echo_sessions() {
    let gateway = Gateway::start(&["--echo", "--frame-rate=10"]);
    let mut client = open(&gateway).unwrap();
    client.write(&frame(0x89, b"").repeat(21));
    let close = loop {
        match client.message().unwrap() {
            Message::Pong(_) => {}
            Message::Close(Some(close)) => break close,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(u16::from(close.code), 4429);
}

#[test]
fn without_the_flag_there_is_no_echo() {
    let gateway = Gateway::start(&[]);
    assert_eq!(open(&gateway).err(), Some(Refused::Status(404)));
}
