//! What became of probes of one kind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{distribution::Distribution, sum::add};

/// Other traffic of one kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Probed {
    /// Probes sent.
    pub sent: u64,
    /// From when a probe was due until its answer.
    pub answered: Distribution,
    /// Probes without an answer, by reason.
    pub lost: BTreeMap<String, u64>,
    /// Why there is none of this kind.
    pub unavailable: Option<String>,
}

impl Probed {
    /// Adds those of another run.
    pub(crate) fn merge(&mut self, other: Self) {
        add(&mut self.sent, other.sent);
        self.answered.merge(&other.answered);
        for (why, count) in other.lost {
            add(self.lost.entry(why).or_default(), count);
        }
        self.unavailable = self.unavailable.take().or(other.unavailable);
    }
}
