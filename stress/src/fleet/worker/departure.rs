//! Closes sessions on purpose, a slice at a time, so that messages for the others are still read
//! and measured meanwhile.

use std::time::{Duration, Instant};

use client::State;
use slab::Slab;

use super::entry::Entry;
use crate::{fleet::wire::Dropping, traffic::pace::Pace};

/// Sessions closed before the others get a turn.
const SLICE: usize = 64;

/// Sessions on their way out.
pub(super) struct Departure {
    /// Place in the slab, number.
    left: Vec<(usize, u32)>,
    closed: u64,
    pace: Pace,
    started: Instant,
}

impl Departure {
    /// Begins to close sessions.
    pub(super) fn begin(dropping: &Dropping, sessions: &Slab<Entry>) -> Self {
        let leaves = |number: u32| dropping.numbers.contains(&number);
        let found = sessions.iter().filter(|(_, entry)| leaves(entry.number));
        Self {
            left: found.map(|(place, entry)| (place, entry.number)).collect(),
            closed: 0,
            pace: Pace::new(dropping.rate),
            started: Instant::now(),
        }
    }

    /// How long nothing has to be closed.
    pub(super) fn next_due(&self) -> Duration {
        self.pace.time_of(self.closed).saturating_sub(self.started.elapsed())
    }

    /// Closes a slice of what is due: how many, and whether all is closed now that was to be.
    pub(super) fn close_due(&mut self, sessions: &mut Slab<Entry>) -> (u64, bool) {
        let mut closed = 0;
        for _ in 0..SLICE {
            if self.next_due() > Duration::ZERO {
                break;
            }
            let Some((place, number)) = self.left.pop() else { return (closed, true) };
            self.closed += 1;
            // The server may have closed it in the meantime.
            let entry = sessions.get(place).filter(|entry| entry.number == number);
            if entry.is_some_and(|entry| entry.session.state() == State::Live) {
                sessions.remove(place);
                closed += 1;
            }
        }
        (closed, false)
    }
}
