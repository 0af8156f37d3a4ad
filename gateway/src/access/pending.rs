//! Connections that are not sessions: how many there may be and how many bytes of theirs may be
//! kept, and who goes first when that is too much. Each has a moment in which it is not given up for
//! want of a place; beyond that accepting waits for nobody, so that who speaks at once gets in.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc, sync::Arc, time::Duration};

use limits::{descriptors, places::Places};
use prometheus::IntGauge;
use protocol::Transport;
use tokio::{sync::Notify, time::timeout};

use super::admission::Admission;
use crate::{
    http::request::MAX_HEAD_BYTES,
    ledger::planned_memory,
    metrics::Metrics,
    runtime::{
        clock::{Clock, ticks},
        wheel::TICK,
    },
    settings::Settings,
};

/// So young, a connection is not given up for want of a place: what it has to say may be under way.
/// The next ones wait in the accept queue meanwhile, which moves on by all places in this time.
const YOUNG: Duration = Duration::from_millis(200);
/// One connection that is not a session costs the kernel and us about so many bytes, without what
/// it has sent.
const BYTES_EACH: u64 = 8 * 1024;
/// One byte of memory in so many may be taken by connections that are not sessions.
const MEMORY_SHARE: u64 = 8;
/// What may be kept of incomplete requests and first lines if nothing else is said: one byte of
/// memory in so many, and at most and at least so many bytes.
const KEPT_SHARE: u64 = 64;
const MOST_KEPT: u64 = 64 << 20;
const LEAST_KEPT: u64 = 1 << 20;

/// What connections that are not sessions may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// So many may there be however many sessions there are.
    pub least: usize,
    /// So many may there be while sessions leave the descriptors for them.
    pub most: usize,
    /// So many bytes may be kept of what they have sent.
    pub bytes: usize,
    /// How many threads share this.
    pub threads: usize,
}

impl Room {
    /// The room in the whole process, by its settings, its descriptors and the memory there is.
    pub(crate) fn of(settings: &Settings, threads: usize) -> Self {
        let memory = planned_memory(settings);
        Self::from(settings, descriptors::hard_limit(), memory, threads)
    }

    fn from(settings: &Settings, descriptors: u64, memory: Option<u64>, threads: usize) -> Self {
        let by_memory = memory.map_or(u64::MAX, |bytes| bytes / MEMORY_SHARE / BYTES_EACH);
        let most = u64::try_from(settings.max_pending).unwrap_or(u64::MAX).min(by_memory).max(1);
        let least = Places::of(descriptors, most).pending;
        let kept = memory.map_or(MOST_KEPT, |bytes| bytes / KEPT_SHARE);
        let kept = settings.pending_memory.unwrap_or(kept.clamp(LEAST_KEPT, MOST_KEPT) as usize);
        Self { least: least as usize, most: most as usize, bytes: kept, threads }
    }

    /// How many there may be in the whole process while sessions leave so many descriptors.
    pub(crate) fn places(self, left: usize) -> usize {
        left.clamp(self.least, self.most)
    }

    /// Of these, one thread's share: at least one.
    fn places_of_a_thread(self, left: usize) -> usize {
        (self.places(left) / self.threads).max(1)
    }

    /// A thread's share of the bytes: at least the head of one.
    fn bytes_of_a_thread(self) -> usize {
        (self.bytes / self.threads).max(2 * MAX_HEAD_BYTES)
    }
}

/// Where a connection stands among the others: by when it came, or, with its answer, by when it
/// got that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    number: u64,
    /// The tick of it.
    tick: u32,
    seat: u32,
}

#[derive(Default)]
struct Queues {
    next: u64,
    /// Those that have no answer yet.
    waiting: BTreeSet<Turn>,
    /// Those of them of which something is kept, and how much in all.
    speaking: BTreeSet<Turn>,
    bytes: usize,
    /// Those that have their answer and are about to go.
    answered: BTreeSet<Turn>,
    /// Those that have had an answer and are kept for the next request of a session's client.
    idle: BTreeSet<Turn>,
}

/// What a connection is that is not a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// It has no answer yet.
    Waiting,
    /// It waits for what a session says, and counts as that session's.
    Held,
    /// It has had such an answer, and is kept for the next request.
    Idle,
    /// It has its answer and goes.
    Answered,
}

impl Queues {
    fn turn(&mut self, tick: u32, seat: u32) -> Turn {
        self.next += 1;
        Turn { number: self.next, tick, seat }
    }

    fn of(&mut self, stand: Stand) -> Option<&mut BTreeSet<Turn>> {
        match stand {
            Stand::Waiting => Some(&mut self.waiting),
            Stand::Held => None,
            Stand::Idle => Some(&mut self.idle),
            Stand::Answered => Some(&mut self.answered),
        }
    }
}

/// The connections of one thread that are not sessions.
pub(crate) struct Pending {
    room: Room,
    admission: Arc<Admission>,
    clock: Clock,
    queues: RefCell<Queues>,
    /// Told when there are fewer.
    fewer: Notify,
    metrics: Arc<Metrics>,
}

impl Pending {
    /// None yet, in so much room, of which sessions take what they are admitted to.
    pub(crate) fn new(
        room: Room,
        admission: &Arc<Admission>,
        clock: Clock,
        metrics: &Arc<Metrics>,
    ) -> Rc<Self> {
        let (admission, metrics) = (Arc::clone(admission), Arc::clone(metrics));
        let (queues, fewer) = (RefCell::default(), Notify::new());
        Rc::new(Self { room, admission, clock, queues, fewer, metrics })
    }

    /// Counts the connection in a seat.
    pub(crate) fn enter(self: &Rc<Self>, seat: u32) -> PendingGuard {
        let mut queues = self.queues.borrow_mut();
        let turn = queues.turn(self.clock.tick_now(), seat);
        queues.waiting.insert(turn);
        self.gauge(Stand::Waiting).inc();
        PendingGuard { pending: Rc::clone(self), turn, kept: 0, stand: Stand::Waiting }
    }

    /// Waits until one more may come: there is a place, or somebody goes for it.
    pub(crate) async fn place(&self) {
        let mut waits = false;
        loop {
            // Before the look, so that nobody who goes meanwhile is missed.
            let fewer = self.fewer.notified();
            let Some(pause) = self.pause() else { return };
            if !std::mem::replace(&mut waits, true) {
                self.metrics.accept_pauses.inc();
            }
            // Either way it is looked at anew.
            let _ = timeout(pause, fewer).await;
        }
    }

    /// How long it takes at most until one more may come; nothing if one may now.
    fn pause(&self) -> Option<Duration> {
        let queues = self.queues.borrow();
        let idle = self.excess_idle(&queues);
        let is_full = queues.waiting.len() + queues.answered.len() + idle >= self.places();
        let others_go = !queues.answered.is_empty() || idle > 0;
        let oldest = queues.waiting.first().filter(|_| is_full && !others_go)?;
        let until = oldest.tick + ticks(YOUNG) + 1;
        until.checked_sub(self.clock.tick_now()).filter(|left| *left > 0).map(|left| TICK * left)
    }

    /// The seat of the one that has to go because there are too many: the first that has its
    /// answer, or else the one that has waited longest, unless it is young.
    pub(crate) fn beyond_places(&self) -> Option<u32> {
        let queues = self.queues.borrow();
        let idle = self.excess_idle(&queues);
        if queues.waiting.len() + queues.answered.len() + idle <= self.places() {
            return None;
        }
        let now = self.clock.tick_now();
        let is_old = |turn: &&Turn| now.saturating_sub(turn.tick) > ticks(YOUNG);
        let kept = queues.idle.first().filter(|_| idle > 0);
        let waiting = || queues.waiting.first().filter(is_old);
        let first = queues.answered.first().or(kept).or_else(waiting);
        first.map(|turn| turn.seat)
    }

    /// The seat of the one that has to go because too much is kept: of those of which something is,
    /// the one that has waited longest.
    pub(crate) fn beyond_bytes(&self) -> Option<u32> {
        let queues = self.queues.borrow();
        let first = || queues.speaking.first();
        (queues.bytes > self.room.bytes_of_a_thread()).then(first).flatten().map(|turn| turn.seat)
    }

    /// How many stand so.
    fn gauge(&self, stand: Stand) -> &IntGauge {
        match stand {
            Stand::Waiting => &self.metrics.pending,
            Stand::Held => &self.metrics.polls_held,
            Stand::Idle => &self.metrics.polls_between,
            Stand::Answered => &self.metrics.answered,
        }
    }

    /// How many are kept beyond one for each session on this thread that is asked by requests.
    fn excess_idle(&self, queues: &Queues) -> usize {
        let sessions = usize::try_from(self.metrics.sessions(Transport::Poll).get()).unwrap_or(0);
        queues.idle.len().saturating_sub(sessions / self.room.threads)
    }

    fn places(&self) -> usize {
        self.room.places_of_a_thread(self.admission.descriptors_left())
    }
}

/// Counts a connection as one that is not a session, until it is dropped.
pub(crate) struct PendingGuard {
    pending: Rc<Pending>,
    turn: Turn,
    /// Bytes, of which there are fewer than 4 GiB.
    kept: u32,
    stand: Stand,
}

impl PendingGuard {
    /// So many bytes are kept of what it has sent.
    pub(crate) fn keep(&mut self, bytes: usize) {
        let kept = u32::try_from(bytes).unwrap_or(u32::MAX);
        let bytes = kept as usize;
        let mut queues = self.pending.queues.borrow_mut();
        queues.bytes = queues.bytes - self.kept as usize + bytes;
        match bytes {
            0 => queues.speaking.remove(&self.turn),
            _ => queues.speaking.insert(self.turn),
        };
        self.pending.metrics.pending_bytes.add(i64::from(kept) - i64::from(self.kept));
        self.kept = kept;
    }

    /// It has its answer: it waits for nothing, and goes before those that do.
    pub(crate) fn answered(&mut self) {
        self.keep(0);
        self.stand(Stand::Answered);
    }

    /// It waits for what a session says, which counts for it.
    pub(crate) fn hold(&mut self) {
        self.keep(0);
        self.stand(Stand::Held);
    }

    /// It has had that, and is kept for the next request.
    pub(crate) fn idle(&mut self) {
        self.keep(0);
        self.stand(Stand::Idle);
    }

    /// Whether it is kept for a next request.
    pub(crate) fn is_idle(&self) -> bool {
        self.stand == Stand::Idle
    }

    /// Whether it is of a client that asks a session by requests.
    pub(crate) fn is_pollers(&self) -> bool {
        matches!(self.stand, Stand::Held | Stand::Idle)
    }

    fn stand(&mut self, stand: Stand) {
        self.leave();
        let mut queues = self.pending.queues.borrow_mut();
        self.turn = queues.turn(self.pending.clock.tick_now(), self.turn.seat);
        self.pending.gauge(stand).inc();
        if let Some(set) = queues.of(stand) {
            set.insert(self.turn);
        }
        self.stand = stand;
    }

    /// Is none of those it was among.
    fn leave(&mut self) {
        let mut queues = self.pending.queues.borrow_mut();
        if let Some(set) = queues.of(self.stand) {
            set.remove(&self.turn);
        }
        self.pending.gauge(self.stand).dec();
        self.pending.fewer.notify_waiters();
    }
}

impl Drop for PendingGuard {
    fn drop(&mut self) {
        self.keep(0);
        self.leave();
    }
}

#[cfg(test)]
mod tests;
