//! Frames from the client to the gateway: parsed from the JSON text that every transport carries.

use std::borrow::Cow;

use serde::Deserialize;

use crate::{
    ids::{MessageId, Topic},
    push::MAX_TOPICS_PER_FRAME,
};

/// A well-formed frame from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientFrame {
    /// The first line of a TCP session.
    Connect(Connect),
    /// The client has processed the message and everything before it.
    Ack(MessageId),
    /// Subscribe this session to topics.
    Subscribe(Vec<Topic>),
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
    /// The last message the client has seen.
    pub after: Option<String>,
}

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
}

impl FrameError {
    /// The `code` of the `error` frame that answers this.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "not_json",
            Self::UnknownType(_) => "unknown_type",
            Self::Invalid(_) => "invalid_frame",
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
    id: Option<MessageId>,
    topics: Option<Vec<Topic>>,
    token: Option<String>,
    user: Option<String>,
    device: Option<String>,
    after: Option<String>,
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
            "ack" => fields(text)?.id.map(Self::Ack).ok_or_else(|| missing("ack", "id")),
            "subscribe" => topics("subscribe", text).map(Self::Subscribe),
            "unsubscribe" => topics("unsubscribe", text).map(Self::Unsubscribe),
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

fn topics(kind: &str, text: &str) -> Result<Vec<Topic>, FrameError> {
    let topics = fields(text)?.topics.ok_or_else(|| missing(kind, "topics"))?;
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

    const ID: &str = "0190a6f0-0000-7000-8000-000000000001";

    #[test]
    fn frames_parse() {
        let ack = format!(r#"{{"type":"ack","id":"{ID}"}}"#);
        let id = MessageId(ID.parse().expect("a uuid"));
        let news = Topic::new("news").expect("a topic");
        let connect = Connect { token: Some("t".into()), ..Connect::default() };
        let cases = [
            (r#"{"type":"ping"}"#, ClientFrame::Ping),
            (r#"{"type":"pong","x":1}"#, ClientFrame::Pong),
            (r#" {"extra":1,"type":"ping"} "#, ClientFrame::Ping),
            (ack.as_str(), ClientFrame::Ack(id)),
            (
                r#"{"type":"subscribe","topics":["news"]}"#,
                ClientFrame::Subscribe(vec![news.clone()]),
            ),
            (r#"{"type":"unsubscribe","topics":["news"]}"#, ClientFrame::Unsubscribe(vec![news])),
            (r#"{"type":"refresh","token":"t"}"#, ClientFrame::Refresh("t".into())),
            (r#"{"type":"connect","token":"t"}"#, ClientFrame::Connect(connect)),
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
            (r#"{"type":"ack","id":"x"}"#, "invalid_frame"),
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
                    ClientFrame::Subscribe(topics) | ClientFrame::Unsubscribe(topics) => {
                        topics.len()
                    }
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
