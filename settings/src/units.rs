//! Durations and sizes as people write them: `30s`, `64KiB`.

use std::time::Duration;

/// Parses `250ms`, `30s`, `1h 30m`; a bare `0` is allowed.
///
/// # Errors
/// Says what a duration looks like.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "a duration is a number and a unit, like 250ms or 30s".to_owned())
}

/// Parses a duration above zero.
///
/// # Errors
/// Says what a duration looks like.
pub fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("give more than 0s".into()),
        positive => Ok(positive),
    }
}

/// Parses `65536`, `64KiB`, `1MB` into bytes.
///
/// # Errors
/// Says what a size looks like.
pub fn size(text: &str) -> Result<usize, String> {
    let expected = || "a size is a number and a unit, like 64KiB or 1MB".to_owned();
    let parsed: bytesize::ByteSize = text.parse().map_err(|_| expected())?;
    usize::try_from(parsed.as_u64()).map_err(|_| expected())
}

/// A duration as it stands in help texts and messages.
pub fn show(duration: Duration) -> impl std::fmt::Display {
    humantime::format_duration(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_parse_or_say_what_is_right() {
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert!(duration("5").expect_err("no unit").contains("30s"));
        assert!(positive_duration("0s").is_err());
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(size("1MB"), Ok(1_000_000));
        assert_eq!(size("512"), Ok(512));
        assert!(size("lots").expect_err("no number").contains("64KiB"));
    }
}
