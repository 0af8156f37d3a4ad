//! Sessions that their server has asked to come back, and those that did.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{arrivals::Arrivals, sum::add};

/// How many were asked, and what became of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recalls {
    /// Sessions that were asked, by the reason that they were told.
    pub reasons: BTreeMap<String, u64>,
    /// Sessions that were asked in each second since the epoch.
    pub per_second: BTreeMap<u64, u64>,
    /// The shortest and the longest time after which they were to come back, in milliseconds.
    pub pauses: Option<(u64, u64)>,
    /// Those that came back, from when each was to.
    pub returned: Arrivals,
    /// Those that could not come back in time.
    pub failed: u64,
    /// Messages that were for such sessions while they were away.
    pub missed: u64,
    /// Sessions to which nothing has come since they were asked: the number of the last message that had. It is for
    /// who knows how many were sent, and stands in no report.
    pub unheard: BTreeMap<u32, u32>,
}

impl Recalls {
    /// A session was asked to come back after this time.
    pub(crate) fn on_asked(&mut self, reason: &str, after: Duration, now: u64) {
        let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        match self.reasons.get_mut(reason) {
            Some(count) => *count += 1,
            None => drop(self.reasons.insert(reason.to_owned(), 1)),
        }
        *self.per_second.entry(now / 1_000_000).or_default() += 1;
        self.pauses = wider(self.pauses, Some((millis, millis)));
    }

    /// How many were asked.
    pub(crate) fn asked(&self) -> u64 {
        self.reasons.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How many are neither back nor given up.
    pub(crate) fn away(&self) -> u64 {
        self.asked().saturating_sub(self.returned.held).saturating_sub(self.failed)
    }

    /// Adds those of another worker.
    pub(super) fn merge(&mut self, other: Self) {
        for (reason, count) in other.reasons {
            add(self.reasons.entry(reason).or_default(), count);
        }
        for (second, count) in other.per_second {
            add(self.per_second.entry(second).or_default(), count);
        }
        self.pauses = wider(self.pauses, other.pauses);
        self.returned.merge(other.returned);
        add(&mut self.failed, other.failed);
        add(&mut self.missed, other.missed);
        self.unheard.extend(other.unheard);
    }
}

fn wider(one: Option<(u64, u64)>, other: Option<(u64, u64)>) -> Option<(u64, u64)> {
    match (one, other) {
        (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
        (one, other) => one.or(other),
    }
}
