//! Whether messages are those that had to come: for whom they are, in order, each once.

use serde::{Deserialize, Serialize};

use super::sum::add;

/// What one message turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is for its receiver, and the next of its sender's.
    Proved,
    /// The same, but one that was sent after it has come before it.
    Late,
    /// It has come before.
    Doubled,
    /// It is for somebody else.
    Misdirected,
    /// It is no message of this run.
    Foreign,
}

/// How many of each there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Proofs {
    /// Messages of this run that reached whom they were for, each counted once.
    pub arrived: u64,
    /// Of those, how many came after one that was sent later.
    pub reordered: u64,
    /// Messages that came again.
    pub doubled: u64,
    /// Messages that reached somebody they were not for.
    pub misdirected: u64,
    /// Messages that are not of this run.
    pub foreign: u64,
}

impl Proofs {
    /// One more.
    pub(super) fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Proved => self.arrived += 1,
            Verdict::Late => {
                self.arrived += 1;
                self.reordered += 1;
            }
            Verdict::Doubled => self.doubled += 1,
            Verdict::Misdirected => self.misdirected += 1,
            Verdict::Foreign => self.foreign += 1,
        }
    }

    /// Adds those of another worker.
    pub(super) fn merge(&mut self, other: Self) {
        add(&mut self.arrived, other.arrived);
        add(&mut self.reordered, other.reordered);
        add(&mut self.doubled, other.doubled);
        add(&mut self.misdirected, other.misdirected);
        add(&mut self.foreign, other.foreign);
    }
}
