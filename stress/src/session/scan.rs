//! Looks at incoming JSON frames as cheaply as possible: a load client must not be what is slow.
//!
//! Nothing is parsed; two short searches find the frame's type and the stamp of its sender.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::settings::phase::Phase;

static TYPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""type":"#));
static STAMP: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#"{"t":"#));
static REASON: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""reason":"#));

/// What a server's frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The session is open.
    Hello,
    /// The server is about to close the session.
    Bye,
    /// The server refused something.
    Error,
    /// Neither a message nor an end: `pong`, `gap`.
    Other,
    /// A push, or whatever a server that does not speak this protocol sends.
    Message,
}

/// The frame's kind, by its `type`.
pub(crate) fn kind(frame: &[u8]) -> Kind {
    match text_after(&TYPE, frame) {
        Some(b"hello") => Kind::Hello,
        Some(b"bye") => Kind::Bye,
        Some(b"error") => Kind::Error,
        Some(b"pong" | b"gap") => Kind::Other,
        _ => Kind::Message,
    }
}

/// The reason of a `bye`.
pub(crate) fn reason(frame: &[u8]) -> String {
    let reason = text_after(&REASON, frame).unwrap_or(b"none given");
    String::from_utf8_lossy(&reason[..reason.len().min(64)]).into_owned()
}

/// The text value that follows a key.
fn text_after<'a>(key: &Finder<'_>, frame: &'a [u8]) -> Option<&'a [u8]> {
    let after = &frame[key.find(frame)? + key.needle().len()..];
    let text = after.trim_ascii_start().strip_prefix(b"\"")?;
    Some(&text[..memchr::memchr(b'"', text)?])
}

/// What the sender of a message wrote into it: `{"t":MICROS,"n":…`, for a broadcast
/// `{"t":MICROS,"b":…`; between the two, `"f":NUMBER,` in scenarios with phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// When the message was due, in microseconds since the epoch.
    pub due: u64,
    /// In which phase of the scenario it was sent.
    pub phase: Option<Phase>,
    /// Whether everybody gets it.
    pub is_broadcast: bool,
}

/// The stamp of a message, if it has one.
pub(crate) fn stamp(frame: &[u8]) -> Option<Stamp> {
    let at = STAMP.find(frame)? + STAMP.needle().len();
    let (due, rest) = number(&frame[at..])?;
    let phase = rest.strip_prefix(br#","f":"#).and_then(number);
    let (phase, rest) = phase.map_or((0, rest), |(phase, rest)| (phase, rest));
    let phase = u8::try_from(phase).ok().and_then(Phase::from_number);
    Some(Stamp { due, phase, is_broadcast: rest.starts_with(br#","b":"#) })
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take(19).take_while(|byte| byte.is_ascii_digit()).count();
    let value = text[..digits].iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
    (digits > 0).then_some((value, &text[digits..]))
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
            (r#"{"type":"pong"}"#, Kind::Other),
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
    fn stamps_are_found() {
        let stamped = |phase, is_broadcast| Some(Stamp { due: 17, phase, is_broadcast });
        let cases = [
            (r#"{"type":"push","data":{"t":17,"n":4}}"#, stamped(None, false)),
            (r#"{"type":"push","data":{"t":17,"b":4,"p":"x"}}"#, stamped(None, true)),
            (r#"{"data":{"t":17,"f":2,"n":4,"p":"x"}}"#, stamped(Some(Phase::Drop), false)),
            (r#"{"data":{"t":17,"f":9,"b":4,"p":"x"}}"#, stamped(None, true)),
            (r#"{"type":"push","data":{"t":"#, None),
            (r#"{"type":"push","data":"t"}"#, None),
        ];
        for (frame, expected) in cases {
            assert_eq!(stamp(frame.as_bytes()), expected, "{frame}");
        }
    }

    #[test]
    fn reasons_are_found() {
        assert_eq!(reason(br#"{"type":"bye","reason":"draining"}"#), "draining");
        assert_eq!(reason(b"{}"), "none given");
    }

    proptest! {
        #[test]
        fn garbage_never_panics(tail in ".{0,40}") {
            for head in [r#"{"type":"#, r#"{"t":"#, r#"{"t":1,"f":"#, r#"{"reason":"#] {
                let frame = format!("{head}{tail}");
                let _ = (kind(frame.as_bytes()), stamp(frame.as_bytes()), reason(frame.as_bytes()));
            }
        }
    }
}
