//! A session.

use std::net::SocketAddr;

use protocol::{Device, SessionId, Topic, Transport, UserId};
use serde::{Deserialize, Serialize};

use super::{
    field::{PlaceRecord, is_default},
    frames::{IncomingRecord, QueueRecord},
    logs::ReplayRecord,
};

/// Where a session stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StageRecord {
    /// It has had no hello.
    Joining,
    /// It has.
    #[default]
    Live,
    /// It was told to go.
    Closing,
}

/// Whether a client owes a sign of life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SignRecord {
    /// It is not asked for any.
    NotAsked,
    /// It has given one.
    #[default]
    Given,
    /// It owes one.
    Owed,
}

/// The other side of a session that is asked by requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PollerRecord {
    /// How many answers there were.
    pub answers: u32,
    /// Whether the last request's client went while it waited.
    #[serde(default, skip_serializing_if = "is_default")]
    pub has_left: bool,
    /// Where the last request came from.
    #[serde(default, skip_serializing_if = "is_default")]
    pub peer: Option<SocketAddr>,
    /// The request that waits, by a number that its connection names.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ticket: Option<u64>,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionRecord {
    /// Its id, which it keeps.
    pub id: SessionId,
    /// What it speaks.
    pub transport: Transport,
    /// Whose; nobody's if it only returns what it gets.
    #[serde(default, skip_serializing_if = "is_default")]
    pub user: Option<UserId>,
    /// The device.
    #[serde(default, skip_serializing_if = "is_default")]
    pub device: Option<Device>,
    /// What it is subscribed to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub topics: Vec<Topic>,
    /// What it may subscribe to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub subscribable: Vec<String>,
    /// When its token ends, in seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expires: Option<u32>,
    /// When it began, in milliseconds of the process's clock.
    pub began_ms: u64,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stage: StageRecord,
    /// Why it ends.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reason: Option<String>,
    /// What its client owes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sign: SignRecord,
    /// When it is pinged next, or, closing, cut off.
    pub ping_ms: i64,
    /// Frames and bytes that the client may send now.
    pub allowance: (u16, u32),
    /// Whether nothing of what comes is acted on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_deaf: bool,
    /// Whether a connection comes with it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub has_socket: bool,
    /// Where its client is, if a proxy has told.
    #[serde(default, skip_serializing_if = "is_default")]
    pub client: Option<SocketAddr>,
    /// Where it is in its user's log.
    #[serde(default, skip_serializing_if = "is_default")]
    pub place: Option<PlaceRecord>,
    /// What waits to be written.
    #[serde(default, skip_serializing_if = "is_default")]
    pub queue: QueueRecord,
    /// What has not come whole.
    #[serde(default, skip_serializing_if = "is_default")]
    pub incoming: IncomingRecord,
    /// Whether what it is sent waits until pusher-apis know of it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_gated: bool,
    /// The logs that its ids of events name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ids: Vec<(u64, Option<PlaceRecord>)>,
    /// The logs of which it has not everything.
    #[serde(default, skip_serializing_if = "is_default")]
    pub replays: Vec<ReplayRecord>,
    /// Who asks it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub poller: Option<PollerRecord>,
}
