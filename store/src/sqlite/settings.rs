//! What a store may hold.

use std::{path::PathBuf, time::Duration};

/// Where a store is, and how much it keeps.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The directory that its file is in.
    pub directory: PathBuf,
    /// Most messages of a user; beyond them the oldest go.
    pub kept_per_user: u64,
    /// Most bytes of payloads of a user.
    pub kept_bytes_per_user: u64,
    /// Most messages of a topic.
    pub kept_per_topic: u64,
    /// Most bytes of payloads of a topic.
    pub kept_bytes_per_topic: u64,
    /// Most bytes of payloads in all; without it, until a tenth of the disk is left.
    pub kept_bytes: Option<u64>,
    /// Most topics of which something is kept.
    pub topics_kept: u64,
    /// How long after its last session a device is the user's.
    pub device_kept: Duration,
    /// Most devices of a user; beyond them the one seen longest ago goes.
    pub devices_per_user: usize,
    /// The clock of the store is ahead of the machine's by so much: for tests of what takes long.
    pub clock_ahead: Duration,
}

impl Settings {
    /// The usual ones.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            kept_per_user: 1000,
            kept_bytes_per_user: 1 << 20,
            kept_per_topic: 1000,
            kept_bytes_per_topic: 8 << 20,
            kept_bytes: None,
            topics_kept: 100_000,
            device_kept: Duration::from_secs(28 * 24 * 60 * 60),
            devices_per_user: 32,
            clock_ahead: Duration::ZERO,
        }
    }

    /// A device that was last seen then, or before, is not its user's any more.
    pub(super) fn unseen_since(&self, now: i64) -> i64 {
        now.saturating_sub(i64::try_from(self.device_kept.as_millis()).unwrap_or(i64::MAX))
    }

    /// The file.
    pub fn file(&self) -> PathBuf {
        self.directory.join("holdfast.sqlite")
    }
}
