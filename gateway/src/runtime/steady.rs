//! A clock that nobody sets, for how long something took.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use protocol::clock::since_epoch;

/// When it was first looked at, by both clocks.
static START: LazyLock<(Instant, Duration)> = LazyLock::new(|| (Instant::now(), since_epoch()));

/// Microseconds by a clock that stood as the wall clock did when it was first looked at, and has gone
/// on evenly since, whatever the wall clock is set to.
pub(crate) fn steady_micros() -> u64 {
    let (start, then) = *START;
    (then + start.elapsed()).as_micros() as u64
}
