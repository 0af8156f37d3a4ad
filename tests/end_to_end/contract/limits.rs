//! How many sessions a user may have, and how fast and how slow a client may be.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::harness::{
    Client, Gateway, PusherApi, Who,
    client::{Event, Refused},
    eventually, pair,
    tokens::{secret_flag, token_of_device},
    tunnel::is_sealed,
};

contract!(
    a_replacement_needs_no_room_of_its_own,
    a_users_dead_sessions_make_room,
    a_newer_session_of_a_device_replaces_the_older,
    a_user_has_sixteen_sessions_at_most,
    too_many_frames_end_the_session,
    a_client_that_does_not_read_is_closed,
);

fn a_newer_session_of_a_device_replaces_the_older<C: Client>() {
    let gateway = Gateway::start(&[&secret_flag()]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let join = |device| C::join(&gateway, Who::Token(token_of_device("u", device)));
    let (mut phone, mut tablet) = (join("phone"), join("tablet"));
    let mut newer = join("phone");
    phone.expect_bye("replaced", 4409);
    let receipt = pusher.client.push_with_receipt(&json!({ "to": { "user": "u" }, "data": 1 }));
    assert_eq!(receipt["sessions"].as_array().unwrap().len(), 2, "{receipt}");
    newer.expect("push");
    tablet.expect("push");
    drop(phone);
    // The goodbye of the older must not take the newer out.
    let receipt = pusher.client.push_with_receipt(&json!({ "to": { "user": "u" }, "data": 2 }));
    assert_eq!(receipt["sessions"].as_array().unwrap().len(), 2, "{receipt}");
}

fn a_replacement_needs_no_room_of_its_own<C: Client>() {
    let gateway = Gateway::start(&[&secret_flag(), "--max-sessions=2"]);
    let token = |user, device| Who::Token(token_of_device(user, device));
    let mut phone = C::join(&gateway, token("u", "phone"));
    let mut other = C::join(&gateway, token("v", "phone"));
    for refused in [token("u", "tablet"), token("w", "phone")] {
        match C::open(&gateway, refused) {
            Err(Refused::Status(status)) => assert_eq!(status, 503),
            Err(Refused::Reason(reason)) => assert_eq!(reason, "overloaded"),
            Ok(_) => panic!("a third session"),
        }
    }
    // The older ones do not even read their goodbyes.
    let mut older = Vec::new();
    for _ in 0..5 {
        let newer = C::join(&gateway, token("u", "phone"));
        older.push(std::mem::replace(&mut phone, newer));
    }
    phone.expect_alive();
    other.expect_alive();
}

fn a_users_dead_sessions_make_room<C: Client>() {
    let gateway = Gateway::start(&["--sessions-per-user=3", "--ping-interval=1h"]);
    let _dead = [C::join(&gateway, "u"), C::join(&gateway, "u")];
    // They answer what they are asked, until they hear of something else.
    let answering = |mut client: C| thread::spawn(move || (client.next(), client));
    let alive = answering(C::join(&gateway, "u"));
    // One that is refused has one of the others looked at: how many are by the time there is room for
    // the first, nobody knows.
    let newer = [(); 2].map(|()| {
        let (client, _) = eventually("room for a newer one", || C::open(&gateway, "u").ok());
        answering(client)
    });
    let closed = "holdfast_sessions_closed_total{reason=\"ping_timeout\"}";
    gateway.await_metric(closed, 2.0);
    let pusher = PusherApi::start(&[&gateway], &[]);
    pusher.client.push(&json!({ "to": { "user": "u" }, "data": 1 }));
    for reader in newer.into_iter().chain([alive]) {
        let (heard, _client) = reader.join().unwrap();
        assert!(matches!(heard, Event::Frame(push) if push["data"] == 1));
    }
}

fn a_user_has_sixteen_sessions_at_most<C: Client>() {
    // Over TLS fewer, because each has to answer soon after one is refused.
    let most = if is_sealed() { 2 } else { 16 };
    let flags: &[_] = if is_sealed() { &["--sessions-per-user=2"] } else { &[] };
    let gateway = Gateway::start(flags);
    let mut sessions: Vec<_> = (0..most).map(|_| C::join(&gateway, "u")).collect();
    match C::open(&gateway, "u") {
        Err(Refused::Status(status)) => assert_eq!(status, 429),
        Err(Refused::Reason(reason)) => assert_eq!(reason, "too_many_sessions"),
        Ok(_) => panic!("a seventeenth session"),
    }
    C::join(&gateway, "other");
    sessions.iter_mut().for_each(Client::expect_alive);
    sessions.pop();
    let again = eventually("room again", || C::open(&gateway, "u").ok());
    drop(again);
    sessions.iter_mut().for_each(Client::expect_alive);
}

fn too_many_frames_end_the_session<C: Client>() {
    let gateway = Gateway::start(&["--frame-rate=10"]);
    let mut client = C::join(&gateway, "u");
    let (ping, begun) = (C::wire(r#"{"type":"ping"}"#), Instant::now());
    client.write(&ping.repeat(10 - C::SAID));
    (C::SAID..10).for_each(|_| drop(client.expect("pong")));
    // Time for a rate that is too high to bring too many.
    thread::sleep(Duration::from_millis(300));
    // However much of a second has passed meanwhile, this is more than it brings.
    client.write(&ping.repeat(21));
    client.expect_bye("too_many_frames", 4429);
    let taken = gateway.metrics().get("holdfast_frames_in_total");
    // All at once, and what the time has earned, which may be rounded up.
    let most = 10.0 + (10.0 * begun.elapsed().as_secs_f64()).ceil() + 1.0;
    assert!((10.0..=most).contains(&taken), "{taken} frames, {most} at most");
}

fn a_client_that_does_not_read_is_closed<C: Client>() {
    let (gateway, pusher) = pair(&["--outbound-limit=128KiB", "--close-timeout=300ms"]);
    let _silent = C::join(&gateway, "silent");
    let mut reading = C::join(&gateway, "reading");
    let data = "x".repeat(60_000);
    let body = json!({ "to": { "user": "silent" }, "data": data });
    eventually("the gateway gives up", || {
        let receipt = pusher.client.push_with_receipt(&body);
        (receipt["online"] == false).then_some(())
    });
    let metrics = gateway.metrics();
    assert_eq!(metrics.get("holdfast_slow_consumer_closes_total"), 1.0);
    assert_eq!(metrics.get("holdfast_sessions_closed_total{reason=\"too_slow\"}"), 1.0);
    gateway.await_metric("holdfast_outbound_queued_bytes", 0.0);
    gateway.await_metric("holdfast_sessions", 1.0);
    reading.expect_alive();
}
