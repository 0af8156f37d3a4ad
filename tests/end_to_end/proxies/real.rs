//! Real proxies: whom they pass on is shown, who answers pings is not given up, and a drain goes through.
//! In front of listeners of TLS they speak it themselves, or leave it to the client.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use rustls::{ClientConnection, StreamOwned};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use tungstenite::Message;

use crate::harness::{
    Client, Gateway, PusherApi, Tcp, WebSocket, Who, eventually, pair,
    tunnel::{certificate_flags, client_config, client_connection},
    wait::LIMIT,
};

use super::{
    address_of,
    programs::{Proxy, caddy, haproxy, haproxy_to_tls, nginx},
};

/// Where clients are that are no proxies.
pub(super) const CLIENT: &str = "127.9.9.9";
/// Proxies connect from here.
pub(super) const TRUSTED: &str = "--trusted-proxy=127.0.0.1";
/// Often enough for proxies that give up who is silent for three seconds.
pub(super) const PINGS: &str = "--ping-interval=1s";

/// Connects from where clients are.
fn connect(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&format!("{CLIENT}:0").parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.connect(&address.into()).unwrap();
    let socket = TcpStream::from(socket);
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.set_write_timeout(Some(LIMIT)).unwrap();
    socket
}

fn open<C: Client>(gateway: &Gateway, there: SocketAddr, user: &str) -> (C, SocketAddr) {
    let mut socket = connect(there);
    let own = socket.local_addr().unwrap();
    socket.write_all(&C::handshake(gateway, &Who::user(user))).unwrap();
    let mut client = C::adopt(socket).unwrap();
    client.expect("hello");
    (client, own)
}

/// A session through the proxy: its address is `expected` to be shown, with or without its port; it stays
/// while it answers pings, is pushed to, and is told when its gateway goes.
fn is_served(gateway: &mut Gateway, pusher: &PusherApi, there: SocketAddr, has_port: bool) {
    let (mut client, own): (WebSocket, _) = open(gateway, there, "u");
    let expected = if has_port { own.to_string() } else { own.ip().to_string() };
    assert_eq!(address_of(pusher, "u"), expected);
    let mut pings = 0;
    // Longer than the proxy waits for who is silent.
    while pings < 5 {
        match client.message().unwrap() {
            Message::Ping(_) => pings += 1,
            other => panic!("no ping: {other:?}"),
        }
    }
    pusher.client.push(&json!({ "to": { "user": "u" }, "data": 1 }));
    assert_eq!(client.expect("push")["data"], 1);
    refused_nobody(gateway);
    gateway.terminate();
    let bye = client.expect_bye("draining", 1012);
    assert!(bye["retry_ms"].as_u64().unwrap() > 0, "{bye}");
    assert_eq!(gateway.wait().code(), Some(0));
}

#[test]
fn nginx_passes_web_sockets_on() {
    let (mut gateway, pusher) = pair(&[TRUSTED, PINGS, "--drain=0s"]);
    let Some(proxy) = nginx("nginx_passes_web_sockets_on", &gateway, &pusher) else { return };
    is_served(&mut gateway, &pusher, proxy.http, false);
}

#[test]
fn caddy_passes_web_sockets_on() {
    let (mut gateway, pusher) = pair(&[TRUSTED, PINGS, "--drain=0s"]);
    let Some(proxy) = caddy("caddy_passes_web_sockets_on", &gateway, &pusher) else { return };
    is_served(&mut gateway, &pusher, proxy.http, false);
}

#[test]
fn haproxy_passes_web_sockets_on() {
    let name = "haproxy_passes_web_sockets_on";
    for by_header in [false, true] {
        let header = if by_header { "--proxy-protocol" } else { "--proxy-protocol=none" };
        let (mut gateway, pusher) = pair(&[TRUSTED, PINGS, "--drain=0s", header]);
        let Some(proxy) = haproxy(name, &gateway, &pusher, by_header) else { return };
        is_served(&mut gateway, &pusher, proxy.http, by_header);
    }
}

/// Nobody was refused for what the proxy has said, or has not.
fn refused_nobody(gateway: &Gateway) {
    for reason in ["no_header", "malformed", "untrusted"] {
        let refused = format!("holdfast_proxy_refused_total{{reason={reason:?}}}");
        assert_eq!(gateway.metrics().get(&refused), 0.0, "{reason}");
    }
}

/// Its checks whether somebody is there are the proxy's own connections, and no mistakes.
fn await_checks(gateway: &Gateway) {
    eventually("it has looked whether the gateway is there", || {
        (gateway.metrics().get("holdfast_proxy_connections_total") > 2.0).then_some(())
    });
}

#[test]
fn haproxy_passes_lines_on_with_a_header() {
    let (mut gateway, pusher) = pair(&[TRUSTED, PINGS, "--drain=0s", "--proxy-protocol"]);
    let name = "haproxy_passes_lines_on_with_a_header";
    let Some(proxy) = haproxy(name, &gateway, &pusher, true) else { return };
    await_checks(&gateway);
    let (mut client, own): (Tcp, _) = open(&gateway, proxy.tcp, "u");
    assert_eq!(address_of(&pusher, "u"), own.to_string());
    pusher.client.push(&json!({ "to": { "user": "u" }, "data": 1 }));
    assert_eq!(client.expect("push")["data"], 1);
    refused_nobody(&gateway);
    gateway.terminate();
    client.expect_bye("draining", 0);
    assert_eq!(gateway.wait().code(), Some(0));
}

/// A gateway whose listeners of TLS take headers, a pusher-api, and HAProxy in front.
fn behind_haproxy(test: &str) -> Option<(Gateway, PusherApi, Proxy)> {
    let [cert, key] = certificate_flags("localhost");
    let tls = ["--tls-listen=127.0.0.1:0", "--tls-listen-tcp=127.0.0.1:0", &cert, &key];
    let flags = [TRUSTED, PINGS, "--drain=0s", "--proxy-protocol"];
    let (gateway, pusher) = pair(&[tls, flags].concat());
    let proxy = haproxy_to_tls(test, &gateway)?;
    await_checks(&gateway);
    Some((gateway, pusher, proxy))
}

#[test]
fn haproxy_speaks_tls_behind_a_header() {
    let name = "haproxy_speaks_tls_behind_a_header";
    let Some((mut gateway, pusher, proxy)) = behind_haproxy(name) else { return };
    is_served(&mut gateway, &pusher, proxy.http, true);
}

/// The next line over TLS that is no ping; pings are answered.
fn line(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> Value {
    loop {
        let (mut text, mut byte) = (Vec::new(), [0]);
        while byte != *b"\n" {
            stream.read_exact(&mut byte).unwrap();
            text.push(byte[0]);
        }
        let frame: Value = serde_json::from_slice(&text).unwrap();
        match frame["type"] == "ping" {
            true => stream.write_all(b"{\"type\":\"pong\"}\n").unwrap(),
            false => return frame,
        }
    }
}

#[test]
fn haproxy_passes_tls_on_behind_a_header() {
    let name = "haproxy_passes_tls_on_behind_a_header";
    let Some((mut gateway, pusher, proxy)) = behind_haproxy(name) else { return };
    let socket = connect(proxy.tcp);
    let own = socket.local_addr().unwrap();
    let mut client = StreamOwned::new(client_connection(&client_config()), socket);
    client.write_all(b"{\"type\":\"connect\",\"user\":\"u\"}\n").unwrap();
    assert_eq!(line(&mut client)["type"], "hello");
    assert_eq!(address_of(&pusher, "u"), own.to_string());
    pusher.client.push(&json!({ "to": { "user": "u" }, "data": 1 }));
    assert_eq!(line(&mut client)["data"], 1);
    // HTTP at the other one: what it asks for is not there, and that is said under the same seal.
    let mut other = StreamOwned::new(client_connection(&client_config()), connect(proxy.tls));
    other.write_all(b"GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let mut answer = String::new();
    other.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    refused_nobody(&gateway);
    gateway.terminate();
    let bye = line(&mut client);
    assert_eq!((&bye["type"], &bye["reason"]), (&json!("bye"), &json!("draining")));
    assert_eq!(gateway.wait().code(), Some(0));
}

#[test]
fn who_is_silent_is_given_up_by_nginx_and_haproxy() {
    let name = "who_is_silent_is_given_up_by_nginx_and_haproxy";
    let (gateway, pusher) = pair(&[TRUSTED, "--ping-interval=1h"]);
    let proxies = [nginx(name, &gateway, &pusher), haproxy(name, &gateway, &pusher, false)];
    for proxy in proxies.into_iter().flatten() {
        let (mut client, _): (WebSocket, _) = open(&gateway, proxy.http, "u");
        assert!(client.message().is_err(), "no close is said");
        gateway.await_metric("holdfast_sessions", 0.0);
    }
}

#[test]
fn who_is_silent_behind_caddy_is_given_up_by_the_gateway() {
    let name = "who_is_silent_behind_caddy_is_given_up_by_the_gateway";
    let (gateway, pusher) = pair(&[TRUSTED, PINGS]);
    let Some(proxy) = caddy(name, &gateway, &pusher) else { return };
    // Nobody reads from it, so no ping is answered.
    let (_client, _): (WebSocket, _) = open(&gateway, proxy.http, "u");
    gateway.await_metric("holdfast_sessions_closed_total{reason=\"ping_timeout\"}", 1.0);
    gateway.await_metric("holdfast_sessions", 0.0);
}
