//! Logs of which a session has not everything.

use serde::{Deserialize, Serialize};

use super::{
    super::bytes::Bytes,
    field::{PlaceRecord, is_default},
    frames::{LogRecord, WaitingRecord},
};

/// What is to be done next with a log that a session has not everything of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PhaseRecord {
    /// Ask what there is.
    Begin,
    /// Read on.
    Read,
    /// Wait until the store can be asked.
    Away,
    /// Wait for live pushes.
    Ahead,
}

/// From where a log is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FromRecord {
    /// Behind this place.
    After(PlaceRecord),
    /// From the first message.
    Start,
    /// From what comes.
    Now,
}

/// A log of which a session has not everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayRecord {
    /// Whose.
    pub log: LogRecord,
    /// What is to be done.
    pub phase: PhaseRecord,
    /// Where it begins.
    pub from: FromRecord,
    /// How far it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub place: Option<PlaceRecord>,
    /// What is told behind the hello.
    #[serde(default, skip_serializing_if = "is_default")]
    pub frames: Vec<Bytes>,
    /// Whether the client knows that it begins.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_announced: bool,
    /// Whether the client was told that the store is away.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_told_away: bool,
    /// How many messages have been replayed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub replayed: u64,
    /// Whether there was a push meanwhile that has to be read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_behind: bool,
    /// What waits for the end.
    #[serde(default, skip_serializing_if = "is_default")]
    pub waiting: Vec<WaitingRecord>,
    /// Whether live pushes were given up.
    #[serde(default, skip_serializing_if = "is_default")]
    pub has_lost: bool,
}
