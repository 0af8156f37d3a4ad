//! Connections that are not sessions: how many there may be and how many bytes of theirs may be
//! kept, and who goes first when that is too much. Accepting never waits for them, so that who
//! speaks at once always gets in.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc, sync::Arc};

use limits::{Headroom, descriptors, places::Places};

use crate::{http::request::MAX_HEAD_BYTES, metrics::Metrics, settings::Settings};

/// One connection that is not a session costs the kernel and us about so many bytes, without what
/// it has sent.
const BYTES_EACH: u64 = 8 * 1024;
/// One byte of memory in so many may be taken by connections that are not sessions.
const MEMORY_SHARE: u64 = 32;
/// What may be kept of incomplete requests and first lines if nothing else is said: one byte of
/// memory in so many, and at most and at least so many bytes.
const KEPT_SHARE: u64 = 64;
const MOST_KEPT: u64 = 64 << 20;
const LEAST_KEPT: u64 = 1 << 20;

/// What connections that are not sessions may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// So many may there be.
    pub places: usize,
    /// So many bytes may be kept of what they have sent.
    pub bytes: usize,
}

impl Room {
    /// The room in the whole process, by its settings, its descriptors and the memory there is.
    pub(crate) fn of(settings: &Settings) -> Self {
        let memory = Headroom::of_this_process().look().map(|left| left.limit);
        Self::from(settings, descriptors::hard_limit(), memory)
    }

    fn from(settings: &Settings, descriptors: u64, memory: Option<u64>) -> Self {
        let most = u64::try_from(settings.max_pending).unwrap_or(u64::MAX);
        let by_descriptors = Places::of(descriptors, most).pending;
        let by_memory = memory.map_or(u64::MAX, |bytes| bytes / MEMORY_SHARE / BYTES_EACH);
        let kept = memory.map_or(MOST_KEPT, |bytes| bytes / KEPT_SHARE);
        let kept = settings.pending_memory.unwrap_or(kept.clamp(LEAST_KEPT, MOST_KEPT) as usize);
        Self { places: by_descriptors.min(by_memory).max(1) as usize, bytes: kept }
    }

    /// The share of one of so many threads: at least one connection and its head.
    pub(crate) fn share(self, threads: usize) -> Self {
        let Self { places, bytes } = self;
        Self { places: (places / threads).max(1), bytes: (bytes / threads).max(2 * MAX_HEAD_BYTES) }
    }
}

/// Where a connection stands among the others: by when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    number: u64,
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
}

/// The connections of one thread that are not sessions.
pub(crate) struct Pending {
    room: Room,
    queues: RefCell<Queues>,
    metrics: Arc<Metrics>,
}

impl Pending {
    /// None yet, in so much room.
    pub(crate) fn new(room: Room, metrics: &Arc<Metrics>) -> Rc<Self> {
        Rc::new(Self { room, queues: RefCell::default(), metrics: Arc::clone(metrics) })
    }

    /// Counts the connection in a seat.
    pub(crate) fn enter(self: &Rc<Self>, seat: u32) -> PendingGuard {
        let mut queues = self.queues.borrow_mut();
        let turn = Turn { number: queues.next, seat };
        queues.next += 1;
        queues.waiting.insert(turn);
        self.metrics.pending.inc();
        PendingGuard { pending: Rc::clone(self), turn, kept: 0 }
    }

    /// The seat of the one that has to go because there are too many: the first that has its
    /// answer, or else the one that has waited longest.
    pub(crate) fn beyond_places(&self) -> Option<u32> {
        let queues = self.queues.borrow();
        let count = queues.waiting.len() + queues.answered.len();
        let first = || queues.answered.first().or(queues.waiting.first());
        (count > self.room.places).then(first).flatten().map(|turn| turn.seat)
    }

    /// The seat of the one that has to go because too much is kept: of those of which something is,
    /// the one that has waited longest.
    pub(crate) fn beyond_bytes(&self) -> Option<u32> {
        let queues = self.queues.borrow();
        let first = || queues.speaking.first();
        (queues.bytes > self.room.bytes).then(first).flatten().map(|turn| turn.seat)
    }
}

/// Counts a connection as one that is not a session, until it is dropped.
pub(crate) struct PendingGuard {
    pending: Rc<Pending>,
    turn: Turn,
    kept: usize,
}

impl PendingGuard {
    /// So many bytes are kept of what it has sent.
    pub(crate) fn keep(&mut self, bytes: usize) {
        let mut queues = self.pending.queues.borrow_mut();
        queues.bytes = queues.bytes - self.kept + bytes;
        match bytes {
            0 => queues.speaking.remove(&self.turn),
            _ => queues.speaking.insert(self.turn),
        };
        self.pending.metrics.pending_bytes.add(bytes as i64 - self.kept as i64);
        self.kept = bytes;
    }

    /// It has its answer: it waits for nothing, and goes before those that do.
    pub(crate) fn answered(&mut self) {
        self.keep(0);
        let mut queues = self.pending.queues.borrow_mut();
        if queues.waiting.remove(&self.turn) {
            self.turn.number = queues.next;
            queues.next += 1;
            queues.answered.insert(self.turn);
            self.pending.metrics.pending.dec();
            self.pending.metrics.answered.inc();
        }
    }
}

impl Drop for PendingGuard {
    fn drop(&mut self) {
        self.keep(0);
        let mut queues = self.pending.queues.borrow_mut();
        if queues.waiting.remove(&self.turn) {
            self.pending.metrics.pending.dec();
        } else if queues.answered.remove(&self.turn) {
            self.pending.metrics.answered.dec();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::settings::tests::settings;

    fn pending(places: usize, bytes: usize) -> Rc<Pending> {
        Pending::new(Room { places, bytes }, &Arc::default())
    }

    #[test]
    fn the_one_that_has_waited_longest_goes() {
        let pending = pending(2, 100);
        let first = pending.enter(7);
        let _second = pending.enter(3);
        assert_eq!(pending.beyond_places(), None);
        let third = pending.enter(5);
        assert_eq!(pending.beyond_places(), Some(7));
        drop(first);
        assert_eq!(pending.beyond_places(), None);
        let _fourth = pending.enter(7);
        assert_eq!(pending.beyond_places(), Some(3));
        drop(third);
        assert_eq!(pending.beyond_places(), None);
    }

    #[test]
    fn those_that_have_their_answer_go_first() {
        let pending = pending(2, 100);
        let _oldest = pending.enter(0);
        let (mut early, mut late) = (pending.enter(1), pending.enter(2));
        late.answered();
        early.answered();
        assert_eq!((pending.metrics.pending.get(), pending.metrics.answered.get()), (1, 2));
        assert_eq!(pending.beyond_places(), Some(2), "answered first");
        drop(late);
        let _another = pending.enter(3);
        assert_eq!(pending.beyond_places(), Some(1));
        drop(early);
        assert_eq!(pending.beyond_places(), None);
    }

    #[test]
    fn of_those_that_speak_the_one_that_has_waited_longest_goes() {
        let pending = pending(9, 100);
        let _silent = pending.enter(0);
        let (mut first, mut second) = (pending.enter(1), pending.enter(2));
        second.keep(60);
        first.keep(40);
        assert_eq!(pending.beyond_bytes(), None);
        second.keep(61);
        assert_eq!(pending.beyond_bytes(), Some(1));
        first.answered();
        assert_eq!((pending.beyond_bytes(), pending.metrics.pending_bytes.get()), (None, 61));
    }

    #[test]
    fn room_comes_from_descriptors_and_memory() {
        let room = |flags: &[&str], descriptors, memory| {
            let Room { places, bytes } = Room::from(&settings(flags), descriptors, memory);
            (places, bytes)
        };
        const GIB: u64 = 1 << 30;
        assert_eq!(room(&[], 20_000, Some(24 * GIB)), (601, 64 << 20));
        assert_eq!(room(&[], 1 << 20, Some(GIB / 8)), (512, 2 << 20));
        assert_eq!(room(&[], 1 << 20, None), (8192, 64 << 20));
        assert_eq!(
            room(&["--max-pending=5", "--pending-memory=3MiB"], 1 << 20, None),
            (5, 3 << 20)
        );
        let share = Room { places: 5, bytes: 1 << 20 }.share(2);
        assert_eq!(share, Room { places: 2, bytes: 1 << 19 });
        assert_eq!(Room { places: 1, bytes: 1 }.share(64), Room { places: 1, bytes: 32_768 });
    }

    proptest! {
        #[test]
        fn nothing_is_left_of_those_that_have_gone(
            steps in prop::collection::vec((0_u8..4, 0_usize..8, 0_usize..50), 0..200)
        ) {
            let pending = pending(5, 100);
            let mut guards: Vec<(u32, PendingGuard)> = Vec::new();
            for (step, which, bytes) in steps {
                let index = which % guards.len().max(1);
                match step {
                    0 => {
                        let seat = guards.len() as u32 + which as u32 * 1000;
                        guards.push((seat, pending.enter(seat)));
                    }
                    _ if guards.is_empty() => {}
                    1 => guards[index].1.keep(bytes),
                    2 => guards[index].1.answered(),
                    _ => drop(guards.swap_remove(index)),
                }
                // Whoever is asked for is there.
                for seat in pending.beyond_places().into_iter().chain(pending.beyond_bytes()) {
                    prop_assert!(guards.iter().any(|(known, _)| *known == seat));
                }
                prop_assert_eq!(pending.beyond_places().is_some(), guards.len() > 5);
                let kept: usize = guards.iter().map(|(_, guard)| guard.kept).sum();
                prop_assert_eq!(pending.beyond_bytes().is_some(), kept > 100);
            }
            guards.clear();
            let Metrics { pending: waiting, answered, pending_bytes, .. } = &*pending.metrics;
            prop_assert_eq!((waiting.get(), answered.get(), pending_bytes.get()), (0, 0, 0));
        }
    }
}
