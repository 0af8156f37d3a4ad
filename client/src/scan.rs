//! Looks at incoming JSON frames as cheaply as possible: a load client must not be what is slow.
//!
//! Nothing is parsed; a short search finds the frame's type.

use std::{sync::LazyLock, time::Duration};

use memchr::memmem::Finder;
use protocol::SessionId;

static TYPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""type":"#));
static SESSION: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""session":"#));
static RETRY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""retry_ms":"#));
static REASON: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""reason":"#));

/// What a server's frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The session is open.
    Hello,
    /// The server is about to close the session.
    Bye,
    /// The server refused something.
    Error,
    /// The server asks whether the client is there.
    Ping,
    /// The answer to the same question of the client's.
    Pong,
    /// Neither a message nor an end: `gap`, `subscribed`.
    Other,
    /// A push, or whatever a server that does not speak this protocol sends.
    Message,
}

/// The frame's kind, by its `type`.
pub fn kind(frame: &[u8]) -> Kind {
    match text_after(&TYPE, frame) {
        Some(b"hello") => Kind::Hello,
        Some(b"bye") => Kind::Bye,
        Some(b"error") => Kind::Error,
        Some(b"ping") => Kind::Ping,
        Some(b"pong") => Kind::Pong,
        Some(b"gap" | b"subscribed" | b"unsubscribed" | b"refreshed" | b"recovered") => Kind::Other,
        _ => Kind::Message,
    }
}

/// The reason of a `bye`.
pub fn reason(frame: &[u8]) -> String {
    let reason = text_after(&REASON, frame).unwrap_or(b"none given");
    String::from_utf8_lossy(&reason[..reason.len().min(64)]).into_owned()
}

/// After how long a `bye` says to come back; nothing where it does not.
pub fn retry(frame: &[u8]) -> Option<Duration> {
    let after = frame[RETRY.find(frame)? + RETRY.needle().len()..].trim_ascii_start();
    let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let millis = std::str::from_utf8(&after[..digits]).ok()?.parse().ok()?;
    Some(Duration::from_millis(millis))
}

/// The session that a `hello` names.
pub fn session(frame: &[u8]) -> Option<SessionId> {
    let name = std::str::from_utf8(text_after(&SESSION, frame)?).ok()?;
    name.parse().ok()
}

/// The text value that follows a key.
fn text_after<'a>(key: &Finder<'_>, frame: &'a [u8]) -> Option<&'a [u8]> {
    let after = &frame[key.find(frame)? + key.needle().len()..];
    let text = after.trim_ascii_start().strip_prefix(b"\"")?;
    Some(&text[..memchr::memchr(b'"', text)?])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        let cases = [
            (r#"{"type":"hello","session":"1"}"#, Kind::Hello),
            (r#"{"reason":"x", "type": "bye"}"#, Kind::Bye),
            (r#"{"type":"error","code":"c"}"#, Kind::Error),
            (r#"{"type":"pong"}"#, Kind::Pong),
            (r#"{"type":"ping"}"#, Kind::Ping),
            (r#"{"type":"subscribed","topics":[]}"#, Kind::Other),
            (r#"{"type":"gap"}"#, Kind::Other),
            (r#"{"type":"push","data":{"type":"hello"}}"#, Kind::Message),
            ("plain", Kind::Message),
            (r#"{"type":"#, Kind::Message),
        ];
        for (frame, expected) in cases {
            assert_eq!(kind(frame.as_bytes()), expected, "{frame}");
        }
    }

    #[test]
    fn reasons_are_found() {
        assert_eq!(reason(br#"{"type":"bye","reason":"draining"}"#), "draining");
        assert_eq!(reason(b"{}"), "none given");
    }

    #[test]
    fn a_bye_says_when_to_come_back() {
        let bye = |text: &str| retry(text.as_bytes()).map(|after| after.as_millis());
        assert_eq!(bye(r#"{"type":"bye","reason":"draining","retry_ms":1207}"#), Some(1207));
        assert_eq!(bye(r#"{"retry_ms": 0,"type":"bye"}"#), Some(0));
        for none in
            [r#"{"type":"bye","reason":"replaced"}"#, r#"{"retry_ms":"#, r#"{"retry_ms":x}"#]
        {
            assert_eq!(bye(none), None, "{none}");
        }
        assert_eq!(bye(r#"{"retry_ms":99999999999999999999}"#), None);
    }

    #[test]
    fn sessions_are_named() {
        let hello = br#"{"type":"hello","session":"00000000000000ff","user":"u"}"#;
        assert_eq!(session(hello), Some(SessionId(255)));
        for other in [&br#"{"type":"hello","session":"x"}"#[..], br#"{"session":"#, b"{}"] {
            assert_eq!(session(other), None);
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(tail in ".{0,40}") {
            for head in [r#"{"type":"#, r#"{"reason":"#, r#"{"session":"#, r#"{"retry_ms":"#] {
                let frame = format!("{head}{tail}");
                let frame = frame.as_bytes();
                let _ = (kind(frame), reason(frame), session(frame), retry(frame));
            }
        }
    }
}
