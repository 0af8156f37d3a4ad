//! Who waits for a peer, for what, and since when: the order in which connections are given up.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The first byte of a new connection.
    Silent,
    /// The next request of a kept connection.
    Idle,
    /// The rest of a head.
    Head,
    /// The peer's own close, after a last answer.
    Farewell,
    /// The next bytes of a body.
    Body,
    /// The peer to take an answer.
    Answer,
}

impl Wait {
    const COUNT: usize = 6;
    /// No request is in progress: these go first. The first of them may not have been heard yet.
    const BEFORE: [Self; 4] = [Self::Silent, Self::Idle, Self::Head, Self::Farewell];
    /// A request is in progress and stands still.
    const WITHIN: [Self; 2] = [Self::Body, Self::Answer];
    /// Those that may hold bytes.
    const HOLDING: [Self; 3] = [Self::Head, Self::Body, Self::Answer];
}

/// How long each kind of waiting may last.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the accept, or the first byte of a later request, to the end of the head, however it
    /// trickles.
    pub head: Duration,
    /// Between two requests.
    pub keep_alive: Duration,
    /// Without a byte of a body.
    pub body: Duration,
    /// Without the peer taking a byte of an answer.
    pub answer: Duration,
    /// From the last answer to the peer's own close.
    pub farewell: Duration,
}

impl Patience {
    /// What is usual: for a client that does nothing but what it came for, anywhere in the world.
    pub const DEFAULT: Self = Self {
        head: Duration::from_secs(10),
        keep_alive: Duration::from_secs(75),
        body: Duration::from_secs(30),
        answer: Duration::from_secs(30),
        farewell: Duration::from_secs(2),
    };

    fn of(&self, wait: Wait) -> Duration {
        match wait {
            Wait::Silent | Wait::Head => self.head,
            Wait::Idle => self.keep_alive,
            Wait::Body => self.body,
            Wait::Answer => self.answer,
            Wait::Farewell => self.farewell,
        }
    }
}

/// What a new connection has said may still be on its way for so long after the accept: it is not
/// given up for others meanwhile. Whoever is nearer than that gets in, however many come.
const UNHEARD: Duration = Duration::from_millis(50);

/// Who makes room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    /// This one.
    Goes(T),
    /// Somebody, but not before.
    After(Instant),
    /// Nobody waits.
    Nobody,
}

/// A place in a line: since when, and a number that keeps apart who came at the same instant.
pub(crate) type Turn = (Instant, u64);

/// The lines of those that wait, each in the order of its beginnings.
pub(crate) struct Waits<T> {
    lines: [BTreeMap<Turn, T>; Wait::COUNT],
    number: u64,
}

impl<T> Default for Waits<T> {
    fn default() -> Self {
        Self { lines: Default::default(), number: 0 }
    }
}

impl<T: Clone> Waits<T> {
    /// Begins to wait, as one who has waited since then.
    pub(crate) fn enter(&mut self, wait: Wait, since: Instant, who: T) -> Turn {
        self.number += 1;
        let turn = (since, self.number);
        self.lines[wait as usize].insert(turn, who);
        turn
    }

    /// Ends a wait.
    pub(crate) fn leave(&mut self, wait: Wait, turn: Turn) {
        self.lines[wait as usize].remove(&turn);
    }

    /// Who makes room: of those without a request in progress the one that has waited longest, if
    /// there are any. A newcomer is given time to be heard first.
    pub(crate) fn next_to_go(&self, now: Instant) -> Next<T> {
        let first = |waits: &[Wait]| {
            let firsts = waits.iter().filter_map(|wait| self.lines[*wait as usize].iter().next());
            firsts.min_by_key(|(turn, _)| **turn)
        };
        let silent = self.lines[Wait::Silent as usize].keys().next();
        let heard_by = silent.map(|(since, _)| *since + UNHEARD).filter(|until| *until > now);
        let before = match heard_by {
            Some(_) => first(&Wait::BEFORE[1..]),
            None => first(&Wait::BEFORE),
        };
        match (before, heard_by) {
            (Some((_, who)), _) => Next::Goes(who.clone()),
            (None, Some(until)) => Next::After(until),
            (None, None) => {
                first(&Wait::WITHIN).map_or(Next::Nobody, |(_, who)| Next::Goes(who.clone()))
            }
        }
    }

    /// Who has waited longest of those that hold something, line by line.
    pub(crate) fn longest_holder(&self, holds: impl Fn(&T) -> bool) -> Option<T> {
        let mut lines = Wait::HOLDING.iter().map(|wait| &self.lines[*wait as usize]);
        lines.find_map(|line| line.values().find(|who| holds(who)).cloned())
    }

    /// Somebody whose patience is over.
    pub(crate) fn late(&self, now: Instant, patience: &Patience) -> Option<T> {
        let mut all = Wait::BEFORE.iter().chain(&Wait::WITHIN);
        all.find_map(|wait| {
            let ((since, _), who) = self.lines[*wait as usize].iter().next()?;
            (now.saturating_duration_since(*since) >= patience.of(*wait)).then(|| who.clone())
        })
    }

    /// Everybody who waits for that.
    pub(crate) fn all(&self, wait: Wait) -> Vec<T> {
        self.lines[wait as usize].values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_waited_longest_goes_first_and_requests_last() {
        let begun = Instant::now();
        let at = |second| begun + Duration::from_secs(second);
        let mut waits = Waits::default();
        let next = |waits: &Waits<&'static str>| waits.next_to_go(at(100));
        let body = waits.enter(Wait::Body, at(0), "body");
        let head = waits.enter(Wait::Head, at(2), "head");
        let idle = waits.enter(Wait::Idle, at(3), "idle");
        // A head that begins late may have been waited for since the accept.
        let old = waits.enter(Wait::Head, at(1), "old");
        assert_eq!(next(&waits), Next::Goes("old"));
        waits.leave(Wait::Head, old);
        assert_eq!(next(&waits), Next::Goes("head"));
        waits.leave(Wait::Head, head);
        assert_eq!(next(&waits), Next::Goes("idle"));
        waits.leave(Wait::Idle, idle);
        assert_eq!(next(&waits), Next::Goes("body"));
        waits.leave(Wait::Body, body);
        assert_eq!(next(&waits), Next::Nobody);
    }

    #[test]
    fn a_newcomer_is_heard_before_it_goes() {
        let begun = Instant::now();
        let later = begun + UNHEARD;
        let just_before = later - Duration::from_millis(1);
        let mut waits = Waits::default();
        waits.enter(Wait::Body, begun, "body");
        waits.enter(Wait::Silent, begun, "new");
        assert_eq!(waits.next_to_go(just_before), Next::After(later));
        assert_eq!(waits.next_to_go(later), Next::Goes("new"));
        waits.enter(Wait::Idle, just_before, "idle");
        assert_eq!(waits.next_to_go(just_before), Next::Goes("idle"));
        assert_eq!(waits.next_to_go(later), Next::Goes("new"));
    }

    #[test]
    fn those_of_one_instant_are_kept_apart() {
        let now = Instant::now();
        let mut waits = Waits::default();
        let first = waits.enter(Wait::Idle, now, 1);
        waits.enter(Wait::Idle, now, 2);
        waits.leave(Wait::Idle, first);
        assert_eq!(waits.all(Wait::Idle), [2]);
    }

    #[test]
    fn each_kind_has_its_own_patience() {
        let begun = Instant::now();
        let cases = [
            (Wait::Silent, 10),
            (Wait::Head, 10),
            (Wait::Idle, 75),
            (Wait::Body, 30),
            (Wait::Answer, 30),
            (Wait::Farewell, 2),
        ];
        for (wait, seconds) in cases {
            let mut waits = Waits::default();
            waits.enter(wait, begun, ());
            let over = begun + Duration::from_secs(seconds);
            assert_eq!(
                waits.late(over - Duration::from_millis(1), &Patience::DEFAULT),
                None,
                "{wait:?}"
            );
            assert_eq!(waits.late(over, &Patience::DEFAULT), Some(()), "{wait:?}");
        }
    }

    #[test]
    fn only_who_holds_something_is_asked_for_bytes() {
        let now = Instant::now();
        let mut waits = Waits::default();
        waits.enter(Wait::Idle, now, 9);
        waits.enter(Wait::Body, now, 0);
        waits.enter(Wait::Body, now, 5);
        assert_eq!(waits.longest_holder(|held| *held > 0), Some(5));
        waits.enter(Wait::Head, now, 1);
        assert_eq!(waits.longest_holder(|held| *held > 0), Some(1));
        assert_eq!(waits.longest_holder(|held| *held > 5), None);
    }
}
