//! A rate that was asked for, and what became of it.

use serde::{Deserialize, Serialize};

/// Being late by this share and this many seconds is no wonder.
const SLACK: (f64, f64) = (1.1, 1.0);

/// So many a second were asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct AskedRate {
    /// The rate.
    pub per_second: f64,
    /// How many there were.
    pub count: u64,
    /// How long they took, in seconds.
    pub seconds: f64,
}

impl AskedRate {
    /// Nothing yet; `None` for "as fast as possible".
    pub(crate) fn new(per_second: f64) -> Option<Self> {
        (per_second > 0.0).then_some(Self { per_second, ..Self::default() })
    }

    /// So many took so long; `None` for "as fast as possible".
    pub(crate) fn of(per_second: f64, count: u64, seconds: f64) -> Option<Self> {
        Self::new(per_second).map(|rate| Self { count, seconds, ..rate })
    }

    /// So many more took so long.
    pub(crate) fn add(&mut self, count: u64, seconds: f64) {
        self.count = self.count.saturating_add(count);
        self.seconds += seconds;
    }

    /// What was achieved.
    pub(crate) fn achieved(&self) -> f64 {
        if self.seconds > 0.0 { self.count as f64 / self.seconds } else { 0.0 }
    }

    /// Whether it was not kept: it took clearly longer than it had to.
    pub(crate) fn is_behind(&self) -> bool {
        let planned = self.count as f64 / self.per_second;
        self.seconds > planned * SLACK.0 + SLACK.1
    }

    /// Of several runs, the one that kept it least.
    pub(crate) fn worst(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let kept = |it: &Self| it.achieved() / it.per_second;
        one.into_iter().chain(other).min_by(|a, b| kept(a).total_cmp(&kept(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_second: f64, count: u64, seconds: f64) -> AskedRate {
        AskedRate { per_second, count, seconds }
    }

    #[test]
    fn a_rate_that_was_not_kept_shows() {
        assert!(!rate(1000.0, 10_000, 10.2).is_behind());
        assert!(rate(1000.0, 1000, 20.4).is_behind());
        // Little of anything is over before it could be on time.
        assert!(!rate(1000.0, 20, 0.1).is_behind());
        assert_eq!(AskedRate::new(0.0), None);
        let (good, bad) = (rate(10.0, 10, 1.0), rate(1000.0, 10, 1.0));
        assert_eq!(AskedRate::worst(Some(good), Some(bad)), Some(bad));
        assert_eq!(AskedRate::worst(None, Some(good)), Some(good));
    }
}
