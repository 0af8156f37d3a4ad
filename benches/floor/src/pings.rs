//! Pings, evenly spread over the sessions and over time.

use std::time::{Duration, Instant};

use crate::{frame::PING, sessions::Sessions};

/// How often pings are sent that are due.
pub(crate) const TICK: Duration = Duration::from_millis(50);
/// Frames written before it is looked whether pings are due.
const SLICE: usize = 64;

/// Who is pinged next, and since when no pings have been due.
pub(crate) struct Pings {
    interval: u32,
    next: usize,
    settled: Instant,
}

impl Pings {
    /// Each session once in so many seconds; never for 0.
    pub(crate) fn new(interval: u32) -> Self {
        Self { interval, next: 0, settled: Instant::now() }
    }

    /// Whether there are any.
    pub(crate) fn are_wanted(&self) -> bool {
        self.interval > 0
    }

    /// The same as [`Pings::send`] while other things are written, now and then.
    pub(crate) fn send_between(&mut self, written: usize, sessions: &Sessions) {
        if written.is_multiple_of(SLICE) {
            self.send(sessions);
        }
    }

    /// Pings as many sessions as the time since the last pings is worth.
    pub(crate) fn send(&mut self, sessions: &Sessions) {
        let passed = self.settled.elapsed();
        if self.interval == 0 || passed < TICK {
            return;
        }
        let held = sessions.held();
        let share = passed.as_secs_f64() / f64::from(self.interval);
        let due = (held.len() as f64 * share) as usize;
        if due == 0 && !held.is_empty() {
            return;
        }
        self.settled += passed;
        for _ in 0..due {
            self.next = (self.next + 1) % held.len();
            sessions.write(held[self.next], PING);
        }
    }
}
