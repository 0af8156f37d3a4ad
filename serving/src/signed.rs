//! Numbers as gauges take them.

/// A number as a gauge shows it; [`i64::MAX`] for one that is larger.
pub fn signed(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
