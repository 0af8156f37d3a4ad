//! Fragmented messages, and control frames between the fragments.

use serde_json::json;
use tungstenite::Message;

use crate::harness::{Client, Gateway, WebSocket, websocket::frame};

#[test]
fn control_frames_stand_between_fragments() {
    let gateway = Gateway::start(&["--echo"]);
    let mut client = WebSocket::join(&gateway, "u");
    let text = json!({ "type": "echo", "x": "é💡" }).to_string();
    // Cut inside characters, with an empty fragment.
    let (head, rest) = text.as_bytes().split_at(text.find('é').unwrap() + 1);
    let (middle, tail) = rest.split_at(3);
    client.write_frame(0x01, head);
    client.write_frame(0x89, b"one");
    client.write_frame(0x00, middle);
    client.write_frame(0x00, b"");
    client.write_frame(0x8a, b"unasked");
    client.write_frame(0x89, b"two");
    client.write_frame(0x80, tail);
    for payload in ["one", "two"] {
        assert_eq!(client.message().unwrap(), Message::Pong(payload.into()));
    }
    assert_eq!(client.message().unwrap(), Message::Text(text.into()));
}

#[test]
fn a_message_may_come_in_many_fragments() {
    let gateway = Gateway::start(&["--echo", "--frame-rate=10000"]);
    let mut client = WebSocket::join(&gateway, "u");
    let text = json!({ "type": "echo", "x": "x".repeat(3000) }).to_string();
    let (last, parts) = text.as_bytes().split_last().unwrap();
    let mut wire = frame(0x01, b"");
    parts.iter().for_each(|byte| wire.extend(frame(0x00, &[*byte])));
    wire.extend(frame(0x80, &[*last]));
    client.write(&wire);
    assert_eq!(client.message().unwrap(), Message::Text(text.into()));
}

#[test]
fn pings_are_answered_with_their_payload() {
    let gateway = Gateway::start(&[]);
    let mut client = WebSocket::join(&gateway, "u");
    for length in [0, 1, 125] {
        let payload = vec![0xff; length];
        client.write_frame(0x89, &payload);
        assert_eq!(client.message().unwrap(), Message::Pong(payload.into()));
    }
}
