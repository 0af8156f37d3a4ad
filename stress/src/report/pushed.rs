//! What was pushed, and what came of it.

use serde::{Deserialize, Serialize};

use crate::{measurements::sum::add, traffic::pusher::outcome::Outcome};

/// What was pushed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pushed {
    /// What pusher-api said.
    pub outcome: Outcome,
    /// Messages that had to arrive; nothing where that cannot be known.
    pub expected: Option<u64>,
    /// Messages that arrived meanwhile.
    pub arrived: u64,
}

impl Pushed {
    /// Adds what was pushed elsewhere or later.
    pub(crate) fn merge(&mut self, other: Self) {
        self.outcome.merge(other.outcome);
        self.expected = self.expected.zip(other.expected).map(|(a, b)| a.saturating_add(b));
        add(&mut self.arrived, other.arrived);
    }
}
