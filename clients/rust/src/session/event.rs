//! What a session tells its owner.

use std::{borrow::Cow, error::Error, fmt, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use client::Kind;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// One thing that has happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The session is open, at this server. Its `hello` comes next.
    Connected(String),
    /// A frame has come.
    Frame(Frame),
    /// The server has not taken what was said; it says why.
    NotTaken(String),
    /// The connection is over, for this reason. The session comes back by itself, after this pause.
    Closed {
        /// Why.
        why: String,
        /// How long until it comes back.
        pause: Duration,
    },
    /// The session is over. Nothing comes any more.
    Ended(Ended),
}

/// Why a session is over.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ended {
    /// The server has said, or it is plain, that to come back would not help.
    Final(String),
    /// There is no token.
    NoToken(Box<dyn Error + Send + Sync>),
    /// It was left.
    Left,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Final(why) => f.write_str(why),
            Self::NoToken(error) => write!(f, "there is no token: {error}"),
            Self::Left => f.write_str("the session was left"),
        }
    }
}

/// A frame, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    kind: Kind,
    text: Vec<u8>,
}

/// What a frame says. Texts are of the frame where they can be.
#[derive(Debug)]
#[non_exhaustive]
pub enum Said<'a> {
    /// Who the server takes the client for, and how much that is kept follows.
    Hello {
        /// The name of the session.
        session: Cow<'a, str>,
        /// The user.
        user: Cow<'a, str>,
        /// Where the replay of the user's log begins.
        cursor: Option<Cow<'a, str>>,
        /// Whether nothing is missing.
        recovered: bool,
        /// At most so many kept messages follow before live ones.
        kept: u64,
    },
    /// A push.
    Push {
        /// Its id.
        id: Cow<'a, str>,
        /// What was pushed.
        data: Data<'a>,
        /// The topic that it was pushed to, if it was.
        topic: Option<Cow<'a, str>>,
        /// Its place in its log, where it is kept.
        cursor: Option<Cow<'a, str>>,
    },
    /// Topics are subscribed to from here on.
    Subscribed(Vec<Cow<'a, str>>),
    /// Topics are not, any more.
    Unsubscribed(Vec<Cow<'a, str>>),
    /// Something may be missing.
    Gap {
        /// Why, like `expired`, `trimmed` or `lost`.
        reason: Cow<'a, str>,
        /// The topic whose messages are missing; without one, the user's.
        topic: Option<Cow<'a, str>>,
    },
    /// What was missing while the store could not be asked has come.
    Recovered,
    /// A new token is in force.
    Refreshed,
    /// The server is about to end the session.
    Bye {
        /// Why.
        reason: Cow<'a, str>,
        /// When to come back, in milliseconds; without it, not at all as it is.
        retry_ms: Option<u64>,
    },
    /// The server has refused something.
    Error {
        /// What kind of refusal.
        code: Cow<'a, str>,
        /// What is wrong.
        detail: Cow<'a, str>,
    },
    /// Keeps the connection alive.
    KeepAlive,
}

/// What was pushed.
#[derive(Debug, Clone)]
pub enum Data<'a> {
    /// JSON, byte for byte.
    Json(&'a RawValue),
    /// Bytes.
    Bytes(Vec<u8>),
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    data_base64: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    topic: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    topics: Vec<Topic<'a>>,
    #[serde(borrow)]
    cursor: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow)]
    session: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    detail: Option<Cow<'a, str>>,
    #[serde(default)]
    recovered: bool,
    #[serde(default)]
    kept: u64,
    retry_ms: Option<u64>,
}

/// A topic in a list: its name, or an object with it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Topic<'a> {
    Name(#[serde(borrow)] Cow<'a, str>),
    Object {
        #[serde(borrow)]
        topic: Cow<'a, str>,
    },
}

/// What is there, `null` included.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

impl Frame {
    /// A frame of this text, as a server would send it: for tests of what programs make of one.
    pub fn new(text: &[u8]) -> Self {
        Self::of(client::scan::kind(text), text)
    }

    /// A frame whose kind is known.
    pub(super) fn of(kind: Kind, text: &[u8]) -> Self {
        Self { kind, text: text.to_vec() }
    }

    /// What kind of frame it is, found without reading all of it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The frame as it came: JSON, if the server speaks this protocol.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// What it says; nothing where it is no frame of this protocol, or of a kind that is not known here.
    pub fn said(&self) -> Option<Said<'_>> {
        let fields: Fields<'_> = serde_json::from_slice(&self.text).ok()?;
        Some(match &*fields.kind {
            "push" => Said::Push {
                id: fields.id?,
                data: match (fields.data, fields.data_base64) {
                    (Some(json), _) => Data::Json(json),
                    (None, Some(text)) => Data::Bytes(STANDARD.decode(text.as_bytes()).ok()?),
                    (None, None) => return None,
                },
                topic: fields.topic,
                cursor: fields.cursor,
            },
            "hello" => Said::Hello {
                session: fields.session?,
                user: fields.user?,
                cursor: fields.cursor,
                recovered: fields.recovered,
                kept: fields.kept,
            },
            "subscribed" => Said::Subscribed(fields.topics.into_iter().map(Topic::name).collect()),
            "unsubscribed" => {
                Said::Unsubscribed(fields.topics.into_iter().map(Topic::name).collect())
            }
            "gap" => Said::Gap { reason: fields.reason?, topic: fields.topic },
            "recovered" => Said::Recovered,
            "refreshed" => Said::Refreshed,
            "bye" => Said::Bye { reason: fields.reason?, retry_ms: fields.retry_ms },
            "error" => {
                Said::Error { code: fields.code?, detail: fields.detail.unwrap_or_default() }
            }
            "ping" | "pong" => Said::KeepAlive,
            _ => return None,
        })
    }
}

impl<'a> Topic<'a> {
    fn name(self) -> Cow<'a, str> {
        match self {
            Self::Name(topic) | Self::Object { topic } => topic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        match Frame::new(text.as_bytes()).said() {
            Some(said) => format!("{said:?}"),
            None => "nothing".into(),
        }
    }

    #[test]
    fn frames_are_read() {
        for (frame, expected) in [
            (
                r#"{"type":"push","id":"x","data":{"a": 1}}"#,
                r#"Push { id: "x", data: Json(RawValue({"a": 1})), topic: None, cursor: None }"#,
            ),
            (
                r#"{"type":"push","id":"x","data_base64":"AAEC","topic":"t","cursor":"C"}"#,
                r#"Push { id: "x", data: Bytes([0, 1, 2]), topic: Some("t"), cursor: Some("C") }"#,
            ),
            (
                r#"{"type":"subscribed","topics":["a",{"topic":"b","cursor":"C"}]}"#,
                r#"Subscribed(["a", "b"])"#,
            ),
            (
                r#"{"type":"bye","reason":"draining","retry_ms":7}"#,
                r#"Bye { reason: "draining", retry_ms: Some(7) }"#,
            ),
            (r#"{"type":"gap","reason":"lost"}"#, r#"Gap { reason: "lost", topic: None }"#),
            (r#"{"type":"error","code":"c"}"#, r#"Error { code: "c", detail: "" }"#),
            (r#"{"type":"ping"}"#, "KeepAlive"),
            (r#"{"type":"push","id":"x"}"#, "nothing"),
            (r#"{"type":"news"}"#, "nothing"),
            ("no JSON", "nothing"),
        ] {
            assert_eq!(said(frame), expected, "{frame}");
        }
    }
}
