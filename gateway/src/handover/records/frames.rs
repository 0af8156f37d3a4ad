//! Frames that wait for sessions, and bytes that were not written or have not come whole.

use protocol::{Topic, UserId, kept};
use serde::{Deserialize, Serialize};

use super::{
    super::bytes::Bytes,
    field::{PlaceRecord, is_default},
};

/// Whose log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogRecord {
    /// A user's.
    User(UserId),
    /// A topic's.
    Topic(Topic),
}

impl From<&kept::Log> for LogRecord {
    fn from(log: &kept::Log) -> Self {
        match log.clone() {
            kept::Log::User(user) => Self::User(user),
            kept::Log::Topic(topic) => Self::Topic(topic),
        }
    }
}

impl From<LogRecord> for kept::Log {
    fn from(log: LogRecord) -> Self {
        match log {
            LogRecord::User(user) => Self::User(user),
            LogRecord::Topic(topic) => Self::Topic(topic),
        }
    }
}

/// The place that a kept push has in its log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptRecord {
    /// Whose.
    pub log: LogRecord,
    /// Where the log ended before.
    pub before: PlaceRecord,
    /// Its own place.
    pub place: PlaceRecord,
}

/// Among whose pushes a key replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScopeRecord {
    /// The user's.
    User,
    /// A topic's.
    Topic(String),
    /// Those to everybody.
    All,
}

/// A frame that waits for one session or several, by a number that the records of these name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FrameRecord {
    /// The number.
    pub id: u64,
    /// Its JSON text.
    pub json: Bytes,
    /// Where it stands, if it is kept.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kept: Option<KeptRecord>,
    /// What it takes the place of, by scope and key.
    #[serde(default, skip_serializing_if = "is_default")]
    pub collapses: Option<(ScopeRecord, String)>,
}

/// A frame that waits, and how many microseconds ago its push was accepted, where that is known.
pub(crate) type WaitingRecord = (u64, Option<u64>);

/// A part of what waits to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChunkRecord {
    /// A whole frame.
    Frame(WaitingRecord),
    /// Bytes as they go to the socket: the rest of a frame, or the session's own.
    Bytes(Bytes),
}

/// What waits to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueueRecord {
    /// In order.
    pub chunks: Vec<ChunkRecord>,
    /// Whether the first must not be dropped: a part of it is on the wire, or the others need it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keeps_front: bool,
    /// How many of them a client that asks was shown.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shown: u32,
    /// In how long the socket must have taken some.
    #[serde(default, skip_serializing_if = "is_default")]
    pub write_ms: Option<i64>,
}

/// What has come of the client and is not whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncomingRecord {
    /// The start of a frame.
    pub bytes: Bytes,
    /// Whether whole frames may be among them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub has_more: bool,
    /// The start of a message in fragments, and its kind.
    #[serde(default, skip_serializing_if = "is_default")]
    pub message: Option<(u8, Bytes)>,
    /// In how long it must be whole.
    #[serde(default, skip_serializing_if = "is_default")]
    pub whole_ms: Option<i64>,
}
