//! What goes up to one pusher-api, gathered while the socket is busy and written in one go.
//!
//! Small frames (acknowledgements, answers, receipts, heartbeats) overtake presence, which may be
//! long. Both together, with what is being written, are bounded: a link above the bound is closed
//! and starts anew. A snapshot waits for room instead.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use parking_lot::{Condvar, Mutex, MutexGuard};
use protocol::{
    Device, SessionId, UserId,
    link::{Claim, PresenceChange, Up},
};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    claims::Claims,
    gates::{Gate, Gates, Held, Waiting},
};

/// Most bytes that wait for one pusher-api or are being written to it.
pub(super) const QUEUE_LIMIT: usize = 64 * 1024 * 1024;
/// Changes are put into frames of about this size.
const FRAME_BYTES: usize = 256 * 1024;
/// A snapshot goes on while no more than this waits: changes that happen meanwhile stand behind it,
/// and so do the sessions whose hello waits for them.
const SNAPSHOT_BYTES: usize = 4 * 1024 * 1024;

#[derive(Default)]
struct Backlog {
    /// Encoded frames other than presence.
    frames: BytesMut,
    /// Encoded frames of presence.
    presence: VecDeque<Bytes>,
    presence_bytes: usize,
    /// Encoded presence changes, not yet in a frame.
    changes: BytesMut,
    /// Bytes that were handed out and may not have been written.
    writing: usize,
    gates: Gates,
    /// Whether the pusher-api is told which topics have subscribers here; it sends all otherwise.
    tells_topics: bool,
    /// For which other gateways the pusher-api decides whose sessions are newer, and the numbers of the
    /// changes that say so.
    chosen: HashMap<Uuid, u64>,
    /// Sessions that were claimed and are not confirmed.
    claims: Claims,
    closed: bool,
}

impl Backlog {
    /// Whether the pusher-api is to be told of this.
    fn takes(&mut self, change: PresenceChange<'_>) -> bool {
        match change {
            // The gateway's own users are nobody's business.
            PresenceChange::Came(user) | PresenceChange::Went(user) => !UserId::is_reserved(user),
            PresenceChange::SnapshotBegin | PresenceChange::SnapshotEnd => true,
            PresenceChange::TopicsBegin => {
                self.tells_topics = true;
                true
            }
            PresenceChange::AllTopics => std::mem::take(&mut self.tells_topics),
            PresenceChange::Wanted(_) | PresenceChange::Unwanted(_) | PresenceChange::TopicsEnd => {
                self.tells_topics
            }
            PresenceChange::Chose(_) | PresenceChange::Left(_) => true,
            // Where there is nobody else to hear of it, it costs nothing.
            PresenceChange::Claimed { .. } => !self.chosen.is_empty(),
        }
    }

    fn len(&self) -> usize {
        let frames = self.frames.len() + self.presence_bytes + self.changes.len();
        frames + self.claims.bytes() + self.writing
    }

    /// Puts the changes gathered so far into a frame.
    fn seal(&mut self) {
        if !self.changes.is_empty() {
            let changes = self.changes.split().freeze();
            let mut frame = BytesMut::with_capacity(changes.len() + 16);
            Up::Presence { seq: self.gates.appended(), changes }.encode(&mut frame);
            self.presence_bytes += frame.len();
            self.presence.push_back(frame.freeze());
        }
    }

    /// Every small frame, and one of presence behind them.
    fn take(&mut self) -> Bytes {
        if self.presence.is_empty() {
            self.seal();
        }
        let mut frames = self.frames.split();
        if let Some(presence) = self.presence.pop_front() {
            self.presence_bytes -= presence.len();
            if frames.is_empty() {
                self.writing = presence.len();
                return presence;
            }
            frames.extend_from_slice(&presence);
        }
        self.writing = frames.len();
        frames.freeze()
    }

    fn close(&mut self) {
        self.closed = true;
        let (writing, gates) = (self.writing, std::mem::take(&mut self.gates));
        // What was not confirmed is asked for once more, when it is known that the link is lost.
        let claims = std::mem::take(&mut self.claims);
        *self = Self { closed: true, writing, gates, claims, ..Self::default() };
    }
}

/// The queue of one link.
#[derive(Default)]
pub struct LinkQueue {
    backlog: Mutex<Backlog>,
    filled: Notify,
    /// A snapshot may go on, or the queue was closed.
    room: Condvar,
    /// The pusher-api, once it has said hello: the same at each of its links to this gateway.
    sender: OnceLock<Uuid>,
    /// Whether it passes on requests for sessions of other gateways.
    relays: AtomicBool,
}

impl LinkQueue {
    /// Appends a change to this link's queue, if it is one to be told of.
    pub fn append(&self, change: PresenceChange<'_>) {
        let mut queue = self.backlog.lock();
        if queue.closed || !queue.takes(change) {
            return;
        }
        change.encode(&mut queue.changes);
        queue.gates.append();
        match change {
            PresenceChange::Chose(peer) => {
                let seq = queue.gates.appended();
                queue.chosen.insert(peer, seq);
            }
            PresenceChange::Left(peer) => drop(queue.chosen.remove(&peer)),
            _ => {}
        }
        self.settle(queue);
    }

    /// Appends the claim of a device for a session, if somebody is to be told of it.
    pub fn claim(&self, user: &UserId, device: &Device, session: SessionId, claim: Claim) {
        let change =
            PresenceChange::Claimed { user: user.as_str(), device: device.as_str(), claim };
        let mut queue = self.backlog.lock();
        if queue.closed || !queue.takes(change) {
            return;
        }
        change.encode(&mut queue.changes);
        queue.gates.append();
        let seq = queue.gates.appended();
        queue.claims.add(seq, session);
        self.settle(queue);
    }

    /// Whether the pusher-api knew that it decides for this gateway when it had taken in the changes up to
    /// this one. What it has sent in ignorance of that is not heeded.
    pub(crate) fn knows_choice(&self, peer: Uuid, through: u64) -> bool {
        self.backlog.lock().chosen.get(&peer).is_some_and(|chosen| *chosen <= through)
    }

    /// Whether a session was claimed behind the change of this number.
    pub(crate) fn is_claimed_since(&self, session: SessionId, seq: u64) -> bool {
        self.backlog.lock().claims.is_claimed_since(session, seq)
    }

    /// The first session of which the pusher-api may not have heard, where this one is the next to come.
    pub(crate) fn heard_until(&self, next: SessionId) -> SessionId {
        self.backlog.lock().claims.oldest(next)
    }

    /// Whether the pusher-api is being told which topics have subscribers here.
    pub(crate) fn tells_topics(&self) -> bool {
        self.backlog.lock().tells_topics
    }

    /// Appends a frame that is not about presence.
    pub fn send(&self, frame: &Up) {
        let mut queue = self.backlog.lock();
        if queue.closed {
            return;
        }
        frame.encode(&mut queue.frames);
        self.settle(queue);
    }

    fn settle(&self, mut queue: MutexGuard<'_, Backlog>) {
        if queue.changes.len() > FRAME_BYTES {
            queue.seal();
        }
        if queue.len() > QUEUE_LIMIT {
            queue.close();
            self.room.notify_all();
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// Waits for something to write, which is taken to be written when this is called again.
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
        queue.writing = 0;
        if queue.closed {
            return None;
        }
        let bytes = queue.take();
        if queue.presence_bytes + queue.changes.len() <= SNAPSHOT_BYTES {
            self.room.notify_all();
        }
        Some((!bytes.is_empty()).then_some(bytes))
    }

    /// Waits until a snapshot may go on, on a thread of its own; false if the link has ended.
    pub(crate) fn wait_for_room(&self) -> bool {
        let mut queue = self.backlog.lock();
        while !queue.closed && queue.presence_bytes + queue.changes.len() > SNAPSHOT_BYTES {
            self.room.wait(&mut queue);
        }
        !queue.closed
    }

    /// Whether nothing is told here any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.backlog.lock().closed
    }

    /// Bytes that wait.
    pub(super) fn queued(&self) -> usize {
        self.backlog.lock().len()
    }

    /// The pusher-api has said who it is.
    pub(crate) fn set_sender(&self, sender: Uuid) {
        // A second hello ends the link.
        let _ = self.sender.set(sender);
    }

    /// The pusher-api passes on requests for sessions of other gateways.
    pub(crate) fn set_relays(&self) {
        self.relays.store(true, Ordering::Relaxed);
    }

    /// Whether such requests can be passed on here.
    pub(super) fn relays(&self) -> bool {
        self.relays.load(Ordering::Relaxed) && !self.is_closed()
    }

    pub(super) fn sender(&self) -> Option<Uuid> {
        self.sender.get().copied()
    }

    /// The link has ended; nothing is kept for it but the gates.
    pub(super) fn leave(&self) {
        let mut queue = self.backlog.lock();
        queue.close();
        queue.writing = 0;
        queue.gates.leave(Instant::now());
        drop(queue);
        self.room.notify_all();
        self.filled.notify_one();
    }

    /// Holds a gate until the pusher-api knows of every change so far; says whether it does.
    pub(super) fn wait_for_confirmation(&self, gate: &Arc<dyn Gate>) -> Held {
        self.backlog.lock().gates.hold(gate, Instant::now())
    }

    /// Whether the pusher-api knows of every change so far.
    pub(super) fn is_confirmed(&self) -> bool {
        self.backlog.lock().gates.is_confirmed()
    }

    /// Takes note that the pusher-api knows of every change up to `seq`.
    pub fn confirm(&self, seq: u64) {
        let mut queue = self.backlog.lock();
        queue.claims.confirm(seq);
        let opened = queue.gates.confirm(seq, Instant::now());
        drop(queue);
        // A gate that opens sends a message; not while the queue is locked.
        drop(opened);
    }

    /// Opens gates that have waited too long, and returns how many.
    pub(super) fn open_late_gates(&self, now: Instant) -> usize {
        let opened = self.backlog.lock().gates.look(now);
        opened.len()
    }

    /// Whether the pusher-api is not waited for, because it has not confirmed in time.
    pub(super) fn is_lagging(&self) -> bool {
        self.backlog.lock().gates.is_lagging()
    }

    /// Whether the link has ended and nobody waits for another one of its pusher-api.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.backlog.lock().gates.is_over(now)
    }

    /// Hands out all gates.
    pub(super) fn take_gates(&self) -> Vec<Waiting> {
        self.backlog.lock().gates.take_all()
    }
}

#[cfg(test)]
mod tests;
