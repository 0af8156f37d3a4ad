//! HTTP requests that become no WebSocket.

use std::{
    io::{Read, Write},
    time::Instant,
};

use serde_json::Value;

use crate::harness::{
    Client, Gateway, Http, WebSocket,
    client::connect,
    tokens::{secret_flag, token},
    websocket::{read_head, request},
};

/// Sends a request and returns the head of the answer and its problem.
fn problem(gateway: &Gateway, request: &[u8]) -> (String, Value) {
    let mut socket = connect(gateway.http);
    socket.write_all(request).unwrap();
    let head = read_head(&mut socket).to_lowercase();
    assert!(head.contains("content-type: application/problem+json"), "{head}");
    let length = head.split("content-length: ").nth(1).unwrap().split('\r').next().unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    socket.read_exact(&mut body).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let status = head.split(' ').nth(1).unwrap();
    assert_eq!(body["status"].to_string(), status, "{head}");
    assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
    (head, body)
}

#[test]
fn unknown_clients_get_401_and_the_scheme() {
    let gateway = Gateway::start(&[&secret_flag()]);
    for (target, more) in [
        ("/v1/ws?user=u", ""),
        ("/v1/ws?token=", ""),
        ("/v1/ws?token=garbage", ""),
        ("/v1/ws", "Authorization: Bearer garbage\r\n"),
        ("/v1/ws", "Authorization: Basic dTp1\r\n"),
    ] {
        let (head, body) = problem(&gateway, &request(&gateway, target, more));
        assert_eq!(body["status"], 401);
        assert!(head.contains("www-authenticate: bearer"), "{head}");
    }
}

#[test]
fn a_token_may_stand_in_the_query() {
    let gateway = Gateway::start(&[&secret_flag()]);
    let mut socket = connect(gateway.http);
    let target = format!("/v1/ws?token={}", token("u"));
    socket.write_all(&request(&gateway, &target, "")).unwrap();
    assert_eq!(WebSocket::adopt(socket).unwrap().expect("hello")["user"], "u");
}

#[test]
fn requests_that_are_no_handshake_are_told_so() {
    let gateway = Gateway::start(&[]);
    let plain = Http::new(gateway.http);
    for path in ["/v1/ws?user=u", "/v1/ws"] {
        let answer = plain.get(path);
        assert_eq!((answer.status, answer.header("upgrade")), (426, Some("websocket")));
    }
    for path in ["/", "/v1", "/v1/nothing", "/metrics"] {
        let answer = plain.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
    let (_, body) = problem(&gateway, &request(&gateway, "/v1/nothing", ""));
    assert_eq!(body["status"], 404);
}

#[test]
fn bad_handshakes_get_400() {
    let gateway = Gateway::start(&[]);
    let good = String::from_utf8(request(&gateway, "/v1/ws?user=u", "")).unwrap();
    for (from, to) in [
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""),
        ("Sec-WebSocket-Version: 13\r\n", ""),
    ] {
        let (_, body) = problem(&gateway, good.replace(from, to).as_bytes());
        assert_eq!(body["status"], 400, "{from} as {to}");
    }
    let other = good.replace("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 12");
    let (_, body) = problem(&gateway, other.as_bytes());
    // As the example of RFC 6455 section 4.4.
    assert_eq!(body["status"], 426, "{body}");
    let mut socket = connect(gateway.http);
    socket.write_all(b"\x16\x03\x01\x02\0\x01\0 what is this\r\n\r\n").unwrap();
    assert!(read_head(&mut socket).starts_with("HTTP/1.1 400 "));
}

#[test]
fn extensions_are_not_agreed_to() {
    let gateway = Gateway::start(&[]);
    let mut socket = connect(gateway.http);
    let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: a\r\n";
    socket.write_all(&request(&gateway, "/v1/ws?user=u", offer)).unwrap();
    let head = read_head(&mut socket).to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(!head.contains("extensions") && !head.contains("sec-websocket-protocol"), "{head}");
}

#[test]
fn a_full_gateway_says_when_to_come_back() {
    let gateway = Gateway::start(&["--max-sessions=2"]);
    let _sessions = ["a", "b"].map(|user| WebSocket::join(&gateway, user));
    let (head, body) = problem(&gateway, &request(&gateway, "/v1/ws?user=c", ""));
    assert_eq!(body["status"], 503);
    assert!(head.contains("retry-after: "), "{head}");
    assert_eq!(gateway.get("/readyz").status, 503);
}

#[test]
fn too_many_handshakes_at_once_are_told_to_come_back() {
    let gateway = Gateway::start(&["--handshake-rate=2"]);
    // Each has a connection of its own, sent before any answer is read.
    let mut sockets: Vec<_> = (0..40).map(|_| connect(gateway.http)).collect();
    let begun = Instant::now();
    for (number, socket) in sockets.iter_mut().enumerate() {
        let target = format!("/v1/ws?user={number}");
        socket.write_all(&request(&gateway, &target, "")).unwrap();
    }
    let heads: Vec<_> = sockets.iter_mut().map(read_head).collect();
    let with = |status: &str| heads.iter().filter(|head| head.contains(status)).count();
    // Two at once, and two more for each second that the machine took for it.
    let most = 2 + (2.0 * begun.elapsed().as_secs_f64()).ceil() as usize;
    assert!((2..=most).contains(&with(" 101 ")), "{most} at most: {heads:?}");
    assert_eq!(with(" 101 ") + with(" 503 "), 40);
    let refused = heads.iter().find(|head| head.contains(" 503 ")).unwrap().to_lowercase();
    assert!(refused.contains("retry-after: "), "{refused}");
}
