//! Real proxies: whom they pass on is shown, who answers pings is not given up, a drain goes through, and
//! HTTP/2 in front is HTTP/1.1 behind.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use tungstenite::Message;

use crate::harness::{
    Client, Gateway, Process, PusherApi, Tcp, WebSocket, Who, eventually, wait::LIMIT,
};

use super::{
    address_of,
    programs::{Proxy, curl, haproxy, nginx},
};

/// Where clients are that are no proxies.
const CLIENT: &str = "127.9.9.9";
/// Proxies connect from here.
const TRUSTED: &str = "--trusted-proxy=127.0.0.1";
/// Often enough for proxies that give up who is silent for three seconds.
const PINGS: &str = "--ping-interval=1s";

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
    gateway.terminate();
    let bye = client.expect_bye("draining", 1012);
    assert!(bye["retry_ms"].as_u64().unwrap() > 0, "{bye}");
    assert_eq!(gateway.wait().code(), Some(0));
}

#[test]
fn nginx_passes_web_sockets_on() {
    let mut gateway = Gateway::start(&[TRUSTED, PINGS, "--drain=0s"]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let Some(proxy) = nginx("nginx_passes_web_sockets_on", &gateway) else { return };
    is_served(&mut gateway, &pusher, proxy.http, false);
}

#[test]
fn haproxy_passes_web_sockets_on() {
    let name = "haproxy_passes_web_sockets_on";
    for by_header in [false, true] {
        let header = if by_header { "--proxy-protocol" } else { "--proxy-protocol=none" };
        let mut gateway = Gateway::start(&[TRUSTED, PINGS, "--drain=0s", header]);
        let pusher = PusherApi::start(&[&gateway], &[]);
        let Some(proxy) = haproxy(name, &gateway, by_header) else { return };
        is_served(&mut gateway, &pusher, proxy.http, by_header);
    }
}

#[test]
fn haproxy_passes_lines_on_with_a_header() {
    let flags = [TRUSTED, PINGS, "--drain=0s", "--proxy-protocol"];
    let mut gateway = Gateway::start(&flags);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let name = "haproxy_passes_lines_on_with_a_header";
    let Some(proxy) = haproxy(name, &gateway, true) else { return };
    // Its checks whether somebody is there are its own connections, and no mistakes.
    eventually("it has looked whether the gateway is there", || {
        (gateway.metrics().get("holdfast_proxy_connections_total") > 2.0).then_some(())
    });
    let (mut client, own): (Tcp, _) = open(&gateway, proxy.tcp, "u");
    assert_eq!(address_of(&pusher, "u"), own.to_string());
    pusher.client.push(&json!({ "to": { "user": "u" }, "data": 1 }));
    assert_eq!(client.expect("push")["data"], 1);
    for reason in ["no_header", "malformed", "untrusted"] {
        let refused = format!("holdfast_proxy_refused_total{{reason={reason:?}}}");
        assert_eq!(gateway.metrics().get(&refused), 0.0, "{reason}");
    }
    gateway.terminate();
    client.expect_bye("draining", 0);
    assert_eq!(gateway.wait().code(), Some(0));
}

/// The first event of a type that curl has printed, if it has.
fn event(stream: &Process, kind: &str) -> Option<Value> {
    let lines = stream.output();
    let data = lines.iter().filter_map(|line| line.strip_prefix("data: "));
    let mut frames = data.map(|data| serde_json::from_str::<Value>(data).unwrap());
    frames.find(|frame| frame["type"] == kind)
}

/// Streams and polls over HTTP/2 in front.
fn speaks_http_2(test: &str, pusher: &PusherApi, proxy: &Proxy, by_header: bool) -> Option<()> {
    let there = |path: &str| format!("https://localhost:{}{path}", proxy.tls.port());
    let stream = curl(test, CLIENT, &[&there("/v1/sse?user=s")])?;
    eventually("hello comes", || event(&stream, "hello"));
    let address = address_of(pusher, "s");
    match by_header {
        true => assert!(address.starts_with(&format!("{CLIENT}:")), "{address}"),
        false => assert_eq!(address, CLIENT),
    }
    pusher.client.push(&json!({ "to": { "user": "s" }, "data": 7 }));
    assert_eq!(eventually("a push comes", || event(&stream, "push"))["data"], 7);
    let more = ["--write-out", "\\n%{http_version}", &there("/v1/poll?user=p")];
    let mut poll = curl(test, CLIENT, &more)?;
    assert!(poll.wait().success(), "{:?}", poll.log());
    let said = poll.output();
    assert!(said[0].contains(r#""type":"hello""#) && said[1] == "2", "{said:?}");
    Some(())
}

#[test]
fn streams_and_polls_come_over_http_2() {
    let name = "streams_and_polls_come_over_http_2";
    let start = |header: &str| {
        let gateway = Gateway::start(&[TRUSTED, PINGS, "--poll-grace=1h", header]);
        let pusher = PusherApi::start(&[&gateway], &[]);
        (gateway, pusher)
    };
    let (gateway, pusher) = start("--proxy-protocol=none");
    if let Some(proxy) = nginx(name, &gateway) {
        speaks_http_2(name, &pusher, &proxy, false);
    }
    for by_header in [false, true] {
        let header = if by_header { "--proxy-protocol" } else { "--proxy-protocol=none" };
        let (gateway, pusher) = start(header);
        if let Some(proxy) = haproxy(name, &gateway, by_header) {
            speaks_http_2(name, &pusher, &proxy, by_header);
        }
    }
}

#[test]
fn who_answers_no_ping_is_given_up_by_its_proxy() {
    let gateway = Gateway::start(&[TRUSTED, "--ping-interval=1h"]);
    let name = "who_answers_no_ping_is_given_up_by_its_proxy";
    let Some(proxy) = nginx(name, &gateway) else { return };
    let (client, _): (WebSocket, _) = open(&gateway, proxy.http, "u");
    client.socket().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    gateway.await_metric("holdfast_sessions", 0.0);
}
