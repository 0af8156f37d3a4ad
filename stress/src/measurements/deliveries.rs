//! Messages that clients received: those of one phase, and those to everybody.

use serde::{Deserialize, Serialize};

use super::{distribution::Distribution, span::Span};

/// Messages of one phase.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deliveries {
    /// From when they were due until they were received.
    pub latency: Distribution,
    /// When they were received.
    pub receipts: Span,
}

impl Deliveries {
    /// One more.
    pub(super) fn add(&mut self, took: u64, now: u64) {
        self.latency.record(took);
        self.receipts.add(now);
    }

    /// Adds those of another worker.
    pub(super) fn merge(&mut self, other: &Self) {
        self.latency.merge(&other.latency);
        self.receipts.merge(other.receipts);
    }
}

/// One broadcast.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// Clients that received it.
    pub clients: u64,
    /// From the first to the last of them.
    pub span: Span,
}
