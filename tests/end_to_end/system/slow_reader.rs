//! A client that reads nothing costs neither memory nor the others.

use std::{
    io::{self, Read},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use serde_json::json;

use crate::harness::{Client, Tcp, WebSocket, eventually, pair, wait::Telling};

const MIB: u64 = 1 << 20;
/// In all, 100 MB for the one that does not read.
const LARGE: u32 = 1600;
const PAYLOAD: usize = 62_500;
/// A small push for the other behind so many large ones.
const EVERY: u32 = 4;

/// The lines of the batch, made as they are read.
struct Lines {
    next: u32,
    payload: String,
    line: io::Cursor<Vec<u8>>,
}

impl Lines {
    fn line(&self) -> String {
        let large = json!({ "to": { "user": "blocked" }, "data": self.payload });
        match self.next % EVERY {
            0 => {
                format!("{large}\n{}\n", json!({ "to": { "user": "reading" }, "data": self.next }))
            }
            _ => format!("{large}\n"),
        }
    }
}

impl Read for Lines {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.line.read(into)?;
        if read > 0 || self.next == LARGE {
            return Ok(read);
        }
        self.line = io::Cursor::new(self.line().into_bytes());
        self.next += 1;
        self.line.read(into)
    }
}

fn others_are_served<C: Client>() {
    let (gateway, pusher) = pair(&["--close-timeout=1s"]);
    let mut reading = Tcp::join(&gateway, "reading");
    // Buffers that are kept for later have their size by then.
    let warm = json!({ "to": { "user": "reading" }, "data": "x".repeat(PAYLOAD) });
    for _ in 0..100 {
        assert_eq!(pusher.client.push_with_receipt(&warm)["online"], true);
        reading.expect("push");
    }
    let before = gateway.process.resident_kib();

    // It comes back whenever it was closed, so that there is always somebody who does not read.
    let (done, highest) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let over = Telling(&done);
        scope.spawn(|| {
            let mut blocked = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let closed = gateway.metrics().get("holdfast_slow_consumer_closes_total");
                if closed as usize >= blocked.len() && blocked.len() < 10 {
                    blocked.push(C::join(&gateway, "blocked"));
                }
                highest.fetch_max(gateway.process.resident_kib(), Ordering::Relaxed);
            }
        });
        eventually("the one that does not read", || {
            (pusher.client.get("/v1/users/blocked").json()["online"] == true).then_some(())
        });
        let reader = scope.spawn(move || {
            (0..LARGE).step_by(EVERY as usize).for_each(|number| {
                assert_eq!(reading.expect("push")["data"], number);
            });
        });
        let payload = "x".repeat(PAYLOAD);
        let report = pusher.client.batch(Lines { next: 0, payload, line: io::Cursor::default() });
        let read = reader.join();
        drop(over);
        read.unwrap();
        assert_eq!(report["accepted"], LARGE + LARGE / EVERY, "{report}");
    });
    let metrics = gateway.metrics();
    let closes = metrics.get("holdfast_slow_consumer_closes_total");
    assert!(closes >= 1.0);
    assert_eq!(metrics.get("holdfast_sessions_closed_total{reason=\"too_slow\"}"), closes);
    let grown = highest.load(Ordering::Relaxed).saturating_sub(before) / 1024;
    println!("closes: {closes}, grown by {grown} MiB from {} MiB", before / 1024);
    assert!(grown < 24, "grown by {grown} MiB for a client that does not read");
    assert!(metrics.get("holdfast_push_memory_bytes") < MIB as f64);
}

#[test]
fn a_blocked_websocket_costs_nobody_anything() {
    others_are_served::<WebSocket>();
}

#[test]
fn a_blocked_tcp_client_costs_nobody_anything() {
    others_are_served::<Tcp>();
}
