//! Frames from the gateway to the client: encoded once, as JSON text without line breaks, so that
//! the same bytes travel on every transport.

use serde::Serialize;

use crate::{
    close::CloseReason,
    ids::{MessageId, SessionId, Topic},
};

/// The answer to a client's `ping`.
pub const PONG: &[u8] = br#"{"type":"pong"}"#;

/// Asks a client on a transport without pings of its own whether it is there.
pub const PING: &[u8] = br#"{"type":"ping"}"#;

/// What a push carries.
#[derive(Debug, Clone, Copy)]
pub enum Payload<'a> {
    /// One JSON value, as the backend wrote it. Must be valid JSON on a single line.
    Json(&'a str),
    /// Standard base64 (RFC 4648 section 4) of a binary payload.
    Base64(&'a str),
}

/// The frame a client receives for a push. The payload's bytes are passed through as they are.
pub fn push(id: MessageId, payload: Payload<'_>, topic: Option<&Topic>) -> Vec<u8> {
    let (key, quote, text) = match payload {
        Payload::Json(text) => ("data", "", text),
        Payload::Base64(text) => ("data_base64", "\"", text),
    };
    let mut id_text = [0; uuid::fmt::Hyphenated::LENGTH];
    let parts = [
        r#"{"type":"push","id":""#,
        id.0.as_hyphenated().encode_lower(&mut id_text),
        r#"",""#,
        key,
        r#"":"#,
        quote,
        text,
        quote,
    ];
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut frame = Vec::with_capacity(length + 1);
    parts.iter().for_each(|part| frame.extend_from_slice(part.as_bytes()));
    if let Some(topic) = topic {
        frame.extend_from_slice(br#","topic":"#);
        serde_json::to_writer(&mut frame, topic).expect("writing to memory does not fail");
    }
    frame.push(b'}');
    frame
}

/// Every other frame the gateway sends.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ServerFrame<'a> {
    /// The session is open and pushes to its user reach it.
    Hello {
        /// The session's id.
        session: SessionId,
        /// The user the gateway knows the client by.
        user: &'a str,
        /// Whether everything since the client's `after` is still there.
        recovered: bool,
    },
    /// The session is subscribed to these topics from here on.
    Subscribed {
        /// Each in an object, for what else there is to say of it.
        topics: Vec<Named<'a>>,
    },
    /// The session is not subscribed to these topics any more.
    Unsubscribed {
        /// As in `subscribed`.
        topics: Vec<Named<'a>>,
    },
    /// A newer token is in force.
    Refreshed {
        /// Until when the session may stay, in seconds since the Unix epoch.
        exp: Option<u64>,
    },
    /// Messages were lost.
    Gap {
        /// How: `lost` are live pushes that were given up.
        reason: &'a str,
        /// The topic they were pushed to; without one they were for the user.
        #[serde(skip_serializing_if = "Option::is_none")]
        topic: Option<&'a str>,
    },
    /// The gateway is about to close the session.
    Bye {
        /// The reason, from the table of [`CloseReason`].
        reason: &'a str,
        /// When to come back, in milliseconds; absent where coming back will not help.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u32>,
    },
    /// A frame of the client was refused; the session lives on.
    Error {
        /// A short machine-readable name.
        code: &'a str,
        /// A sentence for people.
        detail: &'a str,
    },
}

/// A topic, in an object.
#[derive(Debug, Serialize)]
pub struct Named<'a> {
    topic: &'a Topic,
}

impl<'a> ServerFrame<'a> {
    /// `subscribed` to these topics.
    pub fn subscribed(topics: &[&'a Topic]) -> Self {
        ServerFrame::Subscribed { topics: topics.iter().map(|topic| Named { topic }).collect() }
    }

    /// `unsubscribed` from these topics.
    pub fn unsubscribed(topics: &'a [Topic]) -> Self {
        ServerFrame::Unsubscribed { topics: topics.iter().map(|topic| Named { topic }).collect() }
    }
}

impl ServerFrame<'_> {
    /// The `bye` for a close reason; the pause is dropped where the client should stay away.
    pub fn bye(reason: CloseReason, retry_ms: u32) -> ServerFrame<'static> {
        let retry_ms = reason.reconnect().then_some(retry_ms);
        ServerFrame::Bye { reason: reason.as_str(), retry_ms }
    }

    /// The frame as JSON text.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("frames are plain data")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> MessageId {
        MessageId("0190a6f0-0000-7000-8000-000000000001".parse().expect("a uuid"))
    }

    #[test]
    fn pushes_are_what_clients_expect() {
        let topic = Topic::new("a\"b").expect("a topic");
        let cases = [
            (push(id(), Payload::Json("{\"a\": 1}"), None), r#""data":{"a": 1}}"#),
            (push(id(), Payload::Base64("AAE="), None), r#""data_base64":"AAE="}"#),
            (push(id(), Payload::Json("1"), Some(&topic)), r#""data":1,"topic":"a\"b"}"#),
        ];
        for (frame, tail) in cases {
            let head = r#"{"type":"push","id":"0190a6f0-0000-7000-8000-000000000001","#;
            assert_eq!(String::from_utf8(frame).expect("text"), format!("{head}{tail}"));
        }
    }

    #[test]
    fn other_frames_are_what_clients_expect() {
        let news = Topic::new("news").expect("a topic");
        let hello = ServerFrame::Hello { session: SessionId(1), user: "u", recovered: true };
        let cases = [
            (hello, r#"{"type":"hello","session":"0000000000000001","user":"u","recovered":true}"#),
            (
                ServerFrame::subscribed(&[&news]),
                r#"{"type":"subscribed","topics":[{"topic":"news"}]}"#,
            ),
            (
                ServerFrame::unsubscribed(std::slice::from_ref(&news)),
                r#"{"type":"unsubscribed","topics":[{"topic":"news"}]}"#,
            ),
            (ServerFrame::Refreshed { exp: Some(7) }, r#"{"type":"refreshed","exp":7}"#),
            (ServerFrame::Gap { reason: "lost", topic: None }, r#"{"type":"gap","reason":"lost"}"#),
            (
                ServerFrame::Gap { reason: "lost", topic: Some("t") },
                r#"{"type":"gap","reason":"lost","topic":"t"}"#,
            ),
            (
                ServerFrame::bye(CloseReason::Draining, 1500),
                r#"{"type":"bye","reason":"draining","retry_ms":1500}"#,
            ),
            (
                ServerFrame::bye(CloseReason::Replaced, 1500),
                r#"{"type":"bye","reason":"replaced"}"#,
            ),
            (
                ServerFrame::Error { code: "c", detail: "d" },
                r#"{"type":"error","code":"c","detail":"d"}"#,
            ),
        ];
        for (frame, expected) in cases {
            assert_eq!(String::from_utf8(frame.encode()).expect("text"), expected);
        }
    }
}
