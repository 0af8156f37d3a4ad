//! The wall clock, by which processes tell each other when something happened.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time since the Unix epoch; none before it.
pub fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Microseconds since the Unix epoch.
pub fn micros_since_epoch() -> u64 {
    since_epoch().as_micros() as u64
}
