//! Clients that send as fast as they can cost the others nothing, and little of anything.

use std::io::{ErrorKind, Read, Write};

use serde_json::json;

use crate::harness::{Client, Gateway, Tcp, WebSocket, pair, websocket};

/// What somebody may flood a gateway with, over which transport.
fn floods() -> Vec<(&'static str, bool, Vec<u8>)> {
    let ping = websocket::frame(0x89, b"");
    let mut fragments = websocket::frame(0x01, b"");
    fragments.extend(websocket::frame(0x00, b"").repeat(500));
    vec![
        ("pings", true, ping.repeat(500)),
        ("pongs", true, websocket::frame(0x8a, b"").repeat(500)),
        ("empty fragments", true, fragments),
        ("frames", true, WebSocket::wire(r#"{"type":"pong"}"#).repeat(500)),
        ("frames", false, Tcp::wire(r#"{"type":"pong"}"#).repeat(500)),
        ("empty lines", false, b"\n".repeat(500)),
    ]
}

/// Writes the same again and again, until the gateway takes no more or has ended it, and returns
/// how much that was.
fn flood<C: Client>(gateway: &Gateway, bytes: &[u8]) -> (C, usize) {
    let client = C::join(gateway, "flood");
    let mut socket = client.socket();
    socket.set_nonblocking(true).unwrap();
    let mut written = 0;
    while written < 64 << 20 {
        match socket.write(bytes) {
            Ok(count) => written += count,
            // It is full when the gateway reads no more, and emptied when it still does.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(std::time::Duration::from_millis(20));
                match socket.write(bytes) {
                    Ok(count) => written += count,
                    Err(_) => break,
                }
            }
            Err(_) => break,
        }
    }
    socket.set_nonblocking(false).unwrap();
    (client, written)
}

/// Everything that comes until the end, as bytes.
fn heard(client: &impl Client) -> Vec<u8> {
    let mut all = Vec::new();
    // A reset behind it is an end, too.
    let _ = client.socket().read_to_end(&mut all);
    all
}

#[test]
fn a_flood_ends_its_session_and_is_read_no_further() {
    let (gateway, pusher) = pair(&["--close-timeout=1s"]);
    let mut canary = WebSocket::join(&gateway, "canary");
    for (number, (kind, is_websocket, bytes)) in floods().into_iter().enumerate() {
        let before = gateway.metrics().get("holdfast_bytes_in_total");
        let (all, written) = if is_websocket {
            let (client, written) = flood::<WebSocket>(&gateway, &bytes);
            (heard(&client), written)
        } else {
            let (client, written) = flood::<Tcp>(&gateway, &bytes);
            (heard(&client), written)
        };
        let text = String::from_utf8_lossy(&all);
        assert!(text.contains("too_many_frames"), "{kind}: {text:.200}");
        let read = gateway.metrics().get("holdfast_bytes_in_total") - before;
        assert!(read <= 256.0 * 1024.0, "{kind}: read {read} of {written}");
        pusher.client.push(&json!({ "to": { "user": "canary" }, "data": number }));
        assert_eq!(canary.expect("push")["data"], number);
    }
    let closed = "holdfast_sessions_closed_total{reason=\"too_many_frames\"}";
    assert_eq!(gateway.metrics().get(closed), floods().len() as f64);
    gateway.await_metric("holdfast_sessions", 1.0);
}

#[test]
fn what_came_in_one_piece_with_the_handshake_is_read_to_its_end() {
    let gateway = Gateway::start(&["--frame-rate=60000", "--outbound-limit=16MiB"]);
    // Several times of what is read at once, so that much waits before there is a session.
    let frames = WebSocket::wire(r#"{"type":"pong"}"#).repeat(12_000);
    let request = websocket::request(&gateway, "/v1/ws?user=u", "");
    let last = WebSocket::wire(r#"{"type":"ping"}"#);
    let mut socket = crate::harness::client::connect(gateway.http);
    let stopped = gateway.process.stopped();
    let mut writing = socket.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        writing.write_all(&[request, frames, last].concat()).unwrap();
    });
    // As much as there is room for is in the kernel when the gateway looks for the first time.
    std::thread::sleep(std::time::Duration::from_millis(300));
    drop(stopped);
    let head = websocket::read_head(&mut socket);
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let mut all = Vec::new();
    let mut chunk = [0; 1024];
    while !String::from_utf8_lossy(&all).contains(r#"{"type":"pong"}"#) {
        let count = socket.read(&mut chunk).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&all));
        all.extend_from_slice(&chunk[..count]);
    }
    writer.join().unwrap();
}
