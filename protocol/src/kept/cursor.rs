//! Cursors: a place in a log as clients are given it.
//!
//! Eighteen bytes in base64url (RFC 4648 section 5): a version, the fingerprint of the log, the number, the
//! check. All cursors are equally long, so that what a frame ends in can be written before it is known.

use std::fmt::{self, Write};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{log::Log, place::Place};

/// The length of a cursor's text, in bytes.
pub const CURSOR_LENGTH: usize = 24;

const VERSION: u8 = 1;
const BYTES: usize = 18;

/// A place, and which log it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// [`Log::fingerprint`] of the log.
    pub log: u64,
    /// The place in it.
    pub place: Place,
}

/// A text that is no cursor of this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor")]
pub struct InvalidCursor;

impl Cursor {
    /// The cursor of a place in a log.
    pub fn new(log: &Log, place: Place) -> Self {
        Self { log: log.fingerprint(), place }
    }

    /// The text.
    pub fn encode(self) -> [u8; CURSOR_LENGTH] {
        let mut bytes = [0; BYTES];
        bytes[0] = VERSION;
        bytes[1..6].copy_from_slice(&self.log.to_be_bytes()[3..]);
        bytes[6..14].copy_from_slice(&self.place.number.to_be_bytes());
        bytes[14..].copy_from_slice(&self.place.check.to_be_bytes());
        let mut text = [0; CURSOR_LENGTH];
        URL_SAFE_NO_PAD.encode_slice(bytes, &mut text).expect("18 bytes are 24 characters");
        text
    }

    /// Reads a text that a client gave back.
    ///
    /// # Errors
    /// It is not one that this build writes.
    pub fn decode(text: &str) -> Result<Self, InvalidCursor> {
        let mut bytes = [0; BYTES];
        let is_text = text.len() == CURSOR_LENGTH;
        let length = is_text.then(|| URL_SAFE_NO_PAD.decode_slice(text, &mut bytes));
        if !matches!(length, Some(Ok(BYTES))) || bytes[0] != VERSION {
            return Err(InvalidCursor);
        }
        let part = |from: usize, to: usize| {
            bytes[from..to].iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte))
        };
        let place = Place { number: part(6, 14), check: part(14, 18) as u32 };
        Ok(Self { log: part(1, 6), place })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.encode().into_iter().try_for_each(|byte| f.write_char(byte.into()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::{Topic, UserId};

    #[test]
    fn logs_are_told_apart() {
        let user = Log::User(UserId::new("a").expect("a name"));
        let topic = Log::Topic(Topic::new("a").expect("a name"));
        assert_ne!(user.fingerprint(), topic.fingerprint());
        let place = Place { number: 258, check: 3 };
        let cursor = Cursor::new(&user, place);
        assert_eq!(Cursor::decode(&cursor.to_string()), Ok(cursor));
        assert_eq!(cursor.to_string().as_bytes(), cursor.encode());
    }

    proptest! {
        #[test]
        fn cursors_come_back_as_they_were(log in 0..1_u64 << 40, number: u64, check: u32) {
            let cursor = Cursor { log, place: Place { number, check } };
            let text = cursor.encode();
            let text = std::str::from_utf8(&text).expect("text");
            prop_assert_eq!(Cursor::decode(text), Ok(cursor));
        }

        #[test]
        fn no_text_is_read_as_what_it_is_not(text in "[A-Za-z0-9_-]{0,40}") {
            if let Ok(cursor) = Cursor::decode(&text) {
                prop_assert_eq!(&cursor.encode()[..], text.as_bytes());
            }
        }
    }
}
