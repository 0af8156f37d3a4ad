//! What goes up to the pusher-apis, gathered while the socket is busy and written in one go.
//!
//! A session says hello only after every pusher-api has taken in that its user is here, so that
//! whoever has seen the hello can be reached: it holds a [`Gate`] that opens when the last
//! [`LinkFeed`] has let go of it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use actix::WeakAddr;
use bytes::{Bytes, BytesMut};
use protocol::{
    UserId,
    link::{PresenceChange, Up},
};
use tokio::sync::Notify;

use crate::session::{Admit, Session};

/// Most bytes that wait for one pusher-api; a link above it is closed and starts anew.
const QUEUE_LIMIT: usize = 64 * 1024 * 1024;
/// Changes are put into frames of about this size.
const FRAME_BYTES: usize = 256 * 1024;
/// How long a hello waits for a pusher-api that does not confirm.
const GATE_TIMEOUT: Duration = Duration::from_secs(1);

/// Opens when dropped by the last link that had to confirm.
pub struct Gate(WeakAddr<Session>);

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(session) = self.0.upgrade() {
            session.do_send(Admit);
        }
    }
}

/// Tells every link who came and who went.
#[derive(Default)]
pub struct PresenceFeed {
    links: RwLock<Vec<Arc<LinkFeed>>>,
}

impl PresenceFeed {
    /// Adds a link; changes from now on reach it.
    pub fn attach(&self, link: Arc<LinkFeed>) {
        self.links.write().unwrap_or_else(PoisonError::into_inner).push(link);
    }

    /// Takes a link out; gates that waited for it open.
    pub fn detach(&self, link: &Arc<LinkFeed>) {
        let mut links = self.links.write().unwrap_or_else(PoisonError::into_inner);
        links.retain(|other| !Arc::ptr_eq(other, link));
        drop(links);
        link.open_gates(u64::MAX);
    }

    /// Appends a change to every link's queue. Called with the user's shard of the registry
    /// locked; takes only the queues' own locks, each for a moment.
    pub fn publish(&self, change: PresenceChange<'_>) {
        for link in self.links.read().unwrap_or_else(PoisonError::into_inner).iter() {
            link.append(change);
        }
    }

    /// Admits a registered session as soon as every link has confirmed what was published so far.
    pub fn admit_when_confirmed(&self, session: WeakAddr<Session>) {
        let gate = Arc::new(Gate(session));
        for link in self.links.read().unwrap_or_else(PoisonError::into_inner).iter() {
            link.wait_for_confirmation(&gate);
        }
    }

    /// Opens gates that have waited too long, and returns how many.
    pub fn open_late_gates(&self) -> usize {
        let links = self.links.read().unwrap_or_else(PoisonError::into_inner);
        links.iter().map(|link| link.open_late_gates()).sum()
    }

    /// Bytes that wait over all links.
    pub fn queued(&self) -> usize {
        let links = self.links.read().unwrap_or_else(PoisonError::into_inner);
        links.iter().map(|link| link.lock().len()).sum()
    }
}

struct Waiting {
    seq: u64,
    since: Instant,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Queue {
    /// Encoded frames other than presence.
    frames: BytesMut,
    /// Encoded presence changes, not yet in a frame.
    changes: BytesMut,
    appended: u64,
    confirmed: u64,
    gates: VecDeque<Waiting>,
    closed: bool,
}

impl Queue {
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
pub struct LinkFeed {
    queue: Mutex<Queue>,
    filled: Notify,
}

impl LinkFeed {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic while the lock was held leaves at worst a frame unsent.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a change to this link's queue. The gateway's own users are nobody's business.
    pub fn append(&self, change: PresenceChange<'_>) {
        if let PresenceChange::Came(user) | PresenceChange::Went(user) = change
            && UserId::is_reserved(user)
        {
            return;
        }
        let mut queue = self.lock();
        change.encode(&mut queue.changes);
        queue.appended += 1;
        self.settle(queue);
    }

    /// Appends a frame that is not about presence.
    pub fn send(&self, frame: &Up) {
        let mut queue = self.lock();
        frame.encode(&mut queue.frames);
        self.settle(queue);
    }

    fn settle(&self, mut queue: MutexGuard<'_, Queue>) {
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
        let mut queue = self.lock();
        if queue.closed {
            return None;
        }
        queue.seal();
        let frames = queue.frames.split();
        Some((!frames.is_empty()).then(|| frames.freeze()))
    }

    fn wait_for_confirmation(&self, gate: &Arc<Gate>) {
        let mut queue = self.lock();
        if queue.confirmed < queue.appended && !queue.closed {
            let (seq, since) = (queue.appended, Instant::now());
            queue.gates.push_back(Waiting { seq, since, gate: Arc::clone(gate) });
        }
    }

    /// Takes note that the pusher-api knows of every change up to `seq`.
    pub fn confirm(&self, seq: u64) {
        let mut queue = self.lock();
        queue.confirmed = queue.confirmed.max(seq);
        drop(queue);
        self.open_gates(seq);
    }

    fn open_gates(&self, seq: u64) {
        self.open_first(|waiting| waiting.seq <= seq);
    }

    fn open_late_gates(&self) -> usize {
        let now = Instant::now();
        self.open_first(|waiting| now.duration_since(waiting.since) > GATE_TIMEOUT)
    }

    /// Opens the gates from the first on for which this holds, and returns how many.
    fn open_first(&self, holds: impl Fn(&Waiting) -> bool) -> usize {
        let mut queue = self.lock();
        let count = queue.gates.partition_point(holds);
        let opened: Vec<_> = queue.gates.drain(..count).map(|waiting| waiting.gate).collect();
        // A gate that opens sends a message; not while the queue is locked.
        drop(queue);
        drop(opened);
        count
    }
}
