//! How pushes wait and are sent.

use std::time::Duration;

use super::{given_up::Teller, queue::Most};

/// How pushes wait and are sent.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) connections: usize,
    pub(super) queue: Most,
    pub(super) batch: Most,
    pub(super) live_for: Duration,
    pub(super) give_up_after: Duration,
    pub(super) longest_pause: Duration,
    pub(super) answer_within: Duration,
    pub(super) close_within: Duration,
    pub(super) teller: Teller,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 1,
            queue: Most { lines: 100_000, bytes: 64 << 20 },
            batch: Most { lines: 10_000, bytes: 512 << 10 },
            live_for: Duration::from_secs(60),
            give_up_after: Duration::from_secs(24 * 60 * 60),
            longest_pause: Duration::from_secs(10),
            answer_within: Duration::from_secs(30),
            close_within: Duration::from_secs(60),
            teller: Teller::default(),
        }
    }
}
