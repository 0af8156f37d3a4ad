//! Listeners of `--proxy-protocol`.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use crate::harness::{
    Client, Gateway, Http, PusherApi, Sse, Tcp, WebSocket, Who,
    client::connect,
    pair,
    poll::{ByHand, read_answer},
    tunnel::{PROXY_FLAGS as FLAGS, SIGNATURE, proxy_header as header},
};

use super::address_of;

/// Passed on for 192.0.2.7:4711, with something beside it.
pub(super) fn for_somebody() -> Vec<u8> {
    let addresses = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x67, 1, 187];
    header(0x21, 0x11, &[&addresses[..], &[4, 0, 2, 0, 0]].concat())
}

/// Opens a session on a connection that begins with this, a byte at a time.
fn open<C: Client>(gateway: &Gateway, user: &str, begin: &[u8]) -> C {
    let mut socket = connect(C::address(gateway));
    for byte in begin {
        socket.write_all(&[*byte]).unwrap();
    }
    socket.write_all(&C::handshake(gateway, &Who::user(user))).unwrap();
    let mut client = C::adopt(socket).unwrap();
    client.expect("hello");
    client
}

fn is_shown<C: Client>(gateway: &Gateway, pusher: &PusherApi) {
    let user = C::NAME;
    let own = format!("{user}-own");
    let unknown = format!("{user}-unknown");
    let client: C = open(gateway, user, &for_somebody());
    assert_eq!(address_of(pusher, user), "192.0.2.7:4711");
    // The proxy's own connection, and one of somebody without an address: the socket's is shown.
    let checks: C = open(gateway, &own, &header(0x20, 0, b""));
    assert_eq!(address_of(pusher, &own), checks.socket().local_addr().unwrap().to_string());
    let others: C = open(gateway, &unknown, &header(0x21, 0, b"whatever"));
    assert_eq!(address_of(pusher, &unknown), others.socket().local_addr().unwrap().to_string());
    drop(client);
}

#[test]
fn the_address_in_the_header_is_the_clients() {
    let (gateway, pusher) = pair(&FLAGS);
    is_shown::<WebSocket>(&gateway, &pusher);
    is_shown::<Tcp>(&gateway, &pusher);
    is_shown::<Sse>(&gateway, &pusher);
    assert_eq!(gateway.metrics().get("holdfast_proxy_connections_total"), 9.0);
}

#[test]
fn polls_of_one_connection_are_the_clients_too() {
    let (gateway, pusher) = pair(&[&FLAGS[..], &["--poll-grace=1h"]].concat());
    let mut socket = connect(gateway.http);
    socket.write_all(&for_somebody()).unwrap();
    let request = format!("GET /v1/poll?user=u HTTP/1.1\r\nHost: {}\r\n\r\n", gateway.http);
    for _ in 0..2 {
        socket.write_all(request.as_bytes()).unwrap();
        assert_eq!(read_answer(&mut socket).status, 200);
    }
    let shown = pusher.client.get("/v1/users/u").json();
    let sessions = shown["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2, "{shown}");
    assert!(sessions.iter().all(|session| session["address"] == "192.0.2.7:4711"), "{shown}");
}

#[test]
fn a_seat_forgets_whose_it_was() {
    let (gateway, pusher) = pair(&[&FLAGS[..], &["--workers=1"]].concat());
    drop(open::<Tcp>(&gateway, "first", &for_somebody()));
    gateway.await_metric("holdfast_sessions", 0.0);
    // One that is refused, and one that says nothing more.
    let mut refused = connect(gateway.http);
    refused
        .write_all(&[&for_somebody()[..], b"GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n"].concat())
        .unwrap();
    refused.read_to_end(&mut Vec::new()).unwrap();
    drop(refused);
    let next: Tcp = open(&gateway, "next", &header(0x20, 0, b""));
    assert_eq!(address_of(&pusher, "next"), next.socket().local_addr().unwrap().to_string());
}

/// Reads to the end of a connection that is refused.
pub(super) fn is_cut(mut socket: TcpStream, said: &[u8]) {
    // It may be gone before all is said.
    let _ = socket.write_all(said);
    let mut read = Vec::new();
    let _ = socket.read_to_end(&mut read);
    assert_eq!(read, b"", "nobody speaks to who is not one of them");
}

/// Whoever begins with something else than a header is cut off at these addresses, and counted.
pub(super) fn refuses_what_is_no_header(gateway: &Gateway, addresses: [SocketAddr; 2]) {
    let connect_line = Tcp::handshake(gateway, &Who::user("u"));
    for (said, reason) in [
        (&b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n"[..], "version_1"),
        (b"GET /v1/ws?user=u HTTP/1.1\r\nHost: h\r\n\r\n", "no_header"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "no_header"),
        (&connect_line, "no_header"),
        (&header(0x21, 0x11, b"short"), "malformed"),
        (&[SIGNATURE, b"\x21\x11\xff\xff"].concat(), "too_long"),
    ] {
        let name = format!("holdfast_proxy_refused_total{{reason={reason:?}}}");
        for address in addresses {
            let before = gateway.metrics().get(&name);
            is_cut(connect(address), said);
            gateway.await_metric(&name, before + 1.0);
        }
    }
}

#[test]
fn what_is_no_header_is_refused_and_said() {
    let gateway = Gateway::start(&FLAGS);
    refuses_what_is_no_header(&gateway, [gateway.http, gateway.tcp]);
    let said = |line: &String| line.contains("PROXY header of version 1");
    assert!(gateway.process.log().iter().any(said));
    // Operators and pusher-apis come by another door.
    assert_eq!(Http::new(gateway.operators).get("/healthz").status, 200);
}

#[test]
fn who_is_not_trusted_is_not_heard() {
    let gateway = Gateway::start(&["--proxy-protocol", "--trusted-proxy=192.0.2.0/24"]);
    is_cut(connect(gateway.http), &for_somebody());
    let name = r#"holdfast_proxy_refused_total{reason="untrusted"}"#;
    gateway.await_metric(name, 1.0);
}

#[test]
fn other_listeners_take_no_header() {
    let gateway = Gateway::start(&["--trusted-proxy=127.0.0.0/8", "--proxy-protocol=none"]);
    let mut socket = connect(gateway.http);
    socket.write_all(&for_somebody()).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    let _session = Tcp::join(&gateway, "u");
    let _poll = ByHand::begin(&gateway, "v");
}

#[test]
fn in_development_only_this_machine_is_passed_on() {
    let (gateway, pusher) = pair(&[&FLAGS[..], &["--development"]].concat());
    is_cut(connect(gateway.tcp), &for_somebody());
    gateway.await_metric(r#"holdfast_proxy_refused_total{reason="foreign"}"#, 1.0);
    let from_here = header(0x21, 0x11, &[127, 0, 0, 9, 127, 0, 0, 1, 0, 7, 0, 8]);
    let _client: Tcp = open(&gateway, "u", &from_here);
    assert_eq!(address_of(&pusher, "u"), "127.0.0.9:7");
}
