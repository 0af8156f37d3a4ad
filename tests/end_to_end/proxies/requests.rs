//! Requests that trusted proxies pass on.

use std::io::Write;

use crate::harness::{
    Client, Gateway, PusherApi, Sse, WebSocket, Who,
    client::connect,
    pair,
    poll::{ByHand, read_answer},
};

use super::address_of;

const TRUSTED: &str = "--trusted-proxy=127.0.0.0/8,10.0.0.0/8";

/// Opens a session whose request has these fields, too.
fn open<C: Client>(gateway: &Gateway, user: &str, fields: &str) -> C {
    let request = String::from_utf8(C::handshake(gateway, &Who::user(user))).unwrap();
    let request = request.replacen("\r\n", &format!("\r\n{fields}"), 1);
    let mut socket = connect(C::address(gateway));
    socket.write_all(request.as_bytes()).unwrap();
    let mut client = C::adopt(socket).unwrap();
    client.expect("hello");
    client
}

fn is_shown<C: Client>(gateway: &Gateway, pusher: &PusherApi) {
    for (number, (fields, expected)) in [
        ("Forwarded: for=203.0.113.9, for=\"192.0.2.7:4711\";proto=https\r\n", "192.0.2.7:4711"),
        ("Forwarded: for=192.0.2.7, for=10.0.0.1\r\n", "192.0.2.7"),
        (
            "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 2001:db8::7, 10.0.0.1\r\n",
            "2001:db8::7",
        ),
        ("Forwarded: for=\"[2001:db8::7]\"\r\nX-Forwarded-For: 192.0.2.7\r\n", "2001:db8::7"),
    ]
    .into_iter()
    .enumerate()
    {
        let user = format!("{}-{number}", C::NAME);
        let _client: C = open(gateway, &user, fields);
        assert_eq!(address_of(pusher, &user), expected, "{fields}");
    }
    for (number, fields) in
        ["", "Forwarded: for=unknown\r\n", "X-Forwarded-For: nobody\r\n"].iter().enumerate()
    {
        let user = format!("{}-proxy-{number}", C::NAME);
        let client: C = open(gateway, &user, fields);
        let expected = client.socket().local_addr().unwrap().to_string();
        assert_eq!(address_of(pusher, &user), expected, "{fields}");
    }
}

#[test]
fn the_last_who_is_not_trusted_is_the_client() {
    let (gateway, pusher) = pair(&[TRUSTED]);
    is_shown::<WebSocket>(&gateway, &pusher);
    is_shown::<Sse>(&gateway, &pusher);
}

#[test]
fn nobody_else_is_believed() {
    for flags in [&[][..], &["--trusted-proxy=192.0.2.0/24"]] {
        let (gateway, pusher) = pair(flags);
        let client: WebSocket = open(&gateway, "u", "X-Forwarded-For: 192.0.2.7\r\n");
        assert_eq!(address_of(&pusher, "u"), client.socket().local_addr().unwrap().to_string());
    }
}

#[test]
fn who_says_in_a_frame_who_it_is_has_come_by_the_same_request() {
    let (gateway, pusher) = pair(&[TRUSTED]);
    let request =
        crate::harness::websocket::request(&gateway, "/v1/ws", "X-Forwarded-For: 192.0.2.7\r\n");
    let mut socket = connect(gateway.http);
    socket.write_all(&request).unwrap();
    let mut client = WebSocket::adopt(socket).unwrap();
    client.send(&serde_json::json!({ "type": "connect", "user": "u" }));
    client.expect("hello");
    assert_eq!(address_of(&pusher, "u"), "192.0.2.7");
}

#[test]
fn each_poll_of_a_shared_connection_says_whose_it_is() {
    let (gateway, pusher) = pair(&[TRUSTED, "--poll-grace=1h"]);
    let mut one = ByHand::begin(&gateway, "u");
    let mut other = ByHand::begin(&gateway, "v");
    let polled = |from: &mut ByHand, fields: &str, client: &mut ByHand| {
        let request = client.request("seen=1&wait=0s", fields);
        from.socket.write_all(request.as_bytes()).unwrap();
        assert_eq!(read_answer(&mut from.socket).status, 204);
    };
    let mut shared = ByHand::begin(&gateway, "w");
    polled(&mut shared, "X-Forwarded-For: 192.0.2.1\r\n", &mut one);
    polled(&mut shared, "X-Forwarded-For: 192.0.2.2\r\n", &mut other);
    assert_eq!(address_of(&pusher, "u"), "192.0.2.1");
    assert_eq!(address_of(&pusher, "v"), "192.0.2.2");
    polled(&mut shared, "", &mut other);
    let expected = shared.socket.local_addr().unwrap().to_string();
    assert_eq!(address_of(&pusher, "v"), expected);
}
