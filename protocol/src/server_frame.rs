//! Frames from the gateway to the client: encoded once, as JSON text without line breaks, so that
//! the same bytes travel on every transport.

use serde::Serialize;

use crate::{
    close::CloseReason,
    ids::{MessageId, SessionId, Topic},
    kept::Cursor,
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
    let mut frame = kept_push(id, payload, topic);
    frame.push(b'}');
    frame
}

const CURSOR_KEY: &[u8] = br#","cursor":""#;

/// The frame of a kept push that goes up to its cursor, ended by that.
pub fn ended_by_cursor(frame: &[u8], cursor: Cursor) -> Vec<u8> {
    [frame, CURSOR_KEY, &cursor.encode(), br#""}"#].concat()
}

/// The frame a client receives for a push that is kept, up to its cursor, which [`ended_by_cursor`] adds.
pub fn kept_push(id: MessageId, payload: Payload<'_>, topic: Option<&Topic>) -> Vec<u8> {
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
        /// Where the replay of the user's log begins, where one is kept.
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<&'a str>,
        /// Whether everything behind that, and behind the client's own cursor, will follow.
        recovered: bool,
        /// At most how many messages will follow before live ones.
        kept: u64,
    },
    /// The store, which could not be asked, was: what was missing of a log has come.
    Recovered {
        /// Up to where the client has the log.
        cursor: &'a str,
        /// How many messages have come since it could be asked.
        kept: u64,
        /// The topic whose log it is; without one it is the user's.
        #[serde(skip_serializing_if = "Option::is_none")]
        topic: Option<&'a str>,
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
    /// Which.
    pub topic: &'a Topic,
    /// Where its log begins for the session, where one is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Whether everything behind the client's cursor will follow, where it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<bool>,
    /// At most how many messages will follow before live ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<u64>,
}

impl<'a> Named<'a> {
    /// Its name alone.
    pub fn new(topic: &'a Topic) -> Self {
        Self { topic, cursor: None, recovered: None, kept: None }
    }
}

impl<'a> ServerFrame<'a> {
    /// `unsubscribed` from these topics.
    pub fn unsubscribed(topics: &'a [Topic]) -> Self {
        ServerFrame::Unsubscribed { topics: topics.iter().map(Named::new).collect() }
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
    use crate::kept::CURSOR_LENGTH;

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
    fn the_frame_of_a_kept_push_ends_in_its_cursor() {
        let log = crate::kept::Log::User(crate::UserId::new("u").expect("a user"));
        let cursor = Cursor::new(&log, crate::kept::Place { number: 7, check: 9 });
        let open = kept_push(id(), Payload::Json("1"), None);
        let frame = ended_by_cursor(&open, cursor);
        assert_eq!(frame.len(), open.len() + CURSOR_KEY.len() + CURSOR_LENGTH + 2);
        let json: serde_json::Value = serde_json::from_slice(&frame).expect("JSON");
        let text = json["cursor"].as_str().expect("a cursor");
        assert_eq!((Cursor::decode(text), &json["data"]), (Ok(cursor), &serde_json::json!(1)));
    }

    #[test]
    fn other_frames_are_what_clients_expect() {
        let news = Topic::new("news").expect("a topic");
        let hello = |cursor, kept| {
            let (session, user, recovered) = (SessionId(1), "u", true);
            ServerFrame::Hello { session, user, cursor, recovered, kept }
        };
        let cases = [
            (
                hello(None, 0),
                r#"{"type":"hello","session":"0000000000000001","user":"u","recovered":true,"kept":0}"#,
            ),
            (
                hello(Some("C"), 3),
                r#"{"type":"hello","session":"0000000000000001","user":"u","cursor":"C","recovered":true,"kept":3}"#,
            ),
            (
                ServerFrame::Recovered { cursor: "C", kept: 2, topic: None },
                r#"{"type":"recovered","cursor":"C","kept":2}"#,
            ),
            (
                ServerFrame::Recovered { cursor: "C", kept: 2, topic: Some("t") },
                r#"{"type":"recovered","cursor":"C","kept":2,"topic":"t"}"#,
            ),
            (
                ServerFrame::Subscribed { topics: vec![Named::new(&news)] },
                r#"{"type":"subscribed","topics":[{"topic":"news"}]}"#,
            ),
            (
                ServerFrame::Subscribed {
                    topics: vec![Named {
                        topic: &news,
                        cursor: Some("C".into()),
                        recovered: Some(true),
                        kept: Some(3),
                    }],
                },
                r#"{"type":"subscribed","topics":[{"topic":"news","cursor":"C","recovered":true,"kept":3}]}"#,
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
