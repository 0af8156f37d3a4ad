//! What ends a session whose client says it on the session's own connection.

use serde_json::Value;

use super::frames::padded;
use crate::harness::{Client, Gateway};

contract_of_streams!(
    what_is_not_json_ends_the_session,
    what_is_not_utf8_ends_the_session,
    a_frame_above_the_limit_ends_the_session,
);

fn what_is_not_json_ends_the_session<C: Client>() {
    let gateway = Gateway::start(&[]);
    // An empty line is no frame; an empty message is one.
    let empty = C::HAS_CODES.then_some("");
    let frames = ["hello", " ", r#"{"type":"ping""#, "{'type':'ping'}"];
    for frame in frames.into_iter().chain(empty) {
        let mut client = C::join(&gateway, "u");
        client.write(&C::wire(frame));
        let bye = client.expect_bye("invalid_frame", 1007);
        assert_eq!(bye["retry_ms"], Value::Null, "coming back would not help");
    }
}

fn a_frame_above_the_limit_ends_the_session<C: Client>() {
    let gateway = Gateway::start(&["--max-frame=1KiB"]);
    for length in [1025, 5000, 70_000] {
        let mut client = C::join(&gateway, "u");
        client.write(&C::wire(&padded("ping", length)));
        client.expect_bye("frame_too_large", 1009);
    }
}

fn what_is_not_utf8_ends_the_session<C: Client>() {
    let gateway = Gateway::start(&[]);
    let mut client = C::join(&gateway, "u");
    client.write(&C::wire_bytes(b"{\"type\":\"ping\",\"x\":\"\xff\"}"));
    client.expect_bye("invalid_frame", 1007);
}
