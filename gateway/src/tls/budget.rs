//! How much of a thread's time handshakes may take at a stretch.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// The most time, but for the last step, before everything else of the thread has its turn: a few
/// handshakes with an elliptic curve, or one with RSA.
const AT_A_STRETCH: Duration = Duration::from_micros(500);

/// What they have taken of it, in their turn; out of turn nothing is theirs.
#[derive(Debug, Default)]
pub(crate) struct Budget(Cell<Option<Duration>>);

impl Budget {
    /// Their turn begins.
    pub(crate) fn begin(&self) {
        self.0.set(Some(Duration::ZERO));
    }

    /// Their turn is over.
    pub(crate) fn end(&self) {
        self.0.set(None);
    }

    /// Whether a handshake may go on.
    pub(crate) fn has_time(&self) -> bool {
        self.0.get().is_some_and(|taken| taken < AT_A_STRETCH)
    }

    /// Does a step of one.
    pub(crate) fn spend<R>(&self, work: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = work();
        self.0.set(self.0.get().map(|taken| taken + start.elapsed()));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_when_its_time_is_spent() {
        let budget = Budget::default();
        assert!(!budget.has_time(), "out of turn");
        budget.begin();
        assert!(budget.has_time());
        budget.spend(|| std::thread::sleep(AT_A_STRETCH));
        assert!(!budget.has_time());
        budget.begin();
        assert!(budget.has_time());
        budget.end();
        budget.spend(|| ());
        assert!(!budget.has_time());
    }
}
