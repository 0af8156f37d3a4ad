//! What the sender of a message wrote into it, found as cheaply as possible: a load client must not
//! be what is slow.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::settings::phase::Phase;

static STAMP: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#"{"t":"#));

/// What the sender of a message wrote into it: `{"t":MICROS,"n":NUMBER,"u":USER,"r":RUN,`, for a
/// broadcast `{"t":MICROS,"b":NUMBER,"r":RUN,`; behind the time, `"f":NUMBER,` in scenarios with
/// phases. Other senders may leave out all that follows `"n"` or `"b"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// When the message was due, in microseconds since the epoch.
    pub due: u64,
    /// In which phase of the scenario it was sent.
    pub phase: Option<Phase>,
    /// Whether everybody gets it.
    pub is_broadcast: bool,
    /// What tells it from every other message.
    pub proof: Option<Proof>,
}

/// What tells a message from every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proof {
    /// The run that sent it.
    pub run: u32,
    /// The number of the user it is for; nothing if it is for everybody.
    pub user: Option<u32>,
    /// Its place among all messages of the run to the same user, or to everybody, from 1 on.
    pub number: u32,
}

/// The stamp of a message, if it has one.
pub(crate) fn stamp(frame: &[u8]) -> Option<Stamp> {
    let at = STAMP.find(frame)? + STAMP.needle().len();
    let (due, rest) = number(&frame[at..])?;
    let phase = rest.strip_prefix(br#","f":"#).and_then(number);
    let (phase, rest) = phase.map_or((0, rest), |(phase, rest)| (phase, rest));
    let phase = u8::try_from(phase).ok().and_then(Phase::from_number);
    let is_broadcast = rest.starts_with(br#","b":"#);
    Some(Stamp { due, phase, is_broadcast, proof: proof(rest, is_broadcast) })
}

fn proof(text: &[u8], is_broadcast: bool) -> Option<Proof> {
    let field = |text, key: &[u8]| {
        let (value, rest) = number(<[u8]>::strip_prefix(text, key)?)?;
        Some((u32::try_from(value).ok()?, rest))
    };
    let (number, rest) = field(text, if is_broadcast { br#","b":"# } else { br#","n":"# })?;
    let (user, rest) = match is_broadcast {
        true => (None, rest),
        false => field(rest, br#","u":"#).map(|(user, rest)| (Some(user), rest))?,
    };
    let (run, _) = field(rest, br#","r":"#)?;
    Some(Proof { run, user, number })
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
        let stamped =
            |phase, is_broadcast| Some(Stamp { due: 17, phase, is_broadcast, proof: None });
        let proved = |user, phase| {
            let proof = Some(Proof { run: 9, user, number: 4 });
            Some(Stamp { due: 17, phase, is_broadcast: user.is_none(), proof })
        };
        let cases = [
            (r#"{"type":"push","data":{"t":17,"n":4}}"#, stamped(None, false)),
            (r#"{"type":"push","data":{"t":17,"b":4,"p":"x"}}"#, stamped(None, true)),
            (r#"{"data":{"t":17,"f":2,"n":4,"p":"x"}}"#, stamped(Some(Phase::Drop), false)),
            (r#"{"data":{"t":17,"f":99,"b":4,"p":"x"}}"#, stamped(None, true)),
            (r#"{"data":{"t":17,"n":4,"u":7,"r":9,"p":"x"}}"#, proved(Some(7), None)),
            (r#"{"data":{"t":17,"f":2,"b":4,"r":9,"p":"x"}}"#, proved(None, Some(Phase::Drop))),
            (r#"{"data":{"t":17,"n":4,"r":9,"p":"x"}}"#, stamped(None, false)),
            (r#"{"data":{"t":17,"n":4294967296,"u":7,"r":9}}"#, stamped(None, false)),
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
            for head in [r#"{"t":"#, r#"{"t":1,"f":"#, r#"{"t":1,"n":1,"u":"#, r#"{"t":1,"b":1,"r":"#] {
                let _ = stamp(format!("{head}{tail}").as_bytes());
            }
        }
    }
}
