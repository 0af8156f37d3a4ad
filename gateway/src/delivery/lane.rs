//! What was accepted for the sessions of one worker, and not taken up by it so far.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use protocol::Topic;
use tokio::sync::Notify;

use super::{load::Load, message::Push};

/// Whom a fan-out is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Every session of a user.
    All,
    /// The subscribers of a topic.
    Topic(Topic),
}

/// One fan-out, as a worker is given it.
pub(crate) struct Item {
    /// Its number.
    pub number: u64,
    /// Whom it is for.
    pub target: Target,
    /// About how many those are.
    pub recipients: u64,
    /// What they get.
    pub push: Push,
}

/// The way of fan-outs to one worker. What waits in it is bounded by the memory of its frames: no
/// link is read while that is full.
#[derive(Default)]
pub(crate) struct Lane {
    /// The worker's number.
    pub worker: usize,
    /// What it has to do.
    pub load: Load,
    /// Sessions of clients on it, for operators.
    pub clients: AtomicUsize,
    items: Mutex<Vec<Item>>,
    newest: AtomicU64,
    added: Notify,
}

impl Lane {
    /// Nothing waits for this worker.
    pub(crate) fn new(worker: usize) -> Self {
        Self { worker, ..Self::default() }
    }

    /// Adds a fan-out.
    pub(super) fn add(&self, item: Item) {
        self.load.announce(item.recipients);
        let mut items = self.items.lock();
        self.newest.store(item.number, Ordering::Release);
        items.push(item);
        drop(items);
        self.added.notify_one();
    }

    /// Tells the worker how far the numbers are, though none of them concerned it.
    pub(super) fn mark(&self, number: u64) {
        self.newest.fetch_max(number, Ordering::Release);
        self.added.notify_one();
    }

    /// The number of the last fan-out that was added, or marked.
    pub(super) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }

    /// Takes out what was added.
    pub(super) fn take(&self) -> Vec<Item> {
        std::mem::take(&mut *self.items.lock())
    }

    /// Waits until something was added since the last time.
    pub(crate) async fn wait(&self) {
        self.added.notified().await;
    }
}
