//! What is answered to requests that are no handshake, or a wrong one.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
};

use crate::harness::{
    Client, Gateway, WebSocket,
    client::connect,
    tokens::secret_flag,
    websocket::{read_head, request},
};

const ECHO: &str = "/v1/echo";

/// Everything that is answered, to the end of the connection.
fn answer(gateway: &Gateway, request: &[u8]) -> String {
    let mut socket = connect(gateway.http);
    socket.write_all(request).unwrap();
    to_the_end(socket)
}

fn to_the_end(mut socket: TcpStream) -> String {
    let mut said = String::new();
    socket.read_to_string(&mut said).unwrap();
    said
}

fn assert_refused(said: &str, status: u16) {
    assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {said}");
    assert_eq!(said.matches("content-length").count(), 1, "one answer: {said}");
    let head = said.split("\r\n\r\n").next().unwrap().to_lowercase();
    assert!(head.contains("\r\nconnection: close"), "{said}");
    assert!(!head.contains("connection: upgrade") && !head.contains("keep-alive"), "{said}");
}

#[test]
fn the_body_of_a_handshake_is_never_read_as_frames() {
    let gateway = Gateway::start(&["--echo"]);
    let ping = [0x89, 0x80, 1, 2, 3, 4];
    for fields in ["Content-Length: 6\r\n", "Transfer-Encoding: chunked\r\n"] {
        let request = [request(&gateway, ECHO, fields), ping.to_vec()].concat();
        assert_refused(&answer(&gateway, &request), 400);
    }
    // None is none.
    let mut socket = connect(gateway.http);
    socket.write_all(&request(&gateway, ECHO, "Content-Length: 0\r\n")).unwrap();
    assert!(read_head(&mut socket).starts_with("HTTP/1.1 101 "));
}

#[test]
fn handshakes_are_as_the_rfc_says() {
    let gateway = Gateway::start(&[]);
    let good = String::from_utf8(request(&gateway, "/v1/ws?user=u", "")).unwrap();
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (from, to, status) in [
        ("HTTP/1.1", "HTTP/1.0", 400),
        (key, &format!("{key}{key}"), 400),
        ("Host: ", "Host: a\r\nHost: ", 400),
        ("Connection: Upgrade", "Connection: keep-alive", 400),
        ("Upgrade: websocket", "Upgrade: h2c", 426),
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", 426),
    ] {
        assert_refused(&answer(&gateway, good.replace(from, to).as_bytes()), status);
    }
    for (from, to) in [
        ("Connection: Upgrade", "connection: keep-alive, upgrade"),
        ("Upgrade: websocket", "upgrade: h2c, WebSocket"),
        ("/v1/ws", "http://example.org/v1/ws"),
    ] {
        let mut socket = connect(gateway.http);
        socket.write_all(good.replace(from, to).as_bytes()).unwrap();
        let mut client = WebSocket::adopt(socket).unwrap_or_else(|it| panic!("{from}: {it:?}"));
        client.expect("hello");
    }
}

#[test]
fn the_subprotocol_is_chosen_when_it_is_offered() {
    let gateway = Gateway::start(&[]);
    let chosen = |offers: &str| {
        let mut socket = connect(gateway.http);
        socket.write_all(&request(&gateway, "/v1/ws?user=u", offers)).unwrap();
        let head = read_head(&mut socket).to_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        head.contains("\r\nsec-websocket-protocol: holdfast.v1\r\n")
    };
    assert!(chosen("Sec-WebSocket-Protocol: holdfast.v1\r\n"));
    assert!(chosen("Sec-WebSocket-Protocol: other, holdfast.v1\r\n"));
    assert!(chosen("Sec-WebSocket-Protocol: other\r\nSec-WebSocket-Protocol: holdfast.v1\r\n"));
    assert!(!chosen("Sec-WebSocket-Protocol: holdfast.v2\r\n"));
    assert!(!chosen(""));
}

#[test]
fn a_request_in_front_of_a_handshake_is_answered_and_nothing_else() {
    let gateway = Gateway::start(&[]);
    let both =
        [b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(), request(&gateway, "/v1/ws?user=u", "")];
    assert_refused(&answer(&gateway, &both.concat()), 404);
    assert_eq!(gateway.metrics().get("holdfast_sessions"), 0.0);
}

#[test]
fn methods_are_told_apart() {
    let gateway = Gateway::start(&[]);
    let asked = |method: &str, path: &str| {
        answer(&gateway, format!("{method} {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes())
    };
    let said = asked("DELETE", "/v1/ws");
    assert_refused(&said, 405);
    assert!(said.contains("\r\nallow: GET, HEAD\r\n"), "{said}");
    for path in ["/", "/v1/ws"] {
        let (with, without) = (asked("GET", path), asked("HEAD", path));
        let (head, body) = without.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "");
        let length = |head: &str| {
            head.lines().find(|line| line.starts_with("content-length: ")).map(str::to_owned)
        };
        assert_eq!(length(head), length(&with));
        assert_eq!(head.lines().next(), with.lines().next());
    }
}

#[test]
fn what_is_too_large_is_told_so_at_once() {
    // Longer than the client waits: nothing is waited for.
    let gateway = Gateway::start(&["--handshake-timeout=10m"]);
    let huge = "Content-Length: 10000000000\r\n";
    for line in ["POST / HTTP/1.1", "PUT /v1/ws HTTP/1.1", "GET /v1/ws HTTP/1.1"] {
        let head = format!("{line}\r\nHost: h\r\n{huge}\r\nthe beginning");
        assert_refused(&answer(&gateway, head.as_bytes()), 413);
    }
    let long = "x".repeat(20_000);
    assert_refused(&answer(&gateway, format!("GET /{long}").as_bytes()), 414);
    let head = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {long}");
    assert_refused(&answer(&gateway, head.as_bytes()), 431);
    let many = "a: b\r\n".repeat(200);
    assert_refused(&answer(&gateway, format!("GET / HTTP/1.1\r\n{many}").as_bytes()), 431);
    gateway.await_metric("holdfast_handshakes_pending_bytes", 0.0);
}

#[test]
fn what_is_no_http_is_told_so_at_once() {
    let gateway = Gateway::start(&["--handshake-timeout=10m"]);
    for bytes in [
        &b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"{\"type\":\"connect\",\"user\":\"u\"}\n",
    ] {
        assert_refused(&answer(&gateway, bytes), 400);
    }
}

#[test]
fn an_answer_outlives_what_the_client_still_sends() {
    let gateway = Gateway::start(&[&secret_flag()]);
    for target in ["/v1/ws?token=bad", "/v1/nothing"] {
        let mut socket = connect(gateway.http);
        let more = vec![b'x'; 100_000];
        socket.write_all(&[request(&gateway, target, ""), more.clone()].concat()).unwrap();
        // Comes when the answer is under way; a reset would take the answer with it.
        let _ = socket.write_all(&more);
        let _ = socket.shutdown(Shutdown::Write);
        let said = to_the_end(socket);
        assert!(said.contains("\r\n\r\n{"), "{said}");
    }
}

#[test]
fn a_client_that_sends_for_ever_is_cut_off() {
    let gateway = Gateway::start(&[]);
    let mut socket = connect(gateway.http);
    socket.write_all(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    let chunk = [b'x'; 16_384];
    let written = (0..10_000).take_while(|_| socket.write_all(&chunk).is_ok()).count();
    assert!(written < 10_000, "it is still read");
    gateway.await_metric("holdfast_handshakes_answered", 0.0);
    gateway.await_metric("holdfast_handshakes_answered_cut_short_total", 1.0);
}
