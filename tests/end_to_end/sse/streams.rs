//! How streams begin and end.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::json;

use crate::harness::{
    Client, Gateway, Http, PusherApi, Sse, Who,
    client::connect,
    pair,
    tokens::{secret_flag, token, token_of_device},
    websocket::read_head,
};

/// Sends a request, and returns the connection and the head of its answer.
fn asked(gateway: &Gateway, request: &str, more: &str) -> (TcpStream, String) {
    let mut socket = connect(gateway.http);
    write!(socket, "{request} HTTP/1.1\r\nHost: {}\r\n{more}", gateway.http).unwrap();
    let head = read_head(&mut socket).to_lowercase();
    (socket, head)
}

#[test]
fn a_stream_is_what_browsers_and_proxies_expect() {
    let gateway = Gateway::start(&[]);
    let (socket, head) = asked(&gateway, "GET /v1/sse?user=u", "\r\n");
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    for field in
        ["content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"]
    {
        assert!(head.contains(&format!("\r\n{field}\r\n")), "{head}");
    }
    assert!(!head.contains("content-length") && !head.contains("transfer-encoding"), "{head}");
    let mut client = Sse::over(socket);
    let [(name, pause)] = &client.event().unwrap()[..] else { panic!("one field") };
    assert_eq!(name, "retry");
    assert!((1000..=5000).contains(&pause.parse::<u32>().unwrap()), "{pause}");
    assert_eq!(client.expect("hello")["user"], "u");
}

#[test]
fn a_posted_token_opens_a_stream() {
    let gateway = Gateway::start(&[&secret_flag()]);
    let connect = json!({ "type": "connect", "token": token("u"), "device": "d" }).to_string();
    let length = |body: &str| format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let (socket, _) = asked(&gateway, "POST /v1/sse", &length(&connect));
    let mut client = Sse::over(socket);
    client.event();
    assert_eq!(client.expect("hello")["user"], "u");
    let (socket, _) =
        asked(&gateway, "POST /v1/sse", &format!("Authorization: Bearer {}\r\n\r\n", token("v")));
    let mut client = Sse::over(socket);
    client.event();
    assert_eq!(client.expect("hello")["user"], "v");
    for (body, status) in [("{}", 400), ("token", 400), ("", 401)] {
        let (_, head) = asked(&gateway, "POST /v1/sse", &length(body));
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{body}: {head}");
    }
}

#[test]
fn who_shall_not_come_back_is_told_so_in_a_way_that_browsers_keep() {
    let (gateway, pusher) = pair(&[]);
    let (socket, _) = asked(&gateway, "GET /v1/sse?user=u", "\r\n");
    let mut client = Sse::over(socket);
    client.event();
    client.expect("hello");
    pusher.client.delete("/v1/users/u/sessions");
    let bye = client.event().unwrap();
    let field = |name: &str| bye.iter().find(|(known, _)| known == name).map(|(_, it)| it.as_str());
    assert_eq!((field("event"), field("retry")), (Some("holdfast.bye"), Some("86400000")));
    let last = field("id").unwrap();
    assert_eq!(client.event(), None);
    let (mut socket, head) =
        asked(&gateway, "GET /v1/sse?user=u", &format!("Last-Event-ID: {last}\r\n\r\n"));
    assert!(head.starts_with("http/1.1 204 "), "{head}");
    assert_eq!(socket.read(&mut [0; 9]).unwrap(), 0, "and the end");
    let (_, head) = asked(&gateway, "GET /v1/sse?user=u", "Last-Event-ID: other\r\n\r\n");
    assert!(head.starts_with("http/1.1 200 "), "{head}");
}

#[test]
fn who_may_come_back_is_told_when() {
    let gateway = Gateway::start(&[&secret_flag(), "--drain=0s"]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let mut older = Sse::join(&gateway, Who::Token(token_of_device("u", "d")));
    let _newer = Sse::join(&gateway, Who::Token(token_of_device("u", "d")));
    older.expect_bye("replaced", 4409);
    let mut client = Sse::join(&gateway, Who::signed("v"));
    pusher.client.push(&json!({ "to": { "user": "v" }, "data": "a\nb" }));
    assert_eq!(client.expect("push")["data"], "a\nb");
    gateway.terminate();
    let bye = client.event().unwrap();
    let retry = bye.iter().find(|(name, _)| name == "retry").unwrap();
    assert!(bye[0].1.contains(&format!("\"retry_ms\":{}", retry.1)), "{bye:?}");
}

#[test]
fn requests_that_are_no_stream_are_told_so() {
    let gateway = Gateway::start(&[&secret_flag()]);
    let http = Http::new(gateway.http);
    let refused = http.get("/v1/sse");
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")));
    let put = http.put("/v1/sse?user=u");
    assert_eq!((put.status, put.header("allow")), (405, Some("GET, POST, OPTIONS")));
    let metrics = gateway.metrics();
    let count = |labels: &str| metrics.get(&format!("holdfast_handshakes_total{{{labels}}}"));
    assert_eq!(count(r#"result="unauthorized",transport="sse""#), 1.0);
    assert_eq!(count(r#"result="method_not_allowed",transport="http""#), 1.0);
}
