//! Listeners of `--proxy-protocol` that speak TLS: the header comes in front of the handshake.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use rustls::{ClientConnection, StreamOwned};
use serde_json::{Value, json};

use crate::harness::{
    Gateway, PusherApi,
    client::connect,
    tunnel::{
        PROXY_FLAGS, certificate_flags, client_config, client_connection, proxy_header as header,
    },
    websocket::read_head,
};

use super::{
    address_of,
    headers::{for_somebody, is_cut, refuses_what_is_no_header},
};

/// A gateway whose listeners of TLS are for proxies on loopback, with these flags more.
fn start(flags: &[&str]) -> Gateway {
    let [cert, key] = certificate_flags("localhost");
    let own = ["--tls-listen=127.0.0.1:0", "--tls-listen-tcp=127.0.0.1:0", &cert, &key];
    Gateway::start(&[&own, &PROXY_FLAGS[..], flags].concat())
}

/// Where it speaks TLS, over HTTP and over TCP.
fn ports(gateway: &Gateway) -> [TcpStream; 2] {
    gateway.tls.unwrap().map(connect)
}

/// The first bytes of a client.
fn hello(client: &mut ClientConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).unwrap();
    }
    bytes
}

/// Opens a session of the TCP transport behind this header.
fn open(gateway: &Gateway, user: &str, begin: &[u8]) -> StreamOwned<ClientConnection, TcpStream> {
    let [_, mut socket] = ports(gateway);
    socket.write_all(begin).unwrap();
    let mut stream = StreamOwned::new(client_connection(&client_config()), socket);
    let connect = json!({ "type": "connect", "user": user });
    stream.write_all(format!("{connect}\n").as_bytes()).unwrap();
    let (mut line, mut byte) = (Vec::new(), [0]);
    while byte != *b"\n" {
        stream.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    assert_eq!(serde_json::from_slice::<Value>(&line).unwrap()["type"], "hello");
    stream
}

#[test]
fn the_address_in_the_header_is_the_clients() {
    let gateway = start(&[]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let _client = open(&gateway, "u", &for_somebody());
    assert_eq!(address_of(&pusher, "u"), "192.0.2.7:4711");
    // The proxy's own connection, and the longest header there may be, of somebody without an address.
    let others = [("own", header(0x20, 0, b"")), ("long", header(0x21, 0, &[7; 4080]))];
    let others = others.map(|(user, begin)| {
        let client = open(&gateway, user, &begin);
        assert_eq!(address_of(&pusher, user), client.sock.local_addr().unwrap().to_string());
        client
    });
    gateway.await_metric("holdfast_proxy_connections_total", 3.0);
    gateway.await_metric("holdfast_tls_sessions", 3.0);
    drop(others);
}

#[test]
fn header_and_handshake_come_in_any_pieces() {
    let gateway = start(&[]);
    let steps = [1, 7, for_somebody().len() + 1, usize::MAX];
    for step in steps {
        let [mut socket, _] = ports(&gateway);
        let mut client = client_connection(&client_config());
        let begin = [for_somebody(), hello(&mut client)].concat();
        for piece in begin.chunks(step.min(begin.len())) {
            socket.write_all(piece).unwrap();
        }
        let mut stream = rustls::Stream::new(&mut client, &mut socket);
        stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 "), "{step}: {answer}");
    }
    gateway.await_metric("holdfast_tls_handshakes_total{result=\"full\"}", steps.len() as f64);
    gateway.await_metric("holdfast_handshakes_pending_bytes", 0.0);
}

#[test]
fn what_is_no_header_is_refused() {
    let gateway = start(&[]);
    refuses_what_is_no_header(&gateway, gateway.tls.unwrap());
    gateway.await_metric("holdfast_handshakes_pending", 0.0);
    gateway.await_metric("holdfast_handshakes_pending_bytes", 0.0);
}

#[test]
fn who_is_not_trusted_is_not_heard() {
    let [cert, key] = certificate_flags("localhost");
    let own = ["--tls-listen=127.0.0.1:0", "--tls-listen-tcp=127.0.0.1:0", &cert, &key];
    let others = ["--proxy-protocol", "--trusted-proxy=192.0.2.0/24"];
    let gateway = Gateway::start(&[&own[..], &others].concat());
    for socket in ports(&gateway) {
        is_cut(socket, &for_somebody());
    }
    gateway.await_metric(r#"holdfast_proxy_refused_total{reason="untrusted"}"#, 2.0);
}

#[test]
fn behind_the_header_tls_has_to_be_spoken() {
    let gateway = start(&[]);
    let [mut socket, _] = ports(&gateway);
    let begin = [&for_somebody()[..], b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"].concat();
    socket.write_all(&begin).unwrap();
    let head = read_head(&mut socket);
    assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
    gateway.await_metric("holdfast_tls_handshakes_total{result=\"plain\"}", 1.0);
}

#[test]
fn header_and_handshake_have_one_time_together() {
    let gateway = start(&["--handshake-timeout=500ms"]);
    let hello = hello(&mut client_connection(&client_config()));
    let begin = [for_somebody(), hello.clone()].concat();
    let header = for_somebody().len();
    let ends = [0, 1, 16, header - 1, header, header + 1, header + 100, begin.len()];
    let sockets: Vec<_> = ends
        .into_iter()
        .flat_map(|end| {
            ports(&gateway).map(|mut socket| {
                socket.write_all(&begin[..end]).unwrap();
                socket
            })
        })
        .collect();
    for mut socket in sockets {
        // Some have the server's part of it; all have an end, or are reset.
        let _ = socket.read_to_end(&mut Vec::new());
    }
    gateway.await_metric("holdfast_tls_handshakes_total{result=\"handshake_timeout\"}", 6.0);
    gateway.await_metric("holdfast_handshakes_pending", 0.0);
    gateway.await_metric("holdfast_handshakes_pending_bytes", 0.0);
}

#[test]
fn only_those_that_are_named_take_a_header() {
    let [cert, key] = certificate_flags("localhost");
    let own = ["--tls-listen=127.0.0.1:0", "--tls-listen-tcp=127.0.0.2:0", &cert, &key];
    let named = ["--trusted-proxy=127.0.0.0/8", "--proxy-protocol=127.0.0.2:0"];
    let gateway = Gateway::start(&[&own[..], &named].concat());
    let _session = open(&gateway, "u", &for_somebody());
    // At the other one it is no TLS, which is said.
    let [mut socket, _] = ports(&gateway);
    socket.write_all(&for_somebody()).unwrap();
    let head = read_head(&mut socket);
    assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
    gateway.await_metric("holdfast_proxy_connections_total", 1.0);
}

#[test]
fn in_development_only_this_machine_is_passed_on() {
    let gateway = start(&["--development"]);
    let [socket, _] = ports(&gateway);
    is_cut(socket, &for_somebody());
    gateway.await_metric(r#"holdfast_proxy_refused_total{reason="foreign"}"#, 1.0);
    let from_here = header(0x21, 0x11, &[127, 0, 0, 9, 127, 0, 0, 1, 0, 7, 0, 8]);
    let _client = open(&gateway, "u", &from_here);
}
