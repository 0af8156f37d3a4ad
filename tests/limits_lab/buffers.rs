//! TCP's memory, used up by clients that do not read.

use serde_json::json;

use crate::{
    harness::{Client, Gateway, PusherApi, WebSocket, servers::pair},
    kept::Kept,
    place::{Home, Need, case},
    runs::Diagnosis,
};

const LIMIT: &str = "net.ipv4.tcp_mem";
/// What the kernel does not take waits in the gateway.
const QUEUED: &str = "holdfast_outbound_queued_bytes";
const READERS: usize = 150;
const PUSHES: usize = 4;
const PAYLOAD: usize = 60_000;

/// Clients that do not read, with some pushes in the kernel's buffers already.
fn slow_readers(gateway: &Gateway, pusher: &PusherApi) -> Vec<WebSocket> {
    let slow = (0..READERS).map(|number| WebSocket::join(gateway, user(number).as_str())).collect();
    (1..PUSHES).for_each(|_| push(pusher));
    slow
}

fn user(number: usize) -> String {
    format!("slow-{number}")
}

/// One more for each of them.
fn push(pusher: &PusherApi) {
    let users: Vec<_> = (0..READERS).map(user).collect();
    pusher.client.push_with_receipt(&json!({
        "to": { "users": users },
        "data": "x".repeat(PAYLOAD),
    }));
}

/// Everybody reads after all, and nothing is missing.
fn read(slow: Vec<WebSocket>) {
    for mut client in slow {
        for _ in 0..PUSHES {
            assert_eq!(client.expect("push")["data"].as_str().map(str::len), Some(PAYLOAD));
        }
    }
}

/// Another session is served meanwhile.
fn assert_served(pusher: &PusherApi, witness: &mut WebSocket) {
    witness.expect_alive();
    pusher.client.push(&json!({ "to": { "user": "witness" }, "data": "small" }));
    assert_eq!(witness.expect("push")["data"], "small");
}

fn look(home: &Home, gateway: &Gateway, flags: &[&str]) -> Diagnosis {
    Diagnosis::of(home, gateway, READERS as u32, flags)
}

#[test]
fn slow_readers_use_up_tcps_memory() {
    case("buffers", &[Need::Setting(LIMIT)], |home| {
        // As much for each as the kernel would give if it were left to it.
        let (gateway, pusher) = pair(&["--send-buffer=4MiB"]);
        let mut witness = WebSocket::join(&gateway, "witness");
        let slow = slow_readers(&gateway, &pusher);
        let tcp_mem = Kept::new(home, LIMIT);
        tcp_mem.set("150 300 450");
        push(&pusher);
        assert_served(&pusher, &mut witness);
        let found = look(home, &gateway, &[]);
        found.assert_names(LIMIT, "sysctl -w 'net.ipv4.tcp_mem=");
        assert_eq!(found.limit(LIMIT, "verdict"), "hit");
        let starved = gateway.metrics().get(QUEUED);
        assert!(starved > PAYLOAD as f64, "{starved} bytes wait in the gateway");

        look(home, &gateway, &["--fix"]).assert_fixed(LIMIT);
        drop(slow);
        gateway.await_metric("holdfast_users", 1.0);
        let slow = slow_readers(&gateway, &pusher);
        push(&pusher);
        assert_eq!(look(home, &gateway, &[]).limit(LIMIT, "verdict"), "ok");
        // A socket whose buffer has not grown yet may leave some.
        let queued = gateway.metrics().get(QUEUED);
        assert!(queued < starved / 10.0, "{queued} bytes wait, after {starved}");
        assert_served(&pusher, &mut witness);
        read(slow);
    });
}
