//! Peers that keep others waiting.

use std::time::Duration;

use serving::{Patience, budget::Limits};

use crate::fixture::{ENDLESS, Fixture, ROOMY};

const SHORT: Duration = Duration::from_millis(50);

async fn start(patience: Patience) -> Fixture {
    Fixture::start(Limits { patience, ..ROOMY }).await
}

#[actix_rt::test]
async fn a_silent_peer_is_left_without_a_word() {
    let fixture = start(Patience { head: SHORT, ..ENDLESS }).await;
    fixture.connect().await.expect_end().await;
    fixture.await_metric("test_connections_given_up_total{reason=\"silent\"}", 1).await;
    fixture.await_metric("test_connections", 0).await;
}

#[actix_rt::test]
async fn one_deadline_holds_for_a_head_however_it_trickles() {
    let fixture = start(Patience { head: SHORT * 10, ..ENDLESS }).await;
    for first in ["", "GET /small HTTP/1.1\r\nhost: h\r\n\r\n"] {
        let mut peer = fixture.said(first).await;
        if !first.is_empty() {
            assert_eq!(peer.answer().await.status, 200);
        }
        peer.say("GET / HTTP/1.1\r\nhost: h\r\nx: ").await;
        let trickled = async {
            loop {
                let more = tokio::io::AsyncWriteExt::write_all(&mut peer.0, b"y\r\nx: ").await;
                if more.is_err() || peer.0.try_read(&mut [0; 8]).is_ok() {
                    return;
                }
                tokio::time::sleep(SHORT).await;
            }
        };
        tokio::time::timeout(SHORT * 200, trickled).await.expect("an end of it");
    }
    fixture.await_metric("test_connections_given_up_total{reason=\"head\"}", 2).await;
    fixture.await_metric("test_requests_refused_total{status=\"408\"}", 2).await;
}

#[actix_rt::test]
async fn a_slow_head_is_told_why() {
    let fixture = start(Patience { head: SHORT, ..ENDLESS }).await;
    let mut peer = fixture.said("GET / HT").await;
    assert_eq!(peer.answer().await.status, 408);
    peer.expect_end().await;
}

#[actix_rt::test]
async fn an_idle_connection_is_closed() {
    let fixture = start(Patience { keep_alive: SHORT, ..ENDLESS }).await;
    let mut peer = fixture.connect().await;
    peer.expect_alive().await;
    peer.expect_end().await;
    fixture.await_metric("test_connections_given_up_total{reason=\"idle\"}", 1).await;
}

#[actix_rt::test]
async fn a_body_that_stands_still_is_a_timeout() {
    let fixture = start(Patience { body: SHORT, ..ENDLESS }).await;
    for rest in ["content-length: 10\r\n\r\nhello", "transfer-encoding: chunked\r\n\r\n5\r\nhel"] {
        let mut peer = fixture.said(&format!("POST /echo HTTP/1.1\r\nhost: h\r\n{rest}")).await;
        let answer = peer.answer().await;
        assert_eq!(answer.status, 408, "{answer:?}");
        assert!(answer.head.contains("connection: close\r\n"), "{answer:?}");
        peer.expect_end().await;
    }
    fixture.await_metric("test_connections_given_up_total{reason=\"body\"}", 2).await;
}

#[actix_rt::test]
async fn an_answer_that_nobody_takes_is_given_up() {
    let fixture = start(Patience { answer: SHORT, ..ENDLESS }).await;
    let _peer = fixture.said("GET /large HTTP/1.1\r\nhost: h\r\n\r\n").await;
    fixture.await_metric("test_connections_given_up_total{reason=\"answer\"}", 1).await;
    fixture.await_metric("test_connections", 0).await;
    fixture.await_metric("test_request_bytes", 0).await;
}

#[actix_rt::test]
async fn whoever_does_not_close_after_the_last_answer_is_closed() {
    let fixture = start(Patience { farewell: SHORT, ..ENDLESS }).await;
    let mut peer =
        fixture.said("GET /small HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    assert_eq!(peer.answer().await.status, 200);
    fixture.await_metric("test_connections_given_up_total{reason=\"farewell\"}", 1).await;
    fixture.await_metric("test_connections", 0).await;
}
