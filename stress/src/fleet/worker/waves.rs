//! Which session to open next: as the pace allows, a bounded number at once, and those that
//! failed again after a growing, jittered pause. Who was asked to come back waits among them.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    time::{Duration, Instant},
};

use client::State;
use protocol::clock;

use crate::{
    fleet::wire::Wave,
    measurements::{arrivals::Arrivals, tally::Tally},
    session::failure::Failure,
    traffic::pace::Pace,
};

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
    /// Those under way that were tried before, or asked to come back.
    tried: HashMap<u32, Tried>,
    waiting: BinaryHeap<Reverse<Again>>,
    /// Sessions that were asked to come back and have not done so, under way or waiting.
    recalled: u32,
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
    tried: Tried,
    /// Why it could not be opened last; nothing where it was not tried.
    last: Option<Failure>,
}

/// What is known of a session from before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Tried {
    /// How often it could not be opened.
    count: u32,
    /// Until when it is tried again, if it was asked to come back, in microseconds since the epoch.
    recalled_until: Option<u64>,
}

/// How a session comes here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coming {
    /// For the first time.
    First,
    /// After it was dropped on purpose.
    Back,
    /// Because its server has asked it to.
    Recalled,
}

impl Coming {
    /// Where such sessions are counted.
    pub(super) fn arrivals(self, tally: &mut Tally) -> &mut Arrivals {
        match self {
            Self::First => &mut tally.arrivals,
            Self::Back => &mut tally.returns,
            Self::Recalled => &mut tally.recalls.returned,
        }
    }
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
            tried: HashMap::new(),
            waiting: BinaryHeap::new(),
            recalled: 0,
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

    /// How a session that is under way comes here.
    pub(super) fn coming(&self, number: u32) -> Coming {
        match self.tried.get(&number).and_then(|tried| tried.recalled_until) {
            Some(_) => Coming::Recalled,
            None if self.wave.returning => Coming::Back,
            None => Coming::First,
        }
    }

    /// Whether every session of the wave is open or has failed.
    pub(super) fn is_settled(&self) -> bool {
        let not_open = self.under_way as usize + self.waiting.len();
        self.fresh() == 0 && not_open == self.recalled as usize
    }

    /// A session has been asked to come back at a time in microseconds since the epoch; it is tried
    /// again until another.
    pub(super) fn recall(&mut self, number: u32, at: u64, until: u64) {
        self.recalled += 1;
        let tried = Tried { count: 0, recalled_until: Some(until) };
        self.waiting.push(Reverse(Again { at, number, due: at, tried, last: None }));
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
        self.tried.insert(again.number, again.tried);
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

    /// A session is open; says how it has come.
    pub(super) fn on_held(&mut self, number: u32) -> Coming {
        let coming = self.coming(number);
        self.under_way -= 1;
        self.tried.remove(&number);
        self.recalled -= u32::from(coming == Coming::Recalled);
        coming
    }

    /// A session could not be opened.
    pub(super) fn on_failed(&mut self, number: u32, due: u64, failure: &Failure) -> Verdict {
        self.under_way -= 1;
        let Tried { count, recalled_until } = self.tried.remove(&number).unwrap_or_default();
        let at = clock::micros_since_epoch() + pause(count).as_micros() as u64;
        let may = match recalled_until {
            Some(until) => at < until,
            None => count < self.wave.retries && at < self.until(),
        };
        if may {
            let tried = Tried { count: count + 1, recalled_until };
            self.waiting.push(Reverse(Again {
                at,
                number,
                due,
                tried,
                last: Some(failure.clone()),
            }));
            return Verdict::Again;
        }
        match recalled_until {
            Some(_) => self.recalled -= 1,
            None => self.failed.push(number),
        }
        Verdict::Failed
    }

    /// Gives up on everything of the wave that has not begun, once it is time to; why each had failed.
    pub(super) fn expire(&mut self, now: u64) -> Vec<Failure> {
        if now < self.until() {
            return Vec::new();
        }
        let fresh = self.wave.numbers.start + self.begun..self.wave.numbers.end;
        let mut failures = vec![Failure::Timeout(State::Connecting); fresh.len()];
        self.failed.extend(fresh);
        self.begun = self.wave.numbers.len() as u32;
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let (recalled, rest): (Vec<_>, Vec<_>) =
            waiting.partition(|Reverse(again)| again.tried.recalled_until.is_some());
        self.waiting = recalled.into();
        for Reverse(again) in rest {
            self.failed.push(again.number);
            failures.extend(again.last);
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
mod tests;
