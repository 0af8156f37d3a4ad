//! Sessions go on, on every transport.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use super::{Waiting, await_more};
use crate::{
    harness::{
        Client, Event, Http, Poll, PusherApi, Sse, Tcp, WebSocket, eventually,
        tunnel::certificate_flags, wait::Telling,
    },
    tls::sessions as sealed,
};

/// What is pushed meanwhile, each numbered for itself: to the user, to a topic, to everybody.
const KINDS: [&str; 3] = ["user", "topic", "all"];

fn target(kind: &str) -> Value {
    match kind {
        "user" => json!({ "user": "u" }),
        "topic" => json!({ "topic": "t" }),
        _ => json!({ "all": true }),
    }
}

/// Pushes numbers until told to stop, one after another; returns how many of each kind were taken.
fn keep_pushing(client: &Http, stop: &AtomicBool, done: &AtomicU64) -> [u64; 3] {
    let mut counts = [0; 3];
    while !stop.load(Ordering::Relaxed) {
        for (count, kind) in counts.iter_mut().zip(KINDS) {
            let body = json!({ "to": target(kind), "data": [kind, *count] });
            client.push(&body);
            *count += 1;
        }
        done.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(1));
    }
    counts
}

/// Looks all the time whether the user is online, and in which session.
fn keep_asking(client: &Http, stop: &AtomicBool) -> Vec<Value> {
    let mut answers = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        answers.push(client.get("/v1/users/u").json());
        thread::sleep(Duration::from_millis(2));
    }
    answers
}

/// The sessions of the user.
fn sessions(pusher: &PusherApi) -> Value {
    eventually("all gateways answer", || {
        let answer = pusher.client.get("/v1/users/u").json();
        let sessions = answer["sessions"].as_array().filter(|them| !them.is_empty())?;
        Some(sessions[0].clone())
    })
}

/// The numbers that a client gets are all there are of each kind, in order and once.
fn expect_all<C: Client>(client: &mut C, counts: [u64; 3]) {
    let mut next = [0; 3];
    while next != counts {
        match client.next() {
            Event::Frame(frame) if frame["type"] == "push" => {
                let kind = KINDS.iter().position(|kind| frame["data"][0] == *kind).unwrap();
                assert_eq!(frame["data"][1], next[kind], "{}", KINDS[kind]);
                next[kind] += 1;
            }
            Event::Frame(frame) if frame["type"] == "ping" => {}
            other => panic!("{other:?} after {next:?} of {counts:?}"),
        }
    }
}

fn every_push_comes_once_through_two_takeovers<C: Client>() {
    // Nobody polls while nobody reads.
    let mut waiting = Waiting::start(&["--poll-grace=60s"]);
    let pusher = PusherApi::start(&[&waiting.gateway], &[]);
    let mut client = C::join(&waiting.gateway, "u");
    client.send(&json!({ "type": "subscribe", "topics": ["t"] }));
    client.expect("subscribed");
    let before = sessions(&pusher);
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let (pushing, asking) = (Http::new(pusher.address), Http::new(pusher.address));
    let (counts, answers) = thread::scope(|scope| {
        let over = Telling(&stop);
        let counts = scope.spawn(|| keep_pushing(&pushing, &stop, &done));
        let answers = scope.spawn(|| keep_asking(&asking, &stop));
        for _ in 0..2 {
            await_more(20, "pushes flow", &done);
            waiting.succeed(&[]);
            await_more(20, "pushes flow again", &done);
        }
        drop(over);
        (counts.join().unwrap(), answers.join().unwrap())
    });
    expect_all(&mut client, counts);
    assert!(!answers.is_empty());
    for answer in &answers {
        assert_eq!(answer["online"], true, "{answer}");
    }
    let after = sessions(&pusher);
    assert!(before["id"].is_string() && before["since"].is_string(), "{before}");
    assert_eq!(before, after);
    client.expect_alive();
    let receipt = pusher.client.push_with_receipt(&json!({ "to": { "user": "u" }, "data": 0 }));
    assert_eq!(receipt["sessions"].as_array().map(Vec::len), Some(1), "{receipt}");
    client.expect("push");
    client.send(&json!({ "type": "unsubscribe", "topics": ["t"] }));
    client.expect("unsubscribed");
    // Others come as ever.
    let mut late = C::join(&waiting.gateway, "late");
    late.expect_alive();
    waiting.gateway.terminate();
    client.expect_bye("draining", 1012);
    assert!(waiting.directory.path().exists());
}

#[test]
fn every_push_comes_once_on_websocket() {
    every_push_comes_once_through_two_takeovers::<WebSocket>();
}

#[test]
fn every_push_comes_once_on_tcp() {
    every_push_comes_once_through_two_takeovers::<Tcp>();
}

#[test]
fn every_push_comes_once_on_sse() {
    every_push_comes_once_through_two_takeovers::<Sse>();
}

#[test]
fn every_push_comes_once_on_poll() {
    every_push_comes_once_through_two_takeovers::<Poll>();
}

#[test]
fn what_was_begun_is_finished() {
    let mut waiting = Waiting::start(&["--workers=1"]);
    let (mut web, mut tcp) =
        (WebSocket::join(&waiting.gateway, "web"), Tcp::join(&waiting.gateway, "tcp"));
    // A frame of which half has come, a message in fragments, and words that are no request so far.
    let ping = WebSocket::wire(r#"{"type":"ping"}"#);
    web.write_frame(0x01, br#"{"type":"#);
    web.write(&WebSocket::wire("")[..0]);
    tcp.write(br#"{"type":"pi"#);
    let mut slow = crate::harness::client::connect(waiting.gateway.tcp);
    std::io::Write::write_all(&mut slow, br#"{"type":"connect","#).unwrap();
    eventually("the words have come", || {
        (waiting.gateway.metrics().get("holdfast_handshakes_pending_bytes") > 0.0).then_some(())
    });
    // More workers than there were.
    waiting.succeed(&["--workers=3"]);
    web.write_frame(0x80, br#""ping"}"#);
    web.expect("pong");
    web.write(&ping);
    web.expect("pong");
    tcp.write(b"ng\"}\n");
    tcp.expect("pong");
    std::io::Write::write_all(&mut slow, b"\"user\":\"slow\"}\n").unwrap();
    let mut slow = Tcp::adopt(slow).unwrap();
    slow.expect("hello");
    slow.expect_alive();
    for worker in 0..10 {
        Tcp::join(&waiting.gateway, format!("new{worker}").as_str()).expect_alive();
    }
}

#[test]
fn a_slow_reader_gets_what_waits_for_it() {
    let mut waiting = Waiting::start(&["--send-buffer=4KiB", "--outbound-limit=8MiB"]);
    let pusher = PusherApi::start(&[&waiting.gateway], &[]);
    let (mut slow, mut other) =
        (WebSocket::join(&waiting.gateway, "slow"), Tcp::join(&waiting.gateway, "slow"));
    slow.set_unlimited();
    let large = "x".repeat(50_000);
    let push = |number: u64| json!({ "to": { "user": "slow" }, "data": [number, large] });
    (0..60).for_each(|number| drop(pusher.client.push(&push(number))));
    eventually("it waits", || {
        (waiting.gateway.metrics().get("holdfast_outbound_queued_bytes") > 500_000.0).then_some(())
    });
    waiting.succeed(&[]);
    (60..70).for_each(|number| drop(pusher.client.push(&push(number))));
    for number in 0..70 {
        assert_eq!(slow.expect("push")["data"][0], number);
        assert_eq!(other.expect("push")["data"][0], number);
    }
    slow.expect_alive();
    other.expect_alive();
}

#[test]
fn a_device_is_still_replaced_by_its_next_session() {
    let mut waiting = Waiting::start(&[&crate::harness::tokens::secret_flag()]);
    let token = crate::harness::tokens::token_of_device("u", "phone");
    let who = || crate::harness::Who::Token(token.clone());
    let mut first = WebSocket::join(&waiting.gateway, who());
    waiting.succeed(&[]);
    first.expect_alive();
    let mut second = WebSocket::join(&waiting.gateway, who());
    first.expect_bye("replaced", 4409);
    second.expect_alive();
}

#[test]
fn every_receipt_says_who_had_it() {
    let mut waiting = Waiting::start(&[]);
    let pusher = PusherApi::start(&[&waiting.gateway], &[]);
    let mut client = Tcp::join(&waiting.gateway, "u");
    let session = sessions(&pusher)["id"].clone();
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let pushing = Http::new(pusher.address);
    thread::scope(|scope| {
        let over = Telling(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let number = done.load(Ordering::Relaxed);
                let body = json!({ "to": { "user": "u" }, "data": number });
                let receipt = pushing.push_with_receipt(&body);
                let sessions = receipt["sessions"].as_array().unwrap();
                assert_eq!(sessions.len(), 1, "{receipt}");
                assert_eq!(sessions[0]["session"], session, "{receipt}");
                assert_eq!(
                    (&receipt["complete"], &receipt["online"]),
                    (&true.into(), &true.into())
                );
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
        for _ in 0..3 {
            await_more(20, "receipts come", &done);
            waiting.succeed(&[]);
        }
        await_more(20, "receipts come again", &done);
        drop(over);
    });
    for number in 0..done.load(Ordering::Relaxed) {
        assert_eq!(client.expect("push")["data"], number);
    }
}

#[test]
fn who_is_inside_tls_is_told_to_come_back_and_can() {
    let [cert, key] = certificate_flags("localhost");
    let mut waiting = Waiting::start(&["--tls-listen-tcp=127.0.0.1:0", "--drain=0s", &cert, &key]);
    let mut plain = Tcp::join(&waiting.gateway, "plain");
    let mut sealed = sealed::join(&waiting.gateway, "sealed");
    let [_, at] = waiting.gateway.tls.unwrap();
    waiting.succeed(&[&format!("--tls-listen-tcp={at}")]);
    assert_eq!(sealed::line(&mut sealed)["reason"], "draining");
    sealed::join(&waiting.gateway, "sealed");
    plain.send(&json!({ "type": "ping" }));
    plain.expect("pong");
}
