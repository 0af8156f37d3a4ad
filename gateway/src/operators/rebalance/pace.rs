//! How fast sessions are asked to come back: as operators want it, and no faster than others can take them.

use std::{collections::VecDeque, time::Duration};

use protocol::link::OtherGateways;

/// For so long a session that was asked to come back may be on its way: the longest pause that it is told,
/// and a word of where it has gone. It is not among those that the others say they have.
const ON_ITS_WAY: Duration = Duration::from_secs(6);
/// What is not used of the rate is not made up for beyond this.
const MOST_BEHIND: Duration = Duration::from_millis(200);
/// Others that have no room, or are not heard of, for so long are not waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why no more sessions are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocked {
    /// No pusher-api tells of others.
    Unheard,
    /// There is no other gateway.
    Alone,
    /// They can take none.
    Full,
}

impl Blocked {
    /// As it stands in answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Unheard => "no_word",
            Self::Alone => "no_other_gateway",
            Self::Full => "no_room",
        }
    }

    /// For people.
    pub(crate) const fn detail(self) -> &'static str {
        match self {
            Self::Unheard => "no pusher-api has told what other gateways there are",
            Self::Alone => {
                "no pusher-api knows of another gateway: sessions could only come back here"
            }
            Self::Full => "the other gateways have no room for more sessions",
        }
    }
}

/// The room that others have, if sessions can go to them.
///
/// # Errors
/// Why not.
pub(crate) fn room(others: Option<OtherGateways>) -> Result<OtherGateways, Blocked> {
    match others {
        None => Err(Blocked::Unheard),
        Some(OtherGateways { gateways: 0, .. }) => Err(Blocked::Alone),
        Some(OtherGateways { room: 0, .. } | OtherGateways { per_second: 0, .. }) => {
            Err(Blocked::Full)
        }
        Some(others) => Ok(others),
    }
}

/// Lets sessions go bit by bit. Times are since some moment, and only grow.
pub(crate) struct Pace {
    /// Sessions a second at the most.
    rate: f64,
    last: Duration,
    /// What of the rate was not used yet.
    budget: f64,
    let_go: usize,
    /// Those that may be on their way, by when they were let go.
    on_their_way: VecDeque<(Duration, usize)>,
    blocked_since: Option<Duration>,
}

impl Pace {
    /// So many a second at the most, from this time on.
    pub(crate) fn new(rate: u32, now: Duration) -> Self {
        Self {
            rate: rate.into(),
            last: now,
            budget: 0.0,
            let_go: 0,
            on_their_way: VecDeque::new(),
            blocked_since: None,
        }
    }

    /// How many may go in all by this time, of what others have by now.
    ///
    /// # Errors
    /// They have not been able to take any for a while.
    pub(crate) fn step(
        &mut self,
        now: Duration,
        others: Option<OtherGateways>,
    ) -> Result<usize, Blocked> {
        let passed = now.saturating_sub(self.last);
        self.last = now;
        let others = match room(others) {
            Ok(others) => others,
            Err(blocked) => {
                let since = *self.blocked_since.get_or_insert(now);
                return match now.saturating_sub(since) >= PATIENCE {
                    true => Err(blocked),
                    false => Ok(self.let_go),
                };
            }
        };
        self.blocked_since = None;
        while self.on_their_way.front().is_some_and(|(since, _)| now - *since >= ON_ITS_WAY) {
            self.on_their_way.pop_front();
        }
        let on_their_way: usize = self.on_their_way.iter().map(|(_, count)| count).sum();
        let free = usize::try_from(others.room).unwrap_or(usize::MAX).saturating_sub(on_their_way);
        let rate = self.rate.min(others.per_second as f64);
        let most = (rate * MOST_BEHIND.as_secs_f64()).max(1.0);
        self.budget = (self.budget + rate * passed.as_secs_f64()).min(most);
        let count = (self.budget as usize).min(free);
        if count > 0 {
            self.budget -= count as f64;
            self.let_go += count;
            self.on_their_way.push_back((now, count));
        }
        Ok(self.let_go)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEP: Duration = Duration::from_millis(50);

    fn others(room: u64, per_second: u64) -> Option<OtherGateways> {
        Some(OtherGateways { gateways: 2, sessions: 10, room, per_second })
    }

    /// How many may go in all after so many steps.
    fn after(pace: &mut Pace, steps: u32, others: Option<OtherGateways>) -> Result<usize, Blocked> {
        let start = pace.last;
        (1..=steps).map(|step| pace.step(start + STEP * step, others)).last().expect("a step")
    }

    #[test]
    fn as_many_go_as_operators_want_and_others_take() {
        let pace = || Pace::new(500, Duration::ZERO);
        assert_eq!(after(&mut pace(), 200, others(1_000_000, u64::MAX)), Ok(5000));
        assert_eq!(after(&mut pace(), 200, others(1_000_000, 100)), Ok(1000));
        // Those that may be on their way have room there, too.
        assert_eq!(after(&mut pace(), 100, others(700, u64::MAX)), Ok(700));
        assert_eq!(after(&mut pace(), 200, others(700, u64::MAX)), Ok(1400));
        assert_eq!(after(&mut Pace::new(1, Duration::ZERO), 200, others(9, u64::MAX)), Ok(10));
    }

    #[test]
    fn what_was_held_up_is_not_made_up_for() {
        let mut pace = Pace::new(1000, Duration::ZERO);
        assert_eq!(pace.step(Duration::from_secs(10), others(9999, u64::MAX)), Ok(200));
    }

    #[test]
    fn who_can_take_none_is_waited_for_a_while() {
        for (others, blocked) in [
            (None, Blocked::Unheard),
            (Some(OtherGateways::default()), Blocked::Alone),
            (others(0, 9), Blocked::Full),
            (others(9, 0), Blocked::Full),
        ] {
            let mut pace = Pace::new(1000, Duration::ZERO);
            assert_eq!(after(&mut pace, 40, others), Ok(0));
            assert_eq!(after(&mut pace, 1, others), Err(blocked));
            assert_eq!(room(others), Err(blocked));
            assert!(!blocked.as_str().is_empty() && !blocked.detail().is_empty());
        }
        let mut pace = Pace::new(1000, Duration::ZERO);
        for _ in 0..10 {
            assert!(after(&mut pace, 30, others(0, 9)).is_ok());
            assert!(after(&mut pace, 1, others(1000, u64::MAX)).is_ok(), "there is room again");
        }
    }

    proptest! {
        /// Never faster than wanted, and never more on their way than there is room for.
        #[test]
        fn nobody_is_asked_to_go_where_there_is_no_room(
            rate in 1_u32..5000, rooms in prop::collection::vec((0_u64..3000, 1_u64..200), 1..60)
        ) {
            let (mut pace, mut now, mut all) = (Pace::new(rate, Duration::ZERO), Duration::ZERO, 0);
            for (room, millis) in rooms {
                now += Duration::from_millis(millis);
                let Ok(let_go) = pace.step(now, others(room, u64::MAX)) else { break };
                let on_their_way: usize = pace.on_their_way.iter().map(|(_, count)| count).sum();
                prop_assert!(let_go == all || on_their_way as u64 <= room);
                all = let_go;
                prop_assert!(all as f64 <= f64::from(rate) * now.as_secs_f64() + 1.0);
            }
        }
    }
}
