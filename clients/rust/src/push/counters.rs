//! What a client counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What became of pushes so far: `queued` is `accepted`, `given_up` and `waiting` together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Pushes that were taken into the queue.
    pub queued: u64,
    /// Pushes that were not, because the queue was full.
    pub full: u64,
    /// Lines that were sent, repetitions included.
    pub sent: u64,
    /// Of these, lines that had been sent before.
    pub retried: u64,
    /// Of these, lines of kept pushes that were first sent, without an answer, so long ago that pusher-api may
    /// have forgotten their ids: their recipients may have them twice.
    pub retried_late: u64,
    /// Pushes that pusher-api has accepted.
    pub accepted: u64,
    /// Pushes that were given up, each of which was told.
    pub given_up: u64,
    /// Of these, pushes that pusher-api refused.
    pub refused: u64,
    /// Of these, pushes that may have arrived.
    pub unknown: u64,
    /// Requests that failed: no connection, no answer, or 503 for all of it.
    pub failed_requests: u64,
    /// Bytes of lines that were sent, repetitions included.
    pub sent_bytes: u64,
    /// Pushes whose fate is not known yet.
    pub waiting: u64,
    /// Memory that these take, in bytes.
    pub waiting_bytes: u64,
}

/// The same while it is being counted.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    pub(super) full: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) retried_late: AtomicU64,
    pub(super) accepted: AtomicU64,
    pub(super) given_up: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) unknown: AtomicU64,
    pub(super) failed_requests: AtomicU64,
    pub(super) sent_bytes: AtomicU64,
}

/// Counts so many more.
pub(super) fn add(tally: &AtomicU64, more: usize) {
    tally.fetch_add(more as u64, Relaxed);
}

impl Tallies {
    /// What has been counted; what waits is counted elsewhere.
    pub(super) fn read(&self) -> Counters {
        let read = |tally: &AtomicU64| tally.load(Relaxed);
        Counters {
            full: read(&self.full),
            sent: read(&self.sent),
            retried: read(&self.retried),
            retried_late: read(&self.retried_late),
            accepted: read(&self.accepted),
            given_up: read(&self.given_up),
            refused: read(&self.refused),
            unknown: read(&self.unknown),
            failed_requests: read(&self.failed_requests),
            sent_bytes: read(&self.sent_bytes),
            ..Counters::default()
        }
    }
}
