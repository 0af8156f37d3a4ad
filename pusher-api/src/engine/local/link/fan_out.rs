//! How many pushes to topics and to everybody a gateway is given: no more than it can bring in time.
//!
//! The gateway tells how long it has to do with what it has taken, and how long one more takes
//! ([`FanOutWork`]). What was handed over and is not acknowledged is not in its last word, and is
//! counted here. A gateway that does not tell, because it is of another build, is not held back so.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use protocol::link::{FanOutWork, TargetRef};

/// A gateway that has not been heard of for this long while it has work is not waited for: it stands
/// still, and the bound of its queue holds.
const SILENCE: Duration = Duration::from_secs(1);

/// Numbers of fan-outs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FanOuts {
    /// To everybody.
    pub all: u32,
    /// To topics.
    pub topics: u32,
}

impl FanOuts {
    /// One, or none if the push is for users.
    pub(crate) fn of(target: &TargetRef<'_>) -> Self {
        match target {
            TargetRef::All => Self { all: 1, topics: 0 },
            TargetRef::Topic(_) | TargetRef::KeptTopic(..) => Self { all: 0, topics: 1 },
            TargetRef::User(_) | TargetRef::Users(_) | TargetRef::KeptUsers(_) => Self::default(),
        }
    }

    /// Whether there are none.
    pub(crate) fn is_none(self) -> bool {
        self == Self::default()
    }

    /// Adds others.
    pub(crate) fn add(&mut self, other: Self) {
        self.all += other.all;
        self.topics += other.topics;
    }

    /// Takes others away.
    pub(crate) fn remove(&mut self, other: Self) {
        self.all -= other.all;
        self.topics -= other.topics;
    }

    fn micros(self, work: FanOutWork) -> u64 {
        let all = u64::from(self.all).saturating_mul(work.all_micros);
        all.saturating_add(u64::from(self.topics).saturating_mul(work.topic_micros))
    }
}

#[derive(Debug, Default)]
struct State {
    /// The gateway's last word.
    told: Option<FanOutWork>,
    /// Handed over, or about to be, and not in there.
    untold: FanOuts,
    /// Since when nothing was heard of what there is to do.
    since: Option<Instant>,
}

impl State {
    fn ahead(&self) -> Option<u64> {
        let told = self.told?;
        Some(told.behind_micros.saturating_add(self.untold.micros(told)))
    }

    fn stands_still(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed() > SILENCE)
    }
}

/// Room for fan-outs at one gateway.
#[derive(Debug)]
pub(crate) struct FanOutRoom {
    bound: Duration,
    state: Mutex<State>,
}

impl FanOutRoom {
    /// Nothing is known of the gateway; it may be given as much as takes it this long.
    pub(super) fn new(bound: Duration) -> Self {
        Self { bound, state: Mutex::default() }
    }

    /// How long it takes until there is room for these, if there is none now. One alone is always
    /// let in, however long it takes.
    pub(crate) fn wait_for(&self, more: FanOuts) -> Option<Duration> {
        let state = self.state.lock();
        let (told, ahead) = (state.told?, state.ahead()?);
        if more.is_none() || ahead == 0 || state.stands_still() {
            return None;
        }
        let sum = Duration::from_micros(ahead.saturating_add(more.micros(told)));
        // One that alone takes longer than the bound waits until nothing is ahead of it.
        (sum > self.bound).then(|| (sum - self.bound).min(Duration::from_micros(ahead)))
    }

    /// How long the gateway has to do, as far as is known.
    pub(crate) fn behind(&self) -> Duration {
        Duration::from_micros(self.state.lock().ahead().unwrap_or_default())
    }

    /// Counts what is going to be handed over.
    pub(crate) fn take(&self, more: FanOuts) {
        if !more.is_none() {
            let mut state = self.state.lock();
            state.untold.add(more);
            state.since.get_or_insert_with(Instant::now);
        }
    }

    /// They were acknowledged, which the gateway does behind its word on them, or are not going to
    /// be.
    pub(crate) fn give_back(&self, fewer: FanOuts) {
        if !fewer.is_none() {
            let mut state = self.state.lock();
            state.untold.remove(fewer);
            state.settle();
        }
    }

    /// The gateway has told.
    pub(crate) fn told(&self, work: FanOutWork) {
        let mut state = self.state.lock();
        state.told = Some(work);
        state.settle();
    }

    /// Another connection begins, on which nothing was told so far.
    pub(crate) fn forget(&self) {
        let mut state = self.state.lock();
        (state.told, state.since) = (None, None);
    }
}

impl State {
    /// Something was heard: what is still to do is waited for from now on.
    fn settle(&mut self) {
        let busy = !self.untold.is_none() || self.told.is_some_and(|told| told.behind_micros > 0);
        self.since = busy.then(Instant::now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: FanOuts = FanOuts { all: 1, topics: 0 };
    const TOPIC: FanOuts = FanOuts { all: 0, topics: 1 };
    const USER: FanOuts = FanOuts { all: 0, topics: 0 };

    fn work(behind: u64, all: u64, topic: u64) -> FanOutWork {
        let millis = |millis: u64| millis * 1000;
        FanOutWork {
            behind_micros: millis(behind),
            all_micros: millis(all),
            topic_micros: millis(topic),
        }
    }

    fn room() -> FanOutRoom {
        FanOutRoom::new(Duration::from_secs(2))
    }

    /// How many are let in.
    fn let_in(room: &FanOutRoom, one: FanOuts) -> usize {
        let taken = (0..10_000).take_while(|_| {
            let fits = room.wait_for(one).is_none();
            if fits {
                room.take(one);
            }
            fits
        });
        taken.count()
    }

    #[test]
    fn who_tells_nothing_is_not_held_back() {
        assert_eq!(let_in(&room(), ALL), 10_000);
    }

    #[test]
    fn what_was_handed_over_counts_before_the_gateway_tells() {
        let room = room();
        room.told(work(0, 100, 10));
        assert_eq!(let_in(&room, ALL), 20);
        assert_eq!(room.wait_for(ALL), Some(Duration::from_millis(100)));
        assert_eq!(room.wait_for(USER), None, "what is for users is");
        // Told first, then acknowledged: it is counted twice for a moment, and never not at all.
        room.told(work(2000, 100, 10));
        room.give_back(FanOuts { all: 20, topics: 0 });
        assert_eq!(room.behind(), Duration::from_secs(2));
        room.told(work(1890, 100, 10));
        assert_eq!((let_in(&room, ALL), let_in(&room, TOPIC)), (1, 1));
    }

    #[test]
    fn one_that_takes_longer_than_the_bound_goes_alone() {
        let room = room();
        room.told(work(0, 8000, 0));
        assert_eq!(let_in(&room, ALL), 1);
        room.told(work(3000, 8000, 0));
        room.give_back(ALL);
        assert_eq!(room.wait_for(ALL), Some(Duration::from_secs(3)));
        room.told(work(0, 8000, 0));
        assert_eq!(room.wait_for(ALL), None);
    }

    #[test]
    fn a_gateway_that_stands_still_is_not_waited_for() {
        let room = room();
        room.told(work(0, 3000, 0));
        room.take(ALL);
        assert!(room.wait_for(ALL).is_some());
        let long_ago = Instant::now().checked_sub(2 * SILENCE);
        room.state.lock().since = long_ago;
        assert_eq!(room.wait_for(ALL), None);
        room.told(work(3000, 3000, 0));
        assert!(room.wait_for(ALL).is_some(), "it goes on");
        room.forget();
        assert_eq!(room.wait_for(ALL), None, "another connection has told nothing");
    }
}
