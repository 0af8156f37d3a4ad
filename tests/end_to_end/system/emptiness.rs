//! When every client has gone, nothing is left of them.

use std::{io::Read, time::Duration};

use serde_json::json;
use socket2::SockRef;

use crate::harness::{Client, Gateway, Tcp, WebSocket, eventually, pair, websocket::frame};

/// Ends in one of the ways clients end.
fn leave<C: Client>(mut client: C, number: usize) {
    match number % 4 {
        0 => drop(client),
        // An abrupt reset.
        1 => SockRef::from(client.socket()).set_linger(Some(Duration::ZERO)).unwrap(),
        2 => client.write(&C::wire("no json")),
        _ if C::HAS_CODES => client.write(&frame(0x88, &1000_u16.to_be_bytes())),
        _ => client.socket().shutdown(std::net::Shutdown::Write).unwrap(),
    }
}

fn come<C: Client>(gateway: &Gateway, number: usize) -> C {
    let mut client = C::join(gateway, format!("u{}", number % 40).as_str());
    client.send(&json!({ "type": "subscribe", "topics": ["news", format!("t{number}")] }));
    client.expect_alive();
    client
}

#[test]
fn nothing_is_left_of_clients_that_have_gone() {
    let (gateway, pusher) = pair(&[]);
    let web: Vec<WebSocket> = (0..100).map(|number| come(&gateway, number)).collect();
    let tcp: Vec<Tcp> = (0..100).map(|number| come(&gateway, number)).collect();
    gateway.await_metric("holdfast_sessions", 200.0);
    let descriptors = gateway.metrics().get("holdfast_fds_open") - 200.0;
    assert_eq!(gateway.metrics().get("holdfast_users"), 40.0);
    web.into_iter().enumerate().for_each(|(number, client)| leave(client, number));
    tcp.into_iter().enumerate().for_each(|(number, client)| leave(client, number));
    for (name, value) in [
        ("holdfast_sessions", 0.0),
        ("holdfast_users", 0.0),
        ("holdfast_handshakes_pending", 0.0),
        ("holdfast_outbound_queued_bytes", 0.0),
        ("holdfast_push_memory_bytes", 0.0),
        ("holdfast_sessions_closed_total", 200.0),
        ("holdfast_fds_open", descriptors),
    ] {
        gateway.await_metric(name, value);
    }
    for number in 0..40 {
        let path = format!("/v1/users/u{number}");
        eventually("the user is offline", || {
            (pusher.client.get(&path).json()["online"] == false).then_some(())
        });
    }
    assert_eq!(pusher.client.get("/v1/topics/news").json()["sessions"], 0);
}

#[test]
fn connections_that_never_become_sessions_leave_nothing() {
    let mut gateway = Gateway::start(&["--handshake-timeout=2s", "--workers=1"]);
    // Until then it has files open to look at the machine's limits.
    gateway.process.find_in_log("the forecast", |line| line.contains("that fit").then_some(()));
    let mut session = Tcp::join(&gateway, "u");
    let descriptors = gateway.metrics().get("holdfast_fds_open");
    let sockets: Vec<_> = (0..50)
        .map(|number| {
            let address = if number % 2 == 0 { gateway.http } else { gateway.tcp };
            crate::harness::client::connect(address)
        })
        .collect();
    eventually("they are accepted", || {
        (gateway.metrics().get("holdfast_fds_open") >= descriptors + 50.0).then_some(())
    });
    // Each is given up.
    for mut socket in sockets {
        assert_eq!(socket.read(&mut [0]).unwrap(), 0);
    }
    gateway.await_metric("holdfast_fds_open", descriptors);
    gateway.await_metric("holdfast_handshakes_pending", 0.0);
    session.expect_alive();
}
