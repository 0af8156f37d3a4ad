//! Clients that are gone without a word are found out.

use std::{io::Write, thread, time::Duration};

use serde_json::{Value, json};
use tungstenite::Message;

use crate::harness::{
    Client, Gateway, Tcp, WebSocket,
    client::{self, Event},
    eventually, pair,
};

#[test]
fn a_client_that_answers_no_pings_is_gone_and_one_that_does_stays() {
    let (gateway, pusher) = pair(&["--ping-interval=1s", "--close-timeout=200ms"]);
    let _silent = WebSocket::join(&gateway, "silent");
    let mut answering = WebSocket::join(&gateway, "answering");
    let reader = thread::spawn(move || {
        let mut pings = 0;
        loop {
            match answering.message().unwrap() {
                Message::Ping(_) => pings += 1,
                Message::Text(_) => return (pings, answering),
                other => panic!("{other:?}"),
            }
        }
    });
    let closed = "holdfast_sessions_closed_total{reason=\"ping_timeout\"}";
    gateway.await_metric(closed, 1.0);
    eventually("the silent one is offline", || {
        (pusher.client.get("/v1/users/silent").json()["online"] == false).then_some(())
    });
    let body = json!({ "to": { "user": "answering" }, "data": 1 });
    assert_eq!(pusher.client.push_with_receipt(&body)["online"], true);
    let (pings, _answering) = reader.join().unwrap();
    assert!(pings > 0);
    assert_eq!(gateway.metrics().get(closed), 1.0);
}

#[test]
fn a_tcp_client_that_answers_no_pings_is_gone_and_one_that_does_stays() {
    let (gateway, pusher) = pair(&["--ping-interval=1s", "--close-timeout=200ms"]);
    let mut silent = Tcp::join(&gateway, "silent");
    let mut answering = Tcp::join(&gateway, "answering");
    let answers = thread::spawn(move || {
        let mut pings = 0;
        loop {
            match answering.line() {
                Event::Frame(frame) if frame["type"] == "ping" => pings += 1,
                Event::Frame(frame) if frame["type"] == "push" => return pings,
                other => panic!("{other:?}"),
            }
            // Anything counts, an empty line and an answer alike.
            answering.write(if pings % 2 == 0 { b"\n" } else { b"{\"type\":\"pong\"}\n" });
        }
    });
    assert_eq!(silent.line(), Event::Frame(json!({ "type": "ping" })));
    match silent.line() {
        Event::Frame(bye) => {
            assert_eq!((&bye["type"], &bye["reason"]), (&"bye".into(), &"ping_timeout".into()))
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(silent.line(), Event::Closed(None));
    eventually("several pings were answered", || {
        (gateway.metrics().get("holdfast_frames_in_total") >= 2.0).then_some(())
    });
    let body = json!({ "to": { "user": "answering" }, "data": 1 });
    assert_eq!(pusher.client.push_with_receipt(&body)["online"], true);
    assert!(answers.join().unwrap() >= 3);
    let closed = "holdfast_sessions_closed_total{reason=\"ping_timeout\"}";
    assert_eq!(gateway.metrics().get(closed), 1.0);
}

#[test]
fn an_empty_line_is_nothing() {
    let gateway = Gateway::start(&[]);
    let mut socket = client::connect(gateway.tcp);
    socket.write_all(b"\n\r\n{\"type\":\"connect\",\"user\":\"u\"}\n\n").unwrap();
    let mut client = Tcp::adopt(socket).unwrap();
    client.expect("hello");
    client.write(b"\r\n\n");
    client.expect_alive();
}

#[test]
fn a_client_that_takes_long_over_its_pushes_is_not_silent() {
    let (gateway, pusher) = pair(&["--ping-interval=2s", "--outbound-limit=64MiB"]);
    let mut slow = WebSocket::join(&gateway, "slow");
    let body = json!({ "to": { "user": "slow" }, "data": "x".repeat(60_000) });
    // The kernel takes some megabytes for it first, which is to take less than two pings.
    let outcomes = (1..1000).map(|pushes| (pushes, pusher.client.push_with_receipt(&body)));
    let queued = |receipt: &Value| receipt["sessions"][0]["outcome"] == "queued";
    let (pushes, _) = outcomes.into_iter().find(|(_, receipt)| queued(receipt)).unwrap();
    // Long enough for several pings of anybody else.
    let mut other = WebSocket::join(&gateway, "other");
    let mut pings = 0;
    while pings < 4 {
        pings += u32::from(matches!(other.message().unwrap(), Message::Ping(_)));
    }
    for _ in 0..pushes {
        slow.expect("push");
    }
    slow.expect_alive();
}

#[test]
fn a_gateway_that_was_held_up_writes_before_it_takes_anybody_for_slow() {
    let (gateway, pusher) = pair(&["--workers=1", "--write-timeout=5s"]);
    // More than it comes to before it looks at the time.
    let others = (0..400).map(|number| WebSocket::join(&gateway, format!("u{number}").as_str()));
    let mut others: Vec<_> = others.collect();
    let mut slow = WebSocket::join(&gateway, "slow");
    let body = json!({ "to": { "user": "slow" }, "data": "x".repeat(60_000) });
    let (mut written, mut outcome) = (0, json!("written"));
    while outcome == "written" {
        outcome = pusher.client.push_with_receipt(&body)["sessions"][0]["outcome"].clone();
        written += u32::from(outcome == "written");
    }
    assert_eq!(outcome, "queued");
    let stopped = gateway.process.stopped();
    others.iter_mut().for_each(|other| other.write_frame(0x8a, b""));
    // What is in the kernel; the rest is up to the gateway.
    (0..written).for_each(|_| drop(slow.expect("push")));
    thread::sleep(Duration::from_millis(5500));
    drop(stopped);
    slow.expect("push");
    slow.expect_alive();
}

#[test]
fn a_gateway_that_was_held_up_reads_answers_before_it_gives_anybody_up() {
    let gateway = Gateway::start(&["--ping-interval=1s"]);
    let mut sessions: Vec<_> =
        (0..50).map(|number| WebSocket::join(&gateway, format!("u{number}").as_str())).collect();
    for session in &mut sessions {
        while !matches!(session.message().unwrap(), Message::Ping(_)) {}
    }
    let stopped = gateway.process.stopped();
    sessions.iter_mut().for_each(|session| session.write_frame(0x8a, b""));
    // Several pings would have been due.
    thread::sleep(Duration::from_millis(3500));
    drop(stopped);
    for session in &mut sessions {
        // What comes first is a ping and no goodbye.
        assert!(matches!(session.message().unwrap(), Message::Ping(_)));
        session.write_frame(0x8a, b"");
    }
    sessions.iter_mut().for_each(Client::expect_alive);
}
