//! The frames of a session.

use serde_json::{Value, json};

use crate::harness::{Client, Gateway};

contract!(
    hello_comes_first_and_names_session_and_user,
    ping_is_answered,
    what_is_not_understood_is_answered_and_forgotten,
    frames_up_to_the_limit_are_read,
    echo_frames_come_back_where_allowed,
    acknowledgements_are_taken,
);

fn hello_comes_first_and_names_session_and_user<C: Client>() {
    let gateway = Gateway::start(&[]);
    let (_one, first) = C::open(&gateway, "Zoë 💡").unwrap();
    let (_two, second) = C::open(&gateway, "Zoë 💡").unwrap();
    for hello in [&first, &second] {
        assert_eq!(hello["user"], "Zoë 💡");
        assert_eq!(hello["recovered"], false);
        assert!(hello["session"].as_str().is_some_and(|id| !id.is_empty()));
    }
    assert_ne!(first["session"], second["session"]);
}

fn ping_is_answered<C: Client>() {
    let gateway = Gateway::start(&[]);
    let mut client = C::join(&gateway, "u");
    client.send(&json!({ "type": "ping" }));
    assert_eq!(client.expect("pong"), json!({ "type": "pong" }));
}

fn what_is_not_understood_is_answered_and_forgotten<C: Client>() {
    let gateway = Gateway::start(&[]);
    let mut client = C::join(&gateway, "u");
    for (frame, code) in [
        (r#"{"type":"dance"}"#, "unknown_type"),
        (r#"{"type":5}"#, "invalid_frame"),
        ("{}", "invalid_frame"),
        ("[]", "invalid_frame"),
        ("null", "invalid_frame"),
        (r#"{"type":"ack"}"#, "invalid_frame"),
        (r#"{"type":"ack","cursor":5}"#, "invalid_frame"),
        (r#"{"type":"ack","id":"0190a6f0-0000-7000-8000-000000000001"}"#, "ack_needs_cursor"),
        (r#"{"type":"ack","cursor":"nonsense"}"#, "invalid_cursor"),
        (r#"{"type":"subscribe"}"#, "invalid_frame"),
        (r#"{"type":"subscribe","topics":[""]}"#, "invalid_frame"),
        (r#"{"type":"connect","user":"v"}"#, "unexpected"),
        (r#"{"type":"echo"}"#, "echo_off"),
    ] {
        client.write(&C::wire(frame));
        let error = client.expect("error");
        assert_eq!(error["code"], code, "{frame}");
        assert!(error["detail"].is_string(), "{error}");
    }
    client.expect_alive();
}

fn frames_up_to_the_limit_are_read<C: Client>() {
    let gateway = Gateway::start(&["--max-frame=1KiB"]);
    let mut client = C::join(&gateway, "u");
    client.write(&C::wire(&padded("ping", 1024)));
    client.expect("pong");
}

fn echo_frames_come_back_where_allowed<C: Client>() {
    let gateway = Gateway::start(&["--echo"]);
    let mut client = C::join(&gateway, "u");
    for frame in [json!({ "type": "echo" }), json!({ "type": "echo", "x": [1, "é", null] })] {
        client.send(&frame);
        assert_eq!(client.expect("echo"), frame);
    }
    let long = padded("echo", 60_000);
    client.write(&C::wire(&long));
    assert_eq!(client.expect("echo"), serde_json::from_str::<Value>(&long).unwrap());
}

fn acknowledgements_are_taken<C: Client>() {
    let gateway = Gateway::start(&[]);
    let mut client = C::join(&gateway, "u");
    client.send(&json!({ "type": "ack", "cursor": "AQAAAAAAAAAAAAAAAAAAAAAA" }));
    client.expect_alive();
}

/// A frame of this type that is so many bytes long.
pub(super) fn padded(kind: &str, length: usize) -> String {
    let empty = json!({ "type": kind, "x": "" }).to_string();
    json!({ "type": kind, "x": "x".repeat(length - empty.len()) }).to_string()
}
