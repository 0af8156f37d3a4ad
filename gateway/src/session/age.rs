//! When a session is asked to come back: at its age, or because an operator wants others to have it.
//!
//! Each has an age of its own between half of `--max-session-age` and all of it, so that sessions that
//! came together, after a restart or a storm, do not go together. Nothing is kept for that: the age
//! follows from the session's number. Numbers are given one after another, and the multiples of the
//! golden ratio spread any row of them evenly, better than chance does (Knuth, The Art of Computer
//! Programming, section 6.4).

use protocol::{CloseReason, SessionId};

use super::state::{Rare, Session, Stage};
use crate::runtime::{clock::ticks, wheel::NEVER};

/// 2⁶⁴ divided by the golden ratio, which is odd.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The age in ticks at which the session of this number is asked to come back, where none may become older
/// than `most`.
fn age(id: SessionId, most: u32) -> u32 {
    let least = most / 2;
    let share = id.0.wrapping_mul(GOLDEN) >> 32;
    let more = (share * (u64::from(most - least) + 1)) >> 32;
    least + u32::try_from(more).unwrap_or(0)
}

impl Session {
    /// The tick in which it has reached its age; [`NEVER`] where it may become as old as it likes.
    pub(super) fn ages_at(&self) -> u32 {
        match self.local().settings.max_session_age {
            Some(most) if self.member.is_client() => {
                self.since.saturating_add(age(self.member.id, ticks(most)))
            }
            _ => NEVER,
        }
    }

    /// Asks the client to come back, because the session is old enough.
    pub(super) fn on_age(&mut self) {
        self.local().metrics.recalls.by_age.inc();
        self.close(CloseReason::Draining);
    }

    /// How idle it is; none for one that cannot be asked to come back.
    pub(crate) fn idleness(&self) -> Option<Idleness> {
        if self.stage >= Stage::Closing || !self.member.is_client() {
            return None;
        }
        let silent = self.local().tick().saturating_sub(self.allowance.last_used());
        Some(Idleness::of(silent, self.rare.as_deref().is_some_and(Rare::is_under_way)))
    }

    /// Asks the client to come back if its session was there in this tick; whether it was.
    pub(crate) fn recall(&mut self, given_at: u32) -> bool {
        let is_meant = self.idleness().is_some() && self.since <= given_at;
        if is_meant {
            self.local().metrics.recalls.by_rebalance.inc();
            self.close(CloseReason::Draining);
        }
        is_meant
    }
}

/// How idle a session is, as a class: 0 is one with which something is under way, and each further one is twice
/// as long a silence of its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Idleness(pub usize);

impl Idleness {
    /// Up to a silence of a day and more.
    pub(crate) const CLASSES: usize = 22;

    fn of(silent: u32, is_busy: bool) -> Self {
        match is_busy {
            true => Self(0),
            false => {
                let class = 1 + (u32::BITS - silent.leading_zeros()) as usize;
                Self(class.min(Self::CLASSES - 1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_age_is_between_half_and_all(id: u64, most in 2_u32..NEVER) {
            let age = age(SessionId(id), most);
            prop_assert!((most / 2..=most).contains(&age), "{age}");
        }

        /// As many in each tenth of the time, however few come together.
        #[test]
        fn sessions_that_come_together_go_evenly(first: u64, count in 100_u64..2000) {
            let mut tenths = [0_u64; 10];
            for number in 0..count {
                let age = age(SessionId(first.wrapping_add(number)), 2_000_000);
                let tenth = (age - 1_000_000) / 100_000;
                tenths[tenth.min(9) as usize] += 1;
            }
            let even = count / 10;
            prop_assert!(tenths.iter().all(|it| it.abs_diff(even) <= 4), "{tenths:?}");
        }
    }

    #[test]
    fn a_longer_silence_is_never_a_lower_class() {
        let classes =
            [0, 1, 2, 3, 4, 1000, 1_000_000, 2_000_000, u32::MAX].map(|it| Idleness::of(it, false));
        assert!(classes.is_sorted() && classes[0] > Idleness::of(u32::MAX, true), "{classes:?}");
        assert!(classes.iter().all(|it| it.0 < Idleness::CLASSES));
    }

    #[test]
    fn the_shortest_time_has_ages_too() {
        assert!((0..100).all(|id| (0..=1).contains(&age(SessionId(id), 1))));
    }
}
