//! What a TCP client says first, if it is not who it is.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use crate::harness::Gateway;

/// What the gateway says to such a first line before it closes.
fn answer(gateway: &Gateway, line: &[u8]) -> String {
    let mut socket = TcpStream::connect(gateway.tcp).unwrap();
    socket.write_all(line).unwrap();
    let mut said = String::new();
    socket.read_to_string(&mut said).unwrap();
    said
}

#[test]
fn another_first_frame_is_told_so_at_once() {
    // Longer than the client waits: silence until the deadline would not pass for an answer.
    let gateway = Gateway::start(&["--handshake-timeout=10m", "--max-frame=1KiB"]);
    let refused = "holdfast_handshakes_total{result=\"invalid_frame\",transport=\"tcp\"}";
    for (count, line) in (1..).zip([&b"{\"type\":\"ping\"}\n"[..], b"no json\n", b"{}\n{}\n"]) {
        let said = answer(&gateway, line);
        assert!(said.contains("\"reason\":\"invalid_frame\""), "{said}");
        gateway.await_metric(refused, f64::from(count));
    }
    let said = answer(&gateway, &[b'x'; 2000]);
    assert!(said.contains("\"reason\":\"frame_too_large\""), "{said}");
}
