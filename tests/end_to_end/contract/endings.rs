//! How sessions end from the gateway's side, and from the client's.

use std::net::Shutdown;

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{
    Client, Event, Gateway, PusherApi, Who,
    client::{Refused, connect},
    eventually, pair,
    tokens::{secret_flag, token_of_device},
};

contract!(
    a_drained_gateway_says_goodbye_to_everybody,
    a_draining_gateway_is_not_ready_and_still_pushes,
    a_second_signal_stops_at_once,
    a_drain_that_was_held_up_says_goodbye_to_everybody,
    clients_are_taken_while_load_balancers_find_out,
    backends_close_sessions,
    a_client_that_ends_its_stream_is_gone,
    an_unfinished_handshake_is_given_up,
);

fn a_drained_gateway_says_goodbye_to_everybody<C: Client>() {
    let mut gateway = Gateway::start(&["--drain=200ms"]);
    let mut clients: Vec<_> = (0..20).map(|n| C::join(&gateway, n.to_string().as_str())).collect();
    gateway.terminate();
    for client in &mut clients {
        let bye = client.expect_bye("draining", 1012);
        assert!(bye["retry_ms"].as_u64().is_some_and(|pause| pause > 0), "{bye}");
    }
    drop(clients);
    assert_eq!(gateway.wait().code(), Some(0));
}

fn a_draining_gateway_is_not_ready_and_still_pushes<C: Client>() {
    let (mut gateway, pusher) = pair(&["--drain=10m"]);
    let mut clients: Vec<_> = (0..9).map(|n| C::join(&gateway, n.to_string().as_str())).collect();
    assert_eq!(gateway.get("/readyz").status, 200);
    gateway.terminate();
    eventually("not ready", || (gateway.get("/readyz").status == 503).then_some(()));
    assert_eq!(gateway.get("/healthz").status, 200);
    let port = gateway.tls.map_or_else(|| C::address(&gateway), |[http, _]| http);
    eventually("nobody is let in", || std::net::TcpStream::connect(port).err());
    // The first were told to go; the last have their turn in ten minutes.
    let last = eventually("a session that stays", || {
        (0..9).find(|user| {
            let body = json!({ "to": { "user": user.to_string() }, "data": "still here" });
            pusher.client.push_with_receipt(&body)["online"] == true
        })
    });
    let pushed = clients[last].expect("push");
    assert_eq!(pushed["data"], "still here");
    gateway.process.signal(Signal::TERM);
    assert_eq!(gateway.wait().code(), Some(0));
}

fn a_second_signal_stops_at_once<C: Client>() {
    let mut gateway = Gateway::start(&["--drain=10m"]);
    let mut clients: Vec<_> = (0..9).map(|n| C::join(&gateway, n.to_string().as_str())).collect();
    gateway.terminate();
    eventually("draining", || (gateway.get("/readyz").status == 503).then_some(()));
    gateway.process.signal(Signal::INT);
    assert_eq!(gateway.wait().code(), Some(0));
    // Those whose turn to go had come were told so before.
    let mut told = Vec::new();
    for client in &mut clients {
        let bye = client.expect("bye");
        assert!(bye["retry_ms"].as_u64().is_some_and(|pause| pause > 0), "{bye}");
        told.push(bye["reason"].as_str().unwrap().to_owned());
    }
    assert!(told.iter().all(|it| it == "going_away" || it == "draining"), "{told:?}");
    assert!(told.iter().filter(|it| *it == "going_away").count() > 5, "{told:?}");
}

fn a_drain_that_was_held_up_says_goodbye_to_everybody<C: Client>() {
    let mut gateway = Gateway::start(&["--drain=1s", "--close-timeout=1s"]);
    let mut clients: Vec<_> = (0..50).map(|n| C::join(&gateway, n.to_string().as_str())).collect();
    gateway.terminate();
    eventually("draining", || (gateway.get("/readyz").status == 503).then_some(()));
    {
        let _stopped = gateway.process.stopped();
        // Longer than the drain and what clients have to close after it.
        std::thread::sleep(std::time::Duration::from_secs(3));
    }
    for client in &mut clients {
        client.expect_bye("draining", 1012);
    }
    drop(clients);
    assert_eq!(gateway.wait().code(), Some(0));
}

fn clients_are_taken_while_load_balancers_find_out<C: Client>() {
    let mut gateway = Gateway::start(&["--drain-wait=3s", "--drain=0s"]);
    gateway.terminate();
    eventually("not ready", || (gateway.get("/readyz").status == 503).then_some(()));
    let mut late = C::join(&gateway, "late");
    late.expect_bye("draining", 1012);
    assert_eq!(gateway.wait().code(), Some(0));
}

fn backends_close_sessions<C: Client>() {
    let gateway = Gateway::start(&[&secret_flag()]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let join = |device| C::join(&gateway, Who::Token(token_of_device("u", device)));
    let (mut phone, mut tablet) = (join("phone"), join("tablet"));
    let closed = pusher.client.delete("/v1/users/u/sessions?device=phone");
    assert_eq!(closed.json(), json!({ "closed": 1, "complete": true }));
    phone.expect_bye("disconnected", 1008);
    tablet.expect_alive();
    assert_eq!(
        pusher.client.delete("/v1/users/u/sessions").json(),
        json!({ "closed": 1, "complete": true })
    );
    tablet.expect_bye("disconnected", 1008);
    assert_eq!(
        pusher.client.delete("/v1/users/u/sessions").json(),
        json!({ "closed": 0, "complete": true })
    );
}

fn a_client_that_ends_its_stream_is_gone<C: Client>() {
    let gateway = Gateway::start(&[]);
    let client = C::join(&gateway, "u");
    gateway.await_metric("holdfast_sessions", 1.0);
    client.socket().shutdown(Shutdown::Write).unwrap();
    gateway.await_metric("holdfast_sessions", 0.0);
    gateway.await_metric("holdfast_users", 0.0);
    assert_eq!(
        gateway.metrics().get("holdfast_sessions_closed_total{reason=\"client_left\"}"),
        1.0
    );
}

fn an_unfinished_handshake_is_given_up<C: Client>() {
    let gateway = Gateway::start(&["--handshake-timeout=300ms"]);
    let mut socket = connect(C::address(&gateway));
    let handshake = C::handshake(&gateway, &Who::user("u"));
    std::io::Write::write_all(&mut socket, &handshake[..handshake.len() / 2]).unwrap();
    match C::adopt(socket) {
        Err(Refused::Status(status)) => assert_eq!(status, 408),
        Err(other) => panic!("{other:?}"),
        Ok(mut client) => match client.next() {
            Event::Frame(bye) => assert_eq!(bye["reason"], "handshake_timeout"),
            closed => panic!("{closed:?}"),
        },
    }
}
