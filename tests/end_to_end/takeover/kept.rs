//! What is kept comes once, too.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use serde_json::json;

use super::{Waiting, await_more};
use crate::harness::{
    Client, Event, Http, Poll, PusherApi, Sse, Tcp, WebSocket, files::TestDirectory, wait::Telling,
};

fn kept_pushes_come_once<C: Client>() {
    // Nobody polls while nobody reads.
    let mut waiting = Waiting::start(&["--poll-grace=60s"]);
    let data = TestDirectory::new("takeover-kept");
    let pusher = PusherApi::start(&[&waiting.gateway], &[&data.flag("data"), "--kept-bytes=64MiB"]);
    let mut client = C::join(&waiting.gateway, "u");
    client.send(&json!({ "type": "subscribe", "topics": ["t"] }));
    client.expect("subscribed");
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let pushing = Http::new(pusher.address);
    thread::scope(|scope| {
        let over = Telling(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let number = done.load(Ordering::Relaxed);
                for to in [json!({ "user": "u" }), json!({ "topic": "t" })] {
                    pushing.push(&json!({ "to": to, "data": number, "ttl": 600 }));
                }
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
        for _ in 0..2 {
            await_more(5, "pushes flow", &done);
            waiting.succeed(&[]);
            await_more(5, "pushes flow again", &done);
        }
        drop(over);
    });
    let all = done.load(Ordering::Relaxed);
    let mut next = [0; 2];
    while next != [all; 2] {
        match client.next() {
            Event::Frame(frame) if frame["type"] == "push" => {
                let log = usize::from(frame["topic"] == "t");
                assert_eq!(frame["data"], next[log], "{frame}");
                next[log] += 1;
            }
            Event::Frame(frame) if frame["type"] == "ping" => {}
            other => panic!("{other:?} after {next:?} of {all}"),
        }
    }
    client.expect_alive();
}

#[test]
fn on_websocket() {
    kept_pushes_come_once::<WebSocket>();
}

#[test]
fn on_tcp() {
    kept_pushes_come_once::<Tcp>();
}

#[test]
fn on_sse() {
    kept_pushes_come_once::<Sse>();
}

#[test]
fn on_poll() {
    kept_pushes_come_once::<Poll>();
}
