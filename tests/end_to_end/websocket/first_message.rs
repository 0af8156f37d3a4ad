//! WebSockets whose clients say who they are in their first message.

use std::{
    io::Write,
    net::{Shutdown, TcpStream},
};

use serde_json::{Value, json};

use crate::harness::{
    Client, Event, Gateway, PusherApi, WebSocket, Who,
    client::connect,
    tokens::{secret_flag, token, token_of_device},
    websocket::request,
};

/// A connection that is a WebSocket and no session.
fn upgraded(gateway: &Gateway, target: &str) -> WebSocket {
    let mut socket: TcpStream = connect(gateway.http);
    socket.write_all(&request(gateway, target, "")).unwrap();
    WebSocket::adopt(socket).unwrap()
}

fn message(fields: Value) -> Vec<u8> {
    let mut frame = json!({ "type": "connect" });
    frame.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    WebSocket::wire(&frame.to_string())
}

#[test]
fn a_token_may_come_in_the_first_message() {
    let gateway = Gateway::start(&[&secret_flag()]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let mut client = upgraded(&gateway, "/v1/ws?device=phone");
    gateway.await_metric("holdfast_handshakes_pending", 1.0);
    assert_eq!(gateway.metrics().get("holdfast_sessions"), 0.0, "it is nobody yet");
    let ping = WebSocket::wire(r#"{"type":"ping"}"#);
    let said = [message(json!({ "token": token("u") })), ping].concat();
    // However it is cut.
    said.iter().for_each(|byte| client.write(&[*byte]));
    assert_eq!(client.expect("hello")["user"], "u");
    client.expect("pong");
    let shown = pusher.client.get("/v1/users/u").json();
    assert_eq!(shown["sessions"][0]["device"], "phone");
    gateway.await_metric("holdfast_handshakes_pending", 0.0);
    // A newer one of the device, named in the message.
    let mut newer = upgraded(&gateway, "/v1/ws");
    newer.write(&message(json!({ "token": token("u"), "device": "phone" })));
    newer.expect("hello");
    client.expect_bye("replaced", 4409);
}

#[test]
fn without_keys_a_user_may_come_in_the_first_message() {
    let gateway = Gateway::start(&[]);
    let mut client = upgraded(&gateway, "/v1/ws");
    client.write(&message(json!({ "user": "u" })));
    assert_eq!(client.expect("hello")["user"], "u");
}

#[test]
fn what_else_comes_first_is_refused_by_a_close() {
    let gateway = Gateway::start(&[&secret_flag(), "--sessions-per-user=1"]);
    let _only = WebSocket::join(&gateway, Who::Token(token_of_device("v", "d")));
    for (bytes, reason, code) in [
        (message(json!({ "token": "garbage" })), "unauthorized", 1008),
        (message(json!({ "user": "u" })), "unauthorized", 1008),
        (message(json!({ "token": token("v") })), "too_many_sessions", 1013),
        (WebSocket::wire(r#"{"type":"ping"}"#), "invalid_frame", 1007),
        (WebSocket::wire("nonsense"), "invalid_frame", 1007),
        (b"no frame at all".to_vec(), "protocol_error", 1002),
    ] {
        let mut client = upgraded(&gateway, "/v1/ws");
        client.write(&bytes);
        client.expect_bye(reason, code);
    }
    let refused = gateway.metrics();
    let count = |result: &str| {
        refused.get(&format!(
            "holdfast_handshakes_total{{result=\"{result}\",transport=\"websocket\"}}"
        ))
    };
    assert_eq!((count("unauthorized"), count("invalid_frame")), (2.0, 2.0));
}

#[test]
fn who_does_not_say_who_it_is_has_as_long_as_any_arrival() {
    let gateway = Gateway::start(&[&secret_flag(), "--handshake-timeout=300ms"]);
    let mut silent = upgraded(&gateway, "/v1/ws");
    silent.expect_bye("handshake_timeout", 1008);
    let mut leaving = upgraded(&gateway, "/v1/ws");
    leaving.write_frame(0x88, &1000_u16.to_be_bytes());
    assert_eq!(leaving.next(), Event::Closed(Some(1000)));
    let gone = upgraded(&gateway, "/v1/ws");
    gone.socket().shutdown(Shutdown::Both).unwrap();
    gateway.await_metric("holdfast_handshakes_pending", 0.0);
}
