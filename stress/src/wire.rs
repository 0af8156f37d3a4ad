//! What the parent and its workers say to each other: a JSON line per message.

use serde::{Deserialize, Serialize};

use crate::{plan::Assignment, tally::Tally};

/// From the parent to a worker. The end of the stream tells the worker to end at once.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Open these sessions.
    Start(Box<Assignment>),
    /// Report and close them.
    Finish,
}

/// From a worker to the parent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Where the worker stands, a few times a second.
    Progress(Progress),
    /// Every session is open or has failed; these numbers have failed.
    Settled(Vec<u32>),
    /// The end.
    Report(Box<Tally>),
}

/// Where a worker stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Sessions that are open now.
    pub open: u64,
    /// Sessions that could not be opened.
    pub failed: u64,
    /// Sessions that were open and are not any more.
    pub lost: u64,
    /// Messages received.
    pub messages: u64,
}

impl std::ops::AddAssign for Progress {
    fn add_assign(&mut self, other: Self) {
        self.open += other.open;
        self.failed += other.failed;
        self.lost += other.lost;
        self.messages += other.messages;
    }
}
