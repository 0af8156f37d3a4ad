//! Clients that are gone without a word, and how long they count as online: two intervals of pings on
//! every transport where the way to them is cut ([`cut_cable`]), and `--poll-grace` more for those that
//! poll; where somebody still takes what is sent ([`silence`]), two intervals for those that answer pings,
//! and `--sse-age` for other streams of events.

mod cable;
mod cut_cable;
mod mute;
mod silence;

use std::{io::Write, net::SocketAddr};

use protocol::CloseReason;
use serde_json::{Value, json};

use crate::harness::{Client, Event, Gateway, PusherApi, Sse, Who, client::connect, eventually};

/// Joins by way of this address, which may be somebody else's in front of the gateway.
fn join_by<C: Client>(address: SocketAddr, gateway: &Gateway, user: &str) -> (C, Value) {
    let mut socket = connect(address);
    socket.write_all(&C::handshake(gateway, &Who::user(user))).unwrap();
    let mut client = C::adopt(socket).unwrap();
    let hello = client.expect("hello");
    (client, hello)
}

/// A stream of events whose client posts nothing.
fn stream(address: SocketAddr, gateway: &Gateway, user: &str) -> Sse {
    join_by(address, gateway, user).0
}

/// Passes over pings until a frame of this type comes; how many there were.
fn expect_behind_pings(stream: &mut Sse, kind: &str) -> u32 {
    let mut pings = 0;
    loop {
        match stream.next() {
            Event::Frame(frame) if frame["type"] == kind => return pings,
            Event::Frame(frame) if frame["type"] == "ping" => pings += 1,
            other => panic!("expected {kind}, not {other:?}"),
        }
    }
}

/// Why sessions have ended, and how many for each reason.
fn ended(gateway: &Gateway) -> Vec<(&'static str, u32)> {
    let metrics = gateway.metrics();
    let count = |reason: &str| {
        metrics.get(&format!("holdfast_sessions_closed_total{{reason=\"{reason}\"}}")) as u32
    };
    let all = CloseReason::ALL.map(|reason| (reason.as_str(), count(reason.as_str())));
    all.into_iter().filter(|(_, count)| *count > 0).collect()
}

fn is_online(pusher: &PusherApi, user: &str) -> bool {
    pusher.client.get(&format!("/v1/users/{user}")).json()["online"] == true
}

fn await_offline(pusher: &PusherApi, users: &[&str]) {
    for user in users {
        eventually(&format!("{user} is offline"), || (!is_online(pusher, user)).then_some(()));
    }
}

/// Pushes to a user until it has to wait.
fn push_until_queued(pusher: &PusherApi, user: &str) {
    let body = json!({ "to": { "user": user }, "data": "x".repeat(60_000) });
    let outcome = || pusher.client.push_with_receipt(&body)["sessions"][0]["outcome"].clone();
    assert!((0..1000).any(|_| outcome() == "queued"), "{user} takes everything");
}
