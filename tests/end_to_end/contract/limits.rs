//! How many sessions a user may have, and how fast and how slow a client may be.

use serde_json::json;

use crate::harness::{
    Client, Gateway, PusherApi, Who,
    client::Refused,
    eventually, pair,
    tokens::{secret_flag, token_of_device},
};

contract!(
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

fn a_user_has_sixteen_sessions_at_most<C: Client>() {
    let gateway = Gateway::start(&[]);
    let mut sessions: Vec<_> = (0..16).map(|_| C::join(&gateway, "u")).collect();
    match C::open(&gateway, "u") {
        Err(Refused::Status(status)) => assert_eq!(status, 429),
        Err(Refused::Reason(reason)) => assert_eq!(reason, "too_many_sessions"),
        Ok(_) => panic!("a seventeenth session"),
    }
    C::join(&gateway, "other");
    sessions.pop();
    let again = eventually("room again", || C::open(&gateway, "u").ok());
    drop(again);
    sessions.iter_mut().for_each(Client::expect_alive);
}

fn too_many_frames_end_the_session<C: Client>() {
    let gateway = Gateway::start(&["--frame-rate=10"]);
    let mut client = C::join(&gateway, "u");
    // However the second is cut, one of these is the eleventh of its second.
    let many: Vec<u8> = (0..21).flat_map(|_| C::wire(r#"{"type":"ping"}"#)).collect();
    client.write(&many);
    client.expect_bye("too_many_frames", 4429);
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
