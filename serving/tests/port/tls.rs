//! The same port inside TLS: whoever is slow there is given up as outside, and each end is said.

use std::time::Duration;

use serving::{Patience, budget::Limits};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::fixture::{ENDLESS, Encrypted, Fixture, LIMIT, Peer, ROOMY, capitals};

const SHORT: Duration = Duration::from_millis(50);

async fn start(patience: Patience) -> Fixture {
    Fixture::start_inside_tls(Limits { patience, ..ROOMY }, None).await
}

/// Waits for the end, which has to be said: without a last word it would be an error.
async fn expect_said_end(peer: &mut Peer<Encrypted>) {
    let mut rest = Vec::new();
    timeout(LIMIT, peer.0.read_to_end(&mut rest)).await.expect("an end").expect("a said one");
    assert_eq!(String::from_utf8_lossy(&rest), "");
}

#[actix_rt::test]
async fn requests_follow_each_other_on_one_connection() {
    let fixture = start(ENDLESS).await;
    let mut peer = fixture.encrypted().await;
    peer.expect_alive().await;
    let body = "x".repeat(100_000);
    let head = format!("POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n", body.len());
    peer.say(&(head + &body)).await;
    assert_eq!(peer.answer().await.body, body);
    peer.say("GET /large HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert_eq!(peer.answer().await.body.len(), 4 << 20);
    peer.expect_alive().await;
    peer.say("GET /small HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    assert_eq!(peer.answer().await.status, 200);
    expect_said_end(&mut peer).await;
    fixture.await_metric("test_tls_handshakes_total{result=\"ok\"}", 1).await;
}

#[actix_rt::test]
async fn who_does_not_finish_a_handshake_is_given_up() {
    let fixture = start(Patience { head: SHORT, ..ENDLESS }).await;
    // A record is announced, and does not come.
    for said in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut peer = fixture.connect().await;
        peer.0.write_all(said).await.expect("written");
        peer.expect_end().await;
    }
    fixture.await_metric("test_connections_given_up_total{reason=\"silent\"}", 2).await;
    fixture.await_metric("test_tls_handshakes_total{result=\"given_up\"}", 2).await;
    fixture.await_metric("test_connections", 0).await;
}

#[actix_rt::test]
async fn who_says_nothing_behind_its_handshake_is_given_up() {
    let fixture = start(Patience { head: SHORT * 10, ..ENDLESS }).await;
    let mut peer = fixture.encrypted().await;
    expect_said_end(&mut peer).await;
    fixture.await_metric("test_connections_given_up_total{reason=\"silent\"}", 1).await;
}

#[actix_rt::test]
async fn a_body_that_stands_still_is_a_timeout() {
    let fixture = start(Patience { body: SHORT, ..ENDLESS }).await;
    let mut peer = fixture.encrypted().await;
    peer.say("POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhello").await;
    let answer = peer.answer().await;
    assert_eq!(answer.status, 408, "{answer:?}");
    expect_said_end(&mut peer).await;
    fixture.await_metric("test_connections_given_up_total{reason=\"body\"}", 1).await;
}

#[actix_rt::test]
async fn an_idle_connection_is_closed_with_a_word() {
    let fixture = start(Patience { keep_alive: SHORT, ..ENDLESS }).await;
    let mut peer = fixture.encrypted().await;
    peer.expect_alive().await;
    expect_said_end(&mut peer).await;
    fixture.await_metric("test_connections_given_up_total{reason=\"idle\"}", 1).await;
}

#[actix_rt::test]
async fn an_answer_that_nobody_takes_is_given_up() {
    let fixture = start(Patience { answer: SHORT, ..ENDLESS }).await;
    let mut peer = fixture.encrypted().await;
    peer.say("GET /large HTTP/1.1\r\nhost: h\r\n\r\n").await;
    fixture.await_metric("test_connections_given_up_total{reason=\"answer\"}", 1).await;
    fixture.await_metric("test_connections", 0).await;
    fixture.await_metric("test_request_bytes", 0).await;
}

#[actix_rt::test]
async fn an_upgrade_takes_tls_along() {
    let fixture = Fixture::start_inside_tls(ROOMY, Some(capitals())).await;
    let mut peer = fixture.encrypted().await;
    peer.say("GET /x HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nrest").await;
    let mut answer = [0; 13];
    timeout(LIMIT, peer.0.read_exact(&mut answer)).await.expect("in time").expect("an answer");
    assert_eq!(&answer, b"switched:REST");
}

#[actix_rt::test]
async fn who_waits_when_the_port_stops_is_told() {
    let fixture = start(ENDLESS).await;
    let mut peer = fixture.encrypted().await;
    peer.expect_alive().await;
    fixture.port.stop(LIMIT).await;
    expect_said_end(&mut peer).await;
}
