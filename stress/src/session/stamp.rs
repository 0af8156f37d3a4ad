//! What the sender of a message wrote into it, found as cheaply as possible: a load client must not
//! be what is slow.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::settings::phase::Phase;

static STAMP: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#"{"t":"#));

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

    proptest! {
        #[test]
        fn garbage_never_panics(tail in ".{0,40}") {
            for head in [r#"{"t":"#, r#"{"t":1,"f":"#] {
                let _ = stamp(format!("{head}{tail}").as_bytes());
            }
        }
    }
}
