//! A push before it is queued: its line of JSON, but for what is added on the way.

use std::{hash::Hasher, io::Write, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::recipient::Recipient;

/// Room that most lines do with.
const USUAL_LINE: usize = 256;

/// Whom a push is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To<'a> {
    /// All sessions of this user.
    User(&'a str),
    /// All sessions of these users, at most 10,000.
    Users(&'a [&'a str]),
    /// All sessions that are subscribed to this topic.
    Topic(&'a str),
    /// Everybody who is online. Cannot be kept.
    All,
}

/// What is pushed, to whom, and for how long it is kept.
///
/// ```
/// use std::time::Duration;
/// use holdfast_client::{Push, To};
///
/// let push = Push::json(To::User("u1"), &"hello")?.ttl(Duration::from_secs(86_400)).collapse_key("inbox");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Push {
    /// The object, without its end.
    line: Vec<u8>,
    recipient: Recipient,
    collapse_key: Option<Box<str>>,
    ttl: u32,
    id: Option<Uuid>,
}

impl Push {
    /// Pushes a value as JSON.
    ///
    /// # Errors
    /// The value is none that JSON has, a map with keys that are no texts for example.
    pub fn json(to: To<'_>, data: &(impl Serialize + ?Sized)) -> serde_json::Result<Self> {
        let mut push = Self::begin(to);
        push.line.extend_from_slice(b",\"data\":");
        let begin = push.line.len();
        serde_json::to_writer(&mut push.line, data)?;
        // A raw value may be inside.
        on_one_line(&mut push.line[begin..]);
        Ok(push)
    }

    /// Pushes JSON that is there already, byte for byte but for line breaks between its values, which become spaces.
    pub fn raw(to: To<'_>, data: &RawValue) -> Self {
        let mut push = Self::begin(to);
        push.line.extend_from_slice(b",\"data\":");
        let begin = push.line.len();
        push.line.extend_from_slice(data.get().as_bytes());
        on_one_line(&mut push.line[begin..]);
        push
    }

    /// Pushes bytes; clients have them as base64.
    pub fn bytes(to: To<'_>, data: &[u8]) -> Self {
        let mut push = Self::begin(to);
        push.line.extend_from_slice(b",\"data_base64\":\"");
        push.line.extend_from_slice(STANDARD.encode(data).as_bytes());
        push.line.push(b'"');
        push
    }

    /// Keeps it for so long, in whole seconds rounded up, until it has been acknowledged; at most 28 days. Zero, as it
    /// is from the beginning, means only for sessions that are online.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
        self.ttl = u32::try_from(seconds).unwrap_or(u32::MAX);
        self
    }

    /// Takes the place of an earlier push under this key, at most 64 bytes, that has not been sent on yet.
    #[must_use]
    pub fn collapse_key(mut self, key: &str) -> Self {
        self.collapse_key = Some(key.into());
        self
    }

    /// An id of your own, so that the same push from several programs is one. Without it an id is made.
    #[must_use]
    pub fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    fn begin(to: To<'_>) -> Self {
        let mut line = Vec::with_capacity(USUAL_LINE);
        line.extend_from_slice(b"{\"to\":");
        let recipient = match to {
            To::User(user) => {
                named(&mut line, "user", user);
                Recipient::One(key(b'u', user))
            }
            To::Topic(topic) => {
                named(&mut line, "topic", topic);
                Recipient::One(key(b't', topic))
            }
            To::Users(users) => {
                line.extend_from_slice(b"{\"users\":[");
                for (number, user) in users.iter().enumerate() {
                    if number > 0 {
                        line.push(b',');
                    }
                    text(&mut line, user);
                }
                line.extend_from_slice(b"]}");
                Recipient::Several(users.iter().map(|user| key(b'u', user)).collect())
            }
            To::All => {
                line.extend_from_slice(b"{\"all\":true}");
                Recipient::All
            }
        };
        Self { line, recipient, collapse_key: None, ttl: 0, id: None }
    }

    /// Takes the line apart from what is known of it, once its id is.
    pub(super) fn finish(self, made: impl FnOnce() -> Uuid) -> Finished {
        let Self { mut line, recipient, collapse_key, ttl, id } = self;
        let id = id.unwrap_or_else(made);
        if let Some(key) = collapse_key {
            line.extend_from_slice(b",\"collapse_key\":");
            text(&mut line, &key);
        }
        if ttl > 0 {
            write!(line, ",\"ttl\":{ttl}").expect("memory takes everything");
        }
        line.extend_from_slice(b",\"id\":\"");
        let mut digits = [0; 36];
        line.extend_from_slice(id.hyphenated().encode_lower(&mut digits).as_bytes());
        line.extend_from_slice(b"\"}\n");
        Finished { line, recipient, ttl, id }
    }
}

/// A push with all its line.
pub(super) struct Finished {
    pub(super) line: Vec<u8>,
    pub(super) recipient: Recipient,
    /// Seconds.
    pub(super) ttl: u32,
    pub(super) id: Uuid,
}

fn named(line: &mut Vec<u8>, kind: &str, name: &str) {
    line.extend_from_slice(b"{\"");
    line.extend_from_slice(kind.as_bytes());
    line.extend_from_slice(b"\":");
    text(line, name);
    line.push(b'}');
}

fn text(line: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(line, text).expect("memory takes every text");
}

/// JSON has no line break inside a text: those that are there mean nothing, and would end the line.
fn on_one_line(json: &mut [u8]) {
    for byte in json {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

/// What tells recipients apart. Two of one key are only kept in order that need not be.
fn key(kind: u8, name: &str) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write_u8(kind);
    hasher.write(name.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: Uuid = Uuid::from_u128(0x0190_a6f0_0000_7000_8000_0000_0000_0001);

    fn line(push: Push) -> Value {
        let line = push.finish(|| ID).line;
        assert!(line.ends_with(b"}\n") && line.iter().filter(|byte| **byte == b'\n').count() == 1);
        serde_json::from_slice(&line).expect("JSON")
    }

    #[test]
    fn a_push_is_one_line() {
        let id = ID.to_string();
        let push = Push::json(To::User("a\n\"b"), &json!({ "text": "x\ny" })).expect("JSON");
        let expected = json!({"to": {"user": "a\n\"b"}, "data": {"text": "x\ny"}, "id": id});
        assert_eq!(line(push), expected);
        let users = Push::bytes(To::Users(&["a", "b"]), b"\x00\x01\x02");
        let expected = json!({"to": {"users": ["a", "b"]}, "data_base64": "AAEC", "id": id});
        assert_eq!(line(users), expected);
        let raw = RawValue::from_string("{\r\n \"a\": 1}".into()).expect("JSON");
        let push = Push::raw(To::Topic("t"), &raw).ttl(Duration::from_millis(1_001));
        let expected = json!({"to": {"topic": "t"}, "data": {"a": 1}, "ttl": 2, "id": id});
        assert_eq!(line(push), expected);
        let own = Uuid::from_u128(7);
        let push = Push::json(To::All, &1).expect("JSON").collapse_key("k").id(own);
        let expected =
            json!({"to": {"all": true}, "data": 1, "collapse_key": "k", "id": own.to_string()});
        assert_eq!(line(push), expected);
    }

    #[test]
    fn users_and_topics_of_one_name_are_apart() {
        let [user, topic] =
            [To::User("x"), To::Topic("x")].map(|to| Push::bytes(to, b"").recipient);
        assert_ne!(user, topic);
    }
}
