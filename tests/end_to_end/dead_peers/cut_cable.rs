//! The way to clients is cut, and nobody says so.

use std::thread;

use serde_json::json;

use super::{
    await_offline,
    cable::{Cable, Cut, NEAR},
    ended, expect_behind_pings, is_online, push_until_queued, stream,
};
use crate::harness::{
    Client, Gateway, Poll, Process, PusherApi, Sse, Tcp, WebSocket, servers::arguments,
};

/// Streams last; who is found out is not found out by their end.
const LASTING: &str = "--sse-age=1h";

fn gateway(flags: &[&str]) -> Gateway {
    let any = format!("{NEAR}:0").parse().unwrap();
    let flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    Gateway::listen([any; 3], flags.clone(), Process::start(&arguments([any; 3], &flags)))
}

#[test]
fn a_cut_cable_is_noticed_on_every_transport() {
    let cuts = [
        ("lost", Cut::Beyond("drop")),
        ("host", Cut::Beyond("reject with icmp type host-unreachable")),
        ("net", Cut::Beyond("reject with icmp type net-unreachable")),
        ("plug", Cut::Unplugged),
    ];
    thread::scope(|scope| {
        for (name, how) in cuts {
            scope.spawn(move || is_noticed(name, how));
        }
    });
}

fn is_noticed(name: &str, how: Cut) {
    let Some(cable) = Cable::lay(name) else { return };
    let flags = ["--ping-interval=3s", "--poll-grace=1s", "--close-timeout=200ms", LASTING];
    let gateway = gateway(&flags);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let _there = cable.far(|| {
        let answering = Sse::join(&gateway, "answering");
        let silent = stream(gateway.http, &gateway, "silent");
        let poll = Poll::join(&gateway, "poll");
        (WebSocket::join(&gateway, "ws"), Tcp::join(&gateway, "tcp"), answering, silent, poll)
    });
    let mut here = stream(gateway.http, &gateway, "here");
    let users = ["ws", "tcp", "answering", "silent", "poll"];
    assert!(users.iter().all(|user| is_online(&pusher, user)));
    cable.cut(how);
    await_offline(&pusher, &users);
    // A poll's connection is not the session's: that it has ended is all the session is told.
    assert_eq!(ended(&gateway), [("client_left", 1), ("ping_timeout", 4)], "{how:?}");
    pusher.client.push(&json!({ "to": { "user": "here" }, "data": 1 }));
    expect_behind_pings(&mut here, "push");
}

#[test]
fn a_cut_cable_is_noticed_by_who_has_something_to_say() {
    let Some(cable) = Cable::lay("talk") else { return };
    let flags = ["--ping-interval=3s", "--write-timeout=6s", "--outbound-limit=64MiB", LASTING];
    let gateway = gateway(&flags);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let _there = cable.far(|| {
        let silent = stream(gateway.http, &gateway, "silent");
        (WebSocket::join(&gateway, "ws"), Tcp::join(&gateway, "tcp"), silent)
    });
    let users = ["ws", "tcp", "silent"];
    cable.cut(Cut::Beyond("drop"));
    users.iter().for_each(|user| push_until_queued(&pusher, user));
    await_offline(&pusher, &users);
    assert_eq!(ended(&gateway), [("too_slow", 3)]);
}
