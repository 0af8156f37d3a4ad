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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_counts_from_the_epoch_in_its_units() {
        // From September 2020 to 2286: ten digits of seconds.
        let seconds = 1_600_000_000..10_000_000_000;
        assert!(seconds.contains(&since_epoch().as_secs()));
        assert!(seconds.contains(&(micros_since_epoch() / 1_000_000)));
    }
}
