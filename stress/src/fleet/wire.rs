//! What the parent and its workers say to each other: a JSON line per message.

use std::{
    io::{self, Write},
    ops::Range,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::assignment::Assignment;
use crate::measurements::tally::Tally;

/// From the parent to a worker. The end of the stream tells the worker to end at once.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Command {
    /// Be ready for these sessions.
    Start(Box<Assignment>),
    /// Open some of them. Only one wave is under way at once.
    Open(Wave),
    /// Close some of them.
    Drop(Dropping),
    /// Ask every open session whether its server is there, and wait so long for each answer.
    Ask(Duration),
    /// Report and close them.
    Finish,
}

/// Sessions to be opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Wave {
    /// Which ones.
    pub numbers: Range<u32>,
    /// Sessions opened per second; 0 is as fast as possible.
    pub rate: f64,
    /// How often a session that could not be opened is tried again.
    pub retries: u32,
    /// When to give up, in microseconds since the epoch.
    pub until: Option<u64>,
    /// Whether they were open before.
    pub returning: bool,
}

/// Sessions to be closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dropping {
    /// Which ones.
    pub numbers: Range<u32>,
    /// Sessions closed per second; 0 is as fast as possible.
    pub rate: f64,
}

/// From a worker to the parent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// Where the worker stands, a few times a second.
    Progress(Progress),
    /// Every session of the wave is open or has failed; these numbers have failed.
    Settled(Vec<u32>),
    /// What was to be closed is closed.
    Dropped,
    /// Everybody who was asked has answered or is given up.
    Asked,
    /// The end.
    Report(Box<Tally>),
}

/// Where a worker stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Sessions that are open now.
    pub open: u64,
    /// Sessions that could not be opened.
    pub failed: u64,
    /// Sessions that were open and are not any more.
    pub lost: u64,
    /// Messages received.
    pub messages: u64,
    /// Of those, messages of this run that were for their receivers, each once.
    pub arrived: u64,
    /// Messages that were for sessions that were away.
    pub missed: u64,
    /// Sessions that their server has asked to come back so far.
    pub recalled: u64,
    /// Of those, how many are neither back nor given up.
    pub away: u64,
    /// The process's memory, in bytes of RSS.
    pub memory: u64,
}

impl Progress {
    /// Messages of which is known what became of them.
    pub(crate) fn accounted(&self) -> u64 {
        self.arrived + self.missed
    }
}

impl std::ops::AddAssign for Progress {
    fn add_assign(&mut self, other: Self) {
        self.open += other.open;
        self.failed += other.failed;
        self.lost += other.lost;
        self.messages += other.messages;
        self.arrived += other.arrived;
        self.missed += other.missed;
        self.recalled += other.recalled;
        self.away += other.away;
        self.memory += other.memory;
    }
}

/// Says something, as a line.
///
/// # Errors
/// Nobody listens any more.
pub(crate) fn say(listener: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    listener.write_all(&line)?;
    listener.flush()
}
