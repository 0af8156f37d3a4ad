//! What was answered is kept, whatever becomes of the process.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use rustix::process::Signal;
use serde_json::json;

use super::{count, keeper, to_user};
use crate::harness::{Http, eventually, wait::Telling};

const ROUNDS: usize = 3;
const WRITERS: usize = 4;

/// A push of its own id to the user of its writer.
fn numbered(writer: usize, number: u64) -> String {
    let id = format!("0190a6f0-0000-7000-{writer:04}-{number:012}");
    let to = json!({ "user": format!("u{writer}") });
    json!({ "to": to, "data": number, "ttl": 600, "id": id }).to_string()
}

#[test]
fn everything_that_was_answered_is_there_after_a_kill_and_nothing_twice() {
    let mut keeper = keeper(&["--kept-per-user=100000", "--kept-bytes-per-user=16MiB"]);
    // How many of each writer were answered.
    let answered: [AtomicU64; WRITERS] = Default::default();
    for _ in 0..ROUNDS {
        let address = keeper.pusher.address;
        let is_over = AtomicBool::new(false);
        let before: u64 = answered.iter().map(|it| it.load(Ordering::Relaxed)).sum();
        thread::scope(|scope| {
            let _over = Telling(&is_over);
            for (writer, answered) in answered.iter().enumerate() {
                let is_over = &is_over;
                scope.spawn(move || {
                    let client = Http::new(address);
                    while !is_over.load(Ordering::Relaxed) {
                        let number = answered.load(Ordering::Relaxed);
                        let body = numbered(writer, number);
                        match client.try_post("/v1/push", "application/json", &body) {
                            Ok(answer) => assert_eq!(answer.status, 202, "{answer:?}"),
                            Err(_) => return,
                        }
                        answered.store(number + 1, Ordering::Relaxed);
                    }
                });
            }
            eventually("some were answered", || {
                let now: u64 = answered.iter().map(|it| it.load(Ordering::Relaxed)).sum();
                (now > before + 40).then_some(())
            });
            keeper.pusher.process.kill();
        });
        keeper.pusher.restart();
        keeper.pusher.await_ready();
        for (writer, answered) in answered.iter().enumerate() {
            let answered = answered.load(Ordering::Relaxed);
            let client = &keeper.pusher.client;
            let user = format!("u{writer}");
            let kept = count(client, &user);
            // The one under way may have been kept without its answer.
            assert!((answered..=answered + 1).contains(&kept), "{kept} of {answered}");
            for number in 0..answered {
                let body = numbered(writer, number);
                assert_eq!(client.post("/v1/push", "application/json", &body).status, 202);
            }
            assert_eq!(count(client, &user), kept, "none is there twice");
        }
    }
}

#[test]
fn what_was_accepted_is_kept_when_it_is_told_to_stop() {
    let mut keeper = keeper(&["--kept-per-user=10000"]);
    let line = to_user("u", 1).to_string();
    let report = keeper.pusher.client.batch(vec![line; 2000].join("\n").as_bytes());
    assert_eq!(report["accepted"], 2000, "{report}");
    keeper.pusher.process.signal(Signal::TERM);
    assert_eq!(keeper.pusher.process.wait().code(), Some(0));
    assert!(!keeper.data.path().join("holdfast.sqlite-wal").exists(), "it was closed in order");
    keeper.pusher.restart();
    keeper.pusher.await_ready();
    assert_eq!(count(&keeper.pusher.client, "u"), 2000);
}
