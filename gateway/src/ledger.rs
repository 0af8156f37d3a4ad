//! What of its memory others can make this process hold, by what it is held for, each with a bound.
//!
//! The bounds are shares of the memory there is, fixed here for all of them, so that together they
//! leave room for everything else. What happens at a bound befalls those who hold most: whoever is
//! addressed next has no part in it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use limits::Headroom;

use crate::settings::Settings;

/// Where neither a control group nor the machine says how much there is.
const UNKNOWN_MEMORY: usize = 1 << 30;
/// Above this, pushes that wait are a backlog and no longer a buffer.
const MOST_PUSHES: usize = 1 << 30;
/// Below this no bound is useful.
const LEAST: usize = 4 << 20;

/// The memory that the process may plan with: what is set, else what its control group or the machine
/// has.
pub(crate) fn planned_memory(settings: &Settings) -> Option<u64> {
    let set = settings.memory.and_then(|bytes| u64::try_from(bytes).ok());
    set.or_else(|| Headroom::of_this_process().limit())
}

/// The most bytes that each kind of holder may have in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Frames and messages of clients that have not come whole.
    pub incomplete: usize,
    /// What the queues of slow clients take themselves.
    pub queues: usize,
    /// Pushes that wait, each once however many wait for it, and their places in mailboxes.
    pub pushes: usize,
    /// The topics that sessions are subscribed to.
    pub topics: usize,
}

impl Bounds {
    /// The bounds where there are so many bytes of memory: 3/8 of it together. The rest is for the
    /// sessions themselves, for links, and for what the kernel keeps of sockets.
    pub(crate) fn of(settings: &Settings, memory: Option<u64>) -> Self {
        let memory = memory.and_then(|bytes| usize::try_from(bytes).ok());
        let memory = memory.unwrap_or(UNKNOWN_MEMORY);
        let share = |part: usize| (memory / part).max(LEAST);
        Self {
            // Whatever there is, the largest frame has room to come.
            incomplete: share(16).max(4 * settings.max_frame),
            queues: share(16),
            pushes: settings.push_memory.unwrap_or_else(|| share(8).min(MOST_PUSHES)),
            topics: share(8),
        }
    }
}

/// Bytes that some sessions hold, against their bound.
#[derive(Debug)]
pub(crate) struct Account {
    used: AtomicUsize,
    holders: AtomicUsize,
    limit: usize,
}

impl Account {
    fn new(limit: usize) -> Self {
        Self { used: AtomicUsize::new(0), holders: AtomicUsize::new(0), limit }
    }

    /// Takes note that a holder has `now` bytes instead of `before`.
    pub(crate) fn change(&self, before: usize, now: usize) {
        match before <= now {
            true => self.used.fetch_add(now - before, Ordering::Relaxed),
            false => self.used.fetch_sub(before - now, Ordering::Relaxed),
        };
        match (before, now) {
            (0, 1..) => self.holders.fetch_add(1, Ordering::Relaxed),
            (1.., 0) => self.holders.fetch_sub(1, Ordering::Relaxed),
            _ => return,
        };
    }

    /// Takes bytes, if there is room for them.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > self.limit {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        true
    }

    /// Gives back bytes that were taken.
    pub(crate) fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes held now.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// The most there may be.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// What each holder has on average: those who have less are not what is too much.
    pub(crate) fn average(&self) -> usize {
        self.used() / self.holders.load(Ordering::Relaxed).max(1)
    }

    /// What has to go when there is too much: a little more, so that the next byte is not too much
    /// again.
    pub(crate) fn excess(&self) -> usize {
        excess(self.used(), self.limit)
    }
}

/// What has to go of `used` bytes when they are more than `limit`: down to seven eighths of it.
pub(crate) fn excess(used: usize, limit: usize) -> usize {
    match used > limit {
        true => used - limit / 8 * 7,
        false => 0,
    }
}

/// The accounts of what sessions hold.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Frames and messages that have not come whole.
    pub incomplete: Account,
    /// What queues take themselves.
    pub queues: Account,
    /// Bytes that wait for slow clients: what each has of shared frames counts for each, so that no
    /// bound fits them all together.
    pub waiting: Account,
    /// Topics of subscriptions.
    pub topics: Account,
    short: AtomicBool,
}

impl Ledger {
    /// Nothing is held yet.
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            incomplete: Account::new(bounds.incomplete),
            queues: Account::new(bounds.queues),
            waiting: Account::new(usize::MAX),
            topics: Account::new(bounds.topics),
            short: AtomicBool::new(false),
        }
    }

    /// Takes note whether less memory is left than should be.
    pub(crate) fn set_short(&self, short: bool) {
        self.short.store(short, Ordering::Relaxed);
    }

    /// Whether less memory is left than should be, whoever took it.
    pub(crate) fn is_short(&self) -> bool {
        self.short.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    const MIB: usize = 1 << 20;

    #[test]
    fn bounds_are_shares_of_the_memory_there_is() {
        let bounds = |flags: &[&str], mib: u64| {
            let Bounds { incomplete, queues, pushes, topics } =
                Bounds::of(&settings(flags), Some(mib << 20));
            [incomplete, queues, pushes, topics].map(|bytes| bytes / MIB)
        };
        assert_eq!(bounds(&[], 128), [8, 8, 16, 16]);
        assert_eq!(bounds(&[], 2048), [128, 128, 256, 256]);
        assert_eq!(bounds(&[], 16), [4, 4, 4, 4], "the least");
        assert_eq!(bounds(&[], 65_536)[2], 1024, "the most");
        assert_eq!(bounds(&["--push-memory=5MiB"], 65_536)[2], 5);
        assert_eq!(bounds(&["--max-frame=16MiB"], 128)[0], 64);
    }

    #[test]
    fn an_account_knows_what_each_holds_on_average() {
        let account = Account::new(80);
        account.change(0, 50);
        account.change(0, 10);
        assert_eq!((account.used(), account.average(), account.excess()), (60, 30, 0));
        account.change(10, 40);
        assert_eq!((account.used(), account.average(), account.excess()), (90, 45, 20));
        account.change(50, 0);
        account.change(40, 0);
        assert_eq!((account.used(), account.average()), (0, 0));
    }

    #[test]
    fn what_is_taken_stays_within_the_bound() {
        let account = Account::new(10);
        assert!(account.take(6) && !account.take(5) && account.take(4) && !account.take(1));
        account.give_back(6);
        assert!(account.take(6));
        assert_eq!(account.used(), 10);
    }
}
