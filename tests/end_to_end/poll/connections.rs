//! The connections that polls come by, and what becomes of them.

use std::io::{Read, Write};

use serde_json::json;

use crate::harness::{
    Gateway, eventually, pair,
    poll::{ByHand, read_answer},
};

#[test]
fn a_connection_is_kept_for_the_next_poll_and_may_bring_those_of_others() {
    let (gateway, pusher) = pair(&["--poll-grace=1h"]);
    let mut one = ByHand::begin(&gateway, "u");
    let mut other = ByHand::begin(&gateway, "v");
    // As behind a proxy that has a pool of connections.
    std::mem::swap(&mut one.socket, &mut other.socket);
    for n in 1..=5 {
        one.send(&format!("seen={n}&wait=90s"));
        other.send(&format!("seen={n}&wait=90s"));
        pusher.client.push(&json!({ "to": { "users": ["u", "v"] }, "data": n }));
        for client in [&mut one, &mut other] {
            let answer = client.answer();
            assert_eq!(answer.body["frames"][0]["data"], n, "{}", answer.body);
        }
    }
}

#[test]
fn polls_may_be_sent_ahead_and_in_pieces() {
    let (gateway, pusher) = pair(&["--poll-grace=1h"]);
    let mut client = ByHand::begin(&gateway, "u");
    let ahead = client.request("seen=1&wait=90s", "") + &client.request("seen=2&wait=90s", "");
    for byte in ahead.bytes() {
        client.socket.write_all(&[byte]).unwrap();
    }
    for n in 1..=2 {
        pusher.client.push(&json!({ "to": { "user": "u" }, "data": n }));
        assert_eq!(client.answer().body["frames"][0]["data"], n);
    }
}

#[test]
fn who_wants_its_connection_closed_gets_that() {
    let gateway = Gateway::start(&["--poll-grace=1h"]);
    let client = ByHand::begin(&gateway, "u");
    for request in [
        client.request("seen=1&wait=0s", "Connection: close\r\n"),
        client.request("seen=1&wait=0s", "").replace("HTTP/1.1", "HTTP/1.0"),
    ] {
        let mut socket = crate::harness::client::connect(gateway.http);
        socket.write_all(request.as_bytes()).unwrap();
        let answer = read_answer(&mut socket);
        assert_eq!(answer.status, 204);
        assert!(answer.head.to_lowercase().contains("connection: close"), "{}", answer.head);
        assert_eq!(socket.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn an_answer_that_the_socket_does_not_take_at_once_comes_whole() {
    let (gateway, pusher) = pair(&["--poll-grace=1h", "--send-buffer=4KiB"]);
    let mut client = ByHand::begin(&gateway, "u");
    let data = "x".repeat(60_000);
    for _ in 0..20 {
        pusher.client.push_with_receipt(&json!({ "to": { "user": "u" }, "data": data }));
    }
    let answer = client.ask("seen=1");
    let frames = answer.body["frames"].as_array().unwrap();
    assert!(frames.len() == 20 && frames.iter().all(|frame| frame["data"] == data.as_str()));
    assert_eq!(client.ask("seen=2&wait=0s").status, 204, "and the connection goes on");
}

#[test]
fn a_client_that_leaves_a_poll_is_online_for_a_moment() {
    let (gateway, pusher) = pair(&["--poll-grace=300ms"]);
    let mut client = ByHand::begin(&gateway, "u");
    client.send("seen=1&wait=90s");
    gateway.await_metric("holdfast_polls_held", 1.0);
    drop(client);
    gateway.await_metric("holdfast_polls_held", 0.0);
    eventually("the user is offline", || {
        (pusher.client.get("/v1/users/u").json()["online"] == false).then_some(())
    });
    assert_eq!(
        gateway.metrics().get("holdfast_sessions_closed_total{reason=\"client_left\"}"),
        1.0
    );
}

#[test]
fn what_waits_for_a_client_that_has_left_is_there_when_it_comes_again() {
    let (gateway, pusher) = pair(&["--poll-grace=1h"]);
    let mut client = ByHand::begin(&gateway, "u");
    client.send("seen=1&wait=90s");
    gateway.await_metric("holdfast_polls_held", 1.0);
    client.socket.shutdown(std::net::Shutdown::Both).unwrap();
    gateway.await_metric("holdfast_polls_held", 0.0);
    let receipt = pusher.client.push_with_receipt(&json!({ "to": { "user": "u" }, "data": 1 }));
    assert_eq!(receipt["sessions"][0]["outcome"], "queued", "{receipt}");
    let answer = read_answer(&mut client.ask_elsewhere("seen=1"));
    assert_eq!(answer.body["frames"][0]["data"], 1);
}
