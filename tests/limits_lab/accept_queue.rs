//! A server that does not accept for a while, with a short queue and with a long one.

use std::thread;

use limits::sockets::{Sockets, serves};

use crate::{
    harness::{Client, Gateway, WebSocket, eventually},
    place::case,
    runs::{Diagnosis, Load},
};

const SESSIONS: u32 = 300;

/// Connections that wait to be accepted by the gateway.
fn waiting(gateway: &Gateway) -> u32 {
    let listeners = Sockets::read().unwrap().listeners;
    listeners.iter().filter(|one| serves(one, gateway.http)).map(|one| one.waiting).sum()
}

#[test]
fn a_short_queue_overflows_and_a_long_one_does_not() {
    case("queue", &[], |home| {
        let gateway = Gateway::start(&["--backlog=16"]);
        let mut witness = WebSocket::join(&gateway, "witness");
        let stopped = gateway.process.stopped();
        let load = Load::websockets(gateway.http, SESSIONS, &["--connect-timeout=3s"]);
        load.assert_fails("timeout while connecting", "accept queue");
        let found = Diagnosis::of(home, &gateway, SESSIONS, &[]);
        found.assert_names("listen() backlog", "--backlog 128");
        assert_eq!(found.limit("listen() backlog", "verdict"), "hit");
        assert!(found.counter("listen_overflows") > 0);
        // Those who got into the queue have given up meanwhile.
        assert!(found.counter("close_wait") > 0);

        drop(stopped);
        witness.expect_alive();
        eventually("nothing is left in CLOSE_WAIT", || {
            (Sockets::read().unwrap().close_wait == 0).then_some(())
        });
        drop((witness, gateway));
        passes_with_a_long_queue();
    });
}

fn passes_with_a_long_queue() {
    let gateway = Gateway::start(&[]);
    let mut witness = WebSocket::join(&gateway, "witness");
    let address = gateway.http;
    let stopped = gateway.process.stopped();
    thread::scope(|scope| {
        // A thread begins in the namespace of the one that starts it.
        let load =
            scope.spawn(move || Load::websockets(address, SESSIONS, &["--connect-timeout=20s"]));
        eventually("all wait", || (waiting(&gateway) >= SESSIONS).then_some(()));
        drop(stopped);
        load.join().unwrap().assert_passes();
    });
    witness.expect_alive();
}
