//! Either process is cut off on the way: each session is with exactly one of them, or its connection ends.

use std::{thread::sleep, time::Duration};

use serde_json::json;

use super::Waiting;
use crate::harness::{Client, Event, PusherApi, WebSocket, eventually};

const PING: &str = r#"{"type":"ping"}"#;
/// So many sessions, so that giving them takes several messages.
const SESSIONS: usize = 600;
/// The moments of the cut: from before anything is given to behind the end.
const MOMENTS: [u64; 6] = [0, 8, 16, 32, 64, 128];

fn clients(waiting: &Waiting) -> Vec<WebSocket> {
    let join = |number| WebSocket::join(&waiting.gateway, format!("u{number}").as_str());
    (0..SESSIONS).map(join).collect()
}

/// Those whose connection has not ended are served, by one process: each push comes once. Returns how many they are.
fn served(pusher: &PusherApi, clients: &mut [WebSocket], round: u64) -> usize {
    pusher.await_ready();
    let asked = |client: &mut WebSocket| {
        // One that has ended may not even take that.
        let _ = std::io::Write::write_all(&mut client.socket(), &WebSocket::wire(PING));
        loop {
            match client.message() {
                Ok(message) if message.to_text().is_ok_and(|it| it.contains("pong")) => {
                    return true;
                }
                Ok(message) if message.is_text() || message.is_ping() => {}
                // It was told to come back, or its connection has ended.
                Ok(_) | Err(_) => return false,
            }
        }
    };
    let mut live: Vec<_> = clients.iter_mut().filter_map(|it| asked(it).then_some(it)).collect();
    if let Some(first) = live.first_mut() {
        eventually("the sessions are reached", || {
            pusher.client.push(&json!({ "to": { "all": true }, "data": "look" }));
            first.write(&WebSocket::wire(PING));
            let mut is_reached = false;
            loop {
                match first.next() {
                    Event::Frame(frame) if frame["type"] == "pong" => break,
                    Event::Frame(frame) => is_reached |= frame["data"] == "look",
                    Event::Closed(code) => panic!("closed with {code:?}"),
                }
            }
            is_reached.then_some(())
        });
    }
    pusher.client.push_with_receipt(&json!({ "to": { "all": true }, "data": round }));
    for client in &mut live {
        let mut came = 0;
        client.write(&WebSocket::wire(PING));
        loop {
            match client.next() {
                Event::Frame(frame) if frame["type"] == "pong" && came > 0 => break,
                Event::Frame(frame) if frame["type"] == "pong" => {
                    sleep(Duration::from_millis(5));
                    client.write(&WebSocket::wire(PING));
                }
                Event::Frame(frame) => came += usize::from(frame["data"] == round),
                Event::Closed(code) => panic!("closed with {code:?}"),
            }
        }
        assert_eq!(came, 1, "once");
    }
    live.len()
}

#[test]
fn the_older_one_is_cut_off() {
    for (round, moment) in (0..).zip(MOMENTS) {
        let mut waiting = Waiting::start(&[]);
        let pusher = PusherApi::start(&[&waiting.gateway], &[]);
        let mut clients = clients(&waiting);
        let mut successor = waiting.gateway.start_successor(&[]);
        successor.find_in_log("taking over", |line| line.contains("taking over").then_some(()));
        sleep(Duration::from_millis(moment));
        waiting.gateway.process.kill();
        // It may not have been given so much as its listeners; then it ends.
        let is_listening = eventually("it listens or ends", || {
            let log = successor.log();
            let says = |word: &str| log.iter().any(|line| line.contains(word));
            match (says("gateway listening"), says("--takeover:")) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            }
        });
        if is_listening {
            let gateway = waiting.gateway.succeeded_by(successor);
            let served = served(&pusher, &mut clients, round);
            gateway.await_metric("holdfast_takeover_sessions", served as f64);
        }
    }
}

#[test]
fn the_newer_one_is_cut_off() {
    for (round, moment) in (0..).zip(MOMENTS) {
        let waiting = Waiting::start(&[]);
        let pusher = PusherApi::start(&[&waiting.gateway], &[]);
        let mut clients = clients(&waiting);
        let mut successor = waiting.gateway.start_successor(&[]);
        successor.find_in_log("taking over", |line| line.contains("taking over").then_some(()));
        sleep(Duration::from_millis(moment));
        successor.kill();
        let is_here = eventually("the older one goes on or has ended", || {
            let log = waiting.gateway.process.log();
            let says = |word: &str| log.iter().any(|line| line.contains(word));
            match (says("does not take over"), says("another process has taken over")) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            }
        });
        if is_here {
            assert_eq!(served(&pusher, &mut clients, round), SESSIONS, "all of them");
        }
    }
}
