//! How much a worker has to do for fan-outs, and how fast it gets on: by its own measure, whatever
//! else it and the machine are busy with.

use std::{
    iter::Sum,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

/// What a recipient is taken to cost before any was measured.
const FIRST_GUESS_NANOS: u64 = 10_000;
/// The bounds of what is believed, so that one odd measurement does not stop everything.
const PLAUSIBLE_NANOS: std::ops::RangeInclusive<u64> = 500..=2_000_000;
/// Recipients that are measured together: fewer say little.
const MEASURED: u64 = 512;

/// The work of one worker. Written by its own thread but for what is announced.
pub(crate) struct Load {
    sessions: AtomicUsize,
    unfinished: AtomicU64,
    recipients: AtomicU64,
    announced: AtomicU64,
    announced_recipients: AtomicU64,
    nanos: AtomicU64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            sessions: AtomicUsize::default(),
            unfinished: AtomicU64::default(),
            recipients: AtomicU64::default(),
            announced: AtomicU64::default(),
            announced_recipients: AtomicU64::default(),
            nanos: AtomicU64::new(FIRST_GUESS_NANOS),
        }
    }
}

impl Load {
    /// How many sessions get what is for everybody.
    pub(crate) fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    /// A session came that gets what is for everybody.
    pub(crate) fn session_came(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    /// It left.
    pub(crate) fn session_went(&self) {
        self.sessions.fetch_sub(1, Ordering::Relaxed);
    }

    /// A fan-out for about so many recipients is in the lane.
    pub(super) fn announce(&self, recipients: u64) {
        self.announced.fetch_add(1, Ordering::Relaxed);
        self.announced_recipients.fetch_add(recipients, Ordering::Relaxed);
    }

    /// The worker has taken it, and has counted it with its own since.
    pub(super) fn withdraw(&self, recipients: u64) {
        self.announced.fetch_sub(1, Ordering::Relaxed);
        self.announced_recipients.fetch_sub(recipients, Ordering::Relaxed);
    }

    /// What the worker has taken and not finished.
    pub(super) fn show(&self, backlog: Backlog) {
        self.unfinished.store(backlog.unfinished, Ordering::Relaxed);
        self.recipients.store(backlog.recipients, Ordering::Relaxed);
    }

    /// What is to be done.
    pub(super) fn backlog(&self) -> Backlog {
        let sum = |one: &AtomicU64, other: &AtomicU64| {
            one.load(Ordering::Relaxed) + other.load(Ordering::Relaxed)
        };
        Backlog {
            unfinished: sum(&self.unfinished, &self.announced),
            recipients: sum(&self.recipients, &self.announced_recipients),
        }
    }

    /// The same in time, with what is to come.
    pub(super) fn burden(&self, largest_topic: usize) -> Burden {
        let nanos = self.nanos.load(Ordering::Relaxed);
        let time = |recipients: u64| Duration::from_nanos(recipients.saturating_mul(nanos));
        let sessions = self.sessions();
        Burden {
            behind: time(self.backlog().recipients),
            all: time(sessions as u64),
            topic: time(largest_topic.min(sessions) as u64),
        }
    }

    fn measured(&self, nanos: u64) {
        let nanos = nanos.clamp(*PLAUSIBLE_NANOS.start(), *PLAUSIBLE_NANOS.end());
        // The newest half counts as much as all before it.
        let before = self.nanos.load(Ordering::Relaxed);
        self.nanos.store(before.midpoint(nanos), Ordering::Relaxed);
    }
}

/// Fan-outs that are not finished.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// How many; a fan-out counts once for each worker.
    pub unfinished: u64,
    /// Recipients that are still to get theirs.
    pub recipients: u64,
}

impl Sum for Backlog {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            unfinished: sum.unfinished + one.unfinished,
            recipients: sum.recipients + one.recipients,
        })
    }
}

/// Work in time, where workers go on side by side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Burden {
    /// Until everything accepted is done.
    pub behind: Duration,
    /// What one more push to everybody takes.
    pub all: Duration,
    /// What one more push to the largest topic takes, or up to twice that.
    pub topic: Duration,
}

impl Burden {
    /// The slower one of two workers.
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            behind: self.behind.max(other.behind),
            all: self.all.max(other.all),
            topic: self.topic.max(other.topic),
        }
    }
}

/// Measures how long a worker takes for each recipient.
#[derive(Default)]
pub(crate) struct Pace {
    recipients: u64,
    time: Duration,
}

impl Pace {
    /// Takes note of some work, and of the time it took with all that went on beside it.
    pub(crate) fn note(&mut self, load: &Load, recipients: u64, time: Duration) {
        self.recipients += recipients;
        self.time += time;
        if self.recipients >= MEASURED {
            let nanos = self.time.as_nanos() / u128::from(self.recipients);
            load.measured(u64::try_from(nanos).unwrap_or(u64::MAX));
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_follows_the_measured_pace() {
        let load = Load::default();
        (0..1000).for_each(|_| load.session_came());
        load.announce(1000);
        load.show(Backlog { unfinished: 2, recipients: 500 });
        assert_eq!(load.backlog(), Backlog { unfinished: 3, recipients: 1500 });
        let millis = |millis| Duration::from_millis(millis);
        let expected = Burden { behind: millis(15), all: millis(10), topic: millis(5) };
        assert_eq!(load.burden(500), expected, "10 µs each as long as nobody knows better");
        assert_eq!(load.burden(5000).topic, millis(10), "a topic has no more than are here");
        let mut pace = Pace::default();
        pace.note(&load, MEASURED - 1, millis(1));
        assert_eq!(load.burden(0).all, millis(10), "that says little");
        pace.note(&load, 1, millis(30) * MEASURED as u32 / 1000 - millis(1));
        assert_eq!(load.burden(0).all, millis(20), "half way to 30 µs");
        load.withdraw(1000);
        assert_eq!(load.backlog().recipients, 500);
    }
}
