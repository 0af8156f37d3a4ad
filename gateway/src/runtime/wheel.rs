//! When each session of a worker wants to be woken: one timer wheel for all of them.
//!
//! A session has a single next deadline, which it keeps itself, and a note in the bucket of that
//! tick. A note that does not agree with its session is stale and skipped, so rescheduling is cheap
//! and nothing has to be searched.

/// Length of a tick: what is due in it is done in one go (docs/decisions/wheel.md).
pub(crate) const TICK: std::time::Duration = std::time::Duration::from_millis(50);
/// Deadlines further away than this many ticks, 25.6 s, are looked at again when they come this near.
pub(crate) const BUCKETS: u32 = 512;
/// No deadline.
pub const NEVER: u32 = u32::MAX;

/// Notes of which session to look at in which tick.
pub struct Wheel {
    buckets: Vec<Vec<u32>>,
}

impl Default for Wheel {
    fn default() -> Self {
        Self { buckets: vec![Vec::new(); BUCKETS as usize] }
    }
}

impl Wheel {
    /// The tick in which a deadline is looked at, from `now`: the next one at the earliest, and at
    /// the latest the last one before the wheel comes round.
    pub fn reachable(due: u32, now: u32) -> u32 {
        due.clamp(now + 1, now + BUCKETS - 1)
    }

    /// Notes that a session is to be looked at in a tick, which must be [`Self::reachable`].
    pub fn note(&mut self, key: u32, tick: u32) {
        self.buckets[(tick % BUCKETS) as usize].push(key);
    }

    /// The notes of a tick, some of which may be stale.
    pub fn take(&mut self, tick: u32) -> Vec<u32> {
        std::mem::take(&mut self.buckets[(tick % BUCKETS) as usize])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// Sessions that keep their deadlines as the real ones do.
    #[derive(Default)]
    struct Sessions {
        wheel: Wheel,
        due: HashMap<u32, u32>,
    }

    impl Sessions {
        fn schedule(&mut self, key: u32, due: u32, now: u32) {
            let due = Wheel::reachable(due, now);
            if self.due.insert(key, due) != Some(due) {
                self.wheel.note(key, due);
            }
        }

        fn woken(&mut self, tick: u32) -> Vec<u32> {
            let notes = self.wheel.take(tick);
            let is_due = |key: &u32| self.due.get(key) == Some(&tick);
            let mut woken: Vec<_> = notes.into_iter().filter(is_due).collect();
            woken.sort_unstable();
            woken.dedup();
            self.due.retain(|key, _| !woken.contains(key));
            woken
        }
    }

    #[test]
    fn a_far_deadline_is_looked_at_again() {
        let mut sessions = Sessions::default();
        sessions.schedule(7, 10 * BUCKETS, 0);
        let first: Vec<_> =
            (1..=BUCKETS).filter(|tick| !sessions.woken(*tick).is_empty()).collect();
        assert_eq!(first, [BUCKETS - 1]);
    }

    #[test]
    fn a_past_deadline_is_looked_at_in_the_next_tick() {
        let mut sessions = Sessions::default();
        sessions.schedule(7, 3, 10);
        assert_eq!(sessions.woken(11), [7]);
        assert!(sessions.wheel.take(11 + BUCKETS).is_empty(), "a note is there once");
    }

    proptest! {
        /// While time passes, too, and the wheel comes round: what is too far is looked at again.
        #[test]
        fn every_session_is_woken_once_at_its_last_deadline(
            start in 0..3 * BUCKETS,
            steps in prop::collection::vec((0_u32..20, 0..3 * BUCKETS, 0_u32..300), 0..40)
        ) {
            let (mut sessions, mut now) = (Sessions::default(), start);
            let mut expected = HashMap::new();
            for (key, ahead, pass) in steps.into_iter().chain([(0, 0, 4 * BUCKETS)]) {
                let due = now + ahead;
                sessions.schedule(key, due, now);
                expected.insert(key, due.max(now + 1));
                for tick in now + 1..=now + pass {
                    for key in sessions.woken(tick) {
                        let due = expected[&key];
                        prop_assert!(tick <= due, "{key} at {tick} instead of {due}");
                        if tick < due {
                            sessions.schedule(key, due, tick);
                        } else {
                            expected.remove(&key);
                        }
                    }
                    prop_assert!(expected.values().all(|due| *due > tick), "{tick}: {expected:?}");
                }
                now += pass;
            }
            prop_assert!(expected.is_empty(), "{expected:?}");
        }
    }
}
