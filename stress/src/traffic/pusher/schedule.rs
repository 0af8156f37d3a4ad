//! Which messages are due, and when each of them was: latency counts from there, however late a
//! message is sent (no coordinated omission).

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use protocol::clock;

use crate::{settings::phases::Limit, traffic::pace::Pace};

/// The messages of a run, in order.
pub(super) struct Schedule {
    pace: Pace,
    started: Instant,
    started_micros: u64,
    limit: Limit,
    first: u64,
    sent: u64,
}

impl Schedule {
    /// Nothing has been sent; a paced period is so many messages.
    pub(super) fn new(rate: f64, limit: Limit, first: u64) -> Self {
        let limit = match limit {
            Limit::Time(period) if rate > 0.0 => {
                Limit::Messages((rate * period.as_secs_f64()).ceil() as u64)
            }
            other => other,
        };
        let (started, started_micros) = (Instant::now(), clock::micros_since_epoch());
        Self { pace: Pace::new(rate), started, started_micros, limit, first, sent: 0 }
    }

    /// Whether everything is due at once.
    pub(super) fn is_unlimited(&self) -> bool {
        self.pace.is_unlimited()
    }

    /// How many messages were not sent, where their number was given.
    pub(super) fn unsent(&self) -> u64 {
        match self.limit {
            Limit::Messages(total) if total < u64::MAX => total - self.sent,
            _ => 0,
        }
    }

    /// Whether everything was sent, or its time is over.
    pub(super) fn is_over(&self) -> bool {
        match self.limit {
            Limit::Messages(total) => self.sent >= total,
            Limit::Time(period) => self.started.elapsed() >= period,
        }
    }

    /// The numbers of up to `most` messages that are due.
    pub(super) fn peek(&self, most: u64) -> Range<u64> {
        let due = match (self.is_over(), self.limit) {
            (true, _) => 0,
            (false, Limit::Messages(total)) => total.min(self.pace.due(self.started.elapsed())),
            (false, Limit::Time(_)) => u64::MAX,
        };
        let count = due.saturating_sub(self.sent).min(most);
        self.first + self.sent..self.first + self.sent + count
    }

    /// So many of them are on their way.
    pub(super) fn advance(&mut self, count: u64) {
        self.sent += count;
    }

    /// How long nothing is due.
    pub(super) fn next_due(&self) -> Duration {
        self.pace.time_of(self.sent).saturating_sub(self.started.elapsed())
    }

    /// When a message was due, in microseconds since the epoch.
    pub(super) fn due_micros(&self, number: u64) -> u64 {
        match self.is_unlimited() {
            true => clock::micros_since_epoch(),
            false => {
                let since = self.pace.time_of(number - self.first);
                self.started_micros + since.as_micros() as u64
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_due_without_a_pace() {
        let mut schedule = Schedule::new(0.0, Limit::Messages(5), 10);
        assert_eq!(schedule.peek(3), 10..13);
        schedule.advance(3);
        assert_eq!(schedule.peek(3), 13..15);
        schedule.advance(2);
        assert!(schedule.is_over());
        assert!(schedule.peek(3).is_empty());
    }

    #[test]
    fn due_times_are_the_schedules() {
        let schedule = Schedule::new(0.001, Limit::Time(Duration::from_secs(2000)), 4);
        assert_eq!(schedule.peek(100), 4..5);
        assert_eq!(schedule.due_micros(5) - schedule.due_micros(4), 1_000_000_000);
        assert!(!schedule.is_over());
    }
}
