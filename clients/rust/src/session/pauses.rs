//! How long to wait before the next connection.

use std::time::Duration;

/// The longest first pause; doubled with every try that led to no session.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause of one's own choosing.
const LONGEST: Duration = Duration::from_secs(30);

/// Pauses that grow while no session can be opened.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    failures: u32,
}

impl Pauses {
    /// The next pause: what the server has told to wait, or longer if that did not help before; at
    /// random, so that clients that were cut off together do not come back together.
    pub(super) fn next(&mut self, was_held: bool, told: Option<Duration>) -> Duration {
        self.failures = if was_held { 0 } else { self.failures.saturating_add(1) };
        let most = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        let own = most.mul_f64(fastrand::f64());
        match told {
            // A server tells everybody something else already.
            Some(told) if self.failures <= 1 => told,
            Some(told) => told.max(own),
            None => own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_a_session_was_held() {
        let mut pauses = Pauses::default();
        let longest = |pauses: &mut Pauses, was_held| {
            (0..200).map(|_| Pauses { ..*pauses }.next(was_held, None)).max().unwrap_or_default()
        };
        assert!(longest(&mut pauses, true) <= FIRST);
        for _ in 0..20 {
            assert!(pauses.next(false, None) <= LONGEST);
        }
        assert!(longest(&mut pauses, false) > 10 * FIRST);
        assert!(longest(&mut pauses, true) <= FIRST);
    }

    #[test]
    fn what_the_server_tells_is_kept() {
        let told = Some(Duration::from_millis(1234));
        let mut pauses = Pauses::default();
        assert_eq!(pauses.next(true, told), Duration::from_millis(1234));
        assert_eq!(pauses.next(false, told), Duration::from_millis(1234));
        for _ in 0..20 {
            let pause = pauses.next(false, told);
            assert!(pause >= Duration::from_millis(1234) && pause <= LONGEST, "{pause:?}");
        }
    }
}
