//! Waiting for what must become true.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

/// After so long something has failed; nothing takes this long on purpose.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);
/// What a test starts is killed after so long, whatever has become of the test.
pub(crate) const LONGEST: Duration = Duration::from_secs(600);
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

/// Tells the threads of a scope that it is over when this is dropped: a scope waits for them also when
/// its test has failed, and they go on until they are told.
pub(crate) struct Telling<'a>(pub &'a AtomicBool);

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
