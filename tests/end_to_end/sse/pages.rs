//! What browsers ask before they let a page of another origin speak and read.

use std::io::{Read, Write};

use crate::harness::{
    Client, Gateway,
    client::connect,
    tokens::{secret_flag, token},
    websocket::read_head,
};

fn head(gateway: &Gateway, request: &str, fields: &str) -> String {
    let mut socket = connect(gateway.http);
    write!(socket, "{request} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n", gateway.http).unwrap();
    read_head(&mut socket).to_lowercase()
}

fn allowed(head: &str) -> Option<&str> {
    let line = head.lines().find(|line| line.starts_with("access-control-allow-origin: "))?;
    line.split_once(": ").map(|(_, origin)| origin)
}

#[test]
fn pages_of_other_origins_may_read_answers_and_problems() {
    let gateway = Gateway::start(&[&secret_flag()]);
    let bearer = format!("Authorization: Bearer {}\r\n", token("u"));
    let origin = "Origin: https://app.example\r\n";
    let stream = head(&gateway, "GET /v1/sse", &format!("{origin}{bearer}"));
    assert!(stream.starts_with("http/1.1 200 ") && allowed(&stream) == Some("*"), "{stream}");
    let refused = head(&gateway, "GET /v1/sse", origin);
    assert!(refused.starts_with("http/1.1 401 ") && allowed(&refused) == Some("*"), "{refused}");
    let posted = head(&gateway, "POST /v1/frames?session=1", &format!("{origin}{bearer}"));
    assert!(posted.starts_with("http/1.1 400 ") && allowed(&posted) == Some("*"), "{posted}");
    for path in ["/v1/sse", "/v1/frames"] {
        let asks = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n";
        let answer = head(&gateway, &format!("OPTIONS {path}"), &format!("{origin}{asks}"));
        assert!(answer.starts_with("http/1.1 204 ") && allowed(&answer) == Some("*"), "{answer}");
        assert!(answer.contains("access-control-allow-headers: authorization, "), "{answer}");
        let methods = answer.lines().find(|line| line.starts_with("access-control-allow-methods"));
        assert!(methods.is_some_and(|it| it.contains("post")), "{answer}");
    }
}

#[test]
fn where_origins_are_named_others_are_refused() {
    let gateway = Gateway::start(&[&secret_flag(), "--allow-origin=https://app.example"]);
    let fields =
        |origin: &str| format!("Origin: {origin}\r\nAuthorization: Bearer {}\r\n", token("u"));
    let own = head(&gateway, "GET /v1/sse", &fields("https://app.example"));
    assert_eq!(allowed(&own), Some("https://app.example"));
    let other = head(&gateway, "GET /v1/sse", &fields("https://evil.example"));
    assert!(other.starts_with("http/1.1 403 ") && allowed(&other).is_none(), "{other}");
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (origin, status) in [("https://app.example", 101), ("https://evil.example", 403)] {
        let answer = head(&gateway, "GET /v1/ws", &format!("{}{upgrade}", fields(origin)));
        assert!(answer.starts_with(&format!("http/1.1 {status} ")), "{origin}: {answer}");
    }
    let none = head(&gateway, "GET /v1/sse", &format!("Authorization: Bearer {}\r\n", token("u")));
    assert!(none.starts_with("http/1.1 200 "), "no page: {none}");
}

#[test]
fn in_development_only_pages_of_this_machine_are_let_in() {
    let gateway = Gateway::start(&["--development"]);
    let own = head(&gateway, "GET /v1/sse?user=u", "Origin: http://localhost:3000\r\n");
    assert!(own.starts_with("http/1.1 200 "), "{own}");
    assert_eq!(allowed(&own), Some("http://localhost:3000"));
    for path in ["GET /v1/sse?user=u", "POST /v1/frames?user=u&session=1"] {
        let other = head(&gateway, path, "Origin: https://evil.example\r\nContent-Length: 0\r\n");
        assert!(!other.starts_with("http/1.1 200 ") && allowed(&other).is_none(), "{other}");
    }
}

/// The bytes of an answer to its end.
fn whole(gateway: &Gateway, request: &str, fields: &str) -> Vec<u8> {
    let mut socket = connect(gateway.http);
    write!(socket, "{request} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n", gateway.http).unwrap();
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_refusal_can_be_told_by_a_session_that_closes_at_once() {
    let gateway = Gateway::start(&[&secret_flag(), "--sessions-per-user=1"]);
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let _only = crate::harness::WebSocket::join(&gateway, crate::harness::Who::signed("u"));
    for (token, reason, code) in
        [("garbage".to_owned(), "unauthorized", 1008_u16), (token("u"), "too_many_sessions", 1013)]
    {
        let bearer = format!("Authorization: Bearer {token}\r\n");
        let answer = whole(&gateway, "GET /v1/ws?refuse=close", &format!("{bearer}{upgrade}"));
        let text = String::from_utf8_lossy(&answer);
        assert!(text.starts_with("HTTP/1.1 101 "), "{text}");
        assert!(text.contains(&format!(r#"{{"type":"bye","reason":"{reason}""#)), "{text}");
        let close = [&[0x88, 2 + reason.len() as u8][..], &code.to_be_bytes(), reason.as_bytes()];
        assert!(answer.ends_with(&close.concat()), "{text}");
        let answer = whole(&gateway, "GET /v1/sse?refuse=close", &bearer);
        let text = String::from_utf8_lossy(&answer);
        assert!(
            text.starts_with("HTTP/1.1 200 ") && text.contains("event: holdfast.bye\n"),
            "{text}"
        );
        assert_eq!(text.contains("retry: 86400000\nid: end\n"), code == 1008, "{text}");
        let plain = whole(&gateway, "GET /v1/ws", &format!("{bearer}{upgrade}"));
        let status = if code == 1008 { "401" } else { "429" };
        assert!(plain.starts_with(format!("HTTP/1.1 {status} ").as_bytes()));
    }
    let full = Gateway::start(&["--max-sessions=1"]);
    let _only = crate::harness::WebSocket::join(&full, "u");
    let answer = whole(&full, "GET /v1/ws?user=v&refuse=close", upgrade);
    assert!(answer.starts_with(b"HTTP/1.1 503 "), "there is no room for more than that");
}
