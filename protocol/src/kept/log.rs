//! Logs: what is kept of one user, or of one topic.

use std::fmt;

use crate::ids::{Topic, UserId};

/// Whose messages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Log {
    /// Those for a user, whatever device.
    User(UserId),
    /// Those that were pushed to a topic.
    Topic(Topic),
}

impl Log {
    /// The name of the user or topic.
    pub fn name(&self) -> &str {
        match self {
            Self::User(user) => user.as_str(),
            Self::Topic(topic) => topic.as_str(),
        }
    }

    /// The topic, if it is one's.
    pub fn topic(&self) -> Option<&Topic> {
        match self {
            Self::User(_) => None,
            Self::Topic(topic) => Some(topic),
        }
    }

    /// 40 bits by which the logs of a session are told apart in its cursors: FNV-1a of kind and name
    /// (draft-eastlake-fnv), folded. They are no secret and prove nothing.
    pub fn fingerprint(&self) -> u64 {
        let kind = match self {
            Self::User(_) => b'u',
            Self::Topic(_) => b't',
        };
        let bytes = std::iter::once(kind).chain(self.name().bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        (hash >> 40) ^ (hash & 0xff_ffff_ffff)
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "user {user:?}"),
            Self::Topic(topic) => write!(f, "topic {topic:?}"),
        }
    }
}
