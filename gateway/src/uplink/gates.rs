//! Who waits until a pusher-api knows that they are here, or subscribed. A plain value; time is told to it.
//!
//! A pusher-api that does not confirm in time is waited for once: from then on it lags, and nobody
//! waits for it until it confirms again as fast as it should.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a hello waits for a pusher-api that does not confirm, or whose link was lost.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// Opens when the last queue that held it has let go, by being dropped. It must not be dropped
/// while a queue is locked: whoever waits behind it may send something up.
pub trait Gate: Send + Sync {}

/// A gate, and since when it is held.
pub(super) struct Waiting {
    seq: u64,
    since: Instant,
    _gate: Arc<dyn Gate>,
}

/// What becomes of a gate that shall be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// It is held.
    Waits,
    /// The pusher-api knows everything.
    Confirmed,
    /// The pusher-api lags and is not waited for.
    Lagging,
}

/// The changes up to this one were told at this time; how long they take shows how it is now.
struct Probe {
    seq: u64,
    since: Instant,
}

/// The gates of one link. Those that opened are handed out, to be dropped when nothing is locked.
#[derive(Default)]
pub(super) struct Gates {
    appended: u64,
    confirmed: u64,
    waiting: VecDeque<Waiting>,
    lag: Option<Probe>,
    /// When the connection was lost.
    left: Option<Instant>,
}

impl Gates {
    /// Counts a change that is told.
    pub(super) fn append(&mut self) {
        self.appended += 1;
    }

    /// The number of the last change that was told.
    pub(super) fn appended(&self) -> u64 {
        self.appended
    }

    /// Whether the pusher-api is not waited for.
    pub(super) fn is_lagging(&self) -> bool {
        self.lag.is_some()
    }

    /// Whether the pusher-api knows of every change so far.
    pub(super) fn is_confirmed(&self) -> bool {
        // After a loss nobody knows what it has heard of.
        self.left.is_none() && self.confirmed >= self.appended
    }

    /// Holds a gate until the pusher-api knows of every change so far, if it does not.
    pub(super) fn hold(&mut self, gate: &Arc<dyn Gate>, now: Instant) -> Held {
        if self.is_confirmed() {
            return Held::Confirmed;
        }
        if self.lag.is_some() {
            return Held::Lagging;
        }
        let waiting = Waiting { seq: self.appended, since: now, _gate: Arc::clone(gate) };
        self.waiting.push_back(waiting);
        Held::Waits
    }

    /// Takes note that the pusher-api knows of every change up to this one. Returns what opens.
    pub(super) fn confirm(&mut self, seq: u64, now: Instant) -> Vec<Waiting> {
        self.confirmed = self.confirmed.max(seq.min(self.appended));
        if let Some(probe) = self.lag.take_if(|probe| probe.seq <= seq) {
            let is_prompt = now.duration_since(probe.since) <= PATIENCE;
            if !is_prompt && self.confirmed < self.appended {
                self.lag = Some(Probe { seq: self.appended, since: now });
            }
        }
        self.open_first(|waiting| waiting.seq <= seq)
    }

    /// Looks whether anybody has waited too long. Then nobody waits any longer; returns who did.
    pub(super) fn look(&mut self, now: Instant) -> Vec<Waiting> {
        let is_late = |waiting: &Waiting| now.duration_since(waiting.since) > PATIENCE;
        if self.left.is_some() {
            // They wait for who may come back, each for as long as it may.
            return self.open_first(is_late);
        }
        if self.waiting.front().is_some_and(is_late) {
            self.lag = Some(Probe { seq: self.appended, since: now });
            return self.take_all();
        }
        Vec::new()
    }

    /// The connection is lost; who waits goes on waiting until the pusher-api is known to know.
    pub(super) fn leave(&mut self, now: Instant) {
        self.left.get_or_insert(now);
    }

    /// Whether the connection was lost so long ago that nobody waits for the next.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.left.is_some_and(|left| now.duration_since(left) > PATIENCE)
    }

    /// Hands out all gates.
    pub(super) fn take_all(&mut self) -> Vec<Waiting> {
        self.waiting.drain(..).collect()
    }

    fn open_first(&mut self, holds: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        let count = self.waiting.partition_point(holds);
        self.waiting.drain(..count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Door;

    impl Gate for Door {}

    fn door() -> Arc<dyn Gate> {
        Arc::new(Door)
    }

    struct Fixture {
        gates: Gates,
        begun: Instant,
    }

    impl Fixture {
        fn new() -> Self {
            Self { gates: Gates::default(), begun: Instant::now() }
        }

        fn at(&self, millis: u64) -> Instant {
            self.begun + Duration::from_millis(millis)
        }

        /// A session comes; what becomes of its gate.
        fn come(&mut self, millis: u64) -> Held {
            self.gates.append();
            let now = self.at(millis);
            self.gates.hold(&door(), now)
        }

        fn confirm(&mut self, seq: u64, millis: u64) -> usize {
            let now = self.at(millis);
            self.gates.confirm(seq, now).len()
        }

        fn look(&mut self, millis: u64) -> usize {
            let now = self.at(millis);
            self.gates.look(now).len()
        }
    }

    #[test]
    fn gates_open_as_their_changes_are_confirmed() {
        let mut it = Fixture::new();
        assert_eq!(it.gates.hold(&door(), it.begun), Held::Confirmed, "nothing was told");
        assert_eq!([it.come(0), it.come(1), it.come(2)], [Held::Waits; 3]);
        assert_eq!((it.confirm(2, 3), it.confirm(2, 3), it.confirm(9, 4)), (2, 0, 1));
        assert_eq!(it.gates.hold(&door(), it.at(4)), Held::Confirmed);
        assert_eq!(it.come(5), Held::Waits, "what was not told yet was not confirmed");
    }

    #[test]
    fn one_that_does_not_confirm_is_waited_for_once() {
        let mut it = Fixture::new();
        assert_eq!([it.come(0), it.come(900)], [Held::Waits; 2]);
        assert_eq!((it.look(1000), it.look(1001)), (0, 2), "the late one opens the others, too");
        for millis in [1002, 5000, 100_000] {
            assert_eq!(it.come(millis), Held::Lagging);
        }
        assert_eq!(it.confirm(1, 100_001), 0);
        assert_eq!(it.come(100_001), Held::Lagging, "it is far behind");
        assert_eq!(it.confirm(it.gates.appended(), 100_002), 0);
        assert_eq!(it.come(100_003), Held::Waits, "it knows everything again");
    }

    #[test]
    fn one_that_is_always_late_lags_until_it_is_prompt() {
        let mut it = Fixture::new();
        it.come(0);
        assert_eq!(it.look(1001), 1);
        it.come(1100);
        it.come(1200);
        it.confirm(2, 2500);
        assert!(it.gates.is_lagging(), "too late, and behind");
        it.confirm(3, 2600);
        assert!(!it.gates.is_lagging(), "prompt");
    }

    #[test]
    fn who_waits_goes_on_waiting_when_the_connection_is_lost() {
        let mut lost = Fixture::new();
        lost.come(0);
        lost.gates.leave(lost.at(10));
        assert_eq!(lost.gates.hold(&door(), lost.at(900)), Held::Waits, "also who comes later");
        assert_eq!((lost.look(1000), lost.look(1001)), (0, 1), "each for as long as it may");
        assert!(!lost.gates.is_lagging(), "it may be well");
        assert_eq!(lost.gates.take_all().len(), 1);
    }

    #[test]
    fn nobody_waits_for_ever_for_one_that_stays_away() {
        let mut it = Fixture::new();
        it.gates.leave(it.begun);
        assert_eq!(it.gates.hold(&door(), it.at(500)), Held::Waits);
        assert!(!it.gates.is_over(it.at(1000)));
        assert!(it.gates.is_over(it.at(1001)));
        assert_eq!(it.gates.take_all().len(), 1);
    }
}
