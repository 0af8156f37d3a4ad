//! Processes that are cut off and come back, under live others.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use serde_json::json;

use crate::harness::{Client, Http, Tcp, WebSocket, eventually, pair, wait::Telling};

/// Pushes until told to stop, whatever comes of it; returns the answers' statuses.
fn keep_pushing(client: &Http, stop: &AtomicBool) -> Vec<u16> {
    let mut statuses = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let to =
            if statuses.len() % 2 == 0 { json!({ "user": "u" }) } else { json!({ "all": true }) };
        let body = json!({ "to": to, "data": "meanwhile" }).to_string();
        statuses.push(client.post("/v1/push", "application/json", &body).status);
    }
    statuses
}

#[test]
fn users_of_a_restarted_gateway_are_reached_again() {
    let (mut gateway, pusher) = pair(&[]);
    let mut clients: Vec<_> =
        (0..20).map(|n| Tcp::join(&gateway, format!("u{n}").as_str())).collect();
    let (stop, background) = (AtomicBool::new(false), Http::new(pusher.address));
    let statuses = thread::scope(|scope| {
        let over = Telling(&stop);
        let pushing = scope.spawn(|| keep_pushing(&background, &stop));
        for _ in 0..2 {
            gateway.restart();
            clients = (0..20).map(|n| Tcp::join(&gateway, format!("u{n}").as_str())).collect();
            for (number, client) in clients.iter_mut().enumerate() {
                let body = json!({ "to": { "user": format!("u{number}") }, "data": "again" });
                eventually("the user is reached", || {
                    let answer = pusher.client.post(
                        "/v1/push?receipt=1s",
                        "application/json",
                        &body.to_string(),
                    );
                    (answer.status == 200 && answer.json()["online"] == true).then_some(())
                });
                while client.expect("push")["data"] != "again" {}
            }
        }
        drop(over);
        pushing.join().unwrap()
    });
    assert!(statuses.iter().all(|status| matches!(status, 202 | 503)), "{statuses:?}");
    assert_eq!(pusher.client.get("/healthz").status, 200);
}

#[test]
fn a_restarted_pusher_api_knows_who_is_there() {
    let (gateway, mut pusher) = pair(&[]);
    let mut web = WebSocket::join(&gateway, "web");
    let mut tcp = Tcp::join(&gateway, "tcp");
    tcp.send(&json!({ "type": "subscribe", "topics": ["t"] }));
    tcp.expect_alive();
    for round in 0..3 {
        pusher.restart();
        pusher.await_ready();
        // From the first moment, not eventually.
        for to in [json!({ "user": "web" }), json!({ "users": ["web", "tcp"] })] {
            let receipt = pusher.client.push_with_receipt(&json!({ "to": to, "data": round }));
            assert_eq!(receipt["online"], true, "round {round}: {receipt}");
            assert_eq!(web.expect("push")["data"], round);
        }
        assert_eq!(tcp.expect("push")["data"], round);
        pusher.client.push(&json!({ "to": { "topic": "t" }, "data": "topic" }));
        assert_eq!(tcp.expect("push")["data"], "topic");
        // Who comes later is known, too.
        let mut late = Tcp::join(&gateway, format!("late{round}").as_str());
        let body = json!({ "to": { "user": format!("late{round}") }, "data": 1 });
        assert_eq!(pusher.client.push_with_receipt(&body)["online"], true);
        late.expect("push");
    }
}

#[test]
fn users_that_left_with_their_gateway_are_forgotten() {
    let (mut gateway, pusher) = pair(&[]);
    let _client = Tcp::join(&gateway, "gone");
    gateway.restart();
    pusher.await_ready();
    eventually("the user is offline", || {
        let answer = pusher.client.get("/v1/users/gone");
        (answer.status == 200 && answer.json()["online"] == false).then_some(())
    });
}
