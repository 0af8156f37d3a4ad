//! Whether the wall clock can be believed. Expiry goes by it, and it may be set.
//!
//! It is held against a clock that nobody sets: where the two part by more than a minute, it was set. And against
//! the latest time that the file has seen: where it is further back than a minute, it was set while nobody looked.

use std::fmt;

/// A clock may go wrong by this much, in milliseconds.
const TOLERATED: u64 = 60_000;

/// Two clocks, read at one moment, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// Since the Unix epoch; may be set.
    pub(super) wall: u64,
    /// Since some moment; never set.
    pub(super) steady: u64,
}

/// What is wrong with the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is behind the time that was seen before, by this many milliseconds.
    Back(u64),
    /// It jumped ahead.
    Ahead(u64),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Back(by) => write!(f, "the clock is set back by {} s", by / 1000),
            Self::Ahead(by) => write!(f, "the clock is set ahead by {} s", by / 1000),
        }
    }
}

/// What the wall clock is held against.
#[derive(Debug, Clone, Copy)]
pub(super) enum Clock {
    /// The latest time that the file has seen: nothing was believed since it was opened.
    Seen(u64),
    /// Both clocks when they were last believed.
    Believed(Reading),
}

impl Clock {
    /// The time, if it can be believed.
    pub(super) fn judge(&mut self, now: Reading) -> Result<u64, Wrong> {
        let (expected, latest) = match *self {
            Self::Seen(seen) => (seen, u64::MAX),
            Self::Believed(then) => {
                let expected = then.wall + now.steady.saturating_sub(then.steady);
                (expected, expected + TOLERATED)
            }
        };
        match () {
            () if now.wall + TOLERATED < expected => Err(Wrong::Back(expected - now.wall)),
            () if now.wall > latest => Err(Wrong::Ahead(now.wall - expected)),
            () => {
                *self = Self::Believed(now);
                Ok(now.wall)
            }
        }
    }

    /// The last time that was believed.
    pub(super) fn believed(&self) -> u64 {
        match self {
            Self::Seen(wall) | Self::Believed(Reading { wall, .. }) => *wall,
        }
    }
}

/// Reads both clocks, as if it were so many milliseconds later.
pub(super) fn read(ahead: u64) -> Reading {
    // This one counts while the machine sleeps.
    let steady = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let steady = steady.tv_sec as u64 * 1000 + steady.tv_nsec as u64 / 1_000_000;
    let wall = protocol::clock::since_epoch().as_millis() as u64;
    Reading { wall: wall + ahead, steady: steady + ahead }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = TOLERATED;

    fn at(wall: u64, steady: u64) -> Reading {
        Reading { wall: 1_000_000_000 + wall, steady }
    }

    #[test]
    fn a_clock_that_is_set_is_not_believed_until_it_is_set_right() {
        let now = |wall| Ok(1_000_000_000 + wall);
        // What both clocks say in turn, and what is made of it.
        let cases = [
            (at(0, 0), now(0)),
            (at(5_000, 5_000), now(5_000)),
            (at(5_000 + MINUTE + 1_000, 6_000), now(5_000 + MINUTE + 1_000)),
            (at(2 * MINUTE + 7_002, 6_001), Err(Wrong::Ahead(MINUTE + 1_001))),
            (at(3 * MINUTE + 7_002, 6_001 + MINUTE), Err(Wrong::Ahead(MINUTE + 1_001))),
            (at(2 * MINUTE + 6_001, 6_001 + MINUTE), now(2 * MINUTE + 6_001)),
            (at(0, 6_001 + MINUTE), Err(Wrong::Back(2 * MINUTE + 6_001))),
            (at(2 * MINUTE + 6_001, 6_001 + MINUTE), now(2 * MINUTE + 6_001)),
        ];
        let mut clock = Clock::Seen(0);
        for (reading, expected) in cases {
            assert_eq!(clock.judge(reading), expected, "{reading:?}");
        }
    }

    #[test]
    fn a_clock_behind_what_the_file_has_seen_is_believed_when_it_is_past_that() {
        let seen = 1_000_000_000 + 3_600_000;
        let mut clock = Clock::Seen(seen);
        assert_eq!(clock.believed(), seen);
        assert_eq!(clock.judge(at(1, 1)), Err(Wrong::Back(3_599_999)));
        let mut corrected = clock;
        assert_eq!(corrected.judge(at(3_600_000, 10_000)), Ok(seen));
        assert_eq!(clock.judge(at(3_600_000, 3_600_000)), Ok(seen));
        let mut nearly = Clock::Seen(1_000_000_000 + MINUTE);
        assert_eq!(nearly.judge(at(0, 0)), Ok(1_000_000_000));
    }
}
