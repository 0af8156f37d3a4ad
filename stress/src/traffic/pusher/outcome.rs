//! What pusher-api said.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{measurements::sum::add, settings::phase::Phase};

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
    /// Of the messages offered, how many in each phase.
    #[serde(default)]
    pub offered_in: BTreeMap<Phase, u64>,
    /// Whether pushing ended before its time, because nobody took pushes any more.
    #[serde(default)]
    pub gave_up: bool,
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
        self.gave_up |= other.gave_up;
        for (phase, count) in other.offered_in {
            add(self.offered_in.entry(phase).or_default(), count);
        }
        other.refused.into_iter().for_each(|(why, count)| self.refuse(why, count));
    }

    /// The share of messages that were not taken.
    pub(crate) fn share_refused(&self) -> f64 {
        self.offered.saturating_sub(self.accepted) as f64 / self.offered.max(1) as f64
    }

    /// So many more are on their way.
    pub(super) fn offer(&mut self, count: u64, phase: Option<Phase>) {
        self.offered += count;
        if let Some(phase) = phase {
            *self.offered_in.entry(phase).or_default() += count;
        }
    }

    /// So many were not taken.
    pub(super) fn refuse(&mut self, why: String, count: u64) {
        add(self.refused.entry(why).or_default(), count);
    }
}
