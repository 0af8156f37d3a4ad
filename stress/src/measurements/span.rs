//! When something began and ended.

use serde::{Deserialize, Serialize};

/// From the first to the last of something, in microseconds since the epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span(Option<(u64, u64)>);

impl Span {
    /// One more.
    pub(crate) fn add(&mut self, micros: u64) {
        self.merge(Self(Some((micros, micros))));
    }

    /// Those of another worker.
    pub(crate) fn merge(&mut self, other: Self) {
        self.0 = match (self.0, other.0) {
            (Some(mine), Some(theirs)) => Some((mine.0.min(theirs.0), mine.1.max(theirs.1))),
            (mine, theirs) => mine.or(theirs),
        };
    }

    /// From first to last, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.0.map_or(0.0, |(first, last)| last.saturating_sub(first) as f64 / 1e6)
    }
}
