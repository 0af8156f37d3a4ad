//! Requests that ask for another protocol.

use actix_web::web::Data;
use tokio::{io::AsyncReadExt, sync::Semaphore};

use crate::fixture::{Fixture, ROOMY, capitals};

const UPGRADE: &str = "host: h\r\nconnection: upgrade\r\nupgrade: capitals\r\n";

async fn start() -> Fixture {
    let gate = Data::new(Semaphore::new(0));
    Fixture::start_with(ROOMY, Some(capitals()), gate).await
}

#[actix_rt::test]
async fn a_connection_is_handed_over_with_what_was_read_and_leaves_the_budget() {
    let fixture = start().await;
    let before = "GET /small HTTP/1.1\r\nhost: h\r\n\r\n";
    let text = format!("{before}GET /other HTTP/1.1\r\n{UPGRADE}\r\nmore");
    let mut peer = fixture.said(&text).await;
    assert_eq!(peer.answer().await.body, "\"small\"\n", "what was asked before is answered");
    let mut rest = String::new();
    peer.0.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "switched:MORE");
    fixture.await_metric("test_connections", 0).await;
}

#[actix_rt::test]
async fn an_upgrade_needs_get_http_1_1_and_no_body() {
    let fixture = start().await;
    let cases = [
        ("GET / HTTP/1.0\r\n", "", 400),
        ("GET / HTTP/1.1\r\n", "content-length: 5\r\n", 400),
        ("GET / HTTP/1.1\r\n", "transfer-encoding: chunked\r\n", 400),
        ("POST / HTTP/1.1\r\n", "", 405),
    ];
    for (line, more, status) in cases {
        let mut peer = fixture.said(&format!("{line}{UPGRADE}{more}\r\nhello")).await;
        let answer = peer.answer().await;
        assert_eq!(answer.status, status, "{line}{more}");
        assert_eq!(answer.head.contains("allow: get\r\n"), status == 405, "{answer:?}");
        assert!(!answer.head.contains("connection: upgrade"), "{answer:?}");
        peer.expect_end().await;
    }
}

#[actix_rt::test]
async fn where_nothing_is_offered_the_request_is_an_ordinary_one() {
    let fixture = Fixture::start(ROOMY).await;
    // As Java's HTTP client asks, with every first request.
    let text = "POST /echo HTTP/1.1\r\nhost: h\r\nconnection: Upgrade, HTTP2-Settings\r\n\
                upgrade: h2c\r\nhttp2-settings: AAE\r\ncontent-length: 5\r\n\r\nhello";
    let mut peer = fixture.said(text).await;
    assert_eq!(peer.answer().await.body, "hello");
    let mut peer = fixture.said("CONNECT h:1 HTTP/1.1\r\nhost: h\r\n\r\nhello").await;
    assert_eq!(peer.answer().await.status, 404);
    peer.expect_end().await;
}
