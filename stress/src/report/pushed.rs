//! What was pushed, and what came of it.

use serde::{Deserialize, Serialize};

use crate::{
    measurements::{asked::AskedRate, sum::add},
    traffic::pusher::outcome::Outcome,
};

/// What was pushed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pushed {
    /// What pusher-api said.
    pub outcome: Outcome,
    /// Messages that had to arrive; nothing where that cannot be known.
    pub expected: Option<u64>,
    /// Messages that arrived meanwhile where they had to.
    pub arrived: u64,
    /// Messages that were for sessions that were away meanwhile, because their server had asked them to come back.
    #[serde(default)]
    pub missed: u64,
    /// Messages that would have had to arrive if all had been accepted.
    #[serde(default)]
    pub due: Option<u64>,
    /// The rate that was asked for.
    #[serde(default)]
    pub rate: Option<AskedRate>,
}

impl Pushed {
    /// Messages of which each was for one user.
    pub(crate) fn to_one_each(outcome: Outcome) -> Self {
        let (expected, due) = (Some(outcome.accepted), Some(outcome.offered));
        Self { outcome, expected, due, ..Self::default() }
    }

    /// Messages that had somebody to arrive at, if all had been accepted.
    pub(crate) fn due_to_somebody(&self) -> Option<u64> {
        self.due.map(|due| due.saturating_sub(self.missed))
    }

    /// Adds what was pushed elsewhere or later.
    pub(crate) fn merge(&mut self, other: Self) {
        self.outcome.merge(other.outcome);
        self.expected = self.expected.zip(other.expected).map(|(a, b)| a.saturating_add(b));
        self.due = self.due.zip(other.due).map(|(a, b)| a.saturating_add(b));
        self.rate = AskedRate::worst(self.rate, other.rate);
        add(&mut self.arrived, other.arrived);
        add(&mut self.missed, other.missed);
    }
}
