//! Waiting for what must become true.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// After so long something has failed; nothing takes this long on purpose.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(10);

/// Asks again and again until there is an answer.
///
/// # Panics
/// If there is none within [`LIMIT`].
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(begun.elapsed() < LIMIT, "in vain waited for: {what}");
        sleep(STEP);
    }
}
