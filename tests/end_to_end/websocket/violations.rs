//! A frame that breaks the rules ends the session with the code that says which rule.

use crate::harness::{Client, Gateway, WebSocket, websocket::frame};

/// What the client sends behind its handshake.
type Violation = (&'static str, Vec<u8>);

fn expect_each(violations: Vec<Violation>, reason: &str, code: u16) {
    let gateway = Gateway::start(&["--max-frame=64KiB"]);
    for (name, bytes) in violations {
        println!("{name}");
        let mut client = WebSocket::join(&gateway, "u");
        client.write(&bytes);
        client.expect_bye(reason, code);
    }
    gateway.await_metric("holdfast_sessions", 0.0);
}

#[test]
fn broken_framing_is_a_protocol_error() {
    let long_ping = frame(0x89, &[b'x'; 126]);
    let inside = [frame(0x01, b"{"), frame(0x81, b"{}")].concat();
    let binary_inside = [frame(0x01, b"{"), frame(0x82, b"{}")].concat();
    let ended_twice = [frame(0x01, b"{\"type\":"), frame(0x80, b"\"ping\"}"), frame(0x80, b"")];
    let violations = vec![
        ("unmasked text", b"\x81\x02{}".to_vec()),
        ("unmasked ping", b"\x89\x00".to_vec()),
        ("unmasked close", b"\x88\x00".to_vec()),
        ("first reserved bit", frame(0xc1, b"{}")),
        ("second reserved bit", frame(0xa1, b"{}")),
        ("third reserved bit", frame(0x91, b"{}")),
        ("reserved bit on a control frame", frame(0xc9, b"")),
        ("unknown data frame", frame(0x83, b"{}")),
        ("last unknown data frame", frame(0x87, b"{}")),
        ("unknown control frame", frame(0x8b, b"")),
        ("last unknown control frame", frame(0x8f, b"")),
        ("fragmented ping", frame(0x09, b"")),
        ("fragmented close", frame(0x08, b"")),
        ("long ping", long_ping),
        ("continuation without a start", frame(0x80, b"{}")),
        ("unfinished continuation without a start", frame(0x00, b"{}")),
        ("text inside a fragmented message", inside),
        ("binary inside a fragmented message", binary_inside),
        ("continuation behind the end", ended_twice.concat()),
        ("length in two bytes that fits in one", b"\x81\xfe\x00\x05".to_vec()),
        ("length in eight bytes that fits in two", b"\x81\xff\0\0\0\0\0\0\x01\0".to_vec()),
        ("length with the highest bit", b"\x81\xff\x80\0\0\0\0\0\0\0".to_vec()),
    ];
    expect_each(violations, "protocol_error", 1002);
}

#[test]
fn broken_closes_are_a_protocol_error() {
    let codes = [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
    let close = |code: u16| ("close code", frame(0x88, &code.to_be_bytes()));
    let mut violations: Vec<_> = codes.into_iter().map(close).collect();
    violations.push(("half a close code", frame(0x88, &[3])));
    expect_each(violations, "protocol_error", 1002);
}

#[test]
fn text_must_be_utf8() {
    let violations = vec![
        ("a lonely continuation byte", frame(0x81, b"\"\x80\"")),
        ("an overlong form", frame(0x81, b"\"\xc0\xaf\"")),
        ("a surrogate", frame(0x81, b"\"\xed\xa0\x80\"")),
        ("beyond Unicode", frame(0x81, b"\"\xf4\x90\x80\x80\"")),
        ("cut off", frame(0x81, b"\"\xf0\x9f")),
        ("in a later fragment", [frame(0x01, b"\""), frame(0x80, b"\xff\"")].concat()),
        ("in the reason of a close", frame(0x88, b"\x03\xe8\xff")),
    ];
    expect_each(violations, "invalid_frame", 1007);
}

#[test]
fn binary_messages_are_not_supported() {
    let whole = ("whole", frame(0x82, b"\0"));
    let fragments = ("in fragments", [frame(0x02, b"\0"), frame(0x80, b"\0")].concat());
    expect_each(vec![whole, fragments], "unsupported", 1003);
}

#[test]
fn messages_above_the_limit_are_refused_before_they_have_come() {
    let announced = |length: u64| [&b"\x81\xff"[..], &length.to_be_bytes(), &[0; 4]].concat();
    let first = frame(0x01, &[b' '; 40_000]);
    let together = [first, frame(0x00, &[b' '; 40_000])].concat();
    let violations = vec![
        ("just above", announced(65_537)),
        ("far above", announced(1 << 62)),
        ("in fragments", together),
    ];
    expect_each(violations, "frame_too_large", 1009);
}
