//! Pushes to everybody: handed to each worker once, which walks its sessions in slices so that
//! other pushes go through meanwhile.
//!
//! Order still holds. Broadcasts are numbered, and every other push carries the number of the last
//! broadcast before it. A session that gets a push before the walk has reached it first catches up
//! from its worker's [`Recent`] broadcasts; when the walk comes by, it has them already. A broadcast
//! is recent until the last session has handled it: until then an earlier push may be waiting in
//! front of it, however long the worker takes.

use std::{
    collections::VecDeque,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::message::Deliver;

/// Starts broadcasts on all workers.
#[derive(Default)]
pub(crate) struct Broadcasts {
    last: AtomicU32,
    /// Held while a broadcast gets its number and reaches every worker's list.
    starting: Mutex<()>,
    workers: OnceLock<Vec<Arc<Recent>>>,
}

impl Broadcasts {
    /// Names the workers, once, at start.
    pub(crate) fn set_workers(&self, workers: Vec<Arc<Recent>>) {
        let first = self.workers.set(workers);
        debug_assert!(first.is_ok(), "workers are named once");
    }

    /// How many workers there are.
    pub(crate) fn workers(&self) -> usize {
        self.workers.get().map_or(0, Vec::len)
    }

    /// The number of the last broadcast started.
    pub(crate) fn last(&self) -> u32 {
        self.last.load(Ordering::Acquire)
    }

    /// Gives the message its number and wakes every worker to deliver it.
    pub(crate) fn start(&self, mut message: Deliver) {
        let starting = self.starting.lock();
        let number = self.last() + 1;
        message.broadcast = number;
        for worker in self.workers.get().into_iter().flatten() {
            worker.add(message.clone());
        }
        self.last.store(number, Ordering::Release);
        drop(starting);
    }
}

struct Entry {
    message: Deliver,
    /// Held by each copy that is not handled yet.
    walk: Arc<()>,
    /// Whether it is in every mailbox.
    walked: bool,
}

/// The broadcasts that one worker has not finished, or finished only just now.
#[derive(Default)]
pub(crate) struct Recent {
    entries: Mutex<VecDeque<Entry>>,
    added: Notify,
}

impl Recent {
    fn add(&self, mut message: Deliver) {
        let walk = Arc::new(());
        message.walk = Some(Arc::clone(&walk));
        let entry = Entry { message, walk, walked: false };
        self.entries.lock().push_back(entry);
        self.added.notify_one();
    }

    /// Waits for a broadcast that has not been walked yet.
    pub(crate) async fn next(&self) -> Deliver {
        loop {
            if let Some(message) = self.first() {
                return message;
            }
            self.added.notified().await;
        }
    }

    fn first(&self) -> Option<Deliver> {
        let entries = self.entries.lock();
        let first = entries.iter().find(|entry| !entry.walked);
        first.map(|entry| entry.message.clone())
    }

    /// Takes note that the walk of a broadcast is over. It stays for those sessions that still
    /// have an earlier push in their mailbox.
    pub(crate) fn walked(&self, number: u32) {
        let mut entries = self.entries.lock();
        for entry in entries.iter_mut().filter(|entry| entry.message.broadcast == number) {
            entry.walked = true;
        }
    }

    /// Forgets what every session has handled.
    pub(crate) fn forget(&self) {
        let mut entries = self.entries.lock();
        // The entry itself and its message have one each.
        entries.retain(|entry| !entry.walked || Arc::strong_count(&entry.walk) > 2);
    }

    /// The broadcasts after number `seen` up to number `through`, in order.
    pub(crate) fn between(&self, seen: u32, through: u32) -> Vec<Deliver> {
        let entries = self.entries.lock();
        let missed = |entry: &&Entry| {
            let number = entry.message.broadcast;
            seen < number && number <= through
        };
        entries.iter().filter(missed).map(|entry| entry.message.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::frame::{FrameMemory, SharedFrame};

    fn message() -> Deliver {
        let memory = FrameMemory::new(1 << 20);
        let frame = SharedFrame::new(b"{}", &memory, &mut Vec::new());
        Deliver { frame, accepted_micros: 0, receipt: None, broadcast: 0, walk: None }
    }

    #[test]
    fn a_broadcast_is_kept_until_the_last_session_has_handled_it() {
        let (broadcasts, recent) = (Broadcasts::default(), Arc::<Recent>::default());
        broadcasts.set_workers(vec![Arc::clone(&recent)]);
        broadcasts.start(message());
        broadcasts.start(message());
        let numbers =
            || -> Vec<_> { recent.between(0, 2).iter().map(|message| message.broadcast).collect() };
        recent.forget();
        assert_eq!(numbers(), [1, 2]);

        let in_a_mailbox = recent.first();
        recent.walked(1);
        recent.walked(2);
        recent.forget();
        assert_eq!(numbers(), [1], "the second is in no mailbox");
        drop(in_a_mailbox);
        recent.forget();
        assert!(numbers().is_empty());
    }
}
