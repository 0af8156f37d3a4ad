//! Which session to open next: as the pace allows, a bounded number at once, and those that
//! failed again after a growing, jittered pause.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    time::{Duration, Instant},
};

use client::State;
use protocol::clock;

use crate::{fleet::wire::Wave, session::failure::Failure, traffic::pace::Pace};

/// The first pause before a session is tried again; doubled every time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Where the wave of sessions that is being opened stands.
pub(super) struct Opening {
    wave: Wave,
    pace: Pace,
    started: (Instant, u64),
    begun: u32,
    concurrency: u32,
    under_way: u32,
    /// How often sessions under way have been tried before.
    tries: HashMap<u32, u32>,
    waiting: BinaryHeap<Reverse<Again>>,
    failed: Vec<u32>,
}

/// A session that is to be opened now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) number: u32,
    /// When it was due for the first time, in microseconds since the epoch: at a given rate by the
    /// schedule, however late it is; otherwise now.
    pub(super) due: u64,
}

/// A session that is to be tried again.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Again {
    /// When it is to be tried.
    at: u64,
    number: u32,
    /// When it was due for the first time.
    due: u64,
    tries: u32,
    last: Failure,
}

/// What becomes of a session that could not be opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is tried again.
    Again,
    /// It has failed.
    Failed,
}

impl Opening {
    /// Nothing of the wave has begun.
    pub(super) fn new(wave: Wave, concurrency: u32) -> Self {
        Self {
            pace: Pace::new(wave.rate),
            wave,
            started: (Instant::now(), clock::micros_since_epoch()),
            begun: 0,
            concurrency,
            under_way: 0,
            tries: HashMap::new(),
            waiting: BinaryHeap::new(),
            failed: Vec::new(),
        }
    }

    /// Whether these sessions were open before.
    pub(super) fn is_returning(&self) -> bool {
        self.wave.returning
    }

    /// When to give up, in microseconds since the epoch.
    pub(super) fn until(&self) -> u64 {
        self.wave.until.unwrap_or(u64::MAX)
    }

    /// Whether every session is open or has failed.
    pub(super) fn is_settled(&self) -> bool {
        self.fresh() == 0 && self.under_way == 0 && self.waiting.is_empty()
    }

    /// The numbers of the sessions that could not be opened.
    pub(super) fn take_failed(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.failed)
    }

    /// How long nothing has to be opened; `None` while only other events can change that.
    pub(super) fn next_due(&self) -> Option<Duration> {
        if self.under_way >= self.concurrency {
            return None;
        }
        let fresh = (self.fresh() > 0).then(|| {
            self.pace.time_of(u64::from(self.begun)).saturating_sub(self.started.0.elapsed())
        });
        let again = self.waiting.peek().map(|Reverse(again)| {
            Duration::from_micros(again.at.saturating_sub(clock::micros_since_epoch()))
        });
        fresh.into_iter().chain(again).min()
    }

    /// The next session to open, if one is due.
    pub(super) fn begin(&mut self) -> Option<Begun> {
        if self.under_way >= self.concurrency {
            return None;
        }
        let begun = self.begin_again().or_else(|| self.begin_fresh())?;
        self.under_way += 1;
        Some(begun)
    }

    fn begin_again(&mut self) -> Option<Begun> {
        let due =
            self.waiting.peek().is_some_and(|Reverse(it)| it.at <= clock::micros_since_epoch());
        let Reverse(again) = due.then(|| self.waiting.pop()).flatten()?;
        self.tries.insert(again.number, again.tries);
        Some(Begun { number: again.number, due: again.due })
    }

    fn begin_fresh(&mut self) -> Option<Begun> {
        let since = self.pace.time_of(u64::from(self.begun));
        (since <= self.started.0.elapsed() && self.fresh() > 0).then(|| {
            self.begun += 1;
            let due = match self.pace.is_unlimited() {
                true => clock::micros_since_epoch(),
                false => self.started.1 + since.as_micros() as u64,
            };
            Begun { number: self.wave.numbers.start + self.begun - 1, due }
        })
    }

    fn fresh(&self) -> u32 {
        self.wave.numbers.len() as u32 - self.begun
    }

    /// A session is open.
    pub(super) fn on_held(&mut self, number: u32) {
        self.under_way -= 1;
        if !self.tries.is_empty() {
            self.tries.remove(&number);
        }
    }

    /// A session could not be opened.
    pub(super) fn on_failed(&mut self, number: u32, due: u64, failure: &Failure) -> Verdict {
        self.under_way -= 1;
        let tries = self.tries.remove(&number).unwrap_or_default();
        let at = clock::micros_since_epoch() + pause(tries).as_micros() as u64;
        if tries < self.wave.retries && at < self.until() {
            self.waiting.push(Reverse(Again {
                at,
                number,
                due,
                tries: tries + 1,
                last: failure.clone(),
            }));
            return Verdict::Again;
        }
        self.failed.push(number);
        Verdict::Failed
    }

    /// Gives up on everything that has not begun, once it is time to; why each had failed.
    pub(super) fn expire(&mut self, now: u64) -> Vec<Failure> {
        if now < self.until() {
            return Vec::new();
        }
        let fresh = self.wave.numbers.start + self.begun..self.wave.numbers.end;
        let mut failures = vec![Failure::Timeout(State::Connecting); fresh.len()];
        self.failed.extend(fresh);
        self.begun = self.wave.numbers.len() as u32;
        for Reverse(again) in self.waiting.drain() {
            self.failed.push(again.number);
            failures.push(again.last);
        }
        failures
    }
}

/// Between half and one and a half times the doubled pause, so that those who failed together do
/// not come back together.
fn pause(tries: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << tries.min(10)).min(LONGEST_PAUSE);
    doubled.mul_f64(0.5 + fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(numbers: std::ops::Range<u32>, retries: u32, until: Option<u64>) -> Wave {
        Wave { numbers, rate: 0.0, retries, until, returning: false }
    }

    #[test]
    fn a_bounded_number_is_under_way() {
        let mut opening = Opening::new(wave(5..8, 0, None), 2);
        let mut begin = || opening.begin().map(|begun| begun.number);
        assert_eq!((begin(), begin(), begin()), (Some(5), Some(6), None));
        assert_eq!(opening.next_due(), None);
        opening.on_held(5);
        assert_eq!(opening.next_due(), Some(Duration::ZERO));
        assert_eq!(opening.begin().map(|begun| begun.number), Some(7));
        opening.on_held(6);
        assert_eq!(opening.on_failed(7, 0, &Failure::Status(503)), Verdict::Failed);
        assert!(opening.is_settled());
        assert_eq!(opening.take_failed(), [7]);
    }

    #[test]
    fn sessions_are_due_by_the_schedule_however_late_they_begin() {
        let slow = Wave { rate: 1000.0, ..wave(0..5, 0, None) };
        let mut opening = Opening::new(slow, 1);
        let start = opening.started.1;
        for step in 0..5 {
            let begun = loop {
                match opening.begin() {
                    Some(begun) => break begun,
                    None => std::thread::yield_now(),
                }
            };
            assert_eq!(begun, Begun { number: step, due: start + u64::from(step) * 1000 });
            std::thread::sleep(Duration::from_millis(3));
            opening.on_held(step);
        }
    }

    #[test]
    fn failures_are_tried_again_as_often_as_allowed() {
        let mut opening = Opening::new(wave(0..1, 2, None), 1);
        for _ in 0..2 {
            let begun = loop {
                if let Some(begun) = opening.begin() {
                    break begun;
                }
                std::thread::yield_now();
            };
            let verdict = opening.on_failed(begun.number, 17, &Failure::Status(503));
            assert_eq!(verdict, Verdict::Again);
            assert!(!opening.is_settled());
            assert!(opening.next_due().expect("one waits") < Duration::from_secs(1));
        }
        // Its time counts from when it was due first.
        loop {
            match opening.begin() {
                Some(begun) => break assert_eq!(begun, Begun { number: 0, due: 17 }),
                None => std::thread::yield_now(),
            }
        }
        assert_eq!(opening.on_failed(0, 0, &Failure::Status(503)), Verdict::Failed);
        assert!(opening.is_settled());
    }

    #[test]
    fn after_the_deadline_what_waits_has_failed() {
        let soon = clock::micros_since_epoch() + 3_600_000_000;
        let mut opening = Opening::new(wave(0..3, 9, Some(soon)), 1);
        assert_eq!(opening.begin().map(|begun| begun.number), Some(0));
        assert_eq!(opening.on_failed(0, 0, &Failure::Status(503)), Verdict::Again);
        assert_eq!(opening.expire(soon - 1), []);
        assert_eq!(opening.expire(soon).len(), 3);
        assert_eq!(opening.take_failed(), [1, 2, 0]);
        assert!(opening.is_settled());
        let mut late = Opening::new(wave(0..1, 9, Some(0)), 1);
        late.begin();
        assert_eq!(late.on_failed(0, 0, &Failure::Status(503)), Verdict::Failed);
    }

    #[test]
    fn pauses_grow_up_to_a_limit() {
        for tries in [0, 1, 5, 30] {
            let doubled = FIRST_PAUSE.saturating_mul(1 << tries.min(10)).min(LONGEST_PAUSE);
            let pause = pause(tries);
            assert!(pause >= doubled / 2 && pause <= doubled * 3 / 2, "{tries}: {pause:?}");
        }
    }
}
