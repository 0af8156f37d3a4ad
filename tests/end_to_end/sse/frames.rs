//! What clients post.

use std::io::Write;

use serde_json::json;

use crate::harness::{
    Client, Gateway, Http, Sse, WebSocket, Who,
    client::connect,
    tokens::{secret_flag, token, token_of_device},
    websocket::read_head,
};

const PING: &str = r#"{"type":"ping"}"#;

#[test]
fn a_session_id_alone_opens_nothing() {
    let gateway = Gateway::start(&[&secret_flag()]);
    let (mut client, hello) = Sse::open(&gateway, Who::Token(token_of_device("u", "d"))).unwrap();
    let path = format!("/v1/frames?session={}", hello["session"].as_str().unwrap());
    let post = |token: Option<String>, path: &str| {
        let http = token
            .map_or_else(|| Http::new(gateway.http), |token| Http::with_key(gateway.http, &token));
        http.post(path, "application/json", PING).status
    };
    assert_eq!(post(None, &path), 401);
    assert_eq!(post(Some("garbage".into()), &path), 401);
    assert_eq!(post(Some(token_of_device("v", "d")), &path), 404, "another user");
    assert_eq!(post(Some(token_of_device("u", "e")), &path), 404, "another device");
    assert_eq!(post(Some(token("u")), &path), 404, "no device");
    assert_eq!(post(Some(token("u")), &format!("{path}&device=d")), 204, "it may name one itself");
    assert_eq!(client.expect("pong"), json!({ "type": "pong" }));
    let elsewhere = "/v1/frames?session=00000000000000ff&device=d";
    assert_eq!(post(Some(token("u")), elsewhere), 503, "nobody is there to ask");
    for bad in ["/v1/frames", "/v1/frames?session=xyz"] {
        assert_eq!(post(Some(token("u")), bad), 400, "{bad}");
    }
    client.expect_alive();
}

#[test]
fn frames_are_taken_in_order_up_to_the_first_that_is_refused() {
    let gateway = Gateway::start(&["--client-subscribe=any"]);
    let (mut client, hello) = Sse::open(&gateway, "u").unwrap();
    let path = format!("/v1/frames?user=u&session={}", hello["session"].as_str().unwrap());
    let http = Http::new(gateway.http);
    let subscribe = |topic: &str| json!({ "type": "subscribe", "topics": [topic] });
    let body = format!("{}\n{{\"type\":\"dance\"}}\n{}\n", subscribe("a"), subscribe("b"));
    let answer = http.post(&path, "text/plain", &body);
    let problem = answer.json();
    assert_eq!((answer.status, &problem["code"]), (400, &json!("unknown_type")), "{answer:?}");
    assert_eq!(problem["pointer"], "/1");
    assert_eq!(client.expect("subscribed")["topics"], json!([{ "topic": "a" }]));
    client.expect_alive();
    assert_eq!(http.post(&path, "text/plain", "").status, 400);
    assert_eq!(http.post(&path, "text/plain", &"{}\n".repeat(101)).status, 413);
}

#[test]
fn any_session_may_be_spoken_to_and_bodies_may_come_in_pieces() {
    let gateway = Gateway::start(&[]);
    let (mut client, hello) = WebSocket::open(&gateway, "u").unwrap();
    let mut socket = connect(gateway.http);
    let session = hello["session"].as_str().unwrap();
    write!(
        socket,
        "POST /v1/frames?user=u&session={session} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
        gateway.http,
        PING.len()
    )
    .unwrap();
    for byte in PING.bytes() {
        socket.write_all(&[byte]).unwrap();
    }
    assert!(read_head(&mut socket).starts_with("HTTP/1.1 204 "));
    client.expect("pong");
}
