//! What a store has done since it was opened.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper bounds of the classes that commits are counted in, by how long they took; one class more is above.
pub const COMMIT_SECONDS: [f64; 12] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];

/// What a store has done since it was opened, by this process; what it holds, by all.
#[derive(Debug, Default)]
pub struct Counters {
    /// Messages kept, one for each log.
    pub appended: AtomicU64,
    /// Messages deleted because every device had acknowledged them.
    pub acknowledged: AtomicU64,
    /// Messages deleted because their time was over.
    pub expired: AtomicU64,
    /// Messages deleted to make room in their log.
    pub trimmed: AtomicU64,
    /// Messages that a later one of their key took the place of.
    pub replaced: AtomicU64,
    /// Messages that a backend deleted.
    pub deleted: AtomicU64,
    /// Transactions.
    pub commits: AtomicU64,
    /// Transactions that failed.
    pub failures: AtomicU64,
    /// Transactions by how long they took, as [`COMMIT_SECONDS`] says.
    pub commit_classes: [AtomicU64; COMMIT_SECONDS.len() + 1],
    /// How long they took in all, in microseconds.
    pub commit_micros: AtomicU64,
    /// Messages kept now.
    pub messages: AtomicU64,
    /// Bytes of their payloads.
    pub bytes: AtomicU64,
    /// Topics of which something is kept.
    pub topics: AtomicU64,
}

/// What a transaction does, counted when it is safe.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) appended: u64,
    pub(super) replaced: u64,
    /// By the bit of its reason: expired, trimmed, deleted, acknowledged.
    pub(super) removed: [u64; 4],
}

impl Counters {
    pub(super) fn add(&self, tally: Tally) {
        let Self { appended, replaced, expired, trimmed, deleted, acknowledged, .. } = self;
        let removed = [expired, trimmed, deleted, acknowledged];
        let counts = removed.into_iter().zip(tally.removed);
        for (counter, count) in
            counts.chain([(appended, tally.appended), (replaced, tally.replaced)])
        {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// What is kept now.
    pub(super) fn hold(&self, messages: i64, bytes: i64, topics: i64) {
        self.messages.store(messages as u64, Ordering::Relaxed);
        self.bytes.store(bytes as u64, Ordering::Relaxed);
        self.topics.store(topics as u64, Ordering::Relaxed);
    }

    pub(super) fn committed(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let class = COMMIT_SECONDS.partition_point(|bound| *bound < seconds);
        self.commit_classes[class].fetch_add(1, Ordering::Relaxed);
        self.commit_micros.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::Relaxed);
    }
}
