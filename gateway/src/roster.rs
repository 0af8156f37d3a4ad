//! The sessions of one worker, and when each of them wants to be woken.
//!
//! One timer wheel for all: a session has a single next deadline, kept as a number in its seat,
//! and a note in the bucket of that tick. A note whose seat says otherwise is stale and skipped,
//! so rescheduling is cheap and nothing has to be searched.

use actix::WeakAddr;
use slab::Slab;

use crate::session::Session;

/// Length of a tick.
pub const TICK: std::time::Duration = std::time::Duration::from_millis(100);
/// Deadlines further away than this many ticks are looked at again when they come this near.
const BUCKETS: u32 = 512;
/// No deadline.
pub const NEVER: u32 = u32::MAX;

struct Seat<A> {
    address: A,
    due: u32,
}

/// The sessions of one worker. `A` is how a session is reached.
pub struct Roster<A = WeakAddr<Session>> {
    seats: Slab<Seat<A>>,
    /// One more than the highest seat that was ever taken.
    end: u32,
    buckets: Vec<Vec<u32>>,
}

impl<A: Clone> Default for Roster<A> {
    fn default() -> Self {
        Self { seats: Slab::new(), end: 0, buckets: vec![Vec::new(); BUCKETS as usize] }
    }
}

impl<A: Clone> Roster<A> {
    /// Seats a session; it is not scheduled yet.
    pub fn insert(&mut self, address: A) -> u32 {
        let key = self.seats.insert(Seat { address, due: NEVER });
        let key = u32::try_from(key).expect("there are fewer sessions than descriptors");
        self.end = self.end.max(key + 1);
        key
    }

    /// Frees a seat.
    pub fn remove(&mut self, key: u32) {
        self.seats.try_remove(key as usize);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Every seat is numbered below this.
    pub fn end(&self) -> u32 {
        self.end
    }

    /// The seats that are taken.
    pub fn keys(&self) -> Vec<u32> {
        self.seats.iter().map(|(key, _)| key as u32).collect()
    }

    /// The session in a seat.
    pub fn get(&self, key: u32) -> Option<A> {
        self.seats.get(key as usize).map(|seat| seat.address.clone())
    }

    /// Sets when a session is woken next, instead of what was set before.
    pub fn schedule(&mut self, key: u32, due: u32, now: u32) {
        let Some(seat) = self.seats.get_mut(key as usize) else { return };
        let due = due.clamp(now + 1, now + BUCKETS - 1);
        if seat.due != due {
            seat.due = due;
            self.buckets[(due % BUCKETS) as usize].push(key);
        }
    }

    /// The seats noted for a tick, some of which may be stale: ask [`Self::wake`] for each.
    pub fn take_notes(&mut self, tick: u32) -> Vec<u32> {
        std::mem::take(&mut self.buckets[(tick % BUCKETS) as usize])
    }

    /// The session to wake, if its deadline is this tick.
    pub fn wake(&mut self, key: u32, tick: u32) -> Option<A> {
        let seat = self.seats.get_mut(key as usize).filter(|seat| seat.due == tick)?;
        seat.due = NEVER;
        Some(seat.address.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn woken(roster: &mut Roster<u32>, tick: u32) -> Vec<u32> {
        let notes = roster.take_notes(tick);
        let mut woken: Vec<_> = notes.iter().filter_map(|key| roster.wake(*key, tick)).collect();
        woken.sort_unstable();
        woken
    }

    #[test]
    fn a_far_deadline_is_looked_at_again() {
        let mut roster = Roster::default();
        let key = roster.insert(7);
        roster.schedule(key, 10 * BUCKETS, 0);
        let first: Vec<_> =
            (1..=BUCKETS).filter(|tick| !woken(&mut roster, *tick).is_empty()).collect();
        assert_eq!(first, [BUCKETS - 1]);
    }

    #[test]
    fn a_reused_seat_does_not_inherit_a_deadline() {
        let mut roster = Roster::default();
        let key = roster.insert(1);
        roster.schedule(key, 5, 0);
        roster.remove(key);
        let again = roster.insert(2);
        assert_eq!(again, key);
        assert!((1..BUCKETS).all(|tick| woken(&mut roster, tick).is_empty()));
    }

    proptest! {
        #[test]
        fn every_session_is_woken_once_at_its_last_deadline(
            steps in prop::collection::vec((0_u32..20, 1_u32..400), 0..80)
        ) {
            let mut roster = Roster::default();
            let keys: Vec<_> = (0..20).map(|session| roster.insert(session)).collect();
            let mut expected = HashMap::new();
            for (session, due) in steps {
                roster.schedule(keys[session as usize], due, 0);
                expected.insert(session, due);
            }
            let mut actual = HashMap::new();
            for tick in 1..=BUCKETS {
                for session in woken(&mut roster, tick) {
                    prop_assert_eq!(actual.insert(session, tick), None);
                }
            }
            prop_assert_eq!(actual, expected);
        }
    }
}
