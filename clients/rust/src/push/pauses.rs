//! How long to wait before the next try.

use std::time::Duration;

/// The longest first pause; doubled with every try that failed.
const FIRST: Duration = Duration::from_millis(250);

/// Pauses that grow while tries fail.
#[derive(Debug)]
pub(super) struct Pauses {
    longest: Duration,
    failures: u32,
}

impl Pauses {
    /// Pauses of at most so much, but for what a server tells.
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, failures: 0 }
    }

    /// A try has failed: how long to wait. At random from nothing up, so that clients that failed together do not
    /// come back together; on top of what the server has told, which is the same for all of them.
    pub(super) fn next(&mut self, told: Option<Duration>) -> Duration {
        let most = FIRST.saturating_mul(1 << self.failures.min(16)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        told.unwrap_or_default() + most.mul_f64(fastrand::f64())
    }

    /// A try has succeeded.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest_and_begin_anew() {
        let longest = Duration::from_secs(4);
        let mut pauses = Pauses::new(longest);
        let most = |failures| {
            let tries = (0..300).map(|_| Pauses { longest, failures }.next(None));
            tries.max().unwrap_or_default()
        };
        assert!(most(0) <= FIRST && most(2) > 2 * FIRST && most(30) > longest / 2);
        (0..40).for_each(|_| assert!(pauses.next(None) <= longest));
        pauses.reset();
        assert!(pauses.next(None) <= FIRST);
    }

    #[test]
    fn what_the_server_tells_is_waited_for() {
        let told = Duration::from_secs(7);
        let pause = Pauses::new(Duration::from_secs(1)).next(Some(told));
        assert!(pause >= told && pause <= told + FIRST);
    }
}
