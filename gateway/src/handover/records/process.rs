//! What a process has beside its sessions.

use std::net::SocketAddr;

use protocol::{Device, Topic, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    super::bytes::Bytes,
    field::{PlaceRecord, is_default},
};

/// What a device has acknowledged and the store may not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcknowledgedRecord {
    /// Whose.
    pub user: UserId,
    /// Which.
    #[serde(default, skip_serializing_if = "is_default")]
    pub device: Option<Device>,
    /// Up to here.
    pub place: PlaceRecord,
}

/// What the process knows beside its sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProcessRecord {
    /// What pusher-apis know it by.
    pub instance: Uuid,
    /// When its clock began, in nanoseconds: by the machine's clock that nobody sets, and since the Unix epoch.
    pub clock_began: (u64, u64),
    /// The first id of a session that was given, and the next one.
    pub ids: (u64, u64),
    /// The last batch that was taken of each pusher-api.
    #[serde(default, skip_serializing_if = "is_default")]
    pub batches: Vec<(Uuid, u64)>,
    /// Pusher-apis that were linked, or waited for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub linked: Vec<Uuid>,
    /// The store it holds to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub store: Option<Uuid>,
    /// Whether a pusher-api has said that it has none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub has_no_store: bool,
    /// Up to where the store was asked for changes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub position: Option<Bytes>,
    /// How far logs of topics were handed on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub feeds: Vec<(Topic, PlaceRecord)>,
    /// What the store may not know of.
    #[serde(default, skip_serializing_if = "is_default")]
    pub acknowledged: Vec<AcknowledgedRecord>,
    /// Other gateways, and the first session of which each may not have heard.
    #[serde(default, skip_serializing_if = "is_default")]
    pub heard: Vec<(Uuid, u64)>,
}

/// A socket that listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListenerRecord {
    /// The flag that named it, without the dashes.
    pub flag: String,
    /// Where it listens.
    pub address: SocketAddr,
}
