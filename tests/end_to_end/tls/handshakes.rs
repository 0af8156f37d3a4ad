//! What comes instead of a handshake, and in what pieces.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
};

use rustls::{ClientConnection, HandshakeKind};

use crate::harness::{
    Gateway,
    client::connect,
    tunnel::{certificate_flags, client_config, client_connection},
    websocket::read_head,
};

/// A gateway that listens with TLS, with these flags more.
pub(super) fn start(flags: &[&str]) -> Gateway {
    let [cert, key] = certificate_flags("localhost");
    let own = ["--tls-listen=127.0.0.1:0", "--tls-listen-tcp=127.0.0.1:0", &cert, &key];
    Gateway::start(&[&own, flags].concat())
}

/// Where it does, over HTTP and over TCP.
pub(super) fn ports(gateway: &Gateway) -> [TcpStream; 2] {
    gateway.tls.unwrap().map(connect)
}

/// What is left to be read; a reset is an end, too.
fn rest(socket: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match socket.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => bytes,
    }
}

#[test]
fn who_comes_without_tls_is_told_so_in_plain_text() {
    let gateway = start(&[]);
    let [mut http, mut tcp] = ports(&gateway);
    http.write_all(b"GET /v1/ws HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let head = read_head(&mut http);
    assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
    let body = String::from_utf8(rest(&mut http)).unwrap();
    assert!(body.contains("https:// or wss://"), "{body}");
    tcp.write_all(b"{\"type\":\"connect\",\"user\":\"u\"}\n").unwrap();
    let bye = String::from_utf8(rest(&mut tcp)).unwrap();
    assert!(bye.starts_with(r#"{"type":"bye","reason":"protocol_error""#), "{bye}");
    gateway.await_metric("holdfast_tls_handshakes_total{result=\"plain\"}", 2.0);
    gateway.await_metric("holdfast_handshakes_pending", 0.0);
}

#[test]
fn garbage_gets_an_alert_and_an_end() {
    let gateway = start(&[]);
    let cases: [&[u8]; 4] = [
        b"\x16\x03\x01\x00\x05hello",
        b"\x16\x03\x01\xff\xff",
        &[&[22, 3, 1, 0, 8, 1, 0, 0, 4][..], &[0xff; 4]].concat(),
        // The beginning of a hello that would be longer than any.
        &[&[22, 3, 1, 0x40, 0][..], &[1, 0, 0xff, 0xff], &[0; (1 << 14) - 4]].concat().repeat(3),
    ];
    for bytes in cases {
        for mut socket in ports(&gateway) {
            socket.write_all(bytes).unwrap();
            let alert = rest(&mut socket);
            assert!(alert.is_empty() || alert.starts_with(&[21, 3]), "{alert:?}");
        }
    }
    gateway.await_metric("holdfast_handshakes_pending", 0.0);
    gateway.await_metric("holdfast_handshakes_pending_bytes", 0.0);
}

#[test]
fn a_handshake_may_come_byte_by_byte() {
    let gateway = start(&[]);
    let [mut socket, _] = ports(&gateway);
    let mut client = client_connection(&client_config());
    while client.is_handshaking() {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        bytes.iter().for_each(|byte| socket.write_all(&[*byte]).unwrap());
        if client.is_handshaking() {
            client.read_tls(&mut socket).unwrap();
            client.process_new_packets().unwrap();
        }
    }
    let mut stream = rustls::Stream::new(&mut client, &mut socket);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let mut answer = String::new();
    // The answer ends with close_notify, or this fails.
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

#[test]
fn who_does_not_go_on_has_as_long_as_any_handshake() {
    let gateway = start(&["--handshake-timeout=500ms"]);
    let mut hello = Vec::new();
    client_connection(&client_config()).write_tls(&mut hello).unwrap();
    let sockets: Vec<_> = [0, 1, 100, hello.len()]
        .into_iter()
        .flat_map(|count| {
            ports(&gateway).map(|mut socket| {
                socket.write_all(&hello[..count]).unwrap();
                socket
            })
        })
        .collect();
    for mut socket in sockets {
        // Some have the server's part of it; all have an end.
        rest(&mut socket);
    }
    gateway.await_metric("holdfast_tls_handshakes_total{result=\"handshake_timeout\"}", 6.0);
    gateway.await_metric("holdfast_handshakes_pending", 0.0);
    gateway.await_metric("holdfast_handshakes_pending_bytes", 0.0);
}

#[test]
fn who_leaves_in_the_middle_is_forgotten() {
    let gateway = start(&[]);
    let mut hello = Vec::new();
    client_connection(&client_config()).write_tls(&mut hello).unwrap();
    for how in [Some(Shutdown::Write), None] {
        for mut socket in ports(&gateway) {
            socket.write_all(&hello).unwrap();
            match how {
                Some(how) => {
                    socket.shutdown(how).unwrap();
                    rest(&mut socket);
                }
                None => drop(socket),
            }
        }
    }
    gateway.await_metric("holdfast_tls_handshakes_total{result=\"client_left\"}", 4.0);
    gateway.await_metric("holdfast_handshakes_pending", 0.0);
}

#[test]
fn clients_resume_and_are_counted_as_such() {
    let gateway = start(&[]);
    let config = client_config();
    let kinds = [(); 3].map(|()| {
        let [mut socket, _] = ports(&gateway);
        let mut client: ClientConnection = client_connection(&config);
        let mut stream = rustls::Stream::new(&mut client, &mut socket);
        stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
        client.handshake_kind()
    });
    let (full, resumed) = (Some(HandshakeKind::Full), Some(HandshakeKind::Resumed));
    assert_eq!(kinds, [full, resumed, resumed]);
    gateway.await_metric("holdfast_tls_handshakes_total{result=\"full\"}", 1.0);
    gateway.await_metric("holdfast_tls_handshakes_total{result=\"resumed\"}", 2.0);
}
