//! A line for each frame.

use std::{borrow::Cow, fmt::Write};

use client::Kind;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The fields that are shown.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    data_base64: Option<Cow<'a, str>>,
    #[serde(borrow)]
    topic: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow)]
    session: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    retry_ms: Option<u64>,
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    detail: Option<Cow<'a, str>>,
}

/// What is there, `null` included.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// The line of a frame; nothing for what keeps the connection alive, unless it is wanted raw.
pub(super) fn line(kind: Kind, frame: &[u8], is_raw: bool) -> Option<String> {
    let text = String::from_utf8_lossy(frame);
    if is_raw {
        return Some(harmless(&text));
    }
    if matches!(kind, Kind::Ping | Kind::Pong) {
        return None;
    }
    let shown = serde_json::from_str(&text).ok().and_then(|fields| show(kind, &fields));
    Some(harmless(&shown.unwrap_or_else(|| text.into_owned())))
}

fn show(kind: Kind, fields: &Fields<'_>) -> Option<String> {
    let mut line = String::new();
    match kind {
        Kind::Message => {
            line.push_str("push ");
            if let Some(topic) = &fields.topic {
                let _ = write!(line, "(topic {topic}) ");
            }
            match (fields.data, &fields.data_base64) {
                (Some(data), _) => line.push_str(data.get()),
                (None, Some(data)) => {
                    let _ = write!(line, "(base64) {data}");
                }
                (None, None) => return None,
            }
        }
        Kind::Hello => {
            let _ = write!(line, "hello {}", fields.user.as_ref()?);
            if let Some(session) = &fields.session {
                let _ = write!(line, " (session {session})");
            }
        }
        Kind::Bye => {
            let _ = write!(line, "bye {}", fields.reason.as_ref()?);
            if let Some(millis) = fields.retry_ms {
                let _ = write!(line, " (retry in {millis} ms)");
            }
        }
        Kind::Error => {
            let (code, detail) = (fields.code.as_ref()?, fields.detail.as_deref());
            let _ = write!(line, "error {code}: {}", detail.unwrap_or("no detail"));
        }
        Kind::Ping | Kind::Pong | Kind::Other => return None,
    }
    Some(line)
}

/// Without anything that would break the line, or that a terminal would obey.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_control() {
            true => shown.extend(letter.escape_unicode()),
            false => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_become_lines() {
        let cases = [
            (r#"{"type":"push","id":"x","data":{"text":"hello"}}"#, "push {\"text\":\"hello\"}"),
            (r#"{"type":"push","data":1,"topic":"news"}"#, "push (topic news) 1"),
            (r#"{"type":"push","data_base64":"AAEC"}"#, "push (base64) AAEC"),
            (r#"{"type":"push","data":null}"#, "push null"),
            (r#"{"type":"hello","user":"demo","session":"s"}"#, "hello demo (session s)"),
            (r#"{"type":"bye","reason":"draining","retry_ms":7}"#, "bye draining (retry in 7 ms)"),
            (r#"{"type":"bye","reason":"replaced"}"#, "bye replaced"),
            (r#"{"type":"error","code":"c","detail":"why"}"#, "error c: why"),
            (r#"{"type":"gap"}"#, r#"{"type":"gap"}"#),
            ("no JSON", "no JSON"),
        ];
        for (frame, expected) in cases {
            let kind = client::scan::kind(frame.as_bytes());
            assert_eq!(line(kind, frame.as_bytes(), false).as_deref(), Some(expected));
            assert_eq!(line(kind, frame.as_bytes(), true).as_deref(), Some(frame));
        }
        assert_eq!(line(Kind::Ping, br#"{"type":"ping"}"#, false), None);
    }

    #[test]
    fn nothing_in_a_line_is_obeyed() {
        let frame = "{\"type\":\"push\",\"data\":\"\u{9b}31m\u{7f}\"}\n\u{1b}";
        let shown = line(Kind::Message, frame.as_bytes(), true).unwrap_or_default();
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
        assert!(shown.contains("\\u{9b}31m"), "{shown}");
    }
}
