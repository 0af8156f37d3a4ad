//! Pushes to topics and to everybody: one sequence of numbers, and a lane to each worker.
//!
//! Who accepts one does no work for each recipient: it is put into the lane of every worker that has
//! some, and those bring it to them in slices, so that other pushes go through meanwhile
//! (docs/decisions/fan-out.md).
//!
//! Order still holds. Fan-outs are numbered, and every other push carries the number of the last one
//! before it. A session that gets a push before those numbered up to there first catches up on them;
//! when they come by, it has them already.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;

use super::{
    feeds::Feeds,
    lane::{Item, Lane, Target},
    load::{Backlog, Burden},
    message::Push,
    walks::ROUND,
};
use crate::directory::topics::Topics;

/// Starts fan-outs on the workers that they concern.
#[derive(Default)]
pub(crate) struct FanOut {
    /// Stored when the fan-out is in every lane, so that whoever reads it finds them there.
    last: AtomicU64,
    /// Held while a fan-out gets its number and reaches its lanes.
    starting: Mutex<()>,
    lanes: OnceLock<Vec<Arc<Lane>>>,
    /// Which messages of topics that are kept were fanned out.
    pub feeds: Feeds,
}

impl FanOut {
    /// Names the workers' lanes, once, at start.
    pub(crate) fn set_lanes(&self, lanes: Vec<Arc<Lane>>) {
        let first = self.lanes.set(lanes);
        debug_assert!(first.is_ok(), "workers are named once");
    }

    fn lanes(&self) -> &[Arc<Lane>] {
        self.lanes.get().map_or(&[], Vec::as_slice)
    }

    /// How many workers there are.
    pub(crate) fn workers(&self) -> usize {
        self.lanes().len()
    }

    /// How many sessions of clients each worker has, in their order.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = usize> {
        self.lanes().iter().map(|lane| lane.clients.load(Ordering::Relaxed))
    }

    /// The number of the last fan-out.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    /// Has the workers bring a push to each of their sessions.
    pub(crate) fn to_all(&self, push: &Push) {
        self.start(|number| {
            for lane in self.lanes().iter().filter(|lane| lane.load.sessions() > 0) {
                let recipients = lane.load.sessions() as u64;
                lane.add(Item { number, target: Target::All, recipients, push: push.clone() });
            }
        });
    }

    /// Has the workers bring a push to the subscribers of a topic.
    pub(crate) fn to_topic(&self, topic: &str, topics: &Topics, push: &Push) {
        self.start(|number| {
            let Some((topic, counts)) = topics.by_worker(topic) else { return };
            for (lane, count) in self.lanes().iter().zip(counts).filter(|(_, count)| *count > 0) {
                let (target, recipients) = (Target::Topic(topic.clone()), count.into());
                lane.add(Item { number, target, recipients, push: push.clone() });
            }
        });
    }

    fn start(&self, hand_out: impl FnOnce(u64)) {
        let starting = self.starting.lock();
        let number = self.last() + 1;
        hand_out(number);
        if number.is_multiple_of(ROUND) {
            self.lanes().iter().for_each(|lane| lane.mark(number));
        }
        self.last.store(number, Ordering::Release);
        drop(starting);
    }

    /// What is to be done, over all workers.
    pub(crate) fn backlog(&self) -> Backlog {
        self.lanes().iter().map(|lane| lane.load.backlog()).sum()
    }

    /// How long that takes, and what another push takes, to everybody or to the largest topic.
    pub(crate) fn burden(&self, topics: &Topics) -> Burden {
        let each = self.lanes().iter().map(|lane| lane.load.burden(topics.largest()));
        each.reduce(Burden::max).unwrap_or_default()
    }
}

#[cfg(test)]
impl FanOut {
    /// Counts from this number on, as after a long time.
    pub(crate) fn counting_from(number: u64) -> Self {
        Self { last: AtomicU64::new(number), ..Self::default() }
    }

    /// As many fan-outs as this that concern nobody.
    pub(crate) fn skip(&self, count: u64) {
        let number = self.last() + count;
        if number / ROUND > self.last() / ROUND {
            self.lanes().iter().for_each(|lane| lane.mark(number / ROUND * ROUND));
        }
        self.last.store(number, Ordering::Release);
    }
}
