//! Frames from the client to the gateway: parsed from the JSON text that every transport carries.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};

use crate::{ids::Topic, push::MAX_TOPICS_PER_FRAME};

/// A well-formed frame from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientFrame {
    /// The first line of a TCP session.
    Connect(Connect),
    /// The client has processed what stands at this cursor and everything before it in the same log.
    Ack(String),
    /// Subscribe this session to topics.
    Subscribe(Vec<Wanted>),
    /// End subscriptions of this session.
    Unsubscribe(Vec<Topic>),
    /// A newer token for the same user.
    Refresh(String),
    /// Answered with `pong`.
    Ping,
    /// The answer to the gateway's `ping`.
    Pong,
    /// Answered with the same bytes where the gateway runs with `--echo`.
    Echo,
}

/// Who connects, and from which message on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connect {
    /// The signed token.
    pub token: Option<String>,
    /// Stands in for the token in development.
    pub user: Option<String>,
    /// Name of the device, if its token has none.
    pub device: Option<String>,
    /// The newest cursor of each log that the client has.
    pub after: Vec<String>,
}

/// A topic to subscribe to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub topic: Topic,
    /// The newest cursor of it that the client has, or [`START`]: what is kept behind it is to come first.
    pub after: Option<String>,
}

/// In place of a cursor: from the first message that is kept.
pub const START: &str = "start";

/// Why a client's frame was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not JSON: the session cannot go on.
    #[error("the frame is not JSON: {0}")]
    NotJson(String),
    /// JSON of a type nobody knows: answered with an `error` frame.
    #[error("unknown frame type {0:?}; known are ack, subscribe, unsubscribe, refresh, ping, pong")]
    UnknownType(String),
    /// A known type with a missing or wrong field: answered with an `error` frame.
    #[error("{0}")]
    Invalid(String),
    /// An older client's word: answered with an `error` frame.
    #[error(
        "ack: a cursor is needed, as pushes that are kept bring one; an id says nothing of its place"
    )]
    AckNeedsCursor,
}

impl FrameError {
    /// The `code` of the `error` frame that answers this.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "not_json",
            Self::UnknownType(_) => "unknown_type",
            Self::Invalid(_) => "invalid_frame",
            Self::AckNeedsCursor => "ack_needs_cursor",
        }
    }
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Fields {
    id: Option<IgnoredAny>,
    cursor: Option<String>,
    topics: Option<Vec<Topic>>,
    token: Option<String>,
    user: Option<String>,
    device: Option<String>,
    #[serde(default)]
    after: Vec<String>,
}

#[derive(Deserialize)]
struct Subscribing {
    topics: Option<Vec<Subscribed>>,
}

/// A topic in a `subscribe` frame.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a topic is its name, or an object with topic and after")]
enum Subscribed {
    Alone(Topic),
    Behind {
        topic: Topic,
        #[serde(default)]
        after: Option<String>,
    },
}

impl From<Subscribed> for Wanted {
    fn from(subscribed: Subscribed) -> Self {
        match subscribed {
            Subscribed::Alone(topic) => Self { topic, after: None },
            Subscribed::Behind { topic, after } => Self { topic, after },
        }
    }
}

impl ClientFrame {
    /// Parses one frame.
    ///
    /// # Errors
    /// [`FrameError::NotJson`] ends the session; the other errors are answered and forgotten.
    pub fn parse(text: &[u8]) -> Result<Self, FrameError> {
        // serde_json does not look into texts that it skips, and JSON is UTF-8 (RFC 8259 section
        // 8.1).
        let text =
            std::str::from_utf8(text).map_err(|error| FrameError::NotJson(error.to_string()))?;
        let kind = parse_json::<Kind<'_>>(text)?.kind;
        match kind.as_ref() {
            "ping" => Ok(Self::Ping),
            "pong" => Ok(Self::Pong),
            "echo" => Ok(Self::Echo),
            "ack" => match fields(text)? {
                Fields { cursor: Some(cursor), .. } => Ok(Self::Ack(cursor)),
                Fields { id: Some(_), .. } => Err(FrameError::AckNeedsCursor),
                _ => Err(missing("ack", "cursor")),
            },
            "subscribe" => {
                let topics = few("subscribe", parse_json::<Subscribing>(text)?.topics)?;
                Ok(Self::Subscribe(topics.into_iter().map(Wanted::from).collect()))
            }
            "unsubscribe" => few("unsubscribe", fields(text)?.topics).map(Self::Unsubscribe),
            "refresh" => {
                fields(text)?.token.map(Self::Refresh).ok_or_else(|| missing("refresh", "token"))
            }
            "connect" => {
                let Fields { token, user, device, after, .. } = fields(text)?;
                Ok(Self::Connect(Connect { token, user, device, after }))
            }
            unknown => Err(FrameError::UnknownType(unknown.chars().take(64).collect())),
        }
    }
}

fn few<T>(kind: &str, topics: Option<Vec<T>>) -> Result<Vec<T>, FrameError> {
    let topics = topics.ok_or_else(|| missing(kind, "topics"))?;
    if topics.len() > MAX_TOPICS_PER_FRAME {
        let detail = format!("{kind}: topics holds more than {MAX_TOPICS_PER_FRAME}");
        return Err(FrameError::Invalid(detail));
    }
    Ok(topics)
}

fn missing(kind: &str, field: &str) -> FrameError {
    FrameError::Invalid(format!("{kind}: field {field} is missing"))
}

fn fields(text: &str) -> Result<Fields, FrameError> {
    parse_json(text)
}

fn parse_json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, FrameError> {
    serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            FrameError::Invalid(error.to_string())
        } else {
            FrameError::NotJson(error.to_string())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_parse() {
        let news = Topic::new("news").expect("a topic");
        let wanted =
            |after: Option<&str>| Wanted { topic: news.clone(), after: after.map(str::to_owned) };
        let connect = Connect { token: Some("t".into()), ..Connect::default() };
        let cases = [
            (r#"{"type":"ping"}"#, ClientFrame::Ping),
            (r#"{"type":"pong","x":1}"#, ClientFrame::Pong),
            (r#" {"extra":1,"type":"ping"} "#, ClientFrame::Ping),
            (r#"{"type":"ack","cursor":"C"}"#, ClientFrame::Ack("C".into())),
            (r#"{"type":"ack","cursor":"C","id":5}"#, ClientFrame::Ack("C".into())),
            (
                r#"{"type":"subscribe","topics":["news"]}"#,
                ClientFrame::Subscribe(vec![wanted(None)]),
            ),
            (
                r#"{"type":"subscribe","topics":[{"topic":"news","after":"start"},{"topic":"news"}]}"#,
                ClientFrame::Subscribe(vec![wanted(Some(START)), wanted(None)]),
            ),
            (
                r#"{"type":"unsubscribe","topics":["news"]}"#,
                ClientFrame::Unsubscribe(vec![news.clone()]),
            ),
            (r#"{"type":"refresh","token":"t"}"#, ClientFrame::Refresh("t".into())),
            (r#"{"type":"connect","token":"t"}"#, ClientFrame::Connect(connect.clone())),
            (
                r#"{"type":"connect","token":"t","after":["a","b"]}"#,
                ClientFrame::Connect(Connect { after: vec!["a".into(), "b".into()], ..connect }),
            ),
            (r#"{"type":"echo","x":[1,2]}"#, ClientFrame::Echo),
        ];
        for (text, expected) in cases {
            assert_eq!(ClientFrame::parse(text.as_bytes()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn wrong_frames_are_told_apart() {
        let cases = [
            ("", "not_json"),
            ("hello", "not_json"),
            (r#"{"type":"ping""#, "not_json"),
            ("\u{feff}{}", "not_json"),
            ("5", "invalid_frame"),
            ("[]", "invalid_frame"),
            ("{}", "invalid_frame"),
            (r#"{"type":5}"#, "invalid_frame"),
            (r#"{"type":"ack"}"#, "invalid_frame"),
            (r#"{"type":"ack","cursor":5}"#, "invalid_frame"),
            (r#"{"type":"ack","id":"x"}"#, "ack_needs_cursor"),
            (r#"{"type":"connect","after":"x"}"#, "invalid_frame"),
            (r#"{"type":"subscribe","topics":[{"after":"x"}]}"#, "invalid_frame"),
            (r#"{"type":"subscribe"}"#, "invalid_frame"),
            (r#"{"type":"subscribe","topics":[""]}"#, "invalid_frame"),
            (r#"{"type":"dance","id":5}"#, "unknown_type"),
        ];
        for (text, code) in cases {
            let error = ClientFrame::parse(text.as_bytes()).expect_err(text);
            assert_eq!(error.code(), code, "{text}: {error}");
        }
        let error = ClientFrame::parse(b"{\"type\":\"ping\",\"x\":\"\xff\"}").expect_err("no text");
        assert_eq!(error.code(), "not_json");
    }

    #[test]
    fn a_frame_names_so_many_topics_and_no_more() {
        for kind in ["subscribe", "unsubscribe"] {
            let named = |count| {
                let topics = vec![r#""t""#; count].join(",");
                let text = format!(r#"{{"type":"{kind}","topics":[{topics}]}}"#);
                ClientFrame::parse(text.as_bytes()).map(|frame| match frame {
                    ClientFrame::Subscribe(topics) => topics.len(),
                    ClientFrame::Unsubscribe(topics) => topics.len(),
                    other => panic!("{other:?}"),
                })
            };
            assert_eq!((named(0), named(MAX_TOPICS_PER_FRAME)), (Ok(0), Ok(MAX_TOPICS_PER_FRAME)));
            for more in [1, 2, MAX_TOPICS_PER_FRAME] {
                let error = named(MAX_TOPICS_PER_FRAME + more).expect_err("too many");
                assert!(error.to_string().contains("more than"), "{error}");
            }
        }
    }
}
