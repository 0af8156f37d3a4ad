//! How many of something are due: the same schedule opens sessions and sends messages.

use std::time::Duration;

/// So many per second, or as fast as possible.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    per_second: f64,
}

impl Pace {
    /// 0 is as fast as possible.
    pub(crate) fn new(per_second: f64) -> Self {
        Self { per_second }
    }

    /// Whether nothing ever has to wait.
    pub(crate) fn is_unlimited(&self) -> bool {
        self.per_second <= 0.0
    }

    /// How many are due in all once this time has passed; the first is due at once.
    pub(crate) fn due(&self, elapsed: Duration) -> u64 {
        match self.is_unlimited() {
            true => u64::MAX,
            false => (elapsed.as_secs_f64() * self.per_second) as u64 + 1,
        }
    }

    /// When number `index` (from 0) is due, counted from the start.
    pub(crate) fn time_of(&self, index: u64) -> Duration {
        match self.is_unlimited() {
            true => Duration::ZERO,
            false => Duration::from_secs_f64(index as f64 / self.per_second),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paces_keep_their_schedule() {
        let pace = Pace::new(100.0);
        for (millis, due) in [(0, 1), (9, 1), (11, 2), (1001, 101)] {
            assert_eq!(pace.due(Duration::from_millis(millis)), due);
        }
        assert_eq!(pace.time_of(50), Duration::from_millis(500));
        assert_eq!(Pace::new(0.0).due(Duration::ZERO), u64::MAX);
        assert_eq!(Pace::new(0.0).time_of(9), Duration::ZERO);
    }
}
