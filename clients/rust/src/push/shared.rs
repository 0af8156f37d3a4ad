//! What a client and its connections share.

use std::sync::Arc;

use super::{
    counters::{Counters, Tallies, add},
    given_up::{GivenUp, Why},
    queue::{Entry, Queue, Room},
    settings::Settings,
};

/// What they share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    /// One for each connection.
    pub(super) queues: Box<[Arc<Queue>]>,
    pub(super) room: Room,
    pub(super) tallies: Tallies,
}

impl Shared {
    /// Empty queues.
    pub(super) fn new(settings: Settings) -> Self {
        let queue = |_| Arc::new(Queue::new(settings.batch));
        let queues = (0..settings.connections).map(queue).collect();
        Self { queues, room: Room::new(settings.queue), tallies: Tallies::default(), settings }
    }

    /// So many lines, which held so many bytes, were accepted.
    pub(super) fn accept(&self, lines: usize, bytes: usize) {
        add(&self.tallies.accepted, lines);
        self.room.give_back(lines, bytes);
    }

    /// A line of so many bytes is given up.
    pub(super) fn give_up(&self, entry: &Entry, line: usize, why: Why) {
        add(&self.tallies.given_up, 1);
        match why {
            Why::Refused { .. } => add(&self.tallies.refused, 1),
            Why::Unknown => add(&self.tallies.unknown, 1),
            Why::OutOfTime | Why::Closed => {}
        }
        let is_kept = !entry.is_live();
        self.settings.teller.tell(GivenUp { id: entry.id, is_kept, why });
        self.room.give_back(1, entry.bytes(line));
    }

    /// What was counted so far.
    pub(super) fn counters(&self) -> Counters {
        let (lines, waiting_bytes) = self.room.taken();
        let queued = self.queues.iter().map(|queue| queue.count()).sum();
        let (waiting, waiting_bytes) = (lines as u64, waiting_bytes as u64);
        Counters { queued, waiting, waiting_bytes, ..self.tallies.read() }
    }
}
