//! What goes up to one pusher-api, gathered while the socket is busy and written in one go.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use parking_lot::{Mutex, MutexGuard};
use protocol::{
    UserId,
    link::{PresenceChange, Up},
};
use tokio::sync::Notify;

/// Most bytes that wait for one pusher-api; a link above it is closed and starts anew.
const QUEUE_LIMIT: usize = 64 * 1024 * 1024;
/// Changes are put into frames of about this size.
const FRAME_BYTES: usize = 256 * 1024;
/// How long a hello waits for a pusher-api that does not confirm.
const GATE_TIMEOUT: Duration = Duration::from_secs(1);

/// Opens when the last queue that held it has let go, by being dropped. It must not be dropped
/// while a queue is locked: whoever waits behind it may send something up.
pub trait Gate: Send + Sync {}

struct Waiting {
    seq: u64,
    since: Instant,
    gate: Arc<dyn Gate>,
}

#[derive(Default)]
struct Backlog {
    /// Encoded frames other than presence.
    frames: BytesMut,
    /// Encoded presence changes, not yet in a frame.
    changes: BytesMut,
    appended: u64,
    confirmed: u64,
    gates: VecDeque<Waiting>,
    closed: bool,
}

impl Backlog {
    fn len(&self) -> usize {
        self.frames.len() + self.changes.len()
    }

    /// Puts the changes gathered so far into a frame.
    fn seal(&mut self) {
        if !self.changes.is_empty() {
            let changes = self.changes.split().freeze();
            Up::Presence { seq: self.appended, changes }.encode(&mut self.frames);
        }
    }
}

/// The queue of one link.
#[derive(Default)]
pub struct LinkQueue {
    backlog: Mutex<Backlog>,
    filled: Notify,
}

impl LinkQueue {
    /// Appends a change to this link's queue. The gateway's own users are nobody's business.
    pub fn append(&self, change: PresenceChange<'_>) {
        if let PresenceChange::Came(user) | PresenceChange::Went(user) = change
            && UserId::is_reserved(user)
        {
            return;
        }
        let mut queue = self.backlog.lock();
        change.encode(&mut queue.changes);
        queue.appended += 1;
        self.settle(queue);
    }

    /// Appends a frame that is not about presence.
    pub fn send(&self, frame: &Up) {
        let mut queue = self.backlog.lock();
        frame.encode(&mut queue.frames);
        self.settle(queue);
    }

    fn settle(&self, mut queue: MutexGuard<'_, Backlog>) {
        if queue.changes.len() > FRAME_BYTES {
            queue.seal();
        }
        queue.closed |= queue.len() > QUEUE_LIMIT;
        drop(queue);
        self.filled.notify_one();
    }

    /// Waits for something to write.
    ///
    /// Returns `None` when the queue has overflown and the link must be closed.
    pub async fn next(&self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.take()? {
                return Some(bytes);
            }
            self.filled.notified().await;
        }
    }

    fn take(&self) -> Option<Option<Bytes>> {
        let mut queue = self.backlog.lock();
        if queue.closed {
            return None;
        }
        queue.seal();
        let frames = queue.frames.split();
        Some((!frames.is_empty()).then(|| frames.freeze()))
    }

    /// Bytes that wait.
    pub(super) fn queued(&self) -> usize {
        self.backlog.lock().len()
    }

    /// Holds a gate until the pusher-api knows of every change so far.
    pub(super) fn wait_for_confirmation(&self, gate: &Arc<dyn Gate>) {
        let mut queue = self.backlog.lock();
        if queue.confirmed < queue.appended && !queue.closed {
            let (seq, since) = (queue.appended, Instant::now());
            queue.gates.push_back(Waiting { seq, since, gate: Arc::clone(gate) });
        }
    }

    /// Takes note that the pusher-api knows of every change up to `seq`.
    pub fn confirm(&self, seq: u64) {
        let mut queue = self.backlog.lock();
        queue.confirmed = queue.confirmed.max(seq);
        drop(queue);
        self.open_gates(seq);
    }

    pub(super) fn open_gates(&self, seq: u64) {
        self.open_first(|waiting| waiting.seq <= seq);
    }

    pub(super) fn open_late_gates(&self) -> usize {
        let now = Instant::now();
        self.open_first(|waiting| now.duration_since(waiting.since) > GATE_TIMEOUT)
    }

    /// Opens the gates from the first on for which this holds, and returns how many.
    fn open_first(&self, holds: impl Fn(&Waiting) -> bool) -> usize {
        let mut queue = self.backlog.lock();
        let count = queue.gates.partition_point(holds);
        let opened: Vec<_> = queue.gates.drain(..count).map(|waiting| waiting.gate).collect();
        // A gate that opens sends a message; not while the queue is locked.
        drop(queue);
        drop(opened);
        count
    }
}
