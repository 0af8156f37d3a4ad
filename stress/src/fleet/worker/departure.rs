//! Closes sessions on purpose, a slice at a time, so that messages for the others are still read
//! and measured meanwhile.

use std::time::{Duration, Instant};

use super::Worker;
use crate::{fleet::wire::Dropping, session::State, traffic::Pace};

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
    /// How long nothing has to be closed.
    pub(super) fn next_due(&self) -> Duration {
        self.pace.time_of(self.closed).saturating_sub(self.started.elapsed())
    }
}

impl Worker {
    /// Begins to close sessions.
    pub(super) fn begin_dropping(&mut self, dropping: &Dropping) {
        let leaves = |number: u32| dropping.numbers.contains(&number);
        let found = self.sessions.iter().filter(|(_, entry)| leaves(entry.number));
        self.departure = Some(Departure {
            left: found.map(|(place, entry)| (place, entry.number)).collect(),
            closed: 0,
            pace: Pace::new(dropping.rate),
            started: Instant::now(),
        });
    }

    /// Closes what is due; whether everything is closed now that was to be.
    pub(super) fn drop_due(&mut self) -> bool {
        let Some(departure) = &mut self.departure else { return false };
        for _ in 0..SLICE {
            if departure.next_due() > Duration::ZERO {
                return false;
            }
            let Some((place, number)) = departure.left.pop() else {
                self.departure = None;
                return true;
            };
            departure.closed += 1;
            // The server may have closed it in the meantime.
            let entry = self.sessions.get(place).filter(|entry| entry.number == number);
            if entry.is_some_and(|entry| entry.session.state() == State::Live) {
                self.sessions.remove(place);
                self.tally.dropped += 1;
            }
        }
        false
    }
}
