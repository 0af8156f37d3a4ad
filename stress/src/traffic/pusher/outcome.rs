//! What pusher-api said.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::measurements::sum::add;

/// What became of an order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Messages sent.
    pub offered: u64,
    /// Messages it took.
    pub accepted: u64,
    /// Messages it did not take, and refused connects, by reason.
    pub refused: BTreeMap<String, u64>,
    /// From the first request to the last answer.
    pub seconds: f64,
}

impl Outcome {
    /// Whether pushing worked at all, if there was anything to push.
    pub(crate) fn is_clean(&self) -> bool {
        self.accepted > 0 || (self.offered == 0 && self.refused.is_empty())
    }

    /// Adds another one.
    pub(crate) fn merge(&mut self, other: Self) {
        add(&mut self.offered, other.offered);
        add(&mut self.accepted, other.accepted);
        self.seconds += other.seconds;
        other.refused.into_iter().for_each(|(why, count)| self.refuse(why, count));
    }

    /// So many were not taken.
    pub(super) fn refuse(&mut self, why: String, count: u64) {
        add(self.refused.entry(why).or_default(), count);
    }
}
