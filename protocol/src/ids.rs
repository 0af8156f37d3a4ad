//! Identifiers: who is addressed, which session, which message.

use std::{borrow::Borrow, fmt, num::ParseIntError, str::FromStr};

use arcstr::ArcStr;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// Longest user id, topic or device name, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 128;

/// Why a text is no valid user id, topic or device name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing at all.
    #[error("must not be empty")]
    Empty,
    /// Longer than [`MAX_NAME_BYTES`].
    #[error("must be at most {MAX_NAME_BYTES} bytes of UTF-8")]
    TooLong,
    /// `.` or `..`, which clients of HTTP take out of a path (RFC 3986 section 5.2.4).
    #[error("must not be . or ..")]
    DotSegment,
    /// Contains a control character (Unicode category Cc).
    #[error("must not contain control characters")]
    ControlCharacter,
}

/// Checks the rules that user ids, topics and device names share: 1 to 128 bytes of UTF-8
/// without control characters, and not `.` or `..`.
pub fn check_name(text: &str) -> Result<(), InvalidName> {
    if text.is_empty() {
        Err(InvalidName::Empty)
    } else if text.len() > MAX_NAME_BYTES {
        Err(InvalidName::TooLong)
    } else if matches!(text, "." | "..") {
        Err(InvalidName::DotSegment)
    } else if text.chars().any(char::is_control) {
        Err(InvalidName::ControlCharacter)
    } else {
        Ok(())
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// 1 to 128 bytes of UTF-8 without control characters, not `.` or `..`; cloning shares the text. One word long,
        /// because every session has a few.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ArcStr);

        impl $name {
            /// Takes a text that meets [`check_name`].
            pub fn new(text: &str) -> Result<Self, InvalidName> {
                check_name(text).map(|()| Self(text.into()))
            }

            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name! {
    /// A user: the `sub` claim of the client's token, and what backends address.
    UserId
}
name! {
    /// A topic that sessions subscribe to and backends push to.
    Topic
}
name! {
    /// A user's device: a new session of the same user and device replaces the older one.
    Device
}

impl UserId {
    /// A user id that no client can have, for a process's own sessions.
    pub fn reserved(number: usize) -> Self {
        Self(format!("\u{1}{number}").into())
    }

    /// Whether a text is such an id.
    pub fn is_reserved(text: &str) -> bool {
        text.starts_with('\u{1}')
    }
}

/// One session of one gateway process, unique over gateways and restarts for all practical
/// purposes: the process starts counting at a random 64-bit number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for SessionId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

impl Serialize for SessionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A message: a UUIDv7 (RFC 9562) unless the backend chose the id itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub Uuid);

impl MessageId {
    /// A new id, ordered by time.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let long = "x".repeat(MAX_NAME_BYTES);
        let too_long = "x".repeat(MAX_NAME_BYTES + 1);
        let cases = [
            ("u1", Ok(())),
            ("héloïse 💡", Ok(())),
            (long.as_str(), Ok(())),
            ("", Err(InvalidName::Empty)),
            (".", Err(InvalidName::DotSegment)),
            ("..", Err(InvalidName::DotSegment)),
            ("...", Ok(())),
            (".a", Ok(())),
            (too_long.as_str(), Err(InvalidName::TooLong)),
            ("a\nb", Err(InvalidName::ControlCharacter)),
            ("a\u{0}", Err(InvalidName::ControlCharacter)),
            ("\u{85}", Err(InvalidName::ControlCharacter)),
        ];
        for (text, expected) in cases {
            assert_eq!(UserId::new(text).map(|_| ()), expected, "{text:?}");
        }
    }

    #[test]
    fn session_ids_keep_their_value_in_json() {
        let id = SessionId(0x00ab_cdef);
        let json = serde_json::to_string(&id).expect("a string");
        assert_eq!(json, "\"0000000000abcdef\"");
        assert_eq!(serde_json::from_str::<SessionId>(&json).expect("the id"), id);
    }

    #[test]
    fn message_ids_are_shown_as_they_stand_in_json() {
        let text = "0190a6f0-0000-7000-8000-000000000001";
        let id: MessageId = serde_json::from_value(text.into()).expect("a uuid");
        assert_eq!(id.to_string(), text);
    }

    #[test]
    fn no_client_can_have_a_reserved_id() {
        for number in [0, 1, 17] {
            let reserved = UserId::reserved(number);
            assert!(UserId::is_reserved(reserved.as_str()));
            assert!(UserId::new(reserved.as_str()).is_err(), "as nobody may call themselves");
        }
        assert!(!UserId::is_reserved("u1") && !UserId::is_reserved("1"));
    }
}
